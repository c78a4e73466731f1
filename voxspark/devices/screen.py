"""One picture of the screen: `grim` on wlroots, the X server itself on X11, xdg-desktop-portal everywhere else."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Literal

import anyio
import anyio.to_thread

from voxspark.devices.pictures import LONGEST_SIDE, MOST_SCREEN_BYTES, fit
from voxspark.devices.portal_screen import screenshot
from voxspark.errors import DeviceError

Way = Literal["grim", "x11", "portal"]

CAPTURE_SECONDS = 5.0
"""For grim and the X server, which take a tenth of a second."""


class Screen:
    """Takes screenshots.

    `way` is one of them or `auto`; `environment` says which desktop it is; `bus_address` is D-Bus's, None for the
    session's; `which` finds programs.
    """

    def __init__(
        self,
        way: Way | Literal["auto"] = "auto",
        *,
        longest_side: int = LONGEST_SIDE,
        environment: Mapping[str, str] = os.environ,
        bus_address: str | None = None,
        which: Callable[[str], str | None] = shutil.which,
    ) -> None:
        self._way = way
        self._longest_side = longest_side
        self._environment = environment
        self._bus_address = bus_address
        self._which = which

    async def look(self) -> bytes:
        """All monitors as one picture, ready for a model. Raises DeviceError."""
        return await fit(await self.capture(), self._longest_side, MOST_SCREEN_BYTES)

    async def capture(self) -> bytes:
        """All monitors as one PNG file, full size. Raises DeviceError."""
        ways: dict[Way, Callable[[], Awaitable[bytes]]] = {
            "grim": self._grim,
            "x11": self._x11,
            "portal": lambda: screenshot(self._bus_address),
        }
        failures: list[DeviceError] = []
        for way in self._candidates():
            try:
                return await ways[way]()
            except DeviceError as error:
                if error.code == "screen-refused":
                    raise
                failures.append(error)
        if self._way != "auto":
            raise failures[0]
        remedy = "I tried: " + " ".join(str(each) for each in failures)
        raise DeviceError("screen-unavailable", "I cannot see the screen.", remedy) from failures[-1]

    def _candidates(self) -> Iterator[Way]:
        """Those first that need no answer from the user. Under Wayland the X server shows black."""
        if self._way != "auto":
            yield self._way
            return
        if self._environment.get("WAYLAND_DISPLAY"):
            if self._which("grim"):
                yield "grim"
        elif self._environment.get("DISPLAY"):
            yield "x11"
        yield "portal"

    async def _grim(self) -> bytes:
        try:
            with anyio.fail_after(CAPTURE_SECONDS):
                done = await anyio.run_process(
                    [self._which("grim") or "grim", "-t", "png", "-"],
                    check=False,
                    stdin=subprocess.DEVNULL,
                    env=dict(self._environment),
                )
        except (TimeoutError, OSError) as error:
            raise DeviceError("screen-grim", "Grim takes no screenshot.", "Is grim installed?") from error
        if done.returncode or not done.stdout:
            why = done.stderr.decode("utf-8", "replace").strip()[:200]
            raise DeviceError("screen-grim", "Grim takes no screenshot.", why)
        return done.stdout

    async def _x11(self) -> bytes:
        try:
            with anyio.fail_after(CAPTURE_SECONDS):
                return await anyio.to_thread.run_sync(
                    _grab, self._environment.get("DISPLAY", ""), abandon_on_cancel=True
                )
        except (TimeoutError, OSError) as error:
            remedy = "Run VoxSpark inside the desktop session."
            raise DeviceError("screen-x11", "The X server gives no screenshot.", remedy) from error


def _grab(display: str) -> bytes:
    """The root window as PNG. Blocks. Raises OSError, and DeviceError when Pillow is not installed."""
    try:
        from PIL import ImageGrab
    except ImportError as error:
        remedy = "Install voxspark[eyes]."
        raise DeviceError("pictures-missing", "Looking at pictures is not installed.", remedy) from error
    file = io.BytesIO()
    ImageGrab.grab(xdisplay=display).save(file, "PNG", compress_level=1)
    return file.getvalue()
