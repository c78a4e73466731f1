"""The nearest vectors: by numpy and in SQL alike, each when it is the better one, and numpy alone where it has to.

A stand-in compares in SQL, and sqlite-vec, too, where this Python loads it (pyenv's does not); the last test runs this
file again in a Python that does.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.memory_parts import NOW, TopicEmbedder
from voxspark.config import load_config
from voxspark.kit import open_kit
from voxspark.memory import vectors as vectors_module
from voxspark.memory.database import Database, open_database, open_in_memory
from voxspark.memory.embedding import Embedding
from voxspark.memory.extension import compares_vectors, load_extension
from voxspark.memory.facts import Facts
from voxspark.memory.file import Prepare
from voxspark.memory.schema import MIGRATIONS
from voxspark.memory.vectors import READ_AT_ONCE, Matrix, nearest_in_sql, unit
from voxspark.outfit import add_meaning

ROOT = Path(__file__).parent.parent
DIMENSION = 3


def stand_in(connection: sqlite3.Connection) -> None:
    """What sqlite-vec says and refuses."""

    def distance(one: bytes, other: bytes) -> float:
        first, second = (np.frombuffer(each, np.float32).astype(np.float64) for each in (one, other))
        with np.errstate(all="ignore"):
            return float(1 - first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))

    connection.create_function("vec_distance_cosine", 2, distance, deterministic=True)


def _ways() -> dict[str, Prepare]:
    with closing(sqlite3.connect(":memory:")) as connection:
        load_extension(connection)
        itself = {"sqlite-vec": load_extension} if compares_vectors(connection) else {}
        return {"stand-in": stand_in, **itself}


WAYS = _ways()
each_way = pytest.mark.parametrize("prepare", WAYS.values(), ids=WAYS)


# ── both find the same ──────────────────────────────────────────────────────────────────────────

Damage = Literal["", "short", "long", "empty", "nan", "zero", "infinite"]
DAMAGED: dict[Damage, Callable[[bytes], bytes]] = {
    "": lambda blob: blob,
    "short": lambda blob: blob[:-1],
    "long": lambda blob: blob * 2,
    "empty": lambda blob: b"",
    "nan": lambda blob: b"\xff" * len(blob),
    "zero": lambda blob: bytes(len(blob)),
    "infinite": lambda blob: np.full(len(blob) // 4, np.inf, np.float32).tobytes(),
}

directions = st.lists(st.integers(-9, 9), min_size=DIMENSION, max_size=DIMENSION).filter(any)
rows = st.lists(
    st.tuples(
        st.sampled_from(["user", "stranger"]),
        st.sampled_from(["mine", "mine", "mine", "other's"]),
        directions.flatmap(lambda whole: st.sampled_from([whole, whole, [*whole, 1], [1]])),
        st.sampled_from(["", "", "", *DAMAGED]),
    ),
    max_size=12,
)


@each_way
@settings(deadline=None)
@given(rows, directions, st.booleans(), st.integers(1, 6))
def test_both_ways_find_the_same(
    prepare: Prepare,
    table: list[tuple[str, str, list[float], Damage]],
    asked: list[float],
    users: bool,
    limit: int,
) -> None:
    vector, exact = unit(asked), {}
    with closing(sqlite3.connect(":memory:")) as sql:
        sql.executescript(";".join(MIGRATIONS))
        prepare(sql)
        for number, (trust, model, values, damage) in enumerate(table, 1):
            sql.execute("INSERT INTO fact VALUES (?, 'x', 'fact', '', '', ?, 0, 0)", (number, trust))
            blob = DAMAGED[damage](unit(values).tobytes())
            row = (number, number, model, len(values), blob)
            sql.execute("INSERT INTO fact_vector VALUES (?, ?, ?, ?, ?)", row)
            if not damage and len(values) == DIMENSION and model == "mine" and (trust == "user") == users:
                exact[number] = float(unit(values).astype(np.float64) @ vector.astype(np.float64))
        matrix = Matrix()
        matrix.read(sql, matrix.look(sql, "mine", DIMENSION)[0])
        for found in (matrix.nearest(vector, users, limit), nearest_in_sql(sql, "mine", vector, users, limit)):
            cosines = [cosine for _, cosine in found]
            assert cosines == sorted(cosines, reverse=True)
            assert cosines == pytest.approx([exact[number] for number, _ in found], abs=1e-5)
            assert cosines == pytest.approx(sorted(exact.values(), reverse=True)[:limit], abs=1e-5)


@each_way
def test_many_long_vectors(prepare: Prepare) -> None:
    count, dimension = READ_AT_ONCE + 5, 384
    random = np.random.default_rng(7)
    with closing(sqlite3.connect(":memory:")) as sql:
        sql.executescript(";".join(MIGRATIONS))
        prepare(sql)
        for number in range(1, count + 1):
            sql.execute("INSERT INTO fact VALUES (?, 'x', 'fact', '', '', 'user', 0, 0)", (number,))
            blob = unit(random.standard_normal(dimension).tolist()).tobytes()
            sql.execute("INSERT INTO fact_vector VALUES (?, ?, 'm', ?, ?)", (number, number, dimension, blob))
        vector, matrix = unit(random.standard_normal(dimension).tolist()), Matrix()
        matrix.read(sql, matrix.look(sql, "m", dimension)[0])
        by_numpy, in_sql = matrix.nearest(vector, True, 20), nearest_in_sql(sql, "m", vector, True, 20)
    assert [number for number, _ in by_numpy] == [number for number, _ in in_sql]
    assert [cosine for _, cosine in by_numpy] == pytest.approx([cosine for _, cosine in in_sql], abs=1e-5)


# ── which of the two is asked ───────────────────────────────────────────────────────────────────


class Asked:
    """Ten facts in a database, and who finds the nearest of them."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.facts = Facts(database)
        self._in_sql = 0
        monkeypatch.setattr(vectors_module, "nearest_in_sql", self._counted)

    def _counted(self, *arguments: object) -> list[tuple[int, float]]:
        self._in_sql += 1
        return nearest_in_sql(*arguments)  # type: ignore[arg-type]

    async def told(self, *numbers: int) -> None:
        """Facts in the directions of a circle's degrees."""
        for number in numbers:
            fact, _ = await self.facts.add(f"fact {number}", NOW)
            await self.facts.put_vectors("m", [(fact, self.direction(number))])

    def direction(self, degrees: int) -> vectors_module.Vector:
        return unit([float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees)))])

    async def who(self, degrees: int, nearest: int) -> str:
        """Who found it."""
        before = self._in_sql
        (found,) = await self.facts.nearest("m", self.direction(degrees), "user", 1)
        assert (found[0], round(found[1], 5)) == (nearest, 1)
        return "sqlite-vec" if self._in_sql > before else "numpy"


