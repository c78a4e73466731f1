"""Which transcripts are understood in German, Spanish and French, and in English of what models mostly answer."""

from __future__ import annotations

import sys
import time
from importlib import resources
from statistics import median, quantiles

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import intent_phrases, intent_phrases_de, intent_phrases_es, intent_phrases_fr, intent_phrases_model
from tests.intent_tools import every_tool
from voxspark.agent.intents import Intent, Intents
from voxspark.agent.intents.files import DYNAMIC
from voxspark.agent.tongues import tongue
from voxspark.language import LANGUAGES, Language, speaking
from voxspark.tools.clock import CITIES, HOLIDAYS

TOOLBOX = every_tool()
INTENTS = Intents(TOOLBOX)
TABLES: dict[Language, dict[str, intent_phrases.Table]] = {
    "en": intent_phrases_model.TOOLS,
    "de": intent_phrases_de.TOOLS,
    "es": intent_phrases_es.TOOLS,
    "fr": intent_phrases_fr.TOOLS,
}
NEGATIVES: dict[Language, list[str]] = {
    "en": intent_phrases_model.NEAR_MISSES,
    "de": intent_phrases_de.LEFT_TO_THE_MODEL,
    "es": intent_phrases_es.LEFT_TO_THE_MODEL,
    "fr": intent_phrases_fr.LEFT_TO_THE_MODEL,
}
MORE: dict[Language, tuple[str, ...]] = {
    "en": ("{} and turn on the lights.", "{}, then call my mother.", "{}. Who wrote Hamlet?", "Don't {}."),
    "de": ("{} und mach das Licht an.", "{}, dann ruf meine Mutter an.", "{}. Wer schrieb Hamlet?", "Niemals: {}."),
    "es": ("{} y enciende la luz.", "{}, luego llama a mi madre.", "{}. ¿Quién escribió Hamlet?", "No {}."),
    "fr": ("{} et allume la lumière.", "{}, puis appelle ma mère.", "{}. Qui a écrit Hamlet ?", "Ne {} pas."),
}
"""A second command, or its contrary."""

CASES = [
    pytest.param(language, text, tool, arguments, id=f"{language}-{text}")
    for language, tools in TABLES.items()
    for tool, table in tools.items()
    for text, arguments in table.items()
]
WITHOUT_TOOL = ("stop", "repeat")


@pytest.mark.parametrize(("language", "text", "tool", "arguments"), CASES)
def test_matches_with_exactly_these_arguments(
    language: Language, text: str, tool: str, arguments: dict[str, object]
) -> None:
    assert INTENTS.match(text, language) == Intent(tool, arguments)
    if tool not in WITHOUT_TOOL:
        assert TOOLBOX.find(tool).check(arguments) == arguments


@pytest.mark.parametrize(("language", "text", "tool", "arguments"), CASES)
def test_a_second_command_is_never_swallowed(
    language: Language, text: str, tool: str, arguments: dict[str, object]
) -> None:
    if tool not in (*WITHOUT_TOOL, "forget"):  # "don't forget that …" is another command
        command = text.rstrip(" .?!")
        found = {more: INTENTS.match(more.format(command), language) for more in MORE[language]}
        assert found == dict.fromkeys(MORE[language])


@pytest.mark.parametrize(
    ("language", "text"), [(language, text) for language in LANGUAGES for text in NEGATIVES[language]]
)
def test_anything_else_is_left_to_the_model(language: Language, text: str) -> None:
    assert INTENTS.match(text, language) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tables_are_large_enough_to_mean_something(language: Language) -> None:
    assert sum(map(len, TABLES[language].values())) >= 60
    assert len(NEGATIVES[language]) >= 30
    if language == "en":
        assert all(len(table) >= 8 for table in TABLES["en"].values())


@pytest.mark.parametrize("text", intent_phrases.STOP)
@pytest.mark.parametrize("language", LANGUAGES)
def test_stop_in_english_works_everywhere(language: Language, text: str) -> None:
    assert INTENTS.match(text, language) == Intent("stop")


