"""Vectors of facts: kept as BLOBs with their model, compared by numpy or, where it is loaded, by sqlite-vec.

Both look at the same BLOBs, so a file may move to a machine with the other. Milliseconds for the nearest of 10,000 (of
50,000) vectors of 768 values, on two busy cores (`python -m bench.agent`):

    numpy, matrix in memory               3   (25), and 31 MB (154 MB)
    numpy, matrix read first             90  (900)
    sqlite-vec                           52  (300), and no memory
    sqlite-vec, the user's tenth of them  8   (38)

So the matrix answers, and sqlite-vec steps in while most of it is missing (after a start or a removal, until the
indexing has read it between turns), and for good when it would be large.
"""

from __future__ import annotations

import sqlite3
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from voxspark.memory.extension import compares_vectors

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
"""A number is never used twice: how many there are, and how many after the newest known, tells what has changed."""

FIRST_ROOM = 256
"""Vectors; doubled when it is full."""

READ_AT_ONCE = 1_000

READING_COST = 2
"""Reading a vector into the matrix takes as long as comparing so many in SQL."""

LARGEST_MATRIX_BYTES = 256 << 20
"""87,000 vectors of 768 values; so many are documents, and what the user told is found quickly in SQL, too."""

Vector: TypeAlias = NDArray[np.float32]
"""Of length 1."""


def unit(values: list[float]) -> Vector:
    """The vector with length 1. Raises ValueError when it has no direction."""
    vector = np.asarray(values, dtype=np.float32)
    length = float(np.linalg.norm(vector)) if vector.ndim == 1 else 0.0
    if not (np.isfinite(length) and length > 0):
        raise ValueError("a vector without direction")
    return vector / np.float32(length)


class Vectors:
    """Finds the nearest in either way; one thread at a time."""

    def __init__(self) -> None:
        self._matrix = Matrix()

    def nearest(
        self, sql: sqlite3.Connection, model: str, vector: Vector, users: bool, limit: int
    ) -> list[tuple[int, float]]:
        """(fact, cosine), nearest first; what the user told, or what strangers wrote."""
        count, known = self._matrix.look(sql, model, len(vector))
        if (READING_COST * (count - known) > count or _is_large(count, len(vector))) and compares_vectors(sql):
            return nearest_in_sql(sql, model, vector, users, limit)
        self._matrix.read(sql, count)
        return self._matrix.nearest(vector, users, limit)

    def warm(self, sql: sqlite3.Connection, model: str) -> None:
        """Read the vectors now, so that the next search need not."""
        query = "SELECT dimension FROM fact_vector WHERE model = ? LIMIT 1"
        if (row := sql.execute(query, (model,)).fetchone()) is None:
            return
        count, _ = self._matrix.look(sql, model, row[0])
        if _is_large(count, row[0]) and compares_vectors(sql):
            self._matrix = Matrix()
        else:
            self._matrix.read(sql, count)


def _is_large(count: int, dimension: int) -> bool:
    return 4 * count * dimension > LARGEST_MATRIX_BYTES


def nearest_in_sql(
    sql: sqlite3.Connection, model: str, vector: Vector, users: bool, limit: int
) -> list[tuple[int, float]]:
    """As `Matrix.nearest`, by a connection that compares vectors."""
    # CROSS JOIN keeps this order: what the user told is little beside the documents
    query = """SELECT fact_vector.fact, 1 - vec_distance_cosine(vector, ?) AS cosine
        FROM fact CROSS JOIN fact_vector ON fact_vector.fact = fact.number
        WHERE trust = ? AND model = ? AND dimension = ? AND length(vector) = 4 * dimension
        ORDER BY cosine DESC, fact_vector.fact LIMIT ?"""
    trust = "user" if users else "stranger"
    rows = sql.execute(query, (vector.tobytes(), trust, model, len(vector), limit))
    return [(fact, cosine) for fact, cosine in rows if cosine is not None]


class Matrix:
    """The vectors of one model and dimension in memory."""

    def __init__(self) -> None:
        self._clear("", 0)

    def _clear(self, model: str, dimension: int) -> None:
        self._of = (model, dimension)
        self._count = 0
        self._newest = 0
        self._facts = np.zeros(FIRST_ROOM, np.int64)
        self._users = np.zeros(FIRST_ROOM, np.bool_)
        self._vectors = np.zeros((FIRST_ROOM, dimension), np.float32)

    def look(self, sql: sqlite3.Connection, model: str, dimension: int) -> tuple[int, int]:
        """(how many there are, how many of them are here): none once one has been removed or replaced."""
        query = "SELECT count(*), count(*) FILTER (WHERE number > ?) FROM fact_vector WHERE model = ? AND dimension = ?"
        count, newer = sql.execute(query, (self._newest, model, dimension)).fetchone()
        if (model, dimension) != self._of or self._count + newer != count:
            self._clear(model, dimension)
        return count, self._count

    def read(self, sql: sqlite3.Connection, count: int) -> None:
        """What is not here yet of so many, in the transaction of the look."""
        if self._count == count:
            return
        self._make_room(count)
        # NOT INDEXED: in the order of the file nothing has to be sorted
        query = """SELECT fact_vector.number, fact, trust = 'user', vector FROM fact_vector NOT INDEXED
            JOIN fact ON fact.number = fact WHERE model = ? AND dimension = ? AND fact_vector.number > ?
            ORDER BY fact_vector.number"""
        found = sql.execute(query, (*self._of, self._newest))
        while rows := found.fetchmany(READ_AT_ONCE):
            self._append(rows)

    def _append(self, rows: list[tuple[int, int, int, bytes]]) -> None:
        """What is no vector of this dimension becomes NaN."""
        numbers, facts, users, blobs = zip(*rows, strict=True)
        here = slice(self._count, self._count + len(rows))
        self._facts[here], self._users[here] = facts, users
        nothing = bytes(4 * self._of[1])
        whole = b"".join(blob if len(blob) == len(nothing) else nothing for blob in blobs)
        vectors = np.frombuffer(whole, np.float32).reshape(len(rows), -1)
        with np.errstate(all="ignore"):
            self._vectors[here] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        self._count, self._newest = here.stop, numbers[-1]

    def _make_room(self, count: int) -> None:
        if count > len(self._facts):
            more = max(count, 2 * len(self._facts)) - len(self._facts)
            self._facts = np.pad(self._facts, (0, more))
            self._users = np.pad(self._users, (0, more))
            self._vectors = np.pad(self._vectors, ((0, more), (0, 0)))

    def nearest(self, vector: Vector, users: bool, limit: int) -> list[tuple[int, float]]:
        """(fact, cosine), nearest first; what the user told, or what strangers wrote."""
        # not `@`: the threads of a BLAS wait for each other when the machine is busy
        cosines = np.einsum("ij,j->i", self._vectors[: self._count], vector)
        rows = np.flatnonzero((self._users[: self._count] == users) & np.isfinite(cosines))
        if not len(rows):
            return []
        cosines = cosines[rows]
        best = np.argpartition(-cosines, min(limit, len(rows)) - 1)[:limit]
        best = best[np.argsort(-cosines[best], kind="stable")]
        return [(int(self._facts[rows[at]]), float(cosines[at])) for at in best]
