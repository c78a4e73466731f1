"""A daemon that is asked again and again is as large afterwards as before."""

from __future__ import annotations

import select
from pathlib import Path

import anyio
import pytest

from tests.daemon_process import private_env, running_daemon
from voxspark.control.client import connect

QUESTIONS = ("What time is it?", "Set a timer for two seconds.", "What is 17 times 4?", "Cancel the timer.", "Stop.")
TIMES = 300


@pytest.mark.real
def test_three_hundred_questions_leave_nothing_behind(tmp_path: Path) -> None:
    env = private_env(tmp_path)
    with running_daemon(env, "--microphone", "null", "--speaker", "null") as daemon:
        process = Path("/proc") / str(daemon.pid)
        anyio.run(ask, tmp_path, 30)
        before = settled(process)
        anyio.run(ask, tmp_path, TIMES)
        after = settled(process)
        ended = daemon.of("turn_ended")
        assert len(ended) >= TIMES
        assert not [event for event in ended if event["outcome"] == "failed"]
    descriptors, threads, resident_bytes = (now - then for now, then in zip(after, before, strict=True))
    assert (descriptors, threads) == (0, 0)
    assert resident_bytes < 20 << 20


async def ask(home: Path, times: int) -> None:
    """Each over a connection of its own."""
    for number in range(times):
        async with connect(home / "run" / "voxspark" / "voxspark.sock") as client:
            async for _ in client.ask(QUESTIONS[number % len(QUESTIONS)], aloud=False):
                pass


def settled(process: Path) -> tuple[int, int, int]:
    """The least of some looks: the last connection is just being closed, a voice may just be tested."""
    sizes = []
    for _ in range(20):
        sizes.append(size_of(process))
        select.select([], [], [], 0.1)
    return min(sizes)


def size_of(process: Path) -> tuple[int, int, int]:
    """File descriptors, threads, and bytes in memory."""
    pages = int((process / "statm").read_text().split()[1])
    return len(list((process / "fd").iterdir())), len(list((process / "task").iterdir())), pages * 4096
