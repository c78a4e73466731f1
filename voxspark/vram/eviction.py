"""Who leaves: the cheapest set of models that frees enough."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from voxspark.vram.state import Resident

WARM_SECONDS = 60.0
"""A model used this recently stays for a request of less priority: the conversation may go on with it."""

RIVAL_DISCOUNT = 0.01
"""What the profile declares to give way costs a hundredth."""


def cost(resident: Resident, at: float, rivals: Collection[str] = ()) -> float:
    """What it hurts to evict it: long loads and important roles cost more, idle time makes it cheaper."""
    idle_seconds = max(0.0, at - resident.last_used_at)
    hurt = (1 + resident.load_seconds) * (1 + resident.priority) / (1 + idle_seconds)
    return hurt * RIVAL_DISCOUNT if resident.model in rivals else hurt


def evictable_at(resident: Resident, priority: float) -> float | None:
    """When a request of this priority may evict it; None while it is pinned, busy for someone above, or moving."""
    if resident.pinned or resident.state != "resident":
        return None
    if priority > resident.priority:
        return resident.settled_at
    if resident.leases:
        return None
    return max(resident.settled_at, resident.last_used_at + WARM_SECONDS)


def cheapest(candidates: Sequence[tuple[Resident, float]], deficit_bytes: int) -> tuple[Resident, ...]:
    """Of (resident, cost) pairs, the set of least cost that frees the deficit, nobody in it for nothing.

    Exact for one and two models; beyond that by cost per byte, then without the superfluous. Empty when all together
    are not enough.
    """
    found = _greedy(candidates, deficit_bytes)
    if not found:
        return ()
    best = (sum(price for _, price in found), len(found), sum(resident.bytes for resident, _ in found))
    rising = sorted(candidates, key=lambda each: each[1])
    largest = max(resident.bytes for resident, _ in candidates)
    for place, (first, price) in enumerate(rising):
        if first.bytes + largest < deficit_bytes:
            continue
        if price > best[0]:
            break  # nobody after this one can be in a cheaper set
        if first.bytes >= deficit_bytes and (price, 1, first.bytes) < best:
            found, best = ((first, price),), (price, 1, first.bytes)
        for second, other in rising[:place]:
            freed = first.bytes + second.bytes
            if freed >= deficit_bytes and (price + other, 2, freed) < best:
                found, best = ((first, price), (second, other)), (price + other, 2, freed)
    return tuple(resident for resident, _ in found)


def _greedy(candidates: Sequence[tuple[Resident, float]], deficit_bytes: int) -> tuple[tuple[Resident, float], ...]:
    chosen: list[tuple[Resident, float]] = []
    spare = -deficit_bytes
    for candidate in sorted(candidates, key=lambda each: each[1] / max(each[0].bytes, 1)):
        if spare >= 0:
            break
        chosen.append(candidate)
        spare += candidate[0].bytes
    if spare < 0:
        return ()
    for candidate in sorted(chosen, key=lambda each: -each[1]):
        if candidate[0].bytes <= spare:
            chosen.remove(candidate)
            spare -= candidate[0].bytes
    return tuple(chosen)
