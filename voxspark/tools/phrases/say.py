"""One sentence in the language of the turn."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module, resources
from typing import Any

from voxspark.language import Language, current
from voxspark.tools.phrases.english import English
from voxspark.tools.phrases.english_words import cap
from voxspark.tools.phrases.values import Grammar

ENGLISH: Grammar = English()


@dataclass(frozen=True, slots=True)
class Book:
    """A language's grammar and sentences."""

    grammar: Grammar
    sentences: Mapping[str, str]
    """English to this language."""


@cache
def book(language: Language) -> Book:
    """Read when it is first spoken."""
    if language == "en":
        return Book(ENGLISH, {})
    name = {"de": "german", "es": "spanish", "fr": "french"}[language]
    text = resources.files(__package__).joinpath(f"{language}.toml").read_text(encoding="utf-8")
    found = tomllib.loads(text)
    grammar: Grammar = import_module(f"{__package__}.{name}").GRAMMAR(found["names"])
    return Book(grammar, found["sentences"])


def say(english: str, **values: object) -> str:
    """The sentence with its values; in English where the language has none for it.

    `{value:form}` asks for a form of a value: a capital in English, a case or an article elsewhere.
    """
    known = book(current())
    sentence = known.sentences.get(english)
    return Voice(known.grammar if sentence else ENGLISH).format(sentence or english, **values)


def translated(english: str) -> str:
    """A sentence without values; as it is where the language has none for it."""
    return book(current()).sentences.get(english, english)


def without_values(language: Language) -> list[str]:
    """Every sentence of a language that is always the same."""
    known = book("de" if language == "en" else language).sentences
    sentences = known if language == "en" else known.values()
    return [sentence for sentence in sentences if "{" not in sentence]


class Voice(string.Formatter):
    """Fills a sentence in: values that know how are said by the grammar."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar

    def format_field(self, value: Any, form: str) -> str:
        """A value in the form that the sentence asks for."""
        if hasattr(value, "said"):
            return str(value.said(self._grammar, form))
        text = str(value)
        return cap(text) if form == "cap" else text
