"""A desktop's programs for a daemon under test: what is opened is written down, the clipboard holds what a test says.

desktop = DesktopPrograms(tmp_path)
with running_daemon({**env, **desktop.env}) as daemon: ...
assert desktop.opened == ["https://example.org/whales"]
"""

from __future__ import annotations

import os
from pathlib import Path


class DesktopPrograms:
    """An `xdg-open` and an `xclip`, first on the PATH."""

    def __init__(self, folder: Path) -> None:
        self._clipboard, self._opened = folder / "clipboard", folder / "opened"
        self._programs = folder / "programs"
        self._programs.mkdir()
        self._write("xdg-open", f'printf "%s\\n" "$@" >> "{self._opened}"')
        self._write("xclip", f'exec cat "{self._clipboard}"')
        self.env = {
            "PATH": f"{self._programs}{os.pathsep}{os.environ['PATH']}",
            "DISPLAY": ":99",
            "WAYLAND_DISPLAY": "",
        }

    def _write(self, name: str, line: str) -> None:
        path = self._programs / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    @property
    def opened(self) -> list[str]:
        """Everything that `xdg-open` was given."""
        return self._opened.read_text().splitlines() if self._opened.exists() else []

    def copy(self, text: str) -> None:
        """It is in the clipboard."""
        self._clipboard.write_text(text)

    def hang(self) -> None:
        """The clipboard never answers."""
        self._clipboard.unlink(missing_ok=True)
        os.mkfifo(self._clipboard)
