"""What a running daemon holds: the `memory` of the socket's `status`, as text and as a chart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from voxspark.plan_view.chart import (
    FOREIGN,
    FREE,
    GB,
    KEPT,
    Chart,
    Group,
    Segment,
    Strip,
    bar,
    in_gb,
    letters,
    span,
    table,
)

Memory = Mapping[str, Any]
"""As `control.daemon.Daemon.status` gives it."""

DECISIONS = 8
"""How many of the last ones are shown."""

PRESSURE = {
    "soft": "Memory is short: nothing more is loaded.",
    "hard": "Memory is nearly used up: models are made to leave.",
}
HEAD = ("", "GB", "model", "roles", "state", "context", "pinned", "idle", "why")


def headline(memory: Memory) -> str:
    """`everyday: 93.1 of 104.2 GB, 7 models`."""
    count = len(memory["models"])
    used, capacity = (memory[key] / GB for key in ("used_bytes", "capacity_bytes"))
    return f"{memory['profile']}: {used:.1f} of {capacity:.1f} GB, {count} model{'s' * (count != 1)}"


def text(memory: Memory, now: float | None) -> str:
    """The ledger for a terminal; `now` is on the clock of its decisions."""
    sections = [
        [headline(memory), memory["machine"], *_pressure(memory)],
        list(ledger(memory)),
        _titled(
            "Waiting", [f"{w['role']} ({_model(w)}), {span(w['seconds'])}: {w['reason']}" for w in memory["waiting"]]
        ),
        _titled("Failed", [_failure(failure) for failure in memory["failures"]]),
        _titled("Decided", [_decision(each, now) for each in memory["decisions"][-DECISIONS:]]),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def whereabouts(memory: Memory, model: str, name: str) -> str:
    """Whether one model is in memory, and why (not). `name` is what people call it."""
    for each in memory["models"]:
        if each["model"] == model:
            where = f"{each['state']}, {in_gb(each['bytes'])} GB, {_use(each)}"
            return f"In memory for {', '.join(each['roles']) or 'nobody'}: {where}. {each['reason']}"
    for failure in memory["failures"]:
        if failure["model"] == model:
            return f"Not in memory: {_failure(failure)}"
    for waiting in memory["waiting"]:
        if waiting["model"] == model:
            waits = f"{waiting['role']} has waited for it for {span(waiting['seconds'])}"
            return f"Not in memory yet: {waits}. {waiting['reason']}"
    told = [each["text"] for each in memory["decisions"] if name in each["text"]]
    return f"Not in memory. {told[-1]}" if told else "Not in memory: nobody has asked for it."


def chart(memory: Memory) -> Chart:
    """The ledger as a picture."""
    pool, host = _parts(memory)
    segments = [Segment(m["name"], m["bytes"], _group(m), ", ".join(m["roles"])) for m in pool]
    segments += [Segment(f["name"], f["bytes"], "other programs") for f in memory["foreign"]]
    if memory["kept_for_pins_bytes"]:
        segments.append(Segment("kept free for pinned", memory["kept_for_pins_bytes"], "kept free for pinned"))
    strips = [Strip("Now", tuple(segments))]
    if host:
        beside = (Segment(m["name"], m["bytes"], "on the processor", ", ".join(m["roles"])) for m in host)
        strips.append(Strip("Beside it, in the memory of the processor", tuple(beside), "beside"))
    over = sum(segment.bytes for segment in segments) > memory["capacity_bytes"]
    return Chart(
        title=f"In memory now: {memory['profile']}",
        fits=not over,
        verdict=" ".join([f"{headline(memory)}.", *_pressure(memory)]),
        why=memory["machine"],
        total_bytes=memory["total_bytes"],
        floor_bytes=memory["floor_bytes"],
        capacity_bytes=memory["capacity_bytes"],
        strips=tuple(strips),
    )


def _parts(memory: Memory) -> tuple[list[Memory], list[Memory]]:
    """Models in the planned memory and those beside it, pinned and large first."""
    models = sorted(memory["models"], key=lambda m: (not m["pinned"], -m["bytes"]))
    shared = memory.get("unified", True)
    return [m for m in models if shared or m["device"] == "gpu"], [
        m for m in models if not shared and m["device"] != "gpu"
    ]


def _group(model: Memory) -> Group:
    match model["state"]:
        case "reserved" | "loading":
            return "loading"
        case "draining":
            return "leaving"
    return "pinned" if model["pinned"] else "resident"


def ledger(memory: Memory) -> Iterator[str]:
    """Who has how much: a bar, and a row for each."""
    pool, host = _parts(memory)
    marks = [
        m.lower() if model["state"] != "resident" else m for m, model in zip(letters(len(pool)), pool, strict=True)
    ]
    foreign = sum(each["bytes"] for each in memory["foreign"])
    kept = memory["kept_for_pins_bytes"]
    parts = [*zip(marks, (model["bytes"] for model in pool), strict=True), (FOREIGN, foreign), (KEPT, kept)]
    yield bar(parts, memory["capacity_bytes"])
    if any(model["state"] != "resident" for model in pool):
        yield "Small letters: on the way in or out."
    yield ""
    rows = [_row(mark, model) for mark, model in zip([*marks, *[""] * len(host)], [*pool, *host], strict=True)]
    rows += [_short(FOREIGN, each["bytes"], each["name"], "of another program") for each in memory["foreign"]]
    if kept:
        rows.append(_short(KEPT, kept, "kept free", "for pinned models"))
    rows.append(_short(FREE, memory["free_bytes"], "free", ""))
    yield table(HEAD, rows, right=(1, 5, 7))


def _row(mark: str, model: Memory) -> Sequence[str]:
    slots = f" * {model['slots']}" if model["slots"] > 1 else ""
    context = f"{model['context_tokens']:,}{slots}" if model["context_tokens"] else ""
    state = f"{model['state']}{', CPU' if model['device'] == 'cpu' else ''}"
    idle = f"in use by {model['leases']}" if model["leases"] else span(model["idle_seconds"])
    roles, pinned = ", ".join(model["roles"]), "yes" if model["pinned"] else ""
    return mark, in_gb(model["bytes"]), model["name"], roles, state, context, pinned, idle, model["reason"]


def _short(mark: str, size_bytes: int, name: str, why: str) -> Sequence[str]:
    return mark, in_gb(size_bytes), name, "", "", "", "", "", why


def _use(model: Memory) -> str:
    return f"in use by {model['leases']}" if model["leases"] else f"idle for {span(model['idle_seconds'])}"


def _pressure(memory: Memory) -> list[str]:
    if memory["pressure"] not in PRESSURE:
        return []
    left = memory["available_bytes"]
    return [PRESSURE[memory["pressure"]] + (f" The machine has {left / GB:.1f} GB left." if left is not None else "")]


def _model(waiting: Memory) -> str:
    return str(waiting["model"]) or "whoever the profile names"


def _failure(failure: Memory) -> str:
    retry = failure["retry_seconds"]
    again = f" It is tried again in {span(retry)}." if retry and retry > 0 else ""
    told = f"{failure['message']} {failure['remedy']}".strip()
    return f"{failure['model']}: {told}{again} ({failure['code']})"


def _decision(decision: Memory, now: float | None) -> str:
    ago = f"{span(now - decision['at'])} ago" if now is not None else f"at {decision['at']:.0f} s"
    return f"{ago:>10}  {decision['text']}"


def _titled(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *(f"  {line}" for line in lines)] if lines else []
