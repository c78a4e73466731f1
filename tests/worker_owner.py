"""Owners of real workers, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from voxspark.engines.worker.host import Worker, WorkerChanged
from voxspark.engines.worker.life import Limits
from voxspark.errors import EngineError

MEBI = 1 << 20


class Told(list[WorkerChanged]):
    """The changes a worker told its owner."""

    @property
    def states(self) -> list[str]:
        return [f"{change.state} {change.reason.split(':')[0]}".strip() for change in self]

    async def gone(self) -> None:
        """Return when a process is gone."""
        while not any(change.state == "gone" for change in self):
            await anyio.sleep(0.005)


@asynccontextmanager
async def running(
    told: Told | None = None, limits: Limits | None = None, error: type[EngineError] = EngineError, **config: Any
) -> AsyncIterator[Worker]:
    """A worker, in a test that takes 20 s at most."""
    on_change = (told if told is not None else Told()).append
    worker = Worker(
        "tests.worker_target:Engine", config, name="test engine", error=error, on_change=on_change, limits=limits
    )
    with anyio.fail_after(20):
        async with worker.running():
            yield worker


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def dead(pid: int) -> None:
    while alive(pid):
        await anyio.sleep(0.005)


async def failure(worker: Worker, method: str, **params: Any) -> EngineError:
    with pytest.raises(EngineError) as caught:
        await worker.call(method, params)
    return caught.value
