"""Notes: short texts, found again by their words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Protocol

from voxspark.errors import ToolError
from voxspark.tools.folding import key
from voxspark.tools.phrases import Date, Listing, say
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
            raise ToolError("note-empty", say("What should I write down?"))
        if len(text) > LONGEST_NOTE:
            raise ToolError("note-long", say("That is too long for a note."))
        if len(await self._store.all()) >= MOST_NOTES:
            raise ToolError("notes-full", say("I can keep {count} notes.", count=MOST_NOTES), "Delete some first.")
        number = await self._store.put(self._now().timestamp(), text)

        async def back() -> str:
            await self._store.remove(number)
            return say("The note is gone.")

        self._undo.remember(back)
        return say("Noted: {text}", text=_ended(text))

    @tool(permission="read", fate="turn")
    async def read_notes(self, about: Annotated[str, "Words to look for; empty for the newest notes."] = "") -> str:
        """Read the newest notes, or those about something."""
        notes = await self._store.all()
        found = _about(about, notes)
        if not found:
            return _none(about, notes)
        said = [self._describe(note) for note in reversed(found[-MOST_SAID:])]
        if len(found) > MOST_SAID:
            said.append(say("And {count} older ones.", count=len(found) - MOST_SAID))
        told = "One note: {notes}" if len(found) == 1 else "You have {count} notes: {notes}"
        return say(told, count=len(found), notes=" ".join(said))

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
            raise ToolError("note-unknown", _none(about, notes))
        if len(found) > 1:
            choices = Listing([_quote(text) for _, _, text in found[-3:]], "or")
            raise ToolError("note-ambiguous", say("Which note should I delete: {choices}?", choices=choices))
        ((number, taken_utc, text),) = found
        await self._store.remove(number)

        async def back() -> str:
            await self._store.put(taken_utc, text)
            return say("The note is back: {text}", text=_ended(text))

        self._undo.remember(back)
        return say("Deleted the note: {text}", text=_ended(_quote(text)))

    def _describe(self, note: StoredNote) -> str:
        _, taken_utc, text = note
        now = self._now()
        taken = datetime.fromtimestamp(taken_utc, UTC).astimezone(now.tzinfo)
        days = (now.date() - taken.date()).days
        told = {0: "Today, {text}", 1: "Yesterday, {text}"}.get(days, "On {date:short}, {text}")
        return say(told, date=Date(taken.date()), text=_ended(text))


def _about(query: str, notes: list[StoredNote]) -> list[StoredNote]:
    """Notes with every word of the query that means something; all notes for an empty one."""
    words = {word for word in key(query).split() if word not in _FILLERS}
    return [note for note in notes if words <= set(key(note[2]).split())]


def _none(about: str, notes: list[StoredNote]) -> str:
    if not notes:
        return say("You have no notes.")
    return say("You have no note about {about}.", about=about.strip()[:LONGEST_QUOTE])


def _quote(text: str) -> str:
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE].rsplit(' ', 1)[0]} …"


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
