"""The conversation on disk: it goes on after a restart, for as many days as the configuration keeps it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from voxspark.memory.database import Database
from voxspark.memory.history import Exchange
from voxspark.types import Action

SCHEMA = """
CREATE TABLE exchange (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at_utc REAL NOT NULL,
    said TEXT NOT NULL,
    heard TEXT NOT NULL,
    actions TEXT NOT NULL,
    interrupted INTEGER NOT NULL,
    by_strangers INTEGER NOT NULL
) STRICT;
CREATE INDEX exchange_by_time ON exchange (at_utc);
"""

_COLUMNS = "at_utc, said, heard, actions, interrupted, by_strangers"


class SqliteConversation:
    """Implements `memory.history.ConversationStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, limit: int, since_utc: float) -> list[Exchange]:
        """Oldest first. Raises ToolError."""
        query = f"SELECT {_COLUMNS} FROM exchange WHERE at_utc >= ? ORDER BY number DESC LIMIT ?"
        rows = await self._database.read(lambda sql: sql.execute(query, (since_utc, limit)).fetchall())
        return [_exchange(row) for row in reversed(rows)]

    async def put(self, exchanges: Sequence[Exchange], keep_since_utc: float) -> None:
        """Add these, and drop what is older than that. Raises ToolError."""
        rows = [
            (e.at_utc, e.said, e.heard, _as_json(e.actions), int(e.interrupted), int(e.by_strangers)) for e in exchanges
        ]

        def change(sql: sqlite3.Connection) -> None:
            sql.executemany(f"INSERT INTO exchange ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", rows)
            sql.execute("DELETE FROM exchange WHERE at_utc < ?", (keep_since_utc,))

        await self._database.write(change)

    async def clear(self) -> None:
        """Forget all of it. Raises ToolError."""
        await self._database.write(lambda sql: sql.execute("DELETE FROM exchange"))


def _as_json(actions: Sequence[Action]) -> str:
    return json.dumps([[a.tool, a.arguments, a.result] for a in actions], ensure_ascii=False, default=str)


def _exchange(row: sqlite3.Row) -> Exchange:
    at_utc, said, heard, actions, interrupted, by_strangers = row
    done = tuple(Action(*each) for each in json.loads(actions))
    return Exchange(at_utc, said, heard, done, bool(interrupted), bool(by_strangers))
