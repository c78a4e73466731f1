"""A tool is an annotated function with a docstring; what it may do and when it ends are declared beside it.

    @tool(permission="act", fate="owner")
    async def set_lamp(brightness: Annotated[int, "0 is off, 100 is full."]) -> str:
        \"\"\"Set the brightness of the desk lamp.\"\"\"

The annotations make the JSON schema that the language model sees, and the same annotations check what it sends back.
"""

from __future__ import annotations

import difflib
import inspect
import re
import types
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from voxspark.errors import ToolError, VoxSparkError

Permission = Literal["read", "act", "dangerous"]
"""`read` changes nothing, `act` changes the world and can be undone, `dangerous` is confirmed aloud first."""

Fate = Literal["turn", "owner"]
"""`turn` dies with the turn that called it, `owner` runs to its end whatever becomes of the turn."""

JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}
KIND_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
LARGEST_EXACT = 2**53
"""Beyond this a JSON number may already have lost digits; NaN and infinity are beyond it too."""

DECLARATION = "__voxspark_tool__"


class StrangersText(str):
    """A result that strangers wrote, of a tool that is not `untrusted` as a whole."""

    __slots__ = ()


F = TypeVar("F", bound=Callable[..., str | Awaitable[str]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What stands beside a tool."""

    permission: Permission
    fate: Fate
    untrusted: bool = False
    """Its result was written by strangers (a page, a file, a calendar): after it, nothing is done without asking."""
    privileged: bool = False
    """Refused, not asked for, after a stranger's text: memory writes, and reading at an address that neither the user
    has said nor a tool has shown."""
    described_by_stranger: bool = False
    """Its description and the choices of its arguments are a stranger's text: who has read them has read one."""
    core: bool = False
    """Always offered to the language model; the others are found with `find_tool`."""
    timeout_seconds: float = 10.0
    """It is cut then."""
    filler: str = ""
    """What is said while it takes long: `Let me look that up.`"""
    aloud: Callable[[str], str] | None = None
    """Of a result that is written for a model: how it is said where no model reads it."""


def tool(
    *,
    permission: Permission,
    fate: Fate,
    untrusted: bool = False,
    privileged: bool = False,
    core: bool = False,
    timeout_seconds: float = 10.0,
    filler: str = "",
    aloud: Callable[[str], str] | None = None,
) -> Callable[[F], F]:
    """Declare a function or method as a tool; it stays an ordinary function. The fields are those of `Declaration`."""
    declaration = Declaration(
        permission=permission,
        fate=fate,
        untrusted=untrusted,
        privileged=privileged,
        core=core,
        timeout_seconds=timeout_seconds,
        filler=filler,
        aloud=aloud,
    )

    def declare(function: F) -> F:
        setattr(function, DECLARATION, declaration)
        return function

    return declare


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a tool."""

    name: str
    kind: type
    """`str`, `int`, `float` or `bool`; of the items, when `many`."""
    description: str = ""
    choices: tuple[str, ...] = ()
    many: bool = False
    required: bool = True

    @property
    def schema(self) -> dict[str, Any]:
        """Flat JSON schema of the argument."""
        schema: dict[str, Any] = {"type": JSON_TYPES[self.kind]}
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.many:
            schema = {"type": "array", "items": schema}
        return {**schema, "description": self.description} if self.description else schema

    def convert(self, value: object) -> Any:
        """The value as its annotated type; numbers written as text are accepted when exact. Raises ToolError."""
        if not self.many:
            return self._convert_one(value)
        if not isinstance(value, (list, tuple)):
            raise self._wrong(value, "a list")
        return [self._convert_one(item) for item in value]

    def _convert_one(self, value: object) -> str | int | float | bool:
        if self.choices:
            return self._choose(value)
        if self.kind is str and isinstance(value, str):
            return value
        if self.kind is bool and str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        if self.kind in (int, float) and (number := _number(value)) is not None:
            if self.kind is float:
                return float(number)
            if number == int(number):
                return int(number)
        raise self._wrong(value, KIND_WORDS[self.kind])

    def _choose(self, value: object) -> str:
        for choice in self.choices:
            if isinstance(value, str) and value.casefold() == choice.casefold():
                return choice
        raise self._wrong(value, f"one of {', '.join(self.choices)}")

    def _wrong(self, value: object, expected: str) -> ToolError:
        shown = repr(value) if len(repr(value)) <= 60 else "that"
        return ToolError("tool-argument", f"The argument {self.name} must be {expected}, not {shown}.")


def _number(value: object) -> int | float | None:
    """A number, or text that spells one."""
    if isinstance(value, str):
        try:
            value = float(value) if set(value) & set(".eEnN") else int(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if abs(value) <= LARGEST_EXACT else None


@dataclass(frozen=True, slots=True)
class Tool:
    """Something the assistant can do, ready to be offered to a language model and to be called."""

    name: str
    description: str
    declared: Declaration
    call: Callable[..., str | Awaitable[str]]
    """Returns one sentence ready to be spoken. A plain function runs on the loop and must return at once."""
    parameters: tuple[Parameter, ...] = ()

    @classmethod
    def of(cls, function: Callable[..., str | Awaitable[str]]) -> Tool:
        """From a function or bound method declared with `@tool`. Raises ToolError when it cannot be one."""
        name = function.__name__
        declaration = getattr(function, DECLARATION, None)
        if declaration is None:
            raise ToolError("tool-undeclared", f"{name} is not declared as a tool.", "Decorate it with @tool.")
        text, described = _read_docstring(function)
        if not text:
            raise ToolError("tool-undocumented", f"The tool {name} has no docstring.", "Say in a line what it does.")
        return cls(name, text, declaration, function, tuple(_parameters(function, described)))

    @property
    def permission(self) -> Permission:
        return self.declared.permission

    @property
    def fate(self) -> Fate:
        return self.declared.fate

    @property
    def schema(self) -> dict[str, Any]:
        """What chat models know as a function: a flat JSON schema."""
        parameters: dict[str, Any] = {"type": "object", "properties": {p.name: p.schema for p in self.parameters}}
        parameters["required"] = [p.name for p in self.parameters if p.required]
        function = {"name": self.name, "description": self.description, "parameters": parameters}
        return {"type": "function", "function": function}

    def check(self, arguments: Mapping[str, object]) -> dict[str, Any]:
        """The arguments as their annotated types. Raises ToolError that names the argument."""
        known = {p.name: p for p in self.parameters}
        for name in arguments:
            if name not in known:
                hint = _nearest(name, known) or f"It takes {', '.join(known) or 'no arguments'}."
                raise ToolError("tool-argument-unknown", f"{self.name} has no argument {name}.", hint)
        given = {name: value for name, value in arguments.items() if value is not None or known[name].required}
        for p in self.parameters:
            if p.required and p.name not in given:
                raise ToolError("tool-argument-missing", f"{self.name} needs the argument {p.name}.")
        return {name: known[name].convert(value) for name, value in given.items()}

    async def run(self, arguments: Mapping[str, object]) -> str:
        """Check the arguments and call; one sentence to say. Raises VoxSparkError, of any other failure ToolError."""
        checked = self.check(arguments)
        try:
            result = self.call(**checked)
            return await result if inspect.isawaitable(result) else result
        except VoxSparkError:
            raise
        except Exception as error:
            raise ToolError("tool-failed", f"Something went wrong in {self.name.replace('_', ' ')}.") from error


def tools_of(owner: object) -> tuple[Tool, ...]:
    """The methods of an object that are declared as tools, by name."""
    declared = (name for name in sorted(dir(type(owner))) if hasattr(getattr(type(owner), name), DECLARATION))
    return tuple(Tool.of(getattr(owner, name)) for name in declared)


class Toolbox:
    """The tools of one assistant, by name."""

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        self.add(*tools)

    def add(self, *tools: Tool) -> None:
        """Raises ToolError when a name is taken."""
        for tool in tools:
            if tool.name in self._tools:
                raise ToolError("tool-twice", f"Two tools are called {tool.name}.", "Rename one.")
            self._tools[tool.name] = tool

    def remove(self, name: str) -> None:
        """Raises ToolError when there is none."""
        del self._tools[self.find(name).name]

    def find(self, name: str) -> Tool:
        """Raises ToolError that names the nearest tool."""
        if (found := self._tools.get(name)) is not None:
            return found
        raise ToolError("tool-unknown", f"There is no tool called {name[:60]}.", _nearest(name, self._tools))

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def __len__(self) -> int:
        return len(self._tools)


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else ""


def _read_docstring(function: Callable[..., object]) -> tuple[str, dict[str, str]]:
    """The text before the `Args:` section on one line, and the descriptions in that section."""
    text, _, arguments = (inspect.getdoc(function) or "").partition("\nArgs:\n")
    section = re.split(r"\n\S", arguments, maxsplit=1)[0]
    _, *parts = re.split(r"^ *(\w+)(?: \([^)]*\))?:", section, flags=re.MULTILINE)
    entries = zip(parts[::2], parts[1::2], strict=True)
    return " ".join(text.split()), {name: " ".join(description.split()) for name, description in entries}


def _parameters(function: Callable[..., object], described: Mapping[str, str]) -> Iterator[Parameter]:
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        annotation, description = hints.get(name), described.get(name, "")
        if get_origin(annotation) is Annotated:
            annotation, *notes = get_args(annotation)
            description = next((note for note in notes if isinstance(note, str)), description)
        kind, choices, many = _read_annotation(function.__name__, name, annotation)
        required = parameter.default is inspect.Parameter.empty
        yield Parameter(name, kind, description, choices, many, required)


def _read_annotation(tool_name: str, name: str, annotation: Any) -> tuple[type, tuple[str, ...], bool]:
    """(type, choices, is a list) of `str`, `int`, `float`, `bool`, `Literal[...]`, `list[...]` and `... | None`."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType) and len(inner) == 2 and types.NoneType in inner:
        return _read_annotation(tool_name, name, next(part for part in inner if part is not types.NoneType))
    if origin is list and get_origin(inner[0]) is not list:
        kind, choices, _ = _read_annotation(tool_name, name, inner[0])
        return kind, choices, True
    if origin is Literal and all(isinstance(choice, str) for choice in inner):
        return str, inner, False
    if annotation in JSON_TYPES:
        return annotation, (), False
    raise ToolError(
        "tool-annotation",
        f"The argument {name} of {tool_name} has an annotation a tool cannot have.",
        "Use str, int, float, bool, a Literal of strings, or a list of these.",
    )
