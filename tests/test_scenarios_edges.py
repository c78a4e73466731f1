"""The corners of the talking core: races, failures of any kind, hotkeys, wake words, rings, shutdown."""

from __future__ import annotations

import pytest

from tests.scenario import FakeSpeaker, FakeSynthesizer, Scenario, check
from voxspark.errors import EngineError, TranscriberError
from voxspark.events import (
    DeviceChanged,
    Failed,
    SpeakingStarted,
    TurnConfirmed,
    TurnStarted,
    VolumeDucked,
)

QUESTION = "What is the capital of France?"
LONG_ANSWER = (
    "Well, Paris is the capital of France. It lies on the river Seine. It has been the capital for a very long time. "
    "Many people live there, and many more come to visit it every year."
)


# ── failures of any kind ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("call", ["begin", "play", "drain", "stop", "duck"])
@pytest.mark.parametrize("known", [True, False])
def test_a_speaker_that_breaks_anywhere_costs_one_reply(call: str, known: bool) -> None:
    scenario = Scenario().user(1.0, 2.5, QUESTION).user(5.0, 6.0, "Tell me more.").user(12.0, 13.5, QUESTION)
    scenario.speaker = FakeSpeaker({call})
    if not known:
        scenario.speaker.error = RuntimeError("broken")
    scenario.probe(10.0, lambda _: scenario.speaker.broken_calls.clear())
    result = check(scenario.model(LONG_ANSWER, LONG_ANSWER, "Paris.").stop(11.0).run(20))
    assert result.heard_turns[-1].heard != ""
    assert result.heard_turns[-1].outcome == "answered"
    assert result.state == "listening"


@pytest.mark.parametrize("error", [RuntimeError("x"), ValueError("y"), EngineError("gone", "The engine is gone.")])
def test_a_voice_that_breaks_with_any_error_leaves_a_tone(error: Exception) -> None:
    scenario = Scenario().user(1.0, 2.5, QUESTION).user(9.0, 10.5, QUESTION).model("Paris.")
    scenario.synthesizer = FakeSynthesizer(fails_on=lambda _: True, error=error)
    result = check(scenario.run(16))
    assert [t.outcome for t in result.heard_turns] == ["failed", "failed"]
    assert len(result.of(SpeakingStarted)) == 2


@pytest.mark.parametrize("error", [RuntimeError("x"), TranscriberError("broke", "I could not make it out.")])
def test_a_transcriber_that_breaks_while_overhearing_is_a_false_alarm(error: Exception) -> None:
    scenario = Scenario().user(1.0, 2.5, QUESTION).user(6.0, 6.3, "mm-hm").model(LONG_ANSWER)
    scenario.transcriber.error = error
    scenario.probe(5.0, lambda _: setattr(scenario.transcriber, "fails", 1))
    result = check(scenario.run(25))
    assert [e.gain for e in result.of(VolumeDucked)] == [0.25, 1.0]
    assert [t.heard for t in result.heard_turns] == [LONG_ANSWER]


def test_a_model_that_breaks_with_any_error_is_apologised_for() -> None:
    scenario = Scenario().user(1.0, 2.5, QUESTION).user(9.0, 10.5, QUESTION)
    result = check(scenario.model(RuntimeError("x"), "Paris.").run(16))
    assert [t.heard for t in result.heard_turns] == ["Sorry. Something went wrong inside.", "Paris."]


def test_an_error_in_the_middle_of_a_reply_leaves_what_was_heard_and_the_apology() -> None:
    """What was queued when the voice broke is not heard, and not written down."""
    scenario = Scenario().user(1.0, 2.5, QUESTION).model(LONG_ANSWER)
    scenario.synthesizer = FakeSynthesizer(fails_on=lambda text: "long time" in text)
    (turn,) = check(scenario.run(20)).heard_turns
    heard, apology = turn.heard.split(" Sorry.")
    assert LONG_ANSWER.startswith(heard)
    assert apology == " My voice broke."
    assert len(heard) < len("Well, Paris is the capital of France.")


