"""Whole turns on a jumping clock: what happens when, who is heard, what is remembered."""

from __future__ import annotations

import pytest

from tests.scenario import FakeSpeaker, FakeSynthesizer, Scenario
from voxspark.errors import ChatError
from voxspark.events import (
    Failed,
    SpeakingStarted,
    SpeechStarted,
    TimerRang,
    ToolUsed,
    TurnConfirmed,
    TurnEnded,
    TurnStarted,
    VolumeDucked,
)

QUESTION = "What is the capital of France?"
LONG_ANSWER = (
    "Well, Paris is the capital of France. It lies on the river Seine. It has been the capital for a very long time. "
    "Many people live there, and many more come to visit it every year."
)


# ── the plain turn ──────────────────────────────────────────────────────────────────────────────


def test_a_question_is_answered_and_remembered() -> None:
    result = Scenario().user(1.0, 2.5, QUESTION).model("Paris is the capital of France.").run(10)
    (turn,) = result.ended
    assert (turn.outcome, turn.transcript, turn.heard) == ("answered", QUESTION, "Paris is the capital of France.")
    assert result.history.to_json(1)[0]["said"] == QUESTION
    assert result.history.to_json(1)[0]["heard"] == "Paris is the capital of France."


def test_who_listens_is_told_of_every_turn_once_with_its_sound() -> None:
    scenario = Scenario().user(1.0, 2.5, QUESTION).model("Paris.").ask(8.0, "And of Spain?")
    ended = scenario.run(15).ended
    assert [result.transcript for _, result in scenario.answered] == [turn.transcript for turn in ended]
    (spoken, answer), (typed, _) = scenario.answered
    assert (answer.outcome, answer.heard, spoken.samples is not None) == ("answered", "Paris.", True)
    assert typed.samples is None


def test_the_work_is_hidden_behind_the_silence_and_nothing_is_heard_before_the_gate() -> None:
    result = Scenario().user(1.0, 2.5, QUESTION).model("Paris.").run(10)
    (turn,) = result.ended
    assert turn.timings["transcript"] < turn.timings["confirmed"]
    assert turn.timings["confirmed"] == pytest.approx(0.32, abs=0.05)
    assert turn.timings["confirmed"] <= turn.timings["first_audible"] <= 0.5


def test_every_turn_ends_with_turn_ended_and_names_are_documented() -> None:
    result = Scenario().user(1.0, 2.5, QUESTION).model(LONG_ANSWER).run(30)
    assert len(result.of(TurnStarted)) == len(result.ended) == 1
    documented = {"transcript", "first_token", "first_clause", "first_audio", "confirmed", "first_audible", "ended"}
    assert set(result.ended[0].timings) == documented


def test_two_questions_are_two_turns_and_the_second_knows_the_first() -> None:
    result = (
        Scenario()
        .user(1.0, 2.5, QUESTION)
        .user(8.0, 9.5, "And who is the mayor there?")
        .model("Paris.", "Anne.")
        .run(20)
    )
    assert [t.heard for t in result.heard_turns] == ["Paris.", "Anne."]
    assert [m.content for m in result.chat.received[1]][1:3] == [QUESTION, "Paris."]


def test_silence_and_noise_start_nothing() -> None:
    result = Scenario().user(1.0, 1.06, "click").user(3.0, 3.1, "knock").run(8)
    assert result.of(TurnStarted) == []


# ── speech that goes on ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("pause", [0.4, 0.7, 1.0])
def test_speech_resumed_after_a_pause_is_one_turn_with_the_whole_sentence(pause: float) -> None:
    first, second = "Set a timer for", "ten minutes please"
    result = Scenario().user(1.0, 2.0, first).user(2.0 + pause, 3.0 + pause, second).run(10)
    (turn,) = result.heard_turns
    assert turn.transcript == f"{first} {second}"
    assert [e.tool for e in result.of(ToolUsed)] == ["set_timer"]
    assert len(result.timers.running) == 1


