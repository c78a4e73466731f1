"""What a switch to another profile would do: who stays, who leaves, who is loaded, and what must be pulled first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from voxspark.plan_view.chart import FOREIGN, GB, Chart, Group, Segment, Strip, bar, in_gb, letters, span, table
from voxspark.vram.catalogue import Catalogue
from voxspark.vram.profiles import Measured, Profile, check, missing_tags
from voxspark.vram.state import Budget, Request
from voxspark.vram.team import Rung, Team


@dataclass(frozen=True, slots=True)
class Move:
    """One model in the switch."""

    model: str
    name: str
    roles: tuple[str, ...]
    bytes: int
    planned: bool
    """It takes memory of the plan, not the host's beside a graphics card."""
    reason: str
    seconds: float = 0.0
    """How long its load takes, about."""
    leases: int = 0
    """Requests that use it now; it leaves when they are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The whole switch."""

    before: str
    """The profile in force, or empty without a daemon."""
    profile: Profile
    budget: Budget
    stays: tuple[Move, ...]
    leaves: tuple[Move, ...]
    loads: tuple[Move, ...]
    foreign_bytes: int
    fits: bool
    reason: str
    missing: tuple[str, ...] | None
    """Tags to be pulled; None where nobody can tell."""

    @property
    def total_bytes(self) -> int:
        """What the models take afterwards."""
        return sum(move.bytes for move in (*self.stays, *self.loads) if move.planned)

    @property
    def load_seconds(self) -> float:
        return sum(move.seconds for move in self.loads)


def switch(
    team: Team,
    catalogue: Catalogue,
    budget: Budget,
    memory: Mapping[str, Any] | None,
    pulled: Collection[str] | None,
    measured: Measured | None = None,
) -> Change:
    """Work it out: `memory` is that of a daemon's status, `pulled` the names of `/api/tags`, None where nobody tells.

    `measured` are the sizes that the team has, too.
    """
    profile = team.profile
    wanted = {role: team.ladder(Request(id="", role=role, at=0))[0] for role in profile.roles}
    roles_of: dict[str, tuple[str, ...]] = {}
    for role, rung in wanted.items():
        roles_of[rung.model] = (*roles_of.get(rung.model, ()), role)
    at_start = {wanted[role].model: wanted[role] for role in team.opening()}
    later = {rung.model: rung for rung in wanted.values() if rung.model not in at_start}
    held = {m["model"]: m for m in (memory or {}).get("models", []) if m["state"] != "released"}
    stays = {model for model, rung in at_start.items() if model in held and _serves(held[model], rung)}
    loads = [
        Move(model, rung.name, roles_of[model], rung.bytes, budget.pool(rung.device) == "gpu", "", rung.load_seconds)
        for model, rung in at_start.items()
        if model not in stays
    ]
    foreign = sum(each["bytes"] for each in (memory or {}).get("foreign", []))
    taken = foreign + sum(move.bytes for move in loads if move.planned)
    taken += sum(held[model]["bytes"] for model in stays if _planned(held[model], budget))
    kept, gone = [], []
    for model, entry in held.items():
        if reason := "" if model in stays else _why_it_leaves(entry, at_start, later, budget.capacity_bytes - taken):
            gone.append(_move(entry, roles_of, budget, reason))
            continue
        kept.append(_move(entry, roles_of, budget, "" if model in stays else "on demand, and there is room"))
        if model not in stays and _planned(entry, budget):
            taken += entry["bytes"]
    verdict = check(profile, budget, catalogue, measured)
    over = taken - budget.capacity_bytes
    others = f"Other programs hold {foreign / GB:.1f} GB: {over / GB:.1f} GB are missing."
    return Change(
        before=(memory or {}).get("profile", ""),
        profile=profile,
        budget=budget,
        stays=tuple(kept),
        leaves=tuple(gone),
        loads=tuple(loads),
        foreign_bytes=foreign,
        fits=verdict.fits and over <= 0,
        reason=others if verdict.fits and over > 0 else verdict.reason,
        missing=None if pulled is None else tuple(missing_tags(profile, catalogue, pulled, on_demand=True)),
    )


def _serves(entry: Mapping[str, Any], rung: Rung) -> bool:
    """Whether what is in memory does for the new team as it is."""
    enough = entry["context_tokens"] >= rung.context_tokens and entry["slots"] >= rung.slots
    return enough and entry["device"] == rung.device and entry["state"] in ("reserved", "loading", "resident")


def _why_it_leaves(
    entry: Mapping[str, Any], at_start: Mapping[str, Rung], later: Mapping[str, Rung], free_bytes: int
) -> str:
    """Empty when it may stay."""
    rung = at_start.get(entry["model"]) or later.get(entry["model"])
    if rung is None:
        return "not in that profile"
    if not _serves(entry, rung):
        wants = f"{rung.context_tokens:,} tokens" + (f" * {rung.slots}" if rung.slots > 1 else "")
        return f"needed with {wants}" if rung.context_tokens else "needed in another place"
    return "no room beside the others" if entry["bytes"] > free_bytes else ""


