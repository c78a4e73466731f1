"""What is remembered: facts the user told, and passages of documents; found by words and by meaning."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from voxspark.memory.database import Database
from voxspark.memory.vectors import SCHEMA as VECTOR_SCHEMA
from voxspark.memory.vectors import Vector, Vectors

SCHEMA = f"""
CREATE TABLE fact (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    text TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('fact', 'passage')),
    source TEXT NOT NULL,
    position TEXT NOT NULL,
    trust TEXT NOT NULL CHECK (trust IN ('user', 'stranger')),
    created_utc REAL NOT NULL,
    used_utc REAL NOT NULL
) STRICT;
CREATE INDEX fact_by_trust ON fact (trust, created_utc);
CREATE INDEX fact_by_source ON fact (source);
CREATE VIRTUAL TABLE fact_words USING fts5(
    text, content='fact', content_rowid='number', tokenize='porter unicode61 remove_diacritics 2'
);
CREATE TRIGGER fact_added AFTER INSERT ON fact BEGIN
    INSERT INTO fact_words (rowid, text) VALUES (new.number, new.text);
END;
CREATE TRIGGER fact_removed AFTER DELETE ON fact BEGIN
    INSERT INTO fact_words (fact_words, rowid, text) VALUES ('delete', old.number, old.text);
END;
{VECTOR_SCHEMA}
"""
"""`source` is empty for what was said, else the document; `position` is where in it, in words: `page 3`."""

MOST_QUERY_WORDS = 12
"""Words that are looked for; the longest say most."""

MOST_PER_STATEMENT = 500
"""Values of one SQL statement; SQLite allows 999 or more."""

_STOP_WORDS = """
a about again all also am an and any are as at be been but by can could did do does for from get got had has have he her
hers him his how i if in into is it its just know let like ll me mine my no not of on or our ours please re remember
remind s said say she should so some t tell than that the their them then there these they this those to told too up us
ve was we were what when where which who whom whose why will with would yes you your yours
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""English words that are in every sentence, and those with which one asks for a memory."""

Trust = Literal["user", "stranger"]
"""Who wrote it."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is remembered."""

    number: int
    text: str
    kind: Literal["fact", "passage"]
    source: str
    """Empty for what the user said; else the path of the document."""
    position: str
    """Where in the document."""
    trust: Trust
    created_utc: float
    used_utc: float
    """When it was last asked for."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file that is remembered."""

    source: str
    passages: int
    created_utc: float


@dataclass(frozen=True, slots=True)
class WordMatch:
    """A fact with some of the words."""

    number: int
    share: float
    """Of the words that were looked for."""


