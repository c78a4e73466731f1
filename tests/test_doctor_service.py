"""What the doctor says of VoxSpark as a service, on machines with and without systemd."""

from __future__ import annotations

import shutil
from pathlib import Path

import anyio
import pytest

from tests.test_service_setup import FakeMachine, take
from voxspark.doctor.check import Check, Result, work_through
from voxspark.doctor.units import service_check
from voxspark.service import setup
from voxspark.service.units import SERVICE

SYSTEMCTL = """#!/bin/sh
echo "systemctl $*" >> "$CALLS"
case "$*" in
  --version) echo "systemd 252 (252.1)" ;;
  *show*) for value in LoadState=loaded SubState=x $SHOWN; do echo "$value"; done ;;
esac
"""

WELL = "ActiveState=active UnitFileState=enabled StatusText=Listening NRestarts=0"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    fake = FakeMachine(tmp_path, monkeypatch)
    (tmp_path / "bin" / "systemctl").write_text(SYSTEMCTL)
    monkeypatch.setenv("SHOWN", WELL)
    monkeypatch.setattr("voxspark.doctor.units.check_install", lambda _: None)
    return fake


def looked(fake: FakeMachine, *, fix: bool = False) -> Result:
    check = service_check((fake.machine(), fake.machine(system=True)))

    async def work(check: Check) -> Result:
        (result,) = [result async for result in work_through([check], fix=fix)]
        return result

    return anyio.run(work, check)


def found(fake: FakeMachine) -> tuple[str, str, str]:
    finding = looked(fake).finding
    return finding.state, finding.detail, finding.remedy


def unit_of(fake: FakeMachine) -> Path:
    return fake.machine().scope.folder / SERVICE


def test_nothing_is_set_up(fake: FakeMachine) -> None:
    assert found(fake) == ("ok", "not set up; to have it start with the machine: voxspark service install", "")


def test_a_machine_without_systemd(fake: FakeMachine) -> None:
    (fake.folder / "booted").rmdir()
    state, detail, _ = found(fake)
    assert (state, "not booted with systemd. Start me yourself: voxspark run" in detail) == ("ok", True)


def test_a_service_that_is_well(fake: FakeMachine) -> None:
    take(setup.install(fake.machine()))
    assert found(fake) == ("ok", "of this user, active (x), says: Listening, from login on", "")
    (fake.folder / "linger" / fake.machine().user).touch()
    assert found(fake)[1].endswith("from boot on")
    assert not looked(fake, fix=True).fixed


def test_units_of_an_older_version_are_renewed_and_nothing_is_stopped(fake: FakeMachine) -> None:
    take(setup.install(fake.machine()))
    as_written = unit_of(fake).read_text()
    unit_of(fake).write_text("[Unit]\nDescription=old\n")
    state, detail, remedy = found(fake)
    assert (state, remedy) == ("problem", "Run: voxspark doctor --fix")
    assert detail.endswith(f"not as this version writes it: {unit_of(fake)}")
    fake.calls()
    result = looked(fake, fix=True)
    assert result.finding.state == "ok"
    assert unit_of(fake).read_text() == as_written
    assert [call for call in fake.calls() if "show" not in call] == ["systemctl --user daemon-reload"]
    assert result.fixed.splitlines()[-1] == f"for the daemon that runs: systemctl --user restart {SERVICE}"


@pytest.mark.parametrize(
    ("shown", "state", "words"),
    [
        (
            "ActiveState=failed UnitFileState=enabled NRestarts=5",
            "broken",
            "restarted 5 times, the last error: the",
        ),
        ("ActiveState=active UnitFileState=enabled NRestarts=2", "problem", "restarted 2 times"),
        ("ActiveState=active UnitFileState=disabled NRestarts=0", "problem", "it does not start by itself"),
    ],
)
def test_a_service_that_does_not_stay_up(
    fake: FakeMachine, monkeypatch: pytest.MonkeyPatch, shown: str, state: str, words: str
) -> None:
    take(setup.install(fake.machine()))
    monkeypatch.setenv("SHOWN", shown)
    assert (found(fake)[0], words in found(fake)[1]) == (state, True)
    assert found(fake)[2]


def test_one_that_is_set_up_twice(fake: FakeMachine) -> None:
    take(setup.install(fake.machine()))
    take(setup.install(fake.machine(system=True)))
    assert found(fake)[0] == "problem"
    shutil.rmtree(fake.folder / "config")
    assert found(fake)[1].startswith("of the machine, active")


def test_no_manager_runs_for_this_user(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    take(setup.install(fake.machine()))
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere")
    state, detail, remedy = found(fake)
    assert (state, "No service manager runs" in detail, "enable-linger" in remedy) == ("problem", True, True)
