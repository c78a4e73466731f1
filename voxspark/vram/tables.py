"""TOML tables to frozen dataclasses, with the configuration's errors: the wrong key, its origin, the nearest name."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import MISSING, Field, fields
from functools import cache
from typing import Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

from voxspark.errors import ConfigError

T = TypeVar("T")
Table = Mapping[str, Any]


def subtable(table: Table, key: str, origin: str, prefix: str = "") -> dict[str, Any]:
    """The table below `key`, or an empty one. Raises ConfigError when something else is there."""
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise ConfigError("config-value", f"{origin}: {prefix}{key} must be a table.", f"Write [{prefix}{key}].")
    return value


def check_keys(table: Table, known: Iterable[str], origin: str, prefix: str = "") -> None:
    """Raises ConfigError for a key that nobody reads, naming the nearest that exists."""
    names = list(known)
    for key in table:
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
            hint = f"Did you mean {prefix}{near[0]}?" if near else f"Known here: {', '.join(sorted(names))}."
            raise ConfigError("config-unknown-key", f"{origin} sets {prefix}{key}, which does not exist.", hint)


def build(kind: type[T], table: Table, origin: str, prefix: str, **given: Any) -> T:
    """`kind`, a frozen dataclass of plain fields, from a table. Raises ConfigError that names the key and its origin.

    `given` are fields which the table may not set.
    """
    hints, declared = _shape(cast("Hashable", kind))
    check_keys(table, [name for name in declared if name not in given], origin, prefix)
    for name, field in declared.items():
        if name in table or name in given:
            continue
        if field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError("config-missing-key", f"{origin} must set {prefix}{name}.", "Add that key.")
    values = {key: _value(hints[key], value, f"{prefix}{key}", origin) for key, value in table.items()}
    return kind(**given, **values)


@cache
def _shape(kind: Hashable) -> tuple[dict[str, Any], dict[str, Field[Any]]]:
    return get_type_hints(kind), {field.name: field for field in fields(cast("Any", kind))}


def _value(hint: Any, value: Any, key: str, origin: str) -> Any:
    if get_origin(hint) is tuple and isinstance(value, list):
        return tuple(_value(get_args(hint)[0], item, key, origin) for item in value)
    if get_origin(hint) is Mapping and isinstance(value, dict):
        return {name: _value(get_args(hint)[1], item, f"{key}.{name}", origin) for name, item in value.items()}
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        if value in choices:
            return value
        raise _unusable(key, value, f"choose one of {', '.join(map(str, choices))}", origin)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(hint, type) or not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise _unusable(key, value, f"it must be {_word(hint)}", origin)
    if isinstance(value, (int, float)) and not 0 <= value < 1e12:  # refuses nan and infinity too
        raise _unusable(key, value, "it must be zero or more, and finite", origin)
    return value


def _word(hint: Any) -> str:
    words = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", Mapping: "a table"}
    return words.get(get_origin(hint) or hint, "a list")


def _unusable(key: str, value: Any, reason: str, origin: str) -> ConfigError:
    return ConfigError("config-value", f"{key} = {value!r} cannot be used: {reason}.", f"Correct it in {origin}.")