@each_way
@pytest.mark.anyio
async def test_sqlite_vec_steps_in_while_the_matrix_is_not_there(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_in_memory(MIGRATIONS, prepare)) as database:
        asked = Asked(database, monkeypatch)
        assert await asked.facts.nearest("m", asked.direction(1), "user", 5) == []
        await asked.facts.warm("m")
        await asked.told(*range(1, 11))
        assert await asked.who(4, nearest=4) == "sqlite-vec"
        await asked.facts.warm("m")
        assert await asked.who(4, nearest=4) == "numpy"
        await asked.told(90)
        assert await asked.who(90, nearest=11) == "numpy", "little is missing"
        await asked.facts.remove([2])
        assert await asked.who(90, nearest=11) == "sqlite-vec"
        await asked.facts.warm("m")
        assert await asked.who(90, nearest=11) == "numpy"
        await asked.facts.remove(range(12))
        assert await asked.facts.nearest("m", asked.direction(1), "user", 5) == []


@each_way
@pytest.mark.anyio
async def test_a_large_matrix_is_never_made(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors_module, "LARGEST_MATRIX_BYTES", 10 * 2 * 4)
    with closing(open_in_memory(MIGRATIONS, prepare)) as database:
        asked = Asked(database, monkeypatch)
        await asked.told(*range(1, 11))
        await asked.facts.warm("m")
        assert await asked.who(4, nearest=4) == "numpy"
        await asked.told(90)
        await asked.facts.warm("m")
        assert await asked.who(90, nearest=11) == "sqlite-vec"


def wrong(connection: sqlite3.Connection) -> None:
    """An extension that loads and talks nonsense."""
    connection.create_function("vec_distance_cosine", 2, lambda one, other: "0.4")


@pytest.mark.parametrize("prepare", [lambda _: None, wrong], ids=["nothing", "nonsense"])
@pytest.mark.anyio
async def test_without_sqlite_vec_it_is_always_numpy(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors_module, "LARGEST_MATRIX_BYTES", 0)
    with closing(open_in_memory(MIGRATIONS, prepare)) as database:
        asked = Asked(database, monkeypatch)
        await asked.told(*range(1, 11))
        assert await asked.who(4, nearest=4) == "numpy"
        await asked.facts.remove([2])
        await asked.facts.warm("m")
        assert await asked.who(4, nearest=4) == "numpy"


