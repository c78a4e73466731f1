"""What a declared function becomes: a schema for the model, and a check of what the model sends back."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.errors import DeviceError, ToolError
from voxspark.tools.registry import Declaration, Tool, Toolbox, tool, tools_of


@tool(permission="act", fate="owner")
async def set_lamp(
    room: Annotated[str, "Which room."],
    brightness: int,
    color: Literal["white", "Red"] = "white",
    scenes: list[str] | None = None,
    seconds: float = 0.5,
    slowly: bool = False,
) -> str:
    """Set a lamp
    to a brightness.

    Args:
        room: Overridden by the annotation.
        brightness (int): 0 is off,
            100 is full.
        slowly: Fade to it.

    Returns:
        brightness: not an argument.
    """
    return f"{room} {brightness} {color} {scenes} {seconds} {slowly}"


@tool(permission="read", fate="turn")
def breaks(how: str) -> str:
    """Break."""
    if how == "device":
        raise DeviceError("lamp-lost", "The lamp is gone.")
    raise KeyError(how)


LAMP = Tool.of(set_lamp)


def test_the_declaration_is_read() -> None:
    assert (LAMP.name, LAMP.permission, LAMP.fate) == ("set_lamp", "act", "owner")
    assert LAMP.description == "Set a lamp to a brightness."


def test_the_schema_is_flat_and_complete() -> None:
    assert LAMP.schema == {
        "type": "function",
        "function": {
            "name": "set_lamp",
            "description": "Set a lamp to a brightness.",
            "parameters": {
                "type": "object",
                "properties": {
                    "room": {"type": "string", "description": "Which room."},
                    "brightness": {"type": "integer", "description": "0 is off, 100 is full."},
                    "color": {"type": "string", "enum": ["white", "Red"]},
                    "scenes": {"type": "array", "items": {"type": "string"}},
                    "seconds": {"type": "number"},
                    "slowly": {"type": "boolean", "description": "Fade to it."},
                },
                "required": ["room", "brightness"],
            },
        },
    }
    json.dumps(LAMP.schema)


@pytest.mark.parametrize(
    ("given_arguments", "checked"),
    [
        ({"brightness": "42"}, {"brightness": 42}),
        ({"brightness": " -3.0 "}, {"brightness": -3}),
        ({"brightness": 7.0}, {"brightness": 7}),
        ({"brightness": 1, "color": "RED"}, {"brightness": 1, "color": "Red"}),
        ({"brightness": 1, "color": None, "scenes": None}, {"brightness": 1}),
        ({"brightness": 1, "scenes": ("a", "b")}, {"brightness": 1, "scenes": ["a", "b"]}),
        ({"brightness": 1, "seconds": "1e-1"}, {"brightness": 1, "seconds": 0.1}),
        ({"brightness": 1, "slowly": "True"}, {"brightness": 1, "slowly": True}),
    ],
)
def test_arguments_become_their_types(given_arguments: dict[str, object], checked: dict[str, object]) -> None:
    assert LAMP.check({"room": "hall", **given_arguments}) == {"room": "hall", **checked}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ({"room": "hall"}, "tool-argument-missing", "brightness"),
        ({"room": "hall", "brightness": 1, "colour": "Red"}, "tool-argument-unknown", "Did you mean color?"),
        ({"room": "hall", "brightness": 1, "zzz": 1}, "tool-argument-unknown", "It takes room"),
        ({"room": 5, "brightness": 1}, "tool-argument", "room must be text"),
        ({"room": None, "brightness": 1}, "tool-argument", "room must be text"),
        ({"room": "hall", "brightness": "4.5"}, "tool-argument", "brightness must be a whole number"),
        ({"room": "hall", "brightness": True}, "tool-argument", "brightness"),
        ({"room": "hall", "brightness": "forty"}, "tool-argument", "brightness"),
        ({"room": "hall", "brightness": float("nan")}, "tool-argument", "brightness"),
        ({"room": "hall", "brightness": "9" * 5_000}, "tool-argument", "not that"),
        ({"room": "hall", "brightness": 1, "seconds": "inf"}, "tool-argument", "seconds"),
        ({"room": "hall", "brightness": 1, "color": "blue"}, "tool-argument", "one of white, Red"),
        ({"room": "hall", "brightness": 1, "scenes": "evening"}, "tool-argument", "scenes must be a list"),
        ({"room": "hall", "brightness": 1, "scenes": [1]}, "tool-argument", "scenes must be text"),
        ({"room": "hall", "brightness": 1, "slowly": "maybe"}, "tool-argument", "slowly must be true or false"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, object], code: str, says: str) -> None:
    with pytest.raises(ToolError) as raised:
        LAMP.check(arguments)
    assert raised.value.code == code
    assert says in str(raised.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.fixed_dictionaries({}, optional={p.name: VALUES for p in LAMP.parameters}))
def test_anything_a_model_sends_is_converted_or_refused(arguments: dict[str, object]) -> None:
    try:
        checked = LAMP.check(arguments)
    except ToolError:
        return
    assert type(checked["brightness"]) is int
    assert type(checked["room"]) is str


@pytest.mark.anyio
async def test_async_functions_are_awaited() -> None:
    assert await LAMP.run({"room": "hall", "brightness": "5"}) == "hall 5 white None 0.5 False"


@pytest.mark.anyio
async def test_failures_become_tool_errors_and_ours_stay() -> None:
    with pytest.raises(ToolError) as raised:
        await Tool.of(breaks).run({"how": "secret"})
    assert raised.value.code == "tool-failed"
    assert "secret" not in str(raised.value)
    with pytest.raises(DeviceError):
        await Tool.of(breaks).run({"how": "device"})


def undeclared() -> str:
    """Not a tool."""
    return ""


@tool(permission="read", fate="turn")
def undocumented() -> str:
    return ""


@tool(permission="read", fate="turn")
def unannotated(what: dict[str, Any]) -> str:
    """Take something that is not flat."""
    return str(what)


@tool(permission="read", fate="turn")
def nested(what: list[list[str]]) -> str:
    """Take something that is not flat."""
    return str(what)


@pytest.mark.parametrize(
    ("function", "code"),
    [
        (undeclared, "tool-undeclared"),
        (undocumented, "tool-undocumented"),
        (unannotated, "tool-annotation"),
        (nested, "tool-annotation"),
    ],
)
def test_what_cannot_be_a_tool_says_why(function: Any, code: str) -> None:
    with pytest.raises(ToolError) as raised:
        Tool.of(function)
    assert raised.value.code == code


class Lamps:
    """Tools as methods."""

    def __init__(self) -> None:
        self.on = False

    @property
    def fails_when_looked_at(self) -> str:
        raise AssertionError

    @tool(permission="act", fate="owner")
    def switch_on(self) -> str:
        """Switch the lamps on."""
        self.on = True
        return "The lamps are on."

    @tool(permission="read", fate="turn")
    def are_on(self) -> str:
        """Tell whether the lamps are on."""
        return "Yes." if self.on else "No."


@pytest.mark.anyio
async def test_methods_are_tools_of_their_object() -> None:
    lamps = Lamps()
    box = Toolbox(tools_of(lamps))
    assert [each.name for each in box] == ["are_on", "switch_on"]
    await box.find("switch_on").run({})
    assert await box.find("are_on").run({}) == "Yes."


def test_a_name_is_taken_once_and_a_wrong_one_is_hinted() -> None:
    box = Toolbox([LAMP])
    assert "set_lamp" in box
    assert len(box) == 1
    with pytest.raises(ToolError, match="Two tools"):
        box.add(LAMP)
    with pytest.raises(ToolError, match="Did you mean set_lamp"):
        box.find("setlamp")
    with pytest.raises(ToolError) as raised:
        box.find("\u202e" * 5_000)
    assert len(str(raised.value)) < 200


def test_what_stands_beside_a_tool_is_kept() -> None:
    @tool(permission="read", fate="turn", untrusted=True, privileged=True, core=True, timeout_seconds=3.0, filler="Hm.")
    def look_up() -> str:
        """Look something up."""
        return "x"

    assert Tool.of(look_up).declared == Declaration(
        permission="read", fate="turn", untrusted=True, privileged=True, core=True, timeout_seconds=3.0, filler="Hm."
    )


def test_a_tool_is_trusted_and_in_the_background_unless_it_says_otherwise() -> None:
    declared = Tool.of(set_lamp).declared
    assert declared == Declaration(permission="act", fate="owner")
    assert (declared.untrusted, declared.privileged, declared.core, declared.filler) == (False, False, False, "")
    assert declared.timeout_seconds == 10.0
