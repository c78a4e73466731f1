"""From chunks to signals: gate, judge, wake word and endpointer in a row.

The nearly free gate looks at every chunk; the judge (Silero) runs only while the gate is open or an utterance is.
"""

from __future__ import annotations

from collections import deque

from voxspark.config_listening import ListeningSettings
from voxspark.listening.endpoint import Endpointer
from voxspark.protocols import VoiceActivity, VoiceGate, WakeWordDetector
from voxspark.types import CHUNK_SECONDS, Chunk, ListeningSignal, SpeechPaused, Utterance, UtteranceEnded, WakeWordHeard

GATE_HOLD_SECONDS = 0.32
"""How long the judge stays awake after the gate last opened: longer than gaps inside words."""

CONTEXT_CHUNKS = 2
"""Chunks the judge hears from before the gate opened; Silero needs a little past to be sure."""


class Listener:
    """Turns the microphone's chunks into listening signals. Owned by the Assistant, runs on its loop."""

    def __init__(
        self,
        settings: ListeningSettings,
        gate: VoiceGate,
        activity: VoiceActivity,
        wake: WakeWordDetector | None = None,
    ) -> None:
        self._settings = settings
        self._gate = gate
        self._activity = activity
        self._wake = wake
        self._endpointer = Endpointer(settings)
        self._recent: deque[Chunk] = deque(maxlen=CONTEXT_CHUNKS)
        self._awake_seconds = 0.0
        self._heard_until = 0.0
        self._armed_until = float("inf") if settings.mode == "open" else float("-inf")
        self.speech_probability = 0.0
        """Of the last chunk; 0 where nobody listens for speech."""
        self.deaf = False
        """True while the daemon must not hear (its own voice, without an echo canceller)."""

    @property
    def active(self) -> bool:
        """An utterance is open."""
        return self._endpointer.active

    @property
    def held(self) -> bool:
        """Push-to-talk is down."""
        return self._endpointer.held

    @property
    def attentive(self) -> bool:
        """Whoever speaks now speaks to it: push-to-talk is down, or in wake mode no wake word is needed."""
        armed = self._settings.mode == "wake" and (self.active or self._heard_until < self._armed_until)
        return self.held or armed

    def is_open(self, utterance: Utterance) -> bool:
        """The utterance has not ended: more of it may come."""
        return self._endpointer.is_open(utterance)

    def rests_after(self, utterance: Utterance) -> bool:
        """The utterance is open, and nothing was said since."""
        return self._endpointer.rests_after(utterance)

    @property
    def latest_at(self) -> float:
        """When the open utterance began or last went on after a pause: seconds on the audio clock."""
        return self._endpointer.latest_at

    def latest(self) -> Utterance:
        """What was said since then, so far."""
        return self._endpointer.latest()

    def feed(self, chunk: Chunk) -> list[ListeningSignal]:
        """Take one chunk; what follows from it, in order."""
        signals: list[ListeningSignal] = []
        self._heard_until = chunk.at
        if self._wake is not None and (word := self._wake.detect(chunk.samples)) is not None and not self.held:
            signals.append(WakeWordHeard(chunk.at, word))
            self._endpointer.close()  # the name is no part of what is asked
            self.arm()
        self.speech_probability = self._probability(chunk)
        signals += self._endpointer.feed(chunk, self.speech_probability)
        self._recent.append(chunk)
        if any(isinstance(signal, SpeechPaused | UtteranceEnded) for signal in signals):
            self.arm()
        return signals

    def arm(self) -> None:
        """In wake mode: listen without the wake word for the follow-up window from here."""
        if self._settings.mode == "wake":
            self._armed_until = max(self._armed_until, self._heard_until + self._settings.follow_up_seconds)

    def press(self, at: float) -> list[ListeningSignal]:
        """Push-to-talk went down."""
        return self._endpointer.press(at)

    def release(self, at: float) -> list[ListeningSignal]:
        """Push-to-talk came up."""
        return self._endpointer.release(at)

    def apply(self, settings: ListeningSettings) -> None:
        """Other settings from the next chunk on; the mode and its wake words stay."""
        self._settings = settings
        self._endpointer.apply(settings)

    def close(self) -> None:
        """The open utterance has been dealt with: what comes next is a new one."""
        self._endpointer.close()

    def forget(self) -> None:
        """Nothing that was heard is kept, said or not; in wake mode the word is needed again."""
        self._endpointer = Endpointer(self._settings)
        self._recent.clear()
        self._awake_seconds = 0.0
        if self._settings.mode == "wake":
            self._armed_until = float("-inf")

    def flush(self, at: float) -> list[ListeningSignal]:
        """The microphone's stream is over."""
        return self._endpointer.flush(at)

    def _probability(self, chunk: Chunk) -> float:
        if self.deaf or not (self._endpointer.active or chunk.at < self._armed_until):
            self._awake_seconds = 0.0
            return 0.0
        was_asleep = self._awake_seconds <= 0
        if self._gate.open(chunk.samples):
            self._awake_seconds = GATE_HOLD_SECONDS
        if self._awake_seconds <= 0 and not self._endpointer.active:
            return 0.0
        self._awake_seconds -= CHUNK_SECONDS
        if was_asleep and not self._endpointer.active:
            self._activity.reset()
            for past in self._recent:
                self._activity.probability(past.samples)
        return self._activity.probability(chunk.samples)
