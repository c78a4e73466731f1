"""Roman numerals, where what stands before them says that they are: "Henry VIII", "World War II", "chapter V"."""

from __future__ import annotations

import re

from voxspark.speech.languages.locale import Locale
from voxspark.speech.numbers import Numbers

NUMERAL = r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})(?![\w-]|['’](?!s\b))"
"""Regex: a well-formed numeral up to 3999."""

_SMALL = r"(?:XXX|XX|X)?(?:IX|IV|V|VI{1,3}|I{1,3})(?<=[IVX]{2})(?![\w-]|['’](?!s\b))"
"""Regex: two letters or more, up to 39: what may follow any name."""

_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def value(numeral: str) -> int:
    """`"XIV"` -> 14."""
    total = 0
    for letter, following in zip(numeral, [*numeral[1:], " "], strict=True):
        amount = _VALUES[letter]
        total += -amount if amount < _VALUES.get(following, 0) else amount
    return total


class Romans:
    """Says the roman numerals of one language."""

    def __init__(self, numbers: Numbers, locale: Locale) -> None:
        self._numbers, self._romans = numbers, locale.romans
        ruler = rf"\b(?P<name>{locale.romans.rulers}) (?!{locale.romans.word})(?P<numeral>{NUMERAL})"
        named = rf"\b(?!{locale.short.begins})(?P<name>[A-ZÀ-Þ][\w-]+) (?P<numeral>{_SMALL})"
        self._word = re.compile(locale.romans.word)
        self._rules = (
            *locale.romans.rules(numbers),
            (re.compile(ruler), self._ruler),
            (re.compile(rf"\b(?P<name>{locale.romans.labels}) (?P<numeral>{NUMERAL})"), self._label),
            (re.compile(named), self._label),
        )

    def spell(self, text: str) -> str:
        """The text with these in words."""
        for pattern, said in self._rules:
            text = pattern.sub(said, text)
        return text

    def _ruler(self, found: re.Match[str]) -> str:
        said = self._romans.ruler(self._numbers, found["name"], value(found["numeral"]))
        return f"{found['name']} {said}"

    def _label(self, found: re.Match[str]) -> str:
        """`World War I ended`; not `the part I like`."""
        if found["name"][0].islower() and self._word.match(found.string, found.start("numeral")):
            return found[0]
        return f"{found['name']} {self._numbers.cardinal(str(value(found['numeral'])))}"
