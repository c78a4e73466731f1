"""What a worker prints, as log lines: bounded in length and number, whatever an engine prints.

At level debug: engines may print what somebody said.
"""

from __future__ import annotations

import codecs
import logging
import os
import time
from collections.abc import Callable

import anyio

LINE_LIMIT_CHARACTERS = 2_000
LINES_PER_SECOND = 100
READ_BYTES = 65_536
LAST_READS = 16
"""Of READ_BYTES each, after the end; a pipe holds less."""


class Output:
    """Reads one pipe to its end."""

    def __init__(self, descriptor: int, logger: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._logger = logger
        self._clock = clock
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._line = ""
        self._cut = False
        self._second = 0
        self._lines = 0

    async def run(self) -> None:
        """Until the other end is closed."""
        while True:
            await anyio.wait_readable(self._descriptor)
            if not self._read():
                return

    def finish(self) -> None:
        """The last words, after the process has ended; others that hold the pipe may still write, and are not heard."""
        for _ in range(LAST_READS):
            if not self._read():
                break
        self.feed(b"\n")
        self._say_what_was_dropped()

    def _read(self) -> bool:
        try:
            data = os.read(self._descriptor, READ_BYTES)
        except BlockingIOError:
            return False
        self.feed(data)
        return bool(data)

    def feed(self, data: bytes) -> None:
        """Bytes as they come."""
        *ended, rest = self._decoder.decode(data).split("\n")
        for part in ended:
            self._grow(part)
            self._end_line()
        self._grow(rest)

    def _grow(self, part: str) -> None:
        room = LINE_LIMIT_CHARACTERS - len(self._line)
        self._cut = self._cut or len(part) > room
        self._line += part[:room]

    def _end_line(self) -> None:
        line, cut = self._line.rstrip(), self._cut
        self._line, self._cut = "", False
        if not line:
            return
        if (second := int(self._clock())) != self._second:
            self._say_what_was_dropped()
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines <= LINES_PER_SECOND:
            self._logger.debug("%s%s", line, "…" if cut else "")

    def _say_what_was_dropped(self) -> None:
        if (dropped := self._lines - LINES_PER_SECOND) > 0:
            self._logger.debug("… %d more lines", dropped)
