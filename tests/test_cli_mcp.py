"""What `voxspark mcp` makes of the daemon's events; with real programs in `test_mcp_real.py`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp.server.mcpserver.exceptions import ToolError

from voxspark.agent.confirmation import confirms
from voxspark.cli_mcp import Doors, Heard
from voxspark.control.client import Client


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


@pytest.mark.anyio
async def test_another_agent_cannot_confirm_what_it_has_asked_for() -> None:
    @asynccontextmanager
    async def connect() -> AsyncGenerator[Client, None]:
        yield Client.__new__(Client)  # nothing is sent

    for text in ("Confirm delete.", "Okay, confirm run, please"):
        with pytest.raises(ToolError, match="Only the user can confirm"):
            await Doors(connect).ask(text)
    assert not confirms("Confirm delete and tell me what is left")
    assert not confirms("Can you confirm my appointment?")
