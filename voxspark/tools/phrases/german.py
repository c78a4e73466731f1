"""German. Forms: `dative` of a duration; of a timer an article, which begins a sentence where it is a capital
(`Der`, `den`, `Dein`, `keinen`, `Welchen`), `short` without its time or length, `kind` without its time."""

from __future__ import annotations

from datetime import date, time
from typing import ClassVar

from voxspark.tools.phrases import english_words as words
from voxspark.tools.phrases.english_words import cap
from voxspark.tools.phrases.foreign import Foreign
from voxspark.tools.phrases.values import EVERY_DAY, WEEKEND, WORKDAYS, Moment, TimerName

_FEMININE = {"der": "die", "den": "die", "dein": "deine", "keinen": "keine", "welchen": "welche"}


class German(Foreign):
    """See Grammar."""

    units: ClassVar = {
        "hour": ("eine Stunde", "Stunden"),
        "minute": ("eine Minute", "Minuten"),
        "second": ("eine Sekunde", "Sekunden"),
    }
    days: ClassVar = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")
    months: ClassVar = (
        "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
        "Dezember",
    )  # fmt: skip
    last: ClassVar = {"and": "und", "or": "oder"}
    about, power = "ungefähr", "mal 10 hoch"

    def length(self, seconds: int, form: str) -> str:
        """`10 Minuten`, `eine Minute` (dative `einer Minute`), `anderthalb Stunden`."""
        return "anderthalb Stunden" if seconds == 5400 else super().length(seconds, form)

    def _part(self, count: int, unit: str, form: str) -> str:
        text = super()._part(count, unit, form)
        return text.replace("eine ", "einer ") if form == "dative" else text

    def clock(self, moment: time, form: str) -> str:
        """`14 Uhr 30`."""
        text = f"{moment.hour} Uhr{f' {moment.minute}' if moment.minute else ''}"
        return f"um {text}" if form == "at" else text

    def every(self, weekdays: tuple[int, ...]) -> str:
        """`jeden Tag`, `montags bis freitags`, `jeden Montag und Mittwoch`."""
        usual = {EVERY_DAY: "jeden Tag", WORKDAYS: "montags bis freitags", WEEKEND: "samstags und sonntags"}
        return usual.get(weekdays) or f"jeden {self.joined([self.days[number] for number in weekdays], 'and')}"

    def ahead(self, moment: Moment) -> str:
        """`morgen`, `am Freitag`, `am 24. Dezember`."""
        if moment.ahead in (0, 1):
            return "morgen" if moment.ahead else ""
        local = moment.local
        return f"am {self.days[local.weekday()]}" if 1 < moment.ahead < 7 else f"am {self.date(local, 'short')}"

    def date(self, day: date, form: str) -> str:
        """`Dienstag, der 24. November 2026`."""
        short = f"{day.day}. {self.month(day)}"
        if form == "short":
            return short
        return f"{short} {day.year}" if form == "plain" else f"{self.days[day.weekday()]}, der {short} {day.year}"

    def list_name(self, name: str, form: str) -> str:
        """`Einkaufsliste`, `Packliste`."""
        usual = {"shopping": "Einkaufsliste", "to-do": "Aufgabenliste"}
        return usual.get(name) or (f"Liste „{cap(name)}“" if " " in name else f"{cap(name)}liste")

    def timer(self, timer: TimerName, form: str) -> str:
        """`Pizza-Timer`, `10-Minuten-Timer`, `Wecker um 7 Uhr`, `Erinnerung „Mama anrufen“`."""
        article = next((word for word in form.split() if word.lower() in _FEMININE), "")
        text = self._named(timer, form)
        if not article:
            return text
        if timer.kind == "reminder":
            feminine = _FEMININE[article.lower()]
            article = cap(feminine) if article[0].isupper() else feminine
        return f"{article} {text}"

    def _named(self, timer: TimerName, form: str) -> str:
        if timer.kind != "timer":
            text = "Wecker" if timer.kind == "alarm" else "Erinnerung"
            if timer.label:
                return f"{text} „{timer.label}“"
            return (
                text
                if timer.time is None or "short" in form or "kind" in form
                else f"{text} {self.clock(timer.time, 'at')}"
            )
        if timer.label:
            return f"Timer „{timer.label}“" if " " in timer.label else f"{cap(timer.label)}-Timer"
        if "short" in form or not timer.seconds:
            return "Timer"
        parts = words.parts(timer.seconds)
        if len(parts) > 1:
            return f"Timer über {self.length(timer.seconds, '')}"
        count, unit = parts[0]
        return f"{count}-{self.units[unit][1]}-Timer"


GRAMMAR = German
