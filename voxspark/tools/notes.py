"""Notes: short texts, found again by their words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Protocol

from voxspark.errors import ToolError
from voxspark.tools import phrases
from voxspark.tools.folding import key
from voxspark.tools.registry import Tool, tool, tools_of
from voxspark.tools.undo import Undo

MOST_NOTES = 1_000
LONGEST_NOTE = 1_000
MOST_SAID = 5
"""Notes read out; of the rest, only the number."""

LONGEST_QUOTE = 60
"""Characters of a note by which it is named."""

_FILLERS = frozenset(["about", "that", "note", "with", "of", "on", "for", "from", "in", "to", "is", "are", "was"])

StoredNote = tuple[int, float, str]
"""(number, seconds since the epoch, text)."""


class NoteStore(Protocol):
    """Where notes are kept; all raise ToolError."""

    async def all(self) -> list[StoredNote]:
        """Oldest first."""
        ...

    async def put(self, taken_utc: float, text: str) -> int:
        """Write a note; its number."""
        ...

    async def remove(self, number: int) -> None:
        """Delete a note."""
        ...


class MemoryNoteStore:
    """Notes that end with the process."""

    def __init__(self) -> None:
        self._notes: dict[int, tuple[float, str]] = {}
        self._count = 0

    async def all(self) -> list[StoredNote]:
        """See NoteStore."""
        return sorted(((number, *note) for number, note in self._notes.items()), key=lambda note: (note[1], note[0]))

    async def put(self, taken_utc: float, text: str) -> int:
        """See NoteStore."""
        self._count += 1
        self._notes[self._count] = (taken_utc, text)
        return self._count

    async def remove(self, number: int) -> None:
        """See NoteStore."""
        self._notes.pop(number, None)


class Notes:
    """What can be said about notes. `now` gives aware local time."""

    def __init__(self, store: NoteStore, undo: Undo, now: Callable[[], datetime]) -> None:
        self._store = store
        self._undo = undo
        self._now = now

    @property
    def tools(self) -> tuple[Tool, ...]:
        """delete_note, read_notes, take_note."""
        return tools_of(self)

    @tool(permission="act", fate="owner")
    async def take_note(self, text: Annotated[str, "What to write down, in the user's words."]) -> str:
        """Write down a note."""
        text = " ".join(text.split())
        if not text:
            raise ToolError("note-empty", "What should I write down?")
        if len(text) > LONGEST_NOTE:
            raise ToolError("note-long", "That is too long for a note.")
        if len(await self._store.all()) >= MOST_NOTES:
            raise ToolError("notes-full", f"I can keep {MOST_NOTES} notes.", "Delete some first.")
        number = await self._store.put(self._now().timestamp(), text)

        async def back() -> str:
            await self._store.remove(number)
            return "The note is gone."

        self._undo.remember(back)
        return f"Noted: {_ended(text)}"

    @tool(permission="read", fate="turn")
    async def read_notes(self, about: Annotated[str, "Words to look for; empty for the newest notes."] = "") -> str:
        """Read the newest notes, or those about something."""
        notes = await self._store.all()
        found = _about(about, notes)
        if not found:
            return f"You have no note about {about.strip()[:LONGEST_QUOTE]}." if notes else "You have no notes."
        said = [self._describe(note) for note in reversed(found[-MOST_SAID:])]
        which = "note" if len(found) == 1 else f"{len(found)} notes"
        more = f" And {len(found) - MOST_SAID} older ones." if len(found) > MOST_SAID else ""
        return f"{'One' if len(found) == 1 else 'You have'} {which}: {' '.join(said)}{more}"

    @tool(permission="act", fate="owner")
    async def delete_note(
        self,
        about: Annotated[str, "Words that tell which; empty with last."] = "",
        last: Annotated[bool, "True for the newest note."] = False,
    ) -> str:
        """Delete one note."""
        notes = await self._store.all()
        found = notes[-1:] if last else _about(about, notes)
        if not found:
            missing = f"You have no note about {about.strip()[:LONGEST_QUOTE]}." if notes else "You have no notes."
            raise ToolError("note-unknown", missing)
        if len(found) > 1:
            choices = phrases.join([_quote(text) for _, _, text in found[-3:]], "or")
            raise ToolError("note-ambiguous", f"Which note should I delete: {choices}?")
        ((number, taken_utc, text),) = found
        await self._store.remove(number)

        async def back() -> str:
            await self._store.put(taken_utc, text)
            return f"The note is back: {_ended(text)}"

        self._undo.remember(back)
        return f"Deleted the note: {_ended(_quote(text))}"

    def _describe(self, note: StoredNote) -> str:
        _, taken_utc, text = note
        now = self._now()
        taken = datetime.fromtimestamp(taken_utc, UTC).astimezone(now.tzinfo)
        days = (now.date() - taken.date()).days
        when = {0: "today", 1: "yesterday"}.get(days, f"on {taken:%B} {taken.day}")
        return f"{when[0].upper()}{when[1:]}, {_ended(text)}"


def _about(query: str, notes: list[StoredNote]) -> list[StoredNote]:
    """Notes with every word of the query that means something; all notes for an empty one."""
    words = {word for word in key(query).split() if word not in _FILLERS}
    return [note for note in notes if words <= set(key(note[2]).split())]


def _quote(text: str) -> str:
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE].rsplit(' ', 1)[0]} …"


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
