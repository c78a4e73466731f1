"""An answer that nobody hears as it comes: all of a model's text, within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

import anyio

from voxspark.errors import ChatError
from voxspark.protocols import Chat
from voxspark.types import Message, ReplyStats


@dataclass(frozen=True, slots=True)
class Whole:
    """All that a model said."""

    text: str
    cut: bool = False
    """It would have said more: its reply was longer than it may be."""


async def whole_answer(
    chat: Chat, messages: Sequence[Message], *, limit_seconds: float, limit_characters: int = 20_000
) -> Whole:
    """Text beyond `limit_characters` becomes `…`. Raises ChatError, also when it takes too long or is empty."""
    text, cut = "", False
    with anyio.move_on_after(limit_seconds) as limit:
        async with aclosing(chat.stream(messages)) as deltas:
            async for delta in deltas:
                if isinstance(delta, ReplyStats):
                    cut = delta.cut
                if not isinstance(delta, str):
                    continue
                text = (text + delta).lstrip()
                if len(text) > limit_characters:
                    text, cut = text[: limit_characters - 1].rstrip() + "…", True
                    break
    if limit.cancelled_caught:
        raise ChatError("answer-too-slow", f"There was no answer within {limit_seconds:.0f} seconds.")
    if not text:
        raise ChatError("answer-empty", "The model had nothing to say to that.")
    return Whole(text.rstrip(), cut)
