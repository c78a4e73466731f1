"""French. Forms: of a timer an article, which begins a sentence where it is a capital (`Le`, `un`, `Ton`, `aucun`),
`short` without its time or length, `kind` without its time; `de` of a duration (`d'une minute`), `à` of a city."""

from __future__ import annotations

from datetime import date, time
from typing import ClassVar

from voxspark.tools.phrases.english_words import cap
from voxspark.tools.phrases.foreign import Foreign
from voxspark.tools.phrases.values import EVERY_DAY, WEEKEND, WORKDAYS, Moment, TimerName

_ARTICLES = ("le", "un", "ton", "aucun", "quel")


class French(Foreign):
    """See Grammar."""

    units: ClassVar = {
        "hour": ("une heure", "heures"),
        "minute": ("une minute", "minutes"),
        "second": ("une seconde", "secondes"),
    }
    days: ClassVar = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
    months: ClassVar = (
        "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
        "décembre",
    )  # fmt: skip
    last: ClassVar = {"and": "et", "or": "ou"}
    about, power = "environ", "fois 10 puissance"

    def length(self, seconds: int, form: str) -> str:
        """`10 minutes`, `une minute`, `une heure et demie`; `de`: `d'une minute`."""
        text = "une heure et demie" if seconds == 5400 else super().length(seconds, form)
        if form != "de":
            return text
        return f"d'{text}" if text.startswith("une") else f"de {text}"

    def clock(self, moment: time, form: str) -> str:
        """`14 heures 30`, `midi`, `minuit 20`; `at`: `à 7 heures`."""
        hours = {0: "minuit", 1: "1 heure", 12: "midi"}.get(moment.hour, f"{moment.hour} heures")
        text = f"{hours} {moment.minute}" if moment.minute else hours
        return f"à {text}" if form == "at" else text

    def every(self, weekdays: tuple[int, ...]) -> str:
        """`tous les jours`, `du lundi au vendredi`, `tous les lundis et mardis`."""
        usual = {EVERY_DAY: "tous les jours", WORKDAYS: "du lundi au vendredi", WEEKEND: "tous les week-ends"}
        return usual.get(weekdays) or f"tous les {self.joined([f'{self.days[number]}s' for number in weekdays], 'and')}"

    def ahead(self, moment: Moment) -> str:
        """`demain`, `vendredi`, `le 24 décembre`."""
        if moment.ahead in (0, 1):
            return "demain" if moment.ahead else ""
        local = moment.local
        return self.days[local.weekday()] if 1 < moment.ahead < 7 else f"le {self.date(local, 'short')}"

    def date(self, day: date, form: str) -> str:
        """`mardi 24 novembre 2026`."""
        short = f"{'1er' if day.day == 1 else day.day} {self.month(day)}"
        if form == "short":
            return short
        return f"{short} {day.year}" if form == "plain" else f"{self.days[day.weekday()]} {short} {day.year}"

    def name(self, english: str, form: str) -> str:
        """`Londres`; `à`: `à Londres`, `au Caire`."""
        name = super().name(english, "")
        if form.lower() != "à":
            return cap(name) if form == "cap" else name
        place = f"au {name.removeprefix('Le ')}" if name.startswith("Le ") else f"à {name}"
        return cap(place) if form[0].isupper() else place

    def list_name(self, name: str, form: str) -> str:
        """`liste de courses`, `liste voyage`."""
        return {"shopping": "liste de courses", "to-do": "liste de tâches"}.get(name, f"liste {name}")

    def timer(self, timer: TimerName, form: str) -> str:
        """`minuteur pizza`, `minuteur de 10 minutes`, `réveil de 7 heures`, `rappel « appeler maman »`."""
        article = next((word for word in form.split() if word.lower() in _ARTICLES), "")
        return f"{article} {self._named(timer, form)}".strip()

    def _named(self, timer: TimerName, form: str) -> str:
        brief = "short" in form
        if timer.kind == "timer":
            if timer.label:
                return f"minuteur {timer.label}"
            return "minuteur" if brief or not timer.seconds else f"minuteur {self.length(timer.seconds, 'de')}"
        noun = "réveil" if timer.kind == "alarm" else "rappel"
        if timer.label:
            return f"{noun} « {timer.label} »"
        return noun if timer.time is None or brief or "kind" in form else f"{noun} de {self.clock(timer.time, '')}"


GRAMMAR = French
