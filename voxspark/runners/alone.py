"""One engine without the daemon and its memory plan, for a command."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Literal

import anyio

from voxspark.config_speech import TranscriberSettings, VoiceSettings
from voxspark.engines.registry import find
from voxspark.engines.worker.remote import adapter_for, worker_for
from voxspark.runners.local import close


@asynccontextmanager
async def alone(settings: TranscriberSettings | VoiceSettings) -> AsyncGenerator[Any, None]:
    """The transcriber or synthesizer of these settings, in a worker where it belongs into one. Raises EngineError."""
    kind: Literal["stt", "tts"] = "stt" if isinstance(settings, TranscriberSettings) else "tts"
    spec = find(kind, settings.engine)
    if spec.isolation == "process":
        async with worker_for(kind, spec.name, settings).running() as worker:
            yield adapter_for(kind, worker)
        return
    engine = spec.create(settings)
    try:
        yield engine
    finally:
        with anyio.CancelScope(shield=True):
            await close(engine)
