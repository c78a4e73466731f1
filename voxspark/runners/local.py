"""Engines inside the daemon: small ones, each in a thread of its own."""

from __future__ import annotations

import inspect
from typing import Any

import anyio

from voxspark.config import Config
from voxspark.engines.registry import find
from voxspark.errors import EngineError
from voxspark.roster import Roster, kind_of
from voxspark.runners.priming import Priming
from voxspark.runners.settings import settings_for
from voxspark.vram.runner import Loaded, Look, Lost
from voxspark.vram.team import Rung


class LocalRunner:
    """See `vram.runner.Runner`. What such an engine takes cannot be told from what else the daemon takes."""

    def __init__(self, config: Config, roster: Roster, priming: Priming) -> None:
        self._config = config
        self._roster = roster
        self._priming = priming
        self._engines: dict[str, Any] = {}

    async def load(self, rung: Rung) -> Loaded:
        """Import, load, and run once."""
        model = self._roster.catalogue.models[rung.model]
        if not model.engine:
            raise no_engine(model.name)
        kind = kind_of(rung.role)
        engine = find(kind, model.engine).create(settings_for(self._config, self._roster, rung))
        try:
            await (self._priming.warm(engine, model, rung) if kind == "chat" else engine.warm())
        except BaseException:
            with anyio.CancelScope(shield=True):
                await close(engine)
            raise
        self._engines[rung.model] = engine
        return Loaded(engine)

    async def unload(self, model: str) -> None:
        """Let it go; its thread ends after the call it is in."""
        await close(self._engines.pop(model, None))

    async def look(self) -> Look | None:
        """Nothing goes or comes here by itself."""
        return None

    def on_lost(self, lost: Lost) -> None:
        """Nobody to tell."""


async def close(engine: Any) -> None:
    """End its thread, its program or its connection, where it has one."""
    closed = getattr(engine, "close", lambda: None)()
    if inspect.isawaitable(closed):
        await closed


def no_engine(name: str) -> EngineError:
    """For models that are in the catalogue to be planned, and cannot be run."""
    return EngineError("model-no-engine", f"VoxSpark cannot run {name} yet.", "Choose another model for this role.")
