"""What Whisper writes, as the plain words that templates are written in."""

from __future__ import annotations

import re

from voxspark.agent.numerals import to_digits, to_seconds
from voxspark.listening.backchannel import WAKE_NAMES
from voxspark.tools.phrases import fold

MAX_LENGTH = 200
"""Characters; whatever is longer is no command."""

_REWRITES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in [
        (r"[’‘`]", "'"),
        (r"[\"“”«»_]", " "),
        (r"½", " 1/2"),
        (r"°\s?c\b", " degrees celsius"),
        (r"°\s?f\b", " degrees fahrenheit"),
        (r"\b([a-z])\.([a-z])\b\.?|\b([ap])\.? (m)\b\.?", r"\1\2\3\4"),
        (r"\b(mins?|secs?|hrs?|st)\.", r"\1"),
        (r"(?<=\d)\s?%", " percent"),
        (r"(?<=\d),(?=\d{3}\b)", ""),
        (r"(?<=\w)-(?=\w)", " "),
        (r"(?<![\w)])-(?=\d)", "minus "),
        (r"(?<=\d)(?=(?:hours?|hrs?|minutes?|mins?|seconds?|secs?)\b)", " "),
        (r"\b(what|how|when|that)'?s\b", r"\1 is"),
        (r"\ba couple(?: of)?\b", "2"),
        (r"\b(notes?|reminder|list|down|that|self|saying): ", r"\1 "),
        (r"\s+", " "),
    ]
]
_LEAD = re.compile(
    rf"(?:(?:hey|hi|hello|ok|okay)[,.! ]+)?(?:{WAKE_NAMES})[,.!? ]+"
    r"|(?:hey|hi|hello|ok|okay|alright|all right|um+|uh+|er+m?|hm+|oh|ah|well|so|and|now|please|just|yes|yeah"
    r"|(?:can|could|would|will) you|i(?:'d like| would like| want| need) you to|go ahead and)[,.!]* +"
)
_TAIL = re.compile(
    r"[,.!?]* +(?:please|thanks|thank you|for me|from now|starting now|right now|now|currently|okay|ok"
    rf"|{WAKE_NAMES})[.!?]*$"
)
_EDGES = re.compile(r"^(?:[\s,?!;:…]|\.(?!\d))+|[\s.,?!;:…]+$")
_SENTENCES = re.compile(r"[.?!;:…] ")


def normalise(text: str) -> str:
    """One command in lower case: no politeness, digits for numbers, `600s` for durations.

    Empty when it is too long or has several sentences. Commas inside stay.
    """
    if len(text) > MAX_LENGTH:
        return ""
    text = fold(text)
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    text = _peel(text)
    return "" if _SENTENCES.search(text) else to_seconds(to_digits(text))


def _peel(text: str) -> str:
    """Take fillers and politeness from both ends, again and again."""
    before = None
    while text != before:
        before = text
        text = _EDGES.sub("", text)
        if match := _LEAD.match(text):
            text = text[match.end() :]
        if match := _TAIL.search(text):
            text = text[: match.start()]
    return text
