"""What a language model reads before anybody speaks, so that the first answer is as quick as the second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voxspark.protocols import Chat, Schema
from voxspark.types import Message
from voxspark.vram.catalogue import Model
from voxspark.vram.team import Rung


@dataclass(frozen=True, slots=True)
class Priming:
    """The beginning of every prompt."""

    messages: Sequence[Message]
    tools: Sequence[Schema] = ()
    """Shown only to models that can call them."""
    for_stand_in: Sequence[Message] = ()
    """The beginning for the small model that talks when nobody else can."""

    async def warm(self, chat: Chat, model: Model, rung: Rung) -> None:
        """Have it read. Raises ChatError."""
        if rung.change == "stand_in":
            await chat.warm(self.for_stand_in)
            return
        await chat.warm(self.messages, tools=self.tools if "tools" in model.capabilities else ())
