"""One frame of a camera, by FFmpeg from Video4Linux: OpenCV would be a hundred times its weight."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
from anyio import Path as AsyncPath

from voxspark.devices.pictures import LONGEST_SIDE, fit
from voxspark.errors import DeviceError

CAPTURE_SECONDS = 10.0
"""A camera takes up to 3 s to start; one that hangs must not hang us."""

SETTLE_SECONDS = 0.5
"""Skipped at the beginning, while the camera finds its exposure."""

WANTED_SIZE = "1280x720"
"""The driver takes the nearest that it has."""

REASONS = (
    (r"busy", "camera-busy", "The camera is in use.", "Close the program that uses it."),
    (r"permission denied", "camera-forbidden", "I may not use the camera.", "Add your user to the group video."),
    (r"no such (?:file|device)", "camera-none", "There is no camera.", "Connect one, or name it in the configuration."),
)
"""What FFmpeg writes, and what it means."""


class Camera:
    """A camera that is open only while it takes one picture.

    `device` is its file, `auto` the first there is. `on_capture` makes a sound each time before it opens: nobody
    is photographed silently. `folder` is where devices are, `which` finds programs.
    """

    def __init__(
        self,
        on_capture: Callable[[], Awaitable[object]],
        device: str = "auto",
        *,
        longest_side: int = LONGEST_SIDE,
        folder: Path = Path("/dev"),
        which: Callable[[str], str | None] = shutil.which,
    ) -> None:
        self._on_capture = on_capture
        self._device = device
        self._longest_side = longest_side
        self._folder = folder
        self._which = which

    async def look(self) -> bytes:
        """One picture, ready for a model. Raises DeviceError."""
        if (ffmpeg := self._which("ffmpeg")) is None:
            raise DeviceError("camera-no-ffmpeg", "I need FFmpeg to use the camera.", "Install ffmpeg.")
        device = await self._find()
        await self._on_capture()
        return await fit(await _frame(ffmpeg, device), self._longest_side)

    async def _find(self) -> str:
        if self._device != "auto":
            return self._device
        found = [path async for path in AsyncPath(self._folder).glob("video*") if path.name[5:].isdecimal()]
        if not found:
            raise _meaning("no such device")
        return str(min(found, key=lambda path: int(path.name[5:])))


async def _frame(ffmpeg: str, device: str) -> bytes:
    """An encoded picture. Raises DeviceError."""
    source = ["-f", "v4l2", "-video_size", WANTED_SIZE, "-i", device]
    one = ["-ss", str(SETTLE_SECONDS), "-frames:v", "1", "-f", "image2pipe", "-c:v", "mjpeg", "-q:v", "3", "-"]
    try:
        with anyio.fail_after(CAPTURE_SECONDS):
            done = await anyio.run_process(
                [ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error", *source, *one],
                check=False,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "LC_ALL": "C"},
            )
    except TimeoutError as error:
        raise DeviceError("camera-slow", "The camera does not answer.", "Unplug it, and plug it in again.") from error
    except OSError as error:
        raise _meaning(str(error)) from error
    if done.returncode or not done.stdout:
        raise _meaning(done.stderr.decode("utf-8", "replace"))
    return done.stdout


def _meaning(written: str) -> DeviceError:
    """What a failure comes to, for a person."""
    for pattern, code, message, remedy in REASONS:
        if re.search(pattern, written, re.IGNORECASE):
            return DeviceError(code, message, remedy)
    last = written.strip().splitlines()[-1:] or ["It says nothing."]
    return DeviceError("camera-failed", "The camera gives no picture.", f"FFmpeg: {last[0][:200]}")
