"""Cheap signs that sound devices came or went, and that the machine slept."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

SLEPT_SECONDS = 0.5
"""Sleep shorter than this is rounding between two clocks."""

Presence = tuple[tuple[str, int, int], ...]


def presence(cards: Path = Path("/dev/snd")) -> Presence:
    """Changes when a sound card comes or goes, or may be used by others now, or a sound server starts or ends.

    What a running server knows besides (Bluetooth, virtual devices) is not in it: its own device finds that. Takes
    some 50 µs, so that it may be asked often.
    """
    found = []
    for path in (*_nodes(cards), *_servers()):
        with suppress(OSError):
            status = path.stat()
            found.append((str(path), status.st_ino, status.st_ctime_ns))
    return tuple(found)


def _nodes(cards: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(cards.iterdir())
    return []


def _servers() -> Iterator[Path]:
    """Where PulseAudio and PipeWire listen."""
    if (server := os.environ.get("PULSE_SERVER", "").removeprefix("unix:")).startswith("/"):
        yield Path(server)
    if folder := os.environ.get("XDG_RUNTIME_DIR"):
        yield from (Path(folder, "pulse/native"), Path(folder, "pipewire-0"))
    yield Path("/run/pulse/native")


def sound_server() -> str:
    """The one that programs of this user are to talk to, `PipeWire` or `PulseAudio`; empty where there is none."""
    if os.environ.get("PULSE_SERVER"):
        return "PulseAudio"
    folder = os.environ.get("XDG_RUNTIME_DIR")
    if folder and Path(folder, "pipewire-0").exists():
        return "PipeWire"
    return "PulseAudio" if any(path.exists() for path in _servers()) else ""


class Slumber:
    """Notices that the machine slept: its clock since boot goes on meanwhile, the monotonic one does not."""

    def __init__(self) -> None:
        self._asleep = _asleep_seconds()

    def over(self) -> bool:
        """Whether it slept since this was last asked."""
        before, self._asleep = self._asleep, _asleep_seconds()
        return self._asleep - before > SLEPT_SECONDS


def _asleep_seconds() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
