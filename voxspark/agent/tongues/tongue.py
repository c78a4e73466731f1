"""The shape of a language, and the parts that are the same in all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from voxspark.tools import folding

MAX_LENGTH = 200
"""Characters; whatever is longer is no command."""

_EDGES = re.compile(r"^(?:[\s,?!;:…¿¡]|\.(?!\d))+|[\s.,?!;:…]+$")
_SENTENCES = re.compile(r"[.?!;:…] ")

Rewrites = Sequence[tuple[re.Pattern[str], str]]


def words(text: str) -> frozenset[str]:
    """A set of words."""
    return frozenset(text.split())


def rewrites(*pairs: tuple[str, str]) -> Rewrites:
    """Compiled, in order."""
    return [(re.compile(pattern), replacement) for pattern, replacement in pairs]


def rewritten(text: str, pairs: Rewrites) -> str:
    """Every pair applied, in order."""
    for pattern, replacement in pairs:
        text = pattern.sub(replacement, text)
    return text


def fold(text: str) -> str:
    """Lower case without accents: `Straße` -> `strasse`."""
    return folding.fold(text).replace("ß", "ss").replace("œ", "oe")


@dataclass(frozen=True, slots=True)
class Normaliser:
    """What Whisper writes, as the plain words that templates are written in.

    One command in lower case: no politeness, digits for numbers, `600s` for durations. Empty when it is too long or has
    several sentences. Commas inside stay.
    """

    rewrites: Rewrites
    lead: re.Pattern[str]
    """Fillers and politeness in front; ends with the space behind them."""
    tail: re.Pattern[str]
    """The same at the end; begins with the space before them."""
    measure: Callable[[str], str]
    """Number words to digits, and durations to seconds."""

    def __call__(self, text: str) -> str:
        if len(text) > MAX_LENGTH:
            return ""
        text = self._peel(rewritten(fold(text), self.rewrites))
        return "" if _SENTENCES.search(text) else self.measure(text)

    def _peel(self, text: str) -> str:
        """Take fillers and politeness from both ends, again and again."""
        before = None
        while text != before:
            before = text
            text = _EDGES.sub("", text)
            if match := self.lead.match(text):
                text = text[match.end() :]
            if match := self.tail.search(text):
                text = text[: match.start()]
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallWords:
    """Words by which a wildcard that swallowed too much is known."""

    no_label: frozenset[str]
    """Never part of a name."""
    joining: re.Pattern[str]
    """Free text with one of these may hold a second command."""
    dangling: frozenset[str]
    """No text ends with one."""
    pronouns: frozenset[str]
    commands: frozenset[str]
    """No entry of a list begins with one, nor with a pronoun."""
    containers: frozenset[str]
    """No entry of a list has one: `list`, `timer`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """A language."""

    normalise: Callable[[str], str]
    expression: Callable[[str], str | None]
    """From a normalised command: arithmetic for `tools/arithmetic.py`; None when it is anything else."""
    when: Callable[[str], str | None]
    """From a normalised text: a moment as `tools/wall_time.py` reads it; None when it is none for certain."""
    moment: re.Pattern[str]
    """How a moment in free text begins; a bare number is none."""
    later: re.Pattern[str]
    """`in 600s`; the group is the seconds."""
    task: re.Pattern[str]
    """What stands before the thing to be reminded of: `to`, `daran`."""
    small: SmallWords
    joint: str
    """`and`."""
    kept: tuple[str, ...]
    """Arguments that are repeated or kept, and so should be written as they were said."""
    fold: Callable[[str], str] = fold
    bare: Callable[[str], str] = str
    """The thing to be reminded of without what only grammar asks for: `Mama anzurufen` -> `Mama anrufen`."""

    def as_said(self, arguments: dict[str, object], transcript: str) -> dict[str, object]:
        """With the capitals and accents of the transcript, where it has the same words."""
        said = {self.fold(word): word for word in map(_stripped, self.bare(transcript).split())}
        said |= {self.fold(word): word for word in map(_stripped, transcript.split())}

        def restore(value: Any) -> Any:
            if isinstance(value, list):
                return [restore(item) for item in value]
            return _found(value, transcript) or " ".join(said.get(word, word) for word in value.split())

        return {key: restore(value) if key in self.kept else value for key, value in arguments.items()}


def _stripped(word: str) -> str:
    return word.strip(".,;:!?¿¡…\"'„“”«»()")


def _found(value: str, transcript: str) -> str:
    folded = folding.fold(transcript)
    at = folded.find(value) if len(folded) == len(transcript) else -1
    return transcript[at : at + len(value)] if at >= 0 else ""
