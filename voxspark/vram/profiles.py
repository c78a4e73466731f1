"""Profiles: who is on the team, who stays in memory, and the proof that it fits.

A profile is a TOML file, shipped beside this module or the user's own in `$XDG_CONFIG_HOME/voxspark/profiles/`.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Literal, get_args

from voxspark.config_source import read_toml
from voxspark.errors import ConfigError, EngineError
from voxspark.files import config_folder
from voxspark.vram.catalogue import GB, Catalogue, KvType, Model, Need, Resolved, Role, need
from voxspark.vram.state import Budget, Device
from voxspark.vram.tables import build, check_keys, subtable

Hold = Literal["pinned", "resident", "demand"]

PRIORITY: Mapping[str, int] = {
    "voice": 95,
    "ears": 95,
    "embedder": 90,
    "manager": 80,
    "worker": 70,
    "eyes": 60,
    "coder": 50,
    "reasoner": 40,
    "image": 30,
}
"""Who is loaded first and leaves last, where the profile does not say. Without voice and ears nothing can be said."""

Measured = Mapping[tuple[str, int, int, KvType], int]
"""(model, context, slots, kv type) to the bytes read back after a load; takes the place of the estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One role of a profile, and who fills it."""

    model: str
    hold: Hold
    """`pinned`: loaded at start, never evicted. `resident`: loaded at start. `demand`: loaded when asked for."""
    alternatives: tuple[str, ...] = ()
    """Who answers when the model cannot be had, best first."""
    stand_in: str = ""
    """Who talks to people, and does nothing else, when none of them can be had."""
    context_tokens: int = 0
    """0 is the profile's."""
    slots: int = 1
    """Requests served at once by one copy."""
    device: Device = "gpu"
    priority: int = 0
    """0 is the role's."""

    @property
    def models(self) -> tuple[str, ...]:
        """The model and its alternatives."""
        return (self.model, *self.alternatives)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A team inside one memory."""

    key: str
    roles: Mapping[str, Post]
    exclusive: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    """Slots by name: lists of roles of which one list at a time must fit, the first at start."""
    notes: tuple[str, ...] = ()
    """Where a model is not literally the one that was named."""
    title: str
    description: str = ""
    context_tokens: int = 8192
    kv_type: KvType = "f16"
    """What `OLLAMA_KV_CACHE_TYPE` of the server is."""
    auto_rank: int = 0
    """`auto` takes the highest that it can; 0 is never taken."""

    def at_context(self, context_tokens: int) -> Profile:
        """The same with another context, for the roles that do not set their own."""
        return replace(self, context_tokens=context_tokens)

    def context_of(self, role: str) -> int:
        """Tokens of context this profile gives a role."""
        return self.roles[role].context_tokens or self.context_tokens

    def priority_of(self, role: str) -> int:
        """How much a role matters against others; higher wins."""
        return self.roles[role].priority or PRIORITY[role]

    def rivals(self, role: str) -> frozenset[str]:
        """Roles that give way to this one first."""
        for lists in self.exclusive.values():
            for mine in lists:
                if role in mine:
                    return frozenset(other for roles in lists if roles is not mine for other in roles)
        return frozenset()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the arithmetic."""

    model: str
    name: str
    roles: tuple[str, ...]
    need: Need
    total_bytes: int
    """The need, or what was measured."""
    pool: Device


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a profile fits, and the largest combination of models that it can have in memory."""

    profile: str
    fits: bool
    reason: str
    rows: tuple[Row, ...]
    total_bytes: int
    capacity_bytes: int

    def table(self) -> str:
        """The arithmetic, one model a line, in GB."""
        head = f"{'model':<30} {'weights':>8} {'cache':>8} {'overhead':>9} {'total':>8}"
        lines = [
            f"{row.name:<30} {row.need.weights_bytes / GB:>8.2f} {row.need.kv_bytes / GB:>8.2f}"
            f" {row.need.overhead_bytes / GB:>9.2f} {row.total_bytes / GB:>8.2f}{'  CPU' if row.pool == 'cpu' else ''}"
            for row in self.rows
        ]
        foot = f"{'together':<57} {self.total_bytes / GB:>8.2f}\n{'budget':<57} {self.capacity_bytes / GB:>8.2f}"
        return "\n".join([head, *lines, foot])

    def require(self) -> None:
        """Raises ConfigError with the arithmetic unless it fits."""
        if not self.fits:
            raise ConfigError(
                "profile-too-large",
                self.reason,
                f"Choose a smaller profile or context, or set profile to auto.\n{self.table()}",
            )


def device_of(model: Model, post: Post) -> Device:
    """Where it runs: the engines inside the daemon use the CPU."""
    return "cpu" if model.runner == "engine" else post.device


def check(profile: Profile, budget: Budget, catalogue: Catalogue, measured: Measured | None = None) -> Verdict:
    """Add up every combination that must fit: what stays, one list of each slot, and the largest model on demand."""
    worst: Verdict | None = None
    for roles in _combinations(profile):
        verdict = _add_up(profile, roles, budget, catalogue, measured or {})
        if worst is None or (not verdict.fits, verdict.total_bytes) > (not worst.fits, worst.total_bytes):
            worst = verdict
    assert worst is not None  # there is always the combination at start
    return worst


def _combinations(profile: Profile) -> Iterator[list[str]]:
    slotted = {role for lists in profile.exclusive.values() for roles in lists for role in roles}
    free = [role for role in profile.roles if role not in slotted]
    stays = [role for role in free if profile.roles[role].hold != "demand"]
    asked: list[list[str]] = [[role] for role in free if profile.roles[role].hold == "demand"] or [[]]
    for chosen in product(*profile.exclusive.values(), asked):
        yield [*stays, *(role for roles in chosen for role in roles)]


def _add_up(profile: Profile, roles: list[str], budget: Budget, catalogue: Catalogue, measured: Measured) -> Verdict:
    by_model: dict[str, list[str]] = {}
    for role in roles:
        by_model.setdefault(profile.roles[role].model, []).append(role)
    rows = tuple(_row(profile, tuple(who), catalogue.models[key], budget, measured) for key, who in by_model.items())
    total = sum(row.total_bytes for row in rows if row.pool == "gpu")
    host = sum(row.total_bytes for row in rows if row.pool == "cpu")
    capacity = budget.capacity_bytes
    fits = total <= capacity and host <= budget.host_bytes
    if not fits:
        over, what = (
            (total - capacity, "memory") if total > capacity else (host - budget.host_bytes, "the CPU's memory")
        )
        reason = f"The profile {profile.key} needs {over / GB:.1f} GB more than {what} has for models."
    else:
        reason = f"The profile {profile.key} fits with {(capacity - total) / GB:.1f} GB to spare."
    return Verdict(profile.key, fits, reason, rows, total, capacity)


def _row(profile: Profile, roles: tuple[str, ...], model: Model, budget: Budget, measured: Measured) -> Row:
    post = profile.roles[roles[0]]
    wants = need(model, profile.context_of(roles[0]), post.slots, profile.kv_type)
    total = measured.get((model.key, wants.context_tokens, wants.slots, profile.kv_type), wants.total_bytes)
    return Row(model.key, model.name, roles, wants, total, budget.pool(device_of(model, post)))


# ── files ───────────────────────────────────────────────────────────────────────────────────────


@cache
def _shipped() -> dict[str, Path]:
    return {path.stem: path for path in sorted(Path(__file__).with_name("profiles").glob("*.toml"))}


def _paths(user_folder: Path | None) -> dict[str, Path]:
    own = sorted((user_folder or config_folder() / "profiles").glob("*.toml"))
    return _shipped() | {path.stem: path for path in own}


def load_profiles(catalogue: Catalogue, user_folder: Path | None = None) -> dict[str, Profile]:
    """All profiles by key, the user's above the shipped. Raises ConfigError as the configuration does."""
    return {key: load_profile(path, catalogue) for key, path in _paths(user_folder).items()}


