"""What SQLite and the file system say, in sentences."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voxspark.errors import ToolError

FAILURES = {
    sqlite3.SQLITE_FULL: ("memory-full", "My disk is full, so I cannot keep anything: please free some space."),
    sqlite3.SQLITE_BUSY: (
        "memory-locked",
        "Another program has locked my memory, so I cannot use it: please close that program.",
    ),
    sqlite3.SQLITE_READONLY: (
        "memory-unwritable",
        "I am not allowed to write to my memory, so I cannot keep anything: please look who owns its folder.",
        "It is $XDG_DATA_HOME/voxspark, and its file system must be writable.",
    ),
    sqlite3.SQLITE_IOERR: (
        "memory-disk",
        "The disk with my memory has an error, so I cannot keep anything: please check it.",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "memory-corrupt",
        "My memory is damaged, so I cannot use it: please restart me, and I go on with what can be saved.",
        "Without starting it: voxspark doctor --fix",
    ),
    sqlite3.SQLITE_ERROR: (
        "memory-failed",
        "Something is wrong with my memory, so I cannot use it: please look into my log.",
    ),
}
"""SQLite's primary result code to code, sentence and remedy (https://sqlite.org/rescode.html)."""

_ALIKE = {
    sqlite3.SQLITE_LOCKED: sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN: sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM: sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOTADB: sqlite3.SQLITE_CORRUPT,
}

_OF_A_FULL_DISK = frozenset((sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN))
"""What SQLite also says when there is no room for the file it shares with other programs (`-shm`)."""

LEAST_FREE_BYTES = 64 << 10
"""Two of those."""


def memory_error(error: sqlite3.Error | OSError, folder: Path | None = None) -> ToolError:
    """The speakable error; `folder` is looked at for whether the disk is full."""
    if isinstance(error, OSError):
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        busy = isinstance(error, BlockingIOError)
        code = sqlite3.SQLITE_FULL if full else sqlite3.SQLITE_BUSY if busy else sqlite3.SQLITE_READONLY
    else:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _OF_A_FULL_DISK and folder is not None and (free_bytes(folder) or 0) < LEAST_FREE_BYTES:
            code = sqlite3.SQLITE_FULL
        code = _ALIKE.get(code, code)
    return failure(code)


def failure(code: int) -> ToolError:
    """The error for one of SQLite's primary result codes."""
    return ToolError(*FAILURES.get(code, FAILURES[sqlite3.SQLITE_ERROR]))


def free_bytes(folder: Path) -> int | None:
    """Room for us on the disk of a folder; None when it cannot be told."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return None
    return disk.f_bavail * disk.f_frsize


@contextmanager
def speakable(folder: Path | None = None) -> Iterator[None]:
    """Within it everything that SQLite or the file system says is a ToolError."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise memory_error(error, folder) from error
