"""What a disk can do to the database: what was confirmed is not lost, what is not kept is not confirmed."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import anyio
import pytest

from voxspark.errors import ToolError, VoxSparkError
from voxspark.memory import database as database_module
from voxspark.memory.database import Database, open_database
from voxspark.memory.errors import memory_error
from voxspark.memory.facts import Facts
from voxspark.memory.list_store import SqliteListStore
from voxspark.memory.note_store import SqliteNoteStore
from voxspark.memory.schema import MIGRATIONS
from voxspark.memory.timer_store import SqliteTimerStore
from voxspark.tools.lists import Lists
from voxspark.tools.timers import Timers
from voxspark.tools.undo import Undo

TODAY = date(2026, 11, 24)
MANY = 3_000
PAGE = 4096

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "voxspark" / "voxspark.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    with closing(open_database(path, MIGRATIONS)) as database:
        assert database.failure is None
        yield database


async def take_notes(database: Database, *texts: str) -> None:
    rows = [(time.time(), text) for text in texts]
    await database.write(lambda sql: sql.executemany("INSERT INTO note (taken_utc, text) VALUES (?, ?)", rows))


async def notes(database: Database) -> list[str]:
    return [text for _, _, text in await SqliteNoteStore(database).all()]


async def many_notes(database: Database) -> None:
    await take_notes(database, *(f"note {number} {'x' * 40}" for number in range(MANY)))


def damage(path: Path, first_byte: int, garbage: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(first_byte)
        file.write(garbage)


def page_of(path: Path, text: str) -> int:
    """Where the page starts that has this text."""
    return path.read_bytes().index(text.encode()) // PAGE * PAGE


def trouble(database: Database) -> str:
    """Why it is not open; empty when it is."""
    return "" if database.is_open or database.failure is None else database.failure.code


async def until(happened: Callable[[], object]) -> None:
    while not happened():
        await anyio.sleep(0.001)


# ── a full disk, a lock, a folder that is not ours ──────────────────────────────────────────────


async def test_a_full_disk_is_told_and_loses_nothing(database: Database) -> None:
    await take_notes(database, "before")
    (pages,) = await database.write(lambda sql: tuple(sql.execute("PRAGMA page_count").fetchone()))
    await database.write(lambda sql: sql.execute(f"PRAGMA max_page_count={pages}"))
    with pytest.raises(ToolError, match="My disk is full") as raised:
        await take_notes(database, "x" * 100_000)
    assert raised.value.code == "memory-full"
    await take_notes(database, "after")
    assert await notes(database) == ["before", "after"]


async def test_another_program_holds_it(path: Path, database: Database) -> None:
    await database.write(lambda sql: sql.execute("PRAGMA busy_timeout=1"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ToolError) as raised:
            await take_notes(database, "x")
        assert raised.value.code == "memory-locked"
        assert await notes(database) == []
        other.execute("ROLLBACK")
    await take_notes(database, "x")


def test_what_sqlite_says_on_a_full_disk_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    assert memory_error(error, tmp_path).code == "memory-disk"
    monkeypatch.setattr("voxspark.memory.errors.free_bytes", lambda _: 100)
    assert memory_error(error, tmp_path).code == "memory-full"
    assert memory_error(BlockingIOError(11, "?")).code == "memory-locked"


async def test_what_cannot_be_kept_is_not_confirmed_and_goes_on_later(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of the database is a file at first."""
    monkeypatch.setattr(database_module, "TRY_AGAIN_SECONDS", 0.001)
    path.parent.touch()
    with closing(open_database(path, MIGRATIONS)) as database:
        assert trouble(database) == "memory-unwritable"
        lists = Lists(SqliteListStore(database), Undo())
        for call in (lists.add_to_list(["milk"]), lists.read_list(), database.back_up(TODAY)):
            with pytest.raises(ToolError, match="not allowed to write"):
                await call
        async with anyio.create_task_group() as group:
            await group.start(database.run)
            path.parent.unlink()
            await until(lambda: database.is_open)
            assert await lists.add_to_list(["milk"]) == "Added milk to your shopping list."
            group.cancel_scope.cancel()
        assert trouble(database) == ""
    assert [each.name for each in tmp_path.iterdir()] == ["voxspark"]


async def test_timers_work_without_a_disk_and_join_those_that_were_kept(path: Path, database: Database) -> None:
    before = Timers(time.monotonic, store=SqliteTimerStore(database))
    await before.set_timer(600, "pasta")
    await before.set_timer(1200, "roast")
    database.close()
    path.rename(path.with_name("away"))
    path.mkdir()
    with closing(open_database(path, MIGRATIONS)) as again:
        timers = Timers(time.monotonic, store=SqliteTimerStore(again))
        said = await timers.set_timer(60, "tea")
        assert said.startswith("Tea timer set for 1 minute. A restart would undo that. ")
        path.rmdir()
        path.with_name("away").rename(path)
        again._open()
        await timers.save()
        assert timers.is_kept
        assert [(each.label, each.number) for each in timers.running] == [("tea", 3), ("pasta", 1), ("roast", 2)]
        await timers.cancel_timer("pasta")
        assert {row["label"] for row in await SqliteTimerStore(again).load()} == {"tea", "roast"}


# ── damage ──────────────────────────────────────────────────────────────────────────────────────


def repaired(path: Path) -> tuple[Database, str]:
    """Opened again, and what is told."""
    database = open_database(path, MIGRATIONS)
    assert database.is_open
    assert database.failure is not None
    assert database.failure.code == "memory-damaged"
    return database, database.failure.message


