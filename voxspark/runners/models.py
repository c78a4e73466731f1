"""What people do with models by hand: load, unload, pull, list."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import anyio

from voxspark.engines.ollama.client import OllamaClient
from voxspark.errors import EngineError
from voxspark.events import ModelPulled
from voxspark.protocols import Clock, Emit
from voxspark.vram.ledger import Ledger
from voxspark.vram.listing import require_tag, rows
from voxspark.vram.snapshot import snapshot

EVENT_SECONDS = 0.25
"""Between two events of a pull."""


class Models:
    """Over the ledger, which decides, and Ollama, which downloads."""

    def __init__(self, ledger: Ledger, client: Callable[[], OllamaClient], emit: Emit, clock: Clock) -> None:
        """`client` makes the one client, when it is first needed: that takes memory, and many need none."""
        self._ledger = ledger
        self._client = client
        self._emit = emit
        self._clock = clock

    def snapshot(self) -> dict[str, Any]:
        """The ledger, JSON-ready."""
        return snapshot(self._ledger)

    async def load(self, name: str) -> dict[str, Any]:
        """By key, tag, alias or role. Raises EngineError."""
        began = anyio.current_time()
        resident = await self._ledger.load(name)
        return {
            "model": resident.model,
            "name": resident.name,
            "bytes": resident.bytes,
            "seconds": round(anyio.current_time() - began, 1),
        }

    async def unload(self, name: str) -> dict[str, Any]:
        """By key, tag, alias or role. Raises EngineError."""
        model, freed_bytes = await self._ledger.unload(name)
        return {"model": model, "freed_bytes": freed_bytes}

    async def pull(self, name: str) -> AsyncGenerator[ModelPulled, None]:
        """By key, tag or alias. Raises EngineError."""
        tag = require_tag(self._ledger.catalogue.find(name))
        told_at = float("-inf")
        async with aclosing(self._client().pull(tag)) as steps:
            async for step in steps:
                now = anyio.current_time()
                if step.status != "success" and now - told_at < EVENT_SECONDS:
                    continue
                told_at = now
                event = ModelPulled(self._clock(), tag, step.status, step.completed_bytes, step.total_bytes)
                self._emit(event)
                yield event
        self._ledger.try_again(tag)

    async def list(self) -> list[dict[str, Any]]:
        """The catalogue, with what is pulled and what is in memory."""
        try:
            pulled = [each.name for each in await self._client().pulled()]
        except EngineError:
            pulled = None
        states = {model: resident.state for model, resident in self._ledger.book.residents.items()}
        return rows(self._ledger.catalogue, pulled, states)
