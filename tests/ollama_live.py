"""Answers of a real model: the bundled SmolLM2 on llama.cpp, through VoxSpark's own engine.

What it says has little sense; what matters is that it is streamed, slow, long and never the same. It takes no tools.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import anyio

from tests.ollama_values import Exchange
from voxspark.config import ChatSettings
from voxspark.engines.chat.llama_cpp import LlamaCppChat
from voxspark.types import Message


class Live:
    """One loaded model for every tag."""

    def __init__(self) -> None:
        self._chat = LlamaCppChat(ChatSettings())
        self._free = anyio.Lock()

    async def parts(self, exchange: Exchange) -> AsyncGenerator[dict[str, Any], None]:
        """Text deltas; one answer at a time. Ollama's `num_predict` is counted by the server."""
        messages = [Message(message["role"], message["content"]) for message in exchange.prompt]
        await self._free.acquire()
        try:
            async with aclosing(self._chat.stream(messages)) as deltas:
                async for delta in deltas:
                    if isinstance(delta, str):
                        yield {"content": delta}
        finally:
            self._free.release()

    def close(self) -> None:
        """Give the memory back."""
        self._chat.close()
