"""The tool loop: a model speaks, calls tools, is shown what came of it, and speaks on, within bounds."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

import anyio

from voxspark.agent.gate import SpeechGate
from voxspark.agent.mediator import Mediator, Outcome, TurnGuard, together
from voxspark.protocols import Chat, Schema, TurnScope
from voxspark.tools.registry import Toolbox
from voxspark.types import Message, ReplyStats, ToolCall

log = logging.getLogger(__name__)

NO_ANSWER = "I have no answer to that."
NO_SENSE = "Sorry, I lost my thread. Please ask again."
TOO_LONG = "That takes me too long, so I stop here."

ESCALATE = "escalate"

Escalate = Callable[[ToolCall], AsyncGenerator[str, None]]
"""Answers a call of `escalate` with the text to say."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one reply."""

    rounds: int = 4
    """Times that the model is asked (agent.md 1.4); the last time without tools."""
    seconds: float = 45.0
    """After which it is not asked again; a model that speaks is not cut."""


@dataclass(slots=True)
class Round:
    """What came of asking the model once."""

    said: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    unreadable: bool = False

    def salvage(self, calls: Iterable[ToolCall]) -> None:
        """Some servers send a call twice, as a call and in the text; a model that leaks repeats itself."""
        for call in calls:
            if not any((call.name, call.arguments) == (other.name, other.arguments) for other in self.calls):
                self.calls.append(call)

    def handed_on(self) -> ToolCall | None:
        """The call that hands the question on, taken out of the calls."""
        handed = next((call for call in self.calls if call.name == ESCALATE), None)
        self.calls = [call for call in self.calls if call.name != ESCALATE]
        return handed


class ToolLoop:
    """Over any Chat."""

    def __init__(self, toolbox: Toolbox, mediator: Mediator, limits: Limits | None = None) -> None:
        self._toolbox = toolbox
        self._mediator = mediator
        self._limits = limits or Limits()

    async def reply(
        self,
        chat: Chat,
        messages: Sequence[Message],
        tools: Sequence[Schema],
        guard: TurnGuard,
        turn: TurnScope,
        escalate: Escalate | None = None,
    ) -> AsyncGenerator[str, None]:
        """The text to say. What `escalate` answers is said as it comes, and ends the reply. Raises ChatError."""
        prompt, until = list(messages), anyio.current_time() + self._limits.seconds
        answered, retried = False, False
        this = Round()
        for left in reversed(range(self._limits.rounds)):
            this = Round()
            async with aclosing(self._ask(chat, prompt, tools if left else (), this)) as texts:
                async for text in texts:
                    yield f" {text}" if answered and not this.said else text
                    this.said += text
            answered = answered or any(map(str.isalnum, this.said))
            if this.unreadable and not this.said.strip() and not retried:
                retried = True  # the same prompt again: the prefix cache makes it cheap
                continue
            if not this.calls:
                break
            handed = this.handed_on() if escalate else None
            outcomes = await self._run(this.calls, guard, turn)
            if sentence := _final(outcomes):
                yield f" {sentence}" if answered else sentence
            if handed and escalate and not any(outcome.ends for outcome in outcomes):
                yield " "
                async with aclosing(escalate(handed)) as texts:
                    async for text in texts:
                        yield text
            elif not sentence and anyio.current_time() > until:
                yield f" {TOO_LONG}"
            elif not sentence:
                prompt += _told(this, outcomes, guard)
                continue
            return
        if not answered:
            yield NO_SENSE if this.unreadable else NO_ANSWER

    async def _ask(
        self, chat: Chat, prompt: Sequence[Message], tools: Sequence[Schema], this: Round
    ) -> AsyncGenerator[str, None]:
        """Speech as it comes; calls, leaked ones too, are collected in `this`. Who is offered none can make none."""
        gate = SpeechGate((*(tool.name for tool in self._toolbox), ESCALATE) if tools else ())
        async with aclosing(chat.stream(prompt, tools=tools)) as deltas:
            async for delta in deltas:
                if isinstance(delta, ToolCall) and tools:
                    this.calls.append(delta)
                elif isinstance(delta, ReplyStats):
                    _log(delta)
                elif isinstance(delta, str) and (text := gate.feed(delta)):
                    yield text
        if text := gate.end():
            yield text
        this.salvage(gate.leaked.calls)
        this.unreadable = gate.leaked.unreadable and not this.calls

    async def _run(self, calls: Sequence[ToolCall], guard: TurnGuard, turn: TurnScope) -> list[Outcome]:
        """Reads together, everything else in order until one is not done; the results in the order of the calls."""
        if all(self._only_reads(call, guard) for call in calls):
            return await together([partial(self._mediator.run, call, guard, turn) for call in calls])
        outcomes: list[Outcome] = []
        for call in calls:
            outcomes.append(await self._mediator.run(call, guard, turn))
            if outcomes[-1].ends:
                break
        return outcomes

    def _only_reads(self, call: ToolCall, guard: TurnGuard) -> bool:
        """Whether it can be done beside others: two questions at once could not be told apart by their answer."""
        if call.name not in self._toolbox:
            return False
        tool = self._toolbox.find(call.name)
        return tool.permission == "read" and not guard.must_ask(tool, call.arguments)


def _final(outcomes: Sequence[Outcome]) -> str:
    """What is said as it is, without asking the model again: questions, refusals, and what has been done.

    A tool's own sentence is right and there at once; a model would take a second to say the same, or other things.
    """
    if any(outcome.ends for outcome in outcomes) or all(outcome.final for outcome in outcomes):
        return " ".join(outcome.text for outcome in outcomes if outcome.final)
    return ""


def _told(this: Round, outcomes: Sequence[Outcome], guard: TurnGuard) -> list[Message]:
    """The calls and what came of them, for the next round."""
    guard.told |= {
        call.name for call, outcome in zip(this.calls, outcomes, strict=True) if outcome.verdict == "misused"
    }
    results = [
        Message("tool", outcome.for_model, tool=call.name, call_id=call.id)
        for call, outcome in zip(this.calls, outcomes, strict=True)
    ]
    return [Message("assistant", this.said, tool_calls=tuple(this.calls)), *results]


def _log(stats: ReplyStats) -> None:
    sure = "unknown" if stats.mean_logprob is None else f"{stats.mean_logprob:.2f}"
    log.info("reply: %d tokens after %d, mean log-probability %s", stats.reply_tokens, stats.prompt_tokens, sure)
