"""Bridges the wait for a tool or another model with a short sentence that is no part of the reply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from voxspark.protocols import Clock
from voxspark.speech.fillers import Fillers
from voxspark.tools.phrases import translated
from voxspark.turn.playout import Playout

SILENCE_SECONDS = 0.7
"""After the end of speech that is not bridged: people leave each other about as long (latency.md)."""

STILL_AT_IT = "I'm still at it."
"""Said when nothing has come long after a filler: a model that must be loaded first takes up to minutes."""

PATIENT_SECONDS = 12.0
"""From a filler to the next, and then twice as long each time."""


class Bridge:
    """The fillers of one turn."""

    def __init__(self, fillers: Fillers, playout: Playout, clock: Clock, on_filler: Callable[[str], None]) -> None:
        """`on_filler` hears of each that is about to be said."""
        self._fillers = fillers
        self._playout = playout
        self._clock = clock
        self._on_filler = on_filler
        self._text = ""
        self._begun = anyio.Event()

    def begun(self, filler: str) -> None:
        """Something is at work that may take long; an empty filler means that it does not."""
        if filler and not self._begun.is_set():
            self._text = filler
            self._begun.set()

    async def run(
        self, end_of_speech: float, confirmed: Callable[[], Awaitable[object]], answered: Callable[[], bool]
    ) -> None:
        """Say it once something is at work and the turn is confirmed; again and again, until `answered`."""
        await self._begun.wait()
        await confirmed()
        await anyio.sleep(max(0.0, end_of_speech + SILENCE_SECONDS - self._clock()))
        text, seconds = self._text, PATIENT_SECONDS
        while not answered() and (clip := await self._fillers.clip(text)) and not answered():
            self._on_filler(text)
            await self._playout.play(clip)
            await anyio.sleep(seconds)
            text, seconds = translated(STILL_AT_IT), 2 * seconds
