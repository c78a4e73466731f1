"""Turns that are kept because somebody asked, and nothing else ever."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import numpy as np
import pytest

from tests.watched_turns import a_turn
from voxspark.audio import read_wav
from voxspark.config_watching import RecordingSettings
from voxspark.events import Event, RecordingChanged, Transcribed
from voxspark.types import Pcm, Pcm16, Transcript
from voxspark.watching import recording
from voxspark.watching.recording import Recorder

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HEARD = np.arange(1600, dtype=np.int16)


class Ears:
    async def transcribe(self, samples: Pcm16, *, hot_words: Sequence[str] = ()) -> Transcript:
        return Transcript("hello")

    async def warm(self) -> None: ...


class Voice:
    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        for _ in range(2):
            yield np.full(2400, 0.5, np.float32), 24_000
        yield np.zeros(0, np.float32), 24_000

    async def warm(self) -> None: ...


@asynccontextmanager
async def recorder_in(folder: Path, told: list[Event], **settings: int) -> AsyncIterator[Recorder]:
    async with anyio.create_task_group() as group:
        recorder = Recorder(folder, RecordingSettings(**settings), lambda: NOW)
        recorder.attend(told.append, lambda: 5.0)
        await group.start(recorder.run)
        yield recorder
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()


async def play(recorder: Recorder, number: int, outcome: str = "answered") -> None:
    """A turn, with its sound."""
    ears = recording._TappedEars(Ears(), recorder._hears)
    voice = recording._TappedVoice(Voice(), recorder._says)
    for event in a_turn(number, outcome):
        if isinstance(event, Transcribed):
            await ears.transcribe(HEARD)
        recorder.note(event)
        if event.name() == "reply":
            assert [len(samples) async for samples, _ in voice.synthesize("x")] == [2400, 2400, 0]


async def kept(folder: Path, count: int) -> list[Path]:
    """The folders, as soon as there are so many."""
    with anyio.fail_after(5):
        while not folder.exists() or len(list(folder.glob("*/events.jsonl"))) < count:
            await anyio.sleep(0.01)
    return sorted(folder.iterdir())


async def test_nothing_is_kept_unasked(tmp_path: Path) -> None:
    told: list[Event] = []
    async with recorder_in(tmp_path / "r", told) as recorder:
        await play(recorder, 1)
    assert (list(tmp_path.iterdir()), told) == ([], [])
    assert recorder._heard is None


async def test_the_next_turns_are_kept_whole_and_it_tells_so(tmp_path: Path) -> None:
    told: list[Event] = []
    async with recorder_in(tmp_path / "r", told) as recorder:
        assert recorder.begin(2) == {"folder": str(tmp_path / "r"), "turns": 2, "days": 7}
        for number, outcome in enumerate(("withdrawn", "answered", "empty", "failed", "answered"), 1):
            await play(recorder, number, outcome)
        folders = await kept(tmp_path / "r", 2)
    assert [each.name for each in folders] == ["20261124-120000-turn2", "20261124-120000-turn4"]
    assert [each.turns_left for each in told if isinstance(each, RecordingChanged)] == [2, 1, 0]
    assert stat.S_IMODE((tmp_path / "r").stat().st_mode) == 0o700
    for folder in folders:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()} == dict.fromkeys(
            ("events.jsonl", "heard.wav", "said.wav"), 0o600
        )
    lines = [json.loads(line) for line in (folders[0] / "events.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == [event.name() for event in a_turn()]
    heard, heard_hz = read_wav(folders[0] / "heard.wav")
    said, said_hz = read_wav(folders[0] / "said.wav")
    assert (len(heard), heard_hz, len(said), said_hz) == (1600, 16_000, 4800, 24_000)


async def test_off_keeps_nothing_of_what_was_begun(tmp_path: Path) -> None:
    told: list[Event] = []
    async with recorder_in(tmp_path / "r", told) as recorder:
        recorder.begin(3)
        for event in a_turn()[:3]:
            recorder.note(event)
        recorder.begin(0)
        for event in a_turn()[3:]:
            recorder.note(event)
    assert list(tmp_path.iterdir()) == []
    assert [each.turns_left for each in told if isinstance(each, RecordingChanged)] == [3, 0]


async def test_a_disk_that_cannot_be_written_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "r").touch()
    async with recorder_in(tmp_path / "r", []) as recorder:
        recorder.begin(1)
        await play(recorder, 1)
        with anyio.fail_after(5):
            while "cannot be kept" not in caplog.text:
                await anyio.sleep(0.01)


def a_recording(folder: Path, name: str, days_old: float, size_bytes: int) -> None:
    import os

    (folder / name).mkdir(parents=True)
    (folder / name / "said.wav").write_bytes(bytes(size_bytes))
    then = (NOW - timedelta(days=days_old)).timestamp()
    os.utime(folder / name, (then, then))


async def test_old_and_too_many_recordings_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    for day in range(1, 8):
        a_recording(tmp_path, f"2026112{8 - day}-120000-turn{day}", day, 300_000)
    a_recording(tmp_path, "mine", 400, 10)
    Recorder(tmp_path, RecordingSettings(days=5, most_megabytes=1), lambda: NOW)._sweep()
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        *(f"2026112{8 - day}-120000-turn{day}" for day in (3, 2, 1)),
        "mine",
    ]
    Recorder(tmp_path, RecordingSettings(days=1), lambda: NOW)._sweep()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["20261127-120000-turn1", "mine"]


def test_what_is_no_recording_of_ours_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "20260101-000000-turn1").touch()
    gone = tmp_path / "20260101-000001-turn2"
    gone.mkdir()
    (gone / "heard.wav").symlink_to("/nowhere")
    os.utime(gone, (0, 0))
    Recorder(tmp_path, RecordingSettings(days=1), lambda: NOW)._sweep()
    assert [each.name for each in tmp_path.iterdir()] == ["20260101-000000-turn1"]
    Recorder(tmp_path / "20260101-000000-turn1", RecordingSettings(days=1), lambda: NOW)._sweep()
