"""Thoughts that a model writes where its answer should stand."""

from __future__ import annotations

from voxspark.errors import ChatError


class LeadingThought:
    """Takes a `<think>…</think>` block, and the blank around it, off the beginning of a reply."""

    OPEN, CLOSE = "<think>", "</think>"

    def __init__(self) -> None:
        self._held = ""
        self._over = False

    def feed(self, delta: str) -> str:
        """What can be said now; empty while it may still be a thought."""
        if self._over:
            return delta
        self._held += delta
        begun = self._held.lstrip()
        if self.OPEN.startswith(begun):
            return ""
        if not begun.startswith(self.OPEN):
            self._over = True
            return self._held
        answer = begun.partition(self.CLOSE)[2].lstrip()
        self._over = bool(answer)
        return answer

    def end(self) -> str:
        """What was held back and turned out to be no thought."""
        return "" if self._over or self._held.lstrip().startswith(self.OPEN) else self._held


def only_thought() -> ChatError:
    """The answer was cut before it began."""
    return ChatError(
        "chat-only-thought",
        "The language model thought for so long that it did not answer.",
        "Raise chat.max_tokens, or choose a model that does not think.",
    )
