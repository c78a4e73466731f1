"""Notes: taken, read, found, deleted, brought back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.in_memory import MemoryNoteStore
from voxspark.errors import ToolError
from voxspark.tools.notes import LONGEST_NOTE, MOST_NOTES, Notes
from voxspark.tools.undo import Undo

pytestmark = pytest.mark.anyio


class World:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
        self.store = MemoryNoteStore()
        self.undo = Undo()
        self.notes = Notes(self.store, self.undo, lambda: self.now)

    async def texts(self) -> list[str]:
        return [text for _, _, text in await self.store.all()]


@pytest.fixture
async def world() -> World:
    """With three notes, taken on three days."""
    world = World()
    for text in ("the boiler is broken", "Anna's birthday is in May", "the car is in row 7"):
        assert await world.notes.take_note(text) == f"Noted: {text}."
        world.now += timedelta(days=2)
    world.now -= timedelta(days=1)
    return world


async def test_reading_the_newest_first(world: World) -> None:
    assert await world.notes.read_notes() == (
        "You have 3 notes: Yesterday, the car is in row 7. On November 22, Anna's birthday is in May. "
        "On November 20, the boiler is broken."
    )
    for number in range(5):
        await world.notes.take_note(f"number {number}")
    said = await world.notes.read_notes()
    assert said.startswith("You have 8 notes: Today, number 4.")
    assert said.endswith("And 3 older ones.")


@pytest.mark.parametrize(
    ("about", "found"),
    [
        ("boilers", "the boiler is broken"),
        ("about Anna's birthday", "Anna's birthday is in May"),
        ("the CAR", "the car is in row 7"),
        ("car boiler", ""),
        ("%", ""),
    ],
)
async def test_searching(world: World, about: str, found: str) -> None:
    said = await world.notes.read_notes(about)
    assert said.endswith(f"{found}.") if found else said == f"You have no note about {about}."
    assert said.count(".") == 1


async def test_deleting_and_bringing_back(world: World) -> None:
    assert await world.notes.delete_note("boiler") == "Deleted the note: the boiler is broken."
    assert await world.undo.undo() == "The note is back: the boiler is broken."
    assert await world.texts() == ["the boiler is broken", "Anna's birthday is in May", "the car is in row 7"]
    assert await world.notes.delete_note(last=True) == "Deleted the note: the car is in row 7."
    await world.notes.take_note("the boiler is fixed")
    with pytest.raises(ToolError, match="Which note should I delete: the boiler is broken or the boiler is fixed"):
        await world.notes.delete_note("boiler")
    with pytest.raises(ToolError, match="no note about parking"):
        await world.notes.delete_note("parking")
    assert len(await world.texts()) == 3


async def test_a_note_can_be_taken_back(world: World) -> None:
    await world.notes.take_note("oops")
    assert await world.undo.undo() == "The note is gone."
    assert len(await world.texts()) == 3


async def test_nothing_there() -> None:
    notes = World().notes
    assert await notes.read_notes() == "You have no notes."
    with pytest.raises(ToolError, match="You have no notes"):
        await notes.delete_note("boiler")


async def test_bounds() -> None:
    world = World()
    for text, code in [("  ", "note-empty"), ("x" * (LONGEST_NOTE + 1), "note-long")]:
        with pytest.raises(ToolError) as raised:
            await world.notes.take_note(text)
        assert raised.value.code == code
    for number in range(MOST_NOTES):
        await world.store.put(0.0, f"{number}")
    with pytest.raises(ToolError, match="1000 notes"):
        await world.notes.take_note("one more")
