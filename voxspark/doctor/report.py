"""The report of the doctor, as people read it."""

from __future__ import annotations

from types import TracebackType
from typing import TextIO

from voxspark.doctor.check import Result

MARKS = {"ok": "OK", "problem": "problem", "broken": "BROKEN"}

CLEAR_LINE = "\r\x1b[K"


def line(result: Result) -> str:
    """A line of the table; below it what was done and what to do."""
    finding = result.finding
    more = [text for told in (result.fixed, finding.remedy) for text in told.splitlines()]
    head = f"{MARKS[finding.state]:<9}{result.name:<15}{finding.detail}"
    return "\n".join([head, *(f"{'':<24}{text}" for text in more)])


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
