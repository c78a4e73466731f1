"""Stands between a model and the tools: what may be done, what is asked for first, what is refused; deterministic.

The policy of agent.md 8: a turn that has read a stranger's text can do nothing by itself any more; what has
consequences repeats its exact arguments aloud and waits for the right word; no model has a say in any of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import anyio

from voxspark.agent.addresses import leads_to
from voxspark.agent.confirmation import (
    MOST_EXACT_CHARACTERS,
    MOST_VALUE_CHARACTERS,
    Pending,
    can_be_exact,
    is_word_for,
)
from voxspark.errors import ToolError, VoxSparkError
from voxspark.protocols import TurnScope
from voxspark.tools.clean import clean
from voxspark.tools.phrases import translated
from voxspark.tools.registry import StrangersText, Tool, Toolbox
from voxspark.types import ToolCall

MOST_CALLS, MOST_REPEATS = 6, 1
"""Of one turn; an identical call may come once more (agent.md 1.4)."""

RESULT_CHARACTERS = 2_000
"""Of a tool's result that a model is shown."""

ENOUGH = "That is enough for one question."
NO_SENSE = "I could not work out how to do that."
NOTHING_ASKED = "There is nothing to confirm. Please ask again."
TOO_LATE = "That was too long ago, so I did not do it. Please ask again."
DECLINED = "All right, I won't."
TOO_LONG = "That is too long for me to ask about word for word, so I did not do it."

Verdict = Literal["done", "read", "failed", "misused", "refused", "asked"]
"""`misused`: no such tool, or arguments it cannot take; the model is told once."""


class Audit(Protocol):
    """Where every call is written down."""

    def note(self, **fields: object) -> None:
        """One line; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call."""

    verdict: Verdict
    text: str
    """The tool's sentence, or why not: `asked` is the question to say."""
    tool: Tool | None = None

    @property
    def final(self) -> bool:
        """It is said as it is; no model has to see it first."""
        return self.verdict not in ("read", "misused")

    @property
    def ends(self) -> bool:
        """Nothing more is done in this turn."""
        return self.verdict in ("asked", "refused")

    @property
    def for_model(self) -> str:
        """As the model is shown it."""
        text = self.text[:RESULT_CHARACTERS]
        if self.tool is not None and (self.tool.declared.untrusted or isinstance(self.text, StrangersText)):
            return f'<tool_result source="{self.tool.name}" trust="untrusted">\n{text}\n</tool_result>'
        return text


@dataclass(slots=True)
class TurnGuard:
    """What one turn has done so far."""

    utterance: str
    tainted_before: bool = False
    """A stranger's text may be in an earlier reply that the model sees."""
    tainted_by: str = ""
    """The tool that brought a stranger's text into this turn."""
    calls: list[tuple[str, str]] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    """Tools that the model was told to have misused."""
    shown: list[str] = field(default_factory=list)
    """What tools have brought of strangers."""

    def admits(self, call: ToolCall) -> bool:
        """Count a call; False when there have been enough."""
        key = (call.name, repr(sorted(call.arguments.items())))
        self.calls.append(key)
        return len(self.calls) <= MOST_CALLS and self.calls.count(key) <= MOST_REPEATS + 1

    def taint(self, source: str, turn: TurnScope) -> None:
        """A stranger's text is in this turn, and may be in its reply."""
        self.tainted_by = source
        turn.by_strangers()

    @property
    def tainted(self) -> bool:
        """Whether a stranger may be behind what is called."""
        return self.tainted_before or bool(self.tainted_by)

    def must_ask(self, tool: Tool, arguments: Mapping[str, object]) -> bool:
        """Whether a person has to confirm it."""
        if self.tainted_before and self.is_privileged(tool, arguments):
            return True
        return tool.permission == "dangerous" or (tool.permission == "act" and bool(self.tainted_by))

    def must_refuse(self, tool: Tool, arguments: Mapping[str, object]) -> bool:
        """Whether a stranger may be behind it, and a yes would be given too easily."""
        return bool(self.tainted_by) and self.is_privileged(tool, arguments)

    def is_privileged(self, tool: Tool, arguments: Mapping[str, object]) -> bool:
        """Whether it is declared so, or sends an address to a stranger's program that reads there; unless it only
        follows one."""
        sends_address = tool.permission == "read" and tool.declared.described_by_stranger and "://" in str(arguments)
        return (tool.declared.privileged or sends_address) and not self.only_follows(tool, arguments)

    def only_follows(self, tool: Tool, arguments: Mapping[str, object]) -> bool:
        """Whether it reads at one address, which the user has said or a tool has shown, and sends nothing else along:
        no model has made up a word of it."""
        *words, address = [each for each in arguments.values() if not isinstance(each, (int, float))] or [None]
        return tool.permission == "read" and not words and leads_to(address, self.utterance, self.shown)


