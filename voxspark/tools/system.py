"""How this machine is doing, from /proc and /sys."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from voxspark.errors import ToolError
from voxspark.tools import phrases
from voxspark.tools.registry import Tool, tool, tools_of

About = Literal["everything", "processor", "memory", "disk", "battery", "network", "uptime"]

GIB = 2**30
SMALLEST_TEMPERATURE, LARGEST_TEMPERATURE = 1, 150
"""Degrees Celsius that a sensor can mean."""
NETWORK_KINDS = {"1": "a cable", "wireless": "Wi-Fi", "mobile": "the mobile network"}

DiskSpace = Callable[[Path], tuple[int, int]]
"""(free, total) bytes of the disk that holds a folder. Raises OSError."""


def disk_space(folder: Path) -> tuple[int, int]:
    """By statvfs; free is what a user may still write."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize


class System:
    """Tells the state of the machine.

    `root` holds proc and sys; `home` is a folder on the disk that matters to the user.
    """

    def __init__(self, root: Path = Path("/"), home: Path | None = None, space: DiskSpace = disk_space) -> None:
        self._root = root
        self._home = home or Path.home()
        self._space = space

    @property
    def tools(self) -> tuple[Tool, ...]:
        """get_system_status."""
        return tools_of(self)

    @tool(permission="read", fate="turn")
    def get_system_status(self, about: Annotated[About, "What is asked for."] = "everything") -> str:
        """Tell how busy, hot, full or charged this computer is, whether it is online, and how long it has been on."""
        if about == "everything":
            parts = (self._processor(), self._memory(), self._disk(), self._battery(), self._network())
            return " ".join(part for part in parts if part) or _unknown(about)
        sentence = {
            "processor": self._processor,
            "memory": self._memory,
            "disk": self._disk,
            "battery": self._battery,
            "network": self._network,
            "uptime": self._uptime,
        }[about]()
        return sentence or _unknown(about)

    def _processor(self) -> str:
        """Load of the last minute over all cores, and the hottest sensor."""
        load = self._read("proc/loadavg").split()
        cores = sum(line[3:4].isdigit() for line in self._read("proc/stat").splitlines() if line.startswith("cpu"))
        if not load or not cores:
            return ""
        busy = min(100, round(float(load[0]) / cores * 100))
        zones = [_whole(self._read(zone)) / 1000 for zone in self._list("sys/class/thermal", "thermal_zone*/temp")]
        hot = [degrees for degrees in zones if SMALLEST_TEMPERATURE <= degrees <= LARGEST_TEMPERATURE]
        return f"The processor is {busy} percent busy{f', at {round(max(hot))} degrees' if hot else ''}."

    def _memory(self) -> str:
        rows = (line.partition(":") for line in self._read("proc/meminfo").splitlines())
        kib = {name: _whole(value.removesuffix("kB")) for name, _, value in rows}
        if not kib.get("MemTotal"):
            return ""
        free = _size(kib.get("MemAvailable", 0) * 1024)
        return f"{free} of {_size(kib['MemTotal'] * 1024)} of memory are free."

    def _disk(self) -> str:
        try:
            free, total = self._space(self._home)
        except OSError:
            return ""
        if not total:
            return ""
        warning = ", so it is nearly full" if free / total < 0.05 else ""
        return f"{_size(free)} of {_size(total)} are free on the disk{warning}."

    def _battery(self) -> str:
        """Empty when there is none; a mouse's (scope Device) does not count."""
        for kind in self._list("sys/class/power_supply", "*/type"):
            supply = kind.parent
            if self._read(kind) != "Battery" or self._read(supply / "scope") == "Device":
                continue
            if (percent := self._read(supply / "capacity")).isdecimal():
                state = {"Charging": ", and charging", "Full": ", and full"}.get(self._read(supply / "status"), "")
                return f"The battery is at {min(int(percent), 100)} percent{state}."
        return ""

    def _network(self) -> str:
        """Real devices that are up; bridges and tunnels have no device behind them."""
        up = []
        for state in self._list("sys/class/net", "*/operstate"):
            card = state.parent
            if self._read(state) in ("up", "unknown") and (card / "device").exists():
                kind = "wireless" if (card / "wireless").exists() else self._read(card / "type")
                kind = "mobile" if card.name.startswith("ww") else kind
                up.append(NETWORK_KINDS.get(kind, "a network"))
        if not (self._root / "sys/class/net").is_dir():
            return ""
        return (
            f"The network is connected by {phrases.join(sorted(set(up)))}." if up else "The network is not connected."
        )

    def _uptime(self) -> str:
        seconds = self._read("proc/uptime").partition(".")[0]
        if not seconds.isdecimal():
            return ""
        days, rest = divmod(int(seconds), 86_400)
        minutes = rest // 60 * 60
        named = [f"{days} day{'' if days == 1 else 's'}"] if days else []
        named += [phrases.duration(rest // 3600 * 3600 if days else minutes)] if rest >= 3600 or not days else []
        return f"This computer has been on for {phrases.join(named)}."

    def _read(self, path: str | Path) -> str:
        """Empty when there is no such file."""
        try:
            return (self._root / path).read_text("utf-8", "replace").strip()
        except OSError:
            return ""

    def _list(self, folder: str, pattern: str) -> list[Path]:
        return sorted((self._root / folder).glob(pattern))


def _whole(text: str) -> int:
    text = text.strip()
    return int(text) if text.removeprefix("-").isdecimal() else 0


def _size(size_bytes: int) -> str:
    """`3.4 gigabytes`, `84 gigabytes`, `500 megabytes`, in powers of two."""
    if size_bytes < GIB:
        return f"{round(size_bytes / 2**20)} megabytes"
    if size_bytes < 1000 * GIB:
        return f"{size_bytes / GIB:.{1 if size_bytes < 10 * GIB else 0}f} gigabytes"
    return f"{size_bytes / 2**40:.1f} terabytes"


def _unknown(about: str) -> str:
    if about == "battery":
        return "This computer has no battery."
    raise ToolError("system-unknown", "This computer does not tell me that.")
