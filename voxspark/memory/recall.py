"""Finds what is remembered: by words always, by meaning when the embedder answers in time; both ranks are fused."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import anyio

from voxspark.errors import VoxSparkError
from voxspark.memory.embedding import Embedding
from voxspark.memory.facts import Fact, Facts, Trust
from voxspark.memory.indexing import Indexing

log = logging.getLogger(__name__)

VECTOR_SECONDS = 0.08
"""How long a turn waits for the vector of its question (design.md: a turn never waits for memory)."""

LINES_SECONDS = 0.08
LINES_VECTOR_SECONDS = 0.05
"""Of these; the rest is for the search."""

REST_SECONDS = 10.0
"""An embedder that was late or failed is not asked again so soon."""

MOST_LINES = 3
LONGEST_LINE = 200
"""Characters of a fact in the prompt."""

CANDIDATES = 20
"""Of each ranking."""

FUSION_CONSTANT = 60
"""Reciprocal-rank fusion: Cormack, Clarke and Büttcher, SIGIR 2009."""

RECENCY_WEIGHT, RECENCY_HALF_LIFE_SECONDS = 0.2, 30 * 86_400.0
"""What is new or was asked for lately counts up to a fifth more."""

LEAST_SHARE = 0.5
"""Of a question's words that a fact must have, unless its meaning is near."""


class Recall:
    """The memory as tools and prompts use it. Every method raises ToolError when the database fails."""

    def __init__(
        self,
        facts: Facts,
        embedding: Embedding | None = None,
        indexing: Indexing | None = None,
        now_utc: Callable[[], float] = time.time,
    ) -> None:
        self.facts = facts
        """What is searched."""
        self._embedding = embedding
        self._indexing = indexing
        self._now_utc = now_utc
        self._rests_until = 0.0

    def by_meaning(self, embedding: Embedding | None, indexing: Indexing) -> None:
        """Look by meaning, too, where there is an embedding, and have what is new and used written down."""
        self._embedding, self._indexing = embedding, indexing

    # ── for the prompt ──────────────────────────────────────────────────────────────────────────

    async def lines_for(self, text: str) -> list[str]:
        """What the user once told that bears on `text`: at most 3 lines with their day, within 80 ms, or nothing.

        Only the user's own words: a document's would taint the turn, and come through a tool that says so.
        """
        lines: list[str] = []
        try:
            with anyio.move_on_after(LINES_SECONDS):
                found = await self._search(text, "user", MOST_LINES, LINES_VECTOR_SECONDS, LEAST_SHARE)
                lines = [_line(fact) for fact in found]
        except VoxSparkError as error:
            log.warning("nothing is recalled: %s", error.code)
        return lines

    # ── for tools: see tools/remembering.py ─────────────────────────────────────────────────────

    async def add(self, text: str, created_utc: float) -> tuple[int, bool]:
        """Remember what the user said: (number, whether it is new)."""
        number, is_new = await self.facts.add(text, created_utc)
        if is_new:
            self._nudge(())
        return number, is_new

    async def about(self, query: str, limit: int) -> list[Fact]:
        """What the user told about something, best first."""
        found = await self._search(query, "user", limit, VECTOR_SECONDS, 0.0)
        self._nudge([fact.number for fact in found])
        return found

    async def passages(self, query: str, limit: int) -> list[Fact]:
        """Passages of documents, best first: strangers wrote them."""
        return await self._search(query, "stranger", limit, VECTOR_SECONDS, 0.0)

    async def newest(self, limit: int) -> list[Fact]:
        """What the user told last, newest first."""
        return await self.facts.newest(limit)

    async def with_every_word(self, text: str, limit: int) -> list[Fact]:
        """What the user told that has every word, newest first."""
        return await self.facts.with_every_word(text, limit)

    async def get(self, number: int) -> Fact | None:
        """A fact, unless it is gone."""
        return next(iter(await self.facts.get([number])), None)

    async def count(self) -> int:
        """How many facts the user has told."""
        return await self.facts.count("user")

    async def has_documents(self) -> bool:
        """Whether any document is remembered."""
        return await self.facts.count("stranger") > 0

    async def remove(self, numbers: Sequence[int]) -> None:
        """Forget these."""
        await self.facts.remove(numbers)

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    async def _search(self, query: str, trust: Trust, limit: int, seconds: float, least_share: float) -> list[Fact]:
        """By words, then by meaning; by words alone when the vector is late."""
        by_words = await self.facts.with_some_words(query, trust, CANDIDATES)
        by_meaning = await self._near(query, trust, seconds)
        telling = [match.number for match in by_words if match.share >= least_share]
        scores = fused([telling, by_meaning])
        facts = await self.facts.get(list(scores))
        now = self._now_utc()
        facts.sort(key=lambda fact: scores[fact.number] * recency(fact, now), reverse=True)
        return facts[:limit]

    async def _near(self, query: str, trust: Trust, seconds: float) -> list[int]:
        """Facts whose meaning is near; none when the embedder is away or late."""
        if self._embedding is None or not query.strip() or anyio.current_time() < self._rests_until:
            return []
        if not await self.facts.count(trust):
            return []  # nobody loads a model for it
        embedded = None
        try:
            with anyio.move_on_after(seconds):
                embedded = await self._embedding.query(query)
        except VoxSparkError as error:
            log.info("recalling by words alone: %s", error.code)
        if embedded is None:
            self._rests_until = anyio.current_time() + REST_SECONDS
            if self._indexing is not None:
                self._indexing.embedder_was_late()
            return []
        model, vector = embedded
        near = await self.facts.nearest(model, vector, trust, CANDIDATES)
        return [number for number, cosine in near if cosine >= self._embedding.habits.least_cosine]

    def _nudge(self, used: Sequence[int]) -> None:
        if self._indexing is not None:
            self._indexing.nudge(used, self._now_utc())


def fused(rankings: Iterable[Sequence[int]]) -> dict[int, float]:
    """Reciprocal-rank fusion: a score for each number that is in any ranking."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, number in enumerate(ranking, 1):
            scores[number] = scores.get(number, 0.0) + 1 / (FUSION_CONSTANT + rank)
    return scores


def recency(fact: Fact, now_utc: float) -> float:
    """1 for what is old, 1.2 for what is new."""
    age_seconds = max(0.0, now_utc - max(fact.created_utc, fact.used_utc))
    return float(1 + RECENCY_WEIGHT * 0.5 ** (age_seconds / RECENCY_HALF_LIFE_SECONDS))


def _line(fact: Fact) -> str:
    day = datetime.fromtimestamp(fact.created_utc, UTC).astimezone().date()
    text = fact.text if len(fact.text) <= LONGEST_LINE else f"{fact.text[: LONGEST_LINE - 1].rstrip()}…"
    return f'On {day} the user said: "{text}"'
