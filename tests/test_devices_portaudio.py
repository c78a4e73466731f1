"""The sound card for real: PortAudio on a PulseAudio server of the test's own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.sound_card import SoundCard, sound_card
from voxspark.audio import read_wav, tone, wav_bytes

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 60.0
SLACK_SECONDS = 0.06


@pytest.fixture(scope="module")
def card() -> Iterator[SoundCard]:
    with sound_card() as card:
        yield card


class Device:
    """A running `tests.device_process`."""

    def __init__(self, card: SoundCard, *words: object) -> None:
        command = [sys.executable, "-m", "tests.device_process", *map(str, words)]
        self._log = card.folder / "device.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=card.env, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self.seen: list[dict[str, Any]] = []

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def next(self) -> dict[str, Any]:
        """The next thing it says; the test fails with its log when there is none."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._log.read_text()[-3000:]
        self.seen.append(json.loads(line))
        return self.seen[-1]

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next thing it says that is wanted."""
        while not wanted(said := self.next()):
            pass
        return said

    def rest(self) -> list[dict[str, Any]]:
        """What it says until it ends, well."""
        out, _ = self._process.communicate(timeout=PATIENCE_SECONDS)
        assert self._process.returncode == 0, self._log.read_text()[-3000:]
        return [json.loads(line) for line in out.splitlines()]


def says(key: str, *values: object) -> Callable[[dict[str, Any]], bool]:
    return lambda said: said.get(key) in values if values else key in said


def test_the_devices_are_listed(card: SoundCard) -> None:
    with Device(card, "devices") as device:
        found = device.rest()
    assert {("mic", "microphone"), ("speaker", "speaker")} <= {(d["name"], d["kind"]) for d in found}
    assert [d["name"] for d in found if d["default"]] == ["default", "default"]
    assert all(d["rate_hz"] > 0 and d["channels"] > 0 for d in found)


@pytest.mark.parametrize("name", ["default", "MIC"])
def test_what_is_said_into_the_microphone_arrives(card: SoundCard, tmp_path: Path, name: str) -> None:
    said, heard = tmp_path / "said.wav", tmp_path / "heard.wav"
    said.write_bytes(wav_bytes(tone(440, 2.0, 24_000, -12), 24_000))
    with Device(card, "capture", name, 3.5, heard) as device:
        device.until(says("first"))
        card.play_into_microphone(said)
        (report,) = device.rest()
    samples, rate = read_wav(heard)
    loud = np.flatnonzero(np.abs(samples) > 0.02)
    voiced = samples[loud[0] : loud[-1] + 1]
    assert rate == 16_000
    assert len(voiced) / rate == pytest.approx(2.0, abs=0.03)
    middle = voiced[rate // 2 : rate // 2 + rate]
    assert int(np.argmax(np.abs(np.fft.rfft(middle)))) == pytest.approx(440, abs=1)
    assert np.max(np.abs(middle)) == pytest.approx(10 ** (-12 / 20), rel=0.05)
    assert _residue(middle, 440, rate) < 0.01
    assert report["dropped"] == 0
    assert report["longest_step"] == pytest.approx(0.032, abs=0.03), "a busy machine dates some blocks anew"
    assert report["shortest_step"] > 0
    assert 0 < report["late"] < 0.2


def _residue(samples: np.ndarray[Any, Any], frequency: float, rate: int) -> float:
    """What is left of a sine when the sine is taken away: 0 without gaps, above 0.1 with one."""
    t = 2 * np.pi * frequency * np.arange(len(samples)) / rate
    basis = np.stack([np.sin(t), np.cos(t)], axis=1)
    fitted = basis @ np.linalg.lstsq(basis, samples, rcond=None)[0]
    return float(np.max(np.abs(samples - fitted)))


def test_a_late_reader_loses_the_oldest_and_keeps_the_time(card: SoundCard) -> None:
    with Device(card, "stall", "mic", 5) as device:
        (report,) = device.rest()
    assert report["dropped"] == pytest.approx(3.0, abs=0.3)
    assert report["longest_step"] == pytest.approx(3.0, abs=0.3)
    assert 0 < report["late"] < 0.3


def test_a_clip_is_heard_whole(card: SoundCard) -> None:
    recorder = card.start_recording()
    with Device(card, "speak", "default", 1.5, 0, 1) as device:
        report, again = device.rest()
    recording = recorder.stop()
    assert report["heard"] == pytest.approx(1.5, abs=0.001)
    assert recording.loud_seconds() == pytest.approx(1.5, abs=0.02)
    loud = recording.samples[np.abs(recording.samples) > 300] / 32_768
    assert np.max(np.abs(loud)) == pytest.approx(10 ** (-12 / 20), rel=0.05)
    assert report["asked_at"] < report["audible"] < report["asked_at"] + 0.3
    assert report["drained_at"] - report["audible"] == pytest.approx(1.5, abs=SLACK_SECONDS)
    assert recording.last_loud_at() == pytest.approx(report["drained_at"], abs=0.1)
    assert again == {"again": 0.0, "audible_again": None}


def test_a_stop_is_heard_as_a_stop(card: SoundCard) -> None:
    recorder = card.start_recording()
    with Device(card, "speak", "speaker", 5.0, 1.5, 1) as device:
        report, _ = device.rest()
    recording = recorder.stop()
    after_stop = recording.last_loud_at() - report["drained_at"]
    assert after_stop < 0.25
    assert report["heard"] == pytest.approx(recording.loud_seconds() - after_stop, abs=SLACK_SECONDS)
    loud = np.flatnonzero(np.abs(recording.samples.astype(int)) > 300)
    end = recording.samples[loud[-1] - 480 : loud[-1] + 480].astype(int)
    assert np.max(np.abs(np.diff(end))) < 1_200, "a click"


def test_a_ducked_reply_is_quieter(card: SoundCard) -> None:
    recorder = card.start_recording()
    with Device(card, "speak", "speaker", 1.0, 0, 0.25) as device:
        device.rest()
    recording = recorder.stop()
    level = np.max(np.abs(recording.samples[len(recording.samples) // 4 :])) / 32_768
    assert level == pytest.approx(0.25 * 10 ** (-12 / 20), rel=0.05)


def test_unknown_names_list_what_there_is(card: SoundCard) -> None:
    with Device(card, "fail", "mick", "Lautsprecher 🔊") as device:
        microphone, speaker = device.rest()
    assert (microphone["code"], speaker["code"]) == ("microphone-not-found", "speaker-not-found")
    assert "Known, the nearest first: mic," in microphone["remedy"]
    assert "devices.speaker" in speaker["remedy"]


def test_without_a_sound_server_there_is_an_error_and_no_hang(card: SoundCard) -> None:
    with sound_card() as silent:
        silent.kill()
        with Device(silent, "fail", "default", "mic") as device:
            microphone, speaker = device.rest()
    assert microphone["code"] in ("microphone-not-found", "microphone-open-failed")
    assert speaker["code"] in ("speaker-not-found", "speaker-open-failed")


def test_a_muted_microphone_is_really_closed(card: SoundCard) -> None:
    with Device(card, "mute", 1.5) as device:
        device.until(says("state", "open"))
        assert card.recorders() == 1
        device.until(says("state", "muted"))
        assert card.recorders() == 0
        device.until(says("state", "open"))
        assert card.recorders() == 1
        device.until(says("chunks", 20))


def test_a_sound_server_that_dies_and_comes_back() -> None:
    with sound_card() as card, Device(card, "survive") as device:
        device.until(says("played"))
        device.until(says("chunks"))
        card.kill()
        lost = [device.until(says("code", "microphone-lost", "speaker-lost")) for _ in range(2)]
        assert {event["code"] for event in lost} == {"microphone-lost", "speaker-lost"}
        device.until(says("refused", "speaker-not-found", "speaker-open-failed"))
        card.start()
        back = [device.until(says("state", "open")) for _ in range(2)]
        assert {event["device"] for event in back} == {"microphone", "speaker"}
        device.until(says("played"))
        recording = card.record_speaker(1.5)
        assert recording.loud_seconds() > 0.25
        device.until(says("chunks"))
        failures = [said["code"] for said in device.seen if said.get("event") == "failed"]
        assert sorted(failures) == ["microphone-lost", "speaker-lost"]


def test_a_sound_server_that_hangs_is_a_loss_too() -> None:
    with sound_card() as card, Device(card, "survive") as device:
        device.until(says("played"))
        device.until(says("chunks"))
        with card.frozen():
            lost = [device.until(says("code", "microphone-lost", "speaker-lost")) for _ in range(2)]
        assert {event["code"] for event in lost} == {"microphone-lost", "speaker-lost"}
        device.until(says("played"))
        device.until(says("chunks"))
