"""NVML as a DGX Spark has it: one GB10 without memory of its own. A daemon under test imports it as `pynvml`."""

from __future__ import annotations


class NVMLError(Exception):
    """Base of NVML's errors."""


class NVMLError_NotSupported(NVMLError):  # noqa: N801, N818 - NVML's name
    """This GPU does not tell."""


def nvmlInit() -> None:
    """The driver is there."""


def nvmlDeviceGetCount() -> int:
    return 1


def nvmlDeviceGetHandleByIndex(index: int) -> int:
    return index


def nvmlDeviceGetName(_device: int) -> str:
    return "NVIDIA GB10"


def nvmlDeviceGetMemoryInfo(_device: int) -> None:
    raise NVMLError_NotSupported("Not Supported")


def nvmlDeviceGetComputeRunningProcesses(_device: int) -> list[object]:
    return []
