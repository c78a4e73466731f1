"""sqlite-vec, an extension of SQLite that compares vectors: used where it loads, and nowhere required."""

from __future__ import annotations

import logging
import sqlite3

import numpy as np

log = logging.getLogger(__name__)

_PROBE = tuple(np.array(values, np.float32).tobytes() for values in ((1.0, 0.0), (0.6, 0.8)))
_DISTANCE = 0.4


def load_extension(connection: sqlite3.Connection) -> None:
    """Load it, where the package is installed and this Python's SQLite takes extensions; raises nothing."""
    try:
        import sqlite_vec

        connection.enable_load_extension(True)
        try:
            sqlite_vec.load(connection)
        finally:
            connection.enable_load_extension(False)  # SQL could load any file otherwise
    except (ImportError, AttributeError, sqlite3.Error) as error:  # pyenv's Python lacks the method
        log.debug("sqlite-vec is not loaded: %s", error)


def compares_vectors(connection: sqlite3.Connection) -> bool:
    """Whether it is loaded and answers right; takes 0.02 ms."""
    try:
        (distance,) = connection.execute("SELECT vec_distance_cosine(?, ?)", _PROBE).fetchone()
    except sqlite3.Error:
        return False
    return isinstance(distance, float) and abs(distance - _DISTANCE) < 1e-4
