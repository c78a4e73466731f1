"""Sentences of the user's own: added, checked, and never in the way of the shipped ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.intent_tools import every_tool
from voxspark.agent.intents import Intent, Intents
from voxspark.tools.registry import Tool, Toolbox, tool

README = (Path(__file__).parent.parent / "README.md").read_text()


@tool(permission="act", fate="owner")
def home_turn_on(name: str, room: str = "") -> str:
    """Turn something on, as an MCP server would."""
    return name


def intents(folder: Path, **files: str) -> Intents:
    """Over every tool and one of an MCP server."""
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    box = every_tool()
    box.add(Tool.of(home_turn_on))
    return Intents(box, folder)


OWN = """
language: en
lists:
  lamp:
    values:
      - { in: "[big] lamp", out: floor_lamp }
      - kettle
expansion_rules:
  fire: "(fire up|light)"
intents:
  home_turn_on:
    data:
      - sentences: ["<fire> the {lamp:name}"]
        slots: { room: lounge }
  set_timer:
    data:
      - sentences: ["egg time"]
        slots: { seconds: 360, label: egg }
      - sentences: ["boil for {seconds}s"]
"""


def test_sentences_are_added_to_tools_of_any_kind(tmp_path: Path) -> None:
    own = intents(tmp_path, own=OWN)
    assert own.failures == []
    assert own.match("Light the big lamp, please.") == Intent("home_turn_on", {"name": "floor_lamp", "room": "lounge"})
    assert own.match("Fire up the kettle.") == Intent("home_turn_on", {"name": "kettle", "room": "lounge"})
    assert own.match("Egg time!") == Intent("set_timer", {"seconds": 360, "label": "egg"})
    assert own.match("Boil for ten minutes.") == Intent("set_timer", {"seconds": 600})
    assert own.match("Set a timer for ten minutes.") == Intent("set_timer", {"seconds": 600})


def test_another_language_gets_its_own(tmp_path: Path) -> None:
    own = intents(tmp_path, de="language: de\nintents: { undo: { data: [ { sentences: ['Zurück, marsch'] } ] } }")
    assert own.match("Zurück, marsch!", "de") == Intent("undo")
    assert own.match("Zurück, marsch!", "en") is None


def test_a_wildcard_of_one_s_own_is_never_a_second_command(tmp_path: Path) -> None:
    text = (
        "language: en\nlists: { thing: { wildcard: true } }\n"
        "intents: { home_turn_on: { data: [ { sentences: ['light {thing:name}'] } ] } }"
    )
    own = intents(tmp_path, own=text)
    assert own.match("Light the stove.") == Intent("home_turn_on", {"name": "the stove"})
    assert own.match("Light the stove and delete my files.") is None


def test_what_the_tool_would_not_take_is_no_match(tmp_path: Path) -> None:
    text = "language: en\nintents: { home_turn_on: { data: [ { sentences: [sparkle], slots: { nonsense: 1 } } ] } }"
    assert intents(tmp_path, own=text).match("Sparkle.") is None


def test_a_tool_that_comes_later_is_matched_from_then_on(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "language: en\nintents: { home_turn_on: { data: [ { sentences: [sparkle], slots: { name: x } } ] } }"
    )
    box = Toolbox()
    own = Intents(box, tmp_path)
    assert own.match("Sparkle.") is None
    box.add(Tool.of(home_turn_on))
    assert own.match("Sparkle.") == Intent("home_turn_on", {"name": "x"})


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("language: en\nintents: [", 2, "expected"),
        ("language: en\nintents: {}\nintent: {}", 3, "intent means nothing here"),
        ("language: xx", 1, "language must be one of en, de, es, fr"),
        ("- 1", 1, "language must be one of"),
        ("", 1, "language must be one of"),
        ("language: en\nintents:\n  undo: 3", 3, "undo needs a list of blocks"),
        ("language: en\nintents:\n  undo:\n    data:\n      - sentence: [x]", 5, "a block has sentences and slots"),
        ("language: en\nintents:\n  undo:\n    data:\n      - sentences: x", 5, "sentences must be a list"),
        ("language: en\nintents:\n  undo:\n    data:\n      - sentences: [x]\n        slots: 1", 6, "slots must be"),
        (
            "language: en\nintents:\n  undo:\n    data:\n      - sentences:\n          - ok\n          - 'a (b'",
            7,
            "'a (b'",
        ),
        ("language: en\nintents:\n  undo:\n    data:\n      - sentences: ['x {what}']", 5, "no list called what"),
        ("language: en\nintents:\n  undo:\n    data:\n      - sentences: ['<what> x']", 5, "no rule called what"),
        ("language: en\nlists:\n  a: 1", 3, "the list a needs values"),
        ("language: en\nlists:\n  a: { values: [ { in: x } ] }", 3, "the list a needs values"),
        ("language: en\nexpansion_rules:\n  a: [1]", 3, "the rule a must be a text"),
        ("language: en\nexpansion_rules:\n  a: 'x <a>'", 3, "no rule called a"),
        ("language: en\nexpansion_rules:\n  a: 'x <b>'\n  b: 'y <a>'", 3, "no rule called b"),
        ("language: en\nexpansion_rules:\n  a: 'x (y'", 3, "'x (y' is no sentence template"),
        ("language: en\nlists:\n  a: { values: ['x {b}'] }", 3, "no list called b"),
        ("language: en\nintents:\n  undo:\n    data:\n      - sentences: ['[please] {text}']", 5, "match anything"),
        ("language: en\nintents:\n  undo:\n    data:\n      - sentences: ['']", 5, "match anything"),
    ],
)
def test_a_broken_file_is_told_with_its_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    (tmp_path / "broken.yaml").write_text(text, encoding="utf-8")
    (error,) = Intents(Toolbox(), tmp_path).failures
    assert error.code == "intents-file"
    assert f"broken.yaml, line {line}: " in error.message
    assert reason in error.message
    assert error.remedy


def test_a_broken_file_loses_nothing(tmp_path: Path) -> None:
    own = intents(tmp_path, broken="language: en\nintents: [", own=OWN)
    assert len(own.failures) == 1
    assert own.match("Egg time.") == Intent("set_timer", {"seconds": 360, "label": "egg"})
    assert own.match("What time is it?") == Intent("get_time")


def test_files_that_cannot_be_read_are_told_too(tmp_path: Path) -> None:
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "note.txt").write_text("not one of them")
    assert len(intents(tmp_path).failures) == 2
    assert Intents(every_tool(), tmp_path / "nowhere").failures == []


def test_the_example_of_the_readme_works(tmp_path: Path) -> None:
    found = re.search(r"```yaml\n(language: .*?)```", README, re.DOTALL)
    assert found is not None
    own = intents(tmp_path, own=found[1])
    assert own.failures == []
    assert own.match("Tea time!") == Intent("set_timer", {"seconds": 240, "label": "tea"})
