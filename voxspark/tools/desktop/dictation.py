"""Writes what is dictated into the window that the user is working in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from voxspark.errors import ToolError
from voxspark.tools.clean import visible
from voxspark.tools.registry import Tool, tool, tools_of

MOST_CHARACTERS = 1_000
"""About a minute of speech."""

TYPING_SECONDS = 120.0
"""Longer than any keyboard takes, with an answer to the desktop's question; it is cut by the keyboard itself."""


class Dictation:
    """Types text; `keyboard` strikes the keys. Raises VoxSparkError."""

    def __init__(self, keyboard: Callable[[str], Awaitable[None]]) -> None:
        self._keyboard = keyboard

    @property
    def tools(self) -> tuple[Tool, ...]:
        """dictate."""
        return tools_of(self)

    @tool(permission="act", fate="owner", privileged=True, timeout_seconds=TYPING_SECONDS)
    async def dictate(self, text: Annotated[str, "Exactly the words to type."]) -> str:
        """Type text into the focused window, as if on the keyboard.

        No key but a character's is ever struck: a new line would send a message, or run a command in a terminal.
        """
        typed = visible(text).strip()
        if not typed:
            raise ToolError("dictation-empty", "There is nothing to type.")
        if len(typed) > MOST_CHARACTERS:
            raise ToolError("dictation-long", "That is too long to type at once.", "Dictate it in parts.")
        await self._keyboard(typed)
        return "Typed."
