"""The daemon on real parts: real Whisper, real model, real voice, a real sound server, a real socket."""

from __future__ import annotations

import json
import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.daemon_process import DaemonProcess, private_env, running_daemon, voxspark
from tests.sound_card import SoundCard, sound_card
from voxspark import audio
from voxspark.config_speech import TranscriberSettings
from voxspark.engines.stt.faster_whisper import WhisperTranscriber
from voxspark.types import Pcm16

pytestmark = pytest.mark.real

QUESTIONS = Path(__file__).parent.parent / "voxspark" / "demo_questions"


@pytest.fixture(scope="module")
def ears() -> WhisperTranscriber:
    return WhisperTranscriber(TranscriberSettings())


async def words_of(ears: WhisperTranscriber, samples: Pcm16, rate_hz: int) -> str:
    heard = audio.to_pcm16(audio.resample(audio.to_float(samples), rate_hz, 16_000))
    return (await ears.transcribe(heard)).text.lower()


def spoken_file(path: Path, text: str, pause_seconds: float = 2.5) -> Path:
    """A question in another voice than the assistant's, with quiet after it."""
    raw = subprocess.run(["espeak-ng", "--stdout", "-s", "140", text], capture_output=True, check=True).stdout
    samples, rate = audio.read_wav(raw)
    path.write_bytes(audio.wav_bytes(audio.join(samples, audio.silence(pause_seconds, rate)), rate))
    return path


def with_quiet(path: Path, question: str, seconds: float) -> Path:
    """A demo question with quiet after it."""
    samples, rate = audio.read_wav(QUESTIONS / question)
    path.write_bytes(audio.wav_bytes(audio.join(samples, audio.silence(seconds, rate)), rate))
    return path


