"""The session's D-Bus, on which the programs of a desktop find each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from voxspark.errors import ToolError


@asynccontextmanager
async def session_bus(address: str | None = None) -> AsyncIterator[Any]:
    """A connection to the bus, None for the session's. Raises ToolError when there is none."""
    try:
        from dbus_fast import AuthError, InvalidAddressError
        from dbus_fast.aio import MessageBus
    except ImportError as error:
        remedy = "Install voxspark[desktop]."
        raise ToolError("desktop-missing", "Control of the desktop is not installed.", remedy) from error
    try:
        bus = await MessageBus(bus_address=address).connect()
    except (OSError, EOFError, AuthError, InvalidAddressError) as error:
        remedy = "Run VoxSpark inside the desktop session."
        raise ToolError("desktop-no-session", "I can't reach the desktop session.", remedy) from error
    try:
        yield bus
    finally:
        bus.disconnect()
