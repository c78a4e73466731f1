"""The audit log: every tool call with the words that caused it, for `voxspark audit`."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from voxspark.errors import ToolError
from voxspark.files import append_line, state_folder

log = logging.getLogger(__name__)

MOST_BYTES = 4 << 20
"""Then the file becomes the old one, which is kept until the next time."""


def audit_path() -> Path:
    """`$XDG_STATE_HOME/voxspark/audit.jsonl`."""
    return state_folder() / "audit.jsonl"


class AuditLog:
    """One JSON object per line, in a file for its owner only. What cannot be written is logged, and lost."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self._path = path
        self._now = now

    def note(self, **fields: object) -> None:
        """One line; never raises."""
        line = json.dumps(
            {"time": self._now().isoformat(timespec="seconds"), **fields}, ensure_ascii=False, default=str
        )
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self._path.exists() and self._path.stat().st_size > MOST_BYTES:
                self._path.replace(files_of(self._path)[0])
            append_line(self._path, line.encode(errors="replace") + b"\n")
        except OSError as error:
            log.warning("%s cannot be written: %s", self._path, error.strerror)


def files_of(path: Path) -> tuple[Path, Path]:
    """The old file and the one that is written."""
    return path.with_suffix(".old.jsonl"), path


def entries(path: Path, limit: int) -> Iterator[dict[str, Any]]:
    """The newest, oldest first; lines that were cut are passed over. Raises ToolError."""
    lines: list[str] = []
    try:
        for file in files_of(path):
            if file.exists():
                lines += file.read_text("utf-8", errors="replace").split("\n")
    except OSError as error:
        raise ToolError("audit-unreadable", "The audit log cannot be read.", f"{error.strerror}: {path}") from error
    lines = [line for line in lines if line]
    for line in lines[max(0, len(lines) - limit) :]:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry
