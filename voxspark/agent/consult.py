"""How a tool asks a language model: one question to one of the team, without tools and without the conversation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from voxspark.agent.agent import Team
from voxspark.agent.swarm import LiveTurns
from voxspark.agent.whole_answer import Whole, whole_answer
from voxspark.errors import EngineError, ToolError
from voxspark.types import Message


class Consult:
    """Asks the team. With `voice`, in the background: the worker's model is left to whoever speaks to it."""

    def __init__(self, team: Team, voice: LiveTurns | None = None) -> None:
        self._team = team
        self._voice = voice

    def first_of(self, *roles: str) -> str:
        """The first of these that the team has. Raises ToolError when it has none of them."""
        if found := next((role for role in roles if role in self._team.roles), ""):
            return found
        raise ToolError("role-unfilled", f"There is no {roles[0]} on my team.", "Choose a profile that has one.")

    async def ask(self, role: str, system: str, question: str, *, limit_seconds: float) -> str:
        """The whole answer. Raises ChatError, and EngineError when no model can be had."""
        messages = [Message("system", system), Message("user", question)]
        return (await self.hear(role, messages, limit_seconds=limit_seconds)).text

    async def hear(self, role: str, messages: Sequence[Message], *, limit_seconds: float) -> Whole:
        """See `ask`. In the background, what is cut off because a turn begins is asked again after it, with all of its
        time; and once more when its model had to leave memory for another."""
        answer = partial(whole_answer, self._team.chat(role), messages, limit_seconds=limit_seconds)
        if self._voice is None:
            return await answer()
        if role == "worker":
            answer = partial(_between_turns, self._voice, answer)
        try:
            return await answer()
        except EngineError as error:
            if error.code != "model-evicted":
                raise
        return await answer()


async def _between_turns(voice: LiveTurns, work: Callable[[], Awaitable[Whole]]) -> Whole:
    while (whole := await voice.yielding(work)) is None:
        await voice.quiet()
    return whole
