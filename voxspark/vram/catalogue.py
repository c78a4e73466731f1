"""Every model the team has, and the memory each needs.

    need = weights + key-value bytes per token * context * slots * f(kv type) + overhead

The formula gives 67 GB for gpt-oss:120b at 8k (ollama#13152) and 93 GB for qwen3-vl:32b at 262,144 tokens
(ollama#14141), both as reported; the error for other language models is about 1.5 GB.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from voxspark.config_source import read_toml
from voxspark.errors import ConfigError, EngineError
from voxspark.files import config_folder
from voxspark.vram.tables import Table, build, check_keys, subtable

Role = Literal["manager", "worker", "eyes", "coder", "reasoner", "embedder", "voice", "ears", "image"]
Runner = Literal["ollama", "engine", "worker"]
KvType = Literal["f16", "q8_0", "q4_0"]
Capability = Literal["tools", "thinking", "vision", "code", "embedding", "speech", "transcription", "image"]
Confidence = Literal["high", "medium", "low"]

BLOCK_VALUES = 32
"""Values in one block of llama.cpp's quantised types."""

BLOCK_BYTES: Mapping[KvType, int] = {"f16": 64, "q8_0": 34, "q4_0": 18}
"""Bytes of such a block: 32 values and, when quantised, a 16-bit scale. q8_0 is 0.53125 of f16."""

BATCH_TOKENS = 512
"""llama.cpp keeps one micro-batch beyond the window in the cache of a sliding-window layer (its default `-ub`)."""

GB = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One row of the catalogue."""

    key: str
    """Our name: what profiles and commands use."""
    name: str
    """What people read and hear."""
    roles: tuple[Role, ...]
    """What it is good for, best first."""
    id: str
    """Ollama tag, hub id or engine setting."""
    runner: Runner
    """`ollama`: in its server. `engine`: in the daemon. `worker`: in a process of its own."""
    engine: str = ""
    """The registered engine that runs it, unless Ollama does; empty while there is none."""
    quantisation: str
    weights_gb: float
    overhead_gb: float
    """Context and compute buffers."""
    layers: int = 0
    kv_heads: int = 0
    head_dim: int = 0
    keeps_cache: bool = True
    """False for encoders, which read a text in one pass."""
    sliding_layers: int = 0
    """How many of the layers see only the last `window_tokens`."""
    window_tokens: int = 0
    max_context_tokens: int = 0
    """0: it takes no context."""
    max_slots: int = 64
    """Requests it can serve at once; Ollama forces 1 for vision and embedding models."""
    licence: str
    capabilities: tuple[Capability, ...] = ()
    tokens_per_second: float = 0.0
    """Published for one request on a DGX Spark; 0 is unknown."""
    realtime_factor: float = 0.0
    """Seconds of work per second of sound; 0 is unknown."""
    source: str
    """Where the figures come from."""
    confidence: Confidence = "medium"
    note: str = ""
    """What whoever picks it should know."""
    sampling: Mapping[str, float] = field(default_factory=dict)
    """`temperature`, `top_p`, `top_k` for spoken answers, where Ollama's own are for something else."""

    @property
    def weights_bytes(self) -> int:
        return round(self.weights_gb * GB)

    @property
    def overhead_bytes(self) -> int:
        return round(self.overhead_gb * GB)

    @property
    def kv_bytes_per_token(self) -> int:
        """Keys and values of one token in the layers that see the whole context, in f16."""
        return (self.layers - self.sliding_layers) * self._layer_bytes

    @property
    def _layer_bytes(self) -> int:
        return 2 * 2 * self.kv_heads * self.head_dim if self.keeps_cache else 0

    def kv_bytes(self, context_tokens: int, slots: int, kv_type: KvType) -> int:
        """The key-value cache. A sliding-window layer keeps its window and one batch, whatever the context."""
        windowed = min(context_tokens, self.window_tokens + BATCH_TOKENS)
        f16 = self.kv_bytes_per_token * context_tokens + self.sliding_layers * self._layer_bytes * windowed
        return f16 * slots * BLOCK_BYTES[kv_type] // (2 * BLOCK_VALUES)


@dataclass(frozen=True, slots=True)
class Need:
    """The memory of one loaded model, in parts."""

    weights_bytes: int
    kv_bytes: int
    overhead_bytes: int
    context_tokens: int
    """Per slot, no more than the model takes."""
    slots: int
    source: str
    """One sentence with the arithmetic and where its figures come from."""

    @property
    def total_bytes(self) -> int:
        return self.weights_bytes + self.kv_bytes + self.overhead_bytes


