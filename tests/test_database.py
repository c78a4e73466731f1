"""The database, and everything a disk can do to it."""

from __future__ import annotations

import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from tests.in_memory import MemoryListStore, MemoryNoteStore
from voxspark.errors import ToolError
from voxspark.memory.database import Database, open_database
from voxspark.memory.errors import memory_error
from voxspark.memory.file import BACKUPS_KEPT
from voxspark.memory.list_store import SqliteListStore
from voxspark.memory.note_store import SqliteNoteStore
from voxspark.memory.schema import MIGRATIONS
from voxspark.memory.timer_store import SqliteTimerStore
from voxspark.tools.lists import ListStore
from voxspark.tools.notes import NoteStore
from voxspark.tools.timer_book import MemoryTimerStore, Row, TimerStore
from voxspark.tools.timers import Timers

WORDS = ("CREATE TABLE word (text TEXT NOT NULL UNIQUE) STRICT",)
TODAY = date(2026, 11, 24)
pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "voxspark" / "voxspark.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    with closing(open_database(path, WORDS)) as database:
        assert database.failure is None
        yield database


async def put(database: Database, word: str) -> None:
    await database.write(lambda sql: sql.execute("INSERT INTO word VALUES (?)", (word,)))


async def words(database: Database) -> list[str]:
    return await database.read(lambda sql: [row["text"] for row in sql.execute("SELECT text FROM word ORDER BY text")])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_what_is_written_is_there_after_reopening_and_nobody_else_reads_it(
    path: Path, database: Database
) -> None:
    await put(database, "Grüße 🙂")
    assert {mode(each) for each in path.parent.iterdir()} == {0o600}
    assert mode(path.parent) == 0o700
    database.close()
    with closing(open_database(path, WORDS)) as again:
        assert await words(again) == ["Grüße 🙂"]
        assert again.path == path


