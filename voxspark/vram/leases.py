"""A lease: the right to use a model until it is given back, or until the model has to leave."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import anyio

from voxspark.errors import EngineError
from voxspark.vram.state import Request
from voxspark.vram.team import Rung

T = TypeVar("T")


class Leased:
    """A model in use. What its engine does is awaited through `guard`, so that an urgent eviction ends it."""

    def __init__(self, engine: Any, rung: Rung, reason: str) -> None:
        self.engine = engine
        """`Chat`, `Embedder`, `Transcriber`, `Synthesizer` or `Painter` of `protocols`, by role."""
        self.rung = rung
        """Which model it is, how large, and how it differs from what the profile wants (`rung.change`)."""
        self.reason = reason
        """Why this one, in a sentence."""
        self.cause = ""
        """What kept a better one from being had, in a sentence."""
        self._revoked = False
        self._working: set[anyio.CancelScope] = set()

    async def guard(self, work: Awaitable[T]) -> T:
        """Its result. Raises EngineError `model-evicted` when the model has to leave before it is there."""
        if self._revoked:
            getattr(work, "close", lambda: None)()  # never awaited, and Python would say so
            raise self._evicted()
        with anyio.CancelScope() as scope:
            self._working.add(scope)
            try:
                return await work
            finally:
                self._working.discard(scope)
        raise self._evicted()

    def revoke(self) -> None:
        """The model leaves now, whoever uses it."""
        self._revoked = True
        for scope in self._working:
            scope.cancel()

    def _evicted(self) -> EngineError:
        return EngineError(
            "model-evicted",
            f"{self.rung.name} had to leave memory before it was done.",
            "Ask again; voxspark plan says what took its place.",
        )


@dataclass(eq=False)
class Waiter:
    """A request, and whoever waits for its model."""

    request: Request
    wanted: Rung
    """What it would have in the best case."""
    answered: anyio.Event = field(default_factory=anyio.Event)
    outcome: Leased | EngineError | None = None
    abandoned: bool = False
    """Nobody takes the lease: the ledger's own request, or whoever asked has gone."""
    reason: str = ""

    def answer(self, outcome: Leased | EngineError) -> None:
        """Wake whoever waits."""
        self.outcome = outcome
        self.answered.set()