def find_profile(key: str, catalogue: Catalogue, user_folder: Path | None = None) -> Profile:
    """One profile by name, without reading the others. Raises ConfigError `profile-unknown` with near names."""
    paths = _paths(user_folder)
    if key not in paths:
        near = difflib.get_close_matches(key, paths, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}?" if near else f"Known: auto, {', '.join(paths)}."
        raise ConfigError("profile-unknown", f"There is no profile called {key}.", hint)
    return load_profile(paths[key], catalogue)


def load_profile(path: Path, catalogue: Catalogue) -> Profile:
    """One profile, its models known and its roles consistent. Raises ConfigError."""
    table, origin = read_toml(path), str(path)
    posts = subtable(table, "roles", origin)
    check_keys(posts, get_args(Role), origin, "roles.")
    roles, notes = {}, []
    for role in posts:
        post = build(Post, subtable(posts, role, origin, "roles."), origin, f"roles.{role}.")
        found = [_known(name, catalogue, f"roles.{role}", origin) for name in post.models]
        keys = [each.model.key for each in found]
        roles[role] = replace(post, model=keys[0], alternatives=tuple(keys[1:]), slots=max(post.slots, 1))
        if post.stand_in:
            stand_in = _known(post.stand_in, catalogue, f"roles.{role}.stand_in", origin).model.key
            roles[role] = replace(roles[role], stand_in=stand_in)
        notes += [each.note for each in found if each.note]
    rest = {key: value for key, value in table.items() if key != "roles"}
    profile = build(Profile, rest, origin, "", key=path.stem, roles=roles, notes=tuple(dict.fromkeys(notes)))
    _check_slots(profile, origin)
    _check_shared(profile, origin)
    return profile


