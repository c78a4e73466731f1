"""The one authority over what is in memory: every part of the program gets its models from here.

    async with ledger.lease("worker") as leased, aclosing(leased.engine.stream(messages)) as deltas:
        while (delta := await leased.guard(anext(deltas, None))) is not None: ...

The planner decides (`vram.planner`, pure), the runners load and unload, the book keeps what is so. All of it runs on
the event loop; nothing here blocks.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from types import MappingProxyType

import anyio
from anyio.abc import TaskStatus

from voxspark.errors import EngineError
from voxspark.events import MemoryPressed, ModelDegraded
from voxspark.protocols import Clock, Emit
from voxspark.vram.book import Book
from voxspark.vram.catalogue import Catalogue
from voxspark.vram.catalogue import Runner as Place
from voxspark.vram.hands import Hands
from voxspark.vram.leases import Leased, Waiter
from voxspark.vram.measured import MeasuredSizes
from voxspark.vram.planner import emergency, plan
from voxspark.vram.probes import Machine
from voxspark.vram.profiles import Profile
from voxspark.vram.runner import Runner
from voxspark.vram.state import KEEP, VOICE, WORK, Pressure, Request, Resident
from voxspark.vram.steps import Admit, Degrade, Evict, Plan, Refuse, Wait
from voxspark.vram.survey import Survey
from voxspark.vram.team import Rung, Team
from voxspark.vram.watchdog import Marks, Probe, Reading, judge, watch

KEEPER = "keep:"
"""Begins the ids of the ledger's own requests, for what the profile wants in memory."""

PIN_PRIORITY = 95
TICK_SECONDS = 1.0
LOOK_EVERY_TICKS = 2
PATIENCE_SECONDS = 30.0
"""Covers the load of a model of 25 GB."""

COMMAND_PATIENCE_SECONDS = 600.0
"""Somebody sits before a terminal and sees what happens."""


