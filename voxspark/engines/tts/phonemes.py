"""Text to phonemes, for voices that want them: English by hibari, other languages by the program espeak-ng.

Nothing here links against espeak-ng, which is GPL-3.0: where it is wanted, it runs as a program of its own.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any, Protocol

from voxspark.errors import SynthesizerError

PIECE_PHONEMES = 200
"""Longest piece, some 13 s: the models take 510, rush the longest ones, and nobody waits so long for the first."""

EARLY_PHONEMES = 60
"""A reply whose first sentence is longer than this (4 s) begins with its first clause."""

CLAUSE_PHONEMES = 15
"""Shorter clauses do not stand alone: they sound clipped."""

PROGRAM_SECONDS = 10.0
"""espeak-ng takes some 12 ms for a clause."""

_MARK = re.compile(r"[,;:—.!?…]+\s+")
_CLAUSE = re.compile(r"[^,;:.!?…—]+[,;:.!?…—]*")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")
_OTHER_LANGUAGE = re.compile(r"\([a-z-]+\)")

_AMERICAN = {"ɜɹ": "ɜː", "əɹ": "ɚ", "ɔɹ": "oːɹ", "ɑɹ": "ɑːɹ"}
_SOUNDS = {
    "A": "eɪ", "I": "aɪ", "O": "oʊ", "W": "aʊ", "Y": "ɔɪ", "Q": "əʊ", "ʤ": "dʒ", "ʧ": "tʃ", "ᵊ": "ə", "T": "ɾ",
}  # fmt: skip
_MISAKI = re.compile(r"[ɜəɔɑ]ɹ|(?<=[ˈˌ])[iuɑɔ](?!ː)|[AIOWYQʤʧᵊT]")


class Phonemizer(Protocol):
    """Makes the sentences of a text pronounceable."""

    def sentences(self, text: str) -> Iterator[str]:
        """The phonemes of each sentence, with its punctuation."""
        ...


class English:
    """hibari's pronunciation (Apache-2.0), in the symbols of misaki that Kokoro was trained on."""

    def __init__(self, *, british: bool = False) -> None:
        from hibari.g2p import G2P

        self._phonemes: Any = G2P(british=british)

    def sentences(self, text: str) -> Iterator[str]:
        """See `Phonemizer`."""
        from hibari import Hibari

        for sentence in Hibari.split_sentences(text):
            yield self._phonemes(sentence)


class EnglishIpa:
    """The same, in the IPA of espeak-ng that Piper's voices were trained on."""

    def __init__(self, *, british: bool = False) -> None:
        self._british = british
        self._english = English(british=british)

    def sentences(self, text: str) -> Iterator[str]:
        """See `Phonemizer`."""
        for phonemes in self._english.sentences(text):
            yield to_ipa(phonemes, british=self._british)


class EspeakProgram:
    """What the program espeak-ng makes of a text in one of its languages."""

    def __init__(self, voice: str) -> None:
        if (program := shutil.which("espeak-ng")) is None:
            raise SynthesizerError(
                "phonemes-missing",
                "This voice needs espeak-ng to know how words sound.",
                "Run: sudo apt-get install espeak-ng",
            )
        self._command = [program, "-q", "--ipa", "-v", voice, "--stdin"]

    def sentences(self, text: str) -> Iterator[str]:
        """See `Phonemizer`. Raises SynthesizerError when the program fails."""
        for sentence in _SENTENCE.split(text.replace("\0", " ")):
            clauses = [self._clause(clause) for clause in _CLAUSE.findall(sentence)]
            yield " ".join(clause for clause in clauses if clause)

    def _clause(self, text: str) -> str:
        """The program drops punctuation: the mark at the end is put back."""
        words = text.rstrip(" ,;:.!?…—")
        if not words:
            return ""
        try:
            done = subprocess.run(
                self._command,
                input=words.encode(errors="replace"),
                capture_output=True,
                check=True,
                timeout=PROGRAM_SECONDS,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise SynthesizerError(
                "phonemes-failed", "The program that knows how words sound failed.", "Reinstall espeak-ng."
            ) from error
        phonemes = _OTHER_LANGUAGE.sub("", done.stdout.decode(errors="replace"))
        mark = text[len(words) :].strip()[:1]
        return " ".join(phonemes.split()) + mark


def to_ipa(misaki: str, *, british: bool = False) -> str:
    """English phonemes of misaki as espeak-ng writes them: diphthongs, affricates and long vowels spelt out."""

    def spelt(found: re.Match[str]) -> str:
        sound = found[0]
        if sound in _SOUNDS:
            return _SOUNDS[sound]
        if british:
            return sound
        return _AMERICAN.get(sound, f"{sound}ː")

    return _MISAKI.sub(spelt, misaki)


def in_pieces(sentences: Iterator[str]) -> Iterator[str]:
    """Sentences as a model can say them: long ones in clauses, the first clause of a long beginning on its own."""
    early = True
    for sentence in sentences:
        rest = sentence.strip()
        if early and len(rest) > EARLY_PHONEMES and (cut := _first_clause(rest)):
            yield rest[:cut].strip()
            rest = rest[cut:]
        while len(rest) > PIECE_PHONEMES:
            cut = _last_cut(rest[:PIECE_PHONEMES])
            yield rest[:cut].strip()
            rest = rest[cut:]
        if rest:
            early = False
            yield rest


def _first_clause(phonemes: str) -> int:
    """Where it ends; 0 when there is none worth saying alone, or too little after it."""
    ends = (mark.end() for mark in _MARK.finditer(phonemes[:-CLAUSE_PHONEMES]))
    return next((end for end in ends if CLAUSE_PHONEMES <= end <= PIECE_PHONEMES), 0)


def _last_cut(phonemes: str) -> int:
    """Behind the last mark, else the last space, else at the end."""
    marks = [mark.end() for mark in _MARK.finditer(phonemes)]
    return marks[-1] if marks else phonemes.rfind(" ") + 1 or len(phonemes)
