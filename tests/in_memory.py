"""What keeps in memory what the daemon keeps on disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from voxspark.tools.notes import StoredNote


class RecentCalls:
    """The newest calls, in memory only."""

    def __init__(self) -> None:
        self.lines: deque[dict[str, object]] = deque(maxlen=1_000)

    def note(self, **fields: object) -> None:
        """See `mediator.Audit.note`."""
        self.lines.append(fields)


class MemoryListStore:
    """Lists that end with the process."""

    def __init__(self) -> None:
        self._lists: dict[str, list[str]] = {}

    async def names(self) -> list[str]:
        """See ListStore."""
        return sorted(name for name, items in self._lists.items() if items)

    async def items(self, name: str) -> list[str]:
        """See ListStore."""
        return list(self._lists.get(name, []))

    async def update(self, name: str, change: Callable[[list[str]], Sequence[str]]) -> list[str]:
        """See ListStore."""
        before = await self.items(name)
        self._lists[name] = list(change(list(before)))
        return before


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
