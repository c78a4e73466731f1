"""Questions for confirmation: what will be done, word for word and sign for sign, and what counts as a yes.

A question counts as asked only when the history says that it was heard to its end: one that was interrupted, or only
thought of in a turn that was withdrawn, cannot be confirmed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from voxspark.listening.backchannel import WAKE_NAMES
from voxspark.tools.clean import shorten
from voxspark.tools.registry import Tool

CONFIRM_SECONDS = 15.0
"""A question is valid this long after it has been said (agent.md 8)."""

SECONDS_PER_CHARACTER = 0.07
"""How long it takes to say it."""

MOST_VALUE_CHARACTERS = 200
"""Of one argument that are said aloud."""

MOST_EXACT_CHARACTERS = 600
"""Of one argument that a stranger may have written: it is said whole, or not asked for. Takes 40 seconds."""

Answer = Literal["confirmed", "declined", "unclear"]

_SIGNS = {
    "/": "slash", "\\": "backslash", "*": "star", "|": "pipe", "<": "less than", ">": "greater than", "&": "ampersand",
    ";": "semicolon", "~": "tilde", "$": "dollar", "`": "backtick", "#": "hash", "=": "equals", "+": "plus",
    "%": "percent", "@": "at", "^": "caret", "_": "underscore", '"': "quote", "\n": "new line", "[": "bracket",
    "]": "close bracket", "{": "brace", "}": "close brace",
}  # fmt: skip
"""The voice skips signs, and `rm -rf /` must not sound like `rm rf`."""

_STOPS = {".": "full stop", ",": "comma", "?": "question mark", "!": "exclamation mark", ":": "colon"}
_STOP = re.compile(r"[.,?!:]")
_POSES = re.compile(r"\b(?:confirm|shall i)\b", re.IGNORECASE)
"""What sounds like a question of ours: then its stops are said, too, and the real question is the one that ends."""

_PLAIN = " .,!?:'’()-"
_DASH = re.compile(r"(?<!\w)-(?!\d)|(?<=\w)-(?!\w)")
_MINUS = re.compile(r"(?<!\w)-(?=\d)")

_WORD = re.compile(r"\S+")

_EDGE = rf"(?:hey|ok|okay|yes|yeah|please|i|now|thanks|thank you|{WAKE_NAMES})"
_NO = {"no", "nope", "nah", "don't", "not", "never", "nevermind", "cancel", "wait", "stop"}
_WITH_NO = {"do", "it", "that", "this", "mind", "thanks", "thank", "you", "please", "rather", "better", "i", "said"}
_YES = {"yes", "yeah", "yep", "yup", "sure", "ok", "okay", "right", "alright", "confirm", "confirmed", "please"}
_WITH_YES = {"do", "it", "that", "go", "ahead", "i", "you", "can", "fine", "of", "course"}


@dataclass(frozen=True, slots=True)
class Pending:
    """A call that waits for its word."""

    tool: Tool
    arguments: dict[str, object]
    utterance: str
    """What made a model call it."""
    question: str
    expires_at: float
    reminded: bool = False

    @classmethod
    def of(
        cls, tool: Tool, arguments: dict[str, object], utterance: str, now: float, most: int = MOST_VALUE_CHARACTERS
    ) -> Pending:
        """The question is said from `now` on; `most` characters of each argument."""
        question = f"Shall I {_described(tool, arguments, most)}? {_instruction(tool)}"
        expires_at = now + CONFIRM_SECONDS + len(question) * SECONDS_PER_CHARACTER
        return cls(tool, arguments, utterance, question, expires_at)

    @property
    def reminder(self) -> str:
        """What to say to a yes that is not the word; counts as the question from then on."""
        return f"To be sure: {_instruction(self.tool).lower()}"

    def was_heard(self, last_heard: str) -> bool:
        """Whether the newest reply ended with the question."""
        question = self.reminder if self.reminded else self.question
        return " ".join(last_heard.split()).endswith(" ".join(question.split()))

    def reads(self, text: str) -> Answer | None:
        """What a transcript says to the question; None when it is about something else."""
        words = _words(text)
        if is_word_for(self.tool, words):
            return "confirmed"
        said = set(words.split())
        if said & _NO and said <= _NO | _WITH_NO | _YES | set(word_for(self.tool).split()):
            return "declined"
        return "unclear" if said & _YES and said <= _YES | _WITH_YES else None


def word_for(tool: Tool) -> str:
    """`confirm delete` for `delete_file`: what a person must say, and nobody says by chance."""
    return f"confirm {tool.name.split('_')[0].lower()}"


def is_word_for(tool: Tool, text: str) -> bool:
    """Whether it is the word and nothing else, politeness apart."""
    pattern = rf"(?:{_EDGE} )*{re.escape(word_for(tool))}(?: {_EDGE})*"
    return re.fullmatch(pattern, _words(text)) is not None


def confirms(text: str) -> bool:
    """Whether it is the word for any tool, also for one that is not known here."""
    return re.fullmatch(rf"(?:{_EDGE} )*confirm \w+(?: {_EDGE})*", _words(text)) is not None


def _instruction(tool: Tool) -> str:
    return f"Say: {word_for(tool)}."


def can_be_exact(arguments: Mapping[str, object]) -> bool:
    """Whether every argument is short enough to be said to its end."""
    return all(len(_said(value)) <= MOST_EXACT_CHARACTERS for value in arguments.values())


def _described(tool: Tool, arguments: Mapping[str, object], most: int) -> str:
    name = tool.name.replace("_", " ")
    listed = ", ".join(f"{each.replace('_', ' ')} {_value(value, most)}" for each, value in arguments.items())
    return f"{name} with {listed}" if listed else name


def _value(value: object, most: int) -> str:
    said = _said(value)
    if len(said) <= most:
        return said
    head = shorten(said, most)
    return f"{head} and {len(said) - len(head) + 1} more characters"


def _said(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return " and ".join(map(_said, value)) or "nothing"
    said = audible(str(value)) or "an empty text"
    return _STOP.sub(lambda stop: f" {_STOPS[stop[0]]}", said) if _POSES.search(said) else said


def audible(text: str) -> str:
    """The text with words for all signs that a voice would skip, invisible characters too, and for letters that look
    like others."""
    text = _MINUS.sub(" minus ", _WORD.sub(_unmasked, text))
    return " ".join("".join(map(_sign, _DASH.sub(" dash ", text))).split())


def _unmasked(word: re.Match[str]) -> str:
    """`аpple.com` with a Cyrillic letter is not Apple's; fullwidth and mathematical letters are not what they show."""
    kinds = {each: unicodedata.name(each, "").partition(" ")[0] for each in set(word[0]) if each.isalpha()}
    mixed = "LATIN" in kinds.values()
    odd: dict[str, str | int | None] = {
        each: f" {_name(each)} "
        for each, kind in kinds.items()
        if (mixed and kind != "LATIN") or (not each.isascii() and unicodedata.normalize("NFKC", each).isascii())
    }
    return word[0].translate(str.maketrans(odd)) if odd else word[0]


def _sign(character: str) -> str:
    if character in _SIGNS:
        return f" {_SIGNS[character]} "
    kind = unicodedata.category(character)
    if 0xFE00 <= ord(character) <= 0xFE0F or 0xE0100 <= ord(character) <= 0xE01EF:  # variation selectors
        return ""
    if character in _PLAIN or character.isspace() or (kind[0] in "LMN" and kind != "Lm"):
        return character
    return f" {_name(character)} "


def _name(character: str) -> str:
    return unicodedata.name(character, "unknown sign").lower()


def _words(text: str) -> str:
    return " ".join(re.sub(r"[^\w' ]+", " ", text.replace("’", "'")).casefold().split())
