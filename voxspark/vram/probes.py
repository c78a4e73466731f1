"""What the machine says about its memory: the kernel's own files, and NVML where it can be believed.

On unified memory (DGX Spark) nothing but `MemAvailable` tells what fits: NVML has no totals there, CUDA's own "free" is
`MemFree` (page cache counts as used), and resident memory leaves CUDA allocations out. On a discrete GPU NVML is right.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from voxspark.vram.state import GIB, Budget, default_floor_bytes

T = TypeVar("T")

LARGE_BLOCK_BYTES = 32 << 20
SCATTERED_SHARE = 0.98
"""From where on compacting is worth a try; an estimate."""

INTEGRATED_NAMES = ("GB10", "N1X", "Thor", "Orin", "Xavier")
"""Parts of the names of GPUs without memory of their own, for drivers that invent NVML totals for them."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A figure that this machine does not give; neither zero nor plenty."""

    why: str


@dataclass(frozen=True, slots=True)
class HostMemory:
    """From `/proc/meminfo`; `MemFree` is left out on purpose, as page cache counts as used there."""

    total_bytes: int
    available_bytes: int
    """What can be allocated without swapping, page cache given up."""
    swap_free_bytes: int


@dataclass(frozen=True, slots=True)
class MemoryPressure:
    """From `/proc/pressure/memory`: the share of the last 10 s in which tasks waited for memory."""

    some_avg10_percent: float
    """At least one task waited."""
    full_avg10_percent: float
    """Nothing else ran either."""


