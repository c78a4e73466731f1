"""A daemon in miniature that is killed: it confirms each write on standard output, once the tool has said so.

Arguments: the file, and the number of the first write.
"""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

import anyio

from voxspark.memory.database import open_database
from voxspark.memory.list_store import SqliteListStore
from voxspark.memory.note_store import SqliteNoteStore
from voxspark.memory.schema import MIGRATIONS
from voxspark.memory.timer_store import SqliteTimerStore
from voxspark.tools.lists import Lists
from voxspark.tools.notes import Notes
from voxspark.tools.timers import Timers
from voxspark.tools.undo import Undo
from voxspark.tools.wall_time import local_now

CANCELS_EVERY = 30
"""Before such a number all reminders are cancelled."""


async def main(path: Path, first: int) -> None:
    """Write for ever: numbers that are 0, 1 and 2 modulo 3 are reminders, list items and notes."""
    database = open_database(path, MIGRATIONS)
    assert database.failure is None, database.failure
    timers = Timers(time.monotonic, store=SqliteTimerStore(database))
    await timers.restore()
    lists = Lists(SqliteListStore(database), Undo())
    notes = Notes(SqliteNoteStore(database), Undo(), local_now)
    for number in itertools.count(first):
        if number % 3 == 0:
            if number % CANCELS_EVERY == 0 and timers.running:
                await timers.cancel_timer(kind="reminder", everything=True)
            said = await timers.set_reminder(f"thing {number}", seconds=3600)
        elif number % 3 == 1:
            said = await lists.add_to_list([f"thing {number}"], f"list {number % 7}")
        else:
            said = await notes.take_note(f"thing {number}")
        sys.stdout.write(f"{number} {said}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), int(sys.argv[2]))
