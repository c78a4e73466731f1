"""A voice as a large model has it: in a worker, streaming inside a sentence not much faster than life.

`install` makes it a package with an entry point, as a third party's would be.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import anyio

from voxspark.config_speech import VoiceSettings
from voxspark.engines.registry import EngineSpec
from voxspark.engines.tts.hibari import HibariSynthesizer
from voxspark.types import Pcm

SLICE_SECONDS, PAUSE_SECONDS = 0.25, 0.2


class SlowVoice:
    """Hibari, slice by slice."""

    def __init__(self, settings: VoiceSettings) -> None:
        self._voice = HibariSynthesizer(settings.model_copy(update={"voice": "heart"}))

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """See `protocols.Synthesizer`."""
        async with aclosing(self._voice.synthesize(text)) as pieces:
            async for samples, rate in pieces:
                step = int(SLICE_SECONDS * rate)
                for start in range(0, len(samples), step):
                    yield samples[start : start + step], rate
                    await anyio.sleep(PAUSE_SECONDS)

    async def warm(self) -> None:
        """See `protocols.Synthesizer`."""
        await self._voice.warm()


SPECS = (
    EngineSpec(
        name="slow",
        kind="tts",
        target="tests.slow_voice:SlowVoice",
        isolation="process",
        licence="This test's",
        install="pip install slow-voice",
        capabilities=frozenset({"streaming"}),
    ),
)


def install(folder: Path) -> None:
    """Into a folder of the Python path."""
    info = folder / "slow_voice-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-voice\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[voxspark.engines]\nslow = tests.slow_voice:SPECS\n")


def workers_of(pid: int) -> list[int]:
    """The worker processes of a daemon."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    found = [int(child) for file in children for child in file.read_text().split()]
    return [child for child in found if b"engines.worker.child" in Path(f"/proc/{child}/cmdline").read_bytes()]
