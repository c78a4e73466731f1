"""Numbers as English words, by the CLDR spell-out rules (`unicode-rbnf`, loaded at the first number)."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unicode_rbnf import RbnfEngine

NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+)(?:\.\d+)?"
"""Regex: `7`, `1,234`, `3.14`; no sign."""

_LONGEST_DIGITS = 15
"""Beyond a quadrillion nobody follows: longer numbers are read digit by digit."""

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@cache
def _engine() -> RbnfEngine:
    from unicode_rbnf import RbnfEngine

    return RbnfEngine.for_language("en")


@lru_cache(maxsize=4096)
def _spell(value: int, rules: str) -> str:
    return _engine().format_number(value, ruleset_names=[rules]).text


def digits(text: str) -> str:
    """`"042"` -> "zero four two"."""
    return " ".join(_DIGITS[int(digit)] for digit in text)


def cardinal(text: str) -> str:
    """`"1,234"` -> "one thousand two hundred thirty-four"; `"007"` and very long numbers digit by digit."""
    plain = text.replace(",", "")
    if len(plain) > _LONGEST_DIGITS or (plain[0] == "0" and len(plain) > 1):
        return digits(plain)
    return _spell(int(plain), "spellout-cardinal")


def number(text: str) -> str:
    """What `NUMBER` matches, as words: `"3.14"` -> "three point one four"."""
    whole, _, fraction = text.partition(".")
    return f"{cardinal(whole)} point {digits(fraction)}" if fraction else cardinal(whole)


def ordinal(text: str) -> str:
    """`"22"` -> "twenty-second"."""
    plain = text.replace(",", "")
    return digits(plain) if len(plain) > _LONGEST_DIGITS else _spell(int(plain), "spellout-ordinal")


def year(text: str) -> str:
    """`"1984"` -> "nineteen eighty-four", `"1905"` -> "nineteen oh five"; four digits."""
    return _spell(int(text), "spellout-numbering-year").replace("oh-", "oh ")


def plural(words: str) -> str:
    """`"nineteen eighty"` -> "nineteen eighties", `"half"` -> "halves", `"third"` -> "thirds"."""
    for ending, many in (("half", "halves"), ("y", "ies")):
        if words.endswith(ending):
            return words.removesuffix(ending) + many
    return f"{words}s"


def is_one(text: str) -> bool:
    """Whether a number takes the singular: 1 and 1.00, not 1.5."""
    return re.fullmatch(r"1(?:\.0+)?", text) is not None