class Ledger:
    """Models of one profile in one memory."""

    def __init__(
        self,
        *,
        machine: Machine,
        profile: Profile,
        catalogue: Catalogue,
        runners: Mapping[Place, Runner],
        measured: MeasuredSizes,
        probe: Probe,
        emit: Emit,
        clock: Clock,
        evict_foreign: bool = False,
        scattered: Callable[[], bool] = lambda: False,
    ) -> None:
        """`evict_foreign`: models of other programs may be unloaded, as the least important of ours. `scattered`:
        whether free memory lies in pieces too small for a GPU driver."""
        self.machine = machine
        self.profile = profile
        self.book = Book(emit, clock)
        self.team = Team(profile, catalogue, measured)
        self.catalogue = catalogue
        self._runners = runners
        self._measured = measured
        self._probe = probe
        self._hands = Hands(self.book, catalogue, runners, probe, machine.budget, self.settle, scattered)
        self._survey = Survey(self.book, self._hands, runners, lambda: self.team, evict_foreign=evict_foreign)
        self._waiting: dict[str, Waiter] = {}
        self._unanswered: set[Waiter] = set()
        """Everybody who waits, for a load in progress too."""
        self._numbers = count(1)
        self._dismissed: set[str] = set()
        """Unloaded by hand: not loaded again before somebody wants them."""
        self._wake_at = math.inf
        self._running = False
        self._ended = False

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Keep the plan, until cancelled. Started once it knows what is in memory."""
        marks = Marks.above(self.machine.budget.floor_bytes)
        try:
            async with anyio.create_task_group() as group:
                self._hands.scope = group
                for runner in self._runners.values():
                    runner.on_lost(self._hands.lost)
                self.book.pressure = judge(await self._read(), marks)
                await self._survey.look()
                self._running = True
                group.start_soon(watch, self._read, self._pressed, marks)
                group.start_soon(self._tick)
                self.settle()
                task_status.started()
                await anyio.sleep_forever()
        finally:
            self._running, self._ended = False, True
            for waiter in self._unanswered:
                waiter.answer(_stopped())

    # ── leases ──────────────────────────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def lease(
        self,
        role: str,
        *,
        priority: int = VOICE,
        patience_seconds: float = PATIENCE_SECONDS,
        model: str = "",
        context_tokens: int = 0,
        without: Mapping[str, str] = MappingProxyType({}),
    ) -> AsyncGenerator[Leased, None]:
        """A model for a role, loaded if need be, kept in memory as long as the block lasts.

        `patience_seconds` is how long to rather wait than take less, `without` are models of no use, and why.
        Raises EngineError, with a sentence that can be spoken, when nothing can be had.
        """
        number = next(self._numbers)
        leased = await self._obtain(
            Request(
                id=f"{role}-{number}",
                role=role,
                at=anyio.current_time(),
                priority=priority,
                patience_seconds=patience_seconds,
                model=model,
                context_tokens=context_tokens,
                without=dict(without),
            )
        )
        try:
            yield leased
        finally:
            self._give_back(leased)

    async def _obtain(self, request: Request) -> Leased:
        wanted = self.team.ladder(request)[0]
        self._dismissed.discard(wanted.model)
        if self.book.cooling(wanted.model):  # who failed a moment ago will fail again: better less now than that
            request = replace(request, patience_seconds=0.0)
        if self._ended:
            raise _stopped()
        waiter = Waiter(request, wanted)
        self._waiting[request.id] = waiter
        self._unanswered.add(waiter)
        try:
            self.settle()
            if waiter.outcome is None:
                await waiter.answered.wait()
        except BaseException:
            self._withdraw(waiter)
            raise
        finally:
            self._unanswered.discard(waiter)
        match waiter.outcome:
            case EngineError() as error:
                raise type(error)(error.code, error.message, error.remedy) from error
            case Leased() as leased:
                return leased
            case _:
                raise AssertionError("answered with nothing")

    def _withdraw(self, waiter: Waiter) -> None:
        waiter.abandoned = True
        self._waiting.pop(waiter.request.id, None)
        if isinstance(waiter.outcome, Leased):
            self._give_back(waiter.outcome)

    def _give_back(self, leased: Leased) -> None:
        self.book.take_back(leased)
        resident = self.book.residents.get(leased.rung.model)
        if resident is not None and not resident.leases:
            self._hands.given_back(resident.model)
        if self._waiting:
            self.settle()

    @property
    def waiting(self) -> list[Waiter]:
        """Who waits for a model, those that nobody but the profile wants included."""
        return list(self._waiting.values())

    # ── by hand ─────────────────────────────────────────────────────────────────────────────────

    async def load(self, name: str) -> Resident:
        """Load a role's model, or a model by any of its names. Raises EngineError."""
        role, model = self._named(name)
        async with self.lease(role, model=model, priority=WORK, patience_seconds=COMMAND_PATIENCE_SECONDS) as leased:
            return self.book.residents[leased.rung.model]

    async def unload(self, name: str) -> tuple[str, int]:
        """Unload it and wait until it is gone: which it was, and the bytes it held. Raises EngineError, also for pinned
        models."""
        role, model = self._named(name)
        key = model or self.profile.roles[role].model
        resident = self.book.residents.get(key)
        if resident is None:
            raise EngineError("model-not-loaded", f"{self._name(key)} is not in memory.", "Look at: voxspark plan")
        if resident.pinned:
            raise EngineError(
                "model-pinned",
                f"{resident.name} is pinned by the profile {self.profile.key}.",
                'Choose another profile, or set hold = "resident" in a profile of your own.',
            )
        self._dismissed.add(key)
        if resident.state != "draining":
            self.book.decide(f"{resident.name} is unloaded by hand.")
            self._hands.evict(key, f"{resident.name} is unloaded by hand.", urgent=False)
        while (now := self.book.residents.get(key)) is not None and now.state == "draining":
            await anyio.sleep(0.02)
        if now is not None and now.stays_until > anyio.current_time():
            raise EngineError("model-stays", self.book.reason(key), "Look at: voxspark plan")
        return key, resident.bytes

    def try_again(self, id: str) -> None:
        """What kept a model (by its tag) from being loaded may be mended."""
        for model in [key for key in self.book.failures if self.catalogue.models[key].id == id]:
            del self.book.failures[model]
        self.settle()

    def _named(self, name: str) -> tuple[str, str]:
        """Role and, unless it is the role's own, model."""
        if name in self.profile.roles:
            return name, ""
        model = self.catalogue.find(name)
        for role, post in self.profile.roles.items():
            if post.model == model.key:
                return role, ""
        for role in model.roles:
            if role in self.profile.roles:
                return role, model.key
        raise EngineError(
            "role-unfilled",
            f"The profile {self.profile.key} has no use for {model.name}.",
            f"Add [roles.{model.roles[0]}] to a profile of your own.",
        )

    def _name(self, key: str) -> str:
        return self.catalogue.models[key].name

    # ── planning ────────────────────────────────────────────────────────────────────────────────

    def settle(self) -> None:
        """Plan for this moment and carry it out. Called whenever something has changed."""
        if not self._running:
            return
        self._keep()
        requests = [waiter.request for waiter in self._waiting.values()]
        self._carry_out(plan(self.machine.budget, self.team, self.book.memory(), requests, anyio.current_time()))

    def _keep(self) -> None:
        """Ask for what the profile wants in memory and is not, or smaller than it should be. These requests do not
        age: whoever really waits, or works, comes first."""
        now = anyio.current_time()
        for role in self.team.opening():
            rung, id = self.team.ladder(Request(id="", role=role, at=now))[0], f"{KEEPER}{role}"
            self._waiting.pop(id, None)
            present = self.book.residents.get(rung.model)
            if present is not None and (present.state != "resident" or rung.served_by(present)):
                continue
            if rung.model in self._dismissed or self.book.cooling(rung.model):
                continue
            priority = PIN_PRIORITY if rung.pinned else KEEP
            request = Request(id=id, role=role, at=now, priority=priority, patience_seconds=math.inf)
            self._waiting[id] = Waiter(request, rung, abandoned=True)

    def _carry_out(self, decided: Plan) -> None:
        for step in decided.steps:
            match step:
                case Evict(model, _, urgent=False) if self.book.residents[model].state == "loading":
                    pass  # a step before this one has begun to make what was found ready
                case Evict(model, reason, urgent):
                    self.book.decide(reason)
                    self._hands.evict(model, reason, urgent=urgent)
                case Admit() | Degrade():
                    self._grant(step)
                case Refuse(request, reason):
                    self._refuse(self._waiting.pop(request), reason)
                case Wait(request, reason, until):
                    self._waiting[request].reason = reason
                    self._wake(until)

    def _grant(self, step: Admit | Degrade) -> None:
        waiter, rung = self._waiting.pop(step.request), step.rung
        resident = self.book.residents.get(rung.model)
        if step.load:
            self.book.reserve(rung, step.reason)
        elif resident is not None and rung.model not in self.book.engines:
            if resident.state != "resident":  # a request before this one has begun to take it over
                self._waiting[step.request] = waiter
                return
            self.book.attach(rung, "It is in memory already.")
        else:
            self._lend(waiter, step)
            return
        if not waiter.abandoned:
            self.book.decide(step.reason)
            if isinstance(step, Admit):  # it waits on like everybody else: its patience may end before the load does
                self._waiting[step.request] = waiter
        self._hands.load(rung, lambda failure: self._loaded(waiter, step, failure))

    def _loaded(self, waiter: Waiter, step: Admit | Degrade, failure: EngineError | None) -> None:
        if failure is None:
            self._learn(step.rung)
            if waiter.outcome is None:
                self._waiting.pop(waiter.request.id, None)
                self._lend(waiter, step)
            return
        for other in [waiter, *self._waiting.values()]:
            if other.wanted.model == step.rung.model and self.book.cooling(step.rung.model):
                other.request = replace(other.request, patience_seconds=0.0)
        if not waiter.abandoned and waiter.outcome is None:
            self._waiting[waiter.request.id] = waiter

    def _learn(self, rung: Rung) -> None:
        """The next plan begins with what was read back."""
        if (read_back := self.book.engines[rung.model].bytes) is not None:
            self._measured.learn((rung.model, rung.context_tokens, rung.slots, self.profile.kv_type), read_back)
            self.team = Team(self.profile, self.catalogue, self._measured)

    def _lend(self, waiter: Waiter, step: Admit | Degrade) -> None:
        if waiter.abandoned:
            return
        leased = self.book.lend(step.rung, step.reason)
        if isinstance(step, Degrade):
            failure = self.book.cooling(waiter.wanted.model)
            leased.cause = failure.error.message if failure else step.cause
            reason = f"{leased.cause}{step.reason.removeprefix(step.cause)}"
            self.book.emit(ModelDegraded(self.book.now(), waiter.request.role, step.rung.model, reason))
        waiter.answer(leased)

    def _refuse(self, waiter: Waiter, reason: str) -> None:
        if waiter.abandoned:
            return
        if (failure := self.book.cooling(waiter.wanted.model)) is not None:
            waiter.answer(failure.error)
            return
        self.book.decide(reason)
        waiter.answer(EngineError("memory-short", reason, "Look at: voxspark plan"))

    def _wake(self, until: float | None) -> None:
        if until is not None and until < self._wake_at:
            self._wake_at = until
            self._hands.scope.start_soon(self._settle_at, until)

    async def _settle_at(self, when: float) -> None:
        await anyio.sleep_until(when)
        if self._wake_at == when:
            self._wake_at = math.inf
            self.settle()

    # ── watching ────────────────────────────────────────────────────────────────────────────────

    async def _read(self) -> Reading:
        reading = await self._probe()
        self.book.available_bytes = reading.available_bytes
        return reading

    async def _pressed(self, level: Pressure, reading: Reading) -> None:
        self.book.pressure = level
        self.book.emit(MemoryPressed(self.book.now(), level, reading.available_bytes))
        if level == "hard":
            self._hands.hurry()
            self._carry_out(emergency(self.machine.budget, self.book.memory(), anyio.current_time()))

    async def _tick(self) -> None:
        for tick in count(1):
            await anyio.sleep(TICK_SECONDS)
            if tick % LOOK_EVERY_TICKS == 0:
                await self._survey.look()
            self.settle()


def _stopped() -> EngineError:
    return EngineError("ledger-stopped", "VoxSpark is stopping.")
