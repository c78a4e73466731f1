"""A profile made ready for the planner: for each role a ladder of what can be loaded, from best to least."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from voxspark.errors import EngineError
from voxspark.vram.catalogue import GB, Catalogue, Model, need
from voxspark.vram.profiles import Measured, Profile, device_of
from voxspark.vram.state import Device, Request, Resident

Change = Literal["none", "context", "model", "cpu", "stand_in"]
"""`stand_in`: a small model that talks to people when nobody else can be had, and does nothing else."""

LEAST_CONTEXT_TOKENS = 4096
"""Below this a conversation with tools does not fit."""

LOAD_BYTES_PER_SECOND = 1_000_000_000
"""GPT-OSS 120B (65 GB) takes 22 to 100 s on a DGX Spark (spark.md 1.3)."""

SPEECH = ("voice", "ears", "embedder")
"""Whoever stands in for one of these is pinned as it is: without them nothing can be said, not even why."""

LOAD_START_SECONDS = 2.0
"""Of any model: its process and its first kernels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One way to serve a role."""

    model: str
    name: str
    role: str
    bytes: int
    context_tokens: int
    slots: int
    device: Device
    load_seconds: float
    pinned: bool
    kept: bool
    priority: int
    change: Change
    """How it differs from what the profile wants."""

    def reserve(self, at: float, *, leases: int = 0) -> Resident:
        """The ledger's entry for a load that begins now."""
        return Resident(
            model=self.model,
            name=self.name,
            role=self.role,
            state="reserved",
            bytes=self.bytes,
            context_tokens=self.context_tokens,
            slots=self.slots,
            device=self.device,
            pinned=self.pinned,
            kept=self.kept,
            stands_in=self.change == "stand_in",
            priority=self.priority,
            loaded_at=at,
            last_used_at=at,
            load_seconds=self.load_seconds,
            leases=leases,
        )

    def served_by(self, present: Resident) -> bool:
        """Whether what is in memory is large enough, and in the same place."""
        enough = present.context_tokens >= self.context_tokens and present.slots >= self.slots
        return enough and present.device == self.device


class Team:
    """The ladders of a profile. `measured` sizes take the place of estimates."""

    def __init__(self, profile: Profile, catalogue: Catalogue, measured: Measured | None = None) -> None:
        self.profile = profile
        self._catalogue = catalogue
        self._measured = measured or {}
        self._roles_of: dict[str, list[str]] = {}
        for role, post in profile.roles.items():
            self._roles_of.setdefault(post.model, []).append(role)
        self._ladders = {
            role: tuple(self._rungs(role, catalogue.models[post.model], 0)) for role, post in profile.roles.items()
        }
        self._rivals = {
            role: self._models_of(profile.rivals(role)) - {profile.roles[role].model} for role in profile.roles
        }
        self.pins = tuple(
            {rung.model: rung for rung in (ladder[0] for ladder in self._ladders.values()) if rung.pinned}.values()
        )
        """What always has its place, whether it is in memory or not."""

    def ladder(self, request: Request) -> tuple[Rung, ...]:
        """From what is asked for down to the least that will do. Raises EngineError for a role nobody fills."""
        if request.role not in self._ladders:
            raise EngineError(
                "role-unfilled",
                f"The profile {self.profile.key} has nobody for {request.role}.",
                f"Add [roles.{request.role}] to the profile.",
            )
        if not request.model and not request.context_tokens:
            return self._ladders[request.role]
        model = self._catalogue.find(request.model or self.profile.roles[request.role].model)
        return tuple(self._rungs(request.role, model, request.context_tokens))

    def best(self) -> Iterator[Rung]:
        """What the profile wants, a rung per role."""
        return (ladder[0] for ladder in self._ladders.values())

    def best_for(self, role: str) -> Rung:
        """What the profile wants for a role that it fills."""
        return self._ladders[role][0]

    def rivals(self, role: str) -> frozenset[str]:
        """Models that give way to this role first."""
        return self._rivals.get(role, frozenset())

    def opening(self) -> tuple[str, ...]:
        """Roles whose models are loaded at start, one role per model, the most important first."""
        slots = self.profile.exclusive.values()
        later = {role for lists in slots for roles in lists[1:] for role in roles}
        held = [r for r, post in self.profile.roles.items() if post.hold != "demand" and r not in later]
        held.sort(key=self.profile.priority_of, reverse=True)
        first = {self.profile.roles[role].model: role for role in reversed(held)}
        return tuple(role for role in held if first[self.profile.roles[role].model] == role)

    def _models_of(self, roles: frozenset[str]) -> frozenset[str]:
        return frozenset(self.profile.roles[role].model for role in roles)

    def _rungs(self, role: str, model: Model, context_tokens: int) -> Iterator[Rung]:
        first = self._rung(role, model, context_tokens, "none")
        yield first
        context = first.context_tokens // 2
        while context >= LEAST_CONTEXT_TOKENS and model.kv_bytes_per_token:
            yield self._rung(role, model, context, "context")
            context //= 2
        others = [self._catalogue.models[key] for key in self.profile.roles[role].alternatives if key != model.key]
        for other in others:
            yield self._rung(role, other, 0, "model")
        movable = [each for each in (model, *others) if each.runner == "ollama"]
        if movable and first.device == "gpu":
            smallest = min(movable, key=lambda each: each.weights_bytes)
            yield replace(self._rung(role, smallest, LEAST_CONTEXT_TOKENS, "cpu"), device="cpu", pinned=False)
        if stand_in := self.profile.roles[role].stand_in:
            yield self._rung(role, self._catalogue.models[stand_in], 0, "stand_in")

    def _rung(self, role: str, model: Model, context_tokens: int, change: Change) -> Rung:
        """A model that has a role of its own keeps that role's size, so that lending it reloads nothing."""
        holders = self._roles_of.get(model.key, [])
        pinned_for = holders or ([role] if role in SPEECH and change == "model" else [])
        owner = holders[0] if holders else role
        post = self.profile.roles[owner]
        wants = need(
            model,
            context_tokens or self.profile.context_of(owner),
            post.slots if holders else self.profile.roles[role].slots,
            self.profile.kv_type,
        )
        key = (model.key, wants.context_tokens, wants.slots, self.profile.kv_type)
        return Rung(
            model=model.key,
            name=model.name,
            role=role,
            bytes=self._measured.get(key, wants.total_bytes),
            context_tokens=wants.context_tokens,
            slots=wants.slots,
            device=device_of(model, post),
            load_seconds=LOAD_START_SECONDS + model.weights_bytes / LOAD_BYTES_PER_SECOND,
            # what is smaller than it should be may leave, to come back in its full size
            pinned=change != "context" and any(self.profile.roles[each].hold == "pinned" for each in pinned_for),
            kept=any(self.profile.roles[holder].hold != "demand" for holder in holders),
            priority=max(self.profile.priority_of(holder) for holder in holders or [role]),
            change=change,
        )


def in_gb(size_bytes: int) -> str:
    """For a sentence: `21 gigabytes`."""
    return f"{max(size_bytes, 0) / GB:.3g} gigabytes"