async def test_it_waits_for_the_disk(database: Database) -> None:
    settings = await database.write(
        lambda sql: [
            sql.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    )
    assert settings == ["wal", 2, 1]


async def test_a_change_that_fails_leaves_nothing(database: Database) -> None:
    def change(sql: sqlite3.Connection) -> None:
        sql.execute("INSERT INTO word VALUES ('half')")
        raise KeyError("broken")

    with pytest.raises(KeyError):
        await database.write(change)
    await put(database, "whole")
    assert await words(database) == ["whole"]


async def test_reading_cannot_write(database: Database) -> None:
    with pytest.raises(ToolError) as raised:
        await database.read(lambda sql: sql.execute("INSERT INTO word VALUES ('sly')"))
    assert raised.value.code == "memory-unwritable"


async def test_writes_do_not_overlap_and_run_to_their_end(database: Database) -> None:
    async with anyio.create_task_group() as group:
        for number in range(50):
            group.start_soon(put, database, f"{number:02}")
    assert len(await words(database)) == 50
    with anyio.CancelScope() as scope:
        scope.cancel()
        await put(database, "never begun")
    assert len(await words(database)) == 50


async def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    await put(database, "old")
    seen: list[str] = []

    def change(sql: sqlite3.Connection) -> None:
        sql.execute("INSERT INTO word VALUES ('new')")
        seen.extend(anyio.from_thread.run(words, database))

    await database.write(change)
    assert seen == ["old"]
    assert await words(database) == ["new", "old"]


async def test_migrations_run_once_and_in_order(path: Path, database: Database) -> None:
    await put(database, "a")
    database.close()
    grown = (*WORDS, "ALTER TABLE word ADD COLUMN language TEXT; UPDATE word SET language = 'en'")
    for _ in range(2):
        with closing(open_database(path, grown)) as again:
            assert await again.read(lambda sql: tuple(sql.execute("SELECT * FROM word").fetchone())) == ("a", "en")


async def test_a_migration_that_fails_changes_nothing(path: Path, database: Database) -> None:
    await put(database, "a")
    database.close()
    with pytest.raises(ToolError, match="wrong with my memory"), closing(sqlite3.connect(":memory:")):
        open_database(path, (*WORDS, "CREATE TABLE another (x); CREATE TABLE word (y)"))
    with closing(open_database(path, WORDS)) as again:
        assert again.failure is None
        assert await words(again) == ["a"]


async def test_a_newer_file_is_left_alone(path: Path, database: Database) -> None:
    await put(database, "a")
    database.close()
    with closing(open_database(path, ())) as older:
        assert older.failure is not None
        assert older.failure.code == "memory-newer"
        assert not older.is_open
    with closing(open_database(path, WORDS)) as again:
        assert await words(again) == ["a"]


# ── backups ─────────────────────────────────────────────────────────────────────────────────────


async def test_backups_are_private_one_a_day_and_few(path: Path, database: Database) -> None:
    for day in range(BACKUPS_KEPT + 2):
        await put(database, f"day {day}")
        await database.back_up(TODAY + timedelta(day))
        await database.back_up(TODAY + timedelta(day))
    backups = sorted(path.parent.glob("*.backup-*"))
    assert [each.name[-2:] for each in backups] == ["26", "27", "28"]
    assert {mode(each) for each in backups} == {0o600}
    with closing(sqlite3.connect(backups[0])) as copy:
        assert copy.execute("SELECT count(*) FROM word").fetchone() == (3,)


async def test_what_was_before_a_migration_is_backed_up(path: Path, database: Database) -> None:
    await database.back_up(datetime.now().date())
    await put(database, "late")
    database.close()
    with closing(open_database(path, (*WORDS, "DROP TABLE word"))) as again:
        assert again.failure is None
    (backup,) = path.parent.glob("*.backup-*")
    with closing(sqlite3.connect(backup)) as copy:
        assert copy.execute("SELECT text FROM word").fetchall() == [("late",)]


async def test_it_backs_up_by_itself(path: Path, database: Database) -> None:
    async with anyio.create_task_group() as group:
        await group.start(database.run)
        while not list(path.parent.glob("*.backup-*")):
            await anyio.sleep(0.001)
        group.cancel_scope.cancel()


async def test_every_connection_is_prepared(path: Path) -> None:
    def prepare(connection: sqlite3.Connection) -> None:
        connection.create_function("shout", 1, str.upper, deterministic=True)

    with closing(open_database(path, WORDS, prepare)) as database:
        query = "SELECT shout('hey')"
        assert await database.read(lambda sql: sql.execute(query).fetchone()[0]) == "HEY"
        assert await database.write(lambda sql: sql.execute(query).fetchone()[0]) == "HEY"


def test_what_is_unknown_has_a_sentence_too() -> None:
    for error in (sqlite3.ProgrammingError("?"), OSError(28, "?"), OSError(13, "?"), sqlite3.Error()):
        told = memory_error(error)
        assert told.code.startswith("memory-")
        assert told.message.endswith(".")


async def test_a_timer_rings_after_a_restart(path: Path) -> None:
    for kept in (False, True):
        with closing(open_database(path, MIGRATIONS)) as database:
            timers = Timers(time.monotonic, store=SqliteTimerStore(database))
            await timers.restore()
            assert [each.name for each in timers.running] == (["tea timer"] if kept else [])
            if not kept:
                assert await timers.set_timer(1, "tea") == "Tea timer set for 1 second."
                await database.write(lambda sql: sql.execute("UPDATE timer SET due_utc = due_utc - 3600"))
    assert [each.announcement for each in timers.due()] == ["Your tea timer was due 1 hour ago, while I was off."]


# ── the stores on it behave as the ones in memory ───────────────────────────────────────────────


@pytest.fixture(params=["memory", "disk"])
def stores(request: pytest.FixtureRequest, path: Path) -> Iterator[tuple[TimerStore, ListStore, NoteStore]]:
    if request.param == "memory":
        yield MemoryTimerStore(), MemoryListStore(), MemoryNoteStore()
        return
    with closing(open_database(path, MIGRATIONS)) as database:
        yield SqliteTimerStore(database), SqliteListStore(database), SqliteNoteStore(database)


def row(number: int, **values: str | float | None) -> Row:
    empty = dict.fromkeys(("due_utc", "left_seconds", "due_local", "zone", "weekdays"))
    return {"number": number, "kind": "timer", "label": "tea", "seconds": 60, **empty, **values}


async def test_timer_stores(stores: tuple[TimerStore, ListStore, NoteStore]) -> None:
    store = stores[0]
    await store.save([row(1, due_utc=5.5), row(2, left_seconds=7.0)], [])
    await store.save([row(2, due_local="2026-11-24T07:00:00", zone="Europe/Berlin", weekdays="01")], [1, 9])
    assert list(await store.load()) == [row(2, due_local="2026-11-24T07:00:00", zone="Europe/Berlin", weekdays="01")]


async def test_list_stores(stores: tuple[TimerStore, ListStore, NoteStore]) -> None:
    store = stores[1]
    assert await store.update("shopping", lambda _: ["milk", "eggs"]) == []
    assert await store.update("to-do", lambda _: ["call"]) == []
    assert await store.update("shopping", lambda items: [*items[1:], "Käse"]) == ["milk", "eggs"]
    assert await store.items("shopping") == ["eggs", "Käse"]
    await store.update("to-do", lambda _: [])
    assert (await store.names(), await store.items("to-do")) == (["shopping"], [])


async def test_note_stores(stores: tuple[TimerStore, ListStore, NoteStore]) -> None:
    store = stores[2]
    numbers = [await store.put(at, text) for at, text in [(1.0, "one"), (2.0, "two"), (0.5, "earlier")]]
    await store.remove(numbers[1])
    assert await store.all() == [(numbers[2], 0.5, "earlier"), (numbers[0], 1.0, "one")]
    assert await store.put(9.0, "new") not in numbers