@pytest.mark.parametrize("garbage", [b"this is no database" * 500, b"SQLite format 3\0" + b"\xff" * 9000])
async def test_a_file_that_is_none_is_kept_and_a_new_one_begun(path: Path, garbage: bytes) -> None:
    path.parent.mkdir()
    for times in (1, 2):
        path.write_bytes(garbage)
        database, told = repaired(path)
        with closing(database):
            assert told == "My memory was damaged, so I began a new one."
            assert await notes(database) == []
            await take_notes(database, "goes on")
        kept = list(path.parent.glob("*.corrupt-????-??-??*"))
        assert [each.read_bytes() for each in kept] == [garbage] * times
        assert database.failure is not None
        assert any(str(each) in database.failure.remedy for each in kept)


async def test_a_page_in_the_middle_costs_only_what_was_on_it(path: Path, database: Database) -> None:
    await many_notes(database)
    await Facts(database).add("My sister is called Ada", 1.0)
    database.close()
    at = page_of(path, "note 1500 ")
    gone = {number for number in range(MANY) if f"note {number} ".encode() in path.read_bytes()[at : at + PAGE]}
    damage(path, at, b"\0" * PAGE)
    database, told = repaired(path)
    with closing(database):
        assert told == "My memory was damaged, and I saved what could be read."
        kept = {int(text.split()[1]) for text in await notes(database)}
        assert kept >= set(range(MANY)) - gone
        assert [fact.text for fact in await Facts(database).with_every_word("sister", 5)] == ["My sister is called Ada"]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_what_cannot_be_read_comes_from_the_newest_sound_backup(path: Path, database: Database) -> None:
    await many_notes(database)
    await database.back_up(TODAY)
    await take_notes(database, "after the backup")
    database.close()
    path.with_name("voxspark.db.backup-2026-11-25").write_bytes(b"broken as well" * 999)
    damage(path, page_of(path, "note 1500 "), b"\0" * PAGE)
    database, told = repaired(path)
    with closing(database):
        assert told == "My memory was damaged; I saved what could be read, the rest is as of 2026-11-24."
        kept = await notes(database)
        assert len(kept) == MANY + 1
        assert "after the backup" in kept


@pytest.mark.parametrize("size", [0, 50, 5_000])
async def test_a_truncated_file(path: Path, database: Database, size: int) -> None:
    await many_notes(database)
    await database.back_up(TODAY)
    database.close()
    with path.open("r+b") as file:
        file.truncate(size)
    database, told = repaired(path)
    with closing(database):
        assert told.endswith("2026-11-24.")
        assert len(await notes(database)) == MANY


async def test_a_damaged_index_costs_nothing(path: Path, database: Database) -> None:
    facts = Facts(database)
    for number in range(200):
        await facts.add(f"fact {number}", float(number))
    query = "SELECT rootpage FROM sqlite_schema WHERE name = 'fact_by_trust'"
    (root,) = await database.read(lambda sql: tuple(sql.execute(query).fetchone()))
    database.close()
    damage(path, (root - 1) * PAGE, b"\0" * PAGE)
    database, told = repaired(path)
    with closing(database):
        assert told == "My memory was damaged, but I could save everything."
        assert len(await Facts(database).newest(1000)) == 200


async def test_a_damaged_log_leaves_what_was_before(path: Path, database: Database) -> None:
    await take_notes(database, "in the file")
    await database.write(lambda sql: None)
    database._usable().writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    await take_notes(database, "in the log")
    copies = {suffix: Path(f"{path}{suffix}").read_bytes() for suffix in ("", "-wal")}
    database.close()
    for suffix, data in copies.items():
        Path(f"{path}{suffix}").write_bytes(data)
    damage(Path(f"{path}-wal"), 24, b"\xff" * 200)
    with closing(open_database(path, MIGRATIONS)) as again:
        assert again.failure is None
        assert await notes(again) == ["in the file"]
        await take_notes(again, "goes on")


async def test_a_file_that_another_one_uses_is_not_replaced(path: Path, database: Database) -> None:
    await many_notes(database)
    database._usable().writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage(path, page_of(path, "note 1500 "), b"\0" * PAGE)
    with closing(open_database(path, MIGRATIONS)) as second:
        assert trouble(second) == "memory-corrupt"
        assert not list(path.parent.glob("*.corrupt-*"))
        database.close()
        second._open()
        assert second.is_open
        assert list(path.parent.glob("*.corrupt-*"))


async def test_a_damaged_file_is_not_backed_up_but_told(
    path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BACKUP_CHECK_SECONDS", 0.001)
    await many_notes(database)
    await database.back_up(TODAY - timedelta(1))
    database._usable().writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage(path, page_of(path, "note 1500 "), b"\0" * PAGE)
    told: list[VoxSparkError] = []
    database.tell = told.append
    async with anyio.create_task_group() as group:
        await group.start(database.run)
        await until(lambda: told)
        await anyio.sleep(0.02)
        group.cancel_scope.cancel()
    assert [error.code for error in told] == ["memory-corrupt"]
    assert [each.name for each in path.parent.glob("*.backup-*")] == ["voxspark.db.backup-2026-11-23"]
    assert not path.with_name("voxspark.db.unfinished").exists()


async def test_a_newer_file_is_not_repaired(path: Path, database: Database) -> None:
    await many_notes(database)
    database.close()
    damage(path, page_of(path, "note 1500 "), b"\0" * PAGE)
    with closing(open_database(path, MIGRATIONS[:2])) as older:
        assert trouble(older) == "memory-newer"
    assert not list(path.parent.glob("*.corrupt-*"))
