"""The times of turns on disk, for `voxspark report`: one JSON object per line, of as many days as are kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from voxspark.errors import VoxSparkError
from voxspark.files import append_line, state_folder
from voxspark.watching.turns import UNNOTICED, TurnRecord

log = logging.getLogger(__name__)


LONGEST_SECONDS = 1e6
"""Of a turn: longer, and what is no number, is a mistake."""


def turns_path() -> Path:
    """`$XDG_STATE_HOME/voxspark/turns.jsonl`."""
    return state_folder() / "turns.jsonl"


class TurnStore:
    """Appends to a file for its owner only. What cannot be written is logged, and lost."""

    def __init__(self, path: Path, days: int, now: Callable[[], datetime]) -> None:
        self._path = path
        self._days = days
        self._now = now
        self._today: date | None = None

    def keep(self, record: TurnRecord) -> None:
        """One more turn that somebody may have noticed; with the first of a day, what is too old is dropped.

        Never raises.
        """
        if not self._days or record.outcome in UNNOTICED:
            return
        now = self._now()
        try:
            if self._today != now.date():
                self._drop(now)
                self._today = now.date()
            line = json.dumps({"time": now.isoformat(timespec="seconds"), **record.to_json()}, separators=(",", ":"))
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            append_line(self._path, line.encode() + b"\n")
        except VoxSparkError as error:
            log.warning("%s is not kept: %s", self._path, error)
        except OSError as error:
            log.warning("%s cannot be written: %s", self._path, error.strerror)

    def _drop(self, now: datetime) -> None:
        if not self._path.exists():
            return
        since = now - timedelta(days=self._days)
        kept = [json.dumps(each, separators=(",", ":")) for each in turns_since(self._path, since)]
        part = self._path.with_suffix(".part")
        part.unlink(missing_ok=True)
        append_line(part, "".join(f"{line}\n" for line in kept).encode())
        part.replace(self._path)


def turns_since(path: Path, since: datetime) -> Iterator[dict[str, Any]]:
    """Turns not older than that, oldest first; lines that are no turn are passed over. Raises VoxSparkError."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if (entry := _entry(line)) is not None and entry["time"] >= since:
                    yield {**entry, "time": entry["time"].isoformat(timespec="seconds")}
    except FileNotFoundError:
        return
    except OSError as error:
        remedy = f"{error.strerror}: {path}"
        raise VoxSparkError("turns-unreadable", "The times of turns cannot be read.", remedy) from error


def _entry(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
        time = datetime.fromisoformat(entry["time"])
        whole = _is_turn(entry)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return {**entry, "time": time} if whole and time.tzinfo is not None else None


def _is_turn(entry: Mapping[str, Any]) -> bool:
    """Whether it has all that `TurnRecord.to_json` writes. Raises KeyError, TypeError or AttributeError, too."""
    words = [entry["source"], entry["outcome"], entry["reason"], *entry["failures"]]
    words += [tool["tool"] for tool in entry["tools"]]
    return all(isinstance(each, str) for each in words) and all(
        isinstance(each, int | float) and abs(each) < LONGEST_SECONDS for each in entry["timings"].values()
    )
