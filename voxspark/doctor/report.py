"""The report of the doctor, as people read it."""

from __future__ import annotations

import textwrap
from types import TracebackType
from typing import TextIO

from voxspark.doctor.check import Result

MARKS = {"ok": "OK", "problem": "problem", "broken": "BROKEN"}

CLEAR_LINE = "\r\x1b[K"


INDENT = 25

LEAST_COLUMNS = 60
"""Narrower terminals break the lines themselves."""


def line(result: Result, columns: int | None = None) -> str:
    """A line of the table, wrapped where there are only so many columns; below it what was done and what to do."""
    finding = result.finding
    head = f"{MARKS[finding.state]:<9}{result.name:<{INDENT - 9}}"
    detail, *others = _wrapped(" ".join(finding.detail.split()), columns) or [""]
    more = [
        text for told in (result.fixed, finding.remedy) for line in told.splitlines() for text in _kept(line, columns)
    ]
    return "\n".join([f"{head}{detail}", *(f"{'':<{INDENT}}{text}" for text in others + more)])


def _wrapped(text: str, columns: int | None) -> list[str]:
    if columns is None or columns < LEAST_COLUMNS:
        return [text]
    return textwrap.wrap(text, columns - INDENT, break_long_words=False, break_on_hyphens=False)


def _kept(text: str, columns: int | None) -> list[str]:
    """What is to be typed stays in one line."""
    return [text] if text.startswith("Run:") or "=" in text else _wrapped(text, columns)


class Progress:
    """What is being looked at, on a terminal; gone when the result is there."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal if terminal.isatty() else None

    def begin(self, name: str) -> None:
        """Show it."""
        if self._terminal is not None:
            self._terminal.write(f"{CLEAR_LINE}{name} …")
            self._terminal.flush()

    def clear(self) -> None:
        """Leave an empty line."""
        if self._terminal is not None:
            self._terminal.write(CLEAR_LINE)
            self._terminal.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()
