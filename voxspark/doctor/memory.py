"""The database: whole, backed up, with room on its disk, for its owner only."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from datetime import date
from functools import partial
from pathlib import Path

import anyio.to_thread

from voxspark.doctor.check import FIX, Check, Finding
from voxspark.errors import ToolError
from voxspark.memory.database import open_database
from voxspark.memory.errors import failure, free_bytes, speakable
from voxspark.memory.extension import compares_vectors, load_extension
from voxspark.memory.file import back_up, backups, check, connect_to_read, is_sound, require_known, version_of
from voxspark.memory.schema import MIGRATIONS

OLD_BACKUP_DAYS = 2
"""The daemon makes one on each day it runs."""

LOW_BYTES, LEAST_BYTES = 100 << 20, 1 << 20

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def memory_checks(path: Path, private: tuple[Path, ...] = ()) -> list[Check]:
    """Of the database at `path`; `private`: other files that are nobody else's business."""
    in_thread = anyio.to_thread.run_sync
    return [
        Check("memory", partial(in_thread, partial(_whole, path)), partial(in_thread, partial(_repair, path))),
        Check("backups", partial(in_thread, partial(_backed_up, path)), partial(in_thread, partial(_back_up, path))),
        Check("disk", partial(in_thread, partial(_room, path))),
        Check(
            "file modes",
            partial(in_thread, partial(_modes, path, private)),
            partial(in_thread, partial(_make_private, path, private)),
        ),
    ]


# ── is it whole? ────────────────────────────────────────────────────────────────────────────────


def _whole(path: Path) -> Finding:
    """Changes nothing, also beside a running daemon."""
    if not path.exists():
        return Finding("ok", "nothing has been kept yet")
    with speakable(path.parent), closing(connect_to_read(path)) as connection:
        connection.execute("BEGIN")
        check(connection)
        version = version_of(connection)
        require_known(version, MIGRATIONS)
        if version == 0 and backups(path):
            raise failure(sqlite3.SQLITE_CORRUPT)
        load_extension(connection)
        ways = "numpy and sqlite-vec" if compares_vectors(connection) else "numpy"
        (journal,) = connection.execute("PRAGMA journal_mode").fetchone()
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        raise failure(sqlite3.SQLITE_READONLY)
    if journal != "wal":
        return Finding("problem", f"{path} has no write-ahead log", FIX)
    return Finding("ok", f"{path}, {path.stat().st_size / 1e6:.1f} MB, meanings compared by {ways}")


def _repair(path: Path) -> str:
    """Opening it repairs it, when nobody else has it open."""
    with closing(open_database(path, MIGRATIONS)) as database:
        told = database.failure
        if told is not None and not database.is_open:
            running = "Something uses it now: end that first, the daemon with: voxspark shutdown"
            raise ToolError(told.code, told.message, running if told.code == "memory-corrupt" else told.remedy)
    return str(told) if told is not None else "It has been brought up to date."


# ── backups ─────────────────────────────────────────────────────────────────────────────────────


def _backed_up(path: Path) -> Finding:
    if not path.exists():
        return Finding("ok", "nothing to back up")
    found = backups(path)
    sound = [backup for backup in found if is_sound(backup)]
    if not sound:
        return Finding("problem", "there is no sound backup" if found else "there is no backup", FIX)
    newest = date.fromisoformat(sound[0].name[-10:])
    age_days = (date.today() - newest).days
    told = f"{len(sound)}, the newest of {newest}" + f"; {len(found) - len(sound)} damaged" * (len(sound) < len(found))
    return Finding("ok", told) if age_days <= OLD_BACKUP_DAYS else Finding("problem", told, FIX)


def _back_up(path: Path) -> str:
    with speakable(path.parent), closing(connect_to_read(path)) as connection:
        back_up(connection, path, date.today(), anew=True)
    return "There is a backup of today."


# ── room and modes ──────────────────────────────────────────────────────────────────────────────


def _room(path: Path) -> Finding:
    folder = next(each for each in path.parents if each.exists())
    free = free_bytes(folder)
    if free is None:
        return Finding("ok", "cannot be told")
    told = f"{free / 1e9:.1f} GB free in {folder}"
    if free >= LOW_BYTES:
        return Finding("ok", told)
    return Finding("problem" if free >= LEAST_BYTES else "broken", told, "Free some space on it.")


def _open_to_others(path: Path, private: tuple[Path, ...]) -> list[Path]:
    of_database = [path.parent, *path.parent.glob(f"{path.name}*")]
    return [each for each in (*of_database, *private) if each.exists() and each.stat().st_mode & OTHERS]


def _modes(path: Path, private: tuple[Path, ...]) -> Finding:
    found = _open_to_others(path, private)
    if not found:
        return Finding("ok", "for you only")
    return Finding("problem", f"others may use {found[0]}" + f" and {len(found) - 1} more" * (len(found) > 1), FIX)


def _make_private(path: Path, private: tuple[Path, ...]) -> str:
    found = _open_to_others(path, private)
    with speakable(path.parent):
        for each in found:
            each.chmod(each.stat().st_mode & ~OTHERS)
    return f"{len(found)} files or folders are for you only now."