@pytest.mark.parametrize("seconds", [0.03, 1.0])
def test_a_listener_that_hiccups_listens_on(seconds: float) -> None:
    scenario = Scenario().user(5.0, 6.5, QUESTION).model("Paris.")
    scenario.probe(2.0, lambda _: setattr(scenario.activity, "broken", True))
    scenario.user(2.0, 2.0 + seconds, "noise")
    scenario.probe(2.0 + seconds, lambda _: setattr(scenario.activity, "broken", False))
    result = check(scenario.run(12))
    assert [f.code for f in result.of(Failed)] == ["internal"]
    assert [t.heard for t in result.heard_turns] == ["Paris."]


def test_a_listener_that_stays_broken_ends_the_daemon_instead_of_looking_alive() -> None:
    scenario = Scenario().user(1.0, 20.0, "Is anybody there?")
    scenario.activity.broken = True
    with pytest.raises(ExceptionGroup) as raised:
        scenario.run(30)
    assert raised.group_contains(EngineError, match="cannot hear")


def test_a_microphone_lost_in_mid_sentence_closes_it_and_questions_are_answered() -> None:
    scenario = Scenario().user(1.0, 2.5, QUESTION).user(2.6, 9.0, "and then").lost(2.72, 15.0).ask(5.0, "And Spain?")
    result = check(scenario.user(16.0, 17.0, "And Italy?").model("Paris.", "Madrid.", "Rome.").run(25))
    assert len(result.of(DeviceChanged)) == 1
    assert result.ended[-2].request == "r5.0"
    assert result.ended[-2].at < 10
    assert [t.heard for t in result.heard_turns] == ["Paris.", "Madrid.", "Rome."]


# ── speech ──────────────────────────────────────────────────────────────────────────────────────


def test_speaking_on_after_a_backchannel_loses_no_word() -> None:
    """The transcript of "mm-hm" comes when the user is already saying more."""
    scenario = Scenario().user(1.0, 2.5, QUESTION).user(6.0, 6.3, "mm-hm").user(6.55, 8.0, "What about Spain then?")
    scenario.probe(5.0, lambda _: setattr(scenario.transcriber, "seconds", 0.5))
    result = check(scenario.model(LONG_ANSWER, "Madrid.").run(20))
    assert result.heard_turns[-1].transcript == "mm-hm What about Spain then?"
    assert result.heard_turns[-1].heard == "Madrid."


@pytest.mark.parametrize("slow", [0.15, 0.6, 1.5, 2.5])
@pytest.mark.parametrize("pause", [0.2, 0.3, 0.5, 0.9, 1.4, 2.4])
def test_speech_during_a_reply_is_answered_however_slow_the_transcriber_is(slow: float, pause: float) -> None:
    begun = 6.4 + pause
    scenario = Scenario().user(1.0, 2.5, QUESTION).user(6.0, 6.4, "Wait please.").user(begun, begun + 1, "And Spain?")
    scenario.probe(5.0, lambda _: setattr(scenario.transcriber, "seconds", slow))
    result = check(scenario.ask(9.0, "What is two plus two?").model(LONG_ANSWER, "Madrid.").run(40))
    assert result.heard_turns[0].outcome == "interrupted"
    assert any(t.transcript.endswith("And Spain?") and t.outcome == "answered" for t in result.heard_turns)
    assert result.heard_turns[-1].request == "r9.0"
    assert result.state == "listening"


def test_a_turn_is_never_confirmed_while_the_user_speaks() -> None:
    scenario = Scenario().user(1.0, 2.5, QUESTION).user(6.0, 6.4, "Stop it.").user(7.1, 9.0, "I meant something else.")
    scenario.probe(5.0, lambda _: setattr(scenario.transcriber, "seconds", 0.7))
    result = check(scenario.model(LONG_ANSWER, "What?").run(20))
    assert [e.at for e in result.of(TurnConfirmed) if 7.2 < e.at < 9.0] == []


