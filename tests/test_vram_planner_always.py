"""What the planner holds to, whatever hypothesis and a simulated day do to it."""

from __future__ import annotations

import sys
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vram_simulator import Simulator
from tests.vram_teams import EVERYDAY, SPARK, TEAMS
from voxspark.vram.state import RESIDENCY_LOADS, SWARM, VOICE, WORK, Request
from voxspark.vram.team import SPEECH

# ── whatever may happen ─────────────────────────────────────────────────────────────────────────

happenings = st.lists(
    st.one_of(
        st.tuples(
            st.just("ask"),
            st.integers(0, 8),
            st.sampled_from([SWARM, WORK, VOICE]),
            st.sampled_from([0.0, 5.0, 600.0]),
            st.sampled_from([0, 4096, 16_384, 40_960]),
        ),
        st.tuples(st.just("advance"), st.floats(0.1, 400.0)),
        st.tuples(st.just("crash"), st.integers(0, 9)),
        st.tuples(st.just("foreign"), st.integers(0, 3), st.integers(0, 120_000_000_000)),
    ),
    min_size=8,
    max_size=60,
)


def happen(machine: Simulator, event: tuple[object, ...]) -> None:
    match event:
        case ("ask", int(which), int(priority), float(patience), int(context)):
            roles = list(machine.team.profile.roles)
            role = roles[which % len(roles)]
            machine.ask(role, priority=priority, patience_seconds=patience, context_tokens=context)
        case ("advance", float(seconds)):
            machine.advance(seconds)
        case ("crash", int(which)) if machine.residents:
            machine.crash(list(machine.residents)[which % len(machine.residents)])
        case ("foreign", int(which), int(size)) if f"f{which}" not in machine.foreign:
            machine.foreign_comes(f"f{which}", size)
        case ("foreign", int(which), _):
            machine.foreign_goes(f"f{which}")
        case _:
            pass


@pytest.mark.parametrize("name", TEAMS)
@settings(max_examples=100, deadline=None)
@given(events=happenings, seed=st.integers(0, 1000))
def test_the_ledger_never_exceeds_the_budget_whatever_happens(
    name: str, events: list[tuple[object, ...]], seed: int
) -> None:
    """The simulator checks budget, pins, residency and one-load-per-model after every step."""
    team, budget = TEAMS[name]
    machine = Simulator(team, budget, seed=seed, failures=0.2)
    machine.open()
    for event in events:
        happen(machine, event)
    machine.foreign.clear()
    machine.advance(3600.0)
    assert not machine.queue, "every request ends when the machine is left alone"


@pytest.mark.parametrize("name", TEAMS)
def test_every_team_opens_with_all_it_keeps(name: str) -> None:
    team, budget = TEAMS[name]
    machine = Simulator(team, budget)
    machine.open()
    held = {team.profile.roles[role].model for role in team.opening()}
    assert {model for model, r in machine.residents.items() if r.state == "resident"} == held
    assert not machine.refused


@pytest.mark.parametrize("role", ["reasoner", "image"])
def test_full_power_serves_its_exclusive_roles_one_after_the_other(role: str) -> None:
    team, budget = TEAMS["full-power"]
    machine = Simulator(team, budget)
    machine.open()
    for asked in ("reasoner", "image", "manager", "eyes", "coder", role):
        machine.advance(400.0)
        request = machine.ask(asked, patience_seconds=600.0)
        machine.advance(200.0)
        assert machine.served[request][0] == team.profile.roles[asked].model


@settings(max_examples=25, deadline=None)
@given(
    every_seconds=st.floats(0.5, 10.0),
    hold_seconds=st.floats(1.0, 60.0),
    priority=st.sampled_from([WORK, VOICE, 90]),
    role=st.sampled_from(["worker", "eyes"]),
)
def test_no_request_starves_behind_a_stream_of_more_important_ones(
    every_seconds: float, hold_seconds: float, priority: int, role: str
) -> None:
    machine = Simulator(EVERYDAY, SPARK)
    machine.open()

    def stream() -> None:
        machine.ask(role, priority=priority, patience_seconds=10.0, hold_seconds=hold_seconds)
        machine.at(machine.now + every_seconds, stream)

    stream()
    machine.advance(30.0)
    low = machine.ask("coder", priority=SWARM, patience_seconds=3600.0)
    machine.advance(600.0)
    assert machine.served[low][0] == "qwen3-coder-30b"


