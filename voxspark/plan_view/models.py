"""The catalogue as a table, and a download as a line that moves."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from voxspark.plan_view.chart import GB, span, table

HEAD = ("", "model", "for", "GB", "runs in", "pulled", "in memory", "licence")
RUNNERS = {"ollama": "Ollama", "engine": "daemon", "worker": "worker"}
BAR_CHARACTERS = 30
REDRAW_SECONDS = 0.1
SPEED_SECONDS = 2.0
"""Before this much time has passed a speed says nothing."""


def text(rows: Sequence[Mapping[str, Any]], sizes: Mapping[str, int], profile: str | None) -> str:
    """One line per model; `sizes` are those of the profile's, which are marked, the others are at 8,192 tokens."""
    lines = [
        (
            "*" if row["model"] in sizes else "",
            row["model"],
            ", ".join(row["roles"]),
            f"{sizes.get(row['model'], row['bytes_at_8k']) / GB:.1f}",
            RUNNERS.get(row["runner"], row["runner"]),
            {True: "yes", False: "no", None: ""}[row["pulled"]],
            row["state"] or "",
            row["licence"],
        )
        for row in rows
    ]
    foot = "GB with 8,192 tokens of context"
    foot += f"; * is in the profile {profile}, with its own context and slots." if profile else "."
    if not any(row["pulled"] is not None for row in rows if row["runner"] == "ollama"):
        foot += "\nOllama does not answer, so it is not known what is pulled."
    return f"{table(HEAD, lines, right=(3,))}\n\n{foot}"


class ProgressLine:
    """Shows a download: one line that is drawn anew in a terminal, one line per status elsewhere."""

    def __init__(self, name: str, out: TextIO, *, live: bool) -> None:
        self._name = name
        self._out = out
        self._live = live
        self._status = ""
        self._drawn_at = float("-inf")
        self._begun: tuple[float, int] | None = None
        self._length = 0

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._length:
            self._write("\n")

    def show(self, status: str, completed_bytes: int, total_bytes: int) -> None:
        """One step on; a total of 0 is not known yet."""
        changed, self._status = status != self._status, status
        if not self._live:
            if changed:
                self._write(f"{self._name}: {status}\n")
            return
        now = time.monotonic()
        if changed or now - self._drawn_at >= REDRAW_SECONDS:
            self._drawn_at = now
            line = f"{self._name}  {self._bar(completed_bytes, total_bytes, now) if total_bytes else status}"
            self._write(f"\r{line.ljust(self._length)}")
            self._length = len(line)

    def _bar(self, completed_bytes: int, total_bytes: int, now: float) -> str:
        if self._status == "success":
            return f"done, {total_bytes / GB:.1f} GB"
        share = min(completed_bytes / total_bytes, 1.0)
        full = round(share * BAR_CHARACTERS)
        figures = f"{completed_bytes / GB:.2f} of {total_bytes / GB:.2f} GB  {100 * share:.0f} %"
        left = self._left(completed_bytes, total_bytes, now)
        return f"[{'#' * full}{'·' * (BAR_CHARACTERS - full)}] {figures}{left}"

    def _left(self, completed_bytes: int, total_bytes: int, now: float) -> str:
        """How long it still takes, by the mean speed since the first bytes of this run."""
        if self._begun is None:
            self._begun = (now, completed_bytes)
        began, had = self._begun
        come, seconds = completed_bytes - had, now - began
        if seconds < SPEED_SECONDS or come <= 0:
            return ""
        return f"  {span((total_bytes - completed_bytes) * seconds / come)} left"

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
