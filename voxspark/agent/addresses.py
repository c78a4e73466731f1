"""Web addresses that nobody has made up: those that the user said, or that a tool has shown letter for letter."""

from __future__ import annotations

import re
from collections.abc import Iterable

from voxspark.tools.desktop.open import was_said

_ADDRESS = re.compile(r"(?:https?://)?[\w-]+(?:\.[\w-]+)+(?:[:/?#]|$)")
_BEFORE = r"(?<![\w/.@:=&?%#-])(?:https?://)?"
_AFTER = r"/?(?=[)\]>\"'”’,;:.!?]*(?:\s|$))"
"""A shorter or a longer address is another one: what a page wants to be told could be in the difference."""


def leads_to(value: object, utterance: str, shown: Iterable[str]) -> bool:
    """Whether the value is an address that is in the utterance, also spoken (`example dot org`), or was shown."""
    if not isinstance(value, str) or _ADDRESS.match(value) is None:
        return False
    place = re.compile(_BEFORE + re.escape(value.removeprefix("https://").removeprefix("http://").rstrip("/")) + _AFTER)
    return was_said(value, utterance) or any(map(place.search, (utterance, *shown)))
