"""The engine registry: metadata before import.

A spec says what an engine is and costs without importing it. Built-in engines and third parties register the same
way: the entry point group `voxspark.engines`, each entry point a sequence of `EngineSpec`.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Literal

from voxspark.errors import EngineError

Kind = Literal["stt", "chat", "tts", "image", "embed", "vad", "gate", "wake", "end_of_turn"]


@dataclass(frozen=True, slots=True)
class Need:
    """Memory an engine takes when loaded."""

    cpu_bytes: int = 0
    """Resident memory of the host."""
    gpu_bytes: int = 0
    """Memory of the accelerator; on unified memory both come out of one pool."""


def _needs_little(_config: Any) -> Need:
    return Need(cpu_bytes=32 << 20)


def _any_language(_config: Any) -> Collection[str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """What is known of an engine before anything heavy is imported."""

    name: str
    kind: Kind
    target: str
    """`package.module:factory`; called with the settings of its kind, returns the engine."""
    packages: tuple[str, ...] = ()
    """Import names that must be there."""
    programs: tuple[str, ...] = ()
    """Programs that must be on the PATH."""
    install: str = ""
    """The command that brings them."""
    isolation: Literal["thread", "process", "inline"] = "thread"
    """How it runs. `thread`: in one private thread. `process`: in a worker. `inline`: on the loop, for which it is fast
    enough, or a program of its own."""
    licence: str = ""
    """Of code and weights."""
    memory: Callable[[Any], Need] = _needs_little
    """From the engine's settings to its need; an estimate."""
    capabilities: frozenset[str] = field(default_factory=frozenset)
    """Of a voice: `streaming` (inside a sentence), `clone` (from a recording of `voices`), `listens` (is a
    `protocols.Listens`). Of ears: `multilingual`, `hot_words`, `tags`."""
    languages: Callable[[Any], Collection[str]] = _any_language
    """Of a voice or ears with these settings, as ISO 639-1 codes; none says that it takes any."""
    first_audio_seconds: float = 1.0
    """Of a voice: the budget from a clause to the first sample of it."""
    weights: str = ""
    """`package.module:function`; called with the settings of its kind, raises EngineError that says how to get weights
    which have to be on this machine and are not. Loads nothing."""

    def missing(self) -> list[str]:
        """Packages and programs that cannot be found; nothing is imported or run."""
        packages = [name for name in self.packages if importlib.util.find_spec(name) is None]
        return packages + [name for name in self.programs if shutil.which(name) is None]

    def create(self, settings: Any) -> Any:
        """Import and build the engine. Raises EngineError that says how to install what is missing."""
        self._require_installed()
        return _found(self.target)(settings)

    def require(self, settings: Any) -> None:
        """Packages, programs and weights, without importing or loading them. Raises EngineError that says what to do
        about what is missing."""
        self._require_installed()
        if self.weights:
            _found(self.weights)(settings)

    def _require_installed(self) -> None:
        if missing := self.missing():
            raise EngineError(
                "engine-not-installed",
                f"The {self.kind} engine {self.name} needs {', '.join(missing)}, which is not installed.",
                f"Run: {self.install}" if self.install else "",
            )


def _found(target: str) -> Callable[[Any], Any]:
    module, _, attribute = target.partition(":")
    found: Callable[[Any], Any] = getattr(importlib.import_module(module), attribute)
    return found


@cache
def registry() -> Mapping[tuple[str, str], EngineSpec]:
    """(kind, name) to spec. Raises EngineError when two engines of a kind share a name."""
    found: dict[tuple[str, str], EngineSpec] = {}
    for entry in entry_points(group="voxspark.engines"):
        specs: Sequence[EngineSpec] = entry.load()
        for spec in specs:
            if found.setdefault((spec.kind, spec.name), spec) is not spec:
                raise EngineError("engine-twice", f"Two {spec.kind} engines are called {spec.name}.", "Remove one.")
    return found


def find(kind: Kind, name: str) -> EngineSpec:
    """The spec of an engine. Raises EngineError that lists the choices."""
    specs = registry()
    if (spec := specs.get((kind, name))) is not None:
        return spec
    names = sorted(n for k, n in specs if k == kind)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise EngineError("engine-unknown", f"There is no {kind} engine {name}.", f"{hint}Known: {', '.join(names)}.")
