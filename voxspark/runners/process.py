"""Engines in worker processes: what holds GPU memory or may hang. Killing the process gives the memory back."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup, TaskStatus

from voxspark.config import Config
from voxspark.engines.worker.host import MemoryUse, Worker, WorkerChanged
from voxspark.engines.worker.life import UNLOADED
from voxspark.engines.worker.remote import RemoteChat, adapter_for, worker_for
from voxspark.errors import EngineError
from voxspark.roster import Roster, kind_of
from voxspark.runners.local import no_engine
from voxspark.runners.priming import Priming
from voxspark.runners.settings import settings_for
from voxspark.vram.catalogue import Model
from voxspark.vram.probes import Gpu, GpuReader, Unknown
from voxspark.vram.runner import CUDA_CONTEXT_BYTES, Loaded, Look, Lost, Seen
from voxspark.vram.team import Rung

log = logging.getLogger(__name__)

NOT_COMMERCIAL = re.compile(r"\bNC\b|non-?commercial", re.IGNORECASE)
"""In a licence: as Creative Commons and Black Forest Labs write it."""


@dataclass(eq=False)
class Hosted:
    """A worker with the scope that it lives in."""

    worker: Worker
    scope: anyio.CancelScope
    context_tokens: int


class ProcessRunner:
    """See `vram.runner.Runner`. Workers live as long as `run` does."""

    def __init__(self, config: Config, roster: Roster, priming: Priming, gpus: GpuReader) -> None:
        self._config = config
        self._roster = roster
        self._priming = priming
        self._gpus = gpus
        self._hosted: dict[str, Hosted] = {}
        self._terms_told: set[str] = set()
        self._lost: Lost = lambda _model, _reason: None
        self._scope: TaskGroup

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        async with anyio.create_task_group() as self._scope:
            task_status.started()
            await anyio.sleep_forever()

    async def load(self, rung: Rung) -> Loaded:
        """Start the process, load and run the engine once, and ask what it takes."""
        model = self._roster.catalogue.models[rung.model]
        kind = kind_of(rung.role)
        if not model.engine or kind == "embed":
            raise no_engine(model.name)
        self._tell_terms(model)
        settings = settings_for(self._config, self._roster, rung)
        worker = worker_for(kind, model.engine, settings, on_change=partial(self._changed, rung.model))
        hosted = Hosted(worker, anyio.CancelScope(), rung.context_tokens)
        await self._scope.start(self._host, hosted)
        try:
            await worker.load()
            engine = adapter_for(kind, worker)
            if isinstance(engine, RemoteChat):
                await self._priming.warm(engine, model, rung)
            size_bytes = await self._taken(worker)
        except BaseException:
            with anyio.CancelScope(shield=True), suppress(EngineError):  # a stuck one: it says why by itself
                await worker.unload()
            hosted.scope.cancel()
            raise
        self._hosted[rung.model] = hosted
        return Loaded(engine, size_bytes)

    async def unload(self, model: str) -> None:
        """Kill the process; returns when it is dead."""
        hosted = self._hosted.pop(model, None)
        if hosted is None:
            return
        try:
            await hosted.worker.unload()
        finally:
            hosted.scope.cancel()

    async def look(self) -> Look | None:
        """Workers whose process is alive."""
        alive = {model: hosted for model, hosted in self._hosted.items() if hosted.worker.pid is not None}
        return Look({model: Seen(0, hosted.context_tokens) for model, hosted in alive.items()})

    def on_lost(self, lost: Lost) -> None:
        """Told when a process dies against our will."""
        self._lost = lost

    async def _host(self, hosted: Hosted, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        with hosted.scope:
            async with hosted.worker.running():
                task_status.started()
                await anyio.sleep_forever()

    def _tell_terms(self, model: Model) -> None:
        """Once, where a model is not for every purpose."""
        if NOT_COMMERCIAL.search(model.licence) and model.key not in self._terms_told:
            self._terms_told.add(model.key)
            log.warning("%s is not for commercial use: %s", model.name, model.licence)

    async def _taken(self, worker: Worker) -> int:
        gpus = await anyio.to_thread.run_sync(self._gpus.read)
        return total_bytes(await worker.memory(), () if isinstance(gpus, Unknown) else gpus, worker.pid)

    def _changed(self, model: str, change: WorkerChanged) -> None:
        wanted = change.reason.startswith(UNLOADED.code)
        if change.state == "gone" and not wanted and (hosted := self._hosted.pop(model, None)) is not None:
            hosted.scope.cancel()
            name = self._roster.catalogue.models[model].name
            self._lost(model, f"{name} {'crashed' if change.failed else 'did not stop and was ended'}.")


def total_bytes(use: MemoryUse, gpus: Sequence[Gpu], pid: int | None) -> int:
    """By the driver where it lists the process (not from inside a container, nor on every system), else by torch.

    On a GPU with memory of its own the host's is not counted: it is not of the same pool.
    """
    told = [(gpu, held) for gpu in gpus if pid and isinstance(held := gpu.used_bytes_of(pid), int) and held]
    torch_bytes = use.gpu_reserved_bytes + CUDA_CONTEXT_BYTES * bool(use.gpu_reserved_bytes)
    on_gpu = sum(held for _, held in told) or torch_bytes
    own_memory = bool(told) and not any(gpu.integrated for gpu, _ in told)
    return on_gpu + use.resident_bytes * (not own_memory)
