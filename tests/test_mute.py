"""Mute: closed means closed, whoever speaks, asks or restarts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.scenario import Result, Scenario, check, daemon_of
from tests.scenario_parts import FakeMicrophone
from voxspark.assistant import Assistant
from voxspark.config import Config
from voxspark.errors import ControlError
from voxspark.events import Failed, MicrophoneMuted, SpeechStarted, TimerRang, TurnEnded
from voxspark.kit import make_passing_kit
from voxspark.listening.backchannel import is_mute, is_stop
from voxspark.muting import CLOSED, Mute
from voxspark.types import MuteRequested

QUESTION = "What is the capital of France?"
ANSWER = "Paris is the capital of France, and it has been for a very long time, as everybody knows."

LONG_ANSWER = f"{ANSWER} It lies on the river Seine. Many people live there, and many more come to visit it every year."


def told(result: Result) -> list[tuple[bool, str]]:
    """What the lamp is told."""
    return [(event.on, event.reason) for event in result.of(MicrophoneMuted)]


@pytest.mark.parametrize("mode", ["open", "wake"])
def test_nothing_is_heard_while_it_is_closed(mode: str) -> None:
    scenario = Scenario(listening={"mode": mode}).model(ANSWER).muted(1.0).muted(8.0, False)
    for begun in (2.0, 9.0):
        if mode == "wake":
            scenario.wake(begun, begun + 0.5)
        scenario.user(begun + 1.0, begun + 2.0, QUESTION)
    result = check(scenario.run(20))
    assert told(result) == [(True, "hotkey"), (False, "hotkey")]
    assert all(event.at > 9.0 for event in result.of(SpeechStarted))
    assert [turn.transcript for turn in result.heard_turns] == [QUESTION]


def test_the_state_is_muted_unless_it_speaks() -> None:
    seen: list[str] = []

    def look(assistant: Assistant) -> None:
        seen.append(str(daemon_of(assistant).status()["state"]))

    scenario = Scenario().model(ANSWER).user(1.0, 2.0, QUESTION).muted(3.5).muted(15.0, False)
    for at in (0.5, 4.0, 14.0, 16.0):
        scenario.probe(at, look)
    check(scenario.run(18))
    assert seen == ["listening", "speaking", "muted", "listening"]


def test_what_is_being_said_is_dropped_and_never_answered() -> None:
    result = check(Scenario().model(ANSWER).user(1.0, 3.0, QUESTION).muted(2.0).muted(4.0, None).run(12))
    assert result.of(TurnEnded) == []
    assert told(result) == [(True, "hotkey"), (False, "hotkey")]


def test_a_turn_that_is_not_confirmed_is_withdrawn() -> None:
    result = check(Scenario().model(ANSWER).user(1.0, 2.0, QUESTION).muted(2.2).run(12))
    assert [turn.outcome for turn in result.of(TurnEnded)] == ["withdrawn"]


def test_a_reply_is_finished() -> None:
    result = check(Scenario().model(ANSWER).user(1.0, 2.0, QUESTION).muted(3.5).run(20))
    assert [(turn.outcome, turn.heard) for turn in result.heard_turns] == [("answered", ANSWER)]
    assert result.events.index(result.of(MicrophoneMuted)[0]) < result.events.index(result.heard_turns[0])


def test_a_word_that_was_overheard_just_before_is_dropped() -> None:
    scenario = Scenario().model(LONG_ANSWER).user(1.0, 2.0, QUESTION).user(4.6, 4.9, "what about Rome")
    result = check(scenario.muted(4.78).run(20))
    assert [turn.outcome for turn in result.heard_turns] == ["answered"]


def test_typed_questions_and_timers_go_on() -> None:
    scenario = Scenario().model(ANSWER).muted(0.5).ask(1.0, "Set a timer for five seconds.", aloud=False)
    result = check(scenario.ask(2.0, QUESTION).run(20))
    assert ANSWER in [turn.heard for turn in result.heard_turns]
    assert result.of(TimerRang)


def test_push_to_talk_opens_nothing_and_is_told_so() -> None:
    scenario = Scenario(listening={"mode": "push_to_talk"}).muted(1.0).press(2.0).user(2.2, 3.0, QUESTION)
    result = check(scenario.release(3.2).run(10))
    assert told(result) == [(True, "hotkey"), (True, "pressed")]
    assert result.of(TurnEnded) == []


def test_muted_while_it_is_pressed() -> None:
    scenario = Scenario().press(1.0).user(1.2, 2.0, QUESTION).muted(1.8).release(2.2).muted(4.0).muted(5.0, False)
    result = check(scenario.user(6.0, 7.0, QUESTION).run(14))
    assert [turn.transcript for turn in result.heard_turns] == [QUESTION]


SAID = [
    "Stop listening.",
    "Hey Jarvis, stop listening please.",
    "Okay, stop. Stop listening to me!",
    "Don't listen to me any more.",
    "Mute the microphone.",
    "Turn off your mic, please.",
    "Hör nicht mehr zu!",
    "Hör bitte nicht mehr zu.",
    "Schalte das Mikrofon aus.",
    "Deja de escuchar.",
    "No me escuches más, por favor.",
    "Apaga el micrófono.",
    "Arrête d'écouter.",
    "Arrête de m'écouter, s'il te plaît.",
    "N'écoute plus.",
    "Coupe le micro.",
]


@pytest.mark.parametrize("text", SAID)
def test_said_aloud_in_any_language(text: str) -> None:
    assert is_mute(text)
    assert is_stop(text)
    result = check(Scenario().user(1.0, 2.0, text).user(12.0, 13.0, QUESTION).run(30))
    assert told(result) == [(True, "asked")]
    assert [turn.heard for turn in result.heard_turns] == [CLOSED]


@pytest.mark.parametrize(
    "text",
    [
        "Stop listening to that music.",
        "Mute the sound.",
        "Stop.",
        "Did you stop listening?",
        "Hör auf.",
        "Escucha.",
        "What happens when I say stop listening to you and then nothing",
        "",
    ],
)
def test_what_does_not_mean_it(text: str) -> None:
    assert not is_mute(text)


def test_it_interrupts_a_reply() -> None:
    result = check(Scenario().model(ANSWER).user(1.0, 2.0, QUESTION).user(3.5, 4.3, "Stop listening.").run(30))
    assert [turn.outcome for turn in result.heard_turns] == ["interrupted", "answered"]
    assert told(result) == [(True, "asked")]


def test_it_ends_what_rings() -> None:
    scenario = Scenario().ask(1.0, "Set a timer for five seconds.", aloud=False)
    result = check(scenario.user(8.0, 9.0, "Stop listening.").run(60))
    assert told(result) == [(True, "asked")]
    assert not result.timers.ringing


# ── over a restart ──────────────────────────────────────────────────────────────────────────────


def test_a_restart_leaves_it_closed_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "state" / "muted"
    scenario = Scenario().muted(1.0)
    scenario.mute = Mute(file)
    check(scenario.run(3))
    assert file.stat().st_mode & 0o777 == 0o600
    again = Scenario().user(1.0, 2.0, QUESTION).muted(5.0, False)
    again.mute = Mute(file)
    result = check(again.run(8))
    assert told(result) == [(True, "restart"), (False, "hotkey")]
    assert result.of(TurnEnded) == []
    assert not Mute(file).on


if os.geteuid() != 0:

    def test_a_disk_that_cannot_be_written_keeps_nobody_listening(tmp_path: Path) -> None:
        tmp_path.chmod(0o500)
        scenario = Scenario().muted(1.0).user(2.0, 3.0, QUESTION)
        scenario.mute = Mute(tmp_path / "state" / "muted")
        assert told(check(scenario.run(8))) == [(True, "hotkey")]


def test_a_folder_that_is_a_file_keeps_nobody_listening_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    scenario = Scenario().muted(1.0).user(2.0, 3.0, QUESTION)
    scenario.mute = Mute(tmp_path / "state" / "muted")
    result = check(scenario.run(8))
    assert told(result) == [(True, "hotkey")]
    assert result.of(TurnEnded) == []
    assert [failure.code for failure in result.of(Failed)] == ["mute-not-kept"]


# ── nobody but the user opens it ────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_no_tool_opens_the_microphone() -> None:
    """What a model, a page or a stranger's program can bring about, they bring about through tools."""
    posted: list[MuteRequested] = []
    mute = Mute()
    mute.connect(FakeMicrophone([], 0.0), posted.append)
    (stop_listening,) = mute.tools
    assert await stop_listening.run({}) == CLOSED
    assert posted == [MuteRequested(True, "asked")]
    kit = make_passing_kit(Config())
    kit.mute.connect(FakeMicrophone([], 0.0), posted.append)
    assert {tool.name for tool in kit.toolbox if getattr(tool.call, "__self__", None) is kit.mute} == {"stop_listening"}


def test_a_client_is_told_what_became_of_its_own_wish() -> None:
    answers: list[tuple[bool, bool]] = []

    async def ask(assistant: Assistant, on: bool) -> None:
        answers.append((on, await daemon_of(assistant).mute(on)))

    def press_and_ask(assistant: Assistant) -> None:
        with pytest.raises(ControlError, match="muted"):
            daemon_of(assistant).press()
        for on in (False, True, False):
            assistant._group.start_soon(ask, assistant, on)

    check(Scenario().muted(1.0).probe(2.0, press_and_ask).run(6))
    assert sorted(answers) == [(False, False), (False, False), (True, True)]
