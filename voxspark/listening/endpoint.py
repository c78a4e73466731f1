"""Where an utterance begins, pauses and ends: a pure state machine that counts seconds of audio.

    idle ──voiced──▶ speech ◀──voiced again── paused ──hangover──▶ idle
                       └──────early silence──────▶┘

No clock, no I/O, no model: it is fed chunks and speech probabilities.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Literal

import numpy as np

from voxspark.config_listening import ListeningSettings
from voxspark.types import (
    CHUNK_SECONDS,
    Chunk,
    ListeningSignal,
    SilenceGrew,
    SpeechBegan,
    SpeechDropped,
    SpeechGrew,
    SpeechPaused,
    SpeechResumed,
    Utterance,
    UtteranceEnded,
)

RELEASE_MARGIN = 0.15
"""Hysteresis of the speech probability (Silero's own recommendation: threshold - 0.15)."""

RESUME_SECONDS = 0.064
"""Voiced audio that counts as speaking on after a pause: two chunks, one may be a click."""

ONSET_SECONDS = 0.1
"""Kept from before speech goes on after a pause, where what is new is heard alone: a quiet first consonant."""

TAIL_SECONDS = 0.2
"""Silence kept behind the last voiced sample; Whisper and Smart Turn both want a little."""


class Endpointer:
    """Finds utterances in a stream of chunks."""

    def __init__(self, settings: ListeningSettings) -> None:
        self._before: deque[Chunk] = deque()
        self.apply(settings)
        self._reset()

    def apply(self, settings: ListeningSettings) -> None:
        """Other settings from the next chunk on."""
        self._settings = settings
        start_chunks = max(1, round(settings.start_seconds / CHUNK_SECONDS))
        self._before = deque(self._before, start_chunks + round(settings.pre_roll_seconds / CHUNK_SECONDS))

    def _reset(self) -> None:
        self._state: Literal["idle", "speech", "paused", "held"] = "idle"
        self._chunks: list[Chunk] = []
        self._voicing = False
        self._run_seconds = 0.0
        self._voiced_seconds = 0.0
        self._since_onset_seconds = 0.0
        self._silence_seconds = 0.0
        self._started_at = 0.0
        self._resumed_at = 0.0
        self._ended_at = 0.0

    @property
    def active(self) -> bool:
        """An utterance is open."""
        return self._state != "idle"

    @property
    def held(self) -> bool:
        """Push-to-talk is down."""
        return self._state == "held"

    def feed(self, chunk: Chunk, probability: float) -> list[ListeningSignal]:
        """Take one chunk (32 ms) and its speech probability; what follows from it, in order."""
        threshold = self._settings.speech_threshold - (RELEASE_MARGIN if self._voicing else 0.0)
        self._voicing = probability >= threshold
        self._run_seconds = self._run_seconds + CHUNK_SECONDS if self._voicing else 0.0
        if self._state == "idle":
            return self._feed_idle(chunk)
        self._chunks.append(chunk)
        if self._voicing:
            self._ended_at = chunk.at + CHUNK_SECONDS
        signals = {"speech": self._feed_speech, "paused": self._feed_paused, "held": self._feed_held}[self._state](
            chunk
        )
        if self.active and len(self._chunks) * CHUNK_SECONDS >= self._settings.max_utterance_seconds:
            signals.append(self._end(chunk.at, "maximum"))
        return signals

    def is_open(self, utterance: Utterance) -> bool:
        """The utterance has not ended: more of it may come."""
        return self.active and self._started_at == utterance.started_at

    def rests_after(self, utterance: Utterance) -> bool:
        """The utterance is open, and nothing was said since."""
        rests = self._state == "paused" and self._ended_at < utterance.ended_at + RESUME_SECONDS
        return rests and self.is_open(utterance)

    @property
    def latest_at(self) -> float:
        """When the open utterance began or last went on after a pause: seconds on the audio clock."""
        return max(self._resumed_at, self._started_at)

    def latest(self) -> Utterance:
        """What was said since then, so far."""
        since = self._resumed_at - ONSET_SECONDS if self._resumed_at else -math.inf
        return self._utterance("microphone", self.latest_at, since)

    def press(self, at: float) -> list[ListeningSignal]:
        """Push-to-talk went down: the open utterance, or else the pre-roll, and all from here are one utterance."""
        if self.active:
            self._state = "held"
            return []
        chunks = list(self._before)
        self._before.clear()
        self._reset()
        self._state = "held"
        self._chunks = chunks
        self._started_at = self._ended_at = at
        return [SpeechBegan(at)]

    def release(self, at: float) -> list[ListeningSignal]:
        """Push-to-talk came up: the utterance is closed, or dropped when nothing in it was voiced."""
        if self._state != "held":
            return []
        return [self._end(at, "release")]

    def close(self) -> None:
        """Forget the open utterance: what comes next is a new one."""
        if self._state != "idle":
            self._before.extend(self._chunks)
            voicing, run = self._voicing, self._run_seconds
            self._reset()
            self._voicing, self._run_seconds = voicing, run

    def flush(self, at: float) -> list[ListeningSignal]:
        """The stream is over: end what is open."""
        return [self._end(at, "end")] if self.active else []

    def _feed_idle(self, chunk: Chunk) -> list[ListeningSignal]:
        self._before.append(chunk)
        if self._run_seconds < self._settings.start_seconds - CHUNK_SECONDS / 2:
            return []
        self._state = "speech"
        self._chunks = list(self._before)
        self._before.clear()
        self._voiced_seconds = self._since_onset_seconds = self._run_seconds
        self._started_at = chunk.at + CHUNK_SECONDS - self._run_seconds
        self._ended_at = chunk.at + CHUNK_SECONDS
        return [SpeechBegan(chunk.at), SpeechGrew(chunk.at, self._since_onset_seconds)]

    def _feed_speech(self, chunk: Chunk) -> list[ListeningSignal]:
        if self._voicing:
            self._silence_seconds = 0.0
            self._voiced_seconds += CHUNK_SECONDS
            self._since_onset_seconds += CHUNK_SECONDS
            return [SpeechGrew(chunk.at, self._since_onset_seconds)]
        self._silence_seconds += CHUNK_SECONDS
        if self._silence_seconds < self._settings.early_silence_seconds - CHUNK_SECONDS / 2:
            return []
        if self._voiced_seconds < self._settings.min_speech_seconds:
            self.close()
            return [SpeechDropped(chunk.at)]
        self._state = "paused"
        return [SpeechPaused(chunk.at, self._utterance("microphone"), self.latest())]

    def _feed_paused(self, chunk: Chunk) -> list[ListeningSignal]:
        if self._run_seconds >= RESUME_SECONDS - CHUNK_SECONDS / 2:
            self._state = "speech"
            self._silence_seconds = 0.0
            self._voiced_seconds += self._run_seconds
            self._since_onset_seconds = self._run_seconds
            self._resumed_at = chunk.at + CHUNK_SECONDS - self._run_seconds
            return [SpeechResumed(chunk.at), SpeechGrew(chunk.at, self._since_onset_seconds)]
        self._silence_seconds += CHUNK_SECONDS
        if self._silence_seconds >= self._settings.hangover_seconds and not self._voicing:
            return [self._end(chunk.at, "hangover")]
        return [SilenceGrew(chunk.at, self._silence_seconds)]

    def _feed_held(self, _chunk: Chunk) -> list[ListeningSignal]:
        if self._voicing:
            self._voiced_seconds += CHUNK_SECONDS
        return []

    def _end(self, at: float, reason: Literal["hangover", "release", "maximum", "end"]) -> ListeningSignal:
        spoken = self._voiced_seconds >= self._settings.min_speech_seconds
        utterance = self._utterance("push_to_talk" if self._state == "held" else "microphone")
        self._reset()
        return UtteranceEnded(at, utterance, reason) if spoken else SpeechDropped(at)

    def _utterance(self, source: str, started_at: float | None = None, since: float = -math.inf) -> Utterance:
        """Everything from some moment up to a little behind the last voiced sample."""
        chunks = [c for c in self._chunks if since <= c.at < self._ended_at + TAIL_SECONDS]
        keep = [c.samples if c.heard is None else c.heard for c in chunks]
        samples = np.concatenate(keep) if keep else np.zeros(0, np.int16)
        return Utterance(samples, None, self._started_at if started_at is None else started_at, self._ended_at, source)
