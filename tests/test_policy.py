"""What each real tool may do in a turn that has read a stranger's text, and in the one after it.

The injections play with a house of tools made for them; here are the assistant's own. A new tool has to be put into
one of these groups.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agent_parts import ScriptedChat
from tests.swarm_stage import Stage
from voxspark.agent.agent import Team
from voxspark.agent.mediator import TurnGuard
from voxspark.agent.swarm import LiveTurns
from voxspark.config import load_config
from voxspark.config_tools import CodeSettings, ImageSettings, MemorySettings
from voxspark.kit import open_kit
from voxspark.outfit import add_consulting, add_history, add_pictures
from voxspark.tools.registry import Toolbox

EVERYTHING = {
    "calendar": {"url": "https://cloud.example/", "writable": True},
    "web": {"feeds": {"news": "https://news.example/feed"}},
    "commands": {"backup": {"run": ["/bin/true"], "description": "Copies files."}},
}

STRANGERS = {
    *("get_news", "get_playing", "read_calendar", "read_clipboard", "read_page", "run_command", "search_documents"),
    *("search_wikipedia", "web_search"),
}
"""What they bring was written by anybody."""

HARMLESS = {
    *("calculate", "convert_units", "find_tool", "get_date", "get_news", "get_playing", "get_system_status"),
    *("get_time", "get_volume", "get_weather", "get_weekday", "list_jobs", "list_lists", "list_outputs"),
    *("list_skills", "list_timers", "read_calendar", "read_clipboard", "read_list", "read_notes", "recall"),
    *("search_documents", "search_wikipedia", "translate", "web_search"),
}
"""Done without asking even then: they read, here or at one service that the configuration names."""

PRIVILEGED = {"dictate", "forget_conversation", "make_image", "read_page", "remember", "write_code"}
"""Refused then, and asked for in the next turn."""

ALWAYS_ASKED = {"add_appointment", "forget_conversation", "open_address", "run_command"}


@pytest.fixture
async def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toolbox:
    """All there is."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    async with open_kit(load_config(environ={}, overrides=EVERYTHING)) as kit:
        team = Team(lambda _: ScriptedChat([]), ["worker"], lambda _: True)
        add_consulting(kit, CodeSettings(folder=str(tmp_path)), team, LiveTurns(), Stage().swarm)
        add_history(kit, MemorySettings(), 1_000)
        add_pictures(kit, ImageSettings(), None)
        return kit.toolbox


@pytest.mark.anyio
async def test_after_a_stranger_s_text(box: Toolbox) -> None:
    guard = TurnGuard("What does it say?", tainted_by="web_search")
    arguments = {"address": "https://evil.example/?code=4711"}
    refused = {each.name for each in box if guard.must_refuse(each, arguments)}
    asked = {each.name for each in box if guard.must_ask(each, arguments)}
    assert refused == PRIVILEGED
    assert {each.name for each in box} - refused - asked == HARMLESS
    assert {each.name for each in box if each.permission == "read"} == HARMLESS | {"read_page"}
    assert {each.name for each in box if each.declared.untrusted} == STRANGERS


@pytest.mark.anyio
async def test_in_the_next_turn_and_without_a_stranger(box: Toolbox) -> None:
    later, never = TurnGuard("And now?", tainted_before=True), TurnGuard("And now?")
    assert {each.name for each in box if later.must_ask(each, {})} == PRIVILEGED | ALWAYS_ASKED
    assert {each.name for each in box if never.must_ask(each, {})} == ALWAYS_ASKED
    assert not any(guard.must_refuse(each, {}) for guard in (later, never) for each in box)
