"""The sentences that the program itself says again and again, whoever asks."""

from __future__ import annotations

from voxspark.language import Language, speaking
from voxspark.speech.sentences import SentenceSplitter
from voxspark.speech.spoken import spoken
from voxspark.tools.phrases import without_values

NUMBERS = range(61)
"""Minutes, temperatures and small sums, where they are the whole answer."""


def fixed_texts(language: Language) -> frozenset[str]:
    """As a voice is given them: whole, as fillers are, and in the pieces that a reply is cut into."""
    texts: set[str] = set()
    with speaking(language):
        for sentence in (*without_values(language), *(f"{number}." for number in NUMBERS)):
            splitter = SentenceSplitter()
            pieces = [*splitter.feed(sentence), *splitter.flush()]
            texts.update(spoken(piece) for piece in (sentence, *pieces))
    return frozenset(texts - {""})
