"""Which way keys are seen on this desktop, and why not another."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from dataclasses import dataclass

from voxspark.config_listening import HotkeySettings
from voxspark.devices.desktop import find_desktop
from voxspark.devices.hotkey.evdev import EvdevHotkey
from voxspark.devices.hotkey.portal import PortalHotkey, has_shortcuts
from voxspark.devices.hotkey.x11 import X11Hotkey
from voxspark.protocols import Hotkey
from voxspark.shortcuts import Shortcut, parse_shortcut


@dataclass(frozen=True, slots=True)
class Choice:
    """A way to see keys."""

    hotkey: Hotkey
    why: str
    not_taken: tuple[str, ...] = ()
    """The other ways, each with the reason in a sentence."""


def shortcuts_of(settings: HotkeySettings) -> dict[str, Shortcut]:
    """Action to the key that is set for it; empty where the hotkey is off."""
    keys = {"talk": settings.key, "mute": settings.mute_key}
    return {} if settings.engine == "none" else {action: parse_shortcut(key) for action, key in keys.items() if key}


async def choose(
    settings: HotkeySettings, *, environment: MutableMapping[str, str] = os.environ, bus_address: str | None = None
) -> Choice:
    """The engine of the settings, or for `auto` what suits the desktop that the environment names, or the user's
    service manager.

    `bus_address` is D-Bus's, None for the session's.
    """
    await find_desktop(environment, bus_address)
    shortcuts, display = shortcuts_of(settings), environment.get("DISPLAY", "")
    x11, evdev = X11Hotkey(shortcuts, display), EvdevHotkey(shortcuts)
    portal = PortalHotkey(shortcuts, bus_address)
    ways: dict[str, Hotkey] = {"x11": x11, "evdev": evdev, "portal": portal}
    if settings.engine in ways:
        return Choice(ways[settings.engine], "The configuration says so.")
    if environment.get("WAYLAND_DISPLAY") or environment.get("XDG_SESSION_TYPE") == "wayland":
        no_x11 = "x11: under Wayland it sees only keys that go to old windows."
        if (why_not := await has_shortcuts(bus_address)) is None:
            no_evdev = "evdev: it would read every keyboard, and the desktop needs no such right."
            return Choice(portal, "The desktop's portal has GlobalShortcuts.", (no_x11, no_evdev))
        return Choice(evdev, "This is Wayland, without such a portal.", (no_x11, f"portal: {why_not.message}"))
    if display:
        others = ("portal: X11 needs to ask nobody.", "evdev: X11 needs no right to read every keyboard.")
        return Choice(x11, f"This is X11, the display {display}.", others)
    others = ("x11: DISPLAY is not set.", "portal: WAYLAND_DISPLAY is not set.")
    return Choice(evdev, "There is no desktop in the environment.", others)
