"""Checks JSON against Ollama's OpenAPI document, for the part of JSON Schema that it uses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

DOCUMENT = Path(__file__).parent / "contracts" / "ollama-openapi.yaml"

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


@cache
def document() -> dict[str, Any]:
    """The whole contract."""
    loaded: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text())
    return loaded


def violations(schema_name: str, value: Any) -> list[str]:
    """What is wrong with a value; a property that the schema does not name is wrong too."""
    return list(_check({"$ref": f"#/components/schemas/{schema_name}"}, value, schema_name))


def _check(schema: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/components/schemas/")
        yield from _check(document()["components"]["schemas"][name], value, path)
        return
    if choices := schema.get("oneOf") or schema.get("anyOf"):
        if all(list(_check(choice, value, path)) for choice in choices):
            yield f"{path}: {value!r} is none of the {len(choices)} choices"
        return
    expected = TYPES[schema["type"]] if "type" in schema else (object,)
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected and object not in expected):
        yield f"{path}: {value!r} is no {schema['type']}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is not in {schema['enum']}"
    if schema.get("format") == "date-time" and not _is_time(str(value)):
        yield f"{path}: {value!r} is no time"
    if isinstance(value, dict):
        yield from _check_object(schema, value, path)
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from _check(schema["items"], item, f"{path}[{index}]")


def _check_object(schema: dict[str, Any], value: dict[str, Any], path: str) -> Iterator[str]:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{path}.{name} is missing"
    for name, item in value.items():
        if name in known:
            yield from _check(known[name], item, f"{path}.{name}")
        elif known and not schema.get("additionalProperties"):
            yield f"{path}.{name} is unknown"


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
