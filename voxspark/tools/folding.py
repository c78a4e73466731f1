"""What people say, to compare by: `São Paulo` and `sao paulo`, `The Eggs` and `egg`."""

from __future__ import annotations

import re
import unicodedata

_ARTICLES = frozenset(["a", "an", "the", "some", "my"])


def fold(name: str) -> str:
    """Lower case without accents, to compare by: `São Paulo` -> `sao paulo`."""
    decomposed = unicodedata.normalize("NFD", name.lower())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def key(text: str) -> str:
    """No accents, capitals, punctuation or articles, and the singular of each word."""
    words = re.findall(r"\w+(?:'\w+)?", fold(text))
    return " ".join(_singular(word) for word in words if word not in _ARTICLES) or " ".join(words) or fold(text).strip()


def _singular(word: str) -> str:
    """Good enough to compare by: `tomatoes` -> `tomato`, `berries` -> `berry`; `bus`, `glass` and `gas` stay."""
    if len(word) <= 3 or word.endswith(("ss", "us", "is")) or not word.endswith("s"):
        return word
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("oes", "ches", "shes", "sses", "xes")) else word[:-1]
