"""JSON schemas that strangers wrote, as parameters of a tool: any shape, made safe to show and to check against."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from voxspark.errors import ToolError
from voxspark.tools.clean import clean
from voxspark.tools.registry import JSON_TYPES, Parameter

MOST_DEPTH = 8
"""Deeper parts, and what refers to itself, may be anything."""

MOST_NODES = 1_000
"""Of one tool with all references followed; a few lines can ask for billions."""

MOST_DESCRIPTION = 200
"""Characters."""

KINDS = {json: kind for kind, json in JSON_TYPES.items()}
TYPES = (*KINDS, "object", "array", "null")
NAME = re.compile(r"[A-Za-z_][\w.-]{0,63}", re.ASCII)
"""Of an argument: it is shown to language models as it is."""

BRANCHES = ("anyOf", "oneOf")
DROPPED = {"$ref", "$defs", "definitions", "$schema", "$id", "title", "allOf"}


@dataclass(frozen=True, slots=True)
class ForeignParameter(Parameter):
    """An argument of any shape; `kind`, `choices` and `many` say nothing about it."""

    written: Mapping[str, Any] = field(default_factory=dict)
    """Its schema without references; every part has a type."""

    @property
    def schema(self) -> dict[str, Any]:
        """As its server wrote it."""
        return dict(self.written)

    def convert(self, value: object) -> Any:
        """The value as the schema wants it; numbers written as text are accepted. Raises ToolError."""
        return fitted(self.name, self.written, value)


def parameters_of(schema: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """The arguments of an `inputSchema`. Raises ToolError when no model could be shown them."""
    properties, required = _mapping(schema.get("properties")), _strings(schema.get("required"))
    reader = _Reader(schema)
    for name in {*properties, *required}:
        if not isinstance(name, str) or NAME.fullmatch(name) is None or name not in properties:
            raise ToolError("mcp-schema", "An argument has no usable name.")
    return tuple(
        ForeignParameter(name, str, required=name in required, written=reader.read(part, 0))
        for name, part in properties.items()
    )


class _Reader:
    """Follows references, and keeps of each part what is well-formed."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = MOST_NODES

    def read(self, part: object, depth: int) -> dict[str, Any]:
        self._left -= 1
        if self._left < 0:
            raise ToolError("mcp-schema", "The arguments are too complicated.")
        node = self._resolved(part)
        if depth > MOST_DEPTH:
            node = {}
        inner = depth + 1
        kept = {key: value for key, value in node.items() if key not in DROPPED}
        kept["description"] = clean(str(kept.get("description", "")), MOST_DESCRIPTION)
        kept["properties"] = {str(k): self.read(each, inner) for k, each in _mapping(kept.get("properties")).items()}
        kept["required"] = _strings(kept.get("required"))
        kept["items"] = self.read(kept["items"], inner) if isinstance(kept.get("items"), Mapping) else {}
        kept["enum"] = _list(kept.get("enum"))
        for key in BRANCHES:
            kept[key] = [self.read(each, inner) for each in _list(kept.get(key))]
        return _typed({key: value for key, value in kept.items() if value not in ({}, [], "")})

    def _resolved(self, part: object) -> dict[str, Any]:
        """The part with what it refers to; a reference that leads nowhere, or round, may be anything."""
        node = dict(_mapping(part))
        for _ in range(MOST_DEPTH):
            if not isinstance(path := node.pop("$ref", None), str):
                return node
            target: object = self._root
            for step in path.removeprefix("#").strip("/").split("/"):
                target = _mapping(target).get(step.replace("~1", "/").replace("~0", "~"))
            node = {**_mapping(target), **node}
        return {}


def _typed(node: dict[str, Any]) -> dict[str, Any]:
    """With the type that it has, or that its branches and choices have; an optional value is what it is when given."""
    for key in BRANCHES:
        if key in node and len(given := [each for each in node[key] if each["type"] != "null"]) == 1:
            return {**given[0], **{name: value for name, value in node.items() if name not in (key, "type")}}
    found = [each for each in _list(node.get("type")) or [node.get("type")] if each in TYPES]
    if not found:
        branches = [each["type"] for key in BRANCHES for each in node.get(key, ())]
        found = [*branches, *map(type_of, _list(node.get("enum")))] or list(TYPES)
    flat = list(dict.fromkeys(name for each in found for name in (each if isinstance(each, list) else [each])))
    if "null" in flat and len(flat) == 2:
        flat.remove("null")
    return {**node, "type": flat[0] if len(flat) == 1 else flat}


def type_of(value: object) -> str:
    """The JSON type of a value."""
    if isinstance(value, Mapping):
        return "object"
    if isinstance(value, (list, tuple)):
        return "array"
    return JSON_TYPES.get(type(value), "null")


def fitted(name: str, schema: Mapping[str, Any], value: object) -> Any:
    """The value, made to fit a schema that `parameters_of` has read. Raises ToolError that names the part."""
    for key in BRANCHES:
        if key in schema:
            return _fit_any(name, schema[key], value)
    if choices := schema.get("enum"):
        return _chosen(name, choices, value)
    kind = schema["type"]
    if isinstance(kind, list):
        return _fit_any(name, [{**schema, "type": each} for each in kind], value)
    if kind == "object":
        return _fit_object(name, schema, value)
    if kind == "array":
        if not isinstance(value, (list, tuple)):
            raise _wrong(name, "a list")
        items = schema.get("items")
        return [fitted(f"{name}[{at}]", items, each) if items else each for at, each in enumerate(value)]
    if kind == "null":
        if value is not None:
            raise _wrong(name, "null")
        return None
    return Parameter(name, KINDS[kind]).convert(value)


def _fit_any(name: str, branches: Sequence[Mapping[str, Any]], value: object) -> Any:
    """As the first branch that takes it; one of the value's own type goes first, so that "007" stays a text."""
    errors = []
    for branch in sorted(branches, key=lambda each: each["type"] != type_of(value)):
        try:
            return fitted(name, branch, value)
        except ToolError as error:
            errors.append(error)
    raise errors[0]


def _fit_object(name: str, schema: Mapping[str, Any], value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(name, "an object")
    known = schema.get("properties", {})
    for needed in schema.get("required", ()):
        if needed not in value:
            raise ToolError("tool-argument-missing", f"{name} needs {needed}.")
    for given in value:
        if given not in known and schema.get("additionalProperties") is False:
            raise ToolError("tool-argument-unknown", f"{name} has no {str(given)[:60]}.")
    return {key: fitted(f"{name}.{key}", known[key], each) if key in known else each for key, each in value.items()}


def _chosen(name: str, choices: Sequence[object], value: object) -> object:
    for choice in choices:
        if choice == value and type_of(choice) == type_of(value):
            return choice
        if isinstance(choice, str) and isinstance(value, str) and choice.casefold() == value.casefold():
            return choice
    raise _wrong(name, f"one of {', '.join(map(str, choices))[:MOST_DESCRIPTION]}")


def _wrong(name: str, expected: str) -> ToolError:
    return ToolError("tool-argument", f"The argument {name} must be {expected}.")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _strings(value: object) -> list[str]:
    return [each for each in _list(value) if isinstance(each, str)]
