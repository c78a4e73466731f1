"""What of a reply is played, and what of it was heard."""

from __future__ import annotations

import math
from collections.abc import Callable

import anyio

from voxspark.protocols import Speaker
from voxspark.speech.heard import heard_text
from voxspark.speech.pacing import chime_samples
from voxspark.types import Clip

AUDIBLE_POLL_SECONDS = 0.01


class Playout:
    """Plays the clips of one reply in order, on a speaker that is this turn's alone from the first clip to the last."""

    def __init__(self, speaker: Speaker, on_audible: Callable[[float], None], *, chime: bool = False) -> None:
        """`on_audible` hears once, as seconds on the audio clock, when the first sample was audible."""
        self._speaker = speaker
        self._on_audible = on_audible
        self._chime = chime
        self._one_at_a_time = anyio.Lock()
        self._said: list[Clip] = []
        self._told = False
        self._playing = False
        self._draining = False
        """Everything that will be said is queued."""
        self.heard = ""
        """The text that was heard so far, cut at the word where playback stopped."""

    @property
    def audible(self) -> bool:
        """The reply can be heard right now."""
        return self._playing and self._speaker.audible_since is not None

    async def play(self, clip: Clip) -> None:
        """Queue one clip behind the others; returns when the last of it is queued. Raises DeviceError."""
        async with self._one_at_a_time:
            if not self._playing:
                self._speaker.begin()
                self._playing = True
            if self._chime and not self._said:
                await self._queue(Clip(chime_samples(clip.sample_rate_hz), clip.sample_rate_hz, ""))
            await self._queue(clip)

    async def _queue(self, clip: Clip) -> None:
        self._said.append(clip)
        await self._speaker.play(clip)

    async def watch(self) -> None:
        """Return when the first sample was audible and that is told."""
        while not self._report():
            await anyio.sleep(AUDIBLE_POLL_SECONDS)

    def _report(self) -> bool:
        """Tell once when the first sample was audible; True when that is told."""
        if not self._told and self._playing and (since := self._speaker.audible_since) is not None:
            self._told = True
            self._on_audible(since)
        return self._told

    async def drain(self) -> None:
        """Return when everything queued has been heard."""
        async with self._one_at_a_time:
            if self._playing:
                self._draining = True
                await self._speaker.drain()
                self._report()
                self._playing = False
                self._note_heard(math.inf)

    def stop(self) -> None:
        """Fall silent, at once, and keep what was heard. Raises what a broken speaker raises."""
        if self._playing:
            self._report()
            self._playing = False
            self._note_heard(self._speaker.stop())

    def _note_heard(self, seconds: float) -> None:
        heard = heard_text(self._said, seconds, more_to_come=not self._draining)
        self.heard = f"{self.heard} {heard}".strip()
        self._said, self._draining = [], False

    def deliver(self, piece: str) -> None:
        """A piece that is read and not played counts as heard."""
        self.heard = f"{self.heard} {piece}".strip()
