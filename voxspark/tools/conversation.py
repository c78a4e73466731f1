"""Forgetting what was talked about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from voxspark.tools.registry import Tool, tool, tools_of


class Conversation:
    """What a user may do with the conversation itself."""

    def __init__(self, forget: Callable[[], Awaitable[None]]) -> None:
        """`forget` raises ToolError."""
        self._forget = forget

    @property
    def tools(self) -> tuple[Tool, ...]:
        return tools_of(self)

    @tool(permission="dangerous", fate="owner", privileged=True)
    async def forget_conversation(self) -> str:
        """Forget everything that was talked about so far, for ever. Not facts, notes, lists or timers."""
        await self._forget()
        return "I have forgotten our conversation."