class Mediator:
    """One per conversation: what waits for confirmation outlives the turn that asked."""

    def __init__(self, toolbox: Toolbox, audit: Audit, clock: Callable[[], float] = anyio.current_time) -> None:
        self._toolbox = toolbox
        self._audit = audit
        self._clock = clock
        self._pending: Pending | None = None

    # ── confirmation ────────────────────────────────────────────────────────────────────────────

    async def confirmation(self, guard: TurnGuard, turn: TurnScope, last_heard: str) -> str | None:
        """The sentence that answers the utterance as the reply to a question for confirmation; None when it is none.

        `last_heard` is the newest reply as far as it was heard: the question must be the end of it.
        """
        text, now, pending = guard.utterance, self._clock(), self._pending
        if pending is None or not pending.was_heard(last_heard):
            if not any(is_word_for(tool, text) for tool in self._toolbox):
                return None
            await turn.until_confirmed()
            self._drop("unheard")
            return NOTHING_ASKED
        answer = pending.reads(text)
        if answer is None or (answer == "unclear" and (pending.reminded or now > pending.expires_at)):
            return None
        await turn.until_confirmed()  # a turn that is withdrawn leaves the question as it was
        if answer == "unclear":
            self._pending = replace(pending, reminded=True)
            return pending.reminder
        if answer == "declined" or now > pending.expires_at:
            self._drop("declined" if answer == "declined" else "expired")
            return DECLINED if answer == "declined" else TOO_LATE
        self._pending = None
        self._note(pending.tool, pending.arguments, text, "confirmed")  # before it, as it may end this machine
        return (await self._perform(pending.tool, pending.arguments, guard, turn, pending.utterance)).text

    def forget(self) -> None:
        """Whatever waits for confirmation is not to be done."""
        self._drop("declined")

    async def _ask(self, tool: Tool, arguments: dict[str, object], guard: TurnGuard, turn: TurnScope) -> Outcome:
        await turn.until_confirmed()
        self._drop("dropped")
        most = MOST_EXACT_CHARACTERS if guard.tainted else MOST_VALUE_CHARACTERS
        self._pending = Pending.of(tool, arguments, guard.utterance, self._clock(), most)
        self._note(tool, arguments, guard.utterance, "asked")
        return Outcome("asked", self._pending.question, tool)

    def _drop(self, verdict: str) -> None:
        if (pending := self._pending) is not None:
            self._note(pending.tool, pending.arguments, pending.utterance, verdict)
            self._pending = None

    # ── calls ───────────────────────────────────────────────────────────────────────────────────

    async def run(self, call: ToolCall, guard: TurnGuard, turn: TurnScope) -> Outcome:
        """Do it, or say why not. Raises nothing but cancellation."""
        admitted = guard.admits(call)
        tool: Tool | None = None
        try:
            tool = self._toolbox.find(call.name)
            arguments = tool.check(call.arguments)
        except ToolError as error:
            told = {"verdict": "misused", "result": str(error)[:RESULT_CHARACTERS]}
            self._audit.note(tool=call.name, arguments=call.arguments, utterance=guard.utterance, **told)
            if call.name in guard.told or not admitted:
                return Outcome("refused", NO_SENSE)
            if tool is None or not tool.declared.described_by_stranger:
                return Outcome("misused", str(error))
            guard.taint(tool.name, turn)
            return Outcome("misused", StrangersText(clean(str(error), RESULT_CHARACTERS)), tool)
        if not admitted:
            return self._refuse(tool, arguments, guard, ENOUGH)
        if guard.must_refuse(tool, arguments):
            source = guard.tainted_by.replace("_", " ")
            reason = f"I do not do that after reading from {source}. Please ask for it again."
            return self._refuse(tool, arguments, guard, reason)
        if guard.must_ask(tool, arguments):
            if guard.tainted and not can_be_exact(arguments):
                return self._refuse(tool, arguments, guard, TOO_LONG)
            return await self._ask(tool, arguments, guard, turn)
        return await self._perform(tool, arguments, guard, turn)

    def handed_on(self, call: ToolCall, guard: TurnGuard) -> None:
        """Write down that the question goes to another model."""
        self._audit.note(tool=call.name, arguments=call.arguments, utterance=guard.utterance, verdict="done")

    async def _perform(
        self, tool: Tool, arguments: dict[str, object], guard: TurnGuard, turn: TurnScope, utterance: str = ""
    ) -> Outcome:
        """`utterance` is what caused it, when that is not the turn's own."""
        utterance = utterance or guard.utterance
        if tool.declared.untrusted:
            guard.taint(tool.name, turn)

        async def work() -> str:
            verdict, result = "cut", ""  # the line is written when the turn has died, too
            try:
                result = await _within(tool, arguments)
                verdict = "done"
            except VoxSparkError as error:
                verdict, result = "failed", error.code
                raise
            finally:
                self._note(tool, arguments, utterance, verdict, result)
            return result

        turn.begun(translated(tool.declared.filler))
        try:
            if tool.permission == "read" and tool.fate == "turn":
                text = await work()
                turn.used(tool.name, arguments, text)
            else:
                text = await turn.act(tool.name, arguments, work)
        except VoxSparkError as error:
            return Outcome("failed", error.message, tool)
        if isinstance(text, StrangersText):
            guard.taint(tool.name, turn)
        if guard.tainted_by:
            guard.shown.append(text)
        return Outcome("read" if tool.permission == "read" else "done", text, tool)

    def _refuse(self, tool: Tool, arguments: Mapping[str, object], guard: TurnGuard, reason: str) -> Outcome:
        self._note(tool, arguments, guard.utterance, "refused", reason)
        return Outcome("refused", reason, tool)

    def _note(
        self, tool: Tool, arguments: Mapping[str, object], utterance: str, verdict: str, result: str = ""
    ) -> None:
        self._audit.note(
            tool=tool.name,
            permission=tool.permission,
            arguments=dict(arguments),
            utterance=utterance,
            verdict=verdict,
            result=result[:RESULT_CHARACTERS],
        )


async def _within(tool: Tool, arguments: Mapping[str, object]) -> str:
    """The tool's sentence, fit to be said and shown to a model. Raises VoxSparkError, also when it is too slow."""
    try:
        with anyio.move_on_after(tool.declared.timeout_seconds):
            text = await tool.run(arguments)
            return clean(text, RESULT_CHARACTERS) if tool.declared.untrusted else text
    except VoxSparkError as error:
        if tool.declared.untrusted:
            error.message = clean(error.message, RESULT_CHARACTERS)
        raise
    raise ToolError("tool-slow", f"{tool.name.replace('_', ' ').capitalize()} took too long, so I stopped it.")


async def together(works: Sequence[Callable[[], Awaitable[Outcome]]]) -> list[Outcome]:
    """All at once; the results in the order of the works."""
    outcomes: dict[int, Outcome] = {}

    async def one(index: int, work: Callable[[], Awaitable[Outcome]]) -> None:
        outcomes[index] = await work()

    async with anyio.create_task_group() as group:
        for index, work in enumerate(works):
            group.start_soon(one, index, work)
    return [outcomes[index] for index in range(len(works))]
