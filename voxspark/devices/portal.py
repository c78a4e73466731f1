"""A screenshot by xdg-desktop-portal (org.freedesktop.portal.Screenshot, version 2): GNOME, KDE and others.

The desktop asks the user, at least the first time.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import unquote, urlsplit

import anyio
from anyio import Path

from voxspark.devices.pictures import MOST_SCREEN_BYTES
from voxspark.errors import DeviceError

PORTAL = "org.freedesktop.portal.Desktop"
PATH = "/org/freedesktop/portal/desktop"
REQUEST = "org.freedesktop.portal.Request"

CALL_SECONDS = 3.0
"""For the portal to take the request: D-Bus may have to start it."""

ANSWER_SECONDS = 30.0
"""For the user to allow it."""

DONE, CANCELLED = 0, 1
"""The first value of the signal Response."""

REMEDY = "Install xdg-desktop-portal with the backend of your desktop."


async def screenshot(bus_address: str | None = None) -> bytes:
    """An encoded picture of the screen; the portal's file is deleted. Raises DeviceError, `screen-refused` where the
    user did not allow it."""
    async with _connected(bus_address) as bus:
        response, results = await _asked(bus)
    if response == CANCELLED:
        raise DeviceError("screen-refused", "I was not allowed to see the screen.", "Allow it when the desktop asks.")
    uri = getattr(results.get("uri"), "value", "")
    parts = urlsplit(uri if isinstance(uri, str) else "")
    if response != DONE or parts.scheme != "file":
        raise DeviceError("screen-portal", "The desktop gives no screenshot.", REMEDY)
    return await _taken(Path(unquote(parts.path)))


@asynccontextmanager
async def _connected(bus_address: str | None) -> AsyncIterator[Any]:
    try:
        from dbus_fast import AuthError, InvalidAddressError
        from dbus_fast.aio import MessageBus
    except ImportError as error:
        remedy = "Install voxspark[eyes]."
        raise DeviceError("screen-missing", "Screenshots are not installed.", remedy) from error
    try:
        with anyio.fail_after(CALL_SECONDS):
            bus = await MessageBus(bus_address=bus_address).connect()
    except (TimeoutError, OSError, EOFError, AuthError, InvalidAddressError) as error:
        remedy = "Run VoxSpark inside the desktop session."
        raise DeviceError("screen-no-session", "I can't reach the desktop session.", remedy) from error
    try:
        yield bus
    finally:
        bus.disconnect()


async def _asked(bus: Any) -> tuple[int, dict[str, Any]]:
    """The portal's answer. Its path is known beforehand, so that no answer comes before we listen."""
    from dbus_fast import Message, MessageType, Variant

    token = f"voxspark_{secrets.token_hex(8)}"
    paths = {f"{PATH}/request/{bus.unique_name.removeprefix(':').replace('.', '_')}/{token}"}
    answers: dict[str, list[Any]] = {}
    news = anyio.Event()

    def on_message(message: Message) -> None:
        if message.message_type is MessageType.SIGNAL and (message.interface, message.member) == (REQUEST, "Response"):
            answers[str(message.path)] = list(message.body)
            news.set()

    bus.add_message_handler(on_message)
    rule = f"type='signal',sender='{PORTAL}',interface='{REQUEST}',member='Response'"
    await _call(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", "s", [rule])
    options = {"handle_token": Variant("s", token), "interactive": Variant("b", False), "modal": Variant("b", True)}
    interface = "org.freedesktop.portal.Screenshot"
    paths.update(await _call(bus, PORTAL, PATH, interface, "Screenshot", "sa{sv}", ["", options]))
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            while not (ours := paths & answers.keys()):
                await news.wait()
                news = anyio.Event()
    except TimeoutError as error:
        raise DeviceError(
            "screen-refused", "Nobody allowed me to see the screen.", "Allow it when the desktop asks."
        ) from error
    response, results = answers[ours.pop()]
    return response, results


async def _call(
    bus: Any, destination: str, path: str, interface: str, member: str, signature: str, body: list[Any]
) -> list[Any]:
    from dbus_fast import Message, MessageType

    message = Message(
        destination=destination, path=path, interface=interface, member=member, signature=signature, body=body
    )
    try:
        with anyio.fail_after(CALL_SECONDS):
            reply = await bus.call(message)
    except (TimeoutError, EOFError, OSError) as error:
        raise DeviceError("screen-portal", "The desktop does not answer.", REMEDY) from error
    if reply is None or reply.message_type is MessageType.ERROR:
        raise DeviceError("screen-portal", "The desktop offers no screenshots.", REMEDY)
    return list(reply.body)


async def _taken(file: Path) -> bytes:
    """What the file holds; it is gone then, as nobody else asked for it."""
    try:
        if (await file.stat()).st_size > MOST_SCREEN_BYTES:
            raise DeviceError("picture-too-large", "The screenshot is too large.")
        return await file.read_bytes()
    except (OSError, ValueError) as error:  # a null byte
        raise DeviceError("screen-portal", "The desktop's screenshot cannot be read.", REMEDY) from error
    finally:
        with suppress(OSError, ValueError):
            await file.unlink()
