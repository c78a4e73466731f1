"""What a swarm works with, written by hand: a model with slots, a lender of it, and people who speak to it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from voxspark.agent.swarm import LiveTurns, Swarm
from voxspark.errors import ChatError, EngineError
from voxspark.events import TurnEnded, TurnStarted
from voxspark.protocols import Schema
from voxspark.types import Delta, Message
from voxspark.vram.leases import Leased
from voxspark.vram.state import VOICE
from voxspark.vram.team import Rung


def broken() -> Exception:
    return ChatError("model-broke", "The model broke.")


def refused() -> EngineError:
    return EngineError("no-room", "There is no room for it.")


def rung(slots: int) -> Rung:
    return Rung(
        model="qwen3-8b",
        name="Qwen3 8B",
        role="worker",
        bytes=5 << 30,
        context_tokens=8192,
        slots=slots,
        device="gpu",
        load_seconds=5.0,
        pinned=False,
        kept=True,
        priority=VOICE,
        change="none",
    )


class FakeModel:
    """A server with one model: its slots go to whoever asked first, and a closed stream frees its own."""

    def __init__(self, slots: int, seconds: float = 1.0) -> None:
        self.slots = slots
        self.seconds = seconds
        """Of every answer, unless `slow` says otherwise."""
        self.slow: dict[str, float] = {}
        self.fails: dict[str, list[Callable[[], Exception]]] = {}
        """What the next tries of a question meet, half-way."""
        self.says: dict[str, Iterable[Delta]] = {}
        self.asked: list[str] = []
        self.prompts: list[Sequence[Message]] = []
        self.running = 0
        self.most_running = 0
        self._slots = anyio.CapacityLimiter(slots)

    async def stream(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> AsyncGenerator[Delta, None]:
        question = messages[-1].content
        self.asked.append(question)
        self.prompts.append(messages)
        async with self._slots:
            self.running += 1
            self.most_running = max(self.most_running, self.running)
            try:
                seconds = self.slow.get(question, self.seconds)
                await anyio.sleep(seconds / 2)
                if failures := self.fails.get(question):
                    raise failures.pop(0)()
                await anyio.sleep(seconds / 2)
                for delta in self.says.get(question, ["Answer to ", question]):
                    yield delta
            finally:
                self.running -= 1

    async def warm(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> None:
        raise AssertionError("nobody waits for the swarm")

    async def speak(self, seconds: float) -> float:
        """A voice turn's request; how long it waited for a slot."""
        asked_at = anyio.current_time()
        async with self._slots:
            waited_seconds = anyio.current_time() - asked_at
            await anyio.sleep(seconds)
        return waited_seconds


@dataclass
class FakeLender:
    """Lends one model, which can be evicted, replaced or refused."""

    model: FakeModel
    load_seconds: float = 0.0
    refusals: int = 0
    """So many of the next leases are refused at once."""
    full: bool = False
    """Every lease is refused when its patience has run out."""
    held: set[Leased] = field(default_factory=set)
    asked: list[tuple[str, int, float]] = field(default_factory=list)

    @asynccontextmanager
    async def lease(self, role: str, *, priority: int, patience_seconds: float) -> AsyncGenerator[Leased, None]:
        self.asked.append((role, priority, patience_seconds))
        if self.refusals:
            self.refusals -= 1
            raise refused()
        if self.full:
            await anyio.sleep(patience_seconds)
            raise refused()
        await anyio.sleep(self.load_seconds)
        leased = Leased(self.model, rung(self.model.slots), "it is there")
        self.held.add(leased)
        try:
            yield leased
        finally:
            self.held.discard(leased)

    def evict(self) -> None:
        for leased in self.held:
            leased.revoke()


class Stage:
    """A swarm with everything around it, and people who speak to it."""

    def __init__(
        self,
        slots: int = 4,
        seconds: float = 1.0,
        *,
        second: FakeModel | None = None,
        quiet_while_speaking: bool = False,
        limit_seconds: float = 60.0,
        limit_characters: int = 2000,
    ) -> None:
        self.model = FakeModel(slots, seconds)
        self.lender = FakeLender(self.model)
        self.voice = LiveTurns()
        self.waited: list[float] = []
        self.swarm = Swarm(
            self.lender,
            self.voice,
            second=second,
            second_slots=second.slots if second else 8,
            quiet_while_speaking=quiet_while_speaking,
            limit_seconds=limit_seconds,
            limit_characters=limit_characters,
        )

    async def turns(self, plan: Sequence[tuple[float, float]]) -> None:
        """Somebody speaks, again and again: so many seconds of quiet, then an answer of so many seconds."""
        for number, (quiet_seconds, seconds) in enumerate(plan):
            await anyio.sleep(quiet_seconds)
            now = anyio.current_time()
            self.voice.note(TurnStarted(now, number, "microphone", now))
            self.waited.append(await self.model.speak(seconds))
            self.voice.note(TurnEnded(now + seconds, number, "answered", "", ""))

    async def at(self, seconds: float, act: Callable[[], object]) -> None:
        await anyio.sleep_until(seconds)
        act()

    def nothing_is_left(self) -> bool:
        return not self.lender.held and self.model.running == 0
