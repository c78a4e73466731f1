"""Downloads that survive a cut: Ollama goes on where it stopped when it is asked again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from voxspark.engines.ollama.errors import Edge
from voxspark.errors import EngineError

if TYPE_CHECKING:
    from ollama import ProgressResponse

FRUITLESS_ATTEMPTS = 5
"""In a row, after which a download is given up."""

HOPELESS = frozenset({"model-unknown", "disk-full", "ollama-too-old", "ollama-rejected", "chat-model-missing"})
"""Errors that asking again does not cure."""


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a download is, over all layers that have been told of."""

    status: str
    """Ollama's words: `pulling manifest`, `pulling 500a1f067a9f`, `verifying sha256 digest`, …, `success`."""
    completed_bytes: int
    """Never less than before."""
    total_bytes: int


class Layers:
    """Adds the layers up; what a resumed layer reports again is not counted back."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}

    @property
    def completed_bytes(self) -> int:
        return sum(completed for completed, _ in self._layers.values())

    def heard(self, line: ProgressResponse) -> PullProgress:
        """The whole, after one more line."""
        if line.digest:
            completed, total = self._layers.get(line.digest, (0, 0))
            total = max(total, line.total or 0)
            self._layers[line.digest] = (max(completed, min(line.completed or 0, total)), total)
        return PullProgress(line.status or "", self.completed_bytes, sum(total for _, total in self._layers.values()))


async def resumed(
    model: str, ask: Callable[[], AsyncGenerator[ProgressResponse, None]], edge: Edge, backoff_seconds: float
) -> AsyncGenerator[PullProgress, None]:
    """All progress of a download that is asked for until it succeeds.

    `ask` streams one attempt and raises EngineError unless it succeeds. After a failure it is asked again in 1, 2, 4, …
    times `backoff_seconds`. Raises EngineError: `pull-failed`, or what cannot be cured by asking again.
    """
    layers = Layers()
    fruitless, begun = 0, False
    while True:
        before = layers.completed_bytes
        try:
            async with aclosing(ask()) as lines:
                async for line in lines:
                    begun = True
                    yield layers.heard(line)
            return
        except EngineError as error:
            if error.code in HOPELESS or (error.code == "ollama-unreachable" and not begun):
                raise
            failure = error
        fruitless = 0 if layers.completed_bytes > before else fruitless + 1
        if fruitless == FRUITLESS_ATTEMPTS:
            raise edge.error(
                "pull-failed",
                f"The model {model} cannot be downloaded.",
                f"{failure} What has come is kept; go on with: ollama pull {model}",
            ) from failure
        await anyio.sleep(backoff_seconds * 2 ** max(fruitless - 1, 0))