class Facts:
    """The table of facts. Every method raises ToolError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._vectors = Vectors()

    # ── writing ─────────────────────────────────────────────────────────────────────────────────

    async def add(self, text: str, created_utc: float) -> tuple[int, bool]:
        """Remember what the user said: (number, whether it is new)."""

        def work(sql: sqlite3.Connection) -> tuple[int, bool]:
            known = "SELECT number FROM fact WHERE trust = 'user' AND text = ? COLLATE NOCASE"
            if (row := sql.execute(known, (text,)).fetchone()) is not None:
                return row[0], False
            number = sql.execute(_INSERT, (text, "fact", "", "", "user", created_utc, created_utc)).lastrowid
            assert number is not None
            return number, True

        return await self._database.write(work)

    async def put_document(self, source: str, passages: Iterable[tuple[str, str]], created_utc: float) -> int:
        """Replace a document by these (position, text); how many."""
        rows = [(text, "passage", source, where, "stranger", created_utc, created_utc) for where, text in passages]

        def work(sql: sqlite3.Connection) -> int:
            sql.execute("DELETE FROM fact WHERE source = ?", (source,))
            sql.executemany(_INSERT, rows)
            return len(rows)

        return await self._database.write(work)

    async def remove(self, numbers: Sequence[int]) -> None:
        """Forget these facts."""
        statement = "DELETE FROM fact WHERE number = ?"
        await self._database.write(lambda sql: sql.executemany(statement, [(number,) for number in numbers]))

    async def remove_document(self, source: str) -> int:
        """Forget a document; how many passages it had."""
        statement = "DELETE FROM fact WHERE source = ? AND kind = 'passage'"
        return await self._database.write(lambda sql: sql.execute(statement, (source,)).rowcount)

    async def touch(self, numbers: Sequence[int], used_utc: float) -> None:
        """These have been asked for."""
        statement = "UPDATE fact SET used_utc = ? WHERE number = ?"
        await self._database.write(lambda sql: sql.executemany(statement, [(used_utc, number) for number in numbers]))

    # ── reading ─────────────────────────────────────────────────────────────────────────────────

    async def all(self) -> list[Fact]:
        """Everything, oldest first."""
        return await self._database.read(lambda sql: _facts(sql.execute("SELECT * FROM fact ORDER BY number")))

    async def newest(self, limit: int) -> list[Fact]:
        """What the user told last, newest first."""
        query = "SELECT * FROM fact WHERE trust = 'user' ORDER BY created_utc DESC, number DESC LIMIT ?"
        return await self._database.read(lambda sql: _facts(sql.execute(query, (limit,))))

    async def get(self, numbers: Sequence[int]) -> list[Fact]:
        """Those that are there, in this order."""
        wanted = list(numbers)[:MOST_PER_STATEMENT]
        query = f"SELECT * FROM fact WHERE number IN ({', '.join('?' * len(wanted))})"
        found = await self._database.read(
            lambda sql: {fact.number: fact for fact in _facts(sql.execute(query, wanted))}
        )
        return [found[number] for number in wanted if number in found]

    async def count(self, trust: Trust) -> int:
        """How many."""
        query = "SELECT count(*) FROM fact WHERE trust = ?"
        return await self._database.read(lambda sql: int(sql.execute(query, (trust,)).fetchone()[0]))

    async def documents(self) -> list[Document]:
        """By path."""
        query = """SELECT source, count(*), max(created_utc) FROM fact WHERE kind = 'passage'
            GROUP BY source ORDER BY source"""
        return await self._database.read(lambda sql: [Document(*row) for row in sql.execute(query)])

    async def with_every_word(self, text: str, limit: int) -> list[Fact]:
        """What the user told that has every word of `text`, newest first."""
        if not (words := query_words(text)):
            return []
        query = """SELECT fact.* FROM fact_words JOIN fact ON number = fact_words.rowid
            WHERE fact_words MATCH ? AND trust = 'user' ORDER BY created_utc DESC, number DESC LIMIT ?"""
        return await self._database.read(lambda sql: _facts(sql.execute(query, (_match(words, "AND"), limit))))

    async def with_some_words(self, text: str, trust: Trust, limit: int) -> list[WordMatch]:
        """The best matches of the words, best first (BM25)."""
        if not (words := query_words(text)):
            return []
        query = """SELECT fact_words.rowid FROM fact_words JOIN fact ON number = fact_words.rowid
            WHERE fact_words MATCH ? AND trust = ? ORDER BY bm25(fact_words) LIMIT ?"""

        def work(sql: sqlite3.Connection) -> list[WordMatch]:
            found = [row[0] for row in sql.execute(query, (_match(words, "OR"), trust, limit))]
            # +rowid: one walk along the word's facts (0.02 ms), not an FTS query for each rowid (0.2 ms)
            has = f"SELECT rowid FROM fact_words WHERE fact_words MATCH ? AND +rowid IN ({', '.join('?' * len(found))})"
            hits = dict.fromkeys(found, 0)
            for word in words:
                for (number,) in sql.execute(has, (_match([word], ""), *found)):
                    hits[number] += 1
            return [WordMatch(number, count / len(words)) for number, count in hits.items()]

        return await self._database.read(work)

    # ── meaning ─────────────────────────────────────────────────────────────────────────────────

    async def nearest(self, model: str, vector: Vector, trust: Trust, limit: int) -> list[tuple[int, float]]:
        """(number, cosine) of the nearest of this model's vectors, nearest first."""
        return await self._database.read(lambda sql: self._vectors.nearest(sql, model, vector, trust == "user", limit))

    async def warm(self, model: str) -> None:
        """Read the vectors now, so that the next search need not."""
        await self._database.read(lambda sql: self._vectors.warm(sql, model))

    async def without_vector(self, model: str, limit: int, besides: Iterable[int] = ()) -> list[tuple[int, str]]:
        """(number, text) that this model has not embedded yet, what the user told first."""
        query = """SELECT number, text FROM fact
            WHERE number NOT IN (SELECT fact FROM fact_vector WHERE model = ?)
            ORDER BY trust DESC, number DESC LIMIT ?"""
        left_out = set(besides)

        def work(sql: sqlite3.Connection) -> list[tuple[int, str]]:
            rows = sql.execute(query, (model, limit + len(left_out)))
            return [(number, text) for number, text in rows if number not in left_out][:limit]

        return await self._database.read(work)

    async def put_vectors(self, model: str, vectors: Sequence[tuple[int, Vector]]) -> None:
        """Write vectors in place of older ones; those of facts that are gone are dropped."""
        statement = """REPLACE INTO fact_vector (fact, model, dimension, vector)
            SELECT number, ?, ?, ? FROM fact WHERE number = ?"""
        rows = [(model, len(vector), vector.tobytes(), number) for number, vector in vectors]
        await self._database.write(lambda sql: sql.executemany(statement, rows))


_INSERT = """INSERT INTO fact (text, kind, source, position, trust, created_utc, used_utc)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""


def query_words(text: str) -> list[str]:
    """The words of a question that say what it is about, each once."""
    words = dict.fromkeys("".join(map(_token_character, text[:2_000].lower())).split())
    telling = [word for word in words if word not in STOP_WORDS]
    return sorted(telling, key=len, reverse=True)[:MOST_QUERY_WORDS]


def _token_character(character: str) -> str:
    """As FTS5 splits words: letters, numbers and the marks on them stay."""
    return character if unicodedata.category(character)[0] in "LNM" else " "


def _match(words: Sequence[str], operator: str) -> str:
    """An FTS5 query; such words cannot leave their quotes."""
    return f" {operator} ".join(f'"{word}"' for word in words)


def _facts(rows: Iterable[sqlite3.Row]) -> list[Fact]:
    return [Fact(*row) for row in rows]
