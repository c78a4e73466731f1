"""Opens applications and web addresses on the user's desktop."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

import anyio
import anyio.to_thread

from voxspark.errors import ToolError
from voxspark.tools.clean import clean
from voxspark.tools.desktop.applications import folders, installed, matching
from voxspark.tools.folding import fold
from voxspark.tools.phrases import join
from voxspark.tools.registry import Tool, tool, tools_of

Launch = Callable[[Sequence[str]], Awaitable[None]]
"""Runs a command that opens something. Raises ToolError."""

LAUNCH_SECONDS = 8.0
LONGEST_ADDRESS = 2_000
MOST_CHOICES = 4


async def launch(command: Sequence[str]) -> None:
    """Run a command that returns once it has opened something. Raises ToolError."""
    program = shutil.which(command[0])
    if program is None:
        package = {"gio": "libglib2.0-bin", "xdg-open": "xdg-utils"}.get(command[0], command[0])
        raise ToolError("open-missing", "I can't open anything on this desktop.", f"Install the package {package}.")
    try:
        with anyio.fail_after(LAUNCH_SECONDS):
            done = await anyio.run_process(
                [program, *command[1:]], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
    except (TimeoutError, OSError) as error:
        raise ToolError("open-failed", "That did not open.") from error
    if done.returncode:
        raise ToolError("open-failed", "That did not open.", f"{command[0]} ended with {done.returncode}.")


class Opener:
    """Opens things.

    `allowed` are ids of applications (`firefox.desktop` or `firefox`), None is every one in the menu. `launch` and
    `folders` are the desktop's, replaced in tests.
    """

    def __init__(
        self,
        allowed: Collection[str] | None = None,
        *,
        folders: Sequence[Path] | None = None,
        launch: Launch = launch,
    ) -> None:
        self._allowed = None if allowed is None else frozenset(allowed)
        self._folders = folders
        self._launch = launch

    @property
    def tools(self) -> tuple[Tool, ...]:
        """open_address, open_application."""
        return tools_of(self)

    @tool(permission="act", fate="owner")
    async def open_application(self, name: Annotated[str, "Its name, such as Firefox or calculator."]) -> str:
        """Open an application on the desktop."""
        where = folders() if self._folders is None else self._folders
        applications = await anyio.to_thread.run_sync(installed, where, self._allowed)
        found = matching(applications, name)
        if not found:
            said = clean(name, 40) or "that"
            raise ToolError("application-unknown", f"I can't find an application called {said}.")
        if len(found) > 1:
            choices = join(list(dict.fromkeys(each.name for each in found))[:MOST_CHOICES], "or")
            raise ToolError("application-ambiguous", f"Which one: {choices}?")
        await self._launch(["gio", "launch", str(found[0].path)])
        return f"Opening {found[0].name}."

    @tool(permission="dangerous", fate="owner")
    async def open_address(self, address: Annotated[str, "A web address, such as https://example.org."]) -> str:
        """Open a web address in the user's browser."""
        parts = web_address(address)
        await self._launch(["xdg-open", urlunsplit(parts)])
        return f"Opening {clean(parts.netloc.removeprefix('www.'), 60)}."


def web_address(address: str) -> SplitResult:
    """An http or https address, in ASCII and without a password. Raises ToolError."""
    text = address.strip()
    if "://" not in text and re.match(r"[\w.-]+(:\d+)?([/?#]|$)", text):
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = f":{parts.port}" if parts.port else ""
    except (ValueError, UnicodeError) as error:
        raise _no_address() from error
    is_web = parts.scheme in ("http", "https") and re.fullmatch(r"[\w-]+(\.[\w-]+)+", host)
    if not is_web or "@" in parts.netloc or len(text) > LONGEST_ADDRESS or clean(text, LONGEST_ADDRESS) != text:
        raise _no_address()
    path, query, fragment = (
        quote(each, safe="%/:=&?~#+!$,;'@()*[]") for each in (parts.path, parts.query, parts.fragment)
    )
    return SplitResult(parts.scheme, f"{host}{port}", path, query, fragment)


def was_said(address: str, utterance: str) -> bool:
    """Whether the user spoke the whole address: `github dot com slash explore`. Then it needs no confirmation."""
    try:
        parts = web_address(address)
    except ToolError:
        return False
    wanted = f"{parts.netloc.removeprefix('www.')}{parts.path.rstrip('/')}".casefold()
    if parts.query or parts.fragment:
        return False
    said = re.sub(r"\s+(dot|point)\s+", ".", fold(utterance))
    said = re.sub(r"\s*\bslash\b\s*", "/", said)
    words = (re.sub(r"^(https?://)?(www\.)?", "", word).rstrip(".,?!/") for word in said.split())
    return wanted in words


def _no_address() -> ToolError:
    return ToolError("open-address", "That is not a web address I can open.")
