"""Where a configuration comes from: a TOML file and environment variables, as nested tables."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voxspark.errors import ConfigError

MOST_BYTES = 1 << 20
"""A link to /dev/zero has no end."""


def read_toml(place: Path, *, must_exist: bool = True) -> dict[str, Any]:
    """A TOML file; nothing where there need not be one. Raises ConfigError."""
    try:
        with place.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise ConfigError("config-too-large", f"{place} has more than {MOST_BYTES} bytes.", "Is it the right file?")
        return tomllib.loads(raw.decode())
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not must_exist:
            return {}
        raise ConfigError(
            "config-unreadable", f"{place} cannot be read: {error.strerror}.", "Check the path."
        ) from error
    except (ValueError, RecursionError) as error:  # also a number without end, and brackets without end
        raise ConfigError("config-syntax", f"{place} is not valid TOML: {error}.", "Correct that line.") from error


RESERVED_VARIABLES = ("VOXSPARK_CONFIG",)


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """`VOXSPARK_A__B=c` as `{"a": {"b": "c"}}`. Raises ConfigError."""
    tables: dict[str, Any] = {}
    for name, value in environ.items():
        if not name.startswith("VOXSPARK_") or name in RESERVED_VARIABLES:
            continue
        *parents, key = name.removeprefix("VOXSPARK_").lower().split("__")
        table = tables
        for parent in parents:
            table = table.setdefault(parent, {})
            if not isinstance(table, dict):
                raise ConfigError("config-value", f"{name} and another variable exclude each other.", "Unset one.")
        table[key] = _env_value(value)
    return tables


def _env_value(text: str) -> Any:
    """TOML where it is a list, a table or quoted; otherwise a string, from which pydantic reads numbers and truth."""
    if not text.startswith(("[", "{", '"', "'")):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Tables into each other; what is above wins."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged
