"""What the grammars of other languages share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time
from fractions import Fraction
from typing import ClassVar, Literal

from voxspark.tools.phrases import english_words as words
from voxspark.tools.phrases.values import Moment


class Foreign:
    """Numbers, lists and names; `names` are those of cities and holidays, by their English ones."""

    units: ClassVar[Mapping[str, tuple[str, str]]]
    """Of `hour`, `minute` and `second`: one of it, and the plural."""
    days: ClassVar[Sequence[str]]
    months: ClassVar[Sequence[str]]
    last: ClassVar[Mapping[Literal["and", "or"], str]]
    about: ClassVar[str]
    power: ClassVar[str]
    """`times 10 to the power of`."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def length(self, seconds: int, form: str) -> str:
        """Every part that is not zero."""
        return self.joined([self._part(count, unit, form) for count, unit in words.parts(seconds)], "and")

    def _part(self, count: int, unit: str, form: str) -> str:
        one, many = self.units[unit]
        return one if count == 1 else f"{count} {many}"

    def left(self, seconds: float, form: str) -> str:
        """Seconds rounded up, and left out of hours."""
        return self.length(words.rounded(seconds), form)

    def weekday(self, number: int, form: str) -> str:
        """The bare name."""
        return self.days[number]

    def number(self, value: Fraction, form: str) -> str:
        """With a decimal comma, and without marks between thousands, which would be read as decimals."""
        text = words.number(value).replace(",", "").replace(".", ",")
        return text.replace("about ", f"{self.about} ").replace(" times 10 to the power of ", f" {self.power} ")

    def joined(self, parts: Sequence[str], last: Literal["and", "or"]) -> str:
        """`a, b und c`."""
        return words.join(parts, self.last[last])

    def name(self, english: str, form: str) -> str:
        """As it is called here."""
        return words.cap(self._names.get(english, english)) if form == "cap" else self._names.get(english, english)

    def month(self, day: date) -> str:
        """The bare name."""
        return self.months[day.month - 1]

    def clock(self, moment: time, form: str) -> str:
        """A time of day; `at` with its preposition."""
        raise NotImplementedError

    def moment(self, moment: Moment, form: str) -> str:
        """The day and the time, with their prepositions."""
        clock = self.clock(moment.local.time(), "at")
        day = self.every(moment.weekdays) if moment.weekdays else self.ahead(moment)
        return f"{day} {clock}".strip()

    def every(self, weekdays: tuple[int, ...]) -> str:
        """`jeden Tag`."""
        raise NotImplementedError

    def ahead(self, moment: Moment) -> str:
        """`morgen`, `am Freitag`; nothing for today."""
        raise NotImplementedError
