"""What a profile would take: its arithmetic, its bar, its chart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from voxspark.plan_view.chart import GB, Chart, Group, Segment, Strip, bar, in_gb, letters
from voxspark.vram.profiles import Verdict
from voxspark.vram.state import Budget, Request
from voxspark.vram.team import Rung, Team


def summary(verdicts: Sequence[Verdict]) -> str:
    """One line per profile: whether it fits, and how full memory would be."""
    width = max(len(verdict.profile) for verdict in verdicts)
    return "\n".join(
        f"{verdict.profile:<{width}}  {'fits' if verdict.fits else 'DOES NOT FIT':<12}"
        f"  {verdict.total_bytes / GB:>6.1f} of {verdict.capacity_bytes / GB:.1f} GB"
        for verdict in verdicts
    )


def text(verdict: Verdict, notes: Iterable[str]) -> str:
    """The arithmetic of one profile, a bar, the verdict."""
    rows = sorted((row for row in verdict.rows if row.total_bytes), key=lambda row: -row.total_bytes)
    planned = [row for row in rows if row.pool == "gpu"]
    marks = letters(len(planned))
    drawn = bar(zip(marks, (row.total_bytes for row in planned), strict=True), verdict.capacity_bytes)
    legend = [
        f"  {mark} {in_gb(row.total_bytes):>7} GB  {row.name} ({', '.join(row.roles)})"
        for mark, row in zip(marks, planned, strict=True)
    ]
    return "\n".join([verdict.table(), "", drawn, *legend, "", verdict.reason, *notes])


def to_json(verdict: Verdict) -> dict[str, Any]:
    """Everything, in bytes, with where each figure comes from."""
    return {
        "profile": verdict.profile,
        "fits": verdict.fits,
        "reason": verdict.reason,
        "total_bytes": verdict.total_bytes,
        "capacity_bytes": verdict.capacity_bytes,
        "models": [
            {
                "model": row.model,
                "roles": list(row.roles),
                "device": row.pool,
                "weights_bytes": row.need.weights_bytes,
                "kv_bytes": row.need.kv_bytes,
                "overhead_bytes": row.need.overhead_bytes,
                "total_bytes": row.total_bytes,
                "source": row.need.source,
            }
            for row in verdict.rows
        ],
    }


def chart(team: Team, budget: Budget, verdict: Verdict, why: str) -> Chart:
    """What is in memory at start; below it, what takes whose place when it is asked for."""
    profile = team.profile
    return Chart(
        title=profile.title,
        fits=verdict.fits,
        verdict=f"{profile.description} {verdict.reason}".strip(),
        why=why,
        total_bytes=budget.total_bytes,
        floor_bytes=budget.floor_bytes,
        capacity_bytes=budget.capacity_bytes,
        strips=_Drawer(team, budget).strips(),
    )


class _Drawer:
    """A profile as strips: what stays, then what each exclusive slot holds at start, then the alternatives."""

    def __init__(self, team: Team, budget: Budget) -> None:
        self._profile = team.profile
        self._budget = budget
        self._rungs = {role: team.ladder(Request(id="", role=role, at=0))[0] for role in team.profile.roles}

    def strips(self) -> tuple[Strip, ...]:
        """The pool, its alternatives, and what the host holds beside it."""
        slotted = {role for lists in self._profile.exclusive.values() for roles in lists for role in roles}
        stays = [role for role in self._profile.roles if role not in slotted]
        held = [role for role in stays if self._holds(role)]
        pool, host = self._split(self._segments(held))
        instead: list[Strip] = []
        placed = {self._rungs[role].model for role in held}
        for lists in self._profile.exclusive.values():
            first = [role for role in lists[0] if self._holds(role)]
            mine, beside = self._split(self._segments(first, placed))
            start, size = (sum(segment.bytes for segment in part) for part in (pool, mine))
            pool, host = [*pool, *mine], [*host, *beside]
            others = [*lists[1:], tuple(role for role in lists[0] if role not in first)]
            instead += self._alternatives(others, placed, start, size, ", ".join(first))
            placed |= {self._rungs[role].model for role in first}
        end = sum(segment.bytes for segment in pool)
        asked = [role for role in stays if role not in held]
        instead += self._alternatives([(role,) for role in asked], placed, end, 0, "")
        host += self._split(self._segments(asked, placed))[1]
        strips = [Strip("At start", tuple(pool)), *instead]
        if host:
            strips.append(Strip("Beside it, in the memory of the processor", tuple(host), "beside"))
        return tuple(strips)

    def _holds(self, role: str) -> bool:
        return self._profile.roles[role].hold != "demand"

    def _alternatives(
        self, lists: Iterable[Sequence[str]], placed: set[str], start: int, size: int, whose: str
    ) -> list[Strip]:
        label = f"instead of {whose}" if whose else "when asked for"
        strips = []
        for roles in lists:
            pool, _ = self._split(self._segments(roles, placed, "on demand"))
            if pool:
                strips.append(Strip(label, tuple(pool), "instead", start, size))
        return strips

    def _segments(
        self, roles: Sequence[str], placed: set[str] | None = None, group: Group | None = None
    ) -> list[tuple[Rung, Segment]]:
        """One per model, the pinned first, then the larger."""
        mine: dict[str, list[str]] = {}
        for role in roles:
            mine.setdefault(self._rungs[role].model, []).append(role)
        found = []
        for model, owners in mine.items():
            rung = self._rungs[owners[0]]
            if rung.bytes and model not in (placed or ()):
                held: Group = "pinned" if rung.pinned else "resident"
                found.append((rung, Segment(rung.name, rung.bytes, group or held, ", ".join(owners))))
        return sorted(found, key=lambda pair: (not pair[0].pinned, -pair[0].bytes))

    def _split(self, found: Iterable[tuple[Rung, Segment]]) -> tuple[list[Segment], list[Segment]]:
        """Those in the pool, and those in the host's memory beside it."""
        pool: list[Segment] = []
        host: list[Segment] = []
        for rung, segment in found:
            if self._budget.pool(rung.device) == "gpu":
                pool.append(segment)
            else:
                host.append(replace(segment, group="on the processor"))
        return pool, host
