"""What comes out of streams, and the text of a model's reply."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

from voxspark.types import Delta

T = TypeVar("T")


async def everything(stream: AsyncGenerator[T, None]) -> list[T]:
    """All of it; the stream is closed, whatever happens."""
    async with aclosing(stream) as items:
        return [item async for item in items]


async def said(reply: AsyncGenerator[Delta, None]) -> list[str]:
    """The text alone, in pieces."""
    return [delta for delta in await everything(reply) if isinstance(delta, str)]
