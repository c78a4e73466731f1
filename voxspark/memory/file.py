"""The file of the database: connected, private, checked, brought up to date, backed up."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from urllib.parse import quote

from voxspark.errors import ToolError
from voxspark.memory.errors import failure, speakable

Prepare = Callable[[sqlite3.Connection], None]
"""Makes a new connection ready, for example loads an extension."""

BUSY_SECONDS = 2.0
"""How long a call waits for another program that holds the file."""

BACKUPS_KEPT = 3


def connect(place: str, prepare: Prepare = lambda _: None, *, uri: bool = False) -> sqlite3.Connection:
    """Used from one thread at a time, but not always the same."""
    connection = sqlite3.connect(place, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=uri)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys=ON")
        prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """For a look that changes nothing, whoever else has the file open; what is in the log is seen."""
    return connect(f"file:{quote(str(path))}?mode=ro", uri=True)


def make_private(path: Path) -> None:
    """An empty file that only its owner can read, unless there is one; SQLite's other files copy its mode."""
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)


def check(connection: sqlite3.Connection) -> None:
    """Raises ToolError for a damaged file; takes 0.1 s for 100 MB."""
    if connection.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
        raise failure(sqlite3.SQLITE_CORRUPT)


def version_of(connection: sqlite3.Connection) -> int:
    """How many migrations have been applied."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def require_known(version: int, migrations: Sequence[str]) -> None:
    """Raises ToolError when a newer program wrote the file."""
    if version > len(migrations):
        raise ToolError("memory-newer", "A newer version of me has written my memory: please update VoxSpark.")


def migrate(connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
    """Apply those that the file has not seen; none of one that fails."""
    version = version_of(connection)
    for number, script in enumerate(migrations[version:], version + 1):
        try:
            connection.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version={number}; COMMIT;")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


# ── who has it ──────────────────────────────────────────────────────────────────────────────────


class Hold:
    """A share in the file, for as long as this program has it open: nobody replaces a file that another one uses."""

    def __init__(self, path: Path) -> None:
        """Raises OSError, BlockingIOError while another program repairs it."""
        self._lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BaseException:
            self.close()
            raise

    def is_alone(self) -> bool:
        """Whether nobody else has it open; they have to wait then."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def share(self) -> None:
        """Others may open it again."""
        fcntl.flock(self._lock, fcntl.LOCK_SH)

    def close(self) -> None:
        """It is no longer open here."""
        os.close(self._lock)


# ── backups ─────────────────────────────────────────────────────────────────────────────────────


def back_up(source: sqlite3.Connection, path: Path, today: date, *, anew: bool = False) -> None:
    """Write today's backup, unless there is one (or `anew`), and drop the oldest. Raises ToolError.

    A damaged file is not backed up: it would push out the sound backups.
    """
    target = path.with_name(f"{path.name}.backup-{today}")
    if target.exists() and not anew:
        return
    unfinished = path.with_name(f"{path.name}.unfinished")
    with speakable(path.parent):
        unfinished.unlink(missing_ok=True)
        make_private(unfinished)
        try:
            with closing(sqlite3.connect(unfinished)) as copy:
                source.backup(copy)
            if not is_sound(unfinished):
                raise failure(sqlite3.SQLITE_CORRUPT)
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
        for old in backups(path)[BACKUPS_KEPT:]:
            old.unlink()


def backups(path: Path) -> list[Path]:
    """Newest first."""
    return sorted(path.parent.glob(f"{path.name}.backup-????-??-??"), reverse=True)


def is_sound(path: Path) -> bool:
    """Whether a file that nobody writes to is whole."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?immutable=1", uri=True)) as connection:
            check(connection)
    except (sqlite3.Error, ToolError):
        return False
    return True