@dataclass(frozen=True, slots=True)
class FreeBlocks:
    """From `/proc/buddyinfo`: free physical memory by block size, all zones together."""

    by_order: tuple[int, ...]
    """How many blocks of `page_bytes << order` are free."""
    page_bytes: int

    @property
    def largest_order(self) -> int | None:
        """The biggest block that is free, or None when nothing is."""
        return max((order for order, count in enumerate(self.by_order) if count), default=None)

    @property
    def free_bytes(self) -> int:
        """All of it, in blocks of any size."""
        return self._bytes_from(0)

    def fragmentation(self, block_bytes: int) -> float:
        """0..1: the share of free memory in blocks smaller than this, or than the kernel's largest.

        The same figure as the kernel's `extfrag/unusable_index`. Near 1 a driver that needs large blocks fails,
        whatever MemAvailable says; compacting memory mends it.
        """
        if not self.free_bytes:
            return 1.0
        order = min(max(0, -(-block_bytes // self.page_bytes) - 1).bit_length(), len(self.by_order) - 1)
        return 1.0 - self._bytes_from(order) / self.free_bytes

    def _bytes_from(self, order: int) -> int:
        return sum(count * self.page_bytes << i for i, count in enumerate(self.by_order) if i >= order)


def is_scattered(blocks: FreeBlocks | Unknown) -> bool:
    """Nearly all that is free lies in pieces under 32 MiB: a GPU driver finds no place there (spark.md 1.4)."""
    return isinstance(blocks, FreeBlocks) and blocks.fragmentation(LARGE_BLOCK_BYTES) > SCATTERED_SHARE


@dataclass(frozen=True, slots=True)
class ProcFiles:
    """The kernel's files; each read takes well under a millisecond and never raises."""

    root: Path = Path("/proc")
    page_bytes: int = os.sysconf("SC_PAGE_SIZE")

    def memory(self) -> HostMemory | Unknown:
        """Memory of the host."""
        return self._parsed("meminfo", _meminfo)

    def pressure(self) -> MemoryPressure | Unknown:
        """Memory pressure; kernels built or started without PSI have none."""
        return self._parsed("pressure/memory", _pressure)

    def free_blocks(self) -> FreeBlocks | Unknown:
        """Free physical memory by block size."""
        return self._parsed("buddyinfo", lambda text: _free_blocks(text, self.page_bytes))

    def resident_bytes(self, pid: int) -> int | Unknown:
        """Resident memory of one process; on integrated GPUs this leaves out what CUDA holds for it."""
        return self._parsed(f"{pid}/status", lambda text: _kilobytes(text, "VmRSS"))

    def _parsed(self, name: str, parse: Callable[[str], T]) -> T | Unknown:
        path = self.root / name
        try:
            return parse(path.read_text(errors="replace"))
        except OSError as error:
            return Unknown(f"{path} cannot be read: {error.strerror}.")
        except ValueError:
            return Unknown(f"{path} has no figures that can be understood.")


def _meminfo(text: str) -> HostMemory:
    return HostMemory(*(_kilobytes(text, name) for name in ("MemTotal", "MemAvailable", "SwapFree")))


def _pressure(text: str) -> MemoryPressure:
    return MemoryPressure(*(float(_found(rf"^{line} avg10=(\d+\.\d+) ", text)) for line in ("some", "full")))


def _free_blocks(text: str, page_bytes: int) -> FreeBlocks:
    zones = [_found(r"zone +\S+((?: +\d+)+) *$", line).split() for line in text.splitlines()]
    if not zones:
        raise ValueError
    return FreeBlocks(tuple(sum(map(int, counts)) for counts in zip_longest(*zones, fillvalue="0")), page_bytes)


def _kilobytes(text: str, name: str) -> int:
    return int(_found(rf"^{name}:\s+(\d+) kB$", text)) * 1024


def _found(pattern: str, text: str) -> str:
    if (match := re.search(pattern, text, re.MULTILINE | re.ASCII)) is None:
        raise ValueError
    return match[1]


@dataclass(frozen=True, slots=True)
class GpuMemory:
    """A discrete GPU's own memory."""

    total_bytes: int
    free_bytes: int
    used_bytes: int


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """What one process holds on one GPU."""

    pid: int
    used_bytes: int | Unknown


@dataclass(frozen=True, slots=True)
class Gpu:
    """One NVIDIA GPU as NVML sees it."""

    index: int
    name: str
    integrated: bool
    """It shares the host's memory: what fits is the host's to say, and only `processes` is of use."""
    memory: GpuMemory | Unknown
    processes: tuple[GpuProcess, ...] | Unknown
    """With a CUDA context; those of other containers may be missing."""

    def used_bytes_of(self, pid: int) -> int | Unknown:
        """What a process holds here; 0 when it has no context."""
        if isinstance(self.processes, Unknown):
            return self.processes
        return next((process.used_bytes for process in self.processes if process.pid == pid), 0)


class GpuReader(Protocol):
    """Where figures of GPUs come from."""

    def read(self) -> tuple[Gpu, ...] | Unknown:
        """Every GPU, now. May take tens of milliseconds: not for the loop. Never raises."""
        ...


class Nvml:
    """NVML through `nvidia-ml-py`; a machine without the package or a driver has unknown GPUs."""

    def __init__(self, load: Callable[[], Any] = lambda: importlib.import_module("pynvml")) -> None:
        self._load = load
        self._started = False

    def read(self) -> tuple[Gpu, ...] | Unknown:
        """Every GPU, now."""
        try:
            nvml = self._load()
        except ImportError:
            return Unknown("The package nvidia-ml-py is not installed.")
        try:
            if not self._started:
                nvml.nvmlInit()
                self._started = True
            return tuple(_gpu(nvml, index) for index in range(nvml.nvmlDeviceGetCount()))
        except nvml.NVMLError as error:
            return Unknown(f"NVML does not list the GPUs: {error}.")


def _gpu(nvml: Any, index: int) -> Gpu:
    device = nvml.nvmlDeviceGetHandleByIndex(index)
    name = str(nvml.nvmlDeviceGetName(device))
    memory, shared = _gpu_memory(nvml, device)
    return Gpu(
        index=index,
        name=name,
        integrated=shared or any(part in name for part in INTEGRATED_NAMES),
        memory=memory,
        processes=_gpu_processes(nvml, device),
    )


def _gpu_memory(nvml: Any, device: Any) -> tuple[GpuMemory | Unknown, bool]:
    """The figures, and whether NVML says that the GPU has no memory of its own."""
    try:
        memory = nvml.nvmlDeviceGetMemoryInfo(device)
    except nvml.NVMLError_NotSupported:
        return Unknown("NVML gives no totals for a GPU that shares the host's memory."), True
    except nvml.NVMLError as error:
        return Unknown(f"NVML gives no totals: {error}."), False
    return GpuMemory(total_bytes=memory.total, free_bytes=memory.free, used_bytes=memory.used), False


def _gpu_processes(nvml: Any, device: Any) -> tuple[GpuProcess, ...] | Unknown:
    try:
        processes = nvml.nvmlDeviceGetComputeRunningProcesses(device)
    except nvml.NVMLError as error:
        return Unknown(f"NVML does not list the processes: {error}.")
    unknown = Unknown("The driver does not tell what this process holds.")
    return tuple(
        GpuProcess(process.pid, unknown if process.usedGpuMemory is None else process.usedGpuMemory)
        for process in processes
    )


@dataclass(frozen=True, slots=True)
class Machine:
    """Where models can live, and how much of it may be planned."""

    kind: Literal["unified", "discrete", "host", "unknown"]
    """`unified`: CPU and GPU share the host's memory. `discrete`: GPUs with their own. `host`: no GPU.
    `unknown`: nothing can be told, so nothing may be planned."""
    budget: Budget
    why: str
    """Kind and budget in one or two sentences, with the arithmetic."""


def machine(
    proc: ProcFiles | None = None,
    gpus: GpuReader | None = None,
    *,
    resident_bytes: int = 0,
    floor_bytes: int | None = None,
) -> Machine:
    """This machine. Blocks for as long as NVML takes to start.

    `resident_bytes` is what models in the plan hold already: it is not available, but theirs.
    `floor_bytes` replaces the default floor of the pool that models live in.
    """
    memory = (proc or ProcFiles()).memory()
    found = (gpus or Nvml()).read()
    listed = () if isinstance(found, Unknown) else found
    cards = [(gpu.name, gpu.memory) for gpu in listed if isinstance(gpu.memory, GpuMemory) and not gpu.integrated]
    if cards:
        total, free = sum(card.total_bytes for _, card in cards), sum(card.free_bytes for _, card in cards)
        floor = len(cards) * default_floor_bytes(total, unified=False) if floor_bytes is None else floor_bytes
        budget = Budget(
            total_bytes=total,
            floor_bytes=floor,
            unified=False,
            usable_bytes=free + resident_bytes,
            host_bytes=0 if isinstance(memory, Unknown) else _host(memory).capacity_bytes,
        )
        reason = f"{', '.join(name for name, _ in cards)} with memory of its own"
        return Machine("discrete", budget, _why(reason, budget))
    if isinstance(memory, Unknown):
        return Machine("unknown", Budget(total_bytes=0, floor_bytes=0), f"{memory.why} So nothing may be planned.")
    budget = _host(memory, resident_bytes, floor_bytes)
    if shared := [gpu.name for gpu in listed if gpu.integrated]:
        return Machine("unified", budget, _why(f"{', '.join(shared)} shares the host's memory", budget))
    reason = f"No usable GPU ({found.why.rstrip('.')})" if isinstance(found, Unknown) else "No usable GPU"
    return Machine("host", budget, _why(reason, budget))


def _host(memory: HostMemory, resident_bytes: int = 0, floor_bytes: int | None = None) -> Budget:
    total = memory.total_bytes
    return Budget(
        total_bytes=total,
        floor_bytes=default_floor_bytes(total, unified=True) if floor_bytes is None else floor_bytes,
        usable_bytes=memory.available_bytes + resident_bytes,
    )


def _why(reason: str, budget: Budget) -> str:
    usable, floor, capacity, total = (
        f"{figure / GIB:.1f} GiB"
        for figure in (budget.usable_bytes, budget.floor_bytes, budget.capacity_bytes, budget.total_bytes)
    )
    return f"{reason}: {usable} without models - {floor} floor = {capacity} for models, of {total}."
