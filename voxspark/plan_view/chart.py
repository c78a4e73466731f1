"""What is drawn: memory as strips of segments, and such a strip as one line of characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

GB = 1_000_000_000
BAR_CHARACTERS = 60
FREE, BEYOND, FOREIGN, KEPT = "·", "!", "#", "="
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

Group = Literal[
    "pinned",
    "resident",
    "staying",
    "on demand",
    "loading",
    "leaving",
    "on the processor",
    "other programs",
    "kept free for pinned",
    "rest",
]
"""Why memory is taken; each has its own colour. `rest` is what no model has."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One model in a strip."""

    name: str
    bytes: int
    group: Group
    note: str = ""
    """For whom it is there."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Memory from left to right."""

    label: str
    segments: tuple[Segment, ...]
    kind: Literal["pool", "beside", "instead"] = "pool"
    """`pool`: the memory that is planned. `beside`: the host's, next to a graphics card. `instead`: what can take the
    place of a part of the pool above it."""
    start_bytes: int = 0
    """Where that part begins."""
    replaced_bytes: int = 0
    """How large that part is."""

    @property
    def total_bytes(self) -> int:
        return sum(segment.bytes for segment in self.segments)

    @property
    def used_bytes(self) -> int:
        """Without what is only kept free."""
        return sum(segment.bytes for segment in self.segments if segment.group != "kept free for pinned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A whole picture."""

    title: str
    fits: bool
    verdict: str
    """The same in a sentence."""
    why: str
    """Where the budget comes from."""
    total_bytes: int
    floor_bytes: int
    capacity_bytes: int
    strips: tuple[Strip, ...]


def letters(count: int) -> list[str]:
    """Marks for that many models; the last is shared by all beyond the alphabet."""
    return [LETTERS[min(number, len(LETTERS) - 1)] for number in range(count)]


def bar(parts: Iterable[tuple[str, int]], capacity_bytes: int) -> str:
    """Memory as one line: each part (mark, bytes) at least one character, `·` is free, `!` is past the budget."""
    sized = [(mark, size) for mark, size in parts if size > 0]
    taken = sum(size for _, size in sized)
    scale = max(capacity_bytes, taken, 1) / BAR_CHARACTERS
    drawn, reached = "", 0
    for mark, size in sized:
        reached += size
        drawn += mark * max(1, round(reached / scale) - len(drawn))
    limit = round(capacity_bytes / scale) if taken > capacity_bytes else BAR_CHARACTERS
    drawn = (drawn + FREE * BAR_CHARACTERS)[:BAR_CHARACTERS]
    return f"[{drawn[:limit]}{BEYOND * (BAR_CHARACTERS - limit)}]"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Columns as wide as their widest cell; those with a number in `right` are right-aligned."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(row: Sequence[str]) -> str:
        cells = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    return "\n".join(line(row) for row in (head, *rows))


def in_gb(size_bytes: int) -> str:
    """For a table: `20.71`."""
    return f"{size_bytes / GB:.2f}"


def span(seconds: float) -> str:
    """A time that a person reads: `12 s`, `3 min`, `2 h`."""
    if seconds < 120:
        return f"{max(seconds, 0):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
