"""Carries out what the planner decided: loads and unloads, each in a task of its own, through the runners."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeVar

import anyio
from anyio.abc import TaskGroup

from voxspark.errors import EngineError
from voxspark.vram.book import Book
from voxspark.vram.catalogue import Catalogue
from voxspark.vram.catalogue import Runner as Place
from voxspark.vram.runner import Loaded, Runner
from voxspark.vram.state import DRAIN_SECONDS, Budget, Resident
from voxspark.vram.team import Rung
from voxspark.vram.watchdog import Probe, Reading, recovered

log = logging.getLogger(__name__)

T = TypeVar("T")

RECOVERY_SECONDS: Mapping[Place, float] = {"ollama": 60.0, "worker": 60.0, "engine": 2.0}
"""How long memory may take to come back: up to a minute on a DGX Spark (spark.md 1.4). Inside the daemon the allocator
keeps some of it anyway."""

STILL_BYTES = 64 << 20
"""Less growth than this in half a second is the rest of the machine at work, not a model that leaves."""

STUCK_SECONDS = 30.0
"""How long a model that could not be unloaded is left in peace."""

COMPACT = "Free memory lies in small pieces; run: echo 1 | sudo tee /proc/sys/vm/compact_memory"
"""A GPU driver then fails whatever MemAvailable says (spark.md 1.4)."""

Then = Callable[[EngineError | None], None]
"""Told how a load went, before anybody plans on."""


class Hands:
    """`on_change` is called when a load or an unload has ended."""

    def __init__(
        self,
        book: Book,
        catalogue: Catalogue,
        runners: Mapping[Place, Runner],
        probe: Probe,
        budget: Budget,
        on_change: Callable[[], None],
        scattered: Callable[[], bool],
    ) -> None:
        self.scope: TaskGroup
        """Where the tasks live; set by whoever runs the ledger."""
        self.steps = 0
        """Loads and unloads begun or ended so far: whoever looks at the runners sees whether its look is still true."""
        self._book = book
        self._catalogue = catalogue
        self._runners = runners
        self._probe = probe
        self._budget = budget
        self._on_change = on_change
        self._scattered = scattered
        self._loads: dict[str, anyio.CancelScope] = {}
        self._idle: dict[str, anyio.Event] = {}
        self._went: set[str] = set()
        """Lost while others still used them, though they were to leave."""
        self._recoveries: set[anyio.CancelScope] = set()

    def place(self, model: str) -> Place:
        """Where a model lives; what the catalogue does not know was found in Ollama."""
        known = self._catalogue.models.get(model)
        return known.runner if known else "ollama"

    # ── in ──────────────────────────────────────────────────────────────────────────────────────

    def load(self, rung: Rung, then: Then) -> None:
        """Begin a load for which the book has an entry."""
        self.steps += 1
        self._loads[rung.model] = scope = anyio.CancelScope()
        self._book.move(rung.model, "loading", f"{rung.name} is being loaded.")
        self.scope.start_soon(self._load, rung, scope, then)

    async def _load(self, rung: Rung, scope: anyio.CancelScope, then: Then) -> None:
        began = anyio.current_time()
        loaded: Loaded | None = None
        failure: EngineError | None = None
        gone = True
        with scope:
            try:
                loaded = await self._load_by(rung)
                self._book.available_bytes = (await self._probe()).available_bytes
            except EngineError as error:
                failure, gone = self._explained(error), not await self._still_there(rung.model)
        self.steps += 1
        del self._loads[rung.model]
        if scope.cancel_called:  # the load may have been too far on to notice
            evicted = EngineError("model-evicted", f"{rung.name} had to make room while it was being loaded.")
            if self._book.pressure == "hard":  # it may be what takes more than it should
                self._book.cool(rung.model, evicted)
            then(evicted)
            await self._leave(rung.model, whole=loaded is not None)
            return
        if failure is not None:
            self._book.fail(rung, failure, gone=gone)
        elif loaded is not None:
            self._arrive(rung, loaded, began)
        then(failure)
        self._on_change()

    async def _load_by(self, rung: Rung) -> Loaded:
        runner = self._runners.get(self.place(rung.model))
        if runner is None:
            raise EngineError("model-no-runner", f"Nothing here can run {rung.name}.")
        return await _bounded(runner.load(rung), rung.name, "load")

    def _explained(self, error: EngineError) -> EngineError:
        """Memory may be there and still be of no use."""
        if error.code.endswith("out-of-memory") and self._scattered():
            return type(error)(error.code, error.message, COMPACT)
        return error

    async def _still_there(self, model: str) -> bool:
        """Of what was found in memory: whether it is there for others, though we could not have it."""
        if not self._book.residents[model].seen_bytes:
            return False
        look = await self._runners[self.place(model)].look()
        return look is not None and model in look.present

    def _arrive(self, rung: Rung, loaded: Loaded, began: float) -> None:
        now = anyio.current_time()
        found = bool(self._book.residents[rung.model].seen_bytes)
        self._book.failures.pop(rung.model, None)
        self._book.engines[rung.model] = loaded
        self._book.move(
            rung.model,
            "resident",
            f"{rung.name} is in memory, {_because(self._book.residents[rung.model])}.",
            bytes=loaded.bytes or rung.bytes,
            loaded_at=now,
            last_used_at=now,
            load_seconds=rung.load_seconds if found else now - began,
            seen_bytes=0,
            leases=0,
        )

    # ── out ─────────────────────────────────────────────────────────────────────────────────────

    def evict(self, model: str, reason: str, *, urgent: bool) -> None:
        """Begin to take it out of memory."""
        self._book.move(model, "draining", reason)
        if (loading := self._loads.get(model)) is not None:
            loading.cancel()
        else:
            self.scope.start_soon(self._drain, model, urgent)

    def given_back(self, model: str) -> None:
        """Nobody uses it any more."""
        if (idle := self._idle.get(model)) is not None:
            idle.set()

    def lost(self, model: str, reason: str) -> None:
        """It went by itself: what it held is on its way back."""
        resident = self._book.residents.get(model)
        if resident is not None and resident.state == "resident":
            self._book.decide(reason)
            self._book.move(model, "draining", reason)
            self._book.forget_leases(model)
            self.scope.start_soon(self._recover, model)
        elif model in self._idle:
            self._book.forget_leases(model)
            self._went.add(model)
            self._idle[model].set()

    def hurry(self) -> None:
        """The machine runs out of memory: who uses a model that leaves is cut off, and nobody waits for its memory."""
        for idle in self._idle.values():
            idle.set()
        for recovery in self._recoveries:
            recovery.cancel()

    async def _drain(self, model: str, urgent: bool) -> None:
        if self._book.residents[model].leases and not urgent:
            self._idle[model] = anyio.Event()
            with anyio.move_on_after(DRAIN_SECONDS):
                await self._idle[model].wait()
            del self._idle[model]
        self._book.revoke_leases(model)
        whole = model not in self._went
        self._went.discard(model)
        await self._leave(model, whole=whole)

    async def _leave(self, model: str, *, whole: bool) -> None:
        """`whole`: all its memory is still taken, so what must come back is known."""
        self.steps += 1
        before = await self._probe() if whole else None
        resident = self._book.residents[model]
        try:
            if (runner := self._runners.get(self.place(model))) is not None:
                await _bounded(runner.unload(model), resident.name, "unload")
        except EngineError as error:
            log.warning("%s cannot be unloaded: %s", model, error)
            now = anyio.current_time()
            self._book.engines.pop(model, None)
            self._book.move(
                model, "resident", error.message, last_used_at=now, stays_until=now + STUCK_SECONDS, leases=0
            )
            await self._settled()
        else:
            await self._recover(model, before)

    async def _recover(self, model: str, before: Reading | None = None) -> None:
        """Its memory comes back at once or within a minute. `before`: a reading with all of it taken; without one, how
        much of it was back already cannot be told."""
        resident, seconds = self._book.residents[model], RECOVERY_SECONDS[self.place(model)]
        if self._measured(resident):
            with anyio.move_on_after(seconds) as recovery:
                self._recoveries.add(recovery)
                if before is None:
                    await self._free_again()
                else:
                    await recovered(before, resident.bytes, self._beside(resident), within_seconds=seconds)
            self._recoveries.discard(recovery)
        self._book.release(model, self._book.reason(model))
        await self._settled()

    def _measured(self, resident: Resident) -> bool:
        """Whether it lives in the memory that the probe reads."""
        return self._budget.pool(resident.device) == "gpu"

    def _beside(self, leaving: Resident) -> Probe:
        """Readings without what loads beside it may have taken meanwhile."""
        began = anyio.current_time()
        on_their_way = {model for model in self._loads if model != leaving.model}

        async def probe() -> Reading:
            reading, others = await self._probe(), self._book.residents.values()
            come = [r for r in others if (r.model in on_their_way or r.loaded_at >= began) and self._measured(r)]
            if reading.available_bytes is None:
                return reading
            return replace(reading, available_bytes=reading.available_bytes + sum(r.bytes for r in come))

        return probe

    async def _free_again(self) -> None:
        """Until what the machine says is free grows no more."""
        last = 0
        while (now := (await self._probe()).available_bytes) is not None and now > last + STILL_BYTES:
            last = now
            await anyio.sleep(0.5)

    async def _settled(self) -> None:
        self.steps += 1
        self._book.available_bytes = (await self._probe()).available_bytes
        self._on_change()


async def _bounded(work: Awaitable[T], name: str, verb: str) -> T:
    """The boundary of an engine, which may be anybody's: its errors become ours."""
    try:
        return await work
    except EngineError:
        raise
    except Exception as error:
        log.debug("to %s %s failed", verb, name, exc_info=True)
        raise EngineError(
            f"model-{verb}-failed",
            f"{name} could not be {verb}ed.",
            f"The log at level debug has the details ({type(error).__name__}).",
        ) from error


def _because(resident: Resident) -> str:
    if resident.pinned:
        return f"pinned as {resident.role}"
    return f"kept by the profile as {resident.role}" if resident.kept else f"asked for as {resident.role}"
