"""What `voxspark mcp` makes of the daemon's events; with real programs in `test_mcp_real.py`."""

from __future__ import annotations

from typing import Any

from voxspark.cli_mcp import Heard


def told(*events: dict[str, Any]) -> str:
    heard = Heard()
    for event in events:
        heard.take(event)
    return heard.told


STARTED = {"event": "turn_started", "turn": 4, "source": "push_to_talk"}
SAID = {"event": "transcribed", "turn": 4, "text": " I am here. "}


def test_what_is_heard_is_the_spoken_turn() -> None:
    other = {"event": "transcribed", "turn": 3, "text": "Somebody else's question."}
    socket = {"event": "turn_started", "turn": 3, "source": "socket"}
    replies = [{"event": "reply", "turn": 4, "text": text} for text in ("Good. ", "Welcome.")]
    assert told(socket, other, STARTED, other, SAID) == "The user said: I am here."
    assert told(STARTED, SAID, *replies) == "The user said: I am here.\nThe assistant answered: Good. Welcome."
    assert told() == told(STARTED) == "Nothing was said."


def test_a_turn_that_is_withdrawn_is_not_the_end() -> None:
    heard = Heard()
    for event in (STARTED, SAID, {"event": "turn_ended", "turn": 4, "outcome": "withdrawn"}):
        heard.take(event)
    assert not heard.ended.is_set()
    again = {**STARTED, "turn": 5}
    for event in (
        again,
        {**SAID, "turn": 5, "text": "And more."},
        {"event": "turn_ended", "turn": 5, "outcome": "empty"},
    ):
        heard.take(event)
    assert heard.ended.is_set()
    assert heard.told == "The user said: And more."
