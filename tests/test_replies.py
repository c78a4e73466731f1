"""What tools say in German, Spanish and French: plurals, genders, cases, times; and that no sentence is missing."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from collections.abc import Awaitable, Iterable
from datetime import UTC, date, datetime, time
from fractions import Fraction
from importlib import resources
from pathlib import Path

import pytest

from tests.in_memory import MemoryListStore, MemoryNoteStore
from tests.intent_tools import NOW
from voxspark.agent.agent import FILLERS, NOTHING_YET, ONLY_OWNER
from voxspark.agent.beyond import CANNOT_SPEAK
from voxspark.errors import ToolError
from voxspark.language import LANGUAGES, Language, current, speak, speaking
from voxspark.muting import CLOSED
from voxspark.speech.spoken import spoken
from voxspark.tools.arithmetic import calculate
from voxspark.tools.clock import CITIES, HOLIDAYS, Clock
from voxspark.tools.lists import Lists
from voxspark.tools.notes import Notes
from voxspark.tools.phrases import (
    Clock as TimeOfDay,
)
from voxspark.tools.phrases import Date, Left, Length, Listing, Moment, Name, Number, TimerName, Weekday, say
from voxspark.tools.phrases.say import Voice, book
from voxspark.tools.timers import Timers
from voxspark.tools.undo import Undo
from voxspark.turn import STILL_AT_IT

OTHERS: tuple[Language, ...] = ("de", "es", "fr")
TOOLS = Path(__file__).parent.parent / "voxspark" / "tools"


def said(language: Language, template: str, **values: object) -> str:
    """A template of a language's own, with its values."""
    return Voice(book(language).grammar).format(template, **values)


# ── forms ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("seconds", "german", "dative", "spanish", "french"),
    [
        (1, "eine Sekunde", "einer Sekunde", "un segundo", "une seconde"),
        (2, "2 Sekunden", "2 Sekunden", "2 segundos", "2 secondes"),
        (60, "eine Minute", "einer Minute", "un minuto", "une minute"),
        (61, "eine Minute und eine Sekunde", "einer Minute und einer Sekunde", "un minuto y un segundo",
         "une minute et une seconde"),
        (600, "10 Minuten", "10 Minuten", "10 minutos", "10 minutes"),
        (3600, "eine Stunde", "einer Stunde", "una hora", "une heure"),
        (5400, "anderthalb Stunden", "anderthalb Stunden", "una hora y media", "une heure et demie"),
        (7261, "2 Stunden, eine Minute und eine Sekunde", "2 Stunden, einer Minute und einer Sekunde",
         "2 horas, un minuto y un segundo", "2 heures, une minute et une seconde"),
    ],
)  # fmt: skip
def test_lengths(seconds: int, german: str, dative: str, spanish: str, french: str) -> None:
    length = Length(seconds)
    assert said("de", "{x}", x=length) == german
    assert said("de", "{x:dative}", x=length) == dative
    assert said("es", "{x}", x=length) == spanish
    assert said("fr", "{x}", x=length) == french


def test_what_is_left() -> None:
    assert said("es", "{x:Queda}", x=Left(60)) == "Queda un minuto"
    assert said("es", "{x:queda}", x=Left(59.5)) == "queda un minuto"
    assert said("es", "{x:queda}", x=Left(119.2)) == "quedan 2 minutos"
    assert said("fr", "{x:de}", x=Length(60)) == "d'une minute"
    assert said("fr", "{x:de}", x=Length(120)) == "de 2 minutes"


@pytest.mark.parametrize(
    ("hour", "minute", "german", "spanish", "french"),
    [
        (0, 0, "0 Uhr", "Son las 12 de la noche", "minuit"),
        (0, 20, "0 Uhr 20", "Son las 12 y 20 de la noche", "minuit 20"),
        (1, 0, "1 Uhr", "Es la 1 de la madrugada", "1 heure"),
        (6, 15, "6 Uhr 15", "Son las 6 y cuarto de la mañana", "6 heures 15"),
        (7, 30, "7 Uhr 30", "Son las 7 y media de la mañana", "7 heures 30"),
        (12, 0, "12 Uhr", "Son las 12 del mediodía", "midi"),
        (12, 45, "12 Uhr 45", "Es la 1 menos cuarto del mediodía", "midi 45"),
        (13, 5, "13 Uhr 5", "Es la 1 y 5 de la tarde", "13 heures 5"),
        (21, 1, "21 Uhr 1", "Son las 9 y 1 de la noche", "21 heures 1"),
    ],
)
def test_times_of_day(hour: int, minute: int, german: str, spanish: str, french: str) -> None:
    clock = TimeOfDay(time(hour, minute))
    assert said("de", "{x}", x=clock) == german
    assert said("es", "{x:Son}", x=clock) == spanish
    assert said("fr", "{x}", x=clock) == french


