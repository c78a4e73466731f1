"""Measures: "5 km/h" -> "five kilometers per hour"."""

from __future__ import annotations

import re

from voxspark.speech.numbers import Numbers


class Measures:
    """Says the units of one language.

    `unit` is a regex with the groups `unit` and `per`: a unit, perhaps a rate; not its dot inside a sentence.
    `rule` is a regex for an amount and its unit.
    """

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self._locale = locale = numbers.locale
        signs = sorted(locale.units, key=len, reverse=True)
        every = "|".join(map(re.escape, signs))
        plain = "|".join(re.escape(unit) for unit in signs if unit not in locale.unit_only)
        either = "|".join([plain, *locale.unit_only.values()])
        self.unit = rf"(?P<unit>{either})(?: ?/ ?(?P<per>{every}|[A-Z]?[a-zà-ÿ]{{2,}}))?(?![\w/^])(?:\.(?= [a-zà-ÿ]))?"
        self.pattern = re.compile(rf"(?<![\w.,/])(?P<amount>{numbers.pattern})(?P<gap> ?|-){self.unit}")

    def words(self, found: re.Match[str], *, one: bool) -> str:
        """What the `unit` in the match is called: "kilometers per hour"."""
        noun = self._locale.units[found["unit"]]
        return (noun.one if one else noun.many) + self.per(found["per"])

    def per(self, unit: str | None) -> str:
        """`h` -> " per hour"; nothing for no unit."""
        if not unit:
            return ""
        known = self._locale.units.get(unit)
        return f" {self._locale.words.per} {known.one if known else unit}"

    def say(self, found: re.Match[str]) -> str:
        """A match of `pattern` in words; "5-km run" takes the singular."""
        amount = self._numbers.number(found["amount"], self._locale.units[found["unit"]].gender)
        one = found["gap"] == "-" or self._numbers.is_one(found["amount"])
        return f"{amount} {self.words(found, one=one)}"