def test_the_language_of_the_turn_counts() -> None:
    text = "Stell einen Timer auf zehn Minuten."
    assert INTENTS.match(text) is None
    with speaking("de"):
        assert INTENTS.match(text) == Intent("set_timer", {"seconds": 600})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_file_is_whole(language: Language) -> None:
    text = resources.files("voxspark.agent.intents").joinpath(f"{language}.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    rules, lists = set(data["expansion_rules"]), {*data["lists"], *DYNAMIC}
    sentences = [
        sentence for intent in data["intents"].values() for block in intent["data"] for sentence in block["sentences"]
    ]
    for body in [*sentences, *data["expansion_rules"].values()]:
        names = set(re_names(body, "<", ">"))
        assert names <= rules, body
        assert {name.partition(":")[0] for name in re_names(body, "{", "}")} <= lists, body
    assert set(data["intents"]) <= {tool.name for tool in TOOLBOX} | {"repeat"}
    assert {value["out"] for value in data["lists"]["holiday"]["values"]} <= set(HOLIDAYS)
    assert {value["out"] for value in data["lists"].get("city_name", {}).get("values", [])} <= set(CITIES)


def re_names(text: str, opening: str, closing: str) -> list[str]:
    return [part.partition(closing)[0] for part in text.split(opening)[1:]]


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_match_never_raises(language: Language, data: st.DataObject) -> None:
    known = sorted({word for table in TABLES[language].values() for text in table for word in text.split()})
    text = data.draw(st.one_of(st.text(), st.lists(st.sampled_from(known), max_size=12).map(" ".join)))
    found = INTENTS.match(text, language)
    if found is not None and found.tool not in WITHOUT_TOOL:
        TOOLBOX.find(found.tool).check(found.arguments)


@pytest.mark.parametrize("language", ["de", "es", "fr"])
@given(number=st.integers(2, 999_999))
@settings(max_examples=60, deadline=None)
def test_every_spelled_number_is_read(language: Language, number: int) -> None:
    from unicode_rbnf import RbnfEngine

    spelled = RbnfEngine.for_language(language).format_number(number).text
    said = tongue(language).fold(spelled).replace("\u00ad", "").replace("-", " ")
    if number % 1000 != 1:  # "mille un" may be a thousand and an article
        assert tongue(language).normalise(f"x {said} x") == f"x {number} x"


@pytest.mark.parametrize(
    ("language", "text", "moment"),
    [
        ("de", "halb eins", "12:30 pm"),
        ("de", "zwanzig vor acht", "7:40"),
        ("de", "fünf nach halb sieben", "6:35"),
        ("de", "Viertel vor eins", "12:45 pm"),
        ("de", "null Uhr dreißig", "0:30"),
        ("de", "heute Abend um acht", "today at 8:00 pm"),
        ("de", "um drei Uhr nachts", "3:00 am"),
        ("de", "um elf Uhr nachts", "11:00 pm"),
        ("de", "jeden Montag um 8", "every monday at 8:00"),
        ("de", "um 19 Uhr morgens", None),
        ("de", "um fünf vor", None),
        ("de", "viertel acht", None),
        ("de", "halb sieben Uhr dreißig", None),
        ("es", "las doce", "12:00 pm"),
        ("es", "las doce de la noche", "12:00 am"),
        ("es", "la una menos diez", "12:50 pm"),
        ("es", "mañana a la una y media", "tomorrow at 1:30"),
        ("es", "el lunes por la tarde a las 5", "monday at 5:00 pm"),
        ("es", "las siete de la mañana", "7:00 am"),
        ("es", "los martes a las ocho", "every tuesday at 8:00"),
        ("es", "mañana", None),
        ("es", "las veinticinco", None),
        ("es", "las siete y cuarto y media", None),
        ("fr", "à une heure", "1:00"),
        ("fr", "à midi et quart", "12:15 pm"),
        ("fr", "à minuit", "0:00"),
        ("fr", "vendredi prochain à 9h", "friday at 9:00"),
        ("fr", "à une heure moins le quart", "12:45 pm"),
        ("fr", "tous les lundis à 8 h 05", "every monday at 8:05"),
        ("fr", "à vingt minutes", None),
        ("fr", "demain", None),
        ("fr", "à 24 heures", None),
    ],
)
def test_times_are_read_or_not_at_all(language: Language, text: str, moment: str | None) -> None:
    read = tongue(language)
    assert read.when(read.normalise(f"x {text}").removeprefix("x ")) == moment


def test_it_is_quick(capsys: pytest.CaptureFixture[str]) -> None:
    """Processor time, told and not asserted: other work on the machine must not fail a test."""
    for language in LANGUAGES:
        texts = [*NEGATIVES[language], *(text for table in TABLES[language].values() for text in table)]
        if language == "en":
            texts += [text for text, _, _ in intent_phrases.MATCHES] + intent_phrases.LEFT_TO_THE_MODEL
        took = []
        for text in texts:
            begun = time.thread_time()
            INTENTS.match(text, language)
            took.append(1000 * (time.thread_time() - begun))
        with capsys.disabled():
            sys.stdout.write(f"\nintents {language}: {len(texts)} texts, {median(took):.2f} ms at the median, ")
            sys.stdout.write(f"{quantiles(took, n=20)[-1]:.2f} ms at p95")
