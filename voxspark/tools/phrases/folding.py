"""Names to compare by."""

from __future__ import annotations

import unicodedata


def fold(name: str) -> str:
    """Lower case without accents, to compare by: `São Paulo` -> `sao paulo`."""
    decomposed = unicodedata.normalize("NFD", name.lower())
    return "".join(character for character in decomposed if not unicodedata.combining(character))
