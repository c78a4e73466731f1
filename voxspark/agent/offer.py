"""What a language model is offered: a fixed set of tools, in a fixed order, and ways to the rest."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import Annotated, Any

from voxspark.agent.loop import ESCALATE
from voxspark.protocols import Schema
from voxspark.tools.clean import clean
from voxspark.tools.registry import StrangersText, Tool, Toolbox, tool

MOST_OFFERED = 12
"""Small models choose badly among more (agent.md 6)."""

MOST_FOUND = 5
LEAST_SHARE = 0.4
"""Of the best one's nearness: what hardly fits does not bring a stranger's description into a turn."""

SMALL_WORDS = {
    *("a", "an", "and", "at", "do", "for", "in", "is", "it", "me", "my"),
    *("of", "on", "or", "please", "some", "that", "the", "this", "to", "what", "with"),
}

MOST_DESCRIPTION = 200
"""Characters of what a tool says about itself; MCP servers write their own."""


def offered(toolbox: Toolbox, roles: Collection[str]) -> list[Schema]:
    """The core tools by name, and `escalate` where there is somebody to hand a question to."""
    core = sorted((each for each in toolbox if each.declared.core), key=lambda each: each.name)[:MOST_OFFERED]
    helpers = [role for role in ("manager", "reasoner", "coder", "eyes") if role in roles]
    return [*(each.schema for each in core), *([_escalate(helpers)] if helpers else [])]


def _escalate(roles: Collection[str]) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": ESCALATE,
            "description": (
                "Hand the question to a stronger model, which answers the user itself. Only for what you cannot answer "
                "well: hard reasoning, long planning, code. Not for facts, small talk, or anything a tool can do."
            ),
            "parameters": {
                "type": "object",
                "properties": {
                    "role": {"type": "string", "enum": list(roles)},
                    "question": {"type": "string", "description": "The whole question, understandable by itself."},
                    "reason": {"type": "string", "description": "Why you cannot answer it."},
                },
                "required": ["role", "question"],
            },
        },
    }


class FindTool:
    """The way to the tools that are not offered."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox

    @tool(permission="read", fate="turn", core=True)
    def find_tool(self, query: Annotated[str, "What should be done, in a few words."]) -> str:
        """Find more tools by what they do; what is found can then be called by its name."""
        words = set(query.casefold().replace("_", " ").split()) - SMALL_WORDS
        rest = [each for each in self._toolbox if not each.declared.core]
        ranked = sorted(((_nearness(each, words), each.name, each) for each in rest), reverse=True)
        found = [each for score, _, each in ranked[:MOST_FOUND] if score > ranked[0][0] * LEAST_SHARE]
        if not found:
            return "There is no tool for that."
        text = "\n".join(
            f"{each.name}({_signature(each)}): {clean(each.description, MOST_DESCRIPTION)}" for each in found
        )
        return StrangersText(text) if any(each.declared.described_by_stranger for each in found) else text


def _nearness(each: Tool, words: set[str]) -> float:
    known = set(f"{each.name} {each.description}".casefold().replace("_", " ").replace(".", " ").split())
    return sum(1.0 if word in known else 0.5 * bool(difflib.get_close_matches(word, known, 1, 0.8)) for word in words)


def _signature(each: Tool) -> str:
    return ", ".join(f"{p.name}: {p.schema['type']}{'' if p.required else ' (optional)'}" for p in each.parameters)
