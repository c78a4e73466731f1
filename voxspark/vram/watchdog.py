"""The watchdog of the memory plan: `soft` says that nothing more may be admitted, `hard` that a model must be unloaded.

Never judged by `MemFree` (page cache counts as used there: false kills) nor by one kernel log line.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio
import anyio.to_thread

from voxspark.vram.probes import GpuMemory, GpuReader, ProcFiles, Unknown
from voxspark.vram.state import RECOVERED_SHARE, Pressure

HARD_AGAIN_SECONDS = 10.0
"""While it stays hard, the next unload comes no sooner: PSI's average looks back 10 s, and would unload everything."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the pool that models live in."""

    available_bytes: int | None
    """None when the machine does not tell."""
    pressure_some_avg10_percent: float | None = None
    """None on kernels without PSI, and for the memory of a discrete GPU."""


Probe = Callable[[], Awaitable[Reading]]
"""Takes a reading; never raises."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Where the states begin and end."""

    soft_bytes: int
    """Less available than this is soft,"""
    clear_bytes: int
    """until more than this is."""
    hard_bytes: int
    """Less available than this is hard."""
    hard_pressure_percent: float = 20.0
    """More PSI `some avg10` than this is hard."""

    @classmethod
    def above(cls, floor_bytes: int) -> Marks:
        """For a plan that keeps this floor: on a DGX Spark (16 GiB) soft 16, clear 18, hard 6 GiB.

        The clear mark is close to the floor, because a plan filled to its budget leaves little more than the floor.
        """
        return cls(soft_bytes=floor_bytes, clear_bytes=floor_bytes * 9 // 8, hard_bytes=floor_bytes * 3 // 8)


def judge(reading: Reading, marks: Marks, before: Pressure = "ok") -> Pressure:
    """The state after a reading; a figure that is missing counts for nothing, and without both nothing changes."""
    available, pressure = reading.available_bytes, reading.pressure_some_avg10_percent
    if available is None and pressure is None:
        return before
    if pressure is not None and pressure > marks.hard_pressure_percent:
        return "hard"
    if available is None:
        return "ok"
    if available < marks.hard_bytes:
        return "hard"
    if available < marks.soft_bytes or (before != "ok" and available <= marks.clear_bytes):
        return "soft"
    return "ok"


async def watch(
    probe: Probe,
    on_change: Callable[[Pressure, Reading], Awaitable[None]],
    marks: Marks,
    *,
    every_seconds: float = 1.0,
) -> None:
    """For ever: call `on_change` at each change of state, and again every 10 s or later while it stays hard.

    No reading is taken while `on_change` runs, so it may unload a model and wait until its memory is back.
    When it turns hard again within the 10 s, that is soft at first.
    """
    state: Pressure = "ok"
    told: Pressure = "ok"
    hard_at = -math.inf
    while True:
        reading = await probe()
        state = judge(reading, marks, state)
        due = anyio.current_time() - hard_at >= HARD_AGAIN_SECONDS
        tell = state
        if state == "hard" and not due:
            tell = "soft" if told == "ok" else told
        if tell != told or (tell == "hard" and due):
            await on_change(tell, reading)
            told = tell
            if tell == "hard":
                hard_at = anyio.current_time()
        await anyio.sleep(every_seconds)


@dataclass(frozen=True, slots=True)
class Recovery:
    """What came back after an unload."""

    freed_bytes: int
    enough: bool
    """At least 80 % of the estimate."""
    waited_seconds: float


async def recovered(
    before: Reading, estimate_bytes: int, probe: Probe, *, within_seconds: float = 60.0, every_seconds: float = 0.25
) -> Recovery:
    """Wait until the memory of an unloaded model is back: on a DGX Spark that takes up to a minute after a kill.

    `before` is a reading from before the unload. Where the machine tells nothing, it returns at once, not enough.
    """
    began = anyio.current_time()
    while True:
        now = (await probe()).available_bytes
        waited = anyio.current_time() - began
        if before.available_bytes is None or now is None:
            return Recovery(0, False, waited)
        freed = now - before.available_bytes
        enough = freed >= estimate_bytes * RECOVERED_SHARE
        if enough or waited >= within_seconds:
            return Recovery(freed, enough, waited)
        await anyio.sleep(min(every_seconds, within_seconds - waited))


def host_probe(proc: ProcFiles | None = None) -> Probe:
    """Readings of the host's memory; for unified memory and machines without a GPU."""
    files = proc or ProcFiles()

    async def probe() -> Reading:
        memory, pressure = files.memory(), files.pressure()
        return Reading(
            None if isinstance(memory, Unknown) else memory.available_bytes,
            None if isinstance(pressure, Unknown) else pressure.some_avg10_percent,
        )

    return probe


def gpu_probe(gpus: GpuReader) -> Probe:
    """Readings of the memory of all discrete GPUs together; in a thread, as NVML may take long."""

    async def probe() -> Reading:
        found = await anyio.to_thread.run_sync(gpus.read)
        listed = () if isinstance(found, Unknown) else found
        free = [g.memory.free_bytes for g in listed if isinstance(g.memory, GpuMemory) and not g.integrated]
        return Reading(sum(free) if free else None)

    return probe
