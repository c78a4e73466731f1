"""What an MCP server offers, as tools of the registry: names that can be said, permissions, sentences."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from voxspark.config_tools import McpServer, Trust
from voxspark.mcp.schema import parameters_of
from voxspark.tools.clean import clean
from voxspark.tools.registry import Declaration, Parameter, Permission, Tool

MOST_DESCRIPTION = 500
"""Characters of what a tool says about itself."""

MOST_NAME = 64
"""Characters; what chat servers take as the name of a function."""

MOST_RESULT = 2_000
"""Characters of an answer."""

MOST_SPOKEN = 300
"""Characters of the answer to an act, which is spoken as it is; a longer one was written for machines."""

ADDRESS = re.compile(r"(?:^|_)(?:ur[il]|href|link|endpoint|webhook)s?(?:_|$)")
"""Names of arguments that lead out of the house, and could carry out of it what a page has asked for."""

NO_ANSWER = "There is no answer."
DONE = "Done."


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool as its server describes it; the hints are None where it says nothing."""

    name: str
    description: str
    schema: Mapping[str, Any]
    read_only: bool | None = None
    destructive: bool | None = None
    open_world: bool | None = None
    """Whether its answers may contain what others have written."""


def tool_of(
    offer: Offer, name: str, settings: McpServer, call: Callable[[Mapping[str, Any]], Awaitable[str]], server: str = ""
) -> Tool:
    """The tool under that name; `call` gives the answer of that server. Raises ToolError when it cannot be one."""
    permission, parameters = permission_of(offer, settings.trust), parameters_of(offer.schema)

    async def answer(**arguments: Any) -> str:
        text = clean(await call(arguments), MOST_RESULT)
        return (text or NO_ANSWER) if permission == "read" else spoken(text)

    declared = Declaration(
        permission=permission,
        fate="turn" if permission == "read" else "owner",
        untrusted=settings.trust == "none" or offer.open_world is not False,
        privileged=any(map(_is_address, parameters)),
        described_by_stranger=settings.trust != "act",
        timeout_seconds=settings.timeout_seconds,
        filler=f"Let me ask {server.replace('_', ' ')}." if server else "",
    )
    description = clean(offer.description, MOST_DESCRIPTION) or name.replace("_", " ")
    return Tool(name, description, declared, answer, parameters)


def permission_of(offer: Offer, trust: Trust) -> Permission:
    """What the hints say, as far as the server is trusted; what is neither trusted nor known to be harmless is
    `dangerous`."""
    if offer.read_only:
        return "read"
    if trust == "act":
        return "dangerous" if offer.destructive else "act"
    silent = offer.read_only is None and not offer.destructive
    return "read" if trust == "read" and silent else "dangerous"


def _is_address(parameter: Parameter) -> bool:
    """Whether it takes one that a stranger's text may have made up."""
    form = str(parameter.schema.get("format", ""))
    return form.startswith(("uri", "iri")) or ADDRESS.search(snake(parameter.name)) is not None


def spoken(text: str) -> str:
    """The answer to an act as a sentence: what a machine should read is not said."""
    return DONE if not text or text[0] in "{[<" or len(text) > MOST_SPOKEN else text


def name_of(offer: Offer, server: str, taken: Collection[str]) -> str | None:
    """A name that models can write and people can say, after the server when another tool has it; None when both are
    taken."""
    short = snake(offer.name)
    return next((name for name in (short, snake(f"{server}_{offer.name}")) if name and name not in taken), None)


def snake(name: str) -> str:
    """`getWeather/v2` as `get_weather_v2`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^A-Za-z0-9]+", "_", words)[:MOST_NAME].strip("_").lower()
