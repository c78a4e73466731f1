"""A machine for the ledger: memory that models take and give back, in virtual time, and runners that move them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import anyio
import anyio.lowlevel

from tests.vram_teams import CATALOGUE, TEAMS
from voxspark.errors import EngineError
from voxspark.events import Event, ModelChanged
from voxspark.vram.catalogue import Runner as Place
from voxspark.vram.leases import Waiter
from voxspark.vram.ledger import Ledger
from voxspark.vram.measured import MeasuredSizes
from voxspark.vram.probes import Machine
from voxspark.vram.runner import Loaded, Look, Lost, Seen
from voxspark.vram.state import Foreign
from voxspark.vram.team import Rung
from voxspark.vram.watchdog import Reading

LOAD_SECONDS, UNLOAD_SECONDS = 4.0, 0.5

HELD = {"gpt-oss-120b", "qwen3-8b", "qwen3-vl-8b", "nomic-embed-v2", "csm-1b", "whisper-turbo"}
"""What `everyday` keeps in memory."""

BROKEN = EngineError("model-broken", "The file is broken.", "Pull it again.")


async def ask(ledger: Ledger, role: str, seconds: float = 0.0, **wants: object) -> str:
    """Hold a lease for some time; which model it was."""
    async with ledger.lease(role, **wants) as leased:  # type: ignore[arg-type]
        await leased.guard(anyio.sleep(seconds))
        return str(leased.engine.model)


def people(ledger: Ledger) -> list[Waiter]:
    """Who waits, but for the ledger itself."""
    return [waiter for waiter in ledger.waiting if not waiter.abandoned]


@dataclass(eq=False)
class Engine:
    """What a lease gives in these tests."""

    model: str
    context_tokens: int


@dataclass(eq=False)
class World:
    """Everything that a test turns and looks at."""

    team: str = "everyday"
    evict_foreign: bool = False
    scattered: bool = False
    measured_file: Path = Path("/proc/nothing/measured.json")
    present: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Models in memory: bytes and context."""
    beside: set[str] = field(default_factory=set)
    """Those of them that are in the host's memory, beside a discrete GPU."""
    foreign: dict[str, int] = field(default_factory=dict)
    late: int = 0
    """Bytes of unloaded models that the machine does not show as free yet."""
    late_seconds: float = 0.0
    fails: dict[str, list[EngineError]] = field(default_factory=dict)
    """The next loads of a model fail with these."""
    slow: dict[str, float] = field(default_factory=dict)
    """Seconds that the loads of a model take longer than others."""
    stubborn: dict[str, Exception] = field(default_factory=dict)
    """Models whose first load, when it is cancelled, fails with this instead."""
    probe_seconds: float = 0.0
    """How long a reading takes, whoever cancels it."""
    stays: set[str] = field(default_factory=set)
    """Models that cannot be unloaded."""
    stays_with: Exception = EngineError("model-stays", "Ollama does not let go of it.")  # noqa: RUF009
    takes: dict[str, int] = field(default_factory=dict)
    """What a model really takes, where it is not what the plan says."""
    away: set[Place] = field(default_factory=set)
    silent: bool = False
    """The runners do not tell what they hold."""
    extra: int = 0
    """Bytes that something else on this machine has taken."""
    pressure_percent: float = 0.0
    blind: bool = False
    """The machine does not tell what is free."""
    greedy: bool = False
    """Something else takes all that is given back: a quarter of the floor is left, whatever leaves."""
    loads: list[str] = field(default_factory=list)
    unloads: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    witness: Callable[[Ledger, Event], None] = lambda _ledger, _event: None
    """Sees the book at every event."""
    most_bytes: int = 0
    """The highest sum of what models held at once."""

    def __post_init__(self) -> None:
        self.budget = TEAMS[self.team][1]
        self.runners = {place: FakeRunner(self, place) for place in get_args(Place)}

    def available(self) -> int:
        if self.greedy:
            return self.budget.floor_bytes // 4
        return (self.budget.usable_bytes or self.budget.total_bytes) - self.held() - self.late - self.extra

    def held(self) -> int:
        """Bytes that models hold, ours and those of others."""
        ours = sum(size for model, (size, _) in self.present.items() if model not in self.beside)
        return ours + sum(self.foreign.values())

    async def probe(self) -> Reading:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(self.probe_seconds)
        return Reading(None) if self.blind else Reading(self.available(), self.pressure_percent)

    @asynccontextmanager
    async def ledger(self, *, settled: bool = True) -> AsyncIterator[Ledger]:
        """A running ledger; `settled`: what the profile keeps is in memory."""
        team, budget = TEAMS[self.team]

        def emit(event: Event) -> None:
            self.events.append(event)
            self.witness(ledger, event)

        ledger = Ledger(
            machine=Machine("unified" if budget.unified else "discrete", budget, "A machine for tests."),
            profile=team.profile,
            catalogue=CATALOGUE,
            runners=self.runners,
            measured=MeasuredSizes(self.measured_file),
            probe=self.probe,
            emit=emit,
            clock=anyio.current_time,
            evict_foreign=self.evict_foreign,
            scattered=lambda: self.scattered,
        )
        async with anyio.create_task_group() as group:
            await group.start(ledger.run)
            if settled:
                await anyio.sleep(60.0)
            yield ledger
            group.cancel_scope.cancel()

    def states(self, model: str) -> list[str]:
        """The states a model went through, as the events tell."""
        return [e.state for e in self.events if isinstance(e, ModelChanged) and e.model == model]

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def note(self) -> None:
        self.most_bytes = max(self.most_bytes, self.held())

    def crash(self, model: str) -> None:
        """Its process dies, and says so."""
        del self.present[model]
        place = CATALOGUE.models[model].runner
        self.runners[place].lost(model, f"{CATALOGUE.models[model].name} crashed.")


