"""What Sesame CSM is reminded of before it speaks, by which its voice stays itself."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from typing import Generic, TypeVar

Frames = TypeVar("Frames", bound=Sized)


@dataclass(frozen=True, slots=True, eq=False)
class Spoken(Generic[Frames]):
    """A text and how it was said."""

    tokens: tuple[int, ...]
    frames: Frames
    by_user: bool = False

    @property
    def positions(self) -> int:
        """Of the model: a token takes one, a frame takes one, and so does the end."""
        return len(self.tokens) + len(self.frames) + 1


class Context(Generic[Frames]):
    """A reference for the voice, then the last sentences, and what they answer."""

    def __init__(self, most_frames: int) -> None:
        """`most_frames` bounds all but the reference, which counts apart."""
        self.reference: Spoken[Frames] | None = None
        self._sentences: list[Spoken[Frames]] = []
        self._most_frames = most_frames
        self._reply = 0
        """Index of the first sentence since the user was heard."""

    def add(self, sentence: Spoken[Frames]) -> None:
        """Remember what was said to its end. Without a reference, the first sentence becomes it."""
        if self.reference is None:
            self.reference = sentence
            return
        self._sentences.append(sentence)
        self._trim()

    def hear(self, said: Spoken[Frames]) -> None:
        """Remember what the user said, before the sentences that have answered it."""
        self._sentences.insert(self._reply, said)
        self._reply = len(self._sentences)
        self._trim()

    def forget_user(self) -> None:
        """Only the voice's own sentences are left."""
        self._sentences = [each for each in self._sentences if not each.by_user]
        self._reply = len(self._sentences)

    def _trim(self) -> None:
        while sum(len(each.frames) for each in self._sentences) > self._most_frames:
            del self._sentences[0]
            self._reply = max(self._reply - 1, 0)

    def within(self, positions: int) -> list[Spoken[Frames]]:
        """The reference, always, and the last sentences in order, without the oldest ones that do not fit."""
        reference = [self.reference] if self.reference else []
        left = positions - sum(each.positions for each in reference)
        kept: list[Spoken[Frames]] = []
        for sentence in reversed(self._sentences):
            if (left := left - sentence.positions) < 0:
                break
            kept.insert(0, sentence)
        return reference + kept
