"""What the ledger needs from those that really load models: Ollama, worker processes, this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from voxspark.vram.state import Foreign
from voxspark.vram.team import Rung

CUDA_CONTEXT_BYTES = 500_000_000
"""Of every process that uses a GPU, beside what torch and Ollama's `/api/ps` tell (spark.md 3.3)."""

Lost = Callable[[str, str], None]
"""Told the key of a model whose process died, and why in a sentence."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that can be used."""

    engine: Any
    """`Chat`, `Embedder`, `Transcriber`, `Synthesizer` or `Painter` of `protocols`, by the role it was loaded for."""
    bytes: int | None = None
    """What it takes, read back after the load; None where nobody can tell."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One model that a runner finds in memory, whoever loaded it."""

    bytes: int
    context_tokens: int


@dataclass(frozen=True, slots=True)
class Look:
    """What a runner holds at one moment."""

    present: Mapping[str, Seen] = field(default_factory=dict)
    """Models of the team, by key."""
    foreign: tuple[Foreign, ...] = ()
    """Models of other programs in the same place."""
    away: bool = False
    """The place itself is not there: a server that is not running holds nothing."""


class Runner(Protocol):
    """Loads and unloads the models of one place."""

    async def load(self, rung: Rung) -> Loaded:
        """Bring it into memory and make it ready, and read back what it takes. Raises EngineError; then it is gone."""
        ...

    async def unload(self, model: str) -> None:
        """Take a model (a key, or the name of a foreign one) out of memory, whoever uses it; returns when the place
        has let go of it. Raises EngineError."""
        ...

    async def look(self) -> Look | None:
        """What is in memory now; None when the place does not tell (then what it holds stays as it was)."""
        ...

    def on_lost(self, lost: Lost) -> None:
        """Whom to tell when a model goes by itself."""
        ...
