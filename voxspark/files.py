"""Where files are (XDG Base Directory specification, xdg-user-dirs), and how small ones are written whole."""

from __future__ import annotations

import errno
import json
import os
import re
from pathlib import Path

OTHERS = 0o077
"""What group and others may do."""


def config_folder() -> Path:
    """`$XDG_CONFIG_HOME/voxspark`: what the user writes."""
    return _config_home() / "voxspark"


def data_folder() -> Path:
    """`$XDG_DATA_HOME/voxspark`: what must not be lost."""
    return xdg_directory("XDG_DATA_HOME", Path.home() / ".local" / "share") / "voxspark"


def state_folder() -> Path:
    """`$XDG_STATE_HOME/voxspark`: what was learned, and logs."""
    return xdg_directory("XDG_STATE_HOME", Path.home() / ".local" / "state") / "voxspark"


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/voxspark`: what can be made again."""
    return xdg_directory("XDG_CACHE_HOME", Path.home() / ".cache") / "voxspark"


def xdg_directory(variable: str, otherwise: Path) -> Path:
    """What an XDG variable says; a relative value does not count."""
    value = os.environ.get(variable, "")
    return Path(value) if value.startswith("/") else otherwise


def user_directory(name: str, otherwise: Path) -> Path:
    """One of the user's own folders (`PICTURES`, `DOCUMENTS`), as `user-dirs.dirs` has it."""
    try:
        text = (_config_home() / "user-dirs.dirs").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return otherwise
    found = re.findall(rf'^\s*XDG_{name}_DIR="(\$HOME/|/)(.*)"', text, re.MULTILINE)
    return (Path.home() if found[-1][0] != "/" else Path("/")) / found[-1][1] if found else otherwise


def write_json(path: Path, value: object) -> None:
    """Put it in the place of the file, for its owner only, whole or not at all; makes the folder. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    try:
        part.touch(0o600)
        part.write_text(json.dumps(value, indent=1))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def make_private(*folders: Path) -> None:
    """Folders, and what is in them, are for their owner only, whatever the umask was. Raises OSError."""
    for folder in folders:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & OTHERS:
            folder.chmod(0o700)


def append_line(path: Path, line: bytes) -> None:
    """To a file for its owner only, the whole line or nothing of it: the next one would be lost with half a line.

    Raises OSError.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.lseek(descriptor, 0, os.SEEK_END)
        if os.write(descriptor, line) < len(line):
            os.ftruncate(descriptor, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)


def _config_home() -> Path:
    return xdg_directory("XDG_CONFIG_HOME", Path.home() / ".config")
