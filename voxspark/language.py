"""The language a turn is held in: what local intents listen for, and what tools answer in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, get_args

Language = Literal["en", "de", "es", "fr"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

_current: ContextVar[Language] = ContextVar("language", default="en")


def current() -> Language:
    """Of this turn, or of whoever runs outside of one."""
    return _current.get()


def speak(code: str) -> None:
    """From now on in this task, and in those it starts; a language that is not spoken here changes nothing."""
    for known in LANGUAGES:
        if code == known:
            _current.set(known)


@contextmanager
def speaking(language: Language | None) -> Iterator[None]:
    """For a sentence in another language; None changes nothing."""
    if language is None:
        yield
        return
    token = _current.set(language)
    try:
        yield
    finally:
        _current.reset(token)
