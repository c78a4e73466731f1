"""Typing by the desktop's portal (org.freedesktop.portal.RemoteDesktop, version 1 and later).

The desktop asks the user; from version 2 on only once, as long as the daemon runs.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import anyio

from voxspark.devices.keysyms import keysym
from voxspark.devices.portal import CANCELLED, DONE, REMEDY, Portal, open_portal
from voxspark.errors import DeviceError

REMOTE_DESKTOP = "org.freedesktop.portal.RemoteDesktop"

KEYBOARD = 1
"""The bit of a keyboard among the types of devices."""

UNTIL_THE_END = 1
"""`persist_mode`: as long as this program runs."""

RELEASED, PRESSED = 0, 1


class PortalKeyboard:
    """A keyboard that the desktop lends. `bus_address` is D-Bus's, None for the session's."""

    def __init__(self, bus_address: str | None = None) -> None:
        self._bus_address = bus_address
        self._restore_token = ""

    async def type(self, text: str) -> None:
        """Into the focused window. Raises DeviceError, `keyboard-refused` where the user did not allow it."""
        async with open_portal(self._bus_address) as portal:
            session = await self._session(portal)
            for character in text:
                await _strike(portal, session, keysym(character))

    async def _session(self, portal: Portal) -> str:
        """The path of one that may type."""
        from dbus_fast import Variant

        token = Variant("s", f"voxspark_{secrets.token_hex(8)}")
        made = await _granted(portal, "CreateSession", "a{sv}", [], {"session_handle_token": token})
        session = str(made.get("session_handle"))
        wanted = {"types": Variant("u", KEYBOARD), "persist_mode": Variant("u", UNTIL_THE_END)}
        if self._restore_token:
            wanted["restore_token"] = Variant("s", self._restore_token)
        await _granted(portal, "SelectDevices", "oa{sv}", [session], wanted)
        started = await _granted(portal, "Start", "osa{sv}", [session, ""], {})
        self._restore_token = str(started.get("restore_token") or "")
        devices = started.get("devices")
        if not isinstance(devices, int) or not devices & KEYBOARD:
            raise _refused()
        return session


async def _granted(
    portal: Portal, member: str, signature: str, arguments: list[object], options: Mapping[str, object]
) -> dict[str, object]:
    response, results = await portal.request(REMOTE_DESKTOP, member, signature, arguments, options)
    if response == CANCELLED:
        raise _refused()
    if response != DONE:
        raise DeviceError("keyboard-portal", "The desktop lets nobody type.", REMEDY)
    return results


async def _strike(portal: Portal, session: str, symbol: int) -> None:
    with anyio.CancelScope(shield=True):  # or a key would stay down
        for state in (PRESSED, RELEASED):
            await portal.call(REMOTE_DESKTOP, "NotifyKeyboardKeysym", "oa{sv}iu", [session, {}, symbol, state])


def _refused() -> DeviceError:
    return DeviceError("keyboard-refused", "I was not allowed to type.", "Allow it when the desktop asks.")