class FakeRunner:
    """Takes and gives back the world's memory."""

    def __init__(self, world: World, place: Place) -> None:
        self._world = world
        self._place = place
        self.lost: Lost = lambda _model, _reason: None

    async def load(self, rung: Rung) -> Loaded:
        world = self._world
        world.loads.append(rung.model)
        if self._place in world.away:
            raise EngineError("ollama-unreachable", "Ollama does not answer.", "Start it with: ollama serve")
        if world.fails.get(rung.model):
            raise world.fails[rung.model].pop(0)
        if (there := world.present.get(rung.model)) and there[1] == rung.context_tokens:
            return Loaded(Engine(rung.model, rung.context_tokens), there[0])  # as Ollama: the same options
        size = world.takes.get(rung.model, rung.bytes)
        world.present[rung.model] = (size, rung.context_tokens)
        (world.beside.add if world.budget.pool(rung.device) == "cpu" else world.beside.discard)(rung.model)
        world.note()
        try:
            await anyio.sleep(LOAD_SECONDS + world.slow.get(rung.model, 0.0))
        except BaseException:
            world.present.pop(rung.model, None)
            if rung.model in world.stubborn:
                raise world.stubborn.pop(rung.model) from None
            raise
        if rung.model not in world.present:
            raise EngineError("model-gone", f"{rung.name} went while it was loaded.")
        return Loaded(Engine(rung.model, rung.context_tokens), size)

    async def unload(self, model: str) -> None:
        world = self._world
        world.unloads.append(model)
        await anyio.sleep(UNLOAD_SECONDS)
        if model in world.stays:
            raise world.stays_with
        size, _ = world.present.pop(model, (0, 0))
        size = world.foreign.pop(model, 0) + (0 if model in world.beside else size)
        if world.late_seconds:
            world.late += size
            await anyio.lowlevel.checkpoint()
            asyncio_later(world, size)

    async def look(self) -> Look | None:
        world = self._world
        if world.silent:
            return None
        if self._place in world.away:
            return Look(away=True)
        mine = {m: held for m, held in world.present.items() if CATALOGUE.models[m].runner == self._place}
        foreign = tuple(Foreign(name, size) for name, size in world.foreign.items()) if self._place == "ollama" else ()
        return Look({model: Seen(*held) for model, held in mine.items()}, foreign)

    def on_lost(self, lost: Lost) -> None:
        self.lost = lost


def asyncio_later(world: World, size: int) -> None:
    """The machine shows the memory as free only later."""
    import asyncio

    def back() -> None:
        world.late -= size

    asyncio.get_running_loop().call_later(world.late_seconds, back)
