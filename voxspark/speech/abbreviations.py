"""Abbreviations: which dots end a sentence, and what the short forms stand for."""

from __future__ import annotations

import re
from functools import cache

from voxspark.language import Language
from voxspark.speech.languages import locale

_DOTTED = re.compile(r"[^\W\d_](?:\.[^\W\d_])*")
_INITIALISM = re.compile(r"(?<![\w.])(?:[^\W\d_]\.)+[^\W\d_](?:\.|\b)(?![\w])")
_INITIAL = re.compile(r"(?<!\b[A-Z] )\b([^\W\d_])(?<=[A-ZÀ-Þ])\.(?= [A-ZÀ-Þ])")
_CAPITALS = re.compile(r"(?<![\w.])[A-Z]{2,5}(?![\w'’])")
_VOWEL = re.compile(r"[AEIOU]")

INITIALISMS = frozenset(
    [
        *("USA", "UK", "EU", "FBI", "CIA", "NSA", "IBM", "USB", "CPU", "GPU", "API", "URL", "UI", "AI", "IP", "LED"),
        *(
            "SUV",
            "FAQ",
            "ATM",
            "VIP",
            "NBA",
            "ABC",
            "DNA",
            "RNA",
            "HIV",
            "IQ",
            "EKG",
            "ISS",
            "ESA",
            "UHD",
            "IDE",
            "AWS",
        ),
    ]
)
"""Said letter by letter in every language, though a vowel makes them look like words."""


def full_stop(found: re.Match[str], beginning: re.Pattern[str]) -> str:
    """The dot that ended both an abbreviation and its sentence, or nothing."""
    rest = found.string[found.end() :].lstrip("\"')]*_ ")
    return "." if not rest or beginning.match(rest) else ""


class Abbreviations:
    """Of one language."""

    def __init__(self, code: Language) -> None:
        self._short = short = locale(code).short
        self._beginning = re.compile(short.begins)
        longest_first = sorted(short.spoken, key=len, reverse=True)
        forms = "|".join(re.sub(r"\\\.(?=\w)", r"\\. ?", re.escape(form)) for form in longest_first)
        self._spoken = re.compile(rf"(?<![\w./])(?:{forms})(?!\w)", re.IGNORECASE)
        numbered = "|".join(map(re.escape, sorted(short.before_number, key=len, reverse=True)))
        self._numbered = re.compile(rf"\b({numbered})\. ?(?=\d)", re.IGNORECASE)
        self._ordinal = re.compile(short.numbered)
        self._known = short.never_last | short.before_number.keys() | short.months | short.sometimes_last

    def begins_sentence(self, text: str, at: int) -> bool:
        """Whether the word at `at` is one that, capitalised, opens a sentence rather than being a name."""
        return self._beginning.match(text, at) is not None

    def dot_ends_sentence(self, word: str, text: str, following: int) -> bool:
        """Whether the dot after `word` ends the sentence, given where the next word begins in `text`."""
        short = word.lower()
        if short in self._short.never_last:
            return False
        if short in self._short.before_number or short in self._short.months:
            return not (text[following].isdigit() or text[following].islower())
        return self.begins_sentence(text, following)

    def known(self, word: str) -> bool:
        """Whether a dot after `word` may belong to it: "Dr", "e.g", "U.S", an initial, in German a number."""
        known = word.lower() in self._known or _DOTTED.fullmatch(word) is not None
        return known or self._ordinal.fullmatch(word) is not None

    def expand(self, text: str) -> str:
        """`Dr. Smith, e.g. No. 5` -> `Doctor Smith, for example number 5`. Runs before numbers become words."""
        text = self._numbered.sub(lambda found: self._short.before_number[found[1].lower()] + " ", text)
        text = self._spoken.sub(self._say, text)
        for pattern, said in self._short.rewrites:
            text = pattern.sub(said, text)
        return text

    def _say(self, found: re.Match[str]) -> str:
        short = found[0].lower().replace(" ", "")
        words = self._short.spoken[short]
        if found[0][0].isupper():
            words = words[0].upper() + words[1:]
        ends = short[-1] == "." and short[:-1] not in self._short.never_last
        return words + (full_stop(found, self._beginning) if ends else "")

    def join(self, text: str) -> str:
        """`U.S.`, `Ph.D.` and `J. K. Rowling` without their dots. Runs after numbers, which know `7 a.m.`."""
        text = _INITIALISM.sub(self._join_letters, text)
        return _INITIAL.sub(lambda found: found[1] + full_stop(found, self._beginning), text)

    def _join_letters(self, found: re.Match[str]) -> str:
        letters = found[0].replace(".", "")
        return letters + (full_stop(found, self._beginning) if found[0][-1] == "." else "")

    def letters(self, text: str) -> str:
        """`FBI` -> `F B I`; a capital word that can be said, `NASA`, stays."""
        return _CAPITALS.sub(self._spell, text)

    def _spell(self, found: re.Match[str]) -> str:
        word, short = found[0], self._short
        if word in INITIALISMS or word in short.initialisms:
            return " ".join(word)
        return word if _VOWEL.search(word) or word in short.said_as_one else " ".join(word)


@cache
def abbreviations(code: Language) -> Abbreviations:
    """Of this language; made when it is first spoken."""
    return Abbreviations(code)
