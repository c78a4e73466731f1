"""Carries out what the planner decided: loads and unloads, each in a task of its own, through the runners."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import anyio
from anyio.abc import TaskGroup

from voxspark.errors import EngineError
from voxspark.vram.book import Book
from voxspark.vram.catalogue import Catalogue
from voxspark.vram.catalogue import Runner as Place
from voxspark.vram.runner import Loaded, Runner
from voxspark.vram.state import DRAIN_SECONDS, Resident
from voxspark.vram.team import Rung
from voxspark.vram.watchdog import Probe, recovered

log = logging.getLogger(__name__)

RECOVERY_SECONDS: Mapping[Place, float] = {"ollama": 60.0, "worker": 60.0, "engine": 2.0}
"""How long memory may take to come back: up to a minute on a DGX Spark (spark.md 1.4). Inside the daemon the allocator
keeps some of it anyway."""

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
        on_change: Callable[[], None],
    ) -> None:
        self.scope: TaskGroup
        """Where the tasks live; set by whoever runs the ledger."""
        self.steps = 0
        """Loads and unloads begun or ended so far: whoever looks at the runners sees whether its look is still true."""
        self._book = book
        self._catalogue = catalogue
        self._runners = runners
        self._probe = probe
        self._on_change = on_change
        self._loads: dict[str, anyio.CancelScope] = {}
        self._idle: dict[str, anyio.Event] = {}

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
        failure: EngineError | None = None
        with scope:
            try:
                loaded = await self._loaded(rung)
                self._book.available_bytes = (await self._probe()).available_bytes
            except EngineError as error:
                failure = error
        self.steps += 1
        del self._loads[rung.model]
        if scope.cancelled_caught:
            then(EngineError("model-evicted", f"{rung.name} had to make room while it was being loaded."))
            await self._leave(rung.model)
            return
        if failure is not None:
            self._book.fail(rung, failure)
        else:
            self._arrive(rung, loaded, began)
        then(failure)
        self._on_change()

    async def _loaded(self, rung: Rung) -> Loaded:
        runner = self._runners.get(self.place(rung.model))
        if runner is None:
            raise EngineError("model-no-runner", f"Nothing here can run {rung.name}.")
        try:
            return await runner.load(rung)
        except EngineError:
            raise
        except Exception as error:  # the boundary of an engine, which may be anybody's
            log.debug("loading %s failed", rung.model, exc_info=True)
            raise EngineError(
                "model-load-failed",
                f"{rung.name} could not be loaded.",
                f"The log at level debug has the details ({type(error).__name__}).",
            ) from error

    def _arrive(self, rung: Rung, loaded: Loaded, began: float) -> None:
        now = anyio.current_time()
        self._book.failures.pop(rung.model, None)
        self._book.engines[rung.model] = loaded
        self._book.move(
            rung.model,
            "resident",
            f"{rung.name} is in memory, {_because(self._book.residents[rung.model])}.",
            bytes=loaded.bytes or rung.bytes,
            loaded_at=now,
            last_used_at=now,
            load_seconds=now - began,
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

    async def _drain(self, model: str, urgent: bool) -> None:
        if self._book.residents[model].leases and not urgent:
            self._idle[model] = anyio.Event()
            with anyio.move_on_after(DRAIN_SECONDS):
                await self._idle[model].wait()
            del self._idle[model]
        self._book.revoke_leases(model)
        await self._leave(model)

    async def _leave(self, model: str) -> None:
        self.steps += 1
        before = await self._probe()
        try:
            await self._runners[self.place(model)].unload(model)
        except EngineError as error:
            log.warning("%s cannot be unloaded: %s", model, error)
            self._book.engines.pop(model, None)
            self._book.move(model, "resident", error.message, last_used_at=anyio.current_time(), leases=0)
        else:
            await recovered(
                before,
                self._book.residents[model].bytes,
                self._probe,
                within_seconds=RECOVERY_SECONDS[self.place(model)],
            )
            self._book.release(model, self._book.reason(model))
        await self._settled()

    async def _recover(self, model: str) -> None:
        """A crash gives its memory back at once or within a minute; how much of it was back already cannot be told."""
        with anyio.move_on_after(RECOVERY_SECONDS[self.place(model)]):
            await self._free_again(model)
        self._book.release(model, self._book.reason(model))
        await self._settled()

    async def _free_again(self, model: str) -> None:
        """Until what the machine says is free fits what the book says, or grows no more."""
        last = -1
        while (now := (await self._probe()).available_bytes) is not None and now > last:
            last = now
            await anyio.sleep(0.5)

    async def _settled(self) -> None:
        self.steps += 1
        self._book.available_bytes = (await self._probe()).available_bytes
        self._on_change()


def _because(resident: Resident) -> str:
    if resident.pinned:
        return f"pinned as {resident.role}"
    return f"kept by the profile as {resident.role}" if resident.kept else f"asked for as {resident.role}"
