"""Keys by the desktop's portal (org.freedesktop.portal.GlobalShortcuts): GNOME from 48 on, KDE, Hyprland.

The desktop asks the user once, who may choose other keys there; those count then.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from voxspark.devices.hotkey.identity import introduce
from voxspark.devices.portal import CANCELLED, DONE, Portal, open_portal
from voxspark.errors import DeviceError
from voxspark.shortcuts import Shortcut
from voxspark.types import KeyPressed, KeyReleased, KeyStroke

log = logging.getLogger(__name__)

SHORTCUTS = "org.freedesktop.portal.GlobalShortcuts"
SESSION = "org.freedesktop.portal.Session"

DESCRIPTIONS = {"talk": "Talk to VoxSpark", "mute": "Mute VoxSpark's microphone"}
"""As the desktop's settings show them."""


async def has_shortcuts(bus_address: str | None = None) -> DeviceError | None:
    """Why the portal of that bus (None: the session's) gives no shortcuts, or None where it does."""
    try:
        async with open_portal(bus_address) as portal:
            await portal.version(SHORTCUTS)
    except DeviceError as error:
        return error
    return None


class PortalHotkey:
    """Shortcuts of the desktop. `bus_address` is D-Bus's, None for the session's."""

    way = "portal"

    def __init__(self, shortcuts: Mapping[str, Shortcut], bus_address: str | None = None) -> None:
        self._shortcuts = shortcuts
        self._bus_address = bus_address

    @asynccontextmanager
    async def watch(self) -> AsyncGenerator[AsyncIterator[KeyStroke], None]:
        """Their presses and releases. Raises DeviceError, `hotkey-refused` where the user does not allow them."""
        async with open_portal(self._bus_address) as portal:
            await introduce(portal)
            await portal.version(SHORTCUTS)
            signals = await portal.signals(SHORTCUTS, SESSION)
            session = await self._session(portal)
            yield self._strokes(signals, session)

    async def _session(self, portal: Portal) -> str:
        """The path of one in which every shortcut is bound to a key."""
        from dbus_fast import Variant

        token = Variant("s", f"voxspark_{secrets.token_hex(8)}")
        made = await _granted(portal, "CreateSession", "a{sv}", [], {"session_handle_token": token})
        session = str(made.get("session_handle"))
        wanted = [
            [
                action,
                {
                    "description": Variant("s", DESCRIPTIONS[action]),
                    "preferred_trigger": Variant("s", shortcut.trigger),
                },
            ]
            for action, shortcut in self._shortcuts.items()
        ]
        bound = await _granted(portal, "BindShortcuts", "oa(sa{sv})sa{sv}", [session, wanted, ""], {})
        if "shortcuts" not in bound:
            bound = await _granted(portal, "ListShortcuts", "oa{sv}", [session], {})
        given = {action: about.get("trigger_description") for action, about in bound.get("shortcuts") or ()}
        if missing := self._shortcuts.keys() - given.keys():
            raise _refused(", ".join(str(self._shortcuts[each]) for each in sorted(missing)))
        for action, trigger in given.items():
            if trigger is not None and not trigger.value:
                log.warning("The desktop has put no key on “%s”: choose one in its settings.", DESCRIPTIONS.get(action))
        return session

    async def _strokes(
        self, signals: AsyncIterator[tuple[str, list[Any]]], session: str
    ) -> AsyncGenerator[KeyStroke, None]:
        held: set[str] = set()
        async for member, body in signals:
            match member, body:
                case "Activated", [path, action, *_] if path == session and action in self._shortcuts:
                    if action not in held:
                        held.add(action)
                        yield KeyPressed(action)
                case "Deactivated", [path, action, *_] if path == session and action in held:
                    held.discard(action)
                    yield KeyReleased(action)
                case "Closed", _:
                    raise DeviceError("hotkey-session-closed", "The desktop has taken the hotkey back.")


async def _granted(
    portal: Portal, member: str, signature: str, arguments: list[Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    response, results = await portal.request(SHORTCUTS, member, signature, arguments, options)
    if response == CANCELLED:
        raise _refused("a hotkey")
    if response != DONE:
        raise DeviceError("hotkey-portal", "The desktop gives no hotkey.", "Choose another key in hotkey.key.")
    return results


def _refused(keys: str) -> DeviceError:
    remedy = "Allow it in the desktop's settings (keyboard, or applications), and start VoxSpark again."
    return DeviceError("hotkey-refused", f"The desktop did not allow me {keys}.", remedy)
