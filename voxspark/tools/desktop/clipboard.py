"""The clipboard, with wl-copy and wl-paste on Wayland and xclip on X11."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated

import anyio

from voxspark.errors import ToolError
from voxspark.tools.clean import clean
from voxspark.tools.registry import Tool, tool, tools_of

MOST_CHARACTERS = 2_000
MOST_READ_BYTES = 16_000
MOST_COPIED_CHARACTERS = 100_000
PROGRAM_SECONDS = 3.0

UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Steers a terminal, or turns text around; what is pasted must be what is seen."""

Command = tuple[str, ...]

WAYLAND: tuple[Command, Command] = (("wl-paste", "--no-newline", "--type", "text"), ("wl-copy",))
X11: tuple[Command, Command] = (
    ("xclip", "-selection", "clipboard", "-out"),
    ("xclip", "-selection", "clipboard", "-in"),
)


class Clipboard:
    """Reads and sets the clipboard; `environment` says which desktop it is, `which` finds programs."""

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        which: Callable[[str], str | None] = shutil.which,
    ) -> None:
        self._environment = environment
        self._which = which

    @property
    def tools(self) -> tuple[Tool, ...]:
        """copy_text, read_clipboard."""
        return tools_of(self)

    @tool(permission="read", fate="turn", untrusted=True)
    async def read_clipboard(self) -> str:
        """Read the text that the user has copied."""
        paste, _ = self._programs()
        try:
            with anyio.fail_after(PROGRAM_SECONDS):
                raw = await _output(paste)
        except (TimeoutError, OSError) as error:
            raise _failed() from error
        return clean(raw.decode("utf-8", "replace"), MOST_CHARACTERS) or "The clipboard has no text."

    @tool(permission="act", fate="owner")
    async def copy_text(self, text: Annotated[str, "What the user can paste afterwards."]) -> str:
        """Put text into the clipboard.

        It does not end in a new line: a terminal would run it as soon as it is pasted.
        """
        text = UNSEEN.sub("", text.replace("\r\n", "\n")).rstrip("\n")
        if not text or len(text) > MOST_COPIED_CHARACTERS:
            raise ToolError(
                "clipboard-bounds", "There is nothing to copy." if not text else "That is too long to copy."
            )
        _, copy = self._programs()
        # The program stays behind to serve the text, so nobody may wait for its output to end.
        try:
            with anyio.fail_after(PROGRAM_SECONDS):
                done = await anyio.run_process(
                    copy,
                    input=text.encode("utf-8", "replace"),
                    check=False,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
        except (TimeoutError, OSError) as error:
            raise _failed() from error
        if done.returncode:
            raise _failed()
        lines = text.count("\n") + 1
        return "Copied." if lines == 1 else f"Copied {lines} lines."

    def _programs(self) -> tuple[list[str], list[str]]:
        """(command that pastes, command that copies). Raises ToolError."""
        if self._environment.get("WAYLAND_DISPLAY"):
            commands, package = WAYLAND, "wl-clipboard"
        elif self._environment.get("DISPLAY"):
            commands, package = X11, "xclip"
        else:
            remedy = "Run VoxSpark inside the desktop session."
            raise ToolError("clipboard-no-desktop", "There is no desktop here, so there is no clipboard.", remedy)
        paths = [self._which(command[0]) for command in commands]
        if None in paths:
            raise ToolError("clipboard-missing", "The clipboard program is missing.", f"Install the package {package}.")
        paste, copy = ([str(path), *command[1:]] for path, command in zip(paths, commands, strict=True))
        return paste, copy


async def _output(command: list[str]) -> bytes:
    """The first bytes that a program writes; it is ended then."""
    raw = b""
    async with await anyio.open_process(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        with suppress(anyio.EndOfStream):
            while len(raw) < MOST_READ_BYTES:
                raw += await process.stdout.receive()
        if len(raw) >= MOST_READ_BYTES:
            process.kill()
    return raw[:MOST_READ_BYTES]


def _failed() -> ToolError:
    return ToolError("clipboard-failed", "I can't use the clipboard right now.")
