"""Values in sentences that every language says in its own way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from fractions import Fraction
from typing import Literal, Protocol

from voxspark.tools.phrases.english_words import cap

Kind = Literal["timer", "alarm", "reminder"]

EVERY_DAY, WORKDAYS, WEEKEND = tuple(range(7)), tuple(range(5)), (5, 6)
"""Of a week; Monday is 0."""


class Grammar(Protocol):
    """How a language says them. `form` is what a sentence of that language asks for: a case, an article, a capital."""

    def length(self, seconds: int, form: str) -> str:
        """`10 minutes`."""
        ...

    def left(self, seconds: float, form: str) -> str:
        """What is left: seconds rounded up, and left out of hours."""
        ...

    def clock(self, moment: time, form: str) -> str:
        """A time of day."""
        ...

    def moment(self, moment: Moment, form: str) -> str:
        """A time and its day, seen from today."""
        ...

    def date(self, day: date, form: str) -> str:
        """A date."""
        ...

    def weekday(self, number: int, form: str) -> str:
        """Monday is 0."""
        ...

    def number(self, value: Fraction, form: str) -> str:
        """A number, perhaps rounded."""
        ...

    def list_name(self, name: str, form: str) -> str:
        """`shopping list`."""
        ...

    def timer(self, timer: TimerName, form: str) -> str:
        """`tea timer`."""
        ...

    def joined(self, parts: Sequence[str], last: Literal["and", "or"]) -> str:
        """`a, b and c`."""
        ...

    def name(self, english: str, form: str) -> str:
        """Of a city or a holiday."""
        ...


class Said(Protocol):
    """A value that a grammar says."""

    def said(self, grammar: Grammar, form: str) -> str:
        """In a sentence."""
        ...


@dataclass(frozen=True, slots=True)
class Length:
    """Seconds, as they were set."""

    seconds: int

    def said(self, grammar: Grammar, form: str) -> str:
        """See Said."""
        return grammar.length(self.seconds, form)


@dataclass(frozen=True, slots=True)
class Left:
    """Seconds that remain, or have passed."""

    seconds: float

    def said(self, grammar: Grammar, form: str) -> str:
        """See Said."""
        return grammar.left(self.seconds, form)


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day."""

    time: time

    def said(self, grammar: Grammar, form: str) -> str:
        """See Said."""
        return grammar.clock(self.time, form)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time on the wall, on a day that is so many days ahead, or on some days of every week."""

    local: datetime
    ahead: int
    weekdays: tuple[int, ...] = ()

    def said(self, grammar: Grammar, form: str) -> str:
        """See Said."""
        return grammar.moment(self, form)


@dataclass(frozen=True, slots=True)
class Date:
    """A day of a year."""

    day: date

    def said(self, grammar: Grammar, form: str) -> str:
        """See Said."""
        return grammar.date(self.day, form)


@dataclass(frozen=True, slots=True)
class Weekday:
    """A day of the week; Monday is 0."""

    number: int

    def said(self, grammar: Grammar, form: str) -> str:
        """See Said."""
        return grammar.weekday(self.number, form)


@dataclass(frozen=True, slots=True)
class Number:
    """A result."""

    value: Fraction

    def said(self, grammar: Grammar, form: str) -> str:
        """See Said."""
        return grammar.number(self.value, form)


@dataclass(frozen=True, slots=True)
class Name:
    """A city or a holiday, by its English name."""

    english: str

    def said(self, grammar: Grammar, form: str) -> str:
        """See Said."""
        return grammar.name(self.english, form)


@dataclass(frozen=True, slots=True)
class ListName:
    """`shopping`, `to-do` or a name of the user's."""

    name: str

    def said(self, grammar: Grammar, form: str) -> str:
        """See Said."""
        return grammar.list_name(self.name, form)


@dataclass(frozen=True, slots=True)
class TimerName:
    """A timer, alarm or reminder by what tells it from others: its name, else its time, else its length."""

    kind: Kind
    label: str = ""
    seconds: int = 0
    time: time | None = None

    def said(self, grammar: Grammar, form: str) -> str:
        """See Said."""
        return grammar.timer(self, form)


@dataclass(frozen=True, slots=True)
class Listing:
    """Several texts or values."""

    parts: Sequence[str | Said]
    last: Literal["and", "or"] = "and"

    def said(self, grammar: Grammar, form: str) -> str:
        """See Said; `form` is that of each part, `cap` begins a sentence."""
        inner = "" if form == "cap" else form
        parts = [part if isinstance(part, str) else part.said(grammar, inner) for part in self.parts]
        text = grammar.joined(parts, self.last)
        return cap(text) if form == "cap" else text
