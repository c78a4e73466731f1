"""English. Forms: `cap` begins a sentence, `short` names a timer without its time or length."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from fractions import Fraction
from typing import Literal

from voxspark.tools.phrases import english_words as words
from voxspark.tools.phrases.english_words import DAYS
from voxspark.tools.phrases.values import EVERY_DAY, WORKDAYS, Moment, TimerName


class English:
    """See Grammar."""

    def length(self, seconds: int, form: str) -> str:
        """`10 minutes`, `an hour and a half`."""
        return words.duration(seconds)

    def left(self, seconds: float, form: str) -> str:
        """`5 minutes`."""
        return words.time_left(seconds)

    def clock(self, moment: time, form: str) -> str:
        """`7:05 AM`."""
        return words.time_of_day(moment)

    def moment(self, moment: Moment, form: str) -> str:
        """`6:15 PM`, `7:00 AM tomorrow`, `7:00 AM on Friday`, `7:00 AM every weekday`."""
        clock = words.time_of_day(moment.local.time())
        if days := moment.weekdays:
            every = {EVERY_DAY: "day", WORKDAYS: "weekday"}
            return f"{clock} every {every.get(days) or words.join([DAYS[number] for number in days])}"
        if moment.ahead in (0, 1):
            return f"{clock}{' tomorrow' if moment.ahead else ''}"
        local = moment.local
        return f"{clock} on {DAYS[local.weekday()] if 1 < moment.ahead < 7 else f'{local:%B} {local.day}'}"

    def date(self, day: date, form: str) -> str:
        """`Tuesday, November 24, 2026`; `plain` without the weekday, `short` without the year too."""
        text = f"{day:%B} {day.day}"
        return (
            text if form == "short" else f"{text}, {day.year}" if form == "plain" else f"{day:%A}, {text}, {day.year}"
        )

    def weekday(self, number: int, form: str) -> str:
        """`Tuesday`."""
        return DAYS[number]

    def number(self, value: Fraction, form: str) -> str:
        """`1,234`, `about 3.333`."""
        return words.number(value)

    def list_name(self, name: str, form: str) -> str:
        """`shopping list`; `name` without the noun."""
        return name if form == "name" else f"{name} list"

    def timer(self, timer: TimerName, form: str) -> str:
        """`tea timer`, `10 minute timer`, `7:00 AM alarm`, `reminder to call mum`."""
        if form == "bare":
            return timer.kind
        if form == "which":
            text = f"{timer.label or words.duration_adjective(timer.seconds)} {timer.kind}"
        elif timer.kind == "reminder":
            text = f"reminder to {timer.label}" if timer.label else "reminder"
        elif "short" in form or (form == "kind" and not timer.label):
            text = f"{timer.label} {timer.kind}".strip()
        elif timer.label:
            text = f"{timer.label} {timer.kind}"
        else:
            which = words.time_of_day(timer.time) if timer.time else words.duration_adjective(timer.seconds)
            text = f"{which} {timer.kind}"
        return words.cap(text) if "cap" in form else text

    def joined(self, parts: Sequence[str], last: Literal["and", "or"]) -> str:
        """`a, b and c`."""
        return words.join(parts, last)

    def name(self, english: str, form: str) -> str:
        """As it is."""
        return english
