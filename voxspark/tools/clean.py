"""Text from strangers (titles, pages, track names) made fit to be spoken and to be shown to a language model."""

from __future__ import annotations

import re
import unicodedata

_VARIATION_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_MARKUP = re.compile(r"<+(?=[|/!?\w])|\[/?[A-Z_]{4,}\]")
"""What opens a tag or a chat model's special token: `<|im_start|>`, `<tool_call>`, `[INST]`."""


def clean(text: str, most_characters: int = 2_000) -> str:
    """One line without control and invisible characters or chat markup; longer text is cut at a word, with `…`."""
    head = text[: 8 * most_characters + 1_000]
    return shorten(" ".join(_MARKUP.sub(" ", visible(head)).split()), most_characters)


def visible(text: str) -> str:
    """The text without control and invisible characters; tabs and new lines become spaces."""
    return "".join(map(_visible, _VARIATION_SELECTORS.sub("", text)))


def shorten(text: str, most_characters: int) -> str:
    """The text, or as many whole words as fit, with `…`."""
    if len(text) <= most_characters:
        return text
    head = text[: most_characters - 1]
    words, gap, _ = head.rpartition(" ")
    return f"{(words if gap and len(words) > most_characters // 2 else head).rstrip(' ,;:')}…"


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character)[0] == "C" else character
