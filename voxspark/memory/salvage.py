"""A damaged database: what can be read goes into a new one, row by row, and the damaged file is kept."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from voxspark.errors import VoxSparkError
from voxspark.memory.file import (
    backups,
    connect,
    connect_to_read,
    is_sound,
    make_private,
    migrate,
    require_known,
    version_of,
)

Row: TypeAlias = tuple[object, ...]


def begin_anew(path: Path, migrations: Sequence[str]) -> VoxSparkError:
    """Put a sound file in the place of a damaged one that nobody uses; what to tell.

    Tables that cannot be read to their end are filled up from the newest sound backup: rather something that had been
    deleted since than nothing. Raises ToolError when a newer program wrote it, sqlite3.Error and OSError when the new
    file cannot be written; the old one is then where it was.
    """
    made = path.with_name(f"{path.name}.repaired")
    made.unlink(missing_ok=True)
    make_private(made)
    try:
        told = _fill(made, path, migrations)
        aside = _set_aside(path)
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)
    return VoxSparkError("memory-damaged", f"My memory was damaged{told}.", f"The damaged file is kept as {aside}.")


def _set_aside(path: Path) -> Path:
    """A second name for the file and its log; the log is gone from its place, as it would be read into the new file."""
    name = f"{path.name}.corrupt-{datetime.now():%Y-%m-%d}"
    names = (path.with_name(f"{name}-{number}" if number else name) for number in range(1000))
    aside = next(each for each in names if not each.exists())
    os.link(path, aside)
    log = Path(f"{path}-wal")
    if log.exists() and log.stat().st_size:
        os.link(log, f"{aside}-wal")
    for part in (log, Path(f"{path}-shm")):
        part.unlink(missing_ok=True)
    return aside


def _fill(made: Path, damaged: Path, migrations: Sequence[str]) -> str:
    """Write everything that can be had into a new file; how that went, as the end of a sentence."""
    with closing(connect(str(made))) as target, closing(connect_to_read(damaged)) as source:
        version = _version(source, migrations)
        migrate(target, migrations[:version])
        tables = _tables(target)
        copied = [_copy(source, target, table) for table in tables]
        if all(complete for _, complete in copied):
            return ", but I could save everything"
        saved = any(count for count, _ in copied)
        if (backup := next(filter(is_sound, backups(damaged)), None)) is None:
            return ", and I saved what could be read" if saved else ", so I began a new one"
        with closing(connect_to_read(backup)) as older:
            for table in tables:
                _copy(older, target, table)
        day = backup.name[-10:]
        return f"; I saved what could be read, the rest is as of {day}" if saved else f"; I went back to {day}"


def _version(source: sqlite3.Connection, migrations: Sequence[str]) -> int:
    """Of the damaged file; the newest where that cannot be read. Raises ToolError when a newer program wrote it."""
    try:
        version = version_of(source)
    except sqlite3.DatabaseError:
        return len(migrations)
    require_known(version, migrations)
    return version or len(migrations)


def _tables(connection: sqlite3.Connection) -> list[str]:
    """Those that are written to, those first that others refer to."""
    query = """SELECT kind.name FROM pragma_table_list AS kind JOIN sqlite_schema AS made USING (name)
        WHERE kind.type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY made.rowid"""
    return [row[0] for row in connection.execute(query)]


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> tuple[int, bool]:
    """How many rows were new to `target`, and whether those are all. Raises sqlite3.Error when it cannot be written."""
    count = 0
    reading = _Reading(source, table, _columns(target, table))
    target.execute("BEGIN IMMEDIATE")
    for row in reading.rows():
        values = ", ".join("?" * len(row))
        with suppress(sqlite3.IntegrityError):  # of no use: what it refers to is gone, or it is garbage
            statement = f"INSERT OR IGNORE INTO {table} ({', '.join(reading.columns)}) VALUES ({values})"
            count += target.execute(statement, row).rowcount
    target.execute("COMMIT")
    return count, reading.complete


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row["name"] for row in connection.execute(f"PRAGMA table_info({table})")]


class _Reading:
    """Both ends of a table, as far as they can be read."""

    def __init__(self, source: sqlite3.Connection, table: str, wanted: Sequence[str]) -> None:
        self._source = source
        self._table = table
        self.complete = False
        """After `rows`: nothing was in the way."""
        try:
            there = source.execute(f"PRAGMA table_info({table})").fetchall()
        except sqlite3.DatabaseError:
            there = []
        self.columns = [row["name"] for row in there if row["name"] in wanted]
        self._key = [row["name"] for row in sorted(there, key=lambda row: row["pk"]) if row["pk"]] or ["rowid"]

    def rows(self) -> Iterator[Row]:
        """From the first on, and where that ends too soon, from the last back; some may come twice."""
        if not self.columns:
            return
        yield from self._walk(">", "ASC")
        if not self.complete:
            yield from self._walk("<", "DESC")

    def _walk(self, beyond: str, direction: str) -> Iterator[Row]:
        """One statement for each row: `sqlite3` looks ahead, and would lose the one before a hole."""
        key, size = ", ".join(self._key), len(self._key)
        begin = f"SELECT {key}, {', '.join(self.columns)} FROM {self._table}"
        end = f"ORDER BY {', '.join(f'{name} {direction}' for name in self._key)} LIMIT 1"
        query = f"{begin} {end}"
        last: Row = ()
        following = f"{begin} WHERE ({key}) {beyond} ({', '.join('?' * size)}) {end}"
        with suppress(sqlite3.DatabaseError):
            while (row := self._source.execute(query, last).fetchone()) is not None:
                query, last = following, tuple(row)[:size]
                yield tuple(row)[size:]
            self.complete = direction == "ASC"
