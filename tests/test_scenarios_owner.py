"""Rings, requests from the socket, and going down, on the jumping clock."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.scenario import FakeSpeaker, Scenario, check
from voxspark.assistant import Assistant
from voxspark.errors import ControlError
from voxspark.events import Stopping, TimerRang, TurnStarted
from voxspark.types import Asked, ShutdownRequested, StopRequested

QUESTION = "What is the capital of France?"
LONG_ANSWER = (
    "Well, Paris is the capital of France. It lies on the river Seine. It has been the capital for a very long time. "
    "Many people live there, and many more come to visit it every year."
)
WAKE = {"mode": "wake"}


# ── what rings ──────────────────────────────────────────────────────────────────────────────────

TIMER = "Set a timer for ten seconds."


@pytest.mark.parametrize("settings", [{}, {"listening": WAKE}, {"barge_in": {"enabled": False}}])
@pytest.mark.parametrize("begun", [14.4, 15.0, 18.2, 20.5])
def test_a_ring_ends_when_somebody_says_stop(settings: dict[str, object], begun: float) -> None:
    """Also without the wake word, and where its own voice must not be heard: in the pauses between."""
    scenario = Scenario(**settings).ask(1.0, TIMER, aloud=False)
    for again in range(3):
        scenario.user(begun + again * 5.1, begun + 0.5 + again * 5.1, "Stop.")
    result = check(scenario.run(60))
    assert len(result.of(TimerRang)) == 1
    assert not result.timers.ringing
    assert result.ended[-1].at < begun + 12


def test_several_timers_ring_as_one_and_nobody_there_ends_it() -> None:
    scenario = Scenario().ask(1.0, TIMER, aloud=False).ask(1.5, "Set a tea timer for eleven seconds.", aloud=False)
    result = check(scenario.run(400))
    assert [e.label for e in result.of(TimerRang)] == ["10 second timer", "tea timer"]
    assert scenario.shown == ["Your 10 second timer is done.", "Your tea timer is done."]
    assert any("10 second timer is done. Your tea timer" in played for played in result.speaker.played) or (
        result.speaker.played.count("Your tea timer is done.") > 20
    )
    assert not result.timers.ringing
    assert 300 < result.ended[-1].at < 325
    assert len(result.history.to_json(100)) <= 4
    assert not any(e["said"] for e in result.history.to_json(100)[2:])


def test_rings_without_a_speaker_neither_spin_nor_last() -> None:
    scenario = Scenario().ask(1.0, TIMER, aloud=False)
    scenario.speaker = FakeSpeaker({"play"})
    result = check(scenario.run(400))
    assert len(result.of(TurnStarted)) < 120
    assert result.ended[-1].at < 325


def test_a_ring_gives_way_to_a_question_and_goes_on() -> None:
    scenario = Scenario().ask(1.0, TIMER, aloud=False).ask(12.0, "What is two plus two?", aloud=False).stop(30.0)
    result = check(scenario.run(35))
    answer = next(t for t in result.ended if t.request == "r12.0")
    assert answer.at < 12.5
    assert [p for p in result.speaker.played if p].count("Your 10 second timer is done.") >= 3


def test_a_press_during_a_ring_is_heard_and_a_stop_ends_it() -> None:
    scenario = Scenario().ask(1.0, TIMER, aloud=False).press(12.0).user(12.1, 12.6, "Stop.").release(12.8)
    result = check(scenario.run(30))
    assert not result.timers.ringing
    assert result.ended[-1].at < 14


# ── the socket ──────────────────────────────────────────────────────────────────────────────────


def test_nobody_asked_for_what_was_only_said() -> None:
    result = check(Scenario().say(1.0, "Dinner is ready.").run(6))
    assert [(e["said"], e["heard"]) for e in result.history.to_json(9)] == [("", "Dinner is ready.")]
    assert result.history.by_strangers


@pytest.mark.parametrize("text", ["", "   ", "🙂", "---", "\u200b", "\x00"])
def test_what_cannot_be_said_ends_quietly(text: str) -> None:
    result = check(Scenario().say(1.0, text).say(1.0, "Dinner is ready.").run(10))
    assert [t.heard for t in result.ended] == ["", "Dinner is ready."]
    assert result.state == "listening"


@pytest.mark.parametrize("text", ["你好，世界。" * 30, "word " * 2000, "a" * 9000, "Ünïcödé! 🙂 Straße; naïve."])
def test_long_and_foreign_text_can_be_said_and_stopped(text: str) -> None:
    result = check(Scenario().say(1.0, text).stop(4.0).run(10))
    (turn,) = result.ended
    assert turn.outcome in ("interrupted", "answered")
    assert turn.at < 4.01
    assert result.state == "listening"


@pytest.mark.parametrize("reply", ["", "   ", "🙂", "***"])
def test_a_model_that_says_nothing_is_not_met_with_silence(reply: str) -> None:
    (turn,) = check(Scenario().user(1.0, 2.5, QUESTION).model(reply).run(10)).ended
    assert turn.heard.endswith("I have no answer to that.")


def test_too_many_questions_at_once_are_refused_not_forgotten() -> None:
    refused: list[int] = []

    def flood(assistant: Assistant) -> None:
        for number in range(40):
            try:
                assistant.post(Asked(str(number), "What is two plus two?", aloud=False))
            except ControlError:
                refused.append(number)

    result = check(Scenario().probe(1.0, flood).run(30))
    assert [t.request for t in result.ended] == [str(number) for number in range(16)]
    assert refused == list(range(16, 40))


def test_a_question_while_somebody_speaks_waits_for_both() -> None:
    scenario = Scenario().user(1.0, 3.0, QUESTION).ask(2.0, "What is two plus two?").model("Paris.")
    result = check(scenario.run(15))
    assert [t.transcript for t in result.heard_turns] == [QUESTION, "What is two plus two?"]


@pytest.mark.parametrize("moment", [2.0, 2.7, 3.0, 3.5, 5.0])
def test_the_daemon_goes_down_at_any_moment(moment: float) -> None:
    scenario = Scenario().user(1.0, 2.5, QUESTION).model(LONG_ANSWER)
    scenario.probe(moment, lambda it: it.post(ShutdownRequested("now")))
    result = check(scenario.run(20))
    assert [e.reason for e in result.of(Stopping)] == ["now"]
    assert [e["heard"] for e in result.history.to_json(9)] == [t.heard for t in result.ended if t.heard]


def test_a_shutdown_is_not_lost_in_a_full_inbox() -> None:
    def flood(assistant: Assistant) -> None:
        with suppress(ControlError):
            while True:
                assistant.post(StopRequested())
        assistant.post(ShutdownRequested("now"))

    assert [e.reason for e in check(Scenario().probe(1.0, flood).run(5)).of(Stopping)] == ["now"]
