"""The audit log: one line per call, for its owner only."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from voxspark.agent.audit import AuditLog, audit_path, entries
from voxspark.cli import cli


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


@pytest.mark.parametrize("written", [0, 10])
def test_a_full_disk_costs_the_line_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    path = tmp_path / "audit.jsonl"
    log(path).note(number=1)
    whole = os.write

    def full(descriptor: int, data: bytes) -> int:
        if not written:
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(descriptor, data[:written])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        log(path).note(number=2)
    log(path).note(number=3)
    assert [entry["number"] for entry in entries(path, 9)] == [1, 3]


def test_the_command_shows_who_did_what_and_when(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    note = {"tool": "open_address", "arguments": {"address": "http://x\x1b[2J"}, "verdict": "refused"}
    log(audit_path()).note(**note, utterance="open\nthat\x1b]0;page", result="No.\u2028Never.")
    shown = CliRunner().invoke(cli, ["audit"]).output
    assert shown.splitlines() == [
        "2026-11-24T00:00:00+00:00  refused   open_address(address='http://x\\x1b[2J')",
        "    “open that]0;page”  No. Never.",
    ]
    assert CliRunner().invoke(cli, ["audit", "--json", "--limit", "1"]).output.startswith('{"time": "2026-11-24')
    audit_path().unlink()
    audit_path().mkdir()
    unreadable = CliRunner().invoke(cli, ["audit"])
    assert unreadable.exit_code == 1
    assert "The audit log cannot be read." in unreadable.output


def test_an_empty_log_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert CliRunner().invoke(cli, ["audit"]).output == "Nothing has been done yet.\n"
    assert CliRunner().invoke(cli, ["audit", "--json"]).output == ""
