"""The state of a machine that is a folder of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from voxspark.errors import ToolError
from voxspark.tools.system import About, System, disk_space

GIB = 2**30

SPARK = {
    "proc/loadavg": "5.00 4.0 3.0 1/200 99",
    "proc/stat": "cpu  1 2 3\n" + "".join(f"cpu{number} 1 2\n" for number in range(20)) + "intr 5\n",
    "proc/meminfo": "MemTotal:       125829120 kB\nMemFree: 1 kB\nMemAvailable:   88289280 kB\nHugePages_Total: 0\n",
    "proc/uptime": "273900.12 99.0",
    "sys/class/thermal/thermal_zone0/temp": "47600",
    "sys/class/thermal/thermal_zone1/temp": "-274000",
    "sys/class/net/lo/operstate": "unknown",
    "sys/class/net/docker0/operstate": "up",
    "sys/class/net/enp1s0/operstate": "up",
    "sys/class/net/enp1s0/type": "1",
    "sys/class/net/enp1s0/device/vendor": "0x15b3",
    "sys/class/power_supply/mouse/type": "Battery",
    "sys/class/power_supply/mouse/scope": "Device",
    "sys/class/power_supply/mouse/capacity": "12",
}

LAPTOP = {
    "proc/uptime": "3720.5 1.0",
    "sys/class/net/wlan0/operstate": "up",
    "sys/class/net/wlan0/type": "1",
    "sys/class/net/wlan0/device/x": "",
    "sys/class/net/wlan0/wireless/x": "",
    "sys/class/net/eth0/operstate": "down",
    "sys/class/net/eth0/device/x": "",
    "sys/class/power_supply/AC/type": "Mains",
    "sys/class/power_supply/BAT0/type": "Battery",
    "sys/class/power_supply/BAT0/capacity": "83",
    "sys/class/power_supply/BAT0/status": "Charging",
}


def system(root: Path, files: dict[str, str], free: int = 84 * GIB, total: int = 3_725 * GIB) -> System:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n")
    return System(root, root, lambda _: (free, total))


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ("processor", "The processor is 25 percent busy, at 48 degrees."),
        ("memory", "84 gigabytes of 120 gigabytes of memory are free."),
        ("disk", "84 gigabytes of 3.6 terabytes are free on the disk, so it is nearly full."),
        ("battery", "This computer has no battery."),
        ("network", "The network is connected by a cable."),
        ("uptime", "This computer has been on for 3 days and 4 hours."),
        (
            "everything",
            "The processor is 25 percent busy, at 48 degrees. 84 gigabytes of 120 gigabytes of memory are free. "
            "84 gigabytes of 3.6 terabytes are free on the disk, so it is nearly full. "
            "The network is connected by a cable.",
        ),
    ],
)
def test_a_workstation(tmp_path: Path, about: Any, says: str) -> None:
    assert system(tmp_path, SPARK).get_system_status(about) == says


def test_a_laptop(tmp_path: Path) -> None:
    laptop = system(tmp_path, LAPTOP, 3 * GIB + GIB // 2, 500 * 2**20)
    assert laptop.get_system_status("battery") == "The battery is at 83 percent, and charging."
    assert laptop.get_system_status("network") == "The network is connected by Wi-Fi."
    assert laptop.get_system_status("uptime") == "This computer has been on for 1 hour and 2 minutes."
    assert laptop.get_system_status("disk") == "3.5 gigabytes of 500 megabytes are free on the disk."


def test_offline(tmp_path: Path) -> None:
    machine = system(tmp_path, {**LAPTOP, "sys/class/net/wlan0/operstate": "down"})
    assert machine.get_system_status("network") == "The network is not connected."


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    machine = System(tmp_path, tmp_path / "gone")
    topics: tuple[About, ...] = ("everything", "processor", "memory", "disk", "network", "uptime")
    for about in topics:
        with pytest.raises(ToolError, match="does not tell"):
            machine.get_system_status(about)
    odd = system(tmp_path, dict.fromkeys(SPARK, "\x00 odd"))
    for about in (topics[1], topics[2], topics[5]):
        with pytest.raises(ToolError, match="does not tell"):
            odd.get_system_status(about)


def test_this_machine() -> None:
    [tool] = System().tools
    assert (tool.name, tool.permission, tool.fate) == ("get_system_status", "read", "turn")
    assert "memory are free" in System().get_system_status()
    free, total = disk_space(Path("/"))
    assert 0 <= free <= total
