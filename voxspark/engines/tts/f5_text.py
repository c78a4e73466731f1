"""Text for F5-TTS: what is made in one diffusion, and how long it will be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

EARLY_BYTES = 24
"""A first clause, and a sentence, that is shorter takes the next one with it: F5-TTS says scraps badly."""

GROWTH = 3
"""How many times as long as the first piece the next one may be: while the first is heard, the next is made, some
three to six times as fast as it is spoken on a DGX Spark (facts/spark.md)."""

SHORTEST_BYTES = 10
"""Shorter texts are given the time of this many, some 0.7 s, or there would be no room for a word (F5-TTS slows such
texts down to 0.3 of their pace, which draws out all but the very shortest)."""

LONGEST_SECONDS = 22.0
"""Of recording and speech together, in one diffusion (F5-TTS's own bound)."""

SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])")
CLAUSE_END = re.compile(r"(?<=[,;:–—])\s+|(?<=[，；：、])")


@dataclass(frozen=True, slots=True)
class Piece:
    """What is made in one diffusion."""

    text: str
    goes_on: bool
    """The next piece is of the same sentence."""


def pieces(text: str, most_bytes: int) -> list[Piece]:
    """The first clause early, then whole sentences as far as `most_bytes` of UTF-8 take them; none without words."""
    text = text.encode(errors="replace").decode()  # half a surrogate pair has no bytes
    if not re.search(r"\w", text):
        return []
    made: list[Piece] = []
    held, ended, room = "", True, most_bytes

    def finish() -> None:
        nonlocal held, room
        made.append(Piece(held.strip(), goes_on=not ended))
        held, room = "", min(most_bytes, GROWTH * size(held))

    for phrase, ends in _phrases(" ".join(text.split()), most_bytes):
        if held and size(held + phrase) > (room if size(held) >= EARLY_BYTES else most_bytes):
            finish()
        held, ended = held + phrase, ends
        if size(held) >= EARLY_BYTES and (ended or not made):
            finish()
    if held and made and size(made[-1].text) + size(held) < most_bytes:
        held = _spaced(made.pop().text) + held
    if held:
        finish()
    return made


def frames(text: str, reference_frames: int, reference_text: str, speed: float) -> int:
    """How long the text will be: at the pace of the recording, by bytes of UTF-8 (F5-TTS's own rule)."""
    pace = reference_frames / size(reference_text)
    return round(pace * max(size(text), SHORTEST_BYTES) / speed)


def most_bytes(reference_seconds: float, reference_text: str, speed: float) -> int:
    """The longest piece that one diffusion makes well."""
    pace = size(reference_text) / reference_seconds * speed
    return max(round(pace * (LONGEST_SECONDS - reference_seconds)), 2 * EARLY_BYTES)


def size(text: str) -> int:
    """In bytes of UTF-8."""
    return len(text.encode())


def _phrases(text: str, longest: int) -> Iterator[tuple[str, bool]]:
    """Clauses, with whether each ends its sentence and with a space after it where there was one."""
    for sentence in SENTENCE_END.split(text):
        *parts, last = [part for clause in CLAUSE_END.split(sentence) for part in _parts(clause, longest)] or [""]
        yield from ((_spaced(part), False) for part in parts)
        if last:
            yield _spaced(last), True


def _spaced(part: str) -> str:
    """Chinese has no spaces."""
    return f"{part} " if part[-1].isascii() else part


def _parts(clause: str, longest: int) -> Iterator[str]:
    """A clause that is too long, between words, and where there are none, between letters."""
    part = ""
    for word in re.findall(r"\S+\s*", clause):
        for bit in [word] if size(word) <= longest else word:
            if part and size(part + bit) > longest:
                yield part.strip()
                part = ""
            part += bit
    if part:
        yield part.strip()
