"""Does the microphone hear the assistant itself? What it says must never be taken for a command."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

LEAST_SHARE = 0.75
"""Of the words heard that must have been said: a transcriber gets some wrong."""

MOST_STRETCH = 1.3
"""How much longer the place where they were said may be than what was heard."""

MOST_WORDS = 500
"""The newest of what was said that are looked at."""


def is_own_speech(text: str, said: str) -> bool:
    """Whether the transcript is, word for word but for a few mistakes, a piece of what the assistant has said."""
    heard, own = _words(text), _words(said)[-MOST_WORDS:]
    blocks = [each for each in SequenceMatcher(None, heard, own, autojunk=False).get_matching_blocks() if each.size]
    if not blocks or sum(each.size for each in blocks) < LEAST_SHARE * len(heard):
        return False
    return blocks[-1].b + blocks[-1].size - blocks[0].b <= MOST_STRETCH * len(heard)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold().replace("’", "").replace("'", ""))