@pytest.mark.parametrize("moment", [2.6 + 0.05 * step for step in range(38)])
def test_resumed_speech_is_mended_at_every_moment(moment: float) -> None:
    scenario = Scenario().user(1.0, 2.5, QUESTION).user(moment, moment + 1.0, "And of Spain?")
    result = check(scenario.model(LONG_ANSWER, "Paris and Madrid.").run(20))
    final = result.heard_turns[-1]
    assert (final.transcript, final.outcome) == (f"{QUESTION} And of Spain?", "answered")
    assert [t.heard for t in result.heard_turns].count("Paris and Madrid.") <= 1


# ── actions ─────────────────────────────────────────────────────────────────────────────────────


def test_a_slow_action_is_not_done_again_when_the_user_speaks_on() -> None:
    scenario = Scenario().user(1.0, 2.5, "Please switch the lamp on").user(4.4, 5.4, "and thank you for that")
    result = check(scenario.lamp(seconds=3.0).model("You are welcome.").run(15))
    assert result.lamp.switched == 1
    assert result.heard_turns[-1].heard == "You are welcome."


@pytest.mark.parametrize("begun", [3.2, 3.5, 3.7, 3.75, 3.8, 4.0, 4.3])
def test_an_action_that_ends_after_its_turn_does_not_touch_the_next_one(begun: float) -> None:
    scenario = Scenario().ask(1.0, "lamp").user(begun, begun + 1.0, QUESTION).lamp(seconds=4.0)
    result = check(scenario.model("Paris.").run(15))
    assert result.lamp.switched == 1
    assert [t.transcript for t in result.heard_turns if t.heard == "Paris."] == [QUESTION]
    assert [e["actions"][0]["tool"] for e in result.history.to_json(9) if e["actions"]] == ["switch_lamp"]


def test_an_action_finishes_when_the_daemon_goes_down() -> None:
    scenario = Scenario().ask(8.0, "lamp").lamp(seconds=3.0)
    result = check(scenario.run(10))
    assert result.lamp.switched == 1
    assert [e["actions"][0]["tool"] for e in result.history.to_json(9)] == ["switch_lamp"]


def test_an_action_that_hangs_does_not_keep_the_daemon_up() -> None:
    result = check(Scenario().ask(8.0, "lamp").lamp(seconds=1e9).run(10))
    assert result.lamp.switched == 0


def test_an_action_that_breaks_is_apologised_for() -> None:
    result = check(Scenario().ask(1.0, "lamp").lamp(error=RuntimeError("fuse")).run(10))
    assert [t.heard for t in result.heard_turns] == ["Sorry. That did not work."]


# ── push-to-talk ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("press", [1.3, 2.0, 2.3, 2.55, 2.7, 2.75, 2.9])
def test_a_press_in_the_middle_of_an_utterance_keeps_its_beginning(press: float) -> None:
    scenario = Scenario().user(1.0, 2.5, "What is the capital").user(3.0, 4.0, "of France?")
    result = check(scenario.press(press).release(4.2).model("Paris.").run(10))
    assert [t.transcript for t in result.heard_turns] == ["What is the capital of France?"]
    assert result.heard_turns[0].timings["confirmed"] < 0.3


def test_a_press_while_the_answer_is_heard_begins_anew() -> None:
    scenario = Scenario().user(1.0, 2.5, QUESTION).press(3.5).user(3.6, 4.6, "And Spain?").release(4.8)
    result = check(scenario.model(LONG_ANSWER, "Madrid.").run(10))
    assert result.heard_turns[-1].transcript == "And Spain?"


def test_a_key_that_repeats_loses_nothing() -> None:
    scenario = Scenario(listening={"mode": "push_to_talk"}).user(1.2, 3.5, QUESTION)
    for step in range(20):
        scenario.press(1.0 + 0.1 * step)
    result = check(scenario.release(3.6).release(3.7).model("Paris.").run(8))
    assert [t.transcript for t in result.heard_turns] == [QUESTION]