def test_an_unsure_ear_waits_longer() -> None:
    sure = Scenario().user(1.0, 2.5, QUESTION).sounds(0.95).model("Paris.").run(10)
    unsure = Scenario().user(1.0, 2.5, QUESTION).sounds(0.5).model("Paris.").run(10)
    assert sure.ended[0].timings["confirmed"] < 0.45
    assert 0.6 < unsure.ended[0].timings["confirmed"] < 0.9


def test_an_open_transcript_waits_longest() -> None:
    result = Scenario().user(1.0, 2.5, "Set a timer for").model("How long?").run(10)
    assert 1.5 < result.ended[0].timings["confirmed"] < 2.1


@pytest.mark.parametrize("pause", [0.9, 1.1, 1.5])
def test_a_wrong_confirmation_is_mended_by_resumed_speech(pause: float) -> None:
    """The reply has begun; the user speaks on: it stops at the first words, and the next turn carries all."""
    begun = 2.5 + pause
    result = (
        Scenario()
        .user(1.0, 2.5, QUESTION)
        .user(begun, begun + 1.2, "And the capital of Spain?")
        .model(LONG_ANSWER, "Paris and Madrid.")
        .run(15)
    )
    first, second = result.heard_turns
    assert first.outcome == "interrupted"
    assert first.heard != ""
    assert result.of(VolumeDucked)[0].at < begun + 0.15
    assert result.speaker.stopped_at[0] < begun + 0.6
    assert second.transcript == f"{QUESTION} And the capital of Spain?"
    assert second.heard == "Paris and Madrid."


def test_an_action_is_not_done_twice_when_speech_follows_it() -> None:
    result = (
        Scenario()
        .user(1.0, 2.5, "Set a timer for ten minutes.")
        .user(3.6, 4.6, "What is the capital of Spain?")
        .model("Madrid.")
        .run(15)
    )
    assert [e.tool for e in result.of(ToolUsed)] == ["set_timer"]
    assert len(result.timers.running) == 1
    assert result.heard_turns[-1].transcript == "What is the capital of Spain?"


# ── barge-in ────────────────────────────────────────────────────────────────────────────────────


def test_barge_in_while_speaking_ducks_at_once_then_stops_and_keeps_what_was_heard() -> None:
    result = Scenario().user(1.0, 2.5, QUESTION).user(6.0, 7.5, "What is two plus two?").model(LONG_ANSWER).run(20)
    first, second = result.heard_turns
    ducked = result.of(VolumeDucked)[0]
    assert ducked.at == pytest.approx(6.1, abs=0.1)
    assert result.speaker.stopped_at[0] == pytest.approx(6.45, abs=0.1)
    assert first.outcome == "interrupted"
    assert LONG_ANSWER.startswith(first.heard)
    assert 20 < len(first.heard) < len(LONG_ANSWER) - 20
    assert second.transcript == "What is two plus two?"
    assert result.history.to_json(9)[0]["heard"] == first.heard
    assert result.history.to_json(9)[0]["interrupted"]


def test_a_false_alarm_brings_the_volume_back_and_the_reply_goes_on() -> None:
    result = Scenario().user(1.0, 2.5, QUESTION).user(6.0, 6.3, "mm-hm").model(LONG_ANSWER).run(25)
    assert [e.gain for e in result.of(VolumeDucked)] == [0.25, 1.0]
    (turn,) = result.heard_turns
    assert (turn.outcome, turn.heard) == ("answered", LONG_ANSWER)


def test_a_stop_word_stops_and_says_nothing() -> None:
    result = Scenario().user(1.0, 2.5, QUESTION).user(6.0, 6.4, "Stop.").model(LONG_ANSWER).run(25)
    assert result.heard_turns[0].outcome == "interrupted"
    assert result.heard_turns[-1].heard == ""
    assert result.speaker.stopped_at[0] < 7.0
    assert len(result.chat.received) == 1