@pytest.mark.parametrize(
    ("ahead", "weekdays", "german", "spanish", "french"),
    [
        (0, (), "um 7 Uhr", "a las 7 de la mañana", "à 7 heures"),
        (1, (), "morgen um 7 Uhr", "mañana a las 7 de la mañana", "demain à 7 heures"),
        (3, (), "am Freitag um 7 Uhr", "el viernes a las 7 de la mañana", "vendredi à 7 heures"),
        (30, (), "am 27. November um 7 Uhr", "el 27 de noviembre a las 7 de la mañana", "le 27 novembre à 7 heures"),
        (0, tuple(range(7)), "jeden Tag um 7 Uhr", "todos los días a las 7 de la mañana", "tous les jours à 7 heures"),
        (0, tuple(range(5)), "montags bis freitags um 7 Uhr", "de lunes a viernes a las 7 de la mañana",
         "du lundi au vendredi à 7 heures"),
        (0, (5, 6), "samstags und sonntags um 7 Uhr", "los fines de semana a las 7 de la mañana",
         "tous les week-ends à 7 heures"),
        (0, (0, 5), "jeden Montag und Samstag um 7 Uhr", "los lunes y sábados a las 7 de la mañana",
         "tous les lundis et samedis à 7 heures"),
    ],
)  # fmt: skip
def test_moments(ahead: int, weekdays: tuple[int, ...], german: str, spanish: str, french: str) -> None:
    moment = Moment(datetime(2026, 11, 27, 7), ahead, weekdays)
    assert [said(language, "{x}", x=moment) for language in OTHERS] == [german, spanish, french]


@pytest.mark.parametrize(
    ("timer", "german", "spanish", "french"),
    [
        (TimerName("timer", "pizza"), "der Pizza-Timer", "el temporizador de pizza", "le minuteur pizza"),
        (TimerName("timer", "grüner Tee"), "der Timer „grüner Tee“", "el temporizador de grüner Tee",
         "le minuteur grüner Tee"),
        (TimerName("timer", "", 600), "der 10-Minuten-Timer", "el temporizador de 10 minutos",
         "le minuteur de 10 minutes"),
        (TimerName("timer", "", 60), "der 1-Minuten-Timer", "el temporizador de un minuto", "le minuteur d'une minute"),
        (TimerName("timer", "", 90), "der Timer über eine Minute und 30 Sekunden",
         "el temporizador de un minuto y 30 segundos", "le minuteur d'une minute et 30 secondes"),
        (TimerName("alarm", "", 0, time(13)), "der Wecker um 13 Uhr", "la alarma de la 1 de la tarde",
         "le réveil de 13 heures"),
        (TimerName("alarm", "Sport"), "der Wecker „Sport“", "la alarma «Sport»", "le réveil « Sport »"),
        (TimerName("reminder", "Mama anrufen"), "die Erinnerung „Mama anrufen“", "el recordatorio «Mama anrufen»",
         "le rappel « Mama anrufen »"),
    ],
)  # fmt: skip
def test_genders(timer: TimerName, german: str, spanish: str, french: str) -> None:
    assert said("de", "{x:der}", x=timer) == german
    assert said("es", "{x:el}", x=timer) == spanish
    assert said("fr", "{x:le}", x=timer) == french


def test_numbers_lists_dates_and_names() -> None:
    assert [said(each, "{x}", x=Number(Fraction(7, 2))) for each in OTHERS] == ["3,5"] * 3
    assert said("de", "{x}", x=Number(Fraction(10, 3))) == "ungefähr 3,333"
    assert said("es", "{x:Son}", x=Number(Fraction(1))) == "Es 1"
    assert said("fr", "{x}", x=Number(Fraction(1234567))) == "1234567"
    assert said("es", "{x}", x=Listing(["pan", "higos"])) == "pan e higos"
    assert said("es", "{x}", x=Listing(["pan", "huevos", "hígado"])) == "pan, huevos e hígado"
    assert said("es", "{x}", x=Listing(["agua", "hielo"])) == "agua y hielo"
    assert said("es", "{x}", x=Listing(["plata", "oro"], "or")) == "plata u oro"
    assert said("fr", "{x}", x=Date(date(2027, 1, 1))) == "vendredi 1er janvier 2027"
    assert said("de", "{x}", x=Date(date(2027, 1, 1))) == "Freitag, der 1. Januar 2027"
    assert said("fr", "{x:À}", x=Name("Cairo")) == "Au Caire"
    assert said("fr", "{x:à}", x=Name("Tokyo")) == "à Tokyo"
    assert said("de", "{x}", x=Weekday(2)) == "Mittwoch"


