"""Short sentences that bridge a wait, synthesized before they are needed."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing

import anyio
import anyio.lowlevel
from anyio.abc import TaskStatus

from voxspark import audio
from voxspark.protocols import Synthesizer
from voxspark.speech.joining import SPOKEN_RATE_HZ, joined
from voxspark.speech.pacing import pause_seconds
from voxspark.speech.spoken import spoken
from voxspark.types import Clip

log = logging.getLogger(__name__)

MOST_KEPT = 64
"""A sentence of a second and a half is 144 kB; programs with tools may bring their own."""


class Fillers:
    """Keeps the sound of each; a clip of theirs has no text, so that it never becomes history."""

    def __init__(
        self,
        synthesizer: Synthesizer,
        texts: Iterable[str] = (),
        when_quiet: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint,
    ) -> None:
        """`texts` are those to have ready; one is synthesized whenever `when_quiet` returns."""
        self._synthesizer = synthesizer
        self._texts = texts
        self._when_quiet = when_quiet
        self._clips: dict[str, Clip] = {}

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Get the texts ready; what the voice cannot say is left out."""
        task_status.started()
        for text in self._texts:
            await self._when_quiet()
            await self.clip(text)

    async def clip(self, text: str) -> Clip | None:
        """The sound of a sentence, at once when it is kept; None when the voice cannot say it."""
        if (kept := self._clips.get(text)) is not None:
            return kept
        try:
            async with aclosing(joined(self._synthesizer.synthesize(spoken(text)), pause_seconds(text))) as sounds:
                pieces = [each async for each in sounds]
        except Exception as error:  # the boundary of a comfort: a broken voice is told of when it has an answer to say
            log.debug("no filler: %r", error)
            return None
        if not pieces:
            return None
        clip = Clip(audio.join(*pieces), SPOKEN_RATE_HZ, "")
        if len(self._clips) < MOST_KEPT:
            self._clips[text] = clip
        return clip
