"""What can be told of a configuration without loading anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from voxspark.agent.intents.files import read_folder, user_folder
from voxspark.config import Config
from voxspark.config_tools import Settings
from voxspark.engine_room import machine_of
from voxspark.engines.registry import find
from voxspark.errors import VoxSparkError
from voxspark.roster import NEEDED, Roster, kind_of, make_roster
from voxspark.runners.settings import in_force, settings_for
from voxspark.senses import make_end_of_turn, make_listener
from voxspark.vram.team import Team


def values_in_force(config: Config, pulled: Collection[str]) -> Mapping[str, Settings]:
    """The tables that follow from the profile; none while the profile cannot be used. `pulled`: tags, for `auto`."""
    try:
        return in_force(config, make_roster(config, machine_of(config), pulled))
    except VoxSparkError:
        return {}


def check_engines(config: Config, pulled: Collection[str], *, resident_bytes: int = 0) -> Roster:
    """Whether the configuration can be used as far as that can be told without loading. Raises VoxSparkError.

    `pulled`: tags, for `auto`; `resident_bytes`: of models that are in memory already. Returns who is on the team.
    """
    roster = make_roster(config, machine_of(config, resident_bytes=resident_bytes), pulled)
    team = Team(roster.profile, roster.catalogue)
    for role, post in roster.profile.roles.items():
        model = roster.catalogue.models[post.model]
        if not model.engine:
            continue
        spec = find(kind_of(role), model.engine)
        if role in NEEDED or not spec.missing():
            spec.create(settings_for(config, roster, team.best_for(role)))
    for engine in config.voice.fallback:
        find("tts", engine)
    make_end_of_turn(config)
    make_listener(config)
    for error in read_folder(user_folder())[1]:
        raise error
    return roster
