"""Who VoxSpark is for the desktop: portals give shortcuts only to programs that have a desktop entry.

xdg-desktop-portal from 1.21 on demands it, GNOME 50 also a name in reverse-DNS form.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from voxspark.devices.portal import Portal
from voxspark.errors import DeviceError
from voxspark.files import xdg_directory

APP_ID = "org.voxspark.VoxSpark"
REGISTRY = "org.freedesktop.host.portal.Registry"
"""Of xdg-desktop-portal from 1.20 on, for programs outside a sandbox."""

ENTRY = """[Desktop Entry]
Type=Application
Name=VoxSpark
Comment=Voice assistant
Icon=audio-input-microphone
Exec="{python}" -m voxspark run
NoDisplay=true
"""


async def introduce(portal: Portal) -> None:
    """Say who we are, before anything else on this connection. Older portals find out by themselves."""
    with suppress(OSError):
        keep_entry()
    with suppress(DeviceError):
        await portal.call(REGISTRY, "Register", "sa{sv}", [APP_ID, {}])


def keep_entry() -> None:
    """The desktop entry, written where nobody has installed one. Raises OSError."""
    home = xdg_directory("XDG_DATA_HOME", Path.home() / ".local" / "share")
    others = (os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")
    places = [folder / "applications" / f"{APP_ID}.desktop" for folder in (home, *map(Path, others))]
    if not any(place.exists() for place in places):
        places[0].parent.mkdir(parents=True, exist_ok=True)
        quoted = sys.executable.translate({ord(each): f"\\\\{each}" for each in '"`$\\'}).replace("%", "%%")
        places[0].write_text(ENTRY.format(python=quoted))
