"""A streaming voice is stopped, or dies, while it speaks: history holds what was heard, and the next one goes on."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon_process import DaemonProcess, private_env, running_daemon
from tests.slow_voice import install, workers_of
from voxspark import audio
from voxspark.config_speech import TranscriberSettings
from voxspark.engines.stt.faster_whisper import WhisperTranscriber
from voxspark.types import SAMPLE_RATE_HZ
from voxspark.voicing.selftest import missed_share

pytestmark = pytest.mark.real

SENTENCE = "The old lighthouse keeper climbed the narrow stairs every evening and lit the lamp for the ships at sea."

MOST_CHARACTERS_PER_SECOND = 25


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def daemon(home: Path) -> Iterator[DaemonProcess]:
    """It speaks into a file, with the slow voice in a worker."""
    install(home / "packages")
    env = private_env(home)
    env["PYTHONPATH"] = os.pathsep.join([env["PYTHONPATH"], str(home / "packages")])
    env["VOXSPARK_VOICE__ENGINE"] = "slow"
    words = ["--microphone", "null", "--speaker", f"file:{home / 'said.wav'}"]
    with running_daemon(env, *words) as running:
        yield running


def kill_voice(daemon: DaemonProcess) -> None:
    (worker,) = workers_of(daemon.pid)
    os.kill(worker, signal.SIGKILL)


def test_stopped_in_mid_sentence_no_more_is_held_as_heard_than_was_played(daemon: DaemonProcess) -> None:
    (worker,) = workers_of(daemon.pid)
    say = daemon.start("say", SENTENCE)
    began = daemon.wait_for("speaking_started")["at"]
    daemon.call("stop")
    ended = daemon.wait_for("turn_ended", outcome="interrupted")
    say.wait(10)
    assert SENTENCE.startswith(ended["heard"])
    assert len(ended["heard"]) <= (ended["at"] - began) * MOST_CHARACTERS_PER_SECOND
    daemon.call("say", "And so it goes.")
    assert daemon.wait_for("turn_ended", outcome="answered")["heard"] == "And so it goes."
    assert (workers_of(daemon.pid), daemon.of("voice_changed")) == ([worker], [])


@pytest.mark.anyio
async def test_the_next_voice_goes_on_and_the_first_comes_back(daemon: DaemonProcess, home: Path) -> None:
    daemon.wait_for("model_changed", model="hibari", state="resident")
    before = len(daemon.events)
    say = daemon.start("say", SENTENCE)
    began = daemon.wait_for("speaking_started", since=before)["at"]
    kill_voice(daemon)
    changed = daemon.wait_for("voice_changed")
    assert (changed["voice"], "slow" in changed["instead_of"]) == ("hibari", True)
    ended = daemon.wait_for("turn_ended", since=before)
    assert say.wait(20) == 0
    assert (ended["outcome"], ended["heard"]) == ("answered", SENTENCE)
    assert json.loads(daemon.call("history", "--json").splitlines()[-1])["heard"] == SENTENCE
    # loaded anew, tested in a quiet moment, and back
    back = daemon.wait_until(lambda each: "slow" in str(each.get("voice")), "return of the slow voice", 30)
    assert back["reason"].endswith("has passed its self-test.")
    samples, rate = audio.read_wav(home / "said.wav")
    samples = samples[int(began * rate) :]
    heard = await WhisperTranscriber(TranscriberSettings()).transcribe(
        audio.to_pcm16(audio.resample(samples, rate, SAMPLE_RATE_HZ))
    )
    assert missed_share(SENTENCE, heard.text) <= 0.2, heard.text  # a word may be cut or said twice
