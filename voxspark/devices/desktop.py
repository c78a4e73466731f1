"""The desktop of a daemon that runs since before it: a service of the user starts at boot, and sees none yet."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from contextlib import suppress

from voxspark.devices.portal import open_portal
from voxspark.errors import DeviceError

MANAGER = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")

VARIABLES = frozenset({"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE"})
"""What desktops tell the user's service manager when they start (`systemctl --user import-environment`)."""


async def find_desktop(environment: MutableMapping[str, str] = os.environ, bus_address: str | None = None) -> None:
    """Take over what the manager knows, where the environment names no desktop or is the one it gave at the start.

    Libraries and programs see it from then on. `bus_address` is D-Bus's, None for the session's.
    """
    is_service = environment.get("SYSTEMD_EXEC_PID") == str(os.getpid())
    if not is_service and (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        return
    with suppress(DeviceError):
        async with open_portal(bus_address) as bus:
            known = dict(entry.split("=", 1) for entry in await bus.read(*MANAGER, "Environment"))
        environment.update({name: value for name, value in known.items() if name in VARIABLES})
