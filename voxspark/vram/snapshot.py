"""The ledger as JSON, for `status`, `voxspark plan` and whoever looks at it."""

from __future__ import annotations

from typing import Any

import anyio

from voxspark.vram.ledger import Ledger
from voxspark.vram.state import Resident


def snapshot(ledger: Ledger) -> dict[str, Any]:
    """Everything the plan knows at this moment; bytes and seconds."""
    now, book, budget = anyio.current_time(), ledger.book, ledger.machine.budget
    residents = list(book.residents.values())
    used = sum(r.bytes for r in residents if budget.pool(r.device) == "gpu") + sum(f.bytes for f in book.foreign)
    kept = sum(
        pin.bytes for pin in ledger.team.pins if pin.model not in book.residents and budget.pool(pin.device) == "gpu"
    )
    return {
        "profile": ledger.profile.key,
        "machine": ledger.machine.why,
        "unified": budget.unified,
        "total_bytes": budget.total_bytes,
        "floor_bytes": budget.floor_bytes,
        "capacity_bytes": budget.capacity_bytes,
        "used_bytes": used,
        "kept_for_pins_bytes": kept,
        "free_bytes": budget.capacity_bytes - used - kept,
        "available_bytes": book.available_bytes,
        "pressure": book.pressure,
        "models": [_model(ledger, resident, now) for resident in residents],
        "foreign": [{"name": each.name, "bytes": each.bytes} for each in book.foreign],
        "waiting": [
            {
                "role": waiter.request.role,
                "model": waiter.wanted.model,
                "seconds": round(now - waiter.request.at, 1),
                "reason": waiter.reason,
            }
            for waiter in ledger.waiting
        ],
        "failures": [
            {
                "model": model,
                "code": failure.error.code,
                "message": failure.error.message,
                "remedy": failure.error.remedy,
                "retry_seconds": round(max(0.0, failure.until - now), 1),
            }
            for model, failure in book.failures.items()
        ],
        "decisions": list(book.decisions),
    }


def _model(ledger: Ledger, resident: Resident, now: float) -> dict[str, Any]:
    holders = [role for role, post in ledger.profile.roles.items() if post.model == resident.model]
    return {
        "model": resident.model,
        "name": resident.name,
        "roles": holders or [resident.role],
        "state": resident.state,
        "bytes": resident.bytes,
        "context_tokens": resident.context_tokens,
        "slots": resident.slots,
        "device": ledger.machine.budget.pool(resident.device),
        "pinned": resident.pinned,
        "leases": resident.leases,
        "idle_seconds": 0.0 if resident.leases else round(now - resident.last_used_at, 1),
        "load_seconds": round(resident.load_seconds, 1),
        "reason": ledger.book.reason(resident.model),
    }