@pytest.mark.parametrize(
    ("moment", "phase"), [(2.75, "transcribing"), (3.0, "thinking"), (3.3, "synthesizing"), (3.9, "speaking")]
)
def test_the_socket_stops_a_turn_in_any_phase(moment: float, phase: str) -> None:
    scenario = Scenario().user(1.0, 2.5, QUESTION).model(LONG_ANSWER).stop(moment)
    scenario.synthesizer = FakeSynthesizer(seconds=0.5)
    result = scenario.run(10)
    (turn,) = result.ended
    assert turn.outcome == ("withdrawn" if moment < 2.85 else "interrupted"), phase
    assert turn.at - moment <= 0.005
    assert len(result.heard_turns) == (moment > 2.85)


@pytest.mark.parametrize("begun", [2.78, 2.95, 3.2])
def test_speaking_on_before_anything_is_audible_withdraws_the_turn_unheard(begun: float) -> None:
    scenario = Scenario().user(1.0, 2.5, QUESTION).user(begun, begun + 1.0, "and of Spain?").model("Paris and Madrid.")
    scenario.synthesizer = FakeSynthesizer(seconds=0.6)
    result = scenario.run(12)
    assert [t.transcript for t in result.heard_turns if t.heard] == [f"{QUESTION} and of Spain?"]
    assert len(result.of(SpeakingStarted)) == 1


def test_an_interrupted_turn_closes_the_models_stream() -> None:
    result = Scenario().user(1.0, 2.5, QUESTION).model(" ".join(["word"] * 500)).stop(4.0).run(10)
    assert result.chat.cancelled == 1


def test_push_to_talk_interrupts_at_once_and_needs_no_silence() -> None:
    result = (
        Scenario()
        .user(1.0, 2.5, QUESTION)
        .model(LONG_ANSWER, "Madrid.")
        .press(5.0)
        .user(5.1, 6.0, "What is the capital of Spain?")
        .release(6.1)
        .run(15)
    )
    first, second = result.heard_turns
    assert first.outcome == "interrupted"
    assert result.speaker.stopped_at[0] == pytest.approx(5.0, abs=0.01)
    assert second.timings["confirmed"] < 0.2
    assert second.transcript == "What is the capital of Spain?"


def test_push_to_talk_mode_hears_nothing_else() -> None:
    result = (
        Scenario(listening={"mode": "push_to_talk"})
        .user(1.0, 2.0, "Not for you")
        .press(3.0)
        .user(3.2, 4.0, QUESTION)
        .release(4.1)
        .model("Paris.")
        .run(10)
    )
    assert [t.transcript for t in result.heard_turns] == [QUESTION]


def test_without_barge_in_its_own_voice_is_not_heard() -> None:
    result = (
        Scenario(barge_in={"enabled": False})
        .user(1.0, 2.5, QUESTION)
        .user(5.0, 6.5, "Paris is the capital")
        .model(LONG_ANSWER)
        .run(25)
    )
    (turn,) = result.heard_turns
    assert turn.outcome == "answered"


# ── every stage failing ─────────────────────────────────────────────────────────────────────────


def test_a_transcriber_that_fails_is_apologised_for_once_and_it_listens_on() -> None:
    scenario = Scenario().user(1.0, 2.5, QUESTION).user(8.0, 9.5, QUESTION).model("Paris.")
    scenario.transcriber.fails = 1
    result = scenario.run(15)
    assert [f.code for f in result.of(Failed)] == ["transcriber-failed"]
    assert [t.outcome for t in result.heard_turns] == ["failed", "answered"]
    assert result.heard_turns[0].heard.startswith("Sorry.")


def test_a_model_that_fails_is_apologised_for_once_and_it_listens_on() -> None:
    broken = ChatError("ollama-down", "The language model does not answer.", "Start Ollama.")
    result = Scenario().user(1.0, 2.5, QUESTION).user(9.0, 10.5, QUESTION).model(broken, "Paris.").run(16)
    assert [(f.stage, f.code, f.remedy) for f in result.of(Failed)] == [("think", "ollama-down", "Start Ollama.")]
    assert [t.heard for t in result.heard_turns] == ["Sorry. The language model does not answer.", "Paris."]


