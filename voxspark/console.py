"""Events as a person at a terminal wants to read them."""

from __future__ import annotations

from voxspark.events import (
    AudioDropped,
    DeviceChanged,
    Event,
    Failed,
    Ready,
    Stopping,
    TimerRang,
    TurnEnded,
    WakeWord,
)
from voxspark.waterfall import waterfall


def describe(event: Event, *, with_waterfall: bool = False) -> str:
    """One line (or a few) for an event; empty for what only programs care about."""
    match event:
        case Ready():
            return f"Ready ({event.profile}). Speak, or press Ctrl-C to end."
        case WakeWord():
            return f"  (heard {event.word.replace('_', ' ')})"
        case TimerRang():
            return f"  (the {event.label or 'timer'} rings)"
        case TurnEnded(outcome="withdrawn" | "empty"):
            return ""
        case TurnEnded():
            return _turn(event, with_waterfall)
        case Failed():
            return f"  ! {event.message} {event.remedy}".rstrip()
        case DeviceChanged():
            return f"  ({event.device} {event.state}{': ' * bool(event.detail)}{event.detail})"
        case AudioDropped():
            return f"  ! {event.seconds:.1f} s of sound were lost: the machine is too busy."
        case Stopping():
            return f"Going down ({event.reason})."
        case _:
            return ""


def _turn(event: TurnEnded, with_waterfall: bool) -> str:
    cut = " …" if event.outcome == "interrupted" else ""
    lines = [f"you  {event.transcript}", f"vox  {event.heard}{cut}"]
    if with_waterfall and (picture := waterfall(event.timings)):
        lines.append(picture)
    return "\n".join(lines)
