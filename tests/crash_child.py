"""A daemon in miniature that is killed: it confirms each write on standard output, once the tool has said so.

Arguments: the file, and the number of the first write.
"""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

import anyio

from voxspark.memory.conversation_store import SqliteConversation
from voxspark.memory.database import open_database
from voxspark.memory.facts import Facts
from voxspark.memory.history import Exchange
from voxspark.memory.list_store import SqliteListStore
from voxspark.memory.note_store import SqliteNoteStore
from voxspark.memory.recall import Recall
from voxspark.memory.schema import MIGRATIONS
from voxspark.memory.timer_store import SqliteTimerStore
from voxspark.tools.lists import Lists
from voxspark.tools.notes import Notes
from voxspark.tools.remembering import Remembering
from voxspark.tools.timers import Timers
from voxspark.tools.undo import Undo
from voxspark.tools.wall_time import local_now
from voxspark.types import Action

CANCELS_EVERY = 30
"""Before such a number all reminders are cancelled."""


async def main(path: Path, first: int) -> None:
    """Write for ever: numbers that are 0 to 4 modulo 5 are reminders, list items, notes, facts and what was said."""
    database = open_database(path, MIGRATIONS)
    assert database.failure is None, database.failure
    timers = Timers(time.monotonic, store=SqliteTimerStore(database))
    await timers.restore()
    lists = Lists(SqliteListStore(database), Undo())
    notes = Notes(SqliteNoteStore(database), Undo(), local_now)
    memory = Remembering(Recall(Facts(database)), Undo(), local_now)
    conversation = SqliteConversation(database)
    for number in itertools.count(first):
        if number % 5 == 0:
            if number % CANCELS_EVERY == 0 and timers.running:
                await timers.cancel_timer(kind="reminder", everything=True)
            said = await timers.set_reminder(f"thing {number}", seconds=3600)
        elif number % 5 == 1:
            said = await lists.add_to_list([f"thing {number}"], f"list {number % 7}")
        elif number % 5 == 2:
            said = await notes.take_note(f"thing {number}")
        elif number % 5 == 3:
            said = await memory.remember(f"thing {number}")
        else:
            said = f"thing {number}"
            await conversation.put([Exchange(time.time(), said, "Good.", (Action("note", {}, said),))], 0.0)
        sys.stdout.write(f"{number} {said}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), int(sys.argv[2]))
