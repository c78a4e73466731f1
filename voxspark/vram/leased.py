"""The turn's engines, each call with a lease: whoever uses them knows `protocols` only, and nothing of the ledger."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from voxspark.errors import EngineError
from voxspark.protocols import Chat, Embedder, Painter, Schema
from voxspark.types import Delta, Message, Stroke
from voxspark.vram.leases import Leased
from voxspark.vram.ledger import COMMAND_PATIENCE_SECONDS, PATIENCE_SECONDS, Ledger
from voxspark.vram.state import VOICE, WORK

OF_THE_PROMPT = frozenset({"chat-context-full", "chat-call-garbled", "chat-only-thought", "ollama-rejected"})
"""Errors of what was asked: who asks somebody else instead hides them."""


class Understudy(Protocol):
    """How the small model that stands in is spoken to, and what is said about it."""

    def excuse(self, cause: str, messages: Sequence[Message]) -> str:
        """What to say before its answer; empty when it has been said."""
        ...

    def decline(self, messages: Sequence[Message]) -> str:
        """What to say instead of asking it; empty when it may try."""
        ...

    def over(self) -> None:
        """Somebody better has answered."""
        ...

    def prompt(self, messages: Sequence[Message]) -> Sequence[Message]:
        """The conversation as it can read it."""
        ...


@dataclass(slots=True)
class _Attempt:
    """Asking one model."""

    model: str = ""
    """Empty until there is one."""
    spoke: bool = False


class LeasedChat:
    """The language model of a role; see `protocols.Chat`."""

    def __init__(
        self,
        ledger: Ledger,
        role: str,
        *,
        priority: int = VOICE,
        patience_seconds: float = PATIENCE_SECONDS,
        understudy: Understudy | None = None,
    ) -> None:
        """`understudy` is for roles that have a stand-in."""
        self._ledger = ledger
        self._role = role
        self._priority = priority
        self._patience_seconds = patience_seconds
        self._understudy = understudy

    async def stream(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> AsyncGenerator[Delta, None]:
        """Who fails before the first word gives way to the next. Raises ChatError, and EngineError when no model can
        be had."""
        failed: dict[str, EngineError] = {}
        while True:
            attempt = _Attempt()
            try:
                async with aclosing(self._ask(messages, tools, failed, attempt)) as deltas:
                    async for delta in deltas:
                        attempt.spoke = True
                        yield delta
                return
            except EngineError as error:
                if attempt.spoke or error.code in OF_THE_PROMPT:
                    raise
                if not attempt.model:
                    raise next(iter(failed.values()), error) from None
                failed[attempt.model] = error

    async def _ask(
        self,
        messages: Sequence[Message],
        tools: Sequence[Schema],
        failed: Mapping[str, EngineError],
        attempt: _Attempt,
    ) -> AsyncGenerator[Delta, None]:
        leasing = self._ledger.lease(
            self._role,
            priority=self._priority,
            patience_seconds=self._patience_seconds,
            without={model: error.message for model, error in failed.items()},
        )
        async with leasing as leased:
            attempt.model = leased.rung.model
            if not self._calls_tools(leased):
                tools = ()
            stands_in = leased.rung.change == "stand_in"
            if stands_in and self._understudy:
                if excuse := self._understudy.excuse(leased.cause, messages):
                    yield excuse
                if sentence := self._understudy.decline(messages):
                    yield sentence
                    return
                messages = self._understudy.prompt(messages)
            chat: Chat = leased.engine
            async with aclosing(chat.stream(messages, tools=tools)) as deltas:
                while (delta := await leased.guard(anext(deltas, None))) is not None:
                    if self._understudy and not stands_in:
                        self._understudy.over()
                    yield delta

    async def warm(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> None:
        """Load the model; its runner prefills the prompt, which is another one for who stands in."""
        async with self._ledger.lease(self._role, priority=self._priority) as leased:
            chat: Chat = leased.engine
            if leased.rung.change != "stand_in":
                await leased.guard(chat.warm(messages, tools=tools if self._calls_tools(leased) else ()))

    def _calls_tools(self, leased: Leased) -> bool:
        return "tools" in self._ledger.catalogue.models[leased.rung.model].capabilities


class LeasedModel:
    """How one model of a role is had, and no other instead."""

    def __init__(self, ledger: Ledger, role: str, model: str) -> None:
        self._ledger = ledger
        self._role = role
        self._model = model

    @asynccontextmanager
    async def __call__(self, how: Literal["there", "load", "wait"]) -> AsyncGenerator[Leased, None]:
        """Only if it is in memory; loaded where there is room for it now; loaded as soon as there is. Raises
        EngineError."""
        models = self._ledger.profile.roles[self._role].models if how == "there" else ()
        leasing = self._ledger.lease(
            self._role,
            model=self._model,
            priority=WORK if how == "wait" else VOICE,
            patience_seconds=PATIENCE_SECONDS if how == "wait" else 0.0,
            without={each: "It is another one." for each in models if each != self._model},
        )
        async with AsyncExitStack() as stack:
            try:
                leased = await stack.enter_async_context(leasing)
            except EngineError as error:
                raise (self._absent() if error.code == "role-unfilled" else error) from error
            if leased.rung.model != self._model:
                raise self._absent()
            yield leased

    def _absent(self) -> EngineError:
        """Why it is not there, as far as that is known."""
        if (failure := self._ledger.book.failures.get(self._model)) is not None:
            return failure.error
        name = self._ledger.catalogue.models[self._model].name
        return EngineError("model-not-there", f"{name} is not in memory.", "Look at: voxspark plan")


class LeasedEmbedder:
    """Vectors for memory and documents."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Raises EngineError."""
        async with self._ledger.lease("embedder", priority=WORK) as leased:
            embedder: Embedder = leased.engine
            return await leased.guard(embedder.embed(texts))


class LeasedPainter:
    """Pictures, in the background: it waits until there is room."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def paint(self, prompt: str, *, width: int, height: int, seed: int) -> AsyncGenerator[Stroke, None]:
        """Raises PainterError, and EngineError when no model can be had."""
        leasing = self._ledger.lease("image", priority=WORK, patience_seconds=COMMAND_PATIENCE_SECONDS)
        async with leasing as leased:
            painter: Painter = leased.engine
            async with aclosing(painter.paint(prompt, width=width, height=height, seed=seed)) as strokes:
                while (stroke := await leased.guard(anext(strokes, None))) is not None:
                    yield stroke

    async def warm(self) -> None:
        """Load the model."""
        async with self._ledger.lease("image", priority=WORK):
            pass
