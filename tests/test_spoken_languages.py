"""What is said for what is written, judged as a native speaker of each language would."""

from __future__ import annotations

import pytest

from tests import spoken_de, spoken_en, spoken_es, spoken_fr
from voxspark.language import LANGUAGES, Language, speaking
from voxspark.speech.languages import locale
from voxspark.speech.roman import value
from voxspark.speech.sentences import SentenceSplitter
from voxspark.speech.spoken import spoken

EXAMPLES: dict[Language, list[tuple[str, str]]] = {
    "en": spoken_en.EXAMPLES,
    "de": spoken_de.EXAMPLES,
    "es": spoken_es.EXAMPLES,
    "fr": spoken_fr.EXAMPLES,
}


@pytest.mark.parametrize(
    ("code", "written", "said"),
    [(code, written, said) for code, examples in EXAMPLES.items() for written, said in examples],
)
def test_examples(code: Language, written: str, said: str) -> None:
    assert spoken(written, code) == said


@pytest.mark.parametrize(
    ("code", "plain"),
    [
        ("de", "Hallo, wie geht es dir? Mir geht's gut."),
        ("de", "Das ist der Wohnzimmer-Lautsprecher, oder?"),
        ("es", "Hola, buenos días: la lámpara del salón está encendida."),
        ("fr", "Aujourd'hui, il fait beau; c'est l'été."),
    ],
)
def test_words_stay_as_they_are(code: Language, plain: str) -> None:
    assert spoken(plain, code) == plain


@pytest.mark.parametrize("code", LANGUAGES)
def test_code_is_left_out_with_a_remark(code: Language) -> None:
    assert spoken("```python\nprint(1)\n```", code) == locale(code).words.code_left_out


def test_the_language_of_the_turn_is_spoken() -> None:
    assert spoken("1 km") == "one kilometer"
    with speaking("de"):
        assert spoken("1 Stunde") == "eine Stunde"
        assert spoken("1 km", "es") == "un kilómetro"
        assert SentenceSplitter().feed("Wir treffen uns am 3. Mai im Park. Bis") == [
            "Wir treffen uns am 3. Mai im Park."
        ]


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_knows_the_units_of_the_others(code: Language) -> None:
    shared = {"km", "m", "kg", "g", "l", "ml", "h", "min", "s", "°C", "°", "%", "GB", "MB", "kWh", "Hz", "km^2", "m^3"}
    assert shared <= locale(code).units.keys()
    assert {"$", "€", "£", "¥", "₹", "EUR", "USD", "GBP", "CHF"} <= locale(code).currencies.keys()
    assert len(locale(code).months) == 12


@pytest.mark.parametrize(
    ("numeral", "number"), [("I", 1), ("IV", 4), ("IX", 9), ("XIV", 14), ("XL", 40), ("MCMXCIX", 1999)]
)
def test_roman_numerals_have_values(numeral: str, number: int) -> None:
    assert value(numeral) == number


PIECES: list[tuple[Language, str, list[str]]] = [
    ("de", "Das ist gut zu wissen. Nimm z. B. Äpfel, d. h. Obst. Ja.", ["Nimm z. B. Äpfel, d. h. Obst.", "Ja."]),
    ("de", "Das ist gut zu wissen. Dr. Müller kommt am 3. Mai. Er bleibt.", [
        "Dr. Müller kommt am 3. Mai.", "Er bleibt."]),
    ("de", "Das ist gut zu wissen. Äpfel, Birnen usw. sind da. Das war es.", [
        "Äpfel, Birnen usw. sind da.", "Das war es."]),
    ("de", "Das ist gut zu wissen. Wir haben Äpfel, Birnen usw. Das war es.", [
        "Wir haben Äpfel, Birnen usw.", "Das war es."]),
    ("de", "Das ist gut zu wissen. Es ist Platz 3. Das ist gut.", ["Es ist Platz 3.", "Das ist gut."]),
    ("de", "Das ist gut zu wissen. Ludwig XIV. war ein König. Er tanzte.", [
        "Ludwig XIV. war ein König.", "Er tanzte."]),
    ("de", "Das ist gut zu wissen. Es war am 24.12. um acht. So war es.", [
        "Es war am 24.12. um acht.", "So war es."]),
    ("de", "Ich stelle das Licht im Wohnzimmer etwas wärmer ein und du kannst es später ändern.", [
        "Ich stelle das Licht im Wohnzimmer etwas wärmer ein", "und du kannst es später ändern."]),
    ("de", "Am Sonntag bleiben wir lieber zu Hause im Warmen weil es den ganzen Tag regnet.", [
        "Am Sonntag bleiben wir lieber zu Hause im Warmen", "weil es den ganzen Tag regnet."]),
    ("es", "Es bueno saberlo todo. El Sr. García y la Dra. Pérez vienen. Sí.", [
        "El Sr. García y la Dra. Pérez vienen.", "Sí."]),
    ("es", "Es bueno saberlo todo. Toma fruta, p. ej. peras. ¿Quieres más?", [
        "Toma fruta, p. ej. peras.", "¿Quieres más?"]),
    ("es", "Es bueno saberlo todo. Hay peras, uvas, etc. ¿Quieres más? ¡Claro que sí!", [
        "Hay peras, uvas, etc.", "¿Quieres más?", "¡Claro que sí!"]),
    ("es", "Pondré la luz del salón en un tono más cálido porque así lo prefieres tú.", [
        "Pondré la luz del salón en un tono más cálido", "porque así lo prefieres tú."]),
    ("fr", "C'est bon à savoir. M. Dupont et Mme Martin arrivent. Oui.", [
        "M. Dupont et Mme Martin arrivent.", "Oui."]),
    ("fr", "C'est bon à savoir. Prends des fruits, p. ex. des poires. Voilà.", [
        "Prends des fruits, p. ex. des poires.", "Voilà."]),
    ("fr", "C'est bon à savoir. Il y a des poires, etc. C'est tout.", ["Il y a des poires, etc.", "C'est tout."]),
    ("fr", "Je vais régler la lumière du salon sur un ton plus chaud et vous pourrez la changer.", [
        "Je vais régler la lumière du salon sur un ton plus chaud", "et vous pourrez la changer."]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text", "pieces"), PIECES)
def test_pieces_end_where_a_sentence_does(code: Language, text: str, pieces: list[str]) -> None:
    splitter = SentenceSplitter(code)
    assert [*splitter.feed(text), *splitter.flush()][-len(pieces) :] == pieces
