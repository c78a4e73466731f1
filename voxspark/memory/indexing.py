"""Embeds what is remembered, after the turn, in the background.

What is left to do is in the database (facts without a vector of the present model), so nothing is lost by a restart,
and what another process has added is found, too; the queue only wakes it.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence

import anyio
from anyio.abc import TaskStatus

from voxspark.errors import VoxSparkError
from voxspark.memory.embedding import Embedding
from voxspark.memory.facts import Facts

log = logging.getLogger(__name__)

BATCH = 16
QUEUE = 64
"""Notes of what was used that wait to be written; older ones are dropped."""

SETTLE_SECONDS = 3.0
"""After a turn; then the machine is probably free."""

LOOK_SECONDS = 60.0
"""How often it looks for what others have added, and whether the model has changed."""

FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 5.0, 300.0

Used = tuple[Sequence[int], float]
"""(numbers, when)."""


class Indexing:
    """Brings vectors up to date. `run` it; without an embedding it only writes down what was used."""

    def __init__(self, facts: Facts, embedding: Embedding | None) -> None:
        self._facts = facts
        self._embedding = embedding
        self._used: deque[Used] = deque(maxlen=QUEUE)
        self._nudged = anyio.Event()
        self._late = True  # at the start, too
        self._set_aside: set[int] = set()
        self._alone = False
        self._pause = FIRST_RETRY_SECONDS

    def nudge(self, used: Sequence[int] = (), at: float = 0.0) -> None:
        """Something is new, or has been `used` `at` a time; never waits."""
        if used:
            self._used.append((used, at))
        self._nudged.set()

    def embedder_was_late(self) -> None:
        """A turn did not get its vector: have the model loaded for the next one."""
        self._late = True
        self._nudged.set()

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        task_status.started()
        while True:
            try:
                await self.catch_up()
                await self._wait(LOOK_SECONDS)
            except VoxSparkError as error:
                log.info("embedding is put off by %.0f s: %s", self._pause, error.code)
                await anyio.sleep(self._pause)
                self._pause = min(2 * self._pause, LAST_RETRY_SECONDS)

    async def catch_up(self) -> None:
        """Embed all that has no vector of the present model. Raises EngineError and ToolError."""
        if self._embedding is None:
            return
        while left := await self._facts.without_vector(
            self._embedding.model(), 1 if self._alone else BATCH, self._set_aside
        ):
            await self._embed(self._embedding, left)
        self._set_aside.clear()
        if self._late and (await self._facts.count("user") or await self._facts.count("stranger")):
            await self._embedding.query("Are you there?")
            self._late = False
        await self._facts.warm(self._embedding.model())

    async def _embed(self, embedding: Embedding, batch: list[tuple[int, str]]) -> None:
        """After a failure facts go one by one, and what fails then waits until the others are done."""
        try:
            model, vectors = await embedding.documents([text for _, text in batch])
        except VoxSparkError:
            if self._alone:
                self._set_aside.update(number for number, _ in batch)
            self._alone = True
            raise
        await self._facts.put_vectors(model, list(zip([number for number, _ in batch], vectors, strict=True)))
        self._alone = False
        self._pause = FIRST_RETRY_SECONDS

    async def _wait(self, seconds: float) -> None:
        """Until something is new and the turn is over, or for so long."""
        with anyio.move_on_after(seconds):
            await self._nudged.wait()
            await anyio.sleep(SETTLE_SECONDS)
        self._nudged = anyio.Event()
        while self._used:
            await self._facts.touch(*self._used.popleft())
