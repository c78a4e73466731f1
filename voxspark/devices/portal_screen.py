"""A screenshot by the desktop's portal (org.freedesktop.portal.Screenshot, version 2).

The desktop asks the user, at least the first time.
"""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import unquote, urlsplit

from anyio import Path

from voxspark.devices.pictures import MOST_SCREEN_BYTES
from voxspark.devices.portal import CANCELLED, DONE, REMEDY, open_portal
from voxspark.errors import DeviceError

SCREENSHOT = "org.freedesktop.portal.Screenshot"


async def screenshot(bus_address: str | None = None) -> bytes:
    """An encoded picture of the screen; the portal's file is deleted. Raises DeviceError, `screen-refused` where the
    user did not allow it."""
    async with open_portal(bus_address) as portal:
        from dbus_fast import Variant

        options = {"interactive": Variant("b", False), "modal": Variant("b", True)}
        response, results = await portal.request(SCREENSHOT, "Screenshot", "sa{sv}", [""], options)
    if response == CANCELLED:
        raise DeviceError("screen-refused", "I was not allowed to see the screen.", "Allow it when the desktop asks.")
    uri = results.get("uri")
    parts = urlsplit(uri if isinstance(uri, str) else "")
    if response != DONE or parts.scheme != "file":
        raise DeviceError("screen-portal", "The desktop gives no screenshot.", REMEDY)
    return await _taken(Path(unquote(parts.path)))


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
