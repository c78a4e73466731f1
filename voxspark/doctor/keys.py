"""The hotkey: whether its key would be seen, and by what."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import anyio.to_thread

from voxspark.config_listening import HotkeySettings
from voxspark.devices.hotkey.evdev import FOLDER, Ioctl, Kernel, Keyboards
from voxspark.devices.hotkey.portal import has_shortcuts
from voxspark.devices.hotkey.ways import choose, shortcuts_of
from voxspark.devices.hotkey.xcb import Server
from voxspark.doctor.check import Check, Finding
from voxspark.doctor.running import HANGS, Daemon
from voxspark.errors import ControlError, DeviceError

TEST = "See: voxspark hotkey test"


def hotkey_check(
    settings: HotkeySettings, daemon: Daemon, folder: Path = FOLDER, kernel: Kernel | None = None
) -> Check:
    """Takes no key and asks nobody. `folder` and `kernel`: the input devices."""

    async def look() -> Finding:
        if not shortcuts_of(settings):
            return Finding("ok", "off: the configuration sets no key")
        try:
            status = await daemon.status()
        except ControlError:
            return HANGS
        if status is not None:
            return await _told(status["hotkey"])
        choice = await choose(settings)
        keys = " and ".join(filter(None, (settings.key, settings.mute_key)))
        told = " Not ".join([f"{keys}, by {choice.hotkey.way}: {choice.why}", *choice.not_taken])
        try:
            await _reach(choice.hotkey.way)
        except DeviceError as error:
            return Finding("problem", f"{told} {error.message}", error.remedy)
        return Finding("ok", told)

    async def _reach(way: str) -> None:
        """Raises DeviceError where no key could be seen."""
        if way == "evdev":
            await anyio.to_thread.run_sync(_look_at_keyboards)
        elif way == "x11":
            server = await anyio.to_thread.run_sync(partial(Server, os.environ.get("DISPLAY", "")))
            server.close()
        elif way == "portal" and (error := await has_shortcuts()) is not None:
            raise error

    def _look_at_keyboards() -> None:
        keyboards = Keyboards(shortcuts_of(settings), folder, kernel or Ioctl())
        try:
            keyboards.scan()
            keyboards.check()
        finally:
            keyboards.close()

    async def _told(state: dict[str, str]) -> Finding:
        """What the daemon says of it."""
        told = f"{state['key'] or settings.mute_key}, by {state['engine']}: {state['state']}"
        if not state["state"].startswith("lost"):
            return Finding("ok", told)
        try:
            await _reach(state["engine"])
        except DeviceError as error:
            return Finding("problem", told, error.remedy)
        return Finding("problem", told, TEST)

    return Check("hotkey", look)
