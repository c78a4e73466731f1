"""The voices that come with VoxSpark: fit to be cloned, free to be shipped, and in the wheel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import anyio
import pytest

from bench.latency import word_errors
from voxspark.audio import read_speech, wav_seconds
from voxspark.config_speech import TranscriberSettings
from voxspark.engines.stt.faster_whisper import WhisperTranscriber
from voxspark.voices import Shelf, Voice
from voxspark.voices.keeping import CLONERS, problems_of

ROOT = Path(__file__).parents[1]
FREE = ("Apache-2.0", "CC-BY-4.0", "CC0-1.0", "Public domain")
SHELF = Shelf(ROOT / "voices")
CLONED = [voice for voice in SHELF.voices.values() if voice.reference]


def test_there_are_the_embedded_one_and_two_to_be_cloned() -> None:
    assert not SHELF.failures
    assert SHELF.voices["heart"].engines["hibari"] == "heart"
    assert len(CLONED) >= 2


@pytest.mark.parametrize("voice", SHELF.voices.values(), ids=SHELF.voices)
def test_it_is_good_and_free(voice: Voice) -> None:
    assert not problems_of(voice)
    assert voice.licence in FREE
    assert f"`{voice.name}`" in (ROOT / "voices" / "README.md").read_text()


@pytest.mark.parametrize("voice", CLONED, ids=lambda voice: voice.name)
def test_it_is_small_and_for_every_engine_that_clones(voice: Voice) -> None:
    assert voice.recording is not None
    assert dict(voice.engines) == dict.fromkeys(CLONERS, "")
    assert 3 <= wav_seconds(voice.recording) <= 12
    assert voice.recording.stat().st_size < 300_000


@pytest.mark.real
def test_what_is_said_is_what_is_written() -> None:
    whisper = WhisperTranscriber(TranscriberSettings(model="bundled:base"))
    for voice in CLONED:
        assert voice.recording
        assert voice.reference
        heard = anyio.run(whisper.transcribe, read_speech(voice.recording)).text
        assert word_errors(voice.reference.text, heard) <= 0.1 * len(voice.reference.text.split()), heard


@pytest.mark.real
def test_they_are_in_the_wheel_and_found_there(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*build, "--wheel-dir", str(tmp_path)], check=True, timeout=120)
    (wheel,) = tmp_path.glob("voxspark-*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    look = "import json, voxspark.voices as v; print(json.dumps([str(x.recording) for x in v.shelf().voices.values()]))"
    env = {"PYTHONPATH": str(tmp_path / "site"), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", look], cwd=tmp_path, env=env, check=True, capture_output=True, text=True, timeout=60
    )
    place = tmp_path / "site" / "voxspark" / "shipped_voices"
    wanted = [str(place / v.name / v.reference.file) if v.reference else "None" for v in SHELF.voices.values()]
    assert json.loads(done.stdout) == wanted
    units = {path.name for path in (place.parent / "shipped_units").rglob("voxspark.s*")}
    assert units == {"voxspark.service", "voxspark.socket", "voxspark.sysusers.conf"}


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = " + "9" * 5_000])
def test_a_file_that_breaks_its_reader_is_left_out(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "voice.toml").write_text(text)
    assert [failure.code for failure in Shelf(tmp_path).failures] == ["voice-unreadable"]


def test_neither_pipes_nor_names_that_steer_a_terminal_are_voices(tmp_path: Path) -> None:
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / "voice.toml")
    (tmp_path / "\x1b[31mred\n").mkdir()
    (tmp_path / "\x1b[31mred\n" / "voice.toml").write_text("")
    library = Shelf(tmp_path)
    assert (library.voices, library.failures) == ({}, [])
