"""Timers, alarms and reminders on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from voxspark.memory.database import Database

SCHEMA = """
CREATE TABLE timer (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('timer', 'alarm', 'reminder')),
    label TEXT NOT NULL,
    seconds INTEGER NOT NULL,
    due_utc REAL,
    left_seconds REAL,
    due_local TEXT,
    zone TEXT,
    weekdays TEXT,
    CHECK ((due_utc IS NOT NULL) + (left_seconds IS NOT NULL) + (due_local IS NOT NULL) = 1)
) STRICT
"""
"""What counts down has an instant (`due_utc`, seconds since the epoch) or, while paused, `left_seconds`. What follows
the clock on the wall has its local time (`2026-11-24T07:00`), the IANA zone that is in (empty: wherever the machine is)
and the weekdays on which it repeats (`01234`, Monday is 0)."""

COLUMNS = ("number", "kind", "label", "seconds", "due_utc", "left_seconds", "due_local", "zone", "weekdays")

_REPLACE = f"REPLACE INTO timer ({', '.join(COLUMNS)}) VALUES ({', '.join(f':{name}' for name in COLUMNS)})"


class SqliteTimerStore:
    """Implements `tools.timer_book.TimerStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> list[dict[str, str | int | float | None]]:
        """Every row, by number. Raises ToolError."""
        return await self._database.read(lambda sql: [dict(row) for row in sql.execute("SELECT * FROM timer")])

    async def save(self, changed: Sequence[Mapping[str, str | int | float | None]], gone: Sequence[int]) -> None:
        """Write these rows and delete those numbers, all or nothing. Raises ToolError."""
        await self._database.write(
            lambda sql: (
                sql.executemany(_REPLACE, changed),
                sql.executemany("DELETE FROM timer WHERE number = ?", [(number,) for number in gone]),
            )
        )