# ── whole sentences ─────────────────────────────────────────────────────────────────────────────


async def heard(call: Awaitable[str]) -> str:
    """The sentence, or that of the error."""
    try:
        return await call
    except ToolError as error:
        return error.message


EXPECTED: dict[Language, list[str]] = {
    "de": [
        "Es läuft kein Timer.",
        "Timer auf 10 Minuten gestellt.",
        "Timer auf eine Minute gestellt.",
        "Pizza-Timer auf 12 Minuten gestellt.",
        "Du hast 3 Timer: 1-Minuten-Timer noch eine Minute, 10-Minuten-Timer noch 10 Minuten und Pizza-Timer noch 12 "
        "Minuten.",
        "Dein Pizza-Timer läuft noch 12 Minuten.",
        "Der Pizza-Timer läuft jetzt noch 13 Minuten.",
        "Welchen Timer soll ich löschen: den 1-Minuten-Timer, den 10-Minuten-Timer oder den Pizza-Timer?",
        "Pizza-Timer gelöscht.",
        "Alle 2 Timer gelöscht.",
        "Der Wecker klingelt morgen um 6 Uhr 30.",
        "Du hast keine Erinnerungen.",
        "Ich erinnere dich in einer Minute: Mama anrufen.",
        "Diese Zeit ist schon vorbei.",
    ],
    "es": [
        "No tienes ningún temporizador en marcha.",
        "He puesto un temporizador de 10 minutos.",
        "He puesto un temporizador de un minuto.",
        "He puesto un temporizador de pizza de 12 minutos.",
        "Tienes 3 temporizadores: un minuto en el temporizador de un minuto, 10 minutos en el temporizador de 10 "
        "minutos y 12 minutos en el temporizador de pizza.",
        "Quedan 12 minutos en el temporizador de pizza.",
        "Ahora quedan 13 minutos en el temporizador de pizza.",
        "¿Qué temporizador cancelo: el temporizador de un minuto, el temporizador de 10 minutos o el temporizador de "
        "pizza?",
        "He cancelado el temporizador de pizza.",
        "He cancelado los 2 temporizadores.",
        "La alarma sonará mañana a las 6 y media de la mañana.",
        "No tienes recordatorios.",
        "Te lo recordaré en un minuto: Mama anrufen.",
        "Esa hora ya ha pasado.",
    ],
    "fr": [
        "Tu n'as aucun minuteur en cours.",
        "J'ai mis un minuteur de 10 minutes.",
        "J'ai mis un minuteur d'une minute.",
        "J'ai mis un minuteur pizza de 12 minutes.",
        "Tu as 3 minuteurs : une minute pour le minuteur d'une minute, 10 minutes pour le minuteur de 10 minutes et 12 "
        "minutes pour le minuteur pizza.",
        "Il reste 12 minutes pour ton minuteur pizza.",
        "Il reste maintenant 13 minutes pour le minuteur pizza.",
        "Quel minuteur faut-il annuler : le minuteur d'une minute, le minuteur de 10 minutes ou le minuteur pizza ?",
        "J'ai annulé le minuteur pizza.",
        "J'ai annulé les 2 minuteurs.",
        "Le réveil sonnera demain à 6 heures 30.",
        "Tu n'as aucun rappel.",
        "Je te le rappellerai dans une minute : Mama anrufen.",
        "Cette heure est déjà passée.",
    ],
}


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.anyio
async def test_timers_answer(language: Language) -> None:
    timers = Timers(lambda: 0.0, wall=NOW)
    with speaking(language):
        sentences = [
            await heard(each)
            for each in (
                timers.list_timers(),
                timers.set_timer(600),
                timers.set_timer(60),
                timers.set_timer(720, "pizza"),
                timers.list_timers(),
                timers.list_timers("pizza"),
                timers.change_timer("extend", 60, "pizza"),
                timers.cancel_timer(),
                timers.cancel_timer("pizza"),
                timers.cancel_timer(everything=True),
                timers.set_alarm("tomorrow at 6:30"),
                timers.list_timers(kind="reminder"),
                timers.set_reminder("Mama anrufen", seconds=60),
                timers.set_alarm("today at 7:00 am"),
            )
        ]
    assert sentences == EXPECTED[language]


