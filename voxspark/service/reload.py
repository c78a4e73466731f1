"""The configuration read again while the daemon runs: what can change does, the rest waits for a restart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pydantic import BaseModel

from voxspark.config import Config

LIVE = (
    "barge_in.*",
    "control.max_clients",
    "control.max_line_bytes",
    "control.requests_per_second",
    "listening.*_seconds",
    "listening.speech_threshold",
    "log.level",
    "patience.*_seconds",
    "patience.sure_probability",
)
"""What is read anew each time it is used; everything else is built into a part when it is made."""


@dataclass(frozen=True, slots=True)
class Reload:
    """What a newer configuration means for one in force."""

    config: Config
    """The one in force from now on: the old one with what can change."""
    changed: tuple[str, ...]
    waiting: tuple[str, ...]
    """What differs and needs a restart."""


def reload(old: Config, new: Config) -> Reload:
    """Take over from `new` what can change while running."""
    differing = tuple(_differing(old, new))
    changed = tuple(key for key in differing if is_live(key))
    tables: dict[str, dict[str, object]] = {}
    for table, key in (path.split(".") for path in changed):
        tables.setdefault(table, {})[key] = getattr(getattr(new, table), key)
    update = {table: getattr(old, table).model_copy(update=values) for table, values in tables.items()}
    return Reload(old.model_copy(update=update), changed, tuple(key for key in differing if key not in changed))


def is_live(key: str) -> bool:
    """Whether `table.key` can change while the daemon runs."""
    return any(fnmatchcase(key, pattern) for pattern in LIVE)


def _differing(old: Config, new: Config) -> Iterator[str]:
    """`key` or `table.key` of everything that is not the same."""
    for name in type(old).model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if isinstance(before, BaseModel):
            keys = type(before).model_fields
            yield from (f"{name}.{key}" for key in keys if getattr(before, key) != getattr(after, key))
        elif before != after:
            yield name
