"""Types into the focused window: XTEST on X11, `wtype` on wlroots, xdg-desktop-portal everywhere else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Literal

import anyio

from voxspark.devices import x_typist
from voxspark.devices.portal_keyboard import PortalKeyboard
from voxspark.errors import DeviceError

Way = Literal["x11", "wtype", "portal"]

TYPE_SECONDS = 40.0
"""For 1,000 characters, of which 100 a second are typed on X11."""

FINAL = ("keyboard-refused", "keyboard-hangs")
"""After these no other way is tried: the user does not want it, or a part of the text is there already."""


class Keyboard:
    """Types what it is given.

    `way` is one of them or `auto`; `environment` says which desktop it is; `bus_address` is D-Bus's, None for the
    session's; `which` finds programs.
    """

    def __init__(
        self,
        way: Way | Literal["auto"] = "auto",
        *,
        environment: Mapping[str, str] = os.environ,
        bus_address: str | None = None,
        which: Callable[[str], str | None] = shutil.which,
    ) -> None:
        self._way = way
        self._environment = environment
        self._which = which
        self._portal = PortalKeyboard(bus_address)

    async def type(self, text: str) -> None:
        """The characters of the text, which are no control characters. Raises DeviceError."""
        ways: dict[Way, Callable[[str], Awaitable[None]]] = {
            "x11": self._x11,
            "wtype": self._wtype,
            "portal": self._portal.type,
        }
        failures: list[DeviceError] = []
        for way in self._candidates():
            try:
                with anyio.fail_after(TYPE_SECONDS):
                    return await ways[way](text)
            except DeviceError as error:
                if error.code in FINAL:
                    raise
                failures.append(error)
            except TimeoutError as error:
                raise DeviceError("keyboard-hangs", "Typing took too long, so I stopped it.") from error
        if self._way != "auto":
            raise failures[0]
        remedy = "I tried: " + " ".join(str(each) for each in failures)
        raise DeviceError("keyboard-unavailable", "I can't type on this desktop.", remedy) from failures[-1]

    def _candidates(self) -> Iterator[Way]:
        """Those first that need no answer from the user. Under Wayland the X server reaches only old windows."""
        if self._way != "auto":
            yield self._way
            return
        if self._environment.get("WAYLAND_DISPLAY"):
            if self._which("wtype"):
                yield "wtype"
        elif self._environment.get("DISPLAY"):
            yield "x11"
        yield "portal"

    async def _x11(self, text: str) -> None:
        await self._run([sys.executable, "-m", x_typist.__name__], text, "The X server")

    async def _wtype(self, text: str) -> None:
        if (program := self._which("wtype")) is None:
            raise DeviceError("keyboard-missing", "The program wtype is missing.", "Install the package wtype.")
        await self._run([program, "-"], text, "Wtype")

    async def _run(self, command: list[str], text: str, who: str) -> None:
        """Both read the text from their input; wtype in the encoding of its locale."""
        try:
            with os.fdopen(os.memfd_create("text"), "w+b") as file:
                file.write(text.encode("utf-8", "replace"))
                file.seek(0)
                done = await anyio.run_process(
                    command,
                    stdin=file,
                    check=False,
                    stdout=subprocess.DEVNULL,
                    env={**self._environment, "LC_ALL": "C.UTF-8"},
                )
        except OSError as error:
            raise DeviceError("keyboard-failed", f"{who} types nothing.", str(error)) from error
        if done.returncode:
            why = done.stderr.decode("utf-8", "replace").strip()[-200:]
            raise DeviceError("keyboard-failed", f"{who} types nothing.", why)
