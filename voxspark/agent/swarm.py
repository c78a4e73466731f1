"""Many sub-questions at once, on the slots of the worker's model that the voice does not need.

Ollama answers the requests of one model in order, on a fixed number of slots (agent.md 1.9): whoever fills them makes a
person wait. So one slot stays free; a sub-question on the only one is cut off when a turn begins, and asked again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import anyio

from voxspark.agent.whole_answer import whole_answer
from voxspark.bus import known
from voxspark.errors import EngineError, ToolError, VoxSparkError
from voxspark.events import Event, TurnEnded, TurnStarted
from voxspark.protocols import Chat
from voxspark.types import Message
from voxspark.vram.leases import Leased
from voxspark.vram.state import SWARM

MOST_QUESTIONS = 64
TRIES = 2
RETRY_SECONDS = 5.0
"""From a failure to the next try: Ollama's own systemd unit restarts it after 3 s."""

PATIENCE_SECONDS = 30.0
"""How long to wait for the profile's model before one that is less will do."""

SUB_QUESTION = "Answer with facts, in at most five plain sentences. If you do not know the answer, say only that."
"""The system prompt: the same for all, so that it stays in the prefix cache of every slot."""


T = TypeVar("T")


class Lender(Protocol):
    """Who lends models: what is needed of the memory plan's ledger."""

    def lease(self, role: str, *, priority: int, patience_seconds: float) -> AbstractAsyncContextManager[Leased]:
        """A model for this role while the context is open. Raises EngineError when there is none to be had."""
        ...


class LiveTurns:
    """Which turns are live, as events tell; what yields to them runs in between."""

    def __init__(self) -> None:
        self._turns: set[int] = set()
        self._changed = anyio.Event()
        self._yielding: set[anyio.CancelScope] = set()

    def note(self, event: Event) -> None:
        """Hear of an event. The beginning of a turn ends what yields, at once."""
        if isinstance(event, TurnStarted):
            self._turns.add(event.turn)
            for scope in self._yielding:
                scope.cancel()
        elif isinstance(event, TurnEnded):
            self._turns.discard(event.turn)
            self._changed.set()
            self._changed = anyio.Event()

    async def quiet(self) -> None:
        """Return when no turn is live."""
        while self._turns:
            await self._changed.wait()

    async def yielding(self, work: Callable[[], Awaitable[T]]) -> T | None:
        """The work's result; None when a turn is live, or begins before it is there."""
        with anyio.CancelScope() as scope:
            self._yielding.add(scope)
            try:
                return None if self._turns else await work()
            finally:
                self._yielding.discard(scope)
        return None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one question."""

    question: str
    text: str
    """Empty when there is an error."""
    error: VoxSparkError | None
    seconds: float
    """From the call of `map`."""


class Swarm:
    """Asks sub-questions in parallel; all calls of `map` share one bound.

    `second` is an engine on a server of its own: all of its slots are the swarm's, and nothing is leased. With
    `quiet_while_speaking` nothing runs while a turn is live: a second model halves the voice's speed (spark.md 5.1).
    """

    def __init__(
        self,
        lender: Lender,
        voice: LiveTurns,
        *,
        role: str = "worker",
        system_prompt: str = SUB_QUESTION,
        second: Chat | None = None,
        second_slots: int = 8,
        quiet_while_speaking: bool = False,
        limit_seconds: float = 60.0,
        limit_characters: int = 2000,
    ) -> None:
        self._lender = lender
        self._voice = voice
        self._role = role
        self._system = Message("system", system_prompt)
        self._second = second
        self._quiet_while_speaking = quiet_while_speaking
        self._limit_seconds = limit_seconds
        self._limit_characters = limit_characters
        self._room = anyio.CapacityLimiter(1 if second is None else second_slots)  # until the first lease tells
        self._patience_seconds = PATIENCE_SECONDS

    async def map(
        self, questions: Sequence[str], *, on_answer: Callable[[int, Answer], object] = lambda index, answer: None
    ) -> list[Answer]:
        """One answer per question, in their order; `on_answer` hears of each, with its index, as it comes.

        A question that fails twice, or takes too long, has its error in its answer. Raises ToolError for more than 64.
        """
        if len(questions) > MOST_QUESTIONS:
            raise ToolError("too-many-questions", f"I can look into {MOST_QUESTIONS} questions at once.", "Ask fewer.")
        began = anyio.current_time()
        self._patience_seconds = PATIENCE_SECONDS
        answers: dict[int, Answer] = {}

        async def settle(index: int, question: str) -> None:
            answers[index] = Answer(question, *await self._settle(question), anyio.current_time() - began)
            on_answer(index, answers[index])

        async with anyio.create_task_group() as group:
            for index, question in enumerate(questions):
                group.start_soon(settle, index, question)
        return [answers[index] for index in range(len(questions))]

    async def _settle(self, question: str) -> tuple[str, VoxSparkError | None]:
        """Try until there is an answer, or an error that stays."""
        failures = 0
        while True:
            try:
                async with self._room:
                    if (text := await self._try(question)) is not None:
                        return text, None
            except Exception as caught:  # the boundary of a sub-question: the others go on
                error = known(caught, "a sub-question")
                failures += 1
                if failures == TRIES or error.code == "answer-too-slow":
                    return "", error
                await anyio.sleep(RETRY_SECONDS)
            else:
                await self._voice.quiet()

    async def _try(self, question: str) -> str | None:
        """The answer, or None when the question has to wait through no fault of its own."""
        if self._second is not None:
            return await self._ask(self._second, question, yields=self._quiet_while_speaking)
        wait_seconds, lent = self._patience_seconds, False
        try:
            async with self._lender.lease(self._role, priority=SWARM, patience_seconds=wait_seconds) as leased:
                self._patience_seconds, lent = PATIENCE_SECONDS, True
                slots = leased.rung.slots
                self._room.total_tokens = max(1, slots - 1)
                if self._room.available_tokens < 0:  # the model before it had more
                    return None
                yields = self._quiet_while_speaking or slots == 1
                return await leased.guard(self._ask(leased.engine, question, yields=yields))
        except EngineError:
            if not lent:  # until one is, nobody waits again: 64 questions must not wait one after the other
                self._patience_seconds = 0.0
            raise

    async def _ask(self, chat: Chat, question: str, *, yields: bool) -> str | None:
        answer = partial(self._answer, chat, question)
        return await (self._voice.yielding(answer) if yields else answer())

    async def _answer(self, chat: Chat, question: str) -> str:
        messages = [self._system, Message("user", question)]
        whole = await whole_answer(
            chat, messages, limit_seconds=self._limit_seconds, limit_characters=self._limit_characters
        )
        return whole.text
