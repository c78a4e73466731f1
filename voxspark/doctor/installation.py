"""The program itself: its packages, and the machine it is on."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Iterable
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING

import anyio.to_thread

from voxspark.config import Config
from voxspark.doctor.check import Check, Finding
from voxspark.engine_room import machine_of
from voxspark.vram.probes import HostMemory, Machine, MemoryPressure, ProcFiles, is_scattered

if TYPE_CHECKING:
    from packaging.requirements import Requirement

FULL_PERCENT = 10.0
"""Share of the last 10 s in which nothing ran for want of memory; from here on speech breaks off. An estimate."""

COMPACT = "Run: echo 1 | sudo tee /proc/sys/vm/compact_memory"


def packages_check() -> Check:
    """Of what `pip install voxspark` brings, and which extras are there."""
    return Check("packages", partial(anyio.to_thread.run_sync, packages))


def machine_check(config: Config) -> Check:
    """Of memory and graphics cards, as the memory plan sees them."""

    def look() -> Finding:
        proc = ProcFiles()
        return judged_machine(machine_of(config), proc)

    return Check("machine", partial(anyio.to_thread.run_sync, look))


def packages(
    requires: Callable[[str], list[str] | None] = metadata.requires,
    version: Callable[[str], str] = metadata.version,
) -> Finding:
    """What is installed of the requirements, and of each extra."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(each) for each in requires("voxspark") or []]
        told = f"VoxSpark {version('voxspark')}, Python {platform.python_version()}"
    except metadata.PackageNotFoundError:
        return Finding("broken", "VoxSpark is not installed as a package", "Run: pip install voxspark[embedded]")
    if wrong := _wrong([each for each in wanted if each.marker is None or each.marker.evaluate()], version):
        return Finding("broken", f"{told}: missing or too old: {', '.join(map(str, wrong))}", _install(wrong))
    extras = dict.fromkeys(name for each in wanted for name in _extras(each) if name != "dev")
    there = [extra for extra in extras if not _wrong([each for each in wanted if extra in _extras(each)], version)]
    return Finding("ok", f"{told}, with {', '.join(there)}" if there else f"{told}, without extras")


def _extras(requirement: Requirement) -> list[str]:
    """Those that bring it; none where everybody gets it."""
    return re.findall(r"extra == [\"']([\w-]+)", str(requirement.marker or ""))


def _wrong(wanted: Iterable[Requirement], version: Callable[[str], str]) -> list[Requirement]:
    """Those that are missing or have another version."""

    def there(requirement: Requirement) -> bool:
        try:
            return requirement.specifier.contains(version(requirement.name), prereleases=True)
        except metadata.PackageNotFoundError:
            return False

    return [each for each in wanted if not there(each)]


def _install(wrong: Iterable[Requirement]) -> str:
    return f"Run: pip install {' '.join(repr(f'{each.name}{each.specifier}') for each in wrong)}"


def judged_machine(machine: Machine, proc: ProcFiles) -> Finding:
    """What the kernel's files say against running models here (spark.md 1.4)."""
    if machine.kind == "unknown":
        return Finding("problem", machine.why, "Models are not planned: look at plan.proc.")
    pressure, memory = proc.pressure(), proc.memory()
    if isinstance(pressure, MemoryPressure) and pressure.full_avg10_percent >= FULL_PERCENT:
        told = f"programs waited for memory {pressure.full_avg10_percent:.0f} % of the last 10 seconds"
        return Finding("problem", told, "End what needs much memory, or take a smaller profile: voxspark plan")
    if machine.kind != "host" and is_scattered(proc.free_blocks()):
        return Finding("problem", "free memory is in small pieces: graphics drivers find no room in it", COMPACT)
    if machine.kind == "unified" and isinstance(memory, HostMemory) and memory.swap_free_bytes:
        # earlyoom waits until memory and swap are both full (rfjakob/earlyoom 269)
        return Finding("ok", f"{machine.why} Swap is on: earlyoom, if you have it, then acts late.")
    return Finding("ok", machine.why)
