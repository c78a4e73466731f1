"""The ledger's book: what is in memory, what failed, what was decided. It moves models on and says so."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Any

import anyio

from voxspark.errors import EngineError
from voxspark.events import Event, Failed, ModelChanged
from voxspark.protocols import Clock, Emit
from voxspark.vram.leases import Leased
from voxspark.vram.runner import Loaded
from voxspark.vram.state import Foreign, Memory, Pressure, Resident, State
from voxspark.vram.team import Rung

COOLING_SECONDS, LONGEST_COOLING_SECONDS = 5.0, 300.0
"""How long a model that failed to load is left alone, at first and at most; doubled each time in a row."""

SERVER_COOLING_SECONDS = 10.0
"""At most, for a server that only an attempt shows to be back; one that is not there costs nothing."""

DECISIONS_KEPT = 50


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a model could not be loaded."""

    error: EngineError
    until: float
    """Not tried again before."""
    cooling_seconds: float


class Book:
    """Times are the event loop's; events carry the audio clock."""

    def __init__(self, emit: Emit, clock: Clock) -> None:
        self.residents: dict[str, Resident] = {}
        self.engines: dict[str, Loaded] = {}
        """What the runners made of those that are resident; a model found in memory has none yet."""
        self.foreign: tuple[Foreign, ...] = ()
        self.failures: dict[str, Failure] = {}
        self.available_bytes: int | None = None
        self.pressure: Pressure = "ok"
        self.decisions: deque[dict[str, Any]] = deque(maxlen=DECISIONS_KEPT)
        self._leases: dict[str, set[Leased]] = {}
        self._reasons: dict[str, str] = {}
        self._emit, self._clock = emit, clock

    def memory(self) -> Memory:
        """As the planner reads it."""
        return Memory(
            residents=tuple(self.residents.values()),
            foreign=self.foreign,
            available_bytes=self.available_bytes,
            pressure=self.pressure,
            cooling={model: failure.until for model, failure in self.failures.items()},
        )

    def reason(self, model: str) -> str:
        """Why it is as it is."""
        return self._reasons.get(model, "")

    def cooling(self, model: str) -> Failure | None:
        """The failure that keeps it from being loaded now."""
        failure = self.failures.get(model)
        return failure if failure is not None and failure.until > anyio.current_time() else None

    # ── models on their way ─────────────────────────────────────────────────────────────────────

    def reserve(self, rung: Rung, reason: str) -> None:
        """Room is kept for it; whoever asked holds the first lease."""
        self.residents[rung.model] = rung.reserve(anyio.current_time(), leases=1)
        self._tell(self.residents[rung.model], reason)

    def attach(self, rung: Rung, reason: str) -> None:
        """What was found in memory is made ready to be used; whoever asked holds the first lease."""
        found = self.residents[rung.model]
        taken = rung.reserve(anyio.current_time(), leases=1)
        self.residents[rung.model] = replace(
            taken, bytes=found.bytes, seen_bytes=found.bytes, stays_until=found.stays_until
        )
        self._tell(self.residents[rung.model], reason)

    def adopt(self, resident: Resident, reason: str) -> None:
        """It is in memory already."""
        self.residents[resident.model] = resident
        self._tell(resident, reason)

    def move(self, model: str, state: State, reason: str, **changes: Any) -> None:
        """On to the next state."""
        self.residents[model] = replace(self.residents[model], state=state, **changes)
        self._tell(self.residents[model], reason)

    def release(self, model: str, reason: str) -> None:
        """It is out of memory."""
        self.engines.pop(model, None)
        self._leases.pop(model, None)
        self._tell(replace(self.residents.pop(model), state="released"), reason)

    # ── leases ──────────────────────────────────────────────────────────────────────────────────

    def lend(self, rung: Rung, reason: str) -> Leased:
        """One lease more, of a model that is resident; beside it, whoever had it loaded lets go of the first one."""
        leased = Leased(self.engines[rung.model].engine, rung, reason)
        self._leases.setdefault(rung.model, set()).add(leased)
        self._count(rung.model)
        return leased

    def take_back(self, leased: Leased) -> None:
        """One lease less; nothing when the model has gone since."""
        leases = self._leases.get(leased.rung.model, set())
        if leased in leases:
            leases.remove(leased)
            self._count(leased.rung.model)

    def forget_leases(self, model: str) -> None:
        """Whoever used it has nothing any more, and notices by itself."""
        self._leases.pop(model, None)
        self._count(model)

    def revoke_leases(self, model: str) -> None:
        """Whoever uses it must stop at once."""
        for leased in self._leases.get(model, ()):
            leased.revoke()
        self.forget_leases(model)

    def _count(self, model: str) -> None:
        if (used := self.residents.get(model)) is not None:
            leases = len(self._leases.get(model, ()))
            self.residents[model] = replace(used, leases=leases, last_used_at=anyio.current_time())

    def cool(self, model: str, error: EngineError) -> Failure | None:
        """Leave it alone for a while, longer each time; what it failed of before."""
        before = self.failures.get(model)
        longest = SERVER_COOLING_SECONDS if error.code == "chat-unreachable" else LONGEST_COOLING_SECONDS
        pause = min(longest, 2 * before.cooling_seconds) if before else COOLING_SECONDS
        self.failures[model] = Failure(error, anyio.current_time() + pause, pause)
        return before

    def fail(self, rung: Rung, error: EngineError, *, gone: bool) -> None:
        """It could not be loaded: left alone for a while. Told once per reason, however often it is tried.

        `gone`: it is not in memory, where others may have brought it.
        """
        before = self.cool(rung.model, error)
        if gone:
            self.release(rung.model, error.message)
        else:
            self.move(rung.model, "resident", error.message, leases=0, seen_bytes=0)
        if before is None or before.error.code != error.code:
            self.decide(f"{rung.name} could not be loaded: {error.message}")
            self.emit(Failed(self._clock(), error.stage, error.code, error.message, error.remedy))

    def decide(self, text: str) -> None:
        """For those who look at it."""
        self.decisions.append({"at": round(self._clock(), 1), "text": text})

    def emit(self, event: Event) -> None:
        """Say that something happened."""
        self._emit(event)

    def now(self) -> float:
        """For events."""
        return self._clock()

    def _tell(self, resident: Resident, reason: str) -> None:
        self._reasons[resident.model] = reason
        self.emit(ModelChanged(self._clock(), resident.model, resident.role, resident.state, resident.bytes, reason))
