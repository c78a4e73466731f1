"""Who answers: a local intent where one matches for certain, the language model otherwise."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from voxspark.agent.intents import Intent, Intents
from voxspark.agent.prompt import Prompt
from voxspark.errors import ToolError
from voxspark.listening.backchannel import is_backchannel
from voxspark.protocols import Chat, Conversation, TurnScope
from voxspark.tools.registry import Toolbox
from voxspark.types import Message

NOTHING_YET = "I have not said anything yet."
NO_ANSWER = "I have no answer to that."


class LocalFirstAgent:
    """Local intents before the model: a tenth of a second, offline, and right."""

    def __init__(
        self,
        intents: Intents,
        toolbox: Toolbox,
        chat: Chat,
        prompt: Prompt,
        history: Conversation,
        on_stop: Callable[[], object],
    ) -> None:
        self._intents = intents
        self._toolbox = toolbox
        self._chat = chat
        self._prompt = prompt
        self._history = history
        self._on_stop = on_stop

    async def reply(self, text: str, turn: TurnScope) -> AsyncGenerator[str, None]:
        """See `protocols.Agent.reply`."""
        if is_backchannel(text) and not self._history.last_heard.endswith("?"):
            return
        if (intent := self._intents.match(text)) is not None:
            if sentence := await self._do(intent, turn):
                yield sentence
            return
        async with aclosing(answer(self._chat, self._prompt.build(self._history.messages(), text))) as deltas:
            async for delta in deltas:
                yield delta

    async def _do(self, intent: Intent, turn: TurnScope) -> str:
        """The sentence that answers an intent; empty when silence does."""
        if intent.tool == "repeat":
            return self._history.last_heard or NOTHING_YET
        if intent.tool == "stop":
            await turn.until_confirmed()
            self._on_stop()
            return ""
        tool = self._toolbox.find(intent.tool)
        try:
            if tool.permission != "read":
                return await turn.act(tool.name, intent.arguments, lambda: tool.run(intent.arguments))
            answer = await tool.run(intent.arguments)
        except ToolError as error:
            return error.message
        turn.used(tool.name, intent.arguments, answer)
        return answer


class Expert:
    """Hands every question to one model of the team: for those who name it."""

    def __init__(self, chat: Chat, prompt: Prompt, history: Conversation) -> None:
        self._chat = chat
        self._prompt = prompt
        self._history = history

    async def reply(self, text: str, turn: TurnScope) -> AsyncGenerator[str, None]:
        """See `protocols.Agent.reply`."""
        async with aclosing(answer(self._chat, self._prompt.build(self._history.messages(), text))) as deltas:
            async for delta in deltas:
                yield delta


async def answer(chat: Chat, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
    """The model's answer, or a sentence instead of none: a question that meets silence was not heard, people think."""
    answered = False
    async with aclosing(chat.stream(messages)) as deltas:
        async for delta in deltas:
            answered = answered or any(map(str.isalnum, delta))
            yield delta
    if not answered:
        yield NO_ANSWER


class Recital:
    """Says what it was given: for `say`, and for what rings."""

    def __init__(self, text: str) -> None:
        self._text = text

    async def reply(self, text: str, turn: TurnScope) -> AsyncGenerator[str, None]:
        """See `protocols.Agent.reply`."""
        yield self._text