# ── one run over a file ─────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
@pytest.mark.parametrize("pace", ["real time", "fast"])
async def test_one_run_over_a_file(tmp_path: Path, ears: WhisperTranscriber, pace: str) -> None:
    question, answer = with_quiet(tmp_path / "q.wav", "question4.wav", 2.5), tmp_path / "a.wav"
    words = ["--microphone", f"file:{question}", "--speaker", f"file:{answer}", "--once", "--json"]
    done = voxspark("run", *words, *["--fast"] * (pace == "fast"), env=private_env(tmp_path))
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    ended = [event for event in events if event["event"] == "turn_ended" and event["outcome"] == "answered"]
    assert len(ended) == 1
    assert "12" in ended[0]["transcript"] or "twelve" in ended[0]["transcript"].lower()
    assert "144" in ended[0]["heard"]
    assert all(event["at"] >= 0 for event in events)
    with wave.open(str(answer)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        rate = file.getframerate()
    heard = await words_of(ears, samples, rate)
    assert "144" in heard or "forty" in heard
    if pace == "real time":
        audible = next(event["at"] for event in events if event["event"] == "speaking_started")
        onset = np.flatnonzero(np.abs(samples.astype(np.int32)) > 100)[0] / rate
        assert abs(onset - audible) < 0.05, "the output file lies on the same clock as the events"


# ── the virtual sound card ──────────────────────────────────────────────────────────────────────


@pytest.fixture
def card() -> Iterator[SoundCard]:
    with sound_card() as card:
        yield card


@pytest.fixture
def daemon(card: SoundCard) -> Iterator[DaemonProcess]:
    headphones = {"VOXSPARK_ECHO__MODE": "off"}
    with running_daemon({**card.env, **headphones, "HF_HUB_OFFLINE": "1"}) as daemon:
        daemon.wait_for("device_changed", device="microphone", state="open")
        yield daemon


@pytest.mark.anyio
async def test_a_spoken_question_is_answered_through_the_sound_card(
    card: SoundCard, daemon: DaemonProcess, ears: WhisperTranscriber
) -> None:
    recorder = card.start_recording()
    card.play_into_microphone(with_quiet(Path(card.env["HOME"]) / "q.wav", "question4.wav", 0.5))
    ended = daemon.wait_for("turn_ended", outcome="answered")
    recording = recorder.stop()
    assert "144" in ended["heard"]
    assert "144" in await words_of(ears, recording.samples, 48_000)
    assert recording.loud_seconds() > 0.5


@pytest.mark.anyio
async def test_a_second_voice_interrupts_and_history_holds_only_what_was_heard(
    card: SoundCard, daemon: DaemonProcess, ears: WhisperTranscriber
) -> None:
    story = (
        "Once upon a time there was a small brown fox who lived in a quiet forest. Every morning the fox walked down "
        "to the river and looked at the water. One day a boat came along with seven sailors and a very old captain."
    )
    saying = daemon.start("say", story)
    daemon.wait_for("speaking_started")
    recorder = card.start_recording()
    interruption = spoken_file(Path(card.env["HOME"]) / "i.wav", "What is two plus two?", 0.5)
    daemon.wait_until(lambda e: e["event"] == "reply" and "river" in e["text"], "second sentence")
    card.play_into_microphone(interruption)
    cut = daemon.wait_for("turn_ended", outcome="interrupted")
    answer = daemon.wait_for("turn_ended", outcome="answered")
    recording = recorder.stop()
    saying.wait(10)
    assert story.startswith(cut["heard"])
    assert len(cut["heard"]) < len(story) - 40
    assert "4" in answer["heard"] or "four" in answer["heard"].lower()
    history = [json.loads(line) for line in daemon.call("history", "--json").splitlines()]
    assert history[0]["heard"] == cut["heard"]
    assert history[0]["interrupted"]
    spoken = await words_of(ears, recording.samples, 48_000)
    assert "captain" not in spoken
    assert "four" in spoken or "4" in spoken


def test_interrupting_is_silence_within_250_ms(card: SoundCard, daemon: DaemonProcess) -> None:
    recorder = card.start_recording()
    saying = daemon.start("say", "one two three four five six seven eight nine ten " * 3)
    daemon.wait_for("speaking_started")
    daemon.call("stop")
    ended = daemon.wait_for("turn_ended", outcome="interrupted")
    recording = recorder.stop()
    saying.wait(10)
    began = daemon.of("speaking_started")[0]["at"]
    assert recording.loud_seconds() <= ended["at"] - began + 0.25


# ── the socket and the command line ─────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def quiet_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    env = private_env(tmp_path_factory.mktemp("home"))
    with running_daemon(env, "--microphone", "null", "--speaker", "null") as daemon:
        yield daemon


def test_asking_prints_the_answer(quiet_daemon: DaemonProcess) -> None:
    assert "144" in quiet_daemon.call("ask", "what", "is", "12", "times", "12?")
    result = json.loads(quiet_daemon.call("ask", "--json", "what is the capital of France?"))
    assert result["outcome"] == "answered"
    assert result["reply"]
    assert 0 <= result["timings"]["first_token"] <= result["timings"]["ended"]


def test_asking_aloud_speaks_the_answer(quiet_daemon: DaemonProcess) -> None:
    before = len(quiet_daemon.of("speaking_started"))
    quiet_daemon.call("ask", "--aloud", "what is two plus two?")
    assert len(quiet_daemon.of("speaking_started")) == before + 1


def test_status_history_and_transcription(quiet_daemon: DaemonProcess) -> None:
    quiet_daemon.call("say", "Dinner is ready.")
    status = json.loads(quiet_daemon.call("status", "--json"))
    assert (status["state"], status["microphone"]["state"], status["pid"]) == ("listening", "open", quiet_daemon.pid)
    assert "Dinner is ready." in quiet_daemon.call("history")
    assert "state" in quiet_daemon.call("status")
    text = quiet_daemon.call("transcribe", str(QUESTIONS / "question2.wav"))
    assert "capital of france" in text.lower()


def test_push_to_talk_from_a_script(quiet_daemon: DaemonProcess) -> None:
    quiet_daemon.call("listen", "--press")
    quiet_daemon.wait_for("speech_started")
    quiet_daemon.call("listen", "--release")


def test_a_timer_is_set_and_cancelled(quiet_daemon: DaemonProcess) -> None:
    assert "10" in quiet_daemon.call("ask", "set a timer for ten minutes")
    assert json.loads(quiet_daemon.call("status", "--json"))["timers"]
    quiet_daemon.call("ask", "cancel all timers")
    assert not json.loads(quiet_daemon.call("status", "--json"))["timers"]


def test_a_second_daemon_is_refused(quiet_daemon: DaemonProcess) -> None:
    done = voxspark("run", "--microphone", "null", "--speaker", "null", env=quiet_daemon.env)
    assert done.returncode == 1
    assert "already" in done.stderr


def test_memory_with_everything_loaded(quiet_daemon: DaemonProcess) -> None:
    quiet_daemon.call("ask", "--aloud", "why is the sky blue?")
    quiet_daemon.call("transcribe", str(QUESTIONS / "question5.wav"))
    assert json.loads(quiet_daemon.call("status", "--json"))["memory_mb"] <= 700


def test_shutdown_ends_it_and_removes_the_socket(tmp_path: Path) -> None:
    env = private_env(tmp_path)
    with running_daemon(env, "--microphone", "null", "--speaker", "null") as daemon:
        socket = tmp_path / "run" / "voxspark" / "voxspark.sock"
        assert socket.is_socket()
        daemon.call("shutdown")
        daemon.wait_for("stopping")
    assert not socket.exists()


def test_without_a_daemon_the_command_line_says_what_to_do(tmp_path: Path) -> None:
    done = voxspark("status", env=private_env(tmp_path))
    assert done.returncode == 3
    assert "voxspark run" in done.stderr


# ── the demo ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_the_demo_answers_and_its_recording_says_so(tmp_path: Path, ears: WhisperTranscriber) -> None:
    output = tmp_path / "demo.wav"
    done = voxspark("demo", "--output", str(output), env=private_env(tmp_path), seconds=180)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "heard" in done.stdout
    with wave.open(str(output)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        rate = file.getframerate()
    heard = await words_of(ears, samples, rate)
    assert "timer" in heard
    assert "144" in heard or "forty" in heard
