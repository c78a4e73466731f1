"""Numbers, durations and moments of languages that write them alike, as far as one piece of code can read them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from voxspark.agent.tongues.tongue import fold
from voxspark.tools.wall_time import is_moment

LONGEST_NUMBER_WORDS = 6
"""`neuf cent quatre vingt dix neuf`."""

_LITERAL = re.compile(r"\d{1,12}(?:\.\d{1,12})?")
_SECONDS = {"hours": 3600, "minutes": 60, "seconds": 1}


@dataclass(frozen=True)
class Numbers:
    """Number words to digits, up to a million, by the spelling rules of Unicode (CLDR, package unicode-rbnf)."""

    language: str
    thousand: str
    point: str
    """`komma`; digits follow one by one, or as a number below a hundred."""
    never: frozenset[str] = frozenset()
    """Number words that mean other things too."""

    @cached_property
    def _values(self) -> Mapping[str, int]:
        from unicode_rbnf import RbnfEngine

        engine = RbnfEngine.for_language(self.language)
        values: dict[str, int] = {}
        for value in range(1000):
            for spelled in engine.format_number(value).text_by_ruleset.values():
                text = fold(spelled).replace("\u00ad", "").replace("-", " ")
                if text in self.never:
                    continue
                values.setdefault(text, value)
                if self.language == "de" and value >= 100:  # hundert, as well as einhundert
                    values.setdefault(text.removeprefix("ein"), value)
                elif self.language == "fr" and text.endswith(("cents", "vingts")):  # quatre vingt mille
                    values.setdefault(text.removesuffix("s"), value)
        return values

    def to_digits(self, text: str) -> str:
        """`fünfundzwanzig minuten` -> `25 minuten`. Lower case without accents, single spaces."""
        words = text.split(" ")
        out: list[str] = []
        at = 0
        while at < len(words):
            value, end = self._number(words, at)
            if end == at:
                out.append(words[at])
                at += 1
                continue
            decimals, end = self._decimals(words, end) if not words[end - 1].endswith(",") else ("", end)
            out.append(f"{value}{decimals}{',' if words[end - 1].endswith(',') else ''}")
            at = end
        return " ".join(out)

    def _number(self, words: Sequence[str], at: int) -> tuple[str, int]:
        """(digits, end); nothing when no number begins there."""
        if _LITERAL.fullmatch(words[at].removesuffix(",")):
            return words[at].removesuffix(","), at + 1
        value, end = self._below_thousand(words, at)
        if self.language == "de":
            return (str(value), end) if end > at else self._glued(words[at], at)
        if end < len(words) and words[end].removesuffix(",") == self.thousand and (end == at or value > 1):
            thousands = value if end > at else 1
            if words[end].endswith(","):
                return str(1000 * thousands), end + 1
            rest, last = self._below_thousand(words, end + 1)
            return str(1000 * thousands + (rest if last > end + 1 else 0)), last
        return str(value), end

    def _below_thousand(self, words: Sequence[str], at: int) -> tuple[int, int]:
        for length in range(min(LONGEST_NUMBER_WORDS, len(words) - at), 0, -1):
            phrase = " ".join(words[at : at + length]).removesuffix(",")
            if (value := self._values.get(phrase)) is not None:
                return value, at + length
        return 0, at

    def _glued(self, word: str, at: int) -> tuple[str, int]:
        """German writes thousands in one word."""
        before, found, after = word.removesuffix(",").partition(self.thousand)
        high = 1 if before in ("", *self.never) else self._values.get(before)
        low = self._values.get(after) if after else 0
        if not found or not high or low is None:
            return "", at
        return str(1000 * high + low), at + 1

    def _decimals(self, words: Sequence[str], at: int) -> tuple[str, int]:
        digits, end = "", at + 1
        if at >= len(words) or words[at] != self.point:
            return "", at
        while end < len(words):
            found, after = self._number(words, end)
            if after == end or "." in found or (digits and len(found) > 1):
                break
            digits, end = digits + found, after
        return (f".{digits}", end) if digits else ("", at)


@dataclass(frozen=True)
class Durations:
    """Durations to one token: `eine stunde und 30 minuten` -> `5400s`. Regular expressions."""

    one: str
    """The article that stands for 1."""
    hours: str
    minutes: str
    seconds: str
    joint: str
    """Between two parts."""
    half: str = r"(?!)"
    """Behind a part: ` y medi[ao]`."""
    quarter: str = r"(?!)"
    before_rest: str = r"$|,"
    """What may follow the 30 of `1 stunde 30`."""

    @cached_property
    def _part(self) -> re.Pattern[str]:
        return re.compile(
            rf"\b(?<![\w.:])(?P<amount>\d{{1,9}}(?:\.\d{{1,9}})?|{self.one}) "
            rf"(?:(?P<hours>{self.hours})|(?P<minutes>{self.minutes})|(?P<seconds>{self.seconds}))\b"
            rf"(?:(?P<half>{self.half})\b|(?P<quarter>{self.quarter})\b)?"
        )

    @cached_property
    def _joint(self) -> re.Pattern[str]:
        return re.compile(self.joint)

    @cached_property
    def _rest(self) -> re.Pattern[str]:
        return re.compile(rf"(?:{self.joint})(\d{{1,2}})(?={self.before_rest})")

    def to_seconds(self, text: str) -> str:
        """Durations that are no whole seconds stay as they are."""
        out, at = "", 0
        while (match := self._part.search(text, at)) is not None:
            seconds, end = self._duration(text, match)
            out += text[at : match.start()] + (f"{seconds}s" if seconds.denominator == 1 else text[match.start() : end])
            at = end
        return out + text[at:]

    def _duration(self, text: str, match: re.Match[str]) -> tuple[Fraction, int]:
        """(seconds, end): parts of ever smaller units."""
        total, unit = self._seconds(match)
        end = match.end()
        while (joint := self._joint.match(text, end)) and (following := self._part.match(text, joint.end())):
            seconds, smaller = self._seconds(following)
            if smaller >= unit:
                return total, end
            total, unit, end = total + seconds, smaller, following.end()
        if unit > 1 and (rest := self._rest.match(text, end)) and int(rest[1]) < 60:
            return total + int(rest[1]) * unit // 60, rest.end()
        return total, end

    def _seconds(self, match: re.Match[str]) -> tuple[Fraction, int]:
        """(seconds, seconds of the unit)."""
        unit = next(length for name, length in _SECONDS.items() if match[name])
        amount = Fraction(match["amount"]) if match["amount"][0].isdigit() else Fraction(1)
        more = Fraction(1, 2) if match["half"] else Fraction(1, 4) if match["quarter"] else Fraction(0)
        return (amount + more) * unit, unit


Clock = tuple[int, int]
"""(hour, minute)."""


@dataclass(frozen=True)
class Moments:
    """Moments on the clock on the wall, in the words of `tools/wall_time.py`: `morgen um halb 7` -> `tomorrow at 6:30`.

    Each table maps a regular expression to what it means, perhaps with its half of the day; the longest match wins.
    """

    repeats: Mapping[str, str]
    """To `day`, `weekday`, `weekend` or the English name of a day, perhaps with ` am` or ` pm`."""
    days: Mapping[str, str]
    """To `today`, `tomorrow` or the English name of a day, perhaps with ` am` or ` pm`."""
    periods: Mapping[str, str]
    """To `am`, `pm` or `night`."""
    clock: Callable[[str], Clock | None]
    """The time of a whole text."""
    glue: str
    """What may stand before the time."""

    @cached_property
    def _tables(self) -> list[list[tuple[re.Pattern[str], str]]]:
        tables = (self.repeats, self.days, self.periods)
        return [[(re.compile(rf"\b(?:{one})\b"), meaning) for one, meaning in table.items()] for table in tables]

    @cached_property
    def _glue(self) -> re.Pattern[str]:
        return re.compile(rf"^(?:(?:{self.glue}) )+")

    def read(self, text: str) -> str | None:
        """None when it is no moment, whole and sure."""
        repeats, days, periods = self._tables
        repeat, rest = _take(repeats, text.replace(",", " "))
        day, rest = ("", rest) if repeat else _take(days, rest)
        period, rest = _take(periods, rest)
        found = self.clock(self._glue.sub("", rest))
        if found is None:
            return None
        day, half = day.split(" ")[0], (day.split(" ") + repeat.split(" "))
        halves = {each for each in (*half, period) if each in ("am", "pm", "night")}
        clock = self._said(*found, next(iter(halves), "")) if len(halves) < 2 else ""
        each = f"every {repeat.split(' ')[0]}" if repeat else day
        moment = f"{each} at {clock}" if each else clock
        return moment if clock and is_moment(moment) else None

    def _said(self, hour: int, minute: int, half: str) -> str:
        if half == "night":
            half = "am" if hour in (12, 1, 2, 3, 4, 5) else "pm"
        if hour > 12 or hour == 0:
            fits = not half or (half == "pm") == (hour > 12) or (hour > 20 and half == "pm")
            return f"{hour}:{minute:02}" if fits else ""
        if hour == 12 and not half:
            half = "pm"
        return f"{hour}:{minute:02}{f' {half}' if half else ''}"


def _take(table: Sequence[tuple[re.Pattern[str], str]], text: str) -> tuple[str, str]:
    """(meaning, the text without it); of two that fit the longer counts."""
    found = [(match, meaning) for pattern, meaning in table if (match := pattern.search(text))]
    if not found:
        return "", text
    match, meaning = max(found, key=lambda each: len(each[0][0]))
    return meaning, " ".join(f"{text[: match.start()]} {text[match.end() :]}".split())
