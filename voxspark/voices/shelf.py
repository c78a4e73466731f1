"""Where voices are: `$XDG_DATA_HOME/voxspark/voices` for the user's own, before those that are shipped."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from voxspark.errors import ConfigError
from voxspark.files import data_folder
from voxspark.voices.voice import FILE, Voice, read_voice

log = logging.getLogger(__name__)

SHIPPED = "shipped_voices"
"""In an installed package; in a checkout it is `voices/` beside it."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """How an engine is to speak."""

    name: str
    """What the engine calls the voice; empty for its own default, or where a recording is cloned."""
    voice: Voice | None = None
    """The voice of the library, when it is one."""

    @property
    def speed(self) -> float:
        """The voice's own, on top of that in the configuration."""
        return self.voice.speed if self.voice else 1.0


class Shelf:
    """All voices that can be read; the first of a name wins."""

    def __init__(self, *folders: Path) -> None:
        self.voices: dict[str, Voice] = {}
        self.failures: list[ConfigError] = []
        """Of folders that cannot be used."""
        for folder in _voice_folders(folders):
            try:
                self.voices.setdefault(folder.name, read_voice(folder))
            except ConfigError as error:
                log.warning("%s: %s", error.code, error.message)
                self.failures.append(error)

    def choose(self, engine: str, name: str) -> Chosen:
        """The voice of this name for an engine.

        A name that is not in the library is taken for the engine's own; a voice that is, and not for this engine, gives
        way to the first one in its language that is.
        """
        if (wanted := self.voices.get(name)) is None:
            return Chosen(name)
        able = [each for each in self.voices.values() if engine in each.engines and each.language == wanted.language]
        voice = wanted if engine in wanted.engines else next(iter(able), None)
        return Chosen(voice.engines[engine], voice) if voice else Chosen("")


def own_folder() -> Path:
    """Where the user's own voices are."""
    return data_folder() / "voices"


def shelf() -> Shelf:
    """The user's voices and the shipped ones."""
    package = Path(__file__).parent.parent
    return Shelf(own_folder(), package / SHIPPED, package.parent / "voices")


def _voice_folders(folders: tuple[Path, ...]) -> Iterator[Path]:
    for folder in folders:
        if folder.is_dir():
            yield from sorted(each.parent for each in folder.glob(f"*/{FILE}"))
