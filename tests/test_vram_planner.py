"""The planner: its rules one by one, then whatever hypothesis and a simulated day can do to it."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vram_teams import CATALOGUE, EVERYDAY, PROFILES, SPARK, TEAMS
from voxspark.vram.eviction import cheapest, cost
from voxspark.vram.planner import QUEUE_LIMIT, emergency, plan
from voxspark.vram.state import KEEP, RESIDENCY_LOADS, SWARM, VOICE, Budget, Foreign, Memory, Request, Resident
from voxspark.vram.steps import Admit, Degrade, Refuse, Wait
from voxspark.vram.team import SPEECH, Team

ASKED_AT = 1000.0


def resident(team: Team, role: str, **changes: object) -> Resident:
    """A model of the team, long in memory and long idle."""
    rung = team.ladder(Request(id="", role=role, at=0.0))[0]
    return replace(rung.reserve(0.0), state="resident", **changes)  # type: ignore[arg-type]


def opened(team: Team, **changes: object) -> Memory:
    return Memory(residents=tuple(resident(team, role) for role in team.opening()), **changes)  # type: ignore[arg-type]


def ask(role: str, **wants: object) -> Request:
    return Request(**{"id": role, "role": role, "at": ASKED_AT, **wants})  # type: ignore[arg-type]


def changed(memory: Memory, model: str, **changes: object) -> Memory:
    return replace(
        memory,
        residents=tuple(replace(r, **changes) if r.model == model else r for r in memory.residents),  # type: ignore[arg-type]
    )


# ── admission ───────────────────────────────────────────────────────────────────────────────────


def test_a_model_in_memory_is_given_at_once() -> None:
    answer = plan(SPARK, EVERYDAY, opened(EVERYDAY), [ask("worker")], ASKED_AT).answer("worker")
    assert isinstance(answer, Admit)
    assert not answer.load
    assert answer.reason == "Qwen3 8B is in memory."


def test_a_model_that_fits_is_loaded() -> None:
    answer = plan(SPARK, EVERYDAY, Memory(), [ask("coder")], ASKED_AT).answer("coder")
    assert isinstance(answer, Admit)
    assert answer.load
    assert answer.rung.bytes == pytest.approx(20.7e9, rel=0.01)


def test_two_requests_for_one_model_load_it_once() -> None:
    both = [ask("coder", id="a"), ask("coder", id="b")]
    decided = plan(SPARK, EVERYDAY, Memory(), both, ASKED_AT)
    assert isinstance(decided.answer("a"), Admit)
    assert decided.answer("b") == Wait("b", "Qwen3-Coder 30B-A3B is being loaded.")


def test_room_for_pinned_models_is_kept_while_they_are_not_in_memory() -> None:
    team = TEAMS["everyday"][0]
    without_bob = Memory(residents=tuple(r for r in opened(team).residents if r.model != "gpt-oss-120b"))
    decided = plan(SPARK, team, without_bob, [ask("coder"), ask("manager")], ASKED_AT)
    assert isinstance(decided.answer("coder"), Wait)
    assert isinstance(decided.answer("manager"), Admit)


def test_measured_memory_counts_when_it_is_less_than_the_ledger_says() -> None:
    full = opened(EVERYDAY, available_bytes=SPARK.floor_bytes + 1_000_000_000)
    alone = Memory(available_bytes=SPARK.floor_bytes + 1_000_000_000)
    for memory in (full, alone):
        decided = plan(SPARK, EVERYDAY, memory, [ask("coder", patience_seconds=0.0)], ASKED_AT)
        assert not (isinstance(answer := decided.answer("coder"), Admit) and answer.load)


def test_a_load_that_is_not_yet_seen_is_not_given_away_twice() -> None:
    pins = tuple(r for r in opened(EVERYDAY).residents if r.pinned)
    loading = replace(resident(EVERYDAY, "worker"), state="loading", loaded_at=ASKED_AT)
    available = SPARK.floor_bytes + loading.bytes + 5_000_000_000
    memory = Memory(residents=(*pins, loading), available_bytes=available)
    assert isinstance(plan(SPARK, EVERYDAY, memory, [ask("eyes")], ASKED_AT).answer("eyes"), Wait)
    seen = changed(memory, "qwen3-8b", seen_bytes=loading.bytes)
    assert isinstance(plan(SPARK, EVERYDAY, seen, [ask("eyes")], ASKED_AT).answer("eyes"), Admit)


def test_nothing_is_loaded_under_pressure_but_what_is_there_serves() -> None:
    memory = opened(EVERYDAY, pressure="soft")
    decided = plan(SPARK, EVERYDAY, memory, [ask("worker"), ask("coder", patience_seconds=0.0)], ASKED_AT)
    assert isinstance(decided.answer("worker"), Admit)
    degraded = decided.answer("coder")
    assert isinstance(degraded, Degrade)
    assert not degraded.load
    assert not decided.evictions


def test_a_model_that_failed_is_not_tried_again_at_once() -> None:
    memory = opened(EVERYDAY, cooling={"qwen3-coder-30b": ASKED_AT + 10.0})
    patient = plan(SPARK, EVERYDAY, memory, [ask("coder")], ASKED_AT).answer("coder")
    assert isinstance(patient, Wait)
    assert patient.until == ASKED_AT + 10.0
    assert isinstance(
        plan(SPARK, EVERYDAY, memory, [ask("coder", patience_seconds=5.0)], ASKED_AT).answer("coder"), Degrade
    )


def test_more_requests_than_the_queue_holds_are_refused_newest_first() -> None:
    crowd = [ask("coder", id=f"{n:03}", at=ASKED_AT - n) for n in range(QUEUE_LIMIT + 3)]
    decided = plan(SPARK, EVERYDAY, opened(EVERYDAY), crowd, ASKED_AT)
    refused = {step.request for step in decided.steps if isinstance(step, Refuse)}
    assert refused == {"000", "001", "002"}


def test_a_full_queue_keeps_nobody_from_what_is_in_memory() -> None:
    crowd = [ask("coder", id=str(n), at=ASKED_AT - 500.0) for n in range(QUEUE_LIMIT)]
    answer = plan(SPARK, EVERYDAY, opened(EVERYDAY), [*crowd, ask("worker", priority=SWARM)], ASKED_AT).answer("worker")
    assert answer == Admit("worker", answer.rung, load=False, reason="Qwen3 8B is in memory.")  # type: ignore[union-attr]


def test_a_load_that_takes_longer_than_it_should_is_not_waited_for_beyond_patience() -> None:
    loading = replace(resident(EVERYDAY, "coder"), state="loading", loaded_at=ASKED_AT - 500.0)
    memory = Memory(residents=(*opened(EVERYDAY).residents, loading))
    request = ask("coder", at=ASKED_AT - 100.0, patience_seconds=99.0)
    answer = plan(SPARK, EVERYDAY, memory, [request], ASKED_AT).answer("coder")
    assert isinstance(answer, Degrade)
    assert answer.rung.model == "qwen3-8b"


# ── eviction ────────────────────────────────────────────────────────────────────────────────────


def test_the_coder_takes_the_place_of_worker_and_eyes() -> None:
    decided = plan(SPARK, EVERYDAY, opened(EVERYDAY), [ask("coder")], ASKED_AT)
    assert {evict.model for evict in decided.evictions} == {"qwen3-8b", "qwen3-vl-8b"}
    assert isinstance(decided.answer("coder"), Wait)
    assert decided.evictions[0].reason.endswith("leaves to make room for Qwen3-Coder 30B-A3B.")


def test_while_memory_comes_back_nothing_more_leaves_and_then_it_loads() -> None:
    memory = opened(EVERYDAY)
    for model in ("qwen3-8b", "qwen3-vl-8b"):
        memory = changed(memory, model, state="draining")
    decided = plan(SPARK, EVERYDAY, memory, [ask("coder")], ASKED_AT)
    assert isinstance(decided.answer("coder"), Wait)
    assert not decided.evictions
    gone = replace(memory, residents=tuple(r for r in memory.residents if r.state == "resident"))
    answer = plan(SPARK, EVERYDAY, gone, [ask("coder")], ASKED_AT).answer("coder")
    assert isinstance(answer, Admit)
    assert answer.load


def test_a_model_just_loaded_stays_for_three_times_its_load() -> None:
    memory = changed(opened(EVERYDAY), "qwen3-8b", loaded_at=ASKED_AT - 1.0)
    answer = plan(SPARK, EVERYDAY, memory, [ask("coder")], ASKED_AT).answer("coder")
    assert isinstance(answer, Wait)
    load_seconds = next(r.load_seconds for r in memory.residents if r.model == "qwen3-8b")
    assert answer.until == pytest.approx(ASKED_AT - 1.0 + RESIDENCY_LOADS * load_seconds)


def test_a_busy_model_is_drained_only_for_a_more_important_request() -> None:
    memory = changed(opened(EVERYDAY), "qwen3-8b", leases=1, last_used_at=ASKED_AT)
    low = plan(SPARK, EVERYDAY, memory, [ask("coder", priority=SWARM)], ASKED_AT)
    assert not low.evictions
    high = plan(SPARK, EVERYDAY, memory, [ask("coder", priority=VOICE, patience_seconds=60.0)], ASKED_AT)
    assert "qwen3-8b" in {evict.model for evict in high.evictions}


def test_whoever_cannot_wait_for_a_busy_model_to_leave_takes_what_is_there() -> None:
    memory = changed(opened(EVERYDAY), "qwen3-8b", leases=1, last_used_at=ASKED_AT)
    decided = plan(SPARK, EVERYDAY, memory, [ask("coder", priority=VOICE, patience_seconds=30.0)], ASKED_AT)
    assert not decided.evictions
    assert isinstance(decided.steps[0], Degrade)


def test_a_long_lease_of_more_priority_is_not_cut() -> None:
    memory = changed(opened(EVERYDAY), "qwen3-8b", leases=1, last_used_at=ASKED_AT - 500.0)
    assert not plan(SPARK, EVERYDAY, memory, [ask("coder", priority=SWARM)], ASKED_AT).evictions


def test_a_conversation_keeps_its_model_warm() -> None:
    memory = changed(opened(EVERYDAY), "qwen3-8b", last_used_at=ASKED_AT - 5.0)
    assert not plan(SPARK, EVERYDAY, memory, [ask("coder", priority=SWARM)], ASKED_AT).evictions


def test_what_the_profile_would_like_back_drives_out_nothing_that_it_keeps() -> None:
    full_power = TEAMS["full-power"][0]
    without_eyes = tuple(r for r in opened(full_power).residents if r.role != "eyes")
    memory = Memory(residents=without_eyes, foreign=(Foreign("other", 50_000_000_000),))
    kept = plan(SPARK, full_power, memory, [ask("eyes", priority=KEEP, patience_seconds=math.inf)], ASKED_AT)
    assert not kept.evictions
    assert plan(SPARK, full_power, memory, [ask("eyes", patience_seconds=math.inf)], ASKED_AT).evictions


def test_what_the_profile_lets_give_way_leaves_first() -> None:
    team, budget = TEAMS["full-power"]
    memory = opened(team)
    coder_idle_longest = changed(memory, "qwen3-coder-30b", last_used_at=0.0)
    rest = changed(changed(coder_idle_longest, "qwen3-32b", last_used_at=900.0), "qwen3-vl-32b", last_used_at=900.0)
    tight = replace(budget, usable_bytes=100_000_000_000)
    decided = plan(tight, team, rest, [ask("reasoner")], ASKED_AT)
    assert [evict.model for evict in decided.evictions] == ["qwen3-32b"]


models = st.builds(
    Resident,
    model=st.uuids().map(str),
    name=st.just("x"),
    role=st.just("worker"),
    state=st.just("resident"),
    bytes=st.integers(1, 100),
    context_tokens=st.just(0),
    priority=st.integers(0, 100),
    last_used_at=st.floats(0, 1000),
    load_seconds=st.floats(0, 100),
)


@given(st.lists(models, max_size=8, unique_by=lambda r: r.model), st.integers(1, 300))
def test_the_chosen_set_frees_enough_and_nobody_leaves_for_nothing(residents: list[Resident], deficit: int) -> None:
    prices = {r.model: cost(r, 1000.0) for r in residents}
    chosen = cheapest([(r, prices[r.model]) for r in residents], deficit)
    freed = sum(r.bytes for r in chosen)
    if sum(r.bytes for r in residents) < deficit:
        assert not chosen
        return
    assert freed >= deficit
    assert all(freed - r.bytes < deficit for r in chosen)
    price = sum(prices[r.model] for r in chosen)
    singles = [prices[r.model] for r in residents if r.bytes >= deficit]
    pairs = [prices[a.model] + prices[b.model] for a, b in combinations(residents, 2) if a.bytes + b.bytes >= deficit]
    assert price <= min([*singles, *pairs], default=math.inf) + 1e-6


# ── other programs, short memory, emergencies ───────────────────────────────────────────────────


def test_another_programs_model_drives_unpinned_ones_out_at_once() -> None:
    memory = opened(EVERYDAY, foreign=(Foreign("llama3:70b", 20_000_000_000),))
    decided = plan(SPARK, EVERYDAY, memory, [], ASKED_AT)
    assert decided.evictions
    assert all(evict.urgent for evict in decided.evictions)
    pinned = {r.model for r in memory.residents if r.pinned}
    assert not {evict.model for evict in decided.evictions} & pinned


def test_even_too_large_a_foreign_model_evicts_no_pinned_one() -> None:
    memory = opened(EVERYDAY, foreign=(Foreign("huge", 90_000_000_000),))
    decided = plan(SPARK, EVERYDAY, memory, [ask("coder", patience_seconds=0.0)], ASKED_AT)
    assert {evict.model for evict in decided.evictions} == {"qwen3-8b", "qwen3-vl-8b"}
    taken = decided.answer("coder")
    assert isinstance(taken, Degrade)
    assert taken.rung.model == "gpt-oss-120b"


def test_an_idle_model_on_demand_is_given_back_when_memory_is_short() -> None:
    team, budget = TEAMS["workstation-24gb"]
    pins = tuple(resident(team, role) for role in ("voice", "ears", "embedder"))
    coder = resident(team, "coder")
    decided = plan(budget, team, Memory(residents=(*pins, coder)), [], ASKED_AT)
    assert [evict.model for evict in decided.evictions] == ["qwen3-coder-30b"]
    used = replace(coder, last_used_at=ASKED_AT - 60.0)
    assert not plan(budget, team, Memory(residents=(*pins, used)), [], ASKED_AT).evictions


def test_an_emergency_takes_the_least_important_first_and_the_voice_last() -> None:
    memory, order = opened(EVERYDAY), []
    while memory.residents:
        (evict,) = emergency(SPARK, memory, ASKED_AT).evictions
        assert evict.urgent
        order.append(next(r.role for r in memory.residents if r.model == evict.model))
        memory = replace(memory, residents=tuple(r for r in memory.residents if r.model != evict.model))
    assert order[:3] == ["eyes", "worker", "manager"]
    assert set(order[-2:]) == {"voice", "ears"}
    assert not emergency(SPARK, memory, ASKED_AT).steps


def test_room_is_not_kept_for_a_pinned_model_that_cannot_come() -> None:
    """40 GB are with another program, seen or not, and the manager needs 66 of 104."""
    speech = tuple(r for r in opened(EVERYDAY).residents if r.role in SPEECH)
    left = SPARK.floor_bytes + SPARK.capacity_bytes - sum(r.bytes for r in speech) - 40_000_000_000
    for memory in (
        Memory(residents=speech, foreign=(Foreign("other", 40_000_000_000),)),
        Memory(residents=speech, available_bytes=left),
    ):
        decided = plan(SPARK, EVERYDAY, memory, [ask("manager", patience_seconds=600.0), ask("worker")], ASKED_AT)
        assert isinstance(decided.answer("manager"), Wait)
        assert isinstance(decided.answer("worker"), Admit)
        assert not decided.evictions


def test_an_emergency_waits_for_what_is_leaving_already() -> None:
    assert not emergency(SPARK, changed(opened(EVERYDAY), "qwen3-vl-8b", state="draining"), ASKED_AT).steps


# ── the ladder down ─────────────────────────────────────────────────────────────────────────────


def crowded(team: Team, budget: Budget, spare_bytes: int) -> Memory:
    """Only pinned models, and a foreign one that leaves `spare_bytes`."""
    pins = tuple(r for r in opened(team).residents if r.pinned)
    foreign = budget.capacity_bytes - sum(r.bytes for r in pins) - spare_bytes
    return Memory(residents=pins, foreign=(Foreign("other", foreign),))


def test_first_a_smaller_context() -> None:
    team = Team(PROFILES["full-power"].at_context(32_768), CATALOGUE)
    memory = crowded(team, SPARK, 26_000_000_000)
    answer = plan(SPARK, team, memory, [ask("reasoner", patience_seconds=0.0)], ASKED_AT).answer("reasoner")
    assert isinstance(answer, Degrade)
    assert (answer.rung.model, answer.rung.context_tokens) == ("deepseek-r1-32b", 16_384)
    assert "16,384 tokens" in answer.reason


def test_then_a_smaller_model() -> None:
    team = TEAMS["full-power"][0]
    memory = crowded(team, SPARK, 13_000_000_000)
    answer = plan(SPARK, team, memory, [ask("reasoner", patience_seconds=0.0)], ASKED_AT).answer("reasoner")
    assert isinstance(answer, Degrade)
    assert answer.rung.model == "deepseek-r1-14b"


def test_then_the_processor_where_it_has_memory_of_its_own() -> None:
    team, budget = TEAMS["workstation-24gb"]
    pins = tuple(r for r in opened(team).residents if r.pinned)
    memory = Memory(residents=pins, foreign=(Foreign("game", 20_000_000_000),))
    answer = plan(budget, team, memory, [ask("worker", patience_seconds=0.0)], ASKED_AT).answer("worker")
    assert isinstance(answer, Degrade)
    assert (answer.rung.model, answer.rung.device) == ("qwen3-4b", "cpu")
    assert answer.reason.endswith("on the processor.")


def test_then_a_refusal_that_can_be_spoken() -> None:
    team = TEAMS["full-power"][0]
    memory = crowded(team, SPARK, 3_000_000_000)
    answer = plan(SPARK, team, memory, [ask("image", patience_seconds=0.0)], ASKED_AT).answer("image")
    assert answer == Refuse("image", "FLUX.1 dev needs 37 gigabytes, and only 3 gigabytes can be had now.")


def test_a_model_too_large_for_the_machine_is_never_waited_for() -> None:
    request = ask("eyes", model="internvl3-78b", patience_seconds=3600.0)
    answer = plan(SPARK, EVERYDAY, opened(EVERYDAY), [request], ASKED_AT).answer("eyes")
    assert isinstance(answer, Degrade)
    assert answer.reason.startswith("InternVL3 78B needs 63.1 gigabytes, and this machine has 27.7 gigabytes for it.")


def test_who_cannot_wait_for_a_load_takes_what_is_in_memory_and_nothing_leaves() -> None:
    decided = plan(SPARK, EVERYDAY, opened(EVERYDAY), [ask("coder", patience_seconds=2.0)], ASKED_AT)
    answer = decided.answer("coder")
    assert isinstance(answer, Degrade)
    assert answer.rung.model == "qwen3-8b"
    assert not decided.evictions


def test_who_stands_in_for_the_voice_is_pinned_like_it() -> None:
    silent = Memory(
        residents=tuple(r for r in opened(EVERYDAY).residents if r.role != "voice"),
        cooling={"csm-1b": ASKED_AT + 10.0},
    )
    answer = plan(SPARK, EVERYDAY, silent, [ask("voice", patience_seconds=0.0)], ASKED_AT).answer("voice")
    assert isinstance(answer, Degrade)
    assert answer.rung.model == "hibari"
    assert answer.rung.pinned


def test_what_is_coming_anyway_is_better_than_a_refusal() -> None:
    loading = replace(resident(EVERYDAY, "manager"), state="loading", loaded_at=ASKED_AT)
    speech = tuple(r for r in opened(EVERYDAY).residents if r.role in SPEECH)
    foreign = Foreign("other", SPARK.capacity_bytes - loading.bytes - sum(r.bytes for r in speech))
    memory = Memory(residents=(*speech, loading), foreign=(foreign,))
    answer = plan(SPARK, EVERYDAY, memory, [ask("worker", patience_seconds=0.0)], ASKED_AT).answer("worker")
    assert answer == Wait("worker", "GPT-OSS 120B is being loaded.")


def test_a_role_nobody_fills_is_refused_in_a_sentence() -> None:
    answer = plan(SPARK, EVERYDAY, opened(EVERYDAY), [ask("image")], ASKED_AT).answer("image")
    assert answer == Refuse("image", "The profile everyday has nobody for image.")


def test_a_larger_context_loads_the_model_again_and_a_smaller_one_does_not() -> None:
    memory = opened(EVERYDAY)
    smaller = plan(SPARK, EVERYDAY, memory, [ask("worker", context_tokens=4096)], ASKED_AT)
    assert isinstance(smaller.answer("worker"), Admit)
    larger = plan(SPARK, EVERYDAY, memory, [ask("worker", context_tokens=16_384)], ASKED_AT)
    assert [evict.model for evict in larger.evictions] == ["qwen3-8b"]
    pinned = plan(SPARK, EVERYDAY, memory, [ask("manager", context_tokens=16_384)], ASKED_AT)
    assert isinstance(pinned.answer("manager"), Degrade)
    assert not pinned.evictions
