"""Lists on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from voxspark.memory.database import Database

SCHEMA = """
CREATE TABLE list_item (
    list TEXT NOT NULL,
    position INTEGER NOT NULL,
    item TEXT NOT NULL,
    PRIMARY KEY (list, position)
) STRICT, WITHOUT ROWID
"""


class SqliteListStore:
    """Implements `tools.lists.ListStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def names(self) -> list[str]:
        """Lists that are not empty, by name. Raises ToolError."""
        query = "SELECT DISTINCT list FROM list_item ORDER BY list"
        return await self._database.read(lambda sql: [row[0] for row in sql.execute(query)])

    async def items(self, name: str) -> list[str]:
        """The items of a list; none when there is no such list. Raises ToolError."""
        return await self._database.read(lambda sql: _items(sql, name))

    async def update(self, name: str, change: Callable[[list[str]], Sequence[str]]) -> list[str]:
        """Replace the items by what `change` makes of them; what they were before. Raises ToolError."""

        def work(sql: sqlite3.Connection) -> list[str]:
            before = _items(sql, name)
            after = change(list(before))
            sql.execute("DELETE FROM list_item WHERE list = ?", (name,))
            sql.executemany("INSERT INTO list_item VALUES (?, ?, ?)", [(name, *entry) for entry in enumerate(after)])
            return before

        return await self._database.write(work)


def _items(sql: sqlite3.Connection, name: str) -> list[str]:
    query = "SELECT item FROM list_item WHERE list = ? ORDER BY position"
    return [row[0] for row in sql.execute(query, (name,))]
