"""What the ledger holds to at every event, whatever hypothesis and chance do to it and to the machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import anyio
import pytest
from anyio.abc import TaskGroup
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.virtual_time import run_virtual
from tests.vram_teams import CATALOGUE
from tests.vram_teams import TEAMS as TEAM_OF
from tests.vram_world import BROKEN, World
from voxspark.errors import EngineError
from voxspark.events import Event, ModelChanged
from voxspark.vram.leases import Leased
from voxspark.vram.ledger import Ledger
from voxspark.vram.state import SWARM, VOICE, WORK, Device, Resident
from voxspark.vram.team import Rung

NEXT_STATES = {
    "": {"reserved", "resident"},
    "reserved": {"loading"},
    "loading": {"resident", "draining", "released"},
    "resident": {"draining", "reserved"},
    "draining": {"released", "resident"},
    "released": {"reserved", "resident"},
}
"""`resident` from nothing: found there. `reserved` from resident: what was found is made ready."""

OF_ITSELF = ("crashed", "is gone", "running out of memory")
"""Why a pinned model leaves."""

TEAMS = ["everyday-bundled", "full-power", "workstation-24gb", "laptop-8gb"]

PATIENCE = [0.0, 10.0, 600.0]
CONTEXTS = [0, 0, 0, 4096, 16_384]


@dataclass
class Witness:
    """Checks the book at every event."""

    before: dict[str, str] = field(default_factory=dict)
    entries: dict[str, Resident] = field(default_factory=dict)

    def __call__(self, ledger: Ledger, event: Event) -> None:
        if not isinstance(event, ModelChanged):
            return
        came_from = self.before.get(event.model, "")
        assert event.state in NEXT_STATES[came_from], f"{event.model}: {came_from} to {event.state}"
        self.before[event.model] = event.state
        if event.state == "reserved" and came_from != "resident":
            self._has_room(ledger, ledger.book.residents[event.model].device)
        if event.state == "draining":
            self._may_leave(self.entries[event.model], event)
        self.entries = dict(ledger.book.residents)

    @staticmethod
    def _has_room(ledger: Ledger, device: Device) -> None:
        budget, book = ledger.machine.budget, ledger.book
        pool = budget.pool(device)
        held = sum(r.bytes for r in book.residents.values() if budget.pool(r.device) == pool)
        others = sum(each.bytes for each in book.foreign) if pool == "gpu" else 0
        assert held + others <= budget.pool_bytes(pool)

    @staticmethod
    def _may_leave(leaving: Resident, event: ModelChanged) -> None:
        if leaving.pinned:
            assert any(why in event.reason for why in OF_ITSELF), event.reason
        if "make room" in event.reason:
            assert event.at >= leaving.settled_at, "it has only just come"


@dataclass
class Life:
    """A ledger, people who ask, and a machine on which things happen."""

    world: World
    ledger: Ledger
    people: TaskGroup
    asked: int = 0
    ended: int = 0
    dismissed: set[str] = field(default_factory=set)
    """Unloaded by hand once: not loaded again unless somebody asks."""

    def happen(self, event: tuple[object, ...]) -> None:
        world = self.world
        models = sorted(world.present)
        match event:
            case ("ask", int(who), int(priority), float(patience), int(context), float(holds), float(gives_up)):
                self.people.start_soon(self._ask, who, priority, patience, context, holds, gives_up)
            case ("unload", int(which)) if models:
                self.people.start_soon(self._by_hand, models[which % len(models)])
            case ("crash", int(which)) if models:
                world.crash(models[which % len(models)])
            case ("vanish", int(which)) if models:
                self._vanish(models[which % len(models)])
            case ("fail", int(which), int(times)):
                world.fails[self._role(which)] = [BROKEN] * times
            case ("stuck", int(which)) if models:
                world.stays ^= {models[which % len(models)]}
            case ("stop",):
                world.away ^= {"ollama"}
                for model in models:
                    self._vanish(model)
            case ("foreign", float(share)):
                free = max(0, world.available() - world.budget.floor_bytes)
                world.foreign = {} if world.foreign else {"llama3": int(free * share)}
            case ("press", float(share)):
                world.extra = 0 if world.extra else int(max(0, world.available()) * share)
            case ("appear", int(which), int(context)):
                self._appear(self._role(which), context)

    def _role(self, which: int) -> str:
        posts = list(self.ledger.profile.roles.values())
        return posts[which % len(posts)].model

    def _vanish(self, model: str) -> None:
        if CATALOGUE.models[model].runner == "ollama":
            del self.world.present[model]

    def _appear(self, model: str, context: int) -> None:
        size = CATALOGUE.models[model].weights_bytes
        room = self.world.available() - self.world.budget.floor_bytes
        ollamas = CATALOGUE.models[model].runner == "ollama" and not self.world.away
        if ollamas and model not in self.world.present and size < room:
            self.world.present[model] = (size, context)

    async def _ask(self, who: int, priority: int, patience: float, context: int, holds: float, gives_up: float) -> None:
        roles = list(self.ledger.profile.roles)
        role = roles[who % len(roles)]
        wants = {"priority": priority, "patience_seconds": patience, "context_tokens": context}
        self.asked += 1
        try:
            with anyio.move_on_after(gives_up), suppress(EngineError):
                async with self.ledger.lease(role, **wants) as leased:  # type: ignore[arg-type]
                    assert leased.engine.context_tokens >= leased.rung.context_tokens
                    await leased.guard(anyio.sleep(holds))
        finally:
            self.ended += 1

    async def _by_hand(self, model: str) -> None:
        self.dismissed.add(model)
        with suppress(EngineError):
            await self.ledger.unload(model)

    def mend(self) -> None:
        """Nothing is broken any more; what others have taken stays so."""
        self.world.away.clear()
        self.world.fails.clear()
        self.world.stays.clear()


def lends_only_what_is_there(ledger: Ledger) -> None:
    """Watch every lease at the moment in which it is given."""
    book, lend = ledger.book, ledger.book.lend

    def watched(rung: Rung, reason: str) -> Leased:
        lent = book.residents[rung.model]
        assert lent.state == "resident"
        assert rung.served_by(lent)
        return lend(rung, reason)

    book.lend = watched  # type: ignore[method-assign]


async def live(world: World, events: Sequence[tuple[object, ...]]) -> None:
    """After all of it nobody waits and nobody holds a lease. While nobody asks, nothing moves, short of memory or not;
    and when nothing else is on the machine, what the profile keeps is there."""
    world.witness = Witness()
    async with world.ledger(settled=False) as ledger, anyio.create_task_group() as people:
        lends_only_what_is_there(ledger)
        life = Life(world, ledger, people)
        for event in events:
            match event:
                case ("wait", float(seconds)):
                    await anyio.sleep(seconds)
                case _:
                    life.happen(event)
        life.mend()
        await anyio.sleep(900.0)
        assert life.asked == life.ended, [waiter.request for waiter in ledger.waiting]
        assert not any(resident.leases for resident in ledger.book.residents.values())
        assert {resident.state for resident in ledger.book.residents.values()} <= {"resident"}
        loads = len(world.loads)
        await anyio.sleep(600.0)
        assert world.loads[loads:] == [], "nobody asks, and yet models come and go"
        assert set(ledger.book.residents) - set(world.foreign) == set(world.present), "it lost track"
        world.foreign.clear()
        world.extra = 0
        await anyio.sleep(900.0)
        kept = {ledger.profile.roles[role].model for role in ledger.team.opening()} - life.dismissed
        assert kept <= set(world.present) or world.takes, "it fits, and is not there"
        people.cancel_scope.cancel()


asks = st.tuples(
    st.just("ask"),
    st.integers(0, 8),
    st.sampled_from([SWARM, WORK, VOICE]),
    st.sampled_from(PATIENCE),
    st.sampled_from(CONTEXTS),
    st.sampled_from([0.0, 5.0, 100.0]),
    st.sampled_from([0.5, 30.0, 1000.0]),
)
waits = st.tuples(st.just("wait"), st.floats(0.0, 90.0))
others = st.one_of(
    st.tuples(st.sampled_from(["crash", "vanish", "unload", "stuck"]), st.integers(0, 8)),
    st.tuples(st.just("fail"), st.integers(0, 8), st.integers(1, 3)),
    st.tuples(st.just("stop")),
    st.tuples(st.sampled_from(["foreign", "press"]), st.floats(0.1, 1.0)),
    st.tuples(st.just("appear"), st.integers(0, 8), st.sampled_from([2048, 8192, 32_768])),
)


def random_events(random: Random, count: int) -> list[tuple[object, ...]]:
    """What hypothesis makes small, large."""
    events: list[tuple[object, ...]] = []
    for _ in range(count):
        events.append(("wait", random.expovariate(1 / 9.0)))
        kinds = ["ask"] * 12 + ["crash", "vanish", "unload", "stuck", "fail", "stop", "foreign", "press", "appear"]
        match kind := random.choice(kinds):
            case "ask":
                who, priority = random.randrange(9), random.choice([SWARM, WORK, VOICE])
                holds, gives_up = random.expovariate(1 / 10.0), random.choice([0.5, 30.0, 1000.0])
                asked = (who, priority, random.choice(PATIENCE), random.choice(CONTEXTS), holds, gives_up)
                events.append((kind, *asked))
            case "fail" | "appear":
                events.append((kind, random.randrange(9), random.choice([1, 3] if kind == "fail" else [2048, 32_768])))
            case "foreign" | "press":
                events.append((kind, random.uniform(0.1, 1.0)))
            case "stop":
                events.append((kind,))
            case _:
                events.append((kind, random.randrange(9)))
    return events


@pytest.mark.parametrize("team", TEAMS)
@settings(max_examples=6, deadline=None, print_blob=True)
@given(
    events=st.lists(st.one_of(asks, waits, others), min_size=4, max_size=30),
    late_seconds=st.sampled_from([0.0, 5.0]),
)
def test_whatever_happens_the_book_is_right(team: str, events: list[tuple[object, ...]], late_seconds: float) -> None:
    run_virtual(live, World(team=team, late_seconds=late_seconds), events)


def hour(team: str, seed: int, count: int) -> World:
    """A crowded time of `count` things that happen."""
    random = Random(seed)
    world = World(team=team, late_seconds=random.choice([0.0, 5.0]), evict_foreign=random.random() < 0.2)
    world.blind = random.random() < 0.1
    if random.random() < 0.3:
        rungs = TEAM_OF[team][0].best()
        world.takes = {rung.model: int(rung.bytes * random.uniform(0.8, 1.2)) for rung in rungs}
    try:
        run_virtual(live, world, random_events(random, count))
    except BaseException as error:
        error.add_note(f"team {team}, seed {seed}, count {count}")
        raise
    return world


@pytest.mark.parametrize("team", TEAMS)
def test_a_crowded_hour(team: str) -> None:
    hour(team, 1, 200)


@pytest.mark.real
@pytest.mark.parametrize("team", TEAMS)
def test_crowded_days(team: str, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in (int.from_bytes(os.urandom(4), "big") for _ in range(4)):
        world = hour(team, seed, 1000)
        with capsys.disabled():
            sys.stdout.write(f"\n{team}, seed {seed}: {len(world.loads)} loads, {len(world.events)} events\n")