def test_a_second_press_does_not_hear_again_what_was_before_the_first() -> None:
    scenario = Scenario(listening={"mode": "push_to_talk"}).user(0.5, 0.95, "not this").user(1.3, 2.3, QUESTION)
    result = check(scenario.press(1.0).release(1.05).press(1.2).release(2.4).model("Paris.").run(8))
    assert [t.transcript for t in result.heard_turns] == [QUESTION]


@pytest.mark.parametrize("released", [2.72, 3.0, 3.4])
def test_a_press_and_release_after_the_question_answer_it_at_once(released: float) -> None:
    scenario = Scenario().user(1.0, 2.5, "Set a timer for").press(2.7).release(released).model("How long?")
    result = check(scenario.run(10))
    assert [t.transcript for t in result.heard_turns] == ["Set a timer for"]
    assert result.heard_turns[0].timings["confirmed"] < 1.0


def test_a_silent_press_during_what_is_overheard_leaves_nothing_hanging() -> None:
    scenario = Scenario().user(1.0, 2.5, QUESTION).user(6.0, 6.4, "Wait please.").press(6.7).release(7.5)
    scenario.ask(8.0, "What is two plus two?").probe(5.0, lambda _: setattr(scenario.transcriber, "seconds", 0.5))
    result = check(scenario.model(LONG_ANSWER, "I wait.").run(25))
    assert [t.outcome for t in result.heard_turns] == ["interrupted", "answered", "answered"]
    assert result.state == "listening"


def test_a_release_and_a_question_at_the_same_moment_are_both_answered() -> None:
    scenario = Scenario().press(1.0).user(1.1, 2.1, QUESTION).release(2.3).ask(2.3, "What is two plus two?")
    result = check(scenario.model("Paris.").run(12))
    assert [t.outcome for t in result.heard_turns] == ["answered", "answered"]


# ── the wake word ───────────────────────────────────────────────────────────────────────────────

WAKE = {"mode": "wake"}


def test_wake_mode_answers_after_the_word_and_in_the_follow_up_window_only() -> None:
    scenario = Scenario(listening=WAKE).user(1.0, 2.0, "Not for you.").wake(4.0, 4.6).user(4.8, 6.0, QUESTION)
    scenario.user(10.0, 11.0, "And Spain?").user(25.0, 26.0, "Not for you either.")
    result = check(scenario.model("Paris.", "Madrid.").run(30))
    assert [t.transcript for t in result.heard_turns] == [QUESTION, "And Spain?"]


def test_noise_does_not_keep_the_follow_up_window_open() -> None:
    scenario = Scenario(listening=WAKE).wake(1.0, 1.6).user(20.0, 21.0, "Not for you.")
    for at in (5, 9, 13, 17):
        scenario.user(at, at + 0.13, "knock")
    assert check(scenario.run(25)).of(TurnStarted) == []


def test_the_wake_word_alone_lets_a_waiting_question_through() -> None:
    scenario = Scenario(listening=WAKE).wake(1.0, 1.6).user(3.0, 5.0, "Well").ask(4.0, "What is two plus two?")
    result = check(scenario.wake(5.02, 5.6).run(20))
    assert result.heard_turns[-1].request == "r4.0"


def test_one_key_begins_and_ends_and_none_gets_lost_in_between() -> None:
    scenario = Scenario(listening={"mode": "push_to_talk"}).toggle(1.0).user(1.1, 2.1, QUESTION).toggle(2.3)
    scenario.toggle(5.0).toggle(5.0).user(5.1, 6.0, "Not for you").toggle(7.0).user(7.1, 8.0, "And Spain?").toggle(8.2)
    result = check(scenario.model("Paris.", "Madrid.").run(12))
    assert [turn.transcript for turn in result.heard_turns] == [QUESTION, "And Spain?"]
    assert result.heard_turns[0].timings["confirmed"] < 0.3


def test_the_wake_word_while_pressed_is_only_a_word() -> None:
    scenario = Scenario(listening=WAKE).press(1.0).wake(1.2, 1.8).user(1.9, 3.0, QUESTION).release(3.2)
    result = check(scenario.model("Paris.").run(10))
    assert [t.transcript for t in result.heard_turns] == [f"Hey Jarvis {QUESTION}"]
