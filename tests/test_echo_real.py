"""The whole daemon on a loudspeaker: PulseAudio carries what it says back into its microphone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon_process import DaemonProcess, private_env, running_daemon
from tests.sound_card import SoundCard, sound_card
from tests.voice_room import on_card

pytestmark = pytest.mark.real

PERSON = Path(__file__).parents[1] / "voices" / "dashwood" / "reference.wav"
STORY = "I will tell you about the sea. Many ships cross it every day, and fish live below them in the dark."
BARGE_IN_SECONDS = 2.0
"""The bench (`bench/echo.py`) measures it; this is what a busy machine takes."""


@pytest.fixture(scope="module")
def card() -> Iterator[SoundCard]:
    with sound_card() as card:
        card.hear_itself(-10.0)
        yield card


@pytest.fixture(scope="module")
def daemon(card: SoundCard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    env = {**private_env(tmp_path_factory.mktemp("home")), **on_card(card), "VOXSPARK_ECHO__SELFTEST": "true"}
    with running_daemon(env) as daemon:
        yield daemon


def test_a_loudspeaker_is_measured_at_the_start(daemon: DaemonProcess) -> None:
    event = daemon.wait_for("echo_measured", 20)
    assert event["duplex"] == "full"
    assert event["loss_db"] >= 12
    assert 0 < event["delay_seconds"] < 0.3
    status = json.loads(daemon.call("status", "--json"))["echo"]
    assert status["canceller"] == "webrtc"
    assert status["reason"] == event["reason"]


def test_it_does_not_hear_itself_and_can_be_interrupted(daemon: DaemonProcess, card: SoundCard) -> None:
    daemon.wait_for("echo_measured", 20)
    daemon.call("say", STORY)
    (ended,) = daemon.of("turn_ended")
    assert ended["outcome"] == "answered"
    assert not daemon.of("speech_started")
    since = len(daemon.events)
    saying = daemon.start("say", STORY)
    daemon.wait_for("speaking_started", since=since)
    card.play_into_microphone(PERSON)
    ended = daemon.wait_for("turn_ended", since=since)
    saying.wait(20)
    assert ended["outcome"] == "interrupted"
    (began, *_) = daemon.of("speech_started")
    assert ended["at"] - began["at"] <= BARGE_IN_SECONDS
