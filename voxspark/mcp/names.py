"""Names of rooms and things at home, out of the arguments that an MCP server says its tools take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from voxspark.mcp.offers import snake
from voxspark.tools.registry import Parameter

NAMED = re.compile(
    r"(?:^|_)(?:areas?|rooms?|floors?|zones?|places?|locations?|names?|devices?|entit(?:y|ies)|entity_ids?"
    r"|scenes?|lights?|switch(?:es)?|doors?|speakers?|players?)$"
)
"""Arguments whose choices are names that somebody has given."""

DOMAIN = re.compile(r"^[a-z_]+\.(?=\w)")
"""Of an entity of Home Assistant: `light.` of `light.reading_lamp`."""


def names_of(parameters: Iterable[Parameter]) -> Iterator[str]:
    """As people say them; perhaps many, twice, and none that anybody would say."""
    for parameter in parameters:
        yield from _names(parameter.name, parameter.schema)


def _names(argument: str, schema: Mapping[str, Any]) -> Iterator[str]:
    if NAMED.search(snake(argument)):
        choices = (*schema.get("enum", ()), schema.get("const"))
        yield from (DOMAIN.sub("", each).replace("_", " ") for each in choices if isinstance(each, str))
    items = [schema["items"]] if "items" in schema else []
    for part in (*items, *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _names(argument, part)
    for name, part in schema.get("properties", {}).items():
        yield from _names(name, part)
