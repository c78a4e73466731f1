"""Killed at any moment, it has lost nothing of what it has confirmed."""

from __future__ import annotations

import random
import select
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from tests.crash_child import CANCELS_EVERY
from voxspark.memory.conversation_store import SqliteConversation
from voxspark.memory.database import open_database
from voxspark.memory.facts import Facts
from voxspark.memory.list_store import SqliteListStore
from voxspark.memory.note_store import SqliteNoteStore
from voxspark.memory.schema import MIGRATIONS
from voxspark.memory.timer_store import SqliteTimerStore

WRITES = 200


@pytest.mark.real
def test_nothing_that_was_confirmed_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "voxspark" / "voxspark.db"
    chance = random.Random(20261124)
    confirmed: set[int] = set()
    kills = 0
    while len(confirmed) < WRITES:
        first = max(confirmed, default=-1) + 1
        confirmed |= killed(path, first, chance.randint(1, 25), chance.uniform(0, 0.01))
        kills += 1
        kept = anyio.run(everything_in, path)
        horizon = max(confirmed) + 1
        cancelled = horizon - horizon % CANCELS_EVERY
        expected = {number for number in confirmed if number % 5 or number >= cancelled}
        assert expected - kept == set()
    assert kills >= 5


def killed(path: Path, first: int, writes: int, seconds: float) -> set[int]:
    """What a child confirmed that was killed so long after so many writes."""
    command = [sys.executable, "-m", "tests.crash_child", str(path), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(writes)]
        select.select([], [], [], seconds)
        child.kill()
        lines += child.stdout.readlines()
    return {int(line.split()[0]) for line in lines if line.endswith("\n")}


async def everything_in(path: Path) -> set[int]:
    """The numbers of all things in the file."""
    with closing(open_database(path, MIGRATIONS)) as database:
        assert database.failure is None
        texts = [str(row["label"]) for row in await SqliteTimerStore(database).load()]
        texts += [text for _, _, text in await SqliteNoteStore(database).all()]
        lists = SqliteListStore(database)
        for name in await lists.names():
            texts += await lists.items(name)
        facts = await Facts(database).newest(10_000)
        texts += [fact.text for fact in facts]
        found = [await Facts(database).with_every_word(fact.text, 1) for fact in facts]
        assert found == [[fact] for fact in facts]  # the index of words is as whole as the table
        texts += [exchange.said for exchange in await SqliteConversation(database).newest(10_000, 0.0)]
    return {int(text.removeprefix("thing ")) for text in texts}
