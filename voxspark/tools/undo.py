"""One step back: whoever changes something that is easily regretted says here how it is undone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from voxspark.errors import ToolError
from voxspark.tools.phrases import say
from voxspark.tools.registry import Tool, tool, tools_of

Undoing = Callable[[], Awaitable[str]]
"""Undoes something; the sentence that says so."""


class Undo:
    """Remembers the last change; not across a restart."""

    def __init__(self) -> None:
        self._last: Undoing | None = None

    @property
    def tools(self) -> tuple[Tool, ...]:
        """undo."""
        return tools_of(self)

    def remember(self, undoing: Undoing) -> None:
        """This is now what `undo` does."""
        self._last = undoing

    @tool(permission="act", fate="owner")
    async def undo(self) -> str:
        """Undo the last change of a list, or bring back the note that was deleted last."""
        undoing, self._last = self._last, None
        if undoing is None:
            raise ToolError("nothing-to-undo", say("There is nothing to undo."))
        try:
            return await undoing()
        except BaseException:
            self._last = undoing
            raise
