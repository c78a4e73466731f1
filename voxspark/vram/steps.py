"""What the planner decides: one step after the other, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

from voxspark.vram.team import Rung


@dataclass(frozen=True, slots=True)
class Admit:
    """The request has its model: it is in memory, or `load` it now and then serve."""

    request: str
    rung: Rung
    load: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Degrade:
    """The request is served with less than it wanted; as Admit otherwise."""

    request: str
    rung: Rung
    load: bool
    reason: str
    cause: str = ""
    """What kept the best from serving it, in a sentence."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet: ask again when something changed, and at `until` when that is known."""

    request: str
    reason: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """It will not be served; the reason can be spoken."""

    request: str
    reason: str


@dataclass(frozen=True, slots=True)
class Evict:
    """Give the model no more leases and unload it; `urgent`: do not wait for those that use it."""

    model: str
    reason: str
    urgent: bool = False


Step = Admit | Degrade | Wait | Refuse | Evict


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order to carry them out. One of Admit, Degrade, Wait or Refuse per request."""

    steps: tuple[Step, ...]

    @property
    def evictions(self) -> tuple[Evict, ...]:
        return tuple(step for step in self.steps if isinstance(step, Evict))

    def answer(self, request: str) -> Admit | Degrade | Wait | Refuse:
        """What becomes of one request."""
        return next(step for step in self.steps if not isinstance(step, Evict) and step.request == request)
