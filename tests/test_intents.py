"""Which transcripts are understood without a language model, and, more important, which are not."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources

import anyio.lowlevel
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.in_memory import MemoryListStore, MemoryNoteStore
from tests.intent_phrases import LEFT_TO_THE_MODEL, MATCHES, REPEAT, STOP
from tests.intent_tools import every_tool
from voxspark.agent.intents import Intent, Intents
from voxspark.tools.arithmetic import arithmetic_tools
from voxspark.tools.clock import HOLIDAYS, clock_tools
from voxspark.tools.conversation import Conversation
from voxspark.tools.lists import Lists
from voxspark.tools.notes import Notes
from voxspark.tools.registry import Toolbox
from voxspark.tools.skills import Skills
from voxspark.tools.timers import Timers
from voxspark.tools.undo import Undo
from voxspark.tools.units import unit_tools

UNDO = Undo()


def NOW() -> datetime:
    return datetime(2026, 11, 24, 9, 10, tzinfo=UTC)


TOOLBOX = Toolbox(
    [
        *clock_tools(NOW),
        *Timers(lambda: 0.0).tools,
        *Lists(MemoryListStore(), UNDO).tools,
        *Notes(MemoryNoteStore(), UNDO, NOW).tools,
        *UNDO.tools,
        *arithmetic_tools(),
        *unit_tools(),
        *Skills(Toolbox()).tools,
        *Conversation(anyio.lowlevel.checkpoint).tools,
    ]
)
INTENTS = Intents(TOOLBOX)


@pytest.mark.parametrize(("text", "tool", "arguments"), MATCHES)
def test_matches_with_exactly_these_arguments(text: str, tool: str, arguments: dict[str, object]) -> None:
    assert INTENTS.match(text) == Intent(tool, arguments)


@pytest.mark.parametrize(("text", "tool", "arguments"), MATCHES)
def test_the_tool_takes_the_arguments(text: str, tool: str, arguments: dict[str, object]) -> None:
    assert TOOLBOX.find(tool).check(arguments) == arguments


@pytest.mark.parametrize("text", LEFT_TO_THE_MODEL)
def test_anything_else_is_left_to_the_model(text: str) -> None:
    assert INTENTS.match(text) is None


@pytest.mark.parametrize("text", STOP)
def test_stop_needs_no_tool(text: str) -> None:
    assert INTENTS.match(text) == Intent("stop")


@pytest.mark.parametrize("text", REPEAT)
def test_repeat_needs_no_tool(text: str) -> None:
    assert INTENTS.match(text) == Intent("repeat")


def test_the_tables_are_large_enough_to_mean_something() -> None:
    assert len(MATCHES) >= 120
    assert len(LEFT_TO_THE_MODEL) >= 60


@pytest.mark.parametrize(("text", "tool", "arguments"), MATCHES)
def test_a_second_command_is_never_swallowed(text: str, tool: str, arguments: dict[str, object]) -> None:
    command = text.rstrip(" .?!")
    assert INTENTS.match(f"{command} and turn on the lights.") is None
    assert INTENTS.match(f"{command}, then call my mother.") is None
    assert INTENTS.match(f"{command}. Who wrote Hamlet?") is None
    assert INTENTS.match(f"Don't {command}.") is None


def test_a_tool_that_is_not_there_is_not_matched() -> None:
    intents = Intents(Toolbox(unit_tools()))
    assert intents.match("Set a timer for ten minutes.") is None
    assert intents.match("What is two plus two?") is None
    assert intents.match("How many grams are in a pound?") is not None
    assert intents.match("Say that again.") == Intent("repeat")


def test_every_intent_has_a_tool_and_every_holiday_a_date() -> None:
    text = resources.files("voxspark.agent.intents").joinpath("en.yaml").read_text(encoding="utf-8")
    templates = yaml.safe_load(text)
    assert set(templates["intents"]) | {"calculate"} >= {tool.name for tool in TOOLBOX} | {"repeat"}
    assert {value["out"] for value in templates["lists"]["holiday"]["values"]} == set(HOLIDAYS)


WORDS = (
    "set a timer for ten minutes and half an hour what is time in tokyo paris times plus percent of two point five "
    "hundred thousand - % 7 1,000 2½ stop cancel the pasta called how many grams pound one . ? , ' the"
)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS.split()), max_size=30).map(" ".join)))
def test_match_never_raises(text: str) -> None:
    found = INTENTS.match(text)
    if found is not None and found.tool not in ("stop", "repeat"):
        TOOLBOX.find(found.tool).check(found.arguments)


@pytest.mark.parametrize(
    "piece", ["a ", "ten ", "and ", "one hundred and ", "timer ", "(", "-", "9**", "half an hour ", "Stop. "]
)
def test_long_nonsense_is_no_command(piece: str) -> None:
    assert INTENTS.match(piece * 5_000) in (None, Intent("stop"))


def test_what_is_written_for_a_model_is_left_to_one_that_can_read_it() -> None:
    box, sentence = every_tool(), "Search the web for blue whales."
    assert Intents(box).match(sentence) == Intent("web_search", {"query": "blue whales"})
    assert Intents(box, None, model_reads=True).match(sentence) is None
