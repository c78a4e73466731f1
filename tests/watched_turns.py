"""Events of turns, for what watches them. The words in them must never be seen there."""

from __future__ import annotations

from voxspark.events import (
    Event,
    Failed,
    FillerSpoken,
    FirstToken,
    Ready,
    Reply,
    SpeakingStarted,
    ToolUsed,
    Transcribed,
    TurnConfirmed,
    TurnEnded,
    TurnStarted,
)

SECRET = "xylophone"
"""In every text of these events."""

TIMINGS = {
    "transcript": 0.2,
    "first_token": 0.3,
    "first_clause": 0.5,
    "first_audio": 0.55,
    "confirmed": 0.4,
    "first_audible": 0.6,
    "ended": 2.0,
}

READY = Ready(0.0, "embedded", {"chat": "llama_cpp bundled:smollm2"})


def a_turn(number: int = 1, outcome: str = "answered", source: str = "microphone", reason: str = "") -> list[Event]:
    """From its start to its end, with a tool and a filler; a failed one with a failure."""
    at = 10.0 * number
    failures = [Failed(at + 1.5, "think", "chat-broke", f"No {SECRET}.", turn=number)] * (outcome == "failed")
    return [
        TurnStarted(at + 0.1, number, source, at),
        Transcribed(at + 0.2, number, f"Where is my {SECRET}?", -0.1),
        FirstToken(at + 0.3, number),
        TurnConfirmed(at + 0.4, number),
        ToolUsed(at + 0.45, number, "find_thing", {"thing": SECRET}, f"The {SECRET} is here.", ok=outcome != "failed"),
        FillerSpoken(at + 0.5, number, f"Looking for the {SECRET}."),
        Reply(at + 0.5, number, f"Your {SECRET} is here."),
        SpeakingStarted(at + 0.6, number),
        *failures,
        TurnEnded(
            at + 2.0,
            number,
            outcome,
            f"Where is my {SECRET}?",
            f"Your {SECRET}",
            TIMINGS if outcome != "empty" else {"ended": 0.4},
            reason=reason or None,
        ),
    ]
