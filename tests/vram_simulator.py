"""A small machine that carries out plans: loads take time and fail, models crash, other programs come and go.

It does what the ledger does, on a clock of its own, and checks after every step what must always hold. Modelled on
spark.md: memory fills while a model loads; a runner of another program shows its full size at once and begins to fill
after its process has started; an urgent unload is quicker than that start.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random

from voxspark.vram.planner import plan
from voxspark.vram.state import DRAIN_SECONDS, Budget, Foreign, Memory, Request, Resident
from voxspark.vram.steps import Admit, Degrade, Evict, Plan, Refuse, Wait
from voxspark.vram.team import LOAD_START_SECONDS, SPEECH, Rung, Team

UNLOAD_SECONDS = 1.5
COOLING_SECONDS = 10.0
FOREIGN_BYTES_PER_SECOND = 1_500_000_000


class Simulator:
    """One machine with one team. `now` only moves in `advance`."""

    def __init__(self, team: Team, budget: Budget, *, seed: int = 0, failures: float = 0.0) -> None:
        self.team, self.budget = team, budget
        self.random = Random(seed)
        self.failures = failures
        self.now = 0.0
        self.residents: dict[str, Resident] = {}
        self.foreign: dict[str, tuple[Foreign, float]] = {}
        self.cooling: dict[str, float] = {}
        self.queue: dict[str, tuple[Request, float]] = {}
        self.served: dict[str, tuple[str, float]] = {}
        """Request to (model, seconds waited)."""
        self.refused: dict[str, str] = {}
        self.loads: list[tuple[str, float]] = []
        self.counts: Counter[str] = Counter()
        self.least_above_floor = budget.capacity_bytes
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = 0
        self._wake_at = math.inf
        self._lease_of: dict[str, str] = {}

    # ── what happens from outside ───────────────────────────────────────────────────────────────

    def ask(self, role: str, *, hold_seconds: float = 5.0, **wants: object) -> str:
        """A request; its lease lasts `hold_seconds` once it has its model."""
        self._sequence += 1
        request = Request(id=f"{role}-{self._sequence}", role=role, at=self.now, **wants)  # type: ignore[arg-type]
        self.queue[request.id] = (request, hold_seconds)
        self.replan()
        return request.id

    def open(self) -> None:
        """Load what the profile keeps in memory."""
        for role in self.team.opening():
            self.ask(role, priority=100, patience_seconds=3600.0, hold_seconds=0.0)
        self.advance(300.0)

    def foreign_comes(self, name: str, size_bytes: int) -> None:
        self.foreign[name] = (Foreign(name, size_bytes), self.now)
        self.replan()

    def foreign_goes(self, name: str) -> None:
        self.foreign.pop(name, None)
        self.replan()

    def crash(self, model: str) -> None:
        """Its process is gone and its memory back; whoever used it is cut off. A pinned one is asked for again."""
        gone = self.residents.pop(model)
        self._cut_off(model)
        self.counts["crashed"] += 1
        if gone.pinned:
            self.ask(gone.role, priority=95, patience_seconds=3600.0, hold_seconds=0.0)
        else:
            self.replan()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while self._events and self._events[0][0] <= until:
            self.now, _, happen = heapq.heappop(self._events)
            self._check()
            happen()
        self.now = until
        self._check()

    def at(self, when: float, happen: Callable[[], None]) -> None:
        self._sequence += 1
        heapq.heappush(self._events, (max(when, self.now), self._sequence, happen))

    # ── carrying out ────────────────────────────────────────────────────────────────────────────

    def memory(self) -> Memory:
        seen = tuple(
            replace(r, seen_bytes=self._filled(r)) if r.state == "loading" else r for r in self.residents.values()
        )
        return Memory(
            residents=seen,
            foreign=tuple(foreign for foreign, _ in self.foreign.values()),
            available_bytes=self.budget.floor_bytes + self.above_floor(),
            cooling=self.cooling,
        )

    def replan(self) -> None:
        """Plan for this moment, check the plan, carry it out."""
        decided = plan(self.budget, self.team, self.memory(), [request for request, _ in self.queue.values()], self.now)
        self._check_plan(decided)
        for step in decided.steps:
            match step:
                case Evict(model, _, urgent):
                    self._evict(model, urgent=urgent)
                case Admit(request, rung, load, _) | Degrade(request, rung, load, _):
                    self.counts["degraded"] += isinstance(step, Degrade)
                    self._grant(request, rung, load=load)
                case Refuse(request, reason):
                    self.refused[request] = reason
                    del self.queue[request]
                case Wait(_, _, until):
                    self._wake(self.now + 1.0 if until is None else until)
        self._check()

    def _wake(self, when: float) -> None:
        """Plan again then, unless that is due sooner anyway."""
        if when >= self._wake_at:
            return
        self._wake_at = when

        def again() -> None:
            if self._wake_at == when:
                self._wake_at = math.inf
                self.replan()

        self.at(when, again)

    def _grant(self, request_id: str, rung: Rung, *, load: bool) -> None:
        request, hold_seconds = self.queue.pop(request_id)
        if not load:
            self._lease(request, hold_seconds, rung.model)
            return
        self.loads.append((rung.model, self.now))
        self.residents[rung.model] = replace(rung.reserve(self.now, leases=1), state="loading")
        born = self.residents[rung.model].loaded_at
        takes = rung.load_seconds * self.random.uniform(0.5, 1.0)
        self.at(self.now + takes, lambda: self._loaded(request, hold_seconds, rung.model, born))

    def _loaded(self, request: Request, hold_seconds: float, model: str, born: float) -> None:
        loading = self.residents.get(model)
        if loading is None or loading.state != "loading" or loading.loaded_at != born:
            self.counts["cut off"] += 1  # evicted or crashed while it loaded
            return
        if self.random.random() < self.failures:
            del self.residents[model]
            self.cooling[model] = self.now + COOLING_SECONDS
            self.counts["failed"] += 1
            self.queue[request.id] = (request, hold_seconds)
        else:
            self.residents[model] = replace(loading, state="resident", loaded_at=self.now, leases=0)
            self._lease(request, hold_seconds, model)
        self.replan()

    def _lease(self, request: Request, hold_seconds: float, model: str) -> None:
        self.served[request.id] = (model, self.now - request.at)
        used = self.residents[model]
        self.residents[model] = replace(used, leases=used.leases + 1, last_used_at=self.now)
        self._lease_of[request.id] = model
        self.at(self.now + hold_seconds, lambda: self._release(request.id))

    def _release(self, request: str) -> None:
        if (model := self._lease_of.pop(request, None)) is None:
            return
        used = self.residents[model]
        self.residents[model] = replace(used, leases=used.leases - 1, last_used_at=self.now)
        if used.state == "draining" and used.leases == 1:
            self._unload(model)
        elif self.queue:
            self.replan()

    def _evict(self, model: str, *, urgent: bool) -> None:
        self.counts["urgent" if urgent else "evicted"] += 1
        leaving = self.residents[model]
        self.residents[model] = replace(leaving, state="draining")
        if urgent or not leaving.leases:
            self._cut_off(model)
            self._unload(model)
        else:
            self.at(self.now + DRAIN_SECONDS, lambda: self._drained(model, leaving.loaded_at))

    def _drained(self, model: str, loaded_at: float) -> None:
        leaving = self.residents.get(model)
        if leaving is not None and leaving.state == "draining" and leaving.loaded_at == loaded_at and leaving.leases:
            self._cut_off(model)
            self._unload(model)

    def _unload(self, model: str) -> None:
        leaving = self.residents[model]

        def gone() -> None:
            if self.residents.get(model) == leaving:
                del self.residents[model]
                self.replan()

        self.residents[model] = leaving = replace(leaving, leases=0)
        self.at(self.now + UNLOAD_SECONDS, gone)

    def _cut_off(self, model: str) -> None:
        for request in [request for request, used in self._lease_of.items() if used == model]:
            del self._lease_of[request]
            self.counts["cut off"] += 1

    # ── what must always hold ───────────────────────────────────────────────────────────────────

    def above_floor(self) -> int:
        """Bytes that are really free, less the floor."""
        ours = sum(self._filled(r) for r in self.residents.values() if self.budget.pool(r.device) == "gpu")
        others = sum(self._grown(foreign, came) for foreign, came in self.foreign.values())
        return self.budget.capacity_bytes - ours - others

    def _filled(self, resident: Resident) -> int:
        if resident.state != "loading":
            return resident.bytes
        share = (self.now - resident.loaded_at) / max(resident.load_seconds, 1e-9)
        return min(resident.bytes, int(resident.bytes * share))

    def _grown(self, foreign: Foreign, came: float) -> int:
        filling = max(0.0, self.now - came - LOAD_START_SECONDS)
        return min(foreign.bytes, int(filling * FOREIGN_BYTES_PER_SECOND))

    def ledger_bytes(self) -> int:
        return sum(r.bytes for r in self.residents.values() if self.budget.pool(r.device) == "gpu")

    def _check(self) -> None:
        host = sum(r.bytes for r in self.residents.values()) - self.ledger_bytes()
        assert self.ledger_bytes() <= self.budget.capacity_bytes
        assert self.budget.unified or host <= self.budget.host_bytes
        self.least_above_floor = min(self.least_above_floor, self.above_floor())

    def _check_plan(self, decided: Plan) -> None:
        for evict in decided.evictions:
            leaving = self.residents[evict.model]
            assert not leaving.pinned
            assert leaving.role not in SPEECH
            assert evict.urgent or self.now >= leaving.settled_at
        loading = [step.rung for step in decided.steps if isinstance(step, Admit | Degrade) and step.load]
        added = sum(rung.bytes for rung in loading if self.budget.pool(rung.device) == "gpu")
        foreign = sum(each.bytes for each, _ in self.foreign.values())
        assert not added or self.ledger_bytes() + added + foreign <= self.budget.capacity_bytes
        assert not {rung.model for rung in loading} & self.residents.keys()
        answered = [step.request for step in decided.steps if not isinstance(step, Evict)]
        assert sorted(answered) == sorted(self.queue)
