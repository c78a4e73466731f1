"""Notifications on the desktop (specifications.freedesktop.org/notification) over the session's D-Bus."""

from __future__ import annotations

import logging

import anyio

from voxspark.errors import ToolError
from voxspark.tools.desktop.session_bus import session_bus

log = logging.getLogger(__name__)

SERVICE, PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
SHOW_SECONDS = 3.0
CRITICAL = 2
"""Urgency of what stays until somebody has seen it."""
NEVER_EXPIRES = 0


class Notifications:
    """Shows sentences; `bus_address` is D-Bus's, None for the session's."""

    def __init__(self, bus_address: str | None = None) -> None:
        self._bus_address = bus_address

    async def show(self, text: str) -> None:
        """Show a sentence until it is dismissed. Where there is no desktop, or nobody who shows it, nothing happens."""
        try:
            with anyio.fail_after(SHOW_SECONDS):
                await self._show(text)
        except (ToolError, TimeoutError, OSError, EOFError) as error:
            log.debug("no notification: %r", error)

    async def _show(self, text: str) -> None:
        async with session_bus(self._bus_address) as bus:
            from dbus_fast import Message, MessageType, Variant

            hints = {"urgency": Variant("y", CRITICAL)}
            message = Message(
                destination=SERVICE,
                path=PATH,
                interface=SERVICE,
                member="Notify",
                signature="susssasa{sv}i",
                body=["VoxSpark", 0, "alarm-symbolic", text, "", [], hints, NEVER_EXPIRES],
            )
            reply = await bus.call(message)
            if reply is not None and reply.message_type is MessageType.ERROR:
                log.debug("no notification: %s", reply.error_name)
