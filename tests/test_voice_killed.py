"""A voice dies while it speaks: the reply goes on with the next one, and history holds what was heard."""

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


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[DaemonProcess]:
    """It speaks into a file, with the slow voice in a worker."""
    install(tmp_path / "packages")
    env = private_env(tmp_path)
    env["PYTHONPATH"] = os.pathsep.join([env["PYTHONPATH"], str(tmp_path / "packages")])
    env["VOXSPARK_VOICE__ENGINE"] = "slow"
    words = ["--microphone", "null", "--speaker", f"file:{tmp_path / 'said.wav'}"]
    with running_daemon(env, *words) as running:
        yield running


def kill_voice(daemon: DaemonProcess) -> None:
    (worker,) = workers_of(daemon.pid)
    os.kill(worker, signal.SIGKILL)


@pytest.mark.anyio
async def test_the_next_voice_goes_on_and_the_first_comes_back(daemon: DaemonProcess, tmp_path: Path) -> None:
    daemon.wait_for("model_changed", model="hibari", state="resident")
    say = daemon.start("say", SENTENCE)
    daemon.wait_for("speaking_started")
    kill_voice(daemon)
    changed = daemon.wait_for("voice_changed")
    assert (changed["voice"], "slow" in changed["instead_of"]) == ("hibari", True)
    ended = daemon.wait_for("turn_ended")
    assert say.wait(20) == 0
    assert (ended["outcome"], ended["heard"]) == ("answered", SENTENCE)
    assert json.loads(daemon.call("history", "--json").splitlines()[-1])["heard"] == SENTENCE
    # loaded anew, tested in a quiet moment, and back
    back = daemon.wait_until(lambda each: "slow" in str(each.get("voice")), "return of the slow voice", 30)
    assert back["reason"].endswith("has passed its self-test.")
    samples, rate = audio.read_wav(tmp_path / "said.wav")
    heard = await WhisperTranscriber(TranscriberSettings()).transcribe(
        audio.to_pcm16(audio.resample(samples, rate, SAMPLE_RATE_HZ))
    )
    assert missed_share(SENTENCE, heard.text) <= 0.2, heard.text  # a word may be cut or said twice
