"""Numbers as words, by the CLDR spell-out rules (`unicode-rbnf`, loaded at the first number)."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from voxspark.speech.languages.locale import Gender, Locale

if TYPE_CHECKING:
    from unicode_rbnf import RbnfEngine

_LONGEST_DIGITS = 15
"""Beyond a quadrillion nobody follows: longer numbers are read digit by digit."""

_LONGEST_FRACTION = 2
"""Decimals that are read as one number where the language does."""


@cache
def _engine(code: str) -> RbnfEngine:
    from unicode_rbnf import RbnfEngine

    return RbnfEngine.for_language(code)


class Numbers:
    """Says the numbers of one language; `pattern` is a regex for them: `7`, `1,234`, `3.14`; no sign."""

    def __init__(self, locale: Locale) -> None:
        self.locale = locale
        point = re.escape("".join(locale.points))
        usual = re.escape(next(iter(locale.points)))
        group = locale.group
        self.pattern = (
            rf"(?:\d{{1,3}}(?:{group}\d{{3}})+(?!\d|{group}\d)(?:{usual}\d+)?"
            rf"|\d+(?:[{point}]\d+(?!\d|[{point}]\d))?)"
        )
        self._grouped = re.compile(rf"\d{{1,3}}(?:{group}\d{{3}})+(?!\d)")
        self._singular = re.compile(locale.one)
        self._spell = lru_cache(maxsize=4096)(self._spell_out)

    def _spell_out(self, value: int, rules: str) -> str:
        text = _engine(self.locale.code).format_number(value, ruleset_names=[rules]).text
        for wrong, right in self.locale.respelled:
            text = text.replace(wrong, right)
        return text

    def digits(self, text: str) -> str:
        """`"042"` -> "zero four two"."""
        return " ".join(self._spell(int(digit), self.locale.cardinals[""]) for digit in text)

    def cardinal(self, text: str, gender: Gender = "") -> str:
        """`"1,234"` -> "one thousand two hundred thirty-four"; `"007"` and very long numbers digit by digit."""
        plain = "".join(filter(str.isdigit, text))
        if len(plain) > _LONGEST_DIGITS or (plain[0] == "0" and len(plain) > 1):
            return self.digits(plain)
        return self._spell(int(plain), self.locale.cardinals[gender])

    def number(self, text: str, gender: Gender = "") -> str:
        """What `pattern` matches, as words: `"3.14"` -> "three point one four"."""
        whole, point, fraction = self.parts(text)
        if not fraction:
            return self.cardinal(whole, gender)
        return f"{self.cardinal(whole)} {self.locale.points[point]} {self._decimals(fraction)}"

    def parts(self, text: str) -> tuple[str, str, str]:
        """Before the point, the point, and behind it; the last two may be empty."""
        grouped = self._grouped.match(text)
        at = grouped.end() if grouped else next((i for i, char in enumerate(text) if not char.isdigit()), len(text))
        return text[:at], text[at : at + 1], text[at + 1 :]

    def _decimals(self, fraction: str) -> str:
        if not self.locale.fraction_as_number or len(fraction) > _LONGEST_FRACTION or not fraction.strip("0"):
            return self.digits(fraction)
        rest = fraction.lstrip("0")
        return " ".join([*(self.digits(zero) for zero in fraction[: -len(rest)]), self.cardinal(rest)])

    def ordinal(self, text: str, form: str = "") -> str:
        """`"22"` -> "twenty-second"."""
        plain = "".join(filter(str.isdigit, text))
        if len(plain) > _LONGEST_DIGITS:
            return self.digits(plain)
        return self._spell(int(plain), self.locale.ordinals[form])

    def year(self, text: str) -> str:
        """`"1984"` -> "nineteen eighty-four", `"1905"` -> "nineteen oh five"; four digits."""
        return self._spell(int(text), self.locale.years)

    def group(self, text: str) -> str:
        """One group of a phone number."""
        if self.locale.digit_groups or len(text) != 2:
            return self.digits(text)
        return self.digits(text) if text[0] == "0" else self.cardinal(text)

    def is_one(self, text: str) -> bool:
        """Whether a number takes the singular: in English 1 and 1.00, not 1.5."""
        return self._singular.fullmatch(text) is not None

    def is_grouped(self, text: str) -> bool:
        """Whether all of it is one number in groups of three digits."""
        return self._grouped.fullmatch(text) is not None

    def counting(self, number: str, text: str, end: int) -> str:
        """A number in the gender of the word behind it, where `number` ends at `end` in `text`."""
        found = self.locale.counted.match(text, end) if self.locale.counted else None
        return self.number(number, "f" if found and found["f"] else "m" if found else "")
