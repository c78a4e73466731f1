"""One SQLite file for everything that must survive a restart.

Writes go through one connection, one after the other, and are on the disk when they return (WAL with
`synchronous=FULL`: what was confirmed aloud outlives a power cut). Reads have a connection of their own and never wait
for a write. Calls run in a thread, to their end even when the caller is cancelled.

    database = open_database(path, MIGRATIONS)
    await database.write(lambda connection: connection.execute("INSERT …"))
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import anyio
import anyio.to_thread
from anyio.abc import TaskStatus

from voxspark.errors import ToolError, VoxSparkError

log = logging.getLogger(__name__)

T = TypeVar("T")
Prepare = Callable[[sqlite3.Connection], None]
"""Makes a new connection ready, for example loads an extension."""

BUSY_SECONDS = 2.0
"""How long a call waits for another program that holds the file."""

BACKUPS_KEPT = 3
BACKUP_CHECK_SECONDS = 3600.0

FAILURES = {
    sqlite3.SQLITE_FULL: ("memory-full", "The disk is full.", "Free some space."),
    sqlite3.SQLITE_BUSY: ("memory-locked", "Another program has locked my memory.", "Close it, then try again."),
    sqlite3.SQLITE_READONLY: (
        "memory-unwritable",
        "I am not allowed to write to my memory.",
        "Check who owns $XDG_DATA_HOME/voxspark, and that its file system is writable.",
    ),
    sqlite3.SQLITE_IOERR: ("memory-disk", "The disk with my memory has an error.", "Check the disk."),
    sqlite3.SQLITE_CORRUPT: ("memory-corrupt", "My memory is damaged.", "Restart me: I go on from a backup then."),
    sqlite3.SQLITE_ERROR: ("memory-failed", "Something is wrong with my memory.", "See the log."),
}
"""SQLite's primary result code to code, sentence and remedy (https://sqlite.org/rescode.html)."""

_ALIKE = {
    sqlite3.SQLITE_LOCKED: sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN: sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM: sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOTADB: sqlite3.SQLITE_CORRUPT,
}


class Database:
    """An open file, or memory only, when the file cannot be used."""

    def __init__(
        self,
        writer: sqlite3.Connection,
        reader: sqlite3.Connection,
        path: Path | None,
        failure: VoxSparkError | None = None,
    ) -> None:
        self.path = path
        """None when nothing is written to a disk."""
        self.failure = failure
        """What went wrong when it was opened, to be told."""
        self._writer, self._writing = writer, anyio.CapacityLimiter(1)
        self._reader, self._reading = reader, self._writing if reader is writer else anyio.CapacityLimiter(1)

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """What `query` returns; it sees one moment of the file. Raises ToolError."""
        call = partial(_transact, self._reader, "BEGIN", query)
        return await anyio.to_thread.run_sync(call, limiter=self._reading)

    async def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """What `change` returns, once it is on the disk; nothing of it is when it raises. Raises ToolError."""
        call = partial(_transact, self._writer, "BEGIN IMMEDIATE", change)
        return await anyio.to_thread.run_sync(call, limiter=self._writing)

    async def back_up(self, today: date) -> None:
        """Write today's backup, unless there is one, and drop the oldest. Raises ToolError."""
        if self.path is not None:
            call = partial(_back_up, self._reader, self.path, today)
            await anyio.to_thread.run_sync(call, limiter=self._reading)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Back up once a day, until cancelled."""
        task_status.started()
        while True:
            try:
                await self.back_up(datetime.now().date())
            except ToolError as error:
                log.warning("no backup of %s: %s", self.path, error.code)
            await anyio.sleep(BACKUP_CHECK_SECONDS)

    def close(self) -> None:
        """Close the file; nothing may be called any more."""
        with suppress(sqlite3.Error):  # only tidies up: what is left in the log is read at the next start
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._reader.close()
        self._writer.close()


def open_database(path: Path, migrations: Sequence[str], prepare: Prepare = lambda _: None) -> Database:
    """The file at `path` with every migration applied; blocks for milliseconds.

    `migrations` are SQL scripts; those beyond the file's `user_version` are run. Append to them, never change one.
    Raises ToolError for a migration that is wrong, and nothing for what a disk can do to us: a damaged file is moved
    aside and its newest sound backup, or an empty file, takes its place; where no file can be used the database is in
    memory only. `failure` tells either.
    """
    try:
        return _open(path, migrations, prepare)
    except ToolError as error:
        failure: VoxSparkError = error
    if failure.code == "memory-corrupt":
        try:
            failure = _begin_anew(path)
            return _open(path, migrations, prepare, failure)
        except ToolError as error:
            failure = error
    return open_in_memory(migrations, prepare, failure)


def open_in_memory(
    migrations: Sequence[str], prepare: Prepare = lambda _: None, failure: VoxSparkError | None = None
) -> Database:
    """A database that ends with the process."""
    with _speakable():
        only = _connect(":memory:", prepare)
        _migrate(only, migrations)
    return Database(only, only, None, failure)


def memory_error(error: sqlite3.Error | OSError) -> ToolError:
    """The speakable error for what SQLite or the file system says."""
    if isinstance(error, OSError):
        code = sqlite3.SQLITE_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else sqlite3.SQLITE_READONLY
    else:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        code = _ALIKE.get(code, code)
    return ToolError(*FAILURES.get(code, FAILURES[sqlite3.SQLITE_ERROR]))


@contextmanager
def _speakable() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise memory_error(error) from error


def _transact(connection: sqlite3.Connection, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
    with _speakable():
        connection.execute(begin)
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result


# ── opening ─────────────────────────────────────────────────────────────────────────────────────


def _open(path: Path, migrations: Sequence[str], prepare: Prepare, failure: VoxSparkError | None = None) -> Database:
    with _speakable():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_private(path)
        writer = _connect(str(path), prepare)
        try:
            _check(writer)
            writer.execute("PRAGMA journal_mode=WAL")
            writer.execute("PRAGMA synchronous=FULL")
            _migrate(writer, migrations)
            reader = _connect(str(path), prepare)
        except BaseException:
            writer.close()
            raise
        reader.execute("PRAGMA query_only=ON")
        return Database(writer, reader, path, failure)


def _connect(place: str, prepare: Prepare) -> sqlite3.Connection:
    """Used from one thread at a time, but not always the same."""
    connection = sqlite3.connect(place, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys=ON")
    prepare(connection)
    return connection


def _make_private(path: Path) -> None:
    """An empty file that only its owner can read, unless there is one; SQLite's other files copy its mode."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)


