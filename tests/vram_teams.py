"""The profiles on the machines they are for."""

from __future__ import annotations

from dataclasses import replace

from voxspark.vram.catalogue import builtin
from voxspark.vram.profiles import Profile, load_profiles
from voxspark.vram.state import GIB, Budget
from voxspark.vram.team import Team

CATALOGUE = builtin()
PROFILES = load_profiles(CATALOGUE)
SPARK = Budget(total_bytes=int(121.69 * GIB), floor_bytes=16 * GIB, usable_bytes=121_000_000_000)
WORKSTATION = Budget(total_bytes=24 * GIB, floor_bytes=3 * GIB // 2, unified=False, host_bytes=16 * GIB)
LAPTOP = Budget(total_bytes=8 * GIB, floor_bytes=3 * GIB // 2, unified=False, host_bytes=8 * GIB)


def with_stand_in(profile: Profile) -> Profile:
    """As it is where the bundled language model is installed."""
    return replace(profile, roles={**profile.roles, "worker": replace(profile.roles["worker"], stand_in="smollm2")})


EVERYDAY = Team(PROFILES["everyday"], CATALOGUE)
TEAMS = {
    "everyday": (EVERYDAY, SPARK),
    "everyday-32k": (Team(PROFILES["everyday"].at_context(32_768), CATALOGUE), SPARK),
    "everyday-bundled": (Team(with_stand_in(PROFILES["everyday"]), CATALOGUE), SPARK),
    "ollama-bundled": (Team(with_stand_in(PROFILES["ollama"]), CATALOGUE), SPARK),
    "full-bundled": (Team(with_stand_in(PROFILES["full-power"]), CATALOGUE), SPARK),
    "ollama": (Team(PROFILES["ollama"], CATALOGUE), SPARK),
    "full-power": (Team(PROFILES["full-power"], CATALOGUE), SPARK),
    "swarm": (Team(PROFILES["swarm"], CATALOGUE), SPARK),
    "workstation-24gb": (Team(PROFILES["workstation-24gb"], CATALOGUE), WORKSTATION),
    "laptop-8gb": (Team(PROFILES["laptop-8gb"], CATALOGUE), LAPTOP),
}
