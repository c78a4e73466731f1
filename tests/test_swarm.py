"""Sub-questions in parallel: in order, within their bound, never in the way of the voice, and gone when cancelled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.swarm_stage import FakeModel, Stage, broken
from tests.virtual_time import run_virtual, virtual_time
from voxspark.agent.swarm import MOST_QUESTIONS, PATIENCE_SECONDS, RETRY_SECONDS, SUB_QUESTION, Answer, LiveTurns
from voxspark.errors import ToolError
from voxspark.events import SpeechStarted, TurnEnded, TurnStarted
from voxspark.types import Message
from voxspark.vram.state import SWARM


def questions(count: int) -> list[str]:
    return [f"question {number}" for number in range(count)]


def codes(answers: Sequence[Answer]) -> list[str]:
    return [answer.error.code if answer.error else "" for answer in answers]


# ── order and bound ─────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_answers_have_the_order_of_the_questions_and_are_heard_as_they_come() -> None:
    stage = Stage(slots=4)
    stage.model.slow = {"question 0": 3.0, "question 1": 2.0, "question 2": 1.0}
    heard: list[tuple[int, Answer]] = []
    answers = await stage.swarm.map(questions(3), on_answer=lambda index, answer: heard.append((index, answer)))
    assert [answer.text for answer in answers] == [f"Answer to {question}" for question in questions(3)]
    assert [answer.question for answer in answers] == questions(3)
    assert [answer.seconds for answer in answers] == pytest.approx([3.0, 2.0, 1.0])
    assert heard == [(2, answers[2]), (1, answers[1]), (0, answers[0])]


def test_no_question_asks_nobody() -> None:
    stage = Stage()
    assert run_virtual(stage.swarm.map, []) == []
    assert stage.lender.asked == []


@pytest.mark.parametrize(("slots", "at_once"), [(1, 1), (2, 1), (4, 3), (8, 7)])
def test_one_slot_is_always_free(slots: int, at_once: int) -> None:
    stage = Stage(slots)
    answers = run_virtual(stage.swarm.map, questions(21))
    assert max(answer.seconds for answer in answers) == pytest.approx(21 / at_once)
    assert stage.model.most_running == at_once


@virtual_time
async def test_two_maps_share_the_bound() -> None:
    stage = Stage(slots=4)
    async with anyio.create_task_group() as group:
        group.start_soon(stage.swarm.map, questions(6))
        group.start_soon(stage.swarm.map, questions(6))
    assert stage.model.most_running == 3
    assert anyio.current_time() == pytest.approx(4.0)


@virtual_time
async def test_a_model_with_fewer_slots_is_not_overrun() -> None:
    stage = Stage(slots=8)
    smaller = FakeModel(slots=2)

    def degrade() -> None:
        stage.lender.model = smaller
        stage.lender.evict()

    async with anyio.create_task_group() as group:
        group.start_soon(stage.at, 0.5, degrade)
        answers = await stage.swarm.map(questions(10))
    assert codes(answers) == [""] * 10
    assert (stage.model.most_running, smaller.most_running) == (7, 1)


@virtual_time
async def test_a_lease_is_asked_below_the_voice_and_one_load_serves_all() -> None:
    stage = Stage(slots=4)
    stage.lender.load_seconds = 20.0
    async with anyio.create_task_group() as group:
        group.start_soon(stage.swarm.map, questions(3))
        await anyio.sleep(10.0)
        assert stage.lender.asked == [("worker", SWARM, PATIENCE_SECONDS)]


def test_every_question_has_the_same_prefix() -> None:
    stage = Stage()
    run_virtual(stage.swarm.map, ["Où?", "🙂"])
    assert stage.model.prompts == [[Message("system", SUB_QUESTION), Message("user", text)] for text in ("Où?", "🙂")]


# ── the voice ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("slots", [1, 2, 8])
def test_the_voice_never_waits(slots: int) -> None:
    stage = Stage(slots, seconds=1.7)

    async def run() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(stage.turns, [(0.0, 0.8), (0.2, 0.8), (2.4, 0.8), (2.0, 0.8)])
            assert codes(await stage.swarm.map(questions(5))) == [""] * 5

    run_virtual(run)
    assert stage.waited == [0.0] * 4


@virtual_time
async def test_what_yields_is_put_back_unharmed_however_often() -> None:
    stage = Stage(slots=1, seconds=2.0)
    async with anyio.create_task_group() as group:
        group.start_soon(stage.turns, [(1.0, 1.0)] * 4)
        answers = await stage.swarm.map(["Why?"])
    assert codes(answers) == [""]
    assert stage.model.asked == ["Why?"] * 5
    assert answers[0].seconds == pytest.approx(10.0)


@virtual_time
async def test_nothing_is_leased_while_somebody_speaks_on_the_only_slot() -> None:
    stage = Stage(slots=1)
    async with anyio.create_task_group() as group:
        group.start_soon(stage.turns, [(0.5, 5.3)])
        group.start_soon(stage.swarm.map, questions(3))
        await anyio.sleep(3.0)
        assert stage.nothing_is_left()
    assert anyio.current_time() == pytest.approx(8.8)


@virtual_time
async def test_turns_that_overlap_are_all_waited_for() -> None:
    voice = LiveTurns()
    for number in (1, 2):
        voice.note(TurnStarted(0.0, number, "microphone", 0.0))
    voice.note(TurnEnded(0.0, 1, "answered", "", ""))
    voice.note(SpeechStarted(0.0))
    with anyio.move_on_after(1.0) as waiting:
        await voice.quiet()
    assert waiting.cancelled_caught
    voice.note(TurnEnded(0.0, 2, "answered", "", ""))
    await voice.quiet()


@virtual_time
async def test_a_second_server_gives_all_its_slots_and_is_not_interrupted() -> None:
    second = FakeModel(slots=4)
    stage = Stage(slots=1, second=second)
    async with anyio.create_task_group() as group:
        group.start_soon(stage.turns, [(0.5, 5.0)])
        answers = await stage.swarm.map(questions(8))
        assert anyio.current_time() == pytest.approx(2.0)
    assert codes(answers) == [""] * 8
    assert (second.most_running, len(second.asked), stage.lender.asked) == (4, 8, [])


@pytest.mark.parametrize("on_second", [False, True])
def test_all_can_be_quiet_while_somebody_speaks(on_second: bool) -> None:
    second = FakeModel(slots=4) if on_second else None
    stage = Stage(slots=5, second=second, quiet_while_speaking=True)

    async def run() -> float:
        async with anyio.create_task_group() as group:
            group.start_soon(stage.turns, [(0.5, 5.0)])
            group.start_soon(stage.swarm.map, questions(4))
            await anyio.sleep(2.0)
            assert (second or stage.model).running == 0
        return anyio.current_time()

    assert run_virtual(run) == pytest.approx(6.5)


# ── failures ────────────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_a_failure_is_tried_once_more_and_the_others_go_on() -> None:
    stage = Stage()
    stage.model.fails = {"question 0": [broken], "question 2": [broken, broken], "question 3": [KeyError] * 2}
    answers = await stage.swarm.map(questions(5))
    assert codes(answers) == ["", "", "model-broke", "internal", ""]
    assert [bool(answer.text) for answer in answers] == [True, True, False, False, True]
    assert len(stage.model.asked) == 8
    assert stage.nothing_is_left()


@virtual_time
async def test_an_eviction_costs_those_in_flight_one_more_try() -> None:
    stage = Stage(slots=4)
    async with anyio.create_task_group() as group:
        group.start_soon(stage.at, 0.5, stage.lender.evict)
        answers = await stage.swarm.map(questions(12))
    assert codes(answers) == [""] * 12
    assert len(stage.model.asked) == 15
    assert {patience_seconds for _, _, patience_seconds in stage.lender.asked} == {PATIENCE_SECONDS}


@virtual_time
async def test_who_is_evicted_twice_says_so() -> None:
    stage = Stage(slots=2)
    async with anyio.create_task_group() as group:
        for at in (0.5, 1.0 + RETRY_SECONDS):
            group.start_soon(stage.at, at, stage.lender.evict)
        answers = await stage.swarm.map(["Why?"])
    assert codes(answers) == ["model-evicted"]


@virtual_time
async def test_a_server_that_comes_back_in_time_costs_nobody_the_answer() -> None:
    stage = Stage(slots=4)
    stage.lender.refusals = 10
    answers = await stage.swarm.map(questions(10))
    assert codes(answers) == [""] * 10
    assert anyio.current_time() == pytest.approx(RETRY_SECONDS + 4.0)
    assert stage.lender.asked[-1] == ("worker", SWARM, PATIENCE_SECONDS)


@virtual_time
async def test_many_do_not_wait_one_after_the_other_for_what_is_not_there() -> None:
    stage = Stage()
    stage.lender.full = True
    answers = await stage.swarm.map(questions(MOST_QUESTIONS))
    assert codes(answers) == ["no-room"] * MOST_QUESTIONS
    assert anyio.current_time() == pytest.approx(PATIENCE_SECONDS + RETRY_SECONDS)
    stage.lender.full = False
    await stage.swarm.map(["Is it there now?"])
    assert stage.lender.asked[-1] == ("worker", SWARM, PATIENCE_SECONDS)


# ── limits ──────────────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_too_many_questions_are_refused_before_any_is_asked() -> None:
    stage = Stage()
    assert len(await stage.swarm.map(questions(MOST_QUESTIONS))) == MOST_QUESTIONS
    asked = len(stage.model.asked)
    with pytest.raises(ToolError, match="64 questions at once"):
        await stage.swarm.map(questions(MOST_QUESTIONS + 1))
    assert len(stage.model.asked) == asked


@pytest.mark.parametrize(
    ("deltas", "text", "unread"),
    [
        (["0123456789"], "0123456789", 0),
        (["012345", "67890", "a", "b"], "012345678…", 2),
        (["12345678 " * 1000], "12345678…", 0),
        (["é" * 11], "é" * 9 + "…", 0),
        (["\n\n ", "  yes ", "\n"], "yes", 0),
    ],
)
def test_a_long_answer_is_cut_and_its_stream_closed(deltas: list[str], text: str, unread: int) -> None:
    stage = Stage(limit_characters=10)
    rest = iter(deltas)
    stage.model.says = {"Why?": rest}
    running: list[int] = []

    async def run() -> None:
        answers = await stage.swarm.map(["Why?"], on_answer=lambda index, _: running.append(stage.model.running))
        assert [answer.text for answer in answers] == [text]

    run_virtual(run)
    assert (running, len(list(rest))) == ([0], unread)


@pytest.mark.parametrize("deltas", [[], [""], [" \n", "\t"]])
def test_an_empty_answer_is_a_failure(deltas: list[str]) -> None:
    stage = Stage()
    stage.model.says = {"Why?": deltas}
    assert codes(run_virtual(stage.swarm.map, ["Why?"])) == ["answer-empty"]
    assert len(stage.model.asked) == 2


@virtual_time
async def test_a_slow_question_ends_at_its_limit_and_is_not_tried_again() -> None:
    stage = Stage(limit_seconds=30.0)
    stage.model.slow = {"question 1": 3600.0}
    answers = await stage.swarm.map(questions(3))
    assert codes(answers) == ["", "answer-too-slow", ""]
    assert anyio.current_time() == pytest.approx(30.0)
    assert len(stage.model.asked) == 3


def test_the_limit_leaves_out_the_wait_for_a_slot() -> None:
    stage = Stage(slots=2, seconds=2.0, limit_seconds=3.0)
    assert codes(run_virtual(stage.swarm.map, questions(5))) == [""] * 5


# ── cancellation ────────────────────────────────────────────────────────────────────────────────


PHASES: dict[str, Callable[[Stage], None]] = {
    "loads": lambda stage: setattr(stage.lender, "load_seconds", 100.0),
    "waits to try again": lambda stage: setattr(stage.lender, "refusals", 9),
    "is refused late": lambda stage: setattr(stage.lender, "full", True),
    "answers": lambda stage: setattr(stage.model, "seconds", 50.0),
    "waits for quiet": lambda stage: stage.voice.note(TurnStarted(0.0, 1, "microphone", 0.0)),
}


@pytest.mark.parametrize("phase", PHASES)
def test_cancelling_ends_everything_at_once(phase: str) -> None:
    stage = Stage(slots=1)
    PHASES[phase](stage)

    async def run() -> list[Answer]:
        with anyio.move_on_after(2.0) as scope:
            await stage.swarm.map(questions(9))
        assert scope.cancelled_caught
        assert stage.nothing_is_left()
        assert anyio.current_time() == pytest.approx(2.0)
        stage.lender.load_seconds, stage.lender.refusals, stage.lender.full = 0.0, 0, False
        stage.model.seconds = 1.0
        stage.voice.note(TurnEnded(0.0, 1, "answered", "", ""))
        return await stage.swarm.map(questions(2))

    assert codes(run_virtual(run)) == ["", ""]


@virtual_time
async def test_a_listener_that_breaks_ends_the_map_and_leaves_nothing() -> None:
    stage = Stage()
    with pytest.raises(ExceptionGroup):
        await stage.swarm.map(questions(9), on_answer=lambda index, answer: 1 / 0)
    assert stage.nothing_is_left()


# ── whatever happens ────────────────────────────────────────────────────────────────────────────

moments = st.integers(0, 200).map(lambda tenths: tenths / 10)


@dataclass(frozen=True)
class Schedule:
    slots: int
    count: int
    turns: list[tuple[float, float]]
    """Quiet before, and length."""
    evictions: list[float]
    failures: list[tuple[int, Callable[[], Exception]]]
    refusals: int
    load_seconds: float
    quiet_while_speaking: bool
    cancel_at: float


schedules = st.builds(
    Schedule,
    slots=st.sampled_from([1, 1, 2, 3, 8]),
    count=st.integers(0, 12),
    turns=st.lists(st.tuples(st.sampled_from([0.1, 0.5, 3.0]), st.sampled_from([0.0, 0.3, 2.0])), max_size=8),
    evictions=st.lists(moments, max_size=4),
    failures=st.lists(st.tuples(st.integers(0, 11), st.sampled_from([broken, RuntimeError])), max_size=6),
    refusals=st.integers(0, 5),
    load_seconds=st.sampled_from([0.0, 1.5]),
    quiet_while_speaking=st.booleans(),
    cancel_at=st.just(float("inf")) | moments,
)


async def play(stage: Stage, schedule: Schedule) -> list[Answer] | None:
    answers: list[Answer] | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(stage.turns, schedule.turns)
        for at in schedule.evictions:
            group.start_soon(stage.at, at, stage.lender.evict)
        with anyio.move_on_after(schedule.cancel_at):
            answers = await stage.swarm.map(questions(schedule.count))
        assert stage.nothing_is_left()
    return answers


@settings(max_examples=100, deadline=None)
@given(schedules)
def test_no_schedule_makes_the_voice_wait_or_leaves_a_lease(schedule: Schedule) -> None:
    stage = Stage(schedule.slots, quiet_while_speaking=schedule.quiet_while_speaking)
    stage.lender.load_seconds = schedule.load_seconds
    stage.lender.refusals = schedule.refusals
    for index, error in schedule.failures:
        stage.model.fails.setdefault(f"question {index}", []).append(error)
    answers = run_virtual(play, stage, schedule)
    assert stage.waited == [0.0] * len(schedule.turns)
    assert stage.model.most_running <= max(1, schedule.slots - 1)
    if answers is None:
        assert schedule.cancel_at < float("inf")
        return
    assert [answer.question for answer in answers] == questions(schedule.count)
    assert all(bool(answer.text) is (answer.error is None) for answer in answers)
    if not schedule.evictions and not schedule.refusals:
        failing = [index for index, _ in schedule.failures]
        assert [answer.error is not None for answer in answers] == [failing.count(n) >= 2 for n in range(len(answers))]
