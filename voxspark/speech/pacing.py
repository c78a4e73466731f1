"""Pauses between spoken pieces, and the sound before an announcement."""

from __future__ import annotations

import re

from voxspark import audio
from voxspark.types import Pcm

CLAUSE_PAUSE_SECONDS = 0.08
"""After a comma, or where a piece was cut without a mark: the sentence goes on."""
COLON_PAUSE_SECONDS = 0.15
"""After a colon, a semicolon or a dash: what follows belongs to it."""
ITEM_PAUSE_SECONDS = 0.18
"""After an item of a list without a mark of its own, and a row of a table: more of the same follows."""
SENTENCE_PAUSE_SECONDS = 0.22
"""After a full stop or an exclamation mark."""
QUESTION_PAUSE_SECONDS = 0.3
"""After a question or an ellipsis: time to think."""
HEADING_PAUSE_SECONDS = 0.4
"""After a heading: a new matter begins. In read speech the breath between paragraphs is about twice a full stop."""

_CLOSERS = " \"')]”’»*_"
_BY_MARK = {
    **dict.fromkeys(",，、", CLAUSE_PAUSE_SECONDS),
    **dict.fromkeys(":;—–：；", COLON_PAUSE_SECONDS),
    **dict.fromkeys(".!。！．", SENTENCE_PAUSE_SECONDS),
    **dict.fromkeys("?？…", QUESTION_PAUSE_SECONDS),
}
_HEADING = re.compile(r"#{1,6}\s")
_ITEM = re.compile(r"(?:[-*+•]|\d{1,3}[.)])\s|\|")


def pause_seconds(piece: str) -> float:
    """The silence behind a piece of written text, by how its last line ends, or else by what that line is."""
    line = piece.strip().rpartition("\n")[2].lstrip()
    if _HEADING.match(line):
        return HEADING_PAUSE_SECONDS
    said = line.rstrip(_CLOSERS)
    if said.endswith(("...", " -", "--")):
        return QUESTION_PAUSE_SECONDS if said[-1] == "." else COLON_PAUSE_SECONDS
    otherwise = ITEM_PAUSE_SECONDS if _ITEM.match(line) else CLAUSE_PAUSE_SECONDS
    return _BY_MARK.get(said[-1:], otherwise)


def ends_sentence(text: str) -> bool:
    """The text does not stop in the middle, as it does where a model ran out of tokens."""
    return text.rstrip(" \"')]”’*_").endswith((".", "!", "?", "…", ":", "。", "！", "？"))


def chime_samples(sample_rate_hz: int) -> Pcm:
    """Two rising tones before an announcement nobody asked for just now."""
    low, high = (audio.tone(hz, 0.18, sample_rate_hz) for hz in (660.0, 880.0))
    return audio.join(low, high, audio.silence(0.25, sample_rate_hz))
