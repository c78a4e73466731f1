"""Spanish. Forms: of a timer an article, which begins a sentence where it is a capital (`El`, `un`, `Tu`, `ningún`),
`short` without its time or length, `kind` without its time; `queda` of what is left and `son` of a time
or a result with the verb."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from fractions import Fraction
from typing import ClassVar, Literal

from voxspark.tools.phrases.english_words import cap
from voxspark.tools.phrases.foreign import Foreign
from voxspark.tools.phrases.values import EVERY_DAY, WEEKEND, WORKDAYS, Moment, TimerName

_FEMININE = {"el": "la", "un": "una", "tu": "tu", "ningún": "ninguna", "qué": "qué"}


class Spanish(Foreign):
    """See Grammar."""

    units: ClassVar = {
        "hour": ("una hora", "horas"),
        "minute": ("un minuto", "minutos"),
        "second": ("un segundo", "segundos"),
    }
    days: ClassVar = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
    months: ClassVar = (
        "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre",
        "diciembre",
    )  # fmt: skip
    last: ClassVar = {"and": "y", "or": "o"}
    about, power = "aproximadamente", "por 10 elevado a"

    def length(self, seconds: int, form: str) -> str:
        """`10 minutos`, `un minuto`, `una hora y media`; `quedan 10 minutos`, `queda un minuto`."""
        text = "una hora y media" if seconds == 5400 else super().length(seconds, form)
        if form.lower() != "queda":
            return text
        verb = f"queda {text}" if text.startswith("un") else f"quedan {text}"
        return cap(verb) if form[0].isupper() else verb

    def number(self, value: Fraction, form: str) -> str:
        """`3,5`; `Son`: `Es 1`, `Son 3,5`."""
        text = super().number(value, "")
        return f"{'Es' if value == 1 else 'Son'} {text}" if form == "Son" else text

    def joined(self, parts: Sequence[str], last: Literal["and", "or"]) -> str:
        """`pan y leche`, `pan e higos`, `uno u otro`."""
        if len(parts) < 2:
            return "".join(parts)
        start, word = parts[-1].lower(), self.last[last]
        if last == "and" and start.startswith(("i", "hi", "í", "hí")) and not start.startswith("hie"):
            word = "e"
        elif last == "or" and start.startswith(("o", "ho", "ó", "8 ", "11 ")):
            word = "u"
        return f"{', '.join(parts[:-1])} {word} {parts[-1]}"

    def clock(self, moment: time, form: str) -> str:
        """`las 7 y media de la mañana`; `at`: `a la 1 de la tarde`, `de`: `de las 7`, `Son`: `Es la 1`."""
        hour, minute = moment.hour, moment.minute
        shown = (hour + (minute == 45)) % 12 or 12
        past = {0: "", 15: " y cuarto", 30: " y media", 45: " menos cuarto"}.get(minute, f" y {minute}")
        text = f"{'la' if shown == 1 else 'las'} {shown}{past} {_part_of_day(hour)}"
        if form.lower() == "son":
            verb = "es" if shown == 1 else "son"
            return f"{cap(verb) if form[0].isupper() else verb} {text}"
        return f"a {text}" if form == "at" else f"de {text}" if form == "de" else text

    def every(self, weekdays: tuple[int, ...]) -> str:
        """`todos los días`, `de lunes a viernes`, `los lunes y sábados`."""
        usual = {EVERY_DAY: "todos los días", WORKDAYS: "de lunes a viernes", WEEKEND: "los fines de semana"}
        names = [day if day.endswith("s") else f"{day}s" for day in (self.days[number] for number in weekdays)]
        return usual.get(weekdays) or f"los {self.joined(names, 'and')}"

    def ahead(self, moment: Moment) -> str:
        """`mañana`, `el viernes`, `el 24 de diciembre`."""
        if moment.ahead in (0, 1):
            return "mañana" if moment.ahead else ""
        local = moment.local
        return f"el {self.days[local.weekday()] if 1 < moment.ahead < 7 else self.date(local, 'short')}"

    def date(self, day: date, form: str) -> str:
        """`martes, 24 de noviembre de 2026`."""
        short = f"{day.day} de {self.month(day)}"
        if form == "short":
            return short
        return f"{short} de {day.year}" if form == "plain" else f"{self.days[day.weekday()]}, {short} de {day.year}"

    def list_name(self, name: str, form: str) -> str:
        """`lista de la compra`, `lista de viaje`."""
        return {"shopping": "lista de la compra", "to-do": "lista de tareas"}.get(name, f"lista de {name}")

    def timer(self, timer: TimerName, form: str) -> str:
        """`temporizador de pizza`, `alarma de las 7 de la mañana`, `recordatorio «llamar a mamá»`."""
        article = next((word for word in form.split() if word.lower() in _FEMININE), "")
        text = self._named(timer, form)
        if not article:
            return text
        if timer.kind == "alarm":
            feminine = _FEMININE[article.lower()]
            article = cap(feminine) if article[0].isupper() else feminine
        return f"{article} {text}"

    def _named(self, timer: TimerName, form: str) -> str:
        brief = "short" in form
        if timer.kind == "timer":
            what = timer.label or ("" if brief or not timer.seconds else self.length(timer.seconds, ""))
            return f"temporizador de {what}" if what else "temporizador"
        noun = "alarma" if timer.kind == "alarm" else "recordatorio"
        if timer.label:
            return f"{noun} «{timer.label}»"
        return noun if timer.time is None or brief or "kind" in form else f"{noun} {self.clock(timer.time, 'de')}"


def _part_of_day(hour: int) -> str:
    if hour == 12:
        return "del mediodía"
    for until, name in ((1, "de la noche"), (6, "de la madrugada"), (12, "de la mañana"), (21, "de la tarde")):
        if hour < until:
            return name
    return "de la noche"


GRAMMAR = Spanish
