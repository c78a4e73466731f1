"""`voxspark mic`, and the levels it shows."""

from __future__ import annotations

import json
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from tests.control_fake import serving
from tests.scenario import Scenario, check, daemon_of
from voxspark.assistant import Assistant
from voxspark.audio import to_pcm16, tone, wav_bytes
from voxspark.cli import cli
from voxspark.cli_mic import line
from voxspark.control.client import connect
from voxspark.devices.level import LevelMeter
from voxspark.types import CHUNK_SAMPLES

FRAME = {
    "device": "USB mic, 48000 Hz",
    "state": "open",
    "muted": False,
    "silent": False,
    "level_dbfs": -30.0,
    "peak_dbfs": -15.0,
    "floor_dbfs": -60.0,
    "clipped": 0.0,
    "speech": 0.97,
}


def fed(samples: np.ndarray) -> LevelMeter:
    meter = LevelMeter()
    for start in range(0, len(samples) - CHUNK_SAMPLES + 1, CHUNK_SAMPLES):
        meter.feed(samples[start : start + CHUNK_SAMPLES])
    return meter


def test_a_sine_is_three_decibels_below_its_peak() -> None:
    level = fed(to_pcm16(tone(1000, 3.0, 16_000, -20))).level
    assert level.peak_dbfs == pytest.approx(-20, abs=0.1)
    assert level.level_dbfs == pytest.approx(-23, abs=0.2)
    assert level.clipped == 0


def test_the_floor_is_what_is_heard_between_words() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 33, 16_000 * 12).astype(np.int16)
    noise[16_000 * 9 : 16_000 * 11] += to_pcm16(tone(300, 2.0, 16_000, -10))
    level = fed(noise).level
    assert level.floor_dbfs == pytest.approx(-60, abs=1.5)


def test_digital_silence_and_full_scale() -> None:
    assert fed(np.zeros(16_000, np.int16)).level.level_dbfs == -120
    assert LevelMeter().level.peak_dbfs == -120
    loud = fed(np.full(16_000 * 6, -32_768, np.int16))
    assert (loud.level.peak_dbfs, loud.level.clipped, loud.clipping) == (0.0, 1.0, True)


def test_a_line_fits_whatever_the_width() -> None:
    for columns in (1, 10, 20, 40, 79, 200):
        assert len(line(FRAME, columns)) <= columns
    assert line(FRAME, 100).startswith("####################")
    assert "speech 0.97" in line(FRAME, 100)
    assert "  awake  half duplex  " in line({**FRAME, "awake": True, "echo": "half"}, 100)
    assert "  waits for the wake word  " in line({**FRAME, "awake": False, "echo": "full"}, 100)
    assert "half duplex  IN PLACE OF ANOTHER" in line({**FRAME, "echo": "half", "in_place": True}, 100)
    lost = {**FRAME, "state": "lost: It has gone.", "level_dbfs": None}
    assert line(lost, 100) == "lost: It has gone."


def test_it_shows_whether_the_wake_word_is_needed() -> None:
    seen: list[tuple[Any, Any]] = []

    def look(assistant: Assistant) -> None:
        told = daemon_of(assistant).microphone()
        seen.append((told["awake"], told["echo"]))

    check(Scenario(listening={"mode": "wake"}).wake(1.0, 1.5).probe(0.5, look).probe(2.0, look).run(3))
    check(Scenario().probe(0.5, look).run(1))
    assert seen == [(False, "full"), (True, "full"), (None, "full")]


@pytest.mark.anyio
async def test_the_socket_streams_levels(tmp_path: Path) -> None:
    async with serving(tmp_path / "s"), connect(tmp_path / "s") as client, aclosing(client.microphone()) as frames:
        seen = [await anext(frames), await anext(frames)]
        assert seen[0] == {"device": "fake", "state": "open", "level_dbfs": -40.0, "speech": 0.25}
        assert await client.call("ping") == "pong", "other calls go on"
        assert await anext(frames) == seen[0]


def test_without_a_daemon_the_device_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.wav").write_bytes(wav_bytes(tone(440, 0.5, 16_000, -20), 16_000))
    for name, value in {
        "XDG_RUNTIME_DIR": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "VOXSPARK_DEVICES__MICROPHONE": f"file:{tmp_path}/x.wav",
        "VOXSPARK_DEVICES__FAST": "true",
    }.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(cli, ["mic", "--json"])
    frames = [json.loads(each) for each in result.output.splitlines()]
    assert len(frames) == 5
    assert frames[-1]["peak_dbfs"] == pytest.approx(-20, abs=0.2)
    assert "\r" not in CliRunner().invoke(cli, ["mic"]).output