def test_a_voice_that_fails_leaves_a_tone_and_it_listens_on() -> None:
    scenario = Scenario().user(1.0, 2.5, QUESTION).user(9.0, 10.5, "What is two plus two?").model("Paris.")
    scenario.synthesizer = FakeSynthesizer(fails_on=lambda text: "two" not in text and "four" not in text.lower())
    result = scenario.run(16)
    assert {f.code for f in result.of(Failed)} == {"voice-broke"}
    assert [t.outcome for t in result.heard_turns] == ["failed", "answered"]
    assert result.of(SpeakingStarted)[0].turn == result.heard_turns[0].turn


def test_a_speaker_that_fails_ends_the_turn_and_it_listens_on() -> None:
    scenario = Scenario().user(1.0, 2.5, QUESTION).user(6.0, 7.5, QUESTION).model("Paris.")
    scenario.speaker = FakeSpeaker({"play"})
    scenario.probe(4.5, lambda _: scenario.speaker.broken_calls.clear())
    result = scenario.run(12)
    assert [t.outcome for t in result.heard_turns] == ["failed", "answered"]
    assert result.heard_turns[0].heard == ""


# ── socket, timers, history ─────────────────────────────────────────────────────────────────────


def test_a_typed_question_needs_no_silence_and_may_stay_silent() -> None:
    result = Scenario().ask(1.0, QUESTION, aloud=False).model("Paris is the capital.").run(5)
    (turn,) = result.ended
    assert (turn.outcome, turn.heard, turn.request) == ("answered", "Paris is the capital.", "r1.0")
    assert result.speaker.played == []


def test_a_typed_question_waits_for_the_live_turn() -> None:
    result = Scenario().user(1.0, 2.5, QUESTION).ask(4.0, "What is two plus two?").model(LONG_ANSWER).run(30)
    assert [t.outcome for t in result.heard_turns] == ["answered", "answered"]
    assert result.heard_turns[1].at > result.heard_turns[0].at


def test_say_says_it_word_for_word() -> None:
    result = Scenario().say(1.0, "Dinner is ready.").run(6)
    assert result.ended[0].heard == "Dinner is ready."
    assert result.chat.received == []


def test_a_timer_rings_aloud_until_somebody_says_stop() -> None:
    result = Scenario().ask(1.0, "Set a timer for ten seconds.", aloud=False).user(18.0, 18.4, "Stop.").run(40)
    assert len(result.of(TimerRang)) == 1
    rings = [t for t in result.speaker.played if "timer" in t]
    assert len(rings) >= 2
    assert not result.timers.ringing
    assert max(result.speaker.stopped_at) < 19.5
    assert result.ended[-1].at < 20


def test_a_turn_interrupted_before_it_is_heard_leaves_no_trace_in_history() -> None:
    result = Scenario().user(1.0, 2.5, QUESTION).model(LONG_ANSWER).stop(2.9).run(6)
    assert result.history.to_json(9) == []


def test_repeat_says_what_was_heard_last() -> None:
    result = Scenario().user(1.0, 2.5, QUESTION).user(7.0, 8.0, "Repeat that.").model("Paris.").run(14)
    assert [t.heard for t in result.heard_turns] == ["Paris.", "Paris."]


def test_the_turn_never_awaits_a_slow_listener() -> None:
    """Speech is noticed while a turn computes."""
    scenario = Scenario().user(1.0, 2.5, QUESTION).user(3.3, 4.5, "Never mind all that, thanks.").model(LONG_ANSWER)
    scenario.synthesizer = FakeSynthesizer(seconds=5.0)
    result = scenario.run(20)
    assert [e.resumed for e in result.of(SpeechStarted)] == [False, True]
    assert result.of(TurnConfirmed)[0].turn == 1
    assert isinstance(result.ended[0], TurnEnded)