@pytest.mark.anyio
async def test_lists_notes_clock_and_sums_answer() -> None:
    undo = Undo()
    lists, notes, clock = Lists(MemoryListStore(), undo), Notes(MemoryNoteStore(), undo, NOW), Clock(NOW)
    with speaking("de"):
        assert await lists.add_to_list(["Milch", "Brot"]) == "Milch und Brot auf deine Einkaufsliste gesetzt."
        assert await lists.add_to_list(["Käse", "Milch"]) == (
            "Käse auf deine Einkaufsliste gesetzt; Milch steht schon darauf."
        )
        assert await lists.read_list() == "Auf deiner Einkaufsliste stehen 3 Dinge: Milch, Brot und Käse."
        assert await lists.read_list("aufgaben") == "Deine Aufgabenliste ist leer."
        assert await heard(notes.delete_note("Auto")) == "Du hast keine Notizen."
        assert clock.get_time("Tokyo") == "In Tokio ist es 18 Uhr 10."
        assert clock.get_weekday("Christmas") == "Weihnachten ist dieses Jahr an einem Freitag."
        assert calculate("7/2") == "Das ist 3,5."
    with speaking("es"):
        assert await lists.remove_from_list(["Milch"]) == "He quitado Milch de tu lista de la compra."
        assert await undo.undo() == "Tu lista de la compra está como antes."
        assert clock.get_time() == "Son las 9 y 10 de la mañana."
    with speaking("fr"):
        assert await heard(undo.undo()) == "Il n'y a rien à annuler."
        assert clock.get_date() == "Nous sommes le mardi 24 novembre 2026."


@pytest.mark.anyio
async def test_a_timer_is_announced_in_the_language_it_was_set_in() -> None:
    now = 0.0
    timers = Timers(lambda: now, wall=lambda: datetime(2026, 11, 24, 9, 10, tzinfo=UTC))
    with speaking("de"):
        await timers.set_timer(60, "Tee")
    with speaking("fr"):
        await timers.set_timer(61)
    await timers.set_timer(62, "egg")
    now = 100.0
    assert [timer.announcement for timer in timers.due()] == [
        "Dein Tee-Timer ist abgelaufen.",
        "Ton minuteur d'une minute et une seconde est terminé.",
        "Your egg timer is done.",
    ]


# ── the books are whole ─────────────────────────────────────────────────────────────────────────


def spoken_sentences() -> set[str]:
    """Every English sentence that a tool gives to `say`: those in a call, and those in tables and variables for one."""
    found = {CANNOT_SPEAK, CLOSED, NOTHING_YET, ONLY_OWNER, STILL_AT_IT, *FILLERS.values(), *fillers_of_tools()}
    for file in TOOLS.rglob("*.py"):
        if "phrases" in file.parts or "import" not in (text := file.read_text()) or "say(" not in text:
            continue
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                found |= _sentences(ast.walk(node.args[0]))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                if re.search(r"\{[a-z]+(:[a-z ]+)?\}", node.value) and "\n" not in node.value:
                    found.add(node.value)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict):
                found |= _sentences(node.value.values)
    return found


def fillers_of_tools() -> set[str]:
    """As they are declared, whatever else a tool needs."""
    found: set[str] = set()
    for file in TOOLS.parent.rglob("*.py"):
        found |= set(re.findall(r'filler="([^"]+)"', file.read_text()))
    return found


def _sentences(nodes: Iterable[ast.AST]) -> set[str]:
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return {text for text in texts if text.endswith((".", "?"))}


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_is_translated_and_none_is_stale(language: Language) -> None:
    text = resources.files("voxspark.tools.phrases").joinpath(f"{language}.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    assert set(data["sentences"]) == spoken_sentences()
    assert set(data["names"]) <= {*CITIES, *HOLIDAYS}
    for english, other in data["sentences"].items():
        assert fields(other) <= fields(english), english


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_an_unknown_sentence_is_said_in_english() -> None:
    with speaking("de"):
        assert say("There are {count} of {length}.", count=2, length=Length(60)) == "There are 2 of 1 minute."


def test_an_unknown_language_changes_nothing() -> None:
    with speaking("es"):
        speak("xx")
        assert current() == "es"
        with speaking(None):
            assert current() == "es"
    assert current() == "en"
    assert set(LANGUAGES) == {"en", *OTHERS}


@pytest.mark.parametrize("sentence", [each for language in OTHERS for each in EXPECTED[language]])
def test_the_speech_normaliser_leaves_the_words_alone(sentence: str) -> None:
    """It spells digits in English so far; everything else passes."""
    words = re.findall(r"[^\W\d]+", re.sub(r"\d+(?:-\w+)?", " ", sentence))
    kept = spoken(sentence)
    assert [word for word in words if word not in kept] == []
