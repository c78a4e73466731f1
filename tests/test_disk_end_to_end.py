"""A daemon whose memory is damaged, locked and full: it says so, lives, rings, and goes on by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import anyio
import pytest

from tests.daemon_process import DaemonProcess, private_env, running_daemon, voxspark
from voxspark.memory.database import open_database
from voxspark.memory.list_store import SqliteListStore
from voxspark.memory.schema import MIGRATIONS
from voxspark.tools.lists import Lists
from voxspark.tools.undo import Undo

pytestmark = pytest.mark.real


async def write_lists(path: Path) -> None:
    """Milk is in the backup; eggs came later."""
    with closing(open_database(path, MIGRATIONS)) as database:
        lists = Lists(SqliteListStore(database), Undo())
        for number in range(40):
            await lists.add_to_list([f"thing {number} {each:x<80}" for each in range(20)], f"list {number}")
        await lists.add_to_list(["milk"])
        await database.back_up(date.today())
        await lists.add_to_list(["eggs"])


def damage(path: Path) -> None:
    """A leaf in the middle of the lists."""
    image = path.read_bytes()
    leaves = [at for at in range(0, len(image), 4096) if image[at] == 10 and b"thing 30 " in image[at : at + 4096]]
    at = leaves[0]
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\0" * 4096)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def asked(daemon: DaemonProcess, text: str) -> str:
    return " ".join(daemon.call("ask", text).split())


def test_damaged_then_locked(tmp_path: Path) -> None:
    env = {**private_env(tmp_path), "VOXSPARK_DEVICES__MICROPHONE": "null", "VOXSPARK_DEVICES__SPEAKER": "null"}
    path = tmp_path / ".local" / "share" / "voxspark" / "voxspark.db"
    anyio.run(write_lists, path)
    damage(path)
    with running_daemon(env, "--profile", "embedded") as daemon:
        told = daemon.wait_for("failed", code="memory-damaged")
        assert told["message"].startswith("My memory was damaged; I saved what could be read, the rest is as of ")
        assert asked(daemon, "What's on my shopping list?") == "Your shopping list has 2 items: milk and eggs."
        with locked(path):
            assert asked(daemon, "Add bread to my shopping list.").startswith("Another program has locked my memory")
            assert asked(daemon, "What's on my shopping list?") == "Your shopping list has 2 items: milk and eggs."
            said = asked(daemon, "Set a tea timer for 1 second.")
            assert said.startswith("Tea timer set for 1 second. A restart would undo that. Another program")
            daemon.wait_for("timer_rang")
            asked(daemon, "Stop.")
        assert asked(daemon, "Add bread to my shopping list.") == "Added bread to your shopping list."
        well = voxspark("doctor", env=env)
        assert well.returncode == 0, well.stdout
        assert "runs, profile embedded; the last failure: Another program" in well.stdout


def test_locked_from_the_start(tmp_path: Path) -> None:
    env = {**private_env(tmp_path), "VOXSPARK_DEVICES__MICROPHONE": "null", "VOXSPARK_DEVICES__SPEAKER": "null"}
    path = tmp_path / ".local" / "share" / "voxspark" / "voxspark.db"
    anyio.run(write_lists, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("CREATE TABLE another (x)")
        with running_daemon(env, "--profile", "embedded") as daemon:
            daemon.wait_for("failed", code="memory-locked")
            assert asked(daemon, "Add bread to my shopping list.").startswith("Another program has locked my memory")
            assert asked(daemon, "Set a tea timer for ten minutes.").startswith("Tea timer set for 10 minutes. A rest")
            other.execute("ROLLBACK")
            other.close()
            tries = (asked(daemon, "Add bread to my shopping list.") for _ in range(20))
            assert "Added bread to your shopping list." in tries
        with closing(open_database(path, MIGRATIONS)) as database:
            assert anyio.run(SqliteListStore(database).items, "shopping") == ["milk", "eggs", "bread"]