def need(model: Model, context_tokens: int, slots: int = 1, kv_type: KvType = "f16") -> Need:
    """What `model` takes with `slots` requests of `context_tokens` each; both capped at what it can."""
    context = min(max(context_tokens, 0), model.max_context_tokens)
    served = min(max(slots, 1), model.max_slots)
    kv_bytes = model.kv_bytes(context, served, kv_type)
    cache_part = f" + {kv_bytes / GB:.2f} cache ({context:,} tokens * {served}, {kv_type})" if kv_bytes else ""
    source = (
        f"{model.name} {model.quantisation}: {model.weights_gb:g} GB weights{cache_part}"
        f" + {model.overhead_gb:g} overhead. {model.source} ({model.confidence} confidence)."
    )
    return Need(model.weights_bytes, kv_bytes, model.overhead_bytes, context, served, source)


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name for a model."""

    model: str
    note: str = ""
    """Shown to whoever uses the name, when it is not simply a short form."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a name stands for."""

    model: Model
    note: str = ""
    """Why it is not literally what was asked for; empty when it is."""


class Catalogue:
    """Models by key, tag, display name or alias. Case does not matter."""

    def __init__(self, models: Mapping[str, Model], aliases: Mapping[str, Alias]) -> None:
        self.models = models
        self.aliases = aliases
        self._by_name = {_plain(name): m for m in models.values() for name in (m.name, m.id)}
        self._by_name |= {_plain(key): m for key, m in models.items()}
        self._by_alias = {_plain(name): alias for name, alias in aliases.items()}

    def resolve(self, name: str) -> Resolved:
        """The model behind a name. Raises EngineError `model-unknown` with near names."""
        plain = _plain(name)
        if (model := self._by_name.get(plain)) is not None:
            return Resolved(model)
        if (alias := self._by_alias.get(plain)) is not None:
            return Resolved(self.models[alias.model], alias.note)
        known = [*self._by_name, *self._by_alias]
        near = difflib.get_close_matches(plain, known, n=3, cutoff=0.5)
        hint = f"Did you mean {', '.join(near)}?" if near else "Run: voxspark models list"
        raise EngineError("model-unknown", f"There is no model called {name}.", hint)

    def find(self, name: str) -> Model:
        """`resolve` without the note."""
        return self.resolve(name).model


def _plain(name: str) -> str:
    return name.strip().casefold().removesuffix(":latest")


@cache
def builtin() -> Catalogue:
    """The catalogue that ships with VoxSpark."""
    return _assemble({}, "models.toml")


def load_catalogue(user_file: Path | None = None) -> Catalogue:
    """The shipped models with the user's own above them. Raises ConfigError as the configuration does.

    `user_file`, or `$XDG_CONFIG_HOME/voxspark/models.toml` when that exists: `[models.KEY]` overrides single fields
    of a known model or describes a new one; `[aliases]` gives names.
    """
    path = user_file or config_folder() / "models.toml"
    if user_file is None and not path.exists():
        return builtin()
    return _assemble(read_toml(path), str(path))


@cache
def _shipped() -> dict[str, dict[str, Table]]:
    return read_toml(Path(__file__).with_name("models.toml"))


def _assemble(user: Table, origin: str) -> Catalogue:
    check_keys(user, ("models", "aliases"), origin)
    shipped, own = _shipped(), subtable(user, "models", origin)
    models = {
        key: build(Model, table, "models.toml", f"models.{key}.", key=key) for key, table in shipped["models"].items()
    }
    for key in own:
        table = {**shipped["models"].get(key, {}), **subtable(own, key, origin, "models.")}
        if "name" not in table:  # neither a known model nor a whole new one
            check_keys({key: None}, shipped["models"], origin, "models.")
        models[key] = build(Model, table, origin, f"models.{key}.", key=key)
        _check(models[key], origin)
    aliases = shipped["aliases"] | subtable(user, "aliases", origin)
    built = {}
    for name in aliases:
        built[name] = build(Alias, subtable(aliases, name, origin, "aliases."), origin, f"aliases.{name}.")
        if built[name].model not in models:
            check_keys({built[name].model: None}, models, f"{origin}: alias {name}", "models.")
    return Catalogue(models, built)


def _check(model: Model, origin: str) -> None:
    wrong = next(
        (
            key
            for key, bad in {
                "roles": not model.roles,
                "max_slots": model.max_slots < 1,
                "weights_gb": model.weights_gb <= 0,
                "sliding_layers": model.sliding_layers > model.layers,
                "window_tokens": bool(model.sliding_layers) and not model.window_tokens,
            }.items()
            if bad
        ),
        None,
    )
    if wrong:
        value = getattr(model, wrong)
        reason = "there can be no more of them than layers" if wrong == "sliding_layers" else "it cannot be empty"
        raise ConfigError(
            "config-value",
            f"models.{model.key}.{wrong} = {value!r} cannot be used: {reason}.",
            f"Correct it in {origin}.",
        )
