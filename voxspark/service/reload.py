"""The configuration read again while the daemon runs: what can change does, the rest waits for a restart."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pydantic import BaseModel

from voxspark.bus import failed
from voxspark.config import Config
from voxspark.errors import ConfigError
from voxspark.events import ConfigReloaded
from voxspark.protocols import Clock, Emit
from voxspark.service.notify import Notifier

log = logging.getLogger(__name__)

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


class Reloading:
    """Reads the configuration again and hands it to those who can change, telling the manager and everybody else."""

    def __init__(
        self,
        config: Config,
        read: Callable[[], Config],
        changing: Sequence[Callable[[Config], None]],
        notifier: Notifier,
        emit: Emit,
        clock: Clock,
    ) -> None:
        self._config = config
        self._read = read
        self._changing = changing
        self._notifier = notifier
        self._emit = emit
        self._clock = clock

    def __call__(self) -> None:
        """Now. A file that cannot be used changes nothing."""
        self._notifier.reloading()
        try:
            found = reload(self._config, self._read())
        except ConfigError as error:
            self._emit(failed(error, self._clock()))
        else:
            self._config = found.config
            for change in self._changing:
                change(found.config)
            log.info("the configuration was read again; changed: %s", ", ".join(found.changed) or "nothing")
            if found.waiting:
                log.warning("needs a restart: %s", ", ".join(found.waiting))
            self._emit(ConfigReloaded(self._clock(), found.changed, found.waiting))
        self._notifier.ready()
