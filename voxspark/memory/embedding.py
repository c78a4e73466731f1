"""An embedder together with what must be known about its model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from voxspark.errors import EngineError
from voxspark.memory.vectors import Vector, unit
from voxspark.protocols import Embedder


@dataclass(frozen=True, slots=True)
class Habits:
    """How a model wants its texts, and from when on its vectors are near."""

    query: str = ""
    document: str = ""
    least_cosine: float = 0.5
    """Below, two texts are about different things."""


HABITS = {
    "nomic": Habits("search_query: ", "search_document: "),
    "mxbai": Habits(query="Represent this sentence for searching relevant passages: "),
    "minilm": Habits(least_cosine=0.35),
}
"""By a part of the name; the prefixes are those of the model cards."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """Vectors of length 1, never of a model other than the one named."""

    embedder: Embedder
    model: Callable[[], str]
    """The name of the model that would answer now; vectors of different models cannot be compared."""

    @property
    def habits(self) -> Habits:
        name = self.model().casefold()
        return next((habits for part, habits in HABITS.items() if part in name), Habits())

    async def query(self, text: str) -> tuple[str, Vector]:
        """(model, vector) of a question. Raises EngineError."""
        model, (vector,) = await self._embed([f"{self.habits.query}{text}"])
        return model, vector

    async def documents(self, texts: Sequence[str]) -> tuple[str, list[Vector]]:
        """(model, vectors) of texts that are looked for later. Raises EngineError."""
        return await self._embed([f"{self.habits.document}{text}" for text in texts])

    async def _embed(self, texts: Sequence[str]) -> tuple[str, list[Vector]]:
        model = self.model()
        raw = await self.embedder.embed(texts)
        if model != self.model():
            raise EngineError("embedder-changed", "The embedding model has just changed.", "Try again.")
        try:
            vectors = [unit(values) for values in raw]
        except ValueError as error:
            raise _nonsense(model) from error
        if len(vectors) != len(texts) or len({len(vector) for vector in vectors}) > 1:
            raise _nonsense(model)
        return model, vectors


def _nonsense(model: str) -> EngineError:
    return EngineError("embedder-nonsense", f"The embedding model {model} does not give usable vectors.")
