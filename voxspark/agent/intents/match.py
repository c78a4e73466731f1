"""Commands that are understood at once, without a language model. Precise first: in doubt, no match."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from voxspark.agent.intents.files import Sentences, merged, read_folder
from voxspark.agent.intents.slots import Checks
from voxspark.agent.tongues import Tongue, tongue
from voxspark.errors import ToolError
from voxspark.language import Language, current
from voxspark.listening.backchannel import is_mute, is_stop, is_wait
from voxspark.tools.clock import CITIES
from voxspark.tools.folding import fold
from voxspark.tools.registry import Toolbox
from voxspark.tools.units import UNITS, same_dimension

STOP = "stop"
MUTE = "stop_listening"
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
    """Matches transcripts against the sentences of the tools in the box, in the language of the turn.

    `folder` holds the user's own sentences; the shipped ones of a language are read when it is first spoken.
    """

    def __init__(self, toolbox: Toolbox, folder: Path | None = None, *, model_reads: bool = False) -> None:
        """`model_reads`: there is a model for the tools whose results are written for one, so these are left to it."""
        self._toolbox = toolbox
        self._model_reads = model_reads
        self._own, self.failures = read_folder(folder) if folder is not None else ([], [])
        self._readers: dict[Language, _Reader] = {}

    def match(self, text: str, language: Language | None = None) -> Intent | None:
        """The intent of a whole transcript, or None: then a language model answers. Takes about a millisecond."""
        if is_mute(text) and MUTE in self._toolbox:
            return Intent(MUTE)
        if is_stop(text) or is_wait(text):
            return Intent(STOP)
        code = language or current()
        if (reader := self._readers.get(code)) is None:
            reader = self._readers[code] = _Reader(code, [file for file in self._own if file.language == code])
        names = {tool.name for tool in self._toolbox if not (self._model_reads and tool.declared.aloud)}
        return next((intent for intent in reader.read(text, names) if self._fits(intent)), None)

    def _fits(self, intent: Intent) -> bool:
        """Whether the tool would take it: a sentence of a user's file may say anything."""
        if intent.tool == REPEAT:
            return True
        try:
            self._toolbox.find(intent.tool).check(intent.arguments)
        except ToolError:
            return False
        return True


class _Reader:
    """The compiled sentences of one language."""

    def __init__(self, language: Language, own: Iterable[Sentences]) -> None:
        import hassil

        self._tongue = tongue(language)
        self._checks = Checks(self._tongue)
        self._templates = hassil.Intents.from_dict(merged(language, list(own), self._tongue.fold))
        self._templates.slot_lists.update(_tables(self._templates.slot_lists, self._tongue))
        self._everything = dict(self._templates.intents)
        self._names: set[str] = set()
        self._recognize = partial(hassil.recognize_all, intents=self._templates)

    def read(self, text: str, names: set[str]) -> Iterator[Intent]:
        """The intents that a transcript can be, best first, of the tools with these names."""
        if not (command := self._tongue.normalise(text)):
            return
        if names != self._names:
            self._names = set(names)
            wanted = names | {REPEAT}
            self._templates.intents = {name: one for name, one in self._everything.items() if name in wanted}
        if "calculate" in names and (found := self._tongue.expression(command)) is not None:
            yield Intent("calculate", {"expression": found})
        joined = re.sub(rf",(?: {self._tongue.joint})?(?= )", f" {self._tongue.joint}", command)
        for reading in dict.fromkeys([command, joined]):
            for result in self._recognize(reading):
                free = (result.intent_metadata or {}).get("free", ())
                arguments = self._arguments(result.entities, free, has_comma="," in reading)
                if arguments is not None:
                    yield Intent(result.intent.name, self._tongue.as_said(arguments, text))

    def _arguments(
        self, entities: Mapping[str, Any], free: Container[str], *, has_comma: bool
    ) -> dict[str, object] | None:
        """What the template found as the tool's arguments, or None when it cannot be meant."""
        slots: dict[str, Any] = {name: entity.value for name, entity in entities.items()}
        if "to_unit" in slots:
            return _conversion(slots)
        arguments: dict[str, object] = {}
        for name, value in slots.items():
            if entities[name].is_wildcard:
                if (found := self._checks.read(name, value, free=name in free, has_comma=has_comma)) is None:
                    return None
                arguments |= found
            else:
                arguments[name] = int(value) if name == "seconds" else value
        return arguments


def _tables(lists: Mapping[str, Any], tongue: Tongue) -> dict[str, Any]:
    """The lists that come from the tables of the tools, with the names that the language's file adds."""
    from hassil.intents import TextSlotList

    cities = TextSlotList.from_tuples([(fold(city), city) for city in CITIES], False, "city")
    if (names := lists.get("city_name")) is not None:
        cities.values = [*names.values, *cities.values]
    tables = {"city": cities}
    units = [(name, unit.plural) for unit in UNITS for name in _spoken(unit.names)]
    for name in ("from_unit", "to_unit"):
        tables[name] = TextSlotList.from_tuples(units, False, name)
    return tables


def _spoken(names: tuple[str, ...]) -> Iterator[str]:
    yield from (fold(name) for name in names if len(name) > 1 and name not in _UNSPOKEN)


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