def _check(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
        raise ToolError(*FAILURES[sqlite3.SQLITE_CORRUPT])


def _migrate(connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
    """Raises ToolError when the file was written by a newer program."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(migrations):
        raise ToolError("memory-newer", "My memory was written by a newer version of me.", "Update VoxSpark.")
    for number, script in enumerate(migrations[version:], version + 1):
        try:
            connection.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version={number}; COMMIT;")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


# ── backups and repair ──────────────────────────────────────────────────────────────────────────


def _back_up(source: sqlite3.Connection, path: Path, today: date) -> None:
    target = path.with_name(f"{path.name}.backup-{today}")
    if target.exists():
        return
    with _speakable():
        unfinished = path.with_name(f"{path.name}.unfinished")
        unfinished.unlink(missing_ok=True)
        _make_private(unfinished)
        with closing(sqlite3.connect(unfinished)) as copy:
            source.backup(copy)
        unfinished.replace(target)
        for old in _backups(path)[BACKUPS_KEPT:]:
            old.unlink()


def _backups(path: Path) -> list[Path]:
    """Newest first."""
    return sorted(path.parent.glob(f"{path.name}.backup-????-??-??"), reverse=True)


def _begin_anew(path: Path) -> VoxSparkError:
    """Move a damaged file aside and put the newest sound backup in its place; what to tell. Raises ToolError."""
    with _speakable():
        aside = _unused(path.with_name(f"{path.name}.corrupt-{datetime.now():%Y-%m-%d}"))
        for suffix in ("", "-wal", "-shm"):
            if (part := Path(f"{path}{suffix}")).exists():
                part.rename(f"{aside}{suffix}")
        remedy = f"The damaged file is kept as {aside}."
        for backup in _backups(path):
            if _is_sound(backup):
                _make_private(path)
                shutil.copyfile(backup, path)
                day = backup.name[-10:]
                return VoxSparkError("memory-damaged", f"My memory was damaged; I went back to {day}.", remedy)
        return VoxSparkError("memory-damaged", "My memory was damaged, so I began a new one.", remedy)


def _unused(path: Path) -> Path:
    names = (path.with_name(f"{path.name}-{number}") if number else path for number in range(1000))
    return next(name for name in names if not name.exists())


def _is_sound(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?immutable=1", uri=True)) as connection:
            _check(connection)
    except (sqlite3.Error, ToolError):
        return False
    return True
