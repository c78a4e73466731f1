"""A memory with an embedder whose vectors can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import anyio
import pytest

from voxspark.errors import EngineError
from voxspark.memory.database import open_in_memory
from voxspark.memory.embedding import Embedding
from voxspark.memory.facts import Facts
from voxspark.memory.indexing import Indexing
from voxspark.memory.recall import Recall
from voxspark.memory.schema import MIGRATIONS

T = TypeVar("T")

NOW = 1_764_000_000.0

TOPICS = (("sister", "sibling", "brother"), ("cat", "dog", "kitten"), ("car", "parked", "garage"))


class TopicEmbedder:
    """One dimension for each topic that a text is about, and one for none of them."""

    def __init__(self) -> None:
        self.model = "topics"
        self.texts: list[str] = []
        self.seconds = 0.0
        self.away = False
        self.poison = "\0"

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.texts += texts
        await anyio.sleep(self.seconds)
        if self.away or any(self.poison in text for text in texts):
            raise EngineError("embedder-away", "The embedder is away.")
        return [_vector(text) for text in texts]


def _vector(text: str) -> list[float]:
    about = [float(any(word in text for word in topic)) for topic in TOPICS]
    return [*about, 0.0 if any(about) else 1.0]


class World:
    """Everything put together, in memory."""

    def __init__(self) -> None:
        self.now = NOW
        self.database = open_in_memory(MIGRATIONS)
        self.facts = Facts(self.database)
        self.embedder = TopicEmbedder()
        self.embedding = Embedding(self.embedder, lambda: self.embedder.model)
        self.indexing = Indexing(self.facts, self.embedding)
        self.recall = Recall(self.facts, self.embedding, self.indexing, lambda: self.now)

    async def told(self, *texts: str) -> list[int]:
        """The numbers of new facts, told a day after each other; not embedded yet."""
        numbers = []
        for text in texts:
            numbers.append((await self.recall.add(text, self.now))[0])
            self.now += 86_400
        return numbers


@pytest.fixture(scope="module", autouse=True)
def no_threads() -> Iterator[None]:
    """The database answers at once: a clock that jumps would overtake a thread."""

    async def at_once(function: Callable[[], T], **_: object) -> T:
        return function()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("anyio.to_thread.run_sync", at_once)
        yield
