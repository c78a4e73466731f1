"""Single turns kept whole, for whoever asked for them: what was heard, what was said, every event. Never by itself.

One folder per turn, for its owner only, below `$XDG_STATE_HOME/voxspark/recordings`; deleted after some days, or when
all of them take more than they may.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from anyio.abc import TaskStatus

from voxspark.audio import resample, to_float, wav_bytes
from voxspark.config_watching import RecordingSettings
from voxspark.events import Event, RecordingChanged, Transcribed, TurnEnded, TurnStarted
from voxspark.files import state_folder
from voxspark.protocols import Clock, Emit, Synthesizer, Transcriber
from voxspark.turn import TurnParts
from voxspark.types import SAMPLE_RATE_HZ, Pcm, Pcm16, Transcript
from voxspark.watching.turns import UNNOTICED

log = logging.getLogger(__name__)

SWEEP_SECONDS = 3600.0
SAID_RATE_HZ = 24_000
WAITING = 8
"""Turns that may wait to be written; one more is not kept."""

OURS = re.compile(r"\d{8}-\d{6}-turn\d+")


def recordings_folder() -> Path:
    """`$XDG_STATE_HOME/voxspark/recordings`."""
    return state_folder() / "recordings"


@dataclass(slots=True)
class _Turn:
    """A turn that is being kept."""

    number: int
    events: list[dict[str, Any]] = field(default_factory=list)
    heard: Pcm16 | None = None
    said: list[tuple[Pcm, int]] = field(default_factory=list)


class Recorder:
    """Keeps the next turns that somebody asked for, and tells by an event while it does."""

    def __init__(self, folder: Path, settings: RecordingSettings, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._settings = settings
        self._now = now
        self._emit: Emit = lambda _: None
        self._clock: Clock = lambda: 0.0
        self.turns_left = 0
        """How many turns are still to be kept; 0 is off."""
        self._turns: dict[int, _Turn] = {}
        self._newest: _Turn | None = None
        self._heard: Pcm16 | None = None
        self._waiting: deque[_Turn] = deque()
        self._news = anyio.Event()

    def attend(self, emit: Emit, clock: Clock) -> Callable[[TurnParts], TurnParts]:
        """Where its events go; what it returns makes turns audible to it."""
        self._emit, self._clock = emit, clock
        return self._tap

    # ── asked for ───────────────────────────────────────────────────────────────────────────────

    def begin(self, turns: int) -> dict[str, Any]:
        """Keep so many of the next turns; none ends it."""
        self._set(turns)
        return {"folder": str(self._folder), "turns": turns, "days": self._settings.days}

    def _set(self, turns: int) -> None:
        self.turns_left = turns
        if not turns:
            self._turns.clear()
            self._newest = self._heard = None
        self._emit(RecordingChanged(self._clock(), turns))

    # ── what happens ────────────────────────────────────────────────────────────────────────────

    def _tap(self, parts: TurnParts) -> TurnParts:
        return replace(
            parts,
            transcriber=_TappedEars(parts.transcriber, self._hears),
            synthesizer=_TappedVoice(parts.synthesizer, self._says),
        )

    def note(self, event: Event) -> None:
        """Something happened."""
        if not self.turns_left:
            return
        if isinstance(event, TurnStarted):
            self._newest = self._turns[event.turn] = _Turn(event.turn)
        turn = self._turns.get(getattr(event, "turn", None) or 0)
        if turn is None:
            return
        turn.events.append(event.to_json())
        if isinstance(event, Transcribed):
            turn.heard = self._heard
        if isinstance(event, TurnEnded):
            self._over(turn, event.outcome)

    def _over(self, turn: _Turn, outcome: str) -> None:
        del self._turns[turn.number]
        if outcome in UNNOTICED:
            return
        if len(self._waiting) < WAITING:
            self._waiting.append(turn)
            self._news.set()
        else:
            log.warning("turn %d is not kept: the disk is too slow", turn.number)
        self._set(self.turns_left - 1)

    def _hears(self, samples: Pcm16) -> None:
        if self.turns_left:
            self._heard = samples

    def _says(self, samples: Pcm, rate_hz: int) -> None:
        if self._newest is not None and self._newest.number in self._turns:
            self._newest.said.append((samples, rate_hz))

    # ── on disk ─────────────────────────────────────────────────────────────────────────────────

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Write what is kept and delete what is too old, until cancelled."""
        task_status.started()
        while True:
            await anyio.to_thread.run_sync(self._sweep)
            with anyio.move_on_after(SWEEP_SECONDS):
                await self._news.wait()
            self._news = anyio.Event()
            while self._waiting:
                await anyio.to_thread.run_sync(self._write, self._waiting.popleft())

    def _write(self, turn: _Turn) -> None:
        folder = self._folder / f"{self._now():%Y%m%d-%H%M%S}-turn{turn.number}"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700)
            lines = "".join(f"{json.dumps(event, ensure_ascii=False)}\n" for event in turn.events)
            _write(folder / "events.jsonl", lines.encode(errors="replace"))
            if turn.heard is not None:
                _write(folder / "heard.wav", wav_bytes(to_float(turn.heard), SAMPLE_RATE_HZ))
            if said := [resample(samples, rate, SAID_RATE_HZ) for samples, rate in turn.said if len(samples)]:
                from numpy import concatenate

                _write(folder / "said.wav", wav_bytes(concatenate(said), SAID_RATE_HZ))
            log.info("turn %d is kept in %s", turn.number, folder)
        except OSError as error:
            log.warning("turn %d cannot be kept: %s", turn.number, error.strerror)

    def _sweep(self) -> None:
        """Delete what is too old, and the oldest while all of them are too large. Only folders that are ours."""
        try:
            found = list(self._folder.iterdir())
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("%s cannot be looked through: %s", self._folder, error.strerror)
            return
        oldest = (self._now() - timedelta(days=self._settings.days)).timestamp()
        room = self._settings.most_megabytes * 1_000_000
        ours = [each for each in found if OURS.fullmatch(each.name) and not each.is_symlink()]
        for folder in sorted(ours, reverse=True):
            try:
                room -= sum(file.lstat().st_size for file in folder.iterdir())
                if room < 0 or folder.stat().st_mtime < oldest:
                    shutil.rmtree(folder, ignore_errors=True)
            except OSError as error:  # no folder, or somebody removes it at the same time
                log.warning("%s cannot be looked through: %s", folder, error.strerror)


def _write(path: Path, data: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - flags
        file.write(data)


class _TappedEars:
    """A transcriber that somebody listens in to."""

    def __init__(self, transcriber: Transcriber, hears: Callable[[Pcm16], None]) -> None:
        self._transcriber = transcriber
        self._hears = hears

    async def transcribe(self, samples: Pcm16, *, hot_words: Sequence[str] = ()) -> Transcript:
        """See `protocols.Transcriber`."""
        transcript = await self._transcriber.transcribe(samples, hot_words=hot_words)
        self._hears(samples)
        return transcript

    async def warm(self) -> None:
        """See `protocols.Transcriber`."""
        await self._transcriber.warm()


class _TappedVoice:
    """A voice that somebody listens in to."""

    def __init__(self, synthesizer: Synthesizer, says: Callable[[Pcm, int], None]) -> None:
        self._synthesizer = synthesizer
        self._says = says

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """See `protocols.Synthesizer`."""
        async with aclosing(self._synthesizer.synthesize(text)) as pieces:
            async for samples, rate_hz in pieces:
                self._says(samples, rate_hz)
                yield samples, rate_hz

    async def warm(self) -> None:
        """See `protocols.Synthesizer`."""
        await self._synthesizer.warm()
