"""A figure for each column of `speech_gpu`, and what they say about the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.random_weights import Counts

CATALOGUE_SHARE = 0.1
"""How far the catalogue may be off."""


@dataclass
class Result:
    """What came of one model. Seconds are only told of a GPU and of tiny models: on a CPU nobody would use it so."""

    model: str
    engine: str
    size: str
    device: str
    reason: str = ""
    """Why it was not measured; nothing else is known then."""
    parameters: Counts = field(default_factory=dict)
    """By the type they have on a GPU."""
    weights_gb: float = 0.0
    """Those, there."""
    catalogue_weights_gb: float = 0.0
    memory_gb: float = 0.0
    """At its most, as the plan counts it: on a GPU of its own what the driver tells, else with the host's."""
    expected_gb: float = 0.0
    """By the catalogue, or on a CPU by the engine's spec."""
    resident_gb: float = 0.0
    gpu_allocated_gb: float = 0.0
    gpu_reserved_gb: float = 0.0
    left_gb: float = 0.0
    """Not given back after it was unloaded; other programs are in it."""
    load_seconds: float = 0.0
    first_seconds: float = 0.0
    """To the first sample of five words; of ears to the transcript of 2 s, of a picture to its first step. Median."""
    realtime_factor: float = 0.0
    """Seconds of work per second of sound; of a picture, seconds for the whole."""
    cancel_seconds: float = 0.0
    """From hanging up until the worker could begin something else."""
    notes: list[str] = field(default_factory=list)
    """What its worker warned of."""


COLUMNS: Sequence[tuple[str, Callable[[Result], str]]] = (
    ("model", lambda r: r.model),
    ("on", lambda r: r.device),
    ("weights, GB (catalogue)", lambda r: f"{r.weights_gb:.2f} ({r.catalogue_weights_gb:.2f})"),
    ("memory, GB (expected)", lambda r: f"{r.memory_gb:.2f} ({r.expected_gb:.2f})"),
    ("load, s", lambda r: f"{r.load_seconds:.1f}" if r.load_seconds else ""),
    ("first, s", lambda r: f"{r.first_seconds:.3f}" if r.first_seconds else ""),
    ("real-time factor", lambda r: f"{r.realtime_factor:.3f}" if r.realtime_factor else ""),
    ("cancel, s", lambda r: f"{r.cancel_seconds:.3f}" if r.first_seconds else ""),
    ("left, GB", lambda r: f"{r.left_gb:.2f}"),
)


def line(result: Result) -> str:
    """Of the table."""
    if result.reason:
        return f"| {result.model} | not measured: {result.reason} |"
    return f"| {' | '.join(show(result) for _, show in COLUMNS)} |"


def verdicts(result: Result) -> list[str]:
    """What the catalogue should say, which is about GPUs; tiny models say nothing about it."""
    if result.reason or result.size != "full":
        return []
    said = []
    if _off(result.weights_gb, result.catalogue_weights_gb):
        said.append(f"weights_gb = {result.weights_gb:.2f}, not {result.catalogue_weights_gb:g}")
    if result.device == "cuda" and _off(result.memory_gb, result.expected_gb):
        said.append(f"weights_gb + overhead_gb = {result.memory_gb:.2f}, not {result.expected_gb:.2f}")
    return [f"{result.model}: {'; '.join(said) or 'within 10 %'}"]


def _off(found: float, known: float) -> bool:
    return abs(found - known) > CATALOGUE_SHARE * known
