"""Who hears and who speaks: where they run and why there, and whether their weights are on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from voxspark.config import Config
from voxspark.doctor.check import Finding
from voxspark.engines.registry import find
from voxspark.errors import EngineError
from voxspark.roster import Roster, kind_of, own_voice_settings
from voxspark.runners.settings import EngineSettings, in_force

TABLES = {"ears": "transcriber", "voice": "voice"}


def place(config: Config, roster: Roster, role: Literal["ears", "voice"]) -> str:
    """Where its engine runs, and why there, in a clause; empty where the machine was not looked at."""
    if roster.here is None:
        return ""
    device = config.transcriber.device if role == "ears" else config.voice.device
    return roster.here.place(find(kind_of(role), roster.model_of(role).engine), device)


def incomplete(config: Config, roster: Roster, role: Literal["ears", "voice"]) -> Finding | None:
    """What is missing of those that are chosen, before the daemon runs; None when nothing is. Looks at files."""
    missing = list(_missing(config, roster, role))
    if not missing:
        return None
    alone = not roster.profile.roles[role].alternatives and "" in dict(missing)
    told = [f"{f'for {language}: ' if language else ''}{error.message}" for language, error in missing]
    remedies = dict.fromkeys(error.remedy for _, error in missing)
    return Finding("broken" if alone else "problem", " ".join(told), "\n".join(remedies))


def _missing(config: Config, roster: Roster, role: Literal["ears", "voice"]) -> Iterator[tuple[str, EngineError]]:
    """By language; empty is the one for all."""
    chosen: dict[str, EngineSettings] = {"": in_force(config, roster)[TABLES[role]]}
    if role == "voice":
        chosen |= {code: own_voice_settings(config.voice, each) for code, each in config.voice.languages.items()}
    for language, settings in chosen.items():
        try:
            find(kind_of(role), settings.engine).require(settings)
        except EngineError as error:
            yield language, error