@each_way
@pytest.mark.anyio
async def test_a_file_moves_between_machines_with_and_without(prepare: Prepare, tmp_path: Path) -> None:
    for ways in (lambda _: None, prepare, lambda _: None):
        with closing(open_database(tmp_path / "a.db", MIGRATIONS, ways)) as database:
            facts = Facts(database)
            number, _ = await facts.add("I like tea", NOW)
            await facts.put_vectors("m", [(number, unit([3, 4]))])
            ((found, cosine),) = await facts.nearest("m", unit([3, 4]), "user", 5)
            assert (found, round(cosine, 5)) == (number, 1)


@pytest.mark.anyio
async def test_what_is_read_between_turns_serves_the_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    async with open_kit(load_config(environ={})) as kit:
        indexing = add_meaning(kit, Embedding(TopicEmbedder(), lambda: "topics"))
        await kit.recall.add("my sister lives in Lyon", NOW)
        await indexing.catch_up()
        damage = "UPDATE fact_vector SET vector = zeroblob(16)"
        await kit.database.write(lambda sql: sql.execute(damage))
        assert [fact.text for fact in await kit.recall.about("brother", 5)] == ["my sister lives in Lyon"]


# ── loading ─────────────────────────────────────────────────────────────────────────────────────


class Refusing(sqlite3.Connection):
    """SQLite takes extensions, but not this one: the aarch64 wheel of sqlite-vec 0.1.6 held code of 32 bits."""

    switched: list[bool]

    def enable_load_extension(self, enable: bool, /) -> None:
        self.switched = [*getattr(self, "switched", []), enable]

    def load_extension(self, *_: object) -> None:
        raise sqlite3.OperationalError("vec0.so: wrong ELF class: ELFCLASS32")


class Unable(sqlite3.Connection):
    """A Python that was built without extensions."""

    def enable_load_extension(self, enable: bool, /) -> None:
        raise AttributeError("'Connection' object has no attribute 'enable_load_extension'")


@pytest.mark.parametrize(("kind", "why"), [(Refusing, "wrong ELF class"), (Unable, "no attribute")])
def test_what_does_not_load_is_a_line_for_the_curious(
    caplog: pytest.LogCaptureFixture, kind: type[sqlite3.Connection], why: str
) -> None:
    caplog.set_level(logging.DEBUG, "voxspark")
    with closing(sqlite3.connect(":memory:", factory=kind)) as connection:
        load_extension(connection)
        assert not compares_vectors(connection)
        assert getattr(connection, "switched", [True, False]) == [True, False]
    (line,) = caplog.records
    assert line.levelno == logging.DEBUG
    assert why in line.getMessage()


def test_without_the_package_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlite_vec", None)
    with closing(sqlite3.connect(":memory:", factory=Refusing)) as connection:
        load_extension(connection)
        assert not hasattr(connection, "switched")


@each_way
def test_sql_cannot_load_anything_afterwards(prepare: Prepare) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        prepare(connection)
        assert compares_vectors(connection)
        with pytest.raises(sqlite3.OperationalError, match=r"not authorized|no such function"):
            connection.execute("SELECT load_extension('/tmp/anything')")


# ── sqlite-vec itself ───────────────────────────────────────────────────────────────────────────

TAKES_EXTENSIONS = "import sqlite3, sys; sys.exit(not hasattr(sqlite3.Connection, 'enable_load_extension'))"


def python_with_extensions() -> str:
    """A Python of this one's version, for which the packages here are made."""
    same = f"{TAKES_EXTENSIONS[:-1]} or sys.version_info[:2] != {sys.version_info[:2]})"
    for python in (sys.executable, "/usr/bin/python3"):
        if Path(python).exists() and subprocess.run([python, "-c", same], check=False).returncode == 0:
            return python
    version = ".".join(map(str, sys.version_info[:2]))
    pytest.fail(
        f"neither {sys.executable} nor /usr/bin/python3 is a Python {version} whose SQLite loads extensions: "
        "remove .venv, then: make test PYTHON=/usr/bin/python3"
    )


@pytest.mark.real
def test_all_this_by_sqlite_vec_itself() -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])}
    command = [python_with_extensions(), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["-m", "not real", "-k", "sqlite-vec", __file__]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, f"pip install sqlite-vec? {done.stdout}{done.stderr}"
