"""Notes on disk."""

from __future__ import annotations

from voxspark.memory.database import Database

SCHEMA = """
CREATE TABLE note (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    taken_utc REAL NOT NULL,
    text TEXT NOT NULL
) STRICT
"""


class SqliteNoteStore:
    """Implements `tools.notes.NoteStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[tuple[int, float, str]]:
        """(number, taken_utc, text) of every note, oldest first. Raises ToolError."""
        query = "SELECT number, taken_utc, text FROM note ORDER BY taken_utc, number"
        return await self._database.read(lambda sql: [tuple(row) for row in sql.execute(query)])

    async def put(self, taken_utc: float, text: str) -> int:
        """Write a note; its number. Raises ToolError."""
        insert = "INSERT INTO note (taken_utc, text) VALUES (?, ?)"
        number = await self._database.write(lambda sql: sql.execute(insert, (taken_utc, text)).lastrowid)
        assert number is not None
        return number

    async def remove(self, number: int) -> None:
        """Delete a note. Raises ToolError."""
        await self._database.write(lambda sql: sql.execute("DELETE FROM note WHERE number = ?", (number,)))
