"""The prompt: a prefix that never changes, then the history, then the newest message with whatever is volatile."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from voxspark.types import Message

FOR_SPEECH = (
    "You are VoxSpark, a friendly voice assistant. Everything you write is spoken aloud. "
    "Answer in one or two short, plain sentences. Never use lists, markdown, code, links or emoji. "
    "If you do not know, say so."
)

FOR_SMALL_MODELS = "You are VoxSpark, a helpful voice assistant. Reply with one or two short, simple sentences."
"""A model of 135 M parameters answers worse the more it is told (tried on SmolLM2)."""

STAMP = "[%A %d %B %Y, %H:%M] "
FEWEST_WORDS = 2
"""A question with no more than these is about something else that was said."""

_BACK = re.compile(
    r"\b(?:he|she|it|they|him|her|them|his|its|their|that|this|those|these|there|one|ones|same|other|another|more|else"
    r"|again|instead)\b|^\W*(?:and|but|or|so|then|what about|how about|go on|continue)\b",
    re.IGNORECASE,
)
_STAMP = re.compile(r"\[[^\[\],]*, \d\d:\d\d\] ")


class Prompt:
    """Builds message lists around one system prompt.

    That is byte-stable for the life of the process, so that the model's prefix cache holds (facts: 36 s cold, 0.9 s
    warm for 1,900 tokens on two cores).
    """

    def __init__(self, system: str, now: Callable[[], datetime] | None) -> None:
        self._system = Message("system", system)
        self._now = now

    def prefix(self) -> list[Message]:
        """What every request begins with; warm the model with it."""
        return [self._system]

    def build(
        self, history: Sequence[Message], text: str, images: tuple[bytes, ...] = (), notes: Sequence[str] = ()
    ) -> list[Message]:
        """The messages for a new question, the pictures it is about, and what is known that may help with it."""
        stamp = self._now().strftime(STAMP) if self._now else ""
        known = "".join(f"[{each}] " for each in notes)
        return [self._system, *history, Message("user", f"{stamp}{known}{text}", images=images)]


def without_stamp(content: str) -> str:
    """A newest message without its date and time."""
    stamp = _STAMP.match(content)
    return content[stamp.end() :] if stamp else content


def newest_exchange(history: Sequence[Message]) -> Sequence[Message]:
    """What a small model is told of the conversation: with more of it, it repeats itself (tried on SmolLM2)."""
    asked = (place for place, message in enumerate(history) if message.role == "user")
    return history[max(asked, default=len(history)) :]


def refers_back(question: str) -> bool:
    """Whether it can only be understood with what was said before: `and when?`, `is he still alive?`."""
    return _BACK.search(question) is not None or len(question.split()) <= FEWEST_WORDS
