"""Number words to digits, and durations to one token: `an hour and a half` becomes `5400s`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

_ONES = "zero one two three four five six seven eight nine ten"
_TEENS = "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TIES = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: value for value, word in enumerate(f"{_ONES} {_TEENS}".split())}
_TENS = {word: 10 * value for value, word in enumerate(_TIES.split(), start=2)}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_FRACTIONS = {"a half": Fraction(1, 2), "a quarter": Fraction(1, 4), "three quarters": Fraction(3, 4)}
_LITERAL = re.compile(r"\d{1,15}(?:\.\d{1,15})?")

_FREE = ("start", "hundred", "scale")
"""After these, a new small number may follow inside one number: `two hundred | five`."""


def to_digits(text: str) -> str:
    """`twenty five minutes` -> `25 minutes`. Lower case words, single spaces."""
    words = text.split(" ")
    out: list[str] = []
    at = 0
    while at < len(words):
        number = _Number(words, at)
        if number.value is None:
            out.append(words[at])
            at += 1
        else:
            out.append(_decimal(number.value) + number.comma)
            at = number.end
    return " ".join(out)


class _Number:
    """The longest number that begins at a word; `value` is None when there is none."""

    def __init__(self, words: Sequence[str], start: int) -> None:
        self.words = words
        self.end = start
        self.comma = ""
        self.value: Fraction | None = None
        self._done = Fraction(0)
        self._current = Fraction(0)
        self._last = "start"
        if self._word() == "a" and self._word(1) in ("hundred", *_SCALES):
            self._current, self._last = Fraction(1), "unit"
            self.end += 1
        while not self.comma and self._step():
            self.value = self._done + self._current
        if self.value is not None and not self.comma:
            self._read_fraction()

    def _word(self, ahead: int = 0) -> str:
        at = self.end + ahead
        return self.words[at].removesuffix(",") if at < len(self.words) else ""

    def _accept(self, last: str) -> bool:
        self.comma = "," if self.words[self.end].endswith(",") else ""
        self._last = last
        self.end += 1
        return True

    def _step(self) -> bool:
        """Take one word more into the number, when it fits."""
        word, last = self._word(), self._last
        if word == "and" and last in ("hundred", "scale") and self._word(1) in _SMALL | _TENS:
            self.end += 1
            return self._step()
        if _LITERAL.fullmatch(word) and last == "start":
            self._current = Fraction(word)
            return self._accept("unit")
        if word in _SMALL and (last in _FREE or (last == "tens" and 0 < _SMALL[word] < 10)):
            self._current += _SMALL[word]
            return self._accept("unit")
        if word in _TENS and last in _FREE:
            self._current += _TENS[word]
            return self._accept("tens")
        if word == "hundred" and last in ("start", "unit"):
            self._current = max(self._current, Fraction(1)) * 100
            return self._accept("hundred")
        if word in _SCALES and last in ("unit", "tens", "hundred") and not 0 < self._done < _SCALES[word]:
            self._done, self._current = self._done + self._current * _SCALES[word], Fraction(0)
            return self._accept("scale")
        return False

    def _read_fraction(self) -> None:
        """`point five` or `and a half`, after a whole number."""
        assert self.value is not None
        if self.value.denominator != 1:
            return
        if self._word() == "point":
            digits = ""
            while (digit := _SMALL.get(self._word(1 + len(digits)), 10)) < 10:
                digits += str(digit)
            if digits:
                self.value += Fraction(int(digits), 10 ** len(digits))
                self.end += 1 + len(digits)
        elif self._word() == "and" and (part := _FRACTIONS.get(f"{self._word(1)} {self._word(2)}")):
            self.value += part
            self.end += 3
        elif self._word() == "1/2":
            self.value += Fraction(1, 2)
            self.end += 1


def _decimal(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.15g}"


_SECONDS = {"h": 3600, "m": 60, "s": 1}
_UNIT = r"(?P<unit>h(?:ou)?rs?|min(?:ute)?s?|sec(?:ond)?s?)"
_PART = re.compile(
    rf"""(?:
        (?P<fraction>(?:an?\ )?half(?:\ an?)?|(?:(?:an?|1)\ )?quarter(?:\ of)?(?:\ an)?|3\ quarters\ of\ an)\ {_UNIT}
      | (?P<amount>\d{{1,9}}(?:\.\d{{1,9}})?|an?)\ {_UNIT.replace("unit", "unit2")}
        (?P<more>\ and\ a\ half|\ and\ a\ quarter)?
    )\b""",
    re.VERBOSE,
)
_JOINT = re.compile(r",? and |, | ")
_REST = re.compile(r"(?: and)? (\d{1,2})(?=$|,| timer\b)")
_ANOTHER = re.compile(r"a second (?!and |long )\w")
"""`a second timer` is one more timer, not a duration."""


def to_seconds(text: str) -> str:
    """`10 minutes and 30 seconds` -> `630s`; durations that are no whole seconds stay as they are."""
    out, at = "", 0
    while (match := _PART.search(text, at)) is not None:
        seconds, end = _duration(text, match)
        whole = seconds.denominator == 1 and not _ANOTHER.match(text, match.start())
        whole = whole and (match.start() == 0 or text[match.start() - 1] == " ")
        out += text[at : match.start()] + (f"{seconds}s" if whole else text[match.start() : end])
        at = end
    return out + text[at:]


def _duration(text: str, match: re.Match[str]) -> tuple[Fraction, int]:
    """(seconds, end) of a duration whose first part is matched: parts of ever smaller units."""
    total, unit = _part(match)
    end = match.end()
    while (joint := _JOINT.match(text, end)) and (following := _PART.match(text, joint.end())):
        seconds, smaller = _part(following)
        if smaller >= unit:
            return total, end
        total, unit, end = total + seconds, smaller, following.end()
    if unit > 1 and (rest := _REST.match(text, end)) and int(rest[1]) < 60:
        return total + int(rest[1]) * unit // 60, rest.end()
    return total, end


def _part(match: re.Match[str]) -> tuple[Fraction, int]:
    """(seconds, seconds of the unit)."""
    unit = _SECONDS[(match["unit"] or match["unit2"])[0]]
    if fraction := match["fraction"]:
        amount = Fraction(3 if fraction.startswith("3") else 1, 2 if "half" in fraction else 4)
    else:
        amount = Fraction(1) if match["amount"].startswith("a") else Fraction(match["amount"])
    more = {None: Fraction(0), " and a half": Fraction(1, 2), " and a quarter": Fraction(1, 4)}[match["more"]]
    return (amount + more) * unit, unit
