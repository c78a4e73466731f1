"""Commands that are understood at once, without a language model. Precise first: in doubt, no match."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from voxspark.agent.slots import CHECKS, WITH_COMMA, as_said
from voxspark.agent.spoken_arithmetic import expression
from voxspark.agent.transcript import normalise
from voxspark.listening.backchannel import is_stop
from voxspark.tools.clock import CITIES
from voxspark.tools.phrases import fold
from voxspark.tools.registry import Toolbox
from voxspark.tools.units import UNITS, same_dimension

__all__ = ["REPEAT", "STOP", "Intent", "Intents", "is_stop"]

STOP = "stop"
REPEAT = "repeat"

_AMOUNT = re.compile(r"(?P<minus>minus |negative )?(?P<number>\d{1,12}(?:\.\d{1,12})?)|half an?")

_UNSPOKEN = frozenset(["in", "pt", "qt", "yd", "mi", "cl"])
"""Abbreviations that are other words when spoken."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What was asked for."""

    tool: str
    """A tool's name, or `stop` or `repeat`, which have no tool."""
    arguments: dict[str, object] = field(default_factory=dict)


class Intents:
    """Matches transcripts against the templates of the tools in the box."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox
        self._templates, self._recognize = _load({tool.name for tool in toolbox} | {REPEAT})

    def match(self, text: str) -> Intent | None:
        """The intent of a whole transcript, or None: then a language model answers. Takes about a millisecond."""
        if is_stop(text):
            return Intent(STOP)
        command = normalise(text)
        if not command:
            return None
        if "calculate" in self._toolbox and (found := expression(command)) is not None:
            return Intent("calculate", {"expression": found})
        readings = [command, re.sub(r",(?: and)?(?= )", " and", command)]
        for reading in dict.fromkeys(readings):
            for result in self._recognize(reading, self._templates):
                if (arguments := _arguments(result.entities, has_comma="," in reading)) is not None:
                    return Intent(result.intent.name, as_said(arguments, text))
        return None


def _load(names: set[str]) -> tuple[Any, Any]:
    """(templates, matcher), compiled for these intents."""
    import hassil
    from hassil.intents import TextSlotList

    with resources.files(__package__).joinpath("intents.yaml").open(encoding="utf-8") as file:
        templates = hassil.Intents.from_yaml(file)
    templates.intents = {name: intent for name, intent in templates.intents.items() if name in names}
    units = [(name, unit.plural) for unit in UNITS for name in _spoken(unit.names)]
    templates.slot_lists["city"] = TextSlotList.from_tuples([(fold(city), city) for city in CITIES], False, "city")
    for name in ("from_unit", "to_unit"):
        templates.slot_lists[name] = TextSlotList.from_tuples(units, False, name)
    return templates, hassil.recognize_all


def _spoken(names: tuple[str, ...]) -> Iterator[str]:
    yield from (fold(name) for name in names if len(name) > 1 and name not in _UNSPOKEN)


def _arguments(entities: Mapping[str, Any], *, has_comma: bool) -> dict[str, object] | None:
    """What the template found as the tool's arguments, or None when it cannot be meant."""
    slots: dict[str, Any] = {name: entity.value for name, entity in entities.items()}
    if "to_unit" in slots:
        return _conversion(slots)
    arguments: dict[str, object] = {}
    for name, value in slots.items():
        if name in CHECKS and entities[name].is_wildcard:
            if has_comma and name not in WITH_COMMA:
                return None
            if (found := CHECKS[name](value)) is None:
                return None
            arguments |= found
        else:
            arguments[name] = int(value) if name == "seconds" else value
    return arguments


def _conversion(slots: Mapping[str, Any]) -> dict[str, object] | None:
    to_unit = slots["to_unit"]
    if "seconds" in slots:
        amount, from_unit = _largest_unit(int(slots["seconds"]))
    else:
        spelled = _AMOUNT.fullmatch(slots.get("amount", "1"))
        if spelled is None:
            return None
        sign, from_unit = -1 if spelled["minus"] else 1, slots["from_unit"]
        amount = sign * float(spelled["number"] or 0.5)
    if not same_dimension(from_unit, to_unit):
        return None
    return {"amount": amount, "from_unit": from_unit, "to_unit": to_unit}


def _largest_unit(seconds: int) -> tuple[float, str]:
    """3600 -> (1.0, "hours"): the unit in which people said it."""
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds and seconds % length == 0:
            return seconds / length, unit
    return float(seconds), "seconds"