def _planned(entry: Mapping[str, Any], budget: Budget) -> bool:
    return budget.pool(entry["device"]) == "gpu"


def _move(entry: Mapping[str, Any], roles_of: Mapping[str, tuple[str, ...]], budget: Budget, reason: str) -> Move:
    roles = roles_of.get(entry["model"], ())
    return Move(
        entry["model"], entry["name"], roles, entry["bytes"], _planned(entry, budget), reason, leases=entry["leases"]
    )


# ── to look at ──────────────────────────────────────────────────────────────────────────────────


def text(change: Change, catalogue: Catalogue) -> str:
    """For a terminal; a model has the same letter in both bars."""
    moves = [
        *(("stays", move, move.reason) for move in change.stays),
        *(("leaves", move, _leaving(move)) for move in change.leaves),
        *(("loads", move, f"about {span(move.seconds)}") for move in change.loads),
    ]
    marks = letters(len(moves))
    rows = [
        (mark if move.planned else "", word, in_gb(move.bytes), move.name, ", ".join(move.roles), why)
        for mark, (word, move, why) in zip(marks, moves, strict=True)
    ]
    capacity = change.budget.capacity_bytes
    before = f"From {change.before} to" if change.before else "To"
    lines = [f"{before} {change.profile.key}:", "", table(("", "", "GB", "model", "roles", ""), rows, right=(2,)), ""]
    for label, absent in (("now ", "loads"), ("then", "leaves")):
        parts = [
            (mark, move.bytes)
            for mark, (word, move, _) in zip(marks, moves, strict=True)
            if move.planned and word != absent
        ]
        lines.append(f"{label} {bar([*parts, (FOREIGN, change.foreign_bytes)], capacity)}")
    lines += ["", f"{change.total_bytes / GB:.1f} of {capacity / GB:.1f} GB at start. {change.reason}"]
    if change.loads:
        lines.append(f"Loading takes about {span(change.load_seconds)}.")
    return "\n".join([*lines, *_pulls(change, catalogue)])


def _leaving(move: Move) -> str:
    return f"{move.reason}, in use by {move.leases} now" if move.leases else move.reason


def _pulls(change: Change, catalogue: Catalogue) -> list[str]:
    if change.missing is None:
        return ["Ollama does not answer, so it is not known what must be pulled first."]
    if not change.missing:
        return []
    tags = ", ".join(f"{tag} ({catalogue.find(tag).weights_bytes / GB:.1f} GB)" for tag in change.missing)
    return [f"To be pulled first: {tags}.", f"Run: voxspark models pull --profile {change.profile.key}"]


def to_json(change: Change) -> dict[str, Any]:
    """Everything, in bytes and seconds."""
    return {
        "before": change.before or None,
        "profile": change.profile.key,
        "fits": change.fits,
        "reason": change.reason,
        "total_bytes": change.total_bytes,
        "capacity_bytes": change.budget.capacity_bytes,
        "foreign_bytes": change.foreign_bytes,
        "load_seconds": round(change.load_seconds, 1),
        "stays": [asdict(move) for move in change.stays],
        "leaves": [asdict(move) for move in change.leaves],
        "loads": [asdict(move) for move in change.loads],
        "missing": None if change.missing is None else list(change.missing),
    }


def chart(change: Change, why: str) -> Chart:
    """Memory now and afterwards, the same model in the same colour."""

    def segments(moves: tuple[Move, ...], group: Group) -> list[Segment]:
        ordered = sorted((move for move in moves if move.planned), key=lambda move: -move.bytes)
        return [Segment(move.name, move.bytes, group, ", ".join(move.roles) or move.reason) for move in ordered]

    stays, others = segments(change.stays, "staying"), []
    if change.foreign_bytes:
        others = [Segment("other programs", change.foreign_bytes, "other programs")]
    now = Strip("Now", (*stays, *segments(change.leaves, "leaving"), *others))
    then = Strip(f"Then, as {change.profile.key}", (*stays, *segments(change.loads, "loading"), *others))
    loading = f" Loading takes about {span(change.load_seconds)}." if change.loads else ""
    return Chart(
        title=f"{change.before} → {change.profile.key}" if change.before else f"→ {change.profile.key}",
        fits=change.fits,
        verdict=f"{change.reason}{loading}",
        why=why,
        total_bytes=change.budget.total_bytes,
        floor_bytes=change.budget.floor_bytes,
        capacity_bytes=change.budget.capacity_bytes,
        strips=(now, then),
    )
