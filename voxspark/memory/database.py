"""One SQLite file for everything that must survive a restart.

Writes go through one connection, one after the other, and are on the disk when they return (WAL with
`synchronous=FULL`: what was confirmed aloud outlives a power cut). Reads have a connection of their own and never wait
for a write. Calls run in a thread, to their end even when the caller is cancelled. A file that cannot be used now (a
full disk, a lock) makes every call an error, until `run` can open it after all.

    database = open_database(path, MIGRATIONS)
    await database.write(lambda connection: connection.execute("INSERT …"))
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread
from anyio.abc import TaskStatus

from voxspark.errors import ToolError, VoxSparkError
from voxspark.memory.errors import failure, memory_error, speakable
from voxspark.memory.file import (
    Hold,
    Prepare,
    back_up,
    backups,
    check,
    connect,
    make_private,
    migrate,
    require_known,
    version_of,
)
from voxspark.memory.salvage import begin_anew

log = logging.getLogger(__name__)

T = TypeVar("T")

BACKUP_CHECK_SECONDS = 3600.0
TRY_AGAIN_SECONDS = 2.0
"""How often a file that could not be opened is tried again."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that can be used."""

    writer: sqlite3.Connection
    reader: sqlite3.Connection
    hold: Hold | None = None
    repaired: VoxSparkError | None = None
    """What happened to it, when it was damaged."""


class Database:
    """A file, open or waiting to be; or memory only."""

    def __init__(self, path: Path | None, open_file: Callable[[], Opened]) -> None:
        """Tries to open it; blocks for milliseconds, or seconds while it is locked."""
        self.path = path
        """None when nothing is written to a disk."""
        self.failure: VoxSparkError | None = None
        """Why it is not open, or what had happened to it before."""
        self.tell: Callable[[VoxSparkError], None] = lambda _: None
        """Called with what goes wrong in the background."""
        self._open_file = open_file
        self._opened: Opened | None = None
        self._writing = anyio.CapacityLimiter(1)
        self._reading = anyio.CapacityLimiter(1) if path is not None else self._writing
        self._open()

    @property
    def is_open(self) -> bool:
        """Whether it can be used; otherwise `failure` says why not."""
        return self._opened is not None

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """What `query` returns; it sees one moment of the file. Raises ToolError."""
        call = partial(_transact, self._usable().reader, "BEGIN", query, self._folder)
        return await anyio.to_thread.run_sync(call, limiter=self._reading)

    async def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """What `change` returns, once it is on the disk; nothing of it is when it raises. Raises ToolError."""
        call = partial(_transact, self._usable().writer, "BEGIN IMMEDIATE", change, self._folder)
        return await anyio.to_thread.run_sync(call, limiter=self._writing)

    async def back_up(self, today: date) -> None:
        """Write today's backup, unless there is one, and drop the oldest. Raises ToolError."""
        if self.path is not None:
            call = partial(back_up, self._usable().reader, self.path, today)
            await anyio.to_thread.run_sync(call, limiter=self._reading)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Back up once a day, and open the file as soon as that is possible, until cancelled."""
        task_status.started()
        told = ""
        while True:
            try:
                if not self.is_open:
                    await anyio.to_thread.run_sync(self._open, limiter=self._writing)
                    self._report_opening()
                if self.is_open:
                    await self.back_up(datetime.now().date())
                told = ""
            except ToolError as error:
                log.warning("no backup of %s: %s", self.path, error.code)
                if error.code != told:
                    self.tell(error)
                told = error.code
            await anyio.sleep(BACKUP_CHECK_SECONDS if self.is_open else TRY_AGAIN_SECONDS)

    def close(self) -> None:
        """Close the file; nothing may be called any more."""
        opened, self._opened = self._opened, None
        if opened is None:
            return
        with suppress(sqlite3.Error):  # only tidies up: what is left in the log is read at the next start
            opened.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        opened.reader.close()
        opened.writer.close()
        if opened.hold is not None:
            opened.hold.close()

    def _open(self) -> None:
        """As far as that is possible; `failure` says how it went."""
        try:
            self._opened = self._open_file()
            self.failure = self._opened.repaired
        except ToolError as error:
            self.failure = error

    def _report_opening(self) -> None:
        if self.is_open:
            log.info("%s is open after all", self.path)
            if self.failure is not None:
                self.tell(self.failure)

    def _usable(self) -> Opened:
        if self._opened is None:
            assert self.failure is not None
            raise ToolError(self.failure.code, self.failure.message, self.failure.remedy)
        return self._opened

    @property
    def _folder(self) -> Path | None:
        return None if self.path is None else self.path.parent


def open_database(path: Path, migrations: Sequence[str], prepare: Prepare = lambda _: None) -> Database:
    """The file at `path` with every migration applied; blocks for milliseconds.

    `migrations` are SQL scripts; those beyond the file's `user_version` are run. Append to them, never change one.
    Raises ToolError for a migration that is wrong, and nothing for what a disk can do to us: a damaged file that nobody
    else uses is moved aside and what can be saved of it, or of a backup, takes its place; `failure` tells. A file that
    cannot be used now is tried again by `run`.
    """
    database = Database(path, partial(_open_file, path, migrations, prepare))
    if database.failure is not None and database.failure.code == "memory-failed":
        open_in_memory(migrations, prepare).close()  # raises what is wrong with them on any disk
    return database


def open_in_memory(migrations: Sequence[str], prepare: Prepare = lambda _: None) -> Database:
    """A database that ends with the process. Raises ToolError for a migration that is wrong."""
    with speakable():
        only = connect(":memory:", prepare)
        migrate(only, migrations)
    return Database(None, lambda: Opened(only, only))


def _transact(
    connection: sqlite3.Connection, begin: str, work: Callable[[sqlite3.Connection], T], folder: Path | None
) -> T:
    with speakable(folder):
        connection.execute(begin)
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result


def _open_file(path: Path, migrations: Sequence[str], prepare: Prepare) -> Opened:
    """Repaired first, if it has to be and nobody else uses it. Raises ToolError."""
    with ExitStack() as undo, speakable(path.parent):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        hold = Hold(path)
        undo.callback(hold.close)
        repaired = None
        try:
            writer = _connect_writer(path, migrations, prepare)
        except (ToolError, sqlite3.DatabaseError) as error:
            if _code(error) != "memory-corrupt" or not hold.is_alone():
                raise
            repaired = begin_anew(path, migrations)
            hold.share()
            writer = _connect_writer(path, migrations, prepare)
        undo.callback(writer.close)
        reader = connect(str(path), prepare)
        reader.execute("PRAGMA query_only=ON")
        undo.pop_all()
        return Opened(writer, reader, hold, repaired)


def _code(error: ToolError | sqlite3.DatabaseError) -> str:
    return error.code if isinstance(error, ToolError) else memory_error(error).code


def _connect_writer(path: Path, migrations: Sequence[str], prepare: Prepare) -> sqlite3.Connection:
    """Checked, in WAL mode, and with every migration; what it was before one is backed up."""
    make_private(path)
    writer = connect(str(path), prepare)
    try:
        check(writer)
        version = version_of(writer)
        require_known(version, migrations)
        if version == 0 and backups(path):
            raise failure(sqlite3.SQLITE_CORRUPT)  # something has emptied it
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("PRAGMA synchronous=FULL")
        if 0 < version < len(migrations):
            back_up(writer, path, datetime.now().date(), anew=True)
        migrate(writer, migrations)
    except BaseException:
        writer.close()
        raise
    return writer
