"""What a service tells the manager that started it (sd_notify(3)): datagrams to `$NOTIFY_SOCKET`."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping
from contextlib import suppress

MICROSECONDS = 1_000_000

SEND_SECONDS = 0.5
"""A manager that is so far behind hears the next message."""


class Notifier:
    """The way to the manager. Without one every call does nothing; none raises, or waits for long."""

    def __init__(self, address: str = "", watchdog_seconds: float = 0.0) -> None:
        """`address`: a path, or a name in the abstract namespace behind an `@`."""
        self.watchdog_seconds = watchdog_seconds
        """The manager ends a service that is not `alive` for so long; 0 where it does not watch."""
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._status = ""

    def ready(self) -> None:
        """Everything is loaded and works; also the end of `reloading`."""
        self._send("READY=1")

    def reloading(self) -> None:
        """The configuration is being read again."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """Going down."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """The watchdog may wait again."""
        self._send("WATCHDOG=1")

    def extend(self, seconds: float) -> None:
        """Starting takes so much longer from now on."""
        self._send(f"EXTEND_TIMEOUT_USEC={round(seconds * MICROSECONDS)}")

    def status(self, text: str) -> None:
        """One line for `systemctl status`; only changes are sent."""
        if text != self._status:
            self._status = text
            self._send(f"STATUS={' '.join(text.split())}")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.settimeout(SEND_SECONDS)
            channel.sendto("\n".join(lines).encode(errors="replace"), self._address)


def take_notifier(environ: MutableMapping[str, str] = os.environ) -> Notifier:
    """The notifier that the environment offers; taken out of it, because it is not for the programs we start."""
    address = environ.pop("NOTIFY_SOCKET", "")
    microseconds, process = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
    watched = microseconds.isdecimal() and process in ("", str(os.getpid()))
    return Notifier(address, int(microseconds) / MICROSECONDS if watched else 0.0)