@pytest.mark.parametrize("every_seconds", [2.0, 12.0, 20.0])
def test_no_request_starves_behind_loads_that_take_turns(every_seconds: float) -> None:
    """Two of the three fit, and the coder needs the place of two: one of them has always just come."""
    machine = Simulator(EVERYDAY, SPARK)
    machine.open()
    names = ["qwen3-14b", "deepseek-r1-14b", "deepseek-coder-v2-16b"]

    def next_one() -> None:
        machine.ask("eyes", model=names[0], priority=VOICE, patience_seconds=120.0, hold_seconds=1.0)
        names.append(names.pop(0))
        machine.at(machine.now + every_seconds, next_one)

    next_one()
    machine.advance(100.0)
    low = machine.ask("coder", priority=SWARM, patience_seconds=3600.0)
    machine.advance(900.0)
    assert machine.served[low][0] == "qwen3-coder-30b"


@settings(max_examples=10, deadline=None)
@given(every_seconds=st.floats(4.0, 60.0), priority=st.sampled_from([SWARM, WORK, VOICE]))
def test_alternating_requests_reload_a_bounded_number_of_times_an_hour(every_seconds: float, priority: int) -> None:
    machine = Simulator(EVERYDAY, SPARK)
    machine.open()
    began, roles = len(machine.loads), ["worker", "coder", "eyes", "coder"]

    def alternate() -> None:
        machine.ask(roles[0], priority=priority, patience_seconds=600.0, hold_seconds=2.0)
        roles.append(roles.pop(0))
        machine.at(machine.now + every_seconds, alternate)

    alternate()
    machine.advance(3600.0)
    loads = machine.loads[began:]
    ladders = [EVERYDAY.ladder(Request(id="", role=role, at=0.0)) for role in EVERYDAY.profile.roles]
    seconds = {ladder[0].model: ladder[0].load_seconds for ladder in ladders}
    for model in {model for model, _ in loads}:
        times = [at for name, at in loads if name == model]
        assert all(later - sooner >= RESIDENCY_LOADS * seconds[model] for sooner, later in pairwise(times))
    assert len(loads) <= sum(3600 / (RESIDENCY_LOADS * seconds[model]) + 1 for model in {m for m, _ in loads}) / 2 + 2


# ── a day ───────────────────────────────────────────────────────────────────────────────────────

DAY_SECONDS = 86_400.0


@pytest.mark.real
@pytest.mark.parametrize("seed", [20_261_124])
def test_a_day_of_ten_thousand_requests(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Never below the floor, and who hears and speaks is never evicted (the simulator checks each plan)."""
    random, machine = Random(seed), Simulator(EVERYDAY, SPARK, seed=seed)
    machine.open()
    machine.failures, asked = 0.05, []
    roles = ["worker"] * 50 + ["eyes"] * 12 + ["coder"] * 12 + ["manager"] * 8 + list(SPEECH) * 5 + ["reasoner"] * 3

    def somebody_asks() -> None:
        patience = random.choice([2.0, 30.0, 30.0, 300.0])
        priority = VOICE if patience <= 30.0 else SWARM
        hold = random.expovariate(1 / 6.0)
        asked.append(machine.ask(random.choice(roles), priority=priority, patience_seconds=patience, hold_seconds=hold))

    def another_program() -> None:
        name = f"foreign-{random.randrange(4)}"
        if name in machine.foreign:
            machine.foreign_goes(name)
        elif (
            sum(f.bytes for f, _ in machine.foreign.values()) + (size := random.randrange(1, 12) * 10**9) <= 26 * 10**9
        ):
            machine.foreign_comes(name, size)

    def something_crashes() -> None:
        if machine.residents:
            machine.crash(random.choice(list(machine.residents)))

    for happening, count in ((somebody_asks, 10_000), (another_program, 120), (something_crashes, 24)):
        for _ in range(count):
            machine.at(machine.now + random.uniform(0, DAY_SECONDS), happening)
    machine.advance(DAY_SECONDS + 1200.0)
    with capsys.disabled():
        sys.stdout.write(
            f"\nsimulated day, seed {seed}: {len(machine.served)} served, {len(machine.refused)} refused,"
            f" {len(machine.loads)} loads, {dict(machine.counts)},"
            f" least memory above the floor {machine.least_above_floor / 1e9:.2f} GB\n"
        )
    assert machine.least_above_floor >= 0
    assert len(asked) == 10_000
    assert not machine.queue
    assert all(machine.counts[kind] > 10 for kind in ("urgent", "evicted", "failed", "crashed", "degraded"))
    assert not {request.partition("-")[0] for request in machine.refused} & set(SPEECH)
    assert len(machine.refused) < 500
