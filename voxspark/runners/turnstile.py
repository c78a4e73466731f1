"""One at a time, the quickest of those who wait first."""

from __future__ import annotations

import heapq
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import count

import anyio
import anyio.lowlevel


class Turnstile:
    """Whoever is quick does not wait for whoever is slow: a conversation begins before a model of 65 GB is there."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: list[tuple[float, int, anyio.Event]] = []
        self._numbers = count()

    @asynccontextmanager
    async def passing(self, seconds: float) -> AsyncGenerator[None, None]:
        """Held by one at a time; `seconds` is about how long it will be."""
        entry = (seconds, next(self._numbers), anyio.Event())
        heapq.heappush(self._waiting, entry)
        try:
            await anyio.lowlevel.checkpoint()  # those who come in the same moment are compared, too
            self._let_in()
            await entry[2].wait()
            yield
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)
                heapq.heapify(self._waiting)
            else:
                self._taken = False
            self._let_in()

    def _let_in(self) -> None:
        if not self._taken and self._waiting:
            self._taken = True
            heapq.heappop(self._waiting)[2].set()
