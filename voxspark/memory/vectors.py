"""Vectors of facts: kept as BLOBs with their model, searched by brute force."""

from __future__ import annotations

import sqlite3
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

SCHEMA = """
CREATE TABLE fact_vector (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    fact INTEGER NOT NULL UNIQUE REFERENCES fact (number) ON DELETE CASCADE,
    model TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    vector BLOB NOT NULL
) STRICT;
CREATE INDEX fact_vector_by_model ON fact_vector (model, dimension, fact);
"""
"""A number is never used twice: the newest number and the count tell whether anything has changed."""

FIRST_ROOM = 256
"""Vectors; doubled when it is full."""

Vector: TypeAlias = NDArray[np.float32]
"""Of length 1."""


def unit(values: list[float]) -> Vector:
    """The vector with length 1. Raises ValueError when it has no direction."""
    vector = np.asarray(values, dtype=np.float32)
    length = float(np.linalg.norm(vector)) if vector.ndim == 1 else 0.0
    if not (np.isfinite(length) and length > 0):
        raise ValueError("a vector without direction")
    return vector / np.float32(length)


class Matrix:
    """The vectors of one model and dimension, brought up to date before each search; one thread at a time."""

    def __init__(self) -> None:
        self._clear("", 0)

    def _clear(self, model: str, dimension: int) -> None:
        self._of = (model, dimension)
        self._count = 0
        self._newest = 0
        self._facts = np.zeros(FIRST_ROOM, np.int64)
        self._users = np.zeros(FIRST_ROOM, np.bool_)
        self._vectors = np.zeros((FIRST_ROOM, dimension), np.float32)

    def refresh(self, sql: sqlite3.Connection, model: str, dimension: int) -> None:
        """Read what is new; everything, when something has been removed or replaced."""
        if (model, dimension) != self._of:
            self._clear(model, dimension)
        query = "SELECT count(*), coalesce(max(number), 0) FROM fact_vector WHERE model = ? AND dimension = ?"
        count, newest = sql.execute(query, self._of).fetchone()
        if (count, newest) == (self._count, self._newest):
            return
        if not self._append(sql, count):
            self._clear(model, dimension)
            self._append(sql, count)

    def _append(self, sql: sqlite3.Connection, count: int) -> bool:
        """Whether the matrix is complete with the vectors after the newest known."""
        query = """SELECT fact_vector.number, fact, trust = 'user', vector FROM fact_vector
            JOIN fact ON fact.number = fact WHERE model = ? AND dimension = ? AND fact_vector.number > ?
            ORDER BY fact_vector.number"""
        rows = sql.execute(query, (*self._of, self._newest)).fetchall()
        if self._count + len(rows) != count:
            return False
        self._make_room(count)
        for at, (number, fact, is_users, vector) in enumerate(rows, self._count):
            self._facts[at], self._users[at], self._newest = fact, is_users, number
            self._vectors[at] = np.frombuffer(vector, np.float32)
        self._count = count
        return True

    def _make_room(self, count: int) -> None:
        if count > len(self._facts):
            more = max(count, 2 * len(self._facts)) - len(self._facts)
            self._facts = np.pad(self._facts, (0, more))
            self._users = np.pad(self._users, (0, more))
            self._vectors = np.pad(self._vectors, ((0, more), (0, 0)))

    def nearest(self, vector: Vector, users: bool, limit: int) -> list[tuple[int, float]]:
        """(fact, cosine), nearest first; what the user told, or what strangers wrote."""
        rows = np.flatnonzero(self._users[: self._count] == users)
        if not len(rows):
            return []
        # not `@`: the threads of a BLAS wait for each other when the machine is busy
        cosines = np.einsum("ij,j->i", self._vectors[: self._count], vector)[rows]
        best = np.argpartition(-cosines, min(limit, len(rows)) - 1)[:limit]
        best = best[np.argsort(-cosines[best], kind="stable")]
        return [(int(self._facts[rows[at]]), float(cosines[at])) for at in best]
