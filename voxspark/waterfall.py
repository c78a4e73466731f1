"""A turn's latencies as a picture in text."""

from __future__ import annotations

from collections.abc import Mapping

STAGES = (
    ("transcript", "transcript"),
    ("first_token", "first token"),
    ("first_clause", "first clause"),
    ("first_audio", "audio ready"),
    ("confirmed", "turn confirmed"),
    ("first_audible", "heard"),
)
"""Timing names of `events.TurnEnded`, and what people call them."""


def waterfall(timings: Mapping[str, float], width: int = 40) -> str:
    """One line per stage, as they happened: milliseconds after the end of speech, and a bar to scale."""
    known = sorted(((label, timings[name]) for name, label in STAGES if name in timings), key=lambda stage: stage[1])
    longest = max((seconds for _, seconds in known), default=0.0)
    if longest <= 0:
        return ""
    lines = []
    for label, seconds in known:
        filled = max(1, round(max(seconds, 0.0) / longest * width))
        lines.append(f"  {label:<15}{seconds * 1000:>7.0f} ms  {'█' * filled}")
    return "\n".join(lines)
