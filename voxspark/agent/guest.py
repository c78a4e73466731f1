"""Who answers guests: people who may ask, but whose house it is not."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from voxspark.agent.agent import LocalFirstAgent
from voxspark.protocols import TurnScope


class Receptionist:
    """Tells a guest what anybody may know: the time, sums, and what the worker's model says without tools, memory and
    conversation."""

    def __init__(self, agent: LocalFirstAgent) -> None:
        self._agent = agent

    async def reply(self, text: str, turn: TurnScope) -> AsyncGenerator[str, None]:
        """See `protocols.Agent.reply`."""
        turn.by_strangers()
        async with aclosing(self._agent.answer_guest(text, turn)) as texts:
            async for piece in texts:
                yield piece