def _known(name: str, catalogue: Catalogue, where: str, origin: str) -> Resolved:
    try:
        return catalogue.resolve(name)
    except EngineError as error:
        raise ConfigError("config-value", f"{origin}: {where}: {error.message}", error.remedy) from error


def _check_slots(profile: Profile, origin: str) -> None:
    if not profile.roles:
        raise ConfigError("config-missing-key", f"{origin} gives nobody a role.", "Write [roles.worker].")
    slotted = [role for lists in profile.exclusive.values() for roles in lists for role in roles]
    check_keys(dict.fromkeys(slotted), profile.roles, origin, "exclusive: role ")
    for role in slotted:
        if slotted.count(role) > 1:
            raise ConfigError("config-value", f"{origin} puts {role} in two places of [exclusive].", "Leave one.")
        if profile.roles[role].hold == "pinned":
            raise ConfigError("config-value", f"{origin} pins {role} and lets it give way.", "Make it resident.")


def _check_shared(profile: Profile, origin: str) -> None:
    """One copy serves all roles of a model; two contexts would load it anew at every change (spark.md 3.5)."""
    seen: dict[str, str] = {}
    for role, post in profile.roles.items():
        first = seen.setdefault(post.model, role)
        other = profile.roles[first]
        if (profile.context_of(role), post.slots, post.device) != (
            profile.context_of(first),
            other.slots,
            other.device,
        ):
            raise ConfigError(
                "profile-two-sizes",
                f"{origin} loads {post.model} in two sizes, for {first} and {role}.",
                "Give both roles the same context_tokens, slots and device.",
            )


# ── auto ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Choice:
    """What `auto` picked."""

    profile: Profile
    reasons: tuple[str, ...]
    """One sentence per profile it looked at, the picked one last."""


def choose(
    profiles: Mapping[str, Profile],
    catalogue: Catalogue,
    budget: Budget,
    pulled: Collection[str],
    measured: Measured | None = None,
) -> Choice:
    """The highest ranked profile that fits and whose Ollama models are there. Raises ConfigError when none is.

    `pulled` are the names of `/api/tags`. What is only loaded on demand may be missing.
    """
    have = {name.removesuffix(":latest") for name in pulled}
    reasons: list[str] = []
    for profile in sorted(profiles.values(), key=lambda p: (-p.auto_rank, p.key)):
        if not profile.auto_rank:
            continue
        verdict = check(profile, budget, catalogue, measured)
        if not verdict.fits:
            reasons.append(verdict.reason)
            continue
        if missing := missing_tags(profile, catalogue, have, on_demand=False):
            reasons.append(f"The profile {profile.key} fits, but {', '.join(missing)} is not pulled.")
            continue
        return Choice(profile, (*reasons, verdict.reason))
    raise ConfigError("profile-none-fits", "No profile fits this machine.", " ".join(reasons))


def missing_tags(profile: Profile, catalogue: Catalogue, pulled: Collection[str], *, on_demand: bool) -> list[str]:
    """Ollama tags that the profile wants and the server lacks; with or without those loaded on demand."""
    wanted = {
        catalogue.models[post.model].id
        for post in profile.roles.values()
        if catalogue.models[post.model].runner == "ollama" and (on_demand or post.hold != "demand")
    }
    return sorted(wanted - {name.removesuffix(":latest") for name in pulled})
