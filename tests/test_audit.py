"""The audit log: one line per call, for its owner only."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from voxspark.agent.audit import AuditLog, entries


def log(path: Path) -> AuditLog:
    return AuditLog(path, lambda: datetime(2026, 11, 24, tzinfo=UTC))


def test_the_log_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "state" / "audit.jsonl"
    for number in range(5):
        log(path).note(tool="delete_file", number=number, text="ü\n\ud800", odd=Path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry["number"] for entry in entries(path, 3)] == [2, 3, 4]
    assert list(entries(path, 0)) == []
    assert next(iter(entries(path, 1)))["time"] == "2026-11-24T00:00:00+00:00"
    with path.open("a") as file:
        file.write('{"cut": \n[1]\n')
    assert len(list(entries(path, 100))) == 5
    assert list(entries(tmp_path / "none", 5)) == []


def test_a_large_log_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxspark.agent.audit.MOST_BYTES", 200)
    path = tmp_path / "audit.jsonl"
    for number in range(40):
        log(path).note(number=number)
    kept: list[dict[str, Any]] = list(entries(path, 100))
    assert kept[-1]["number"] == 39
    assert 5 < len(kept) < 20


def test_a_log_that_cannot_be_written_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    log(tmp_path / "file" / "audit.jsonl").note(tool="x")
