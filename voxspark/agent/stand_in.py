"""How the conversation goes on with the small model that stands in for the worker, and what is said about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from voxspark.agent.beyond import beyond_small
from voxspark.agent.prompt import FOR_SMALL_MODELS, newest_exchange, without_stamp
from voxspark.types import Message

HELPS_OUT = "so my small model helps out."

_NOTES = re.compile(r"^(?:\[[^\]]*\] )*")
"""What a prompt tells besides the question."""

MOST_CHARACTERS = 1_600
"""Of the conversation before the question, about 400 tokens: SmolLM2 reads 300 a second on two cores."""


class StandIn:
    """Implements `vram.leased.Understudy`. The excuse is made once per outage, and again until it has been heard."""

    def __init__(self) -> None:
        self._heard_before: int | None = None
        """Excuses in the conversation when this outage began; None while there is none."""

    def excuse(self, cause: str, messages: Sequence[Message]) -> str:
        """A sentence to begin with; empty when the conversation has it already."""
        heard = sum(HELPS_OUT in message.content for message in messages if message.role == "assistant")
        before = self._heard_before
        self._heard_before = heard if before is None else min(before, heard)
        return f"{cause.rstrip('.')}, {HELPS_OUT} " if heard <= self._heard_before else ""

    def decline(self, messages: Sequence[Message]) -> str:
        """A sentence for what it can neither do nor know; empty when it may try."""
        return beyond_small(_NOTES.sub("", messages[-1].content))

    def over(self) -> None:
        """Somebody better has answered."""
        self._heard_before = None

    def prompt(self, messages: Sequence[Message]) -> list[Message]:
        """The conversation in short: a prompt for small models, the newest exchange, and the question as it was."""
        talk = [message for message in messages if message.role != "system"]
        asked = max((place for place, message in enumerate(talk) if message.role == "user"), default=0)
        before, room = list[Message](), MOST_CHARACTERS
        for message in reversed(newest_exchange(talk[:asked])):
            content = message.content.partition(HELPS_OUT)[2].strip() or message.content  # it would say it, too
            if (room := room - len(content)) < 0:
                break
            before.insert(0, replace(message, content=content))
        now = [replace(message, content=without_stamp(message.content), images=()) for message in talk[asked:]]
        return [Message("system", FOR_SMALL_MODELS), *before, *now]
