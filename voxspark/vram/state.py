"""What the planner reads: the budget, what is in memory, and what is asked for. Values only, no clock, no I/O.

Times are seconds on one clock of the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

GIB = 1 << 30

State = Literal["reserved", "loading", "resident", "draining", "released"]
Device = Literal["gpu", "cpu"]
Pressure = Literal["ok", "soft", "hard"]

KEEP, SWARM, WORK, VOICE = 0, 20, 50, 80
"""Priorities of requests: what the profile would like to have back, sub-questions nobody waits for, tasks, and a person
who is listening."""

DRAIN_SECONDS = 20.0
"""How long a model that must leave waits for those who use it."""

RECOVERED_SHARE = 0.8
"""Of the estimate: what must come back after an unload; estimates are no better than that."""

RESIDENCY_LOADS = 3.0
"""A model stays at least this many load times: less, and two that alternate spend their time loading (spark.md 6.1)."""


def default_floor_bytes(total_bytes: int, *, unified: bool) -> int:
    """What models never get: 16 GiB of a DGX Spark's (spark.md 1.4 and 6.1), a sixth of most machines', and 1.5 GiB or
    a quarter of those with less than 9 GiB."""
    return min(16 * GIB, max(min(3 * GIB // 2, total_bytes // 4), total_bytes // 6)) if unified else 3 * GIB // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The memory that models may have."""

    total_bytes: int
    """The pool: all memory when it is unified (or there is no GPU), else the GPU's."""
    floor_bytes: int
    """Never given to models."""
    unified: bool = True
    """CPU and GPU share the pool."""
    usable_bytes: int = 0
    """Available before any model was loaded (`MemAvailable` at start); 0 is all of it."""
    host_bytes: int = 0
    """Beside a discrete GPU: what models on the CPU may have."""

    @property
    def capacity_bytes(self) -> int:
        return max(0, min(self.usable_bytes or self.total_bytes, self.total_bytes) - self.floor_bytes)

    @property
    def low_mark_bytes(self) -> int:
        """With less than this free, models on demand that nobody uses are given back: 4 GiB on a DGX Spark."""
        return min(4 * GIB, self.capacity_bytes // 16)

    @property
    def high_mark_bytes(self) -> int:
        """Giving back stops here: 10 GiB on a DGX Spark."""
        return min(10 * GIB, self.capacity_bytes // 8)

    def pool(self, device: Device) -> Device:
        """Where the memory of a model on this device comes from."""
        return "gpu" if self.unified else device

    def pool_bytes(self, pool: Device) -> int:
        """Memory that a place (GPU or host) has for models."""
        return self.capacity_bytes if pool == "gpu" else self.host_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """A model of ours that has, or will have, memory."""

    model: str
    """Its key in the catalogue."""
    name: str
    role: str
    """For whom it was loaded."""
    state: State
    bytes: int
    context_tokens: int
    slots: int = 1
    device: Device = "gpu"
    pinned: bool = False
    """Only an emergency may evict it."""
    kept: bool = False
    """The profile wants it in memory: not given back for being idle."""
    stands_in: bool = False
    """Loaded because nobody else was to be had."""
    priority: int = 0
    loaded_at: float = 0.0
    """When it was reserved, until it is resident."""
    last_used_at: float = 0.0
    load_seconds: float = 0.0
    leases: int = 0
    """Requests that use it now."""
    seen_bytes: int = 0
    """While it loads: how much of it the measured memory shows already."""
    stays_until: float = 0.0
    """It could not be unloaded; not tried again before."""

    @property
    def settled_at(self) -> float:
        """Before this it is not evicted."""
        return max(self.loaded_at + RESIDENCY_LOADS * self.load_seconds, self.stays_until)

    @property
    def unseen_bytes(self) -> int:
        return max(0, self.bytes - self.seen_bytes) if self.state in ("reserved", "loading") else 0


@dataclass(frozen=True, slots=True)
class Foreign:
    """A model of another program: counted, never evicted."""

    name: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is in memory at one moment."""

    residents: tuple[Resident, ...] = ()
    """At most one per model."""
    foreign: tuple[Foreign, ...] = ()
    available_bytes: int | None = None
    """Measured: `MemAvailable`, or what NVML calls free on a discrete GPU; None when unknown."""
    pressure: Pressure = "ok"
    """What the watchdog says; anything but `ok` stops all loads."""
    cooling: Mapping[str, float] = field(default_factory=dict)
    """Models that failed to load, and when they may be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Somebody wants a model."""

    id: str
    role: str
    at: float
    priority: int = WORK
    patience_seconds: float = 30.0
    """How long it would rather wait than take less."""
    model: str = ""
    """A certain model, by key; empty is the profile's."""
    context_tokens: int = 0
    """0 is the profile's."""
    without: Mapping[str, str] = field(default_factory=dict)
    """Models that have failed it already, and how, in a sentence; the best first."""
