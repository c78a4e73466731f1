"""The pure planner: what may be loaded now, who waits, who leaves, who takes less, each with its reason.

`plan` decides for one moment; whoever carries the steps out calls it again when something changed: a load ended, a
model left, a lease was given back, a request came. Nothing is remembered between calls: a waiting request is served
first next time because it has waited (spark.md 6.1).

Invariants: what is reserved, loading, resident or draining never exceeds the budget by a step of ours; room for pinned
models is kept free even while they are not in memory, unless others hold so much that they cannot come; a model that
has just come stays for three times its load; what the profile keeps never takes turns with what else it keeps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from voxspark.errors import EngineError
from voxspark.vram.eviction import cheapest, cost, evictable_at
from voxspark.vram.state import DRAIN_SECONDS, KEEP, RECOVERED_SHARE, VOICE, Budget, Device, Memory, Request, Resident
from voxspark.vram.steps import Admit, Degrade, Evict, Plan, Refuse, Step, Wait
from voxspark.vram.team import Rung, Team, in_gb

QUEUE_LIMIT = 64
"""More requests than this are refused, the least urgent and newest first."""

AGING_PER_SECOND = 0.5
"""Priority gained by waiting: a sub-question of the swarm passes a listening person after two minutes."""

HOLD_AFTER_SECONDS = 60.0
"""A request that waited this long keeps later ones from taking the memory it needs."""

IDLE_SECONDS = 300.0
"""A model on demand is given back after this, when memory is short; whoever stood in, when the other one is back."""


def plan(budget: Budget, team: Team, memory: Memory, requests: Sequence[Request], at: float) -> Plan:
    """Decide for every request, and give back what should go."""
    desk = _Desk(budget, team, memory, at)
    desk.give_back()
    queue = sorted(requests, key=lambda request: (-urgency(request, at), request.at, request.id))
    for request in queue[:QUEUE_LIMIT]:
        desk.serve(request)
    for request in queue[QUEUE_LIMIT:]:
        desk.serve_at_once(request)
    return Plan(tuple(desk.steps))


def emergency(budget: Budget, memory: Memory, at: float) -> Plan:
    """The watchdog's hard mark: the least important model leaves, pinned ones after all others. One at a time.

    What lives beside a discrete GPU, in the host's memory, is not what is short.
    """
    present = [r for r in memory.residents if budget.pool(r.device) == "gpu" and r.state != "released"]
    movable = [r for r in present if r.stays_until <= at]
    if not movable or any(r.state == "draining" for r in present):
        return Plan(())
    victim = min(movable, key=lambda r: (r.pinned, r.priority, cost(r, at), r.model))
    return Plan((Evict(victim.model, f"{victim.name} leaves: the machine is running out of memory.", urgent=True),))


def urgency(request: Request, at: float) -> float:
    """Its priority, grown by waiting."""
    return request.priority + AGING_PER_SECOND * max(0.0, at - request.at)


@dataclass(frozen=True, slots=True)
class _Chance:
    """What can be done about one rung."""

    kind: str
    """`ready`, `load`, `coming` (others must leave or finish first), `later` (blocked), `never`."""
    reason: str
    seconds: float = 0.0
    """How long until it is in memory, at least."""
    until: float | None = None
    victims: tuple[Resident, ...] = ()
    claims: bool = False
    """Waiting for memory: what is coming is spoken for."""


class _Desk:
    """The memory as it becomes while one plan is made."""

    def __init__(self, budget: Budget, team: Team, memory: Memory, at: float) -> None:
        self.steps: list[Step] = []
        self._budget = budget
        self._team = team
        self._memory = memory
        self._at = at
        self._residents = {r.model: r for r in memory.residents if r.state != "released"}
        free = min(self._ledger_free("gpu"), self._measured_free())
        self._free: dict[Device, int] = {"gpu": int(free), "cpu": self._ledger_free("cpu")}
        self._leaving: dict[Device, int] = {"gpu": 0, "cpu": 0}
        self._claimed: dict[Device, int] = {"gpu": 0, "cpu": 0}  # of what is free or leaving, by requests that wait
        for resident in self._residents.values():
            if resident.state == "draining":
                self._leaving[budget.pool(resident.device)] += resident.bytes
        self._hopeless = self._hopeless_pins()

    def _ledger_free(self, pool: Device) -> int:
        held = sum(r.bytes for r in self._residents.values() if self._budget.pool(r.device) == pool)
        foreign = sum(f.bytes for f in self._memory.foreign) if pool == "gpu" else 0
        return self._budget.pool_bytes(pool) - held - foreign

    def _measured_free(self) -> float:
        if self._memory.available_bytes is None:
            return math.inf
        unseen = sum(r.unseen_bytes for r in self._in_pool("gpu"))
        return self._memory.available_bytes - self._budget.floor_bytes - unseen

    def _hopeless_pins(self) -> frozenset[str]:
        """Pinned models that could not be loaded even if everyone left who may leave."""
        movable = {pool: sum(r.bytes for r in self._in_pool(pool) if not r.pinned) for pool in self._free}
        room: dict[Device, float] = {pool: self._ledger_free(pool) + movable[pool] for pool in self._free}
        room["gpu"] = min(room["gpu"], self._measured_free() + RECOVERED_SHARE * movable["gpu"])
        hopeless = set()
        for pin in sorted(self._team.pins, key=lambda pin: -pin.priority):
            pool = self._budget.pool(pin.device)
            if pin.model not in self._residents and pin.bytes > room[pool]:
                hopeless.add(pin.model)
            elif pin.model not in self._residents:
                room[pool] -= pin.bytes
        return frozenset(hopeless)

    def _absent_pins(self, pool: Device, rung: Rung) -> int:
        """Room kept for pinned models that are not in memory; for a pinned rung, only for more important ones."""
        return sum(
            pin.bytes
            for pin in self._other_pins(pool, rung)
            if pin.model not in self._residents and pin.role != rung.role
            if not rung.pinned or pin.priority > rung.priority
        )

    def _other_pins(self, pool: Device, rung: Rung) -> list[Rung]:
        pins = [pin for pin in self._team.pins if pin.model != rung.model and pin.model not in self._hopeless]
        return [pin for pin in pins if self._budget.pool(pin.device) == pool]

    def _soon(self, pool: Device, rung: Rung) -> int:
        """What this rung may have when everyone who drains is gone. Claims do not bind pinned models."""
        claimed = 0 if rung.pinned else self._claimed[pool]
        return self._free[pool] + self._leaving[pool] - claimed - self._absent_pins(pool, rung)

    # ── giving back ─────────────────────────────────────────────────────────────────────────────

    def give_back(self) -> None:
        """Over the budget (another program came): unpinned models leave at once. Short: idle ones on demand do."""
        over = -self._ledger_free("gpu") - self._leaving["gpu"]
        if over > 0:
            self._make_room(over)
        elif self._free["gpu"] + self._leaving["gpu"] < self._budget.low_mark_bytes:
            self._return_idle()
        self._return_stand_ins()

    def _make_room(self, deficit: int) -> None:
        ours = [r for r in self._in_pool("gpu") if not r.pinned and r.state != "draining"]
        movable = [r for r in ours if r.stays_until <= self._at]
        idle = [r for r in movable if not r.leases]
        chosen: Sequence[Resident] = movable  # all of it, when even that is not enough
        for some in (idle, movable):
            if enough := cheapest([(r, cost(r, self._at)) for r in some], deficit):
                chosen = enough
                break
        for resident in chosen:
            self._evict(resident, f"{resident.name} leaves: another program took the memory.", urgent=True)

    def _return_idle(self) -> None:
        idle = [
            r
            for r in self._in_pool("gpu")
            if not (r.kept or r.pinned or r.leases) and r.state == "resident"
            if self._at >= max(r.settled_at, r.last_used_at + IDLE_SECONDS)
        ]
        for resident in sorted(idle, key=lambda r: cost(r, self._at)):
            if self._free["gpu"] + self._leaving["gpu"] >= self._budget.high_mark_bytes:
                break
            self._evict(resident, f"{resident.name} leaves: memory is short and nobody used it for a while.")

    def _return_stand_ins(self) -> None:
        for resident in list(self._residents.values()):
            idle = resident.state == "resident" and not resident.leases and not resident.kept
            if idle and resident.stands_in and self._at >= resident.last_used_at + IDLE_SECONDS:
                best = self._residents.get(self._team.best_for(resident.role).model)
                if best is not None and best.state == "resident":
                    self._evict(resident, f"{resident.name} leaves: {best.name} is back.")

    def _in_pool(self, pool: Device) -> list[Resident]:
        return [r for r in self._residents.values() if self._budget.pool(r.device) == pool]

    def _evict(self, resident: Resident, reason: str, *, urgent: bool = False) -> None:
        self.steps.append(Evict(resident.model, reason, urgent))
        self._residents[resident.model] = replace(resident, state="draining")
        self._leaving[self._budget.pool(resident.device)] += resident.bytes

    # ── serving ─────────────────────────────────────────────────────────────────────────────────

    def serve(self, request: Request) -> None:
        """One step for the request, after the evictions it needs."""
        try:
            rungs = self._rungs(request)
        except EngineError as error:
            self.steps.append(Refuse(request.id, error.message))
            return
        best, due = self._chance(rungs[0], request), request.at + request.patience_seconds
        late = f"{rungs[0].name} needs about {max(best.seconds, 1):.0f} seconds to load."
        if best.kind in ("load", "coming") and self._at + best.seconds > due and self._stands_in(late, rungs, request):
            return
        if best.kind in ("ready", "load"):
            self._grant(best, rungs[0], request, [*request.without.values(), ""][0])
        elif best.kind == "coming" or self._is_worth_waiting(best, rungs, request, due):
            self._wait(best, rungs[0], request)
        else:
            self._descend(best, rungs, request)

    def serve_at_once(self, request: Request) -> None:
        """The queue is full: only who has not to wait is served."""
        with suppress(EngineError):
            rung = self._rungs(request)[0]
            if (chance := self._chance(rung, request)).kind == "ready":
                self._grant(chance, rung, request)
                return
        self.steps.append(Refuse(request.id, "Too much is waiting already; please ask again in a moment."))

    def _rungs(self, request: Request) -> list[Rung]:
        """Those that may serve it, best first. For who has failed nobody else is moved. Raises EngineError when there
        is none."""

        def may(rung: Rung) -> bool:
            if rung.change == "stand_in":
                return request.priority >= VOICE and rung.model not in request.without
            if request.without:
                there = self._residents.get(rung.model)
                is_ready = there is not None and there.state == "resident" and rung.served_by(there)
                return is_ready and rung.model not in request.without
            return rung.change != "cpu" or not self._budget.unified

        if not (rungs := [rung for rung in self._team.ladder(request) if may(rung)]):
            raise EngineError("role-unfilled", f"There is nobody else for {request.role}.")
        return rungs

    def _is_worth_waiting(self, best: _Chance, rungs: Sequence[Rung], request: Request, due: float) -> bool:
        """Nobody who listens waits for what may never be, where somebody stands in."""
        if best.kind != "later" or self._at >= due:
            return False
        if best.until is not None:
            return best.until <= due
        stand_ins = [self._chance(rung, request).kind for rung in rungs[1:] if rung.change == "stand_in"]
        return not {"ready", "load"}.intersection(stand_ins)

    def _stands_in(self, why: str, rungs: Sequence[Rung], request: Request) -> bool:
        """Whether a lower rung, ready in memory, takes the request instead."""
        for rung in rungs[1:]:
            chance = self._chance(rung, request)
            if chance.kind == "ready":
                self._grant(chance, rung, request, why)
                return True
        return False

    def _descend(self, best: _Chance, rungs: Sequence[Rung], request: Request) -> None:
        """Down the ladder: what is in memory, what can be loaded, who stands in, what is coming."""
        chances = [(rung, self._chance(rung, request)) for rung in rungs[1:]]
        rung, chance = min(chances, key=lambda each: _rank(*each), default=(rungs[0], best))
        if chance.kind in ("ready", "load"):
            self._grant(chance, rung, request, best.reason)
        elif chance.kind == "coming":
            self._wait(chance, rung, request)
        else:
            self.steps.append(Refuse(request.id, best.reason))

    def _grant(self, chance: _Chance, rung: Rung, request: Request, cause: str = "") -> None:
        """`cause`: what keeps a better one from taking it."""
        load, reason = chance.kind == "load", f"{cause} {_takes(rung)}" if cause else chance.reason
        degraded = rung.change != "none"
        step = Degrade(request.id, rung, load, reason, cause) if degraded else Admit(request.id, rung, load, reason)
        self.steps.append(step)
        if load:
            self._residents[rung.model] = rung.reserve(self._at, leases=1)
            self._free[self._budget.pool(rung.device)] -= rung.bytes
        else:
            used = self._residents[rung.model]
            self._residents[rung.model] = replace(used, leases=used.leases + 1, last_used_at=self._at)

    def _wait(self, chance: _Chance, rung: Rung, request: Request) -> None:
        for victim in chance.victims:
            self._evict(victim, f"{victim.name} leaves to make room for {rung.name}.")
        long = self._at - request.at >= HOLD_AFTER_SECONDS
        if chance.claims and not rung.pinned and (long or chance.kind == "coming"):
            self._claimed[self._budget.pool(rung.device)] += rung.bytes
        self.steps.append(Wait(request.id, chance.reason, chance.until))

    # ── one rung ────────────────────────────────────────────────────────────────────────────────

    def _chance(self, rung: Rung, request: Request) -> _Chance:
        present = self._residents.get(rung.model)
        if present is not None and present.state == "draining":
            return self._room(rung, request, f"{rung.name} is just leaving memory.", gone=True)
        if (until := self._memory.cooling.get(rung.model, self._at)) > self._at:
            return _Chance("later", f"{rung.name} could not be loaded a moment ago.", until=until)
        if present is not None and rung.served_by(present):
            if present.state == "resident":
                return _Chance("ready", f"{rung.name} is in memory.")
            left = max(0.0, present.loaded_at + present.load_seconds - self._at)
            return _Chance("coming", f"{rung.name} is being loaded.", left)
        if self._memory.pressure != "ok":
            return _Chance("later", "The machine is short of memory, so nothing is loaded now.")
        if present is not None:
            return self._resize(present, rung, request)
        return self._room(rung, request, "")

    def _resize(self, present: Resident, rung: Rung, request: Request) -> _Chance:
        """It is there in another size: it must leave before it can come back."""
        when = evictable_at(present, urgency(request, self._at))
        kind = "never" if present.pinned else "later"
        reason = f"{rung.name} is in memory with a smaller context, and must be loaded again."
        if when is None or when > self._at:
            return _Chance(kind, reason, until=when)
        own = present.bytes if self._budget.pool(present.device) == self._budget.pool(rung.device) else 0
        chance = self._room(rung, request, reason, own_bytes=own)
        if chance.kind in ("load", "coming"):
            return replace(chance, kind="coming", victims=(present, *chance.victims), claims=True)
        return chance

    def _room(self, rung: Rung, request: Request, reason: str, *, gone: bool = False, own_bytes: int = 0) -> _Chance:
        """Whether the memory for a load is there, is coming, or can be made. `gone`: wait even when there is room."""
        pool = self._budget.pool(rung.device)
        ever = self._budget.pool_bytes(pool) - sum(pin.bytes for pin in self._other_pins(pool, rung))
        if rung.bytes > ever:
            needs = f"{rung.name} needs {in_gb(rung.bytes)}, and this machine has {in_gb(ever)} for it."
            return _Chance("never", needs)
        waits = f"{rung.name} waits until memory is given back."
        if rung.pinned and rung.model in self._hopeless:
            return _Chance("later", f"{rung.name} needs {in_gb(rung.bytes)}, and others hold too much memory.")
        soon = self._soon(pool, rung) + own_bytes
        if rung.bytes <= soon:
            if not gone and rung.bytes <= self._free[pool] - self._absent_pins(pool, rung):
                return _Chance("load", f"There is room for {rung.name}.", rung.load_seconds)
            return _Chance("coming", reason or waits, rung.load_seconds, claims=True)
        return self._evictions(rung, request, pool, rung.bytes - soon)

    def _evictions(self, rung: Rung, request: Request, pool: Device, deficit: int) -> _Chance:
        rivals = self._team.rivals(request.role)
        priority = urgency(request, self._at)
        times = {
            r.model: evictable_at(r, priority)
            for r in self._in_pool(pool)
            if r.model != rung.model and (priority > KEEP or not r.kept or r.model in rivals)
        }
        now = [
            (r, cost(r, self._at, rivals) * (1 + 9 * bool(r.leases)))
            for r in self._in_pool(pool)
            if (when := times.get(r.model)) is not None and when <= self._at
        ]
        if victims := cheapest(now, deficit):
            waits = f"{rung.name} waits until memory is given back."
            drain = DRAIN_SECONDS * any(victim.leases for victim in victims)
            return _Chance("coming", waits, drain + rung.load_seconds, victims=victims, claims=True)
        settling = [when for model, when in times.items() if when is not None and not self._residents[model].stands_in]
        later = min((when for when in settling if when > self._at), default=None)
        free = rung.bytes - deficit
        had = f"only {in_gb(free)} can be had" if free > 0 else "there is none to be had"
        reason = f"{rung.name} needs {in_gb(rung.bytes)}, and {had} now."
        return _Chance("later", reason, until=later, claims=True)


def _rank(rung: Rung, chance: _Chance) -> int:
    """Of what can be had, from best to worst."""
    kinds = ("ready", "load", "stand_in", "coming")
    kind = "stand_in" if rung.change == "stand_in" and chance.kind in ("ready", "load") else chance.kind
    return kinds.index(kind) if kind in kinds else len(kinds)


def _takes(rung: Rung) -> str:
    if rung.change == "context":
        return f"{rung.name} takes it with {rung.context_tokens:,} tokens of context."
    return f"{rung.name} takes it{', on the processor' if rung.change == 'cpu' else ''}."
