"""What the machine says about its memory, from files and a GPU library made up for the purpose."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.vram.probes import (
    FreeBlocks,
    Gpu,
    GpuMemory,
    GpuProcess,
    HostMemory,
    Machine,
    MemoryPressure,
    Nvml,
    ProcFiles,
    Unknown,
    is_scattered,
    machine,
)
from voxspark.vram.state import GIB, Budget

SPARK_MEMINFO = """\
MemTotal:       127600748 kB
MemFree:         2411724 kB
MemAvailable:   118566368 kB
Buffers:          104264 kB
SwapTotal:      16777212 kB
SwapFree:       16777212 kB
HugePages_Total:       0
"""
PRESSURE = """\
some avg10=21.50 avg60=3.20 avg300=0.70 total=123456
full avg10=4.00 avg60=0.50 avg300=0.10 total=2345
"""
BUDDYINFO = """\
Node 0, zone      DMA      0      0      1
Node 0, zone   Normal     10      5      2      1
"""


def proc(tmp_path: Path, **files: str) -> ProcFiles:
    """Files by name, `/` written as `__`."""
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return ProcFiles(tmp_path, page_bytes=4096)


class NvmlError(Exception):
    """Stands for pynvml.NVMLError."""


class NotSupportedError(NvmlError):
    """Stands for pynvml.NVMLError_NotSupported."""


@dataclass
class FakeDevice:
    name: str
    memory: tuple[int, int] | NvmlError = field(default_factory=lambda: NotSupportedError("Not Supported"))
    """(total, used)."""
    processes: list[tuple[int, int | None]] | NvmlError = field(default_factory=list)


class FakePynvml:
    """The part of pynvml that is used."""

    NVMLError = NvmlError
    NVMLError_NotSupported = NotSupportedError

    def __init__(self, *devices: FakeDevice, start: NvmlError | None = None) -> None:
        self.devices = devices
        self.start = start
        self.starts = 0

    def nvmlInit(self) -> None:
        if self.start is not None:
            raise self.start
        self.starts += 1

    def nvmlDeviceGetCount(self) -> int:
        return len(self.devices)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> FakeDevice:
        return self.devices[index]

    def nvmlDeviceGetName(self, device: FakeDevice) -> str:
        return device.name

    def nvmlDeviceGetMemoryInfo(self, device: FakeDevice) -> Any:
        if isinstance(device.memory, NvmlError):
            raise device.memory
        total, used = device.memory
        return SimpleNamespace(total=total, used=used, free=total - used)

    def nvmlDeviceGetComputeRunningProcesses(self, device: FakeDevice) -> Any:
        if isinstance(device.processes, NvmlError):
            raise device.processes
        return [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in device.processes]


def nvml(*devices: FakeDevice) -> Nvml:
    return Nvml(lambda: FakePynvml(*devices))


def missing() -> Any:
    raise ModuleNotFoundError("No module named 'pynvml'")


NO_GPU = Nvml(missing)
GB10 = FakeDevice("NVIDIA GB10", processes=[(812, 65 * GIB), (813, None)])


def test_available_memory_is_not_free_memory(tmp_path: Path) -> None:
    assert proc(tmp_path, meminfo=SPARK_MEMINFO).memory() == HostMemory(
        total_bytes=127600748 * 1024, available_bytes=118566368 * 1024, swap_free_bytes=16777212 * 1024
    )


def test_pressure(tmp_path: Path) -> None:
    assert proc(tmp_path, pressure__memory=PRESSURE).pressure() == MemoryPressure(21.5, 4.0)


def test_free_blocks_add_up_over_zones_of_different_height(tmp_path: Path) -> None:
    blocks = proc(tmp_path, buddyinfo=BUDDYINFO).free_blocks()
    assert blocks == FreeBlocks((10, 5, 3, 1), 4096)
    assert blocks.largest_order == 3
    assert blocks.free_bytes == 4096 * (10 + 10 + 12 + 8)


@pytest.mark.parametrize(
    ("block_bytes", "share"),
    [(1, 0.0), (4096, 0.0), (4097, 0.25), (8192, 0.25), (16384, 0.5), (32768, 0.8), (32 << 20, 0.8)],
)
def test_fragmentation_is_the_share_in_smaller_blocks(block_bytes: int, share: float) -> None:
    assert FreeBlocks((10, 5, 3, 1), 4096).fragmentation(block_bytes) == pytest.approx(share)


def test_nothing_free_is_wholly_fragmented() -> None:
    assert FreeBlocks((0, 0), 4096).fragmentation(4096) == 1.0
    assert FreeBlocks((0, 0), 4096).largest_order is None


def test_resident_memory_of_a_process(tmp_path: Path) -> None:
    files = proc(tmp_path, **{"42__status": "Name:\tpython\nVmHWM:\t  900 kB\nVmRSS:\t  512 kB\n"})
    assert files.resident_bytes(42) == 512 * 1024
    assert files.resident_bytes(43) == Unknown(f"{tmp_path}/43/status cannot be read: No such file or directory.")


def test_this_kernel_is_understood() -> None:
    memory, blocks = ProcFiles().memory(), ProcFiles().free_blocks()
    assert isinstance(memory, HostMemory)
    assert 0 < memory.available_bytes <= memory.total_bytes
    assert isinstance(blocks, FreeBlocks)


@pytest.mark.parametrize(
    "text", ["", "\n", "MemTotal: lots", "MemTotal: -5 kB\nMemAvailable: 1 kB\nSwapFree: 0 kB", "\0"]
)
def test_files_without_sense_are_unknown(tmp_path: Path, text: str) -> None:
    files = proc(tmp_path, meminfo=text, pressure__memory=text, buddyinfo=text, **{"1__status": text})
    for figure in (files.memory(), files.pressure(), files.free_blocks(), files.resident_bytes(1)):
        assert isinstance(figure, Unknown)
        assert figure.why.endswith(".")


def test_files_that_are_missing_are_unknown(tmp_path: Path) -> None:
    files = proc(tmp_path)
    assert isinstance(files.pressure(), Unknown)
    found = machine(files, NO_GPU)
    assert (found.kind, found.budget.capacity_bytes) == ("unknown", 0)


def test_a_kernel_with_pressure_switched_off_is_unknown(tmp_path: Path) -> None:
    """Reading the file then fails (EOPNOTSUPP); here it is a folder, which fails as well."""
    (tmp_path / "pressure" / "memory").mkdir(parents=True)
    assert isinstance(proc(tmp_path).pressure(), Unknown)


@given(st.binary(max_size=200))
def test_no_content_of_a_file_is_a_crash(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    root = tmp_path_factory.mktemp("proc")
    for name in ("meminfo", "buddyinfo"):
        (root / name).write_bytes(content)
    files = ProcFiles(root, page_bytes=4096)
    assert isinstance(files.memory(), (HostMemory, Unknown))
    assert isinstance(files.free_blocks(), (FreeBlocks, Unknown))


def test_a_spark_is_unified_and_keeps_its_floor(tmp_path: Path) -> None:
    found = machine(proc(tmp_path, meminfo=SPARK_MEMINFO), nvml(GB10))
    assert found == Machine(
        "unified",
        Budget(total_bytes=127600748 * 1024, floor_bytes=16 * GIB, usable_bytes=118566368 * 1024),
        "NVIDIA GB10 shares the host's memory: 113.1 GiB without models - 16.0 GiB floor = 97.1 GiB for models, "
        "of 121.7 GiB.",
    )


def test_totals_that_a_driver_invents_for_an_integrated_gpu_are_not_believed(tmp_path: Path) -> None:
    invented = FakeDevice("NVIDIA GB10", memory=(128 * GIB, 127 * GIB))
    assert machine(proc(tmp_path, meminfo=SPARK_MEMINFO), nvml(invented)).budget.capacity_bytes > 90 * GIB


def test_what_models_hold_already_is_theirs(tmp_path: Path) -> None:
    held = machine(proc(tmp_path, meminfo=SPARK_MEMINFO), nvml(GB10), resident_bytes=8 * GIB)
    assert held.budget.capacity_bytes == 118566368 * 1024 - 8 * GIB


def test_a_discrete_gpu_is_planned_by_its_own_memory(tmp_path: Path) -> None:
    card = FakeDevice("NVIDIA GeForce RTX 4090", memory=(24 * GIB, 1 * GIB))
    found = machine(proc(tmp_path, meminfo=SPARK_MEMINFO), nvml(card))
    assert (found.kind, found.budget.unified, found.budget.total_bytes) == ("discrete", False, 24 * GIB)
    assert found.budget.capacity_bytes == 43 * GIB // 2
    assert found.budget.host_bytes == 118566368 * 1024 - 16 * GIB


def test_two_discrete_gpus_each_keep_their_floor(tmp_path: Path) -> None:
    card = FakeDevice("NVIDIA L4", memory=(24 * GIB, 0))
    assert machine(proc(tmp_path), nvml(card, card)).budget.capacity_bytes == 45 * GIB


@pytest.mark.parametrize(("total_gib", "floor_gib"), [(121, 16), (64, 64 / 6), (24, 4), (8, 1.5)])
def test_a_smaller_machine_has_a_smaller_floor(tmp_path: Path, total_gib: int, floor_gib: float) -> None:
    kilobytes = total_gib << 20
    files = proc(tmp_path, meminfo=f"MemTotal: {kilobytes} kB\nMemAvailable: {kilobytes} kB\nSwapFree: 0 kB\n")
    found = machine(files, NO_GPU)
    assert found.kind == "host"
    assert found.budget.floor_bytes == pytest.approx(floor_gib * GIB, abs=1)
    assert "nvidia-ml-py is not installed" in found.why


def test_a_machine_with_less_than_its_floor_has_no_budget(tmp_path: Path) -> None:
    assert machine(proc(tmp_path, meminfo=SPARK_MEMINFO), NO_GPU, floor_bytes=1 << 50).budget.capacity_bytes == 0


def test_an_integrated_gpu_still_attributes() -> None:
    found = nvml(GB10).read()
    assert not isinstance(found, Unknown)
    (gpu,) = found
    assert gpu.integrated
    assert isinstance(gpu.memory, Unknown)
    assert gpu.used_bytes_of(812) == 65 * GIB
    assert gpu.used_bytes_of(813) == Unknown("The driver does not tell what this process holds.")
    assert gpu.used_bytes_of(1) == 0


def test_a_gpu_in_trouble_is_not_taken_for_an_integrated_one() -> None:
    lost = FakeDevice("NVIDIA L4", memory=NvmlError("GPU is lost"), processes=NvmlError("GPU is lost"))
    found = nvml(lost).read()
    assert not isinstance(found, Unknown)
    assert not found[0].integrated
    assert isinstance(found[0].memory, Unknown)
    assert isinstance(found[0].used_bytes_of(1), Unknown)


def test_a_library_that_does_not_start_is_unknown_and_tried_again() -> None:
    fake = FakePynvml(FakeDevice("NVIDIA L4", (24 * GIB, 0), [(7, 1)]), start=NvmlError("Driver Not Loaded"))
    reader = Nvml(lambda: fake)
    assert reader.read() == Unknown("NVML does not list the GPUs: Driver Not Loaded.")
    fake.start = None
    expected = Gpu(0, "NVIDIA L4", False, GpuMemory(24 * GIB, 24 * GIB, 0), (GpuProcess(7, 1),))
    assert reader.read() == (expected,)
    assert reader.read() == (expected,)
    assert fake.starts == 1


@pytest.mark.parametrize(
    ("blocks", "scattered"),
    [
        (FreeBlocks((1000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 4096), True),
        (FreeBlocks((1000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5), 4096), False),
        (Unknown("no such file"), False),
    ],
)
def test_free_memory_in_small_pieces_is_told(blocks: FreeBlocks | Unknown, scattered: bool) -> None:
    assert is_scattered(blocks) is scattered
