"""`voxspark service`, on machines with and without systemd; what systemd says of the units."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.test_readme import README, SERVICE
from voxspark import cli_service
from voxspark.cli import cli
from voxspark.errors import VoxSparkError
from voxspark.service import setup, units
from voxspark.service.setup import Machine
from voxspark.service.units import Scope, must_be_visible, quoted, shipped_units, with_program

PROGRAMS = ("systemctl", "loginctl", "journalctl", "systemd-sysusers")

RECORDER = """#!/bin/sh
echo "$(basename $0) $*" >> "$CALLS"
case "$*" in
  --version) echo "systemd ${SYSTEMD:-252} (252.1)" ;;
  *show*)
    for value in LoadState=loaded ActiveState=active SubState=running UnitFileState=enabled; do echo $value; done
    for value in StatusText=Listening Result=success NRestarts=2; do echo $value; done ;;
  *priority=err*) echo "the microphone is open and gives nothing" ;;
  *"$REFUSED"*) [ -z "$REFUSED" ] || { echo "Access denied" >&2; exit 1; } ;;
esac
"""


class FakeMachine:
    """Recording programs in front of `$PATH`, a home, and the folders that tell of systemd."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.calls_file = folder / "calls"
        (folder / "bin").mkdir()
        for name in PROGRAMS:
            (folder / "bin" / name).write_text(RECORDER)
            (folder / "bin" / name).chmod(0o755)
        for name in ("booted", "runtime", "linger", "config"):
            (folder / name).mkdir()
        patch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
        patch.setenv("CALLS", str(self.calls_file))
        patch.setenv("REFUSED", "")
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        patch.setenv("XDG_RUNTIME_DIR", str(folder / "runtime"))

    def machine(self, *, system: bool = False) -> Machine:
        scope = Scope(system, root=self.folder / "root")
        return Machine(scope, self.folder / "booted", self.folder / "runtime", self.folder / "linger")

    def calls(self) -> list[str]:
        """Commands since the last time, but for questions."""
        lines = self.calls_file.read_text().splitlines() if self.calls_file.exists() else []
        self.calls_file.unlink(missing_ok=True)
        return [line for line in lines if "--version" not in line]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    return FakeMachine(tmp_path, monkeypatch)


def take(steps: object) -> list[str]:
    """Do them; what they say."""
    said = []
    for step in steps:  # type: ignore[attr-defined]
        said.append(step.says)
        if step.do:
            step.do()
    return said


# ── install, look, uninstall ────────────────────────────────────────────────────────────────────


def test_a_user_s_units_are_written_enabled_and_started(fake: FakeMachine) -> None:
    machine = fake.machine()
    said = take(setup.install(machine))
    folder = fake.folder / "config" / "systemd" / "user"
    assert said[:2] == [f"write {folder}/voxspark.socket", f"write {folder}/voxspark.service"]
    assert fake.calls() == [
        "systemctl --user daemon-reload",
        "systemctl --user enable voxspark.service voxspark.socket",
        f"loginctl enable-linger {machine.user}",
        "systemctl --user stop voxspark.service voxspark.socket",
        "systemctl --user start voxspark.socket",
        "systemctl --user start --no-block voxspark.service",
    ]
    assert f"ExecStart={sys.executable} -P -m voxspark run\n" in (folder / "voxspark.service").read_text()


def test_the_second_time_nothing_is_stopped_or_written(fake: FakeMachine) -> None:
    machine = fake.machine()
    take(setup.install(machine))
    (fake.folder / "linger" / machine.user).touch()
    fake.calls()
    said = take(setup.install(machine))
    assert not [line for line in said if line.startswith("write")]
    assert not [line for line in fake.calls() if "stop" in line or "linger" in line]


def test_only_newer_systemd_is_told_to_wait_longer(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSTEMD", "254")
    take(setup.install(fake.machine()))
    assert "RestartMaxDelaySec" in fake.machine().scope.back_off.read_text()


def test_the_system_unit_gets_its_user_first(fake: FakeMachine) -> None:
    take(setup.install(fake.machine(system=True)))
    root = fake.folder / "root"
    calls = fake.calls()
    assert calls[0] == f"systemd-sysusers {root}/etc/sysusers.d/voxspark.conf"
    assert calls[1] == "systemctl daemon-reload"
    assert (root / "etc/systemd/system/voxspark.socket").stat().st_mode & 0o777 == 0o644


def test_uninstalling_leaves_nothing_but_data_and_says_where(fake: FakeMachine) -> None:
    machine = fake.machine()
    take(setup.install(machine))
    fake.calls()
    said = take(setup.uninstall(machine))
    assert fake.calls()[0] == "systemctl --user disable --now voxspark.socket voxspark.service"
    assert list(machine.scope.folder.glob("*.s*")) == []
    assert any("~/.local/share/voxspark" in line for line in said)
    assert take(setup.uninstall(machine)) == ["no units are installed"]


def test_how_it_is(fake: FakeMachine) -> None:
    found = setup.look(fake.machine())
    assert found["service"] == found["socket"] == "active (running), enabled"
    assert (found["says"], found["restarts"]) == ("Listening", "2")
    assert found["linger"].startswith("no")
    assert found["last_error"] == "the microphone is open and gives nothing"


# ── what can be wrong ───────────────────────────────────────────────────────────────────────────


def refusal(check: object, *arguments: object) -> VoxSparkError:
    with pytest.raises(VoxSparkError) as caught:
        check(*arguments)  # type: ignore[operator]
    return caught.value


def test_no_systemd(fake: FakeMachine) -> None:
    (fake.folder / "booted").rmdir()
    assert refusal(fake.machine().check).code == "no-systemd"


def test_no_manager_of_the_user(fake: FakeMachine) -> None:
    (fake.folder / "runtime").rmdir()
    error = refusal(fake.machine().check)
    assert error.code == "no-user-manager"
    assert "loginctl enable-linger" in error.remedy


def test_a_forgotten_variable_is_no_reason_to_fail(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    (fake.folder / "runtime" / str(os.geteuid())).mkdir()
    fake.machine().check()


def test_what_is_denied_comes_with_the_command_that_is_allowed(
    fake: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFUSED", "enable-linger")
    machine = fake.machine()
    error = refusal(take, setup.install(machine))
    assert error.remedy == f"Run: sudo loginctl enable-linger {machine.user}"


def test_only_root_installs_system_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    error = refusal(Machine(Scope(system=True)).check_rights, "install")
    assert error.remedy == f"Run: sudo {sys.executable} -P -m voxspark service install --system"


def test_a_program_in_a_home_is_none_for_the_system() -> None:
    must_be_visible([Path("/opt/voxspark"), Path("/usr")])
    for hidden in ("/home/ada/voxspark/.venv", "/root/x", "/tmp/venv"):
        assert refusal(must_be_visible, [Path(hidden)]).code == "service-place"


def test_a_folder_that_cannot_be_written(fake: FakeMachine) -> None:
    (fake.folder / "config" / "systemd").write_text("a file")
    assert refusal(take, setup.install(fake.machine())).code == "service-file"


@pytest.mark.parametrize(
    ("word", "in_a_unit"),
    [
        ("/opt/v/bin/python", "/opt/v/bin/python"),
        ("/my voice/p", '"/my voice/p"'),
        ("/100%$x", "/100%%$$x"),
        ('"', '"\\""'),
    ],
)
def test_words_of_a_command_line_are_quoted(word: str, in_a_unit: str) -> None:
    assert quoted(word) == in_a_unit


# ── the command line ────────────────────────────────────────────────────────────────────────────


def invoke(*words: str) -> Result:
    return CliRunner().invoke(cli, ["service", *words])


def test_a_dry_run_does_nothing(fake: FakeMachine) -> None:
    done = invoke("install", "--dry-run")
    assert done.exit_code == 0, done.output
    assert "(not done) run systemctl --user daemon-reload" in done.output
    assert fake.calls() == []
    assert not (fake.folder / "config" / "systemd").exists()


def test_without_systemd_every_command_says_so(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_service, "_machine", lambda system: fake.machine(system=system))
    (fake.folder / "booted").rmdir()
    for verb in ("install", "uninstall", "status"):
        done = invoke(verb)
        assert (done.exit_code, "voxspark run" in done.output) == (1, True)
    assert fake.calls() == []


def test_the_commands(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_service, "_machine", lambda system: fake.machine(system=system))
    assert "run systemctl --user daemon-reload" in invoke("install").output.splitlines()
    status = invoke("status")
    assert status.exit_code == 3  # the units are well, and nobody answers
    assert "says        Listening" in status.output
    assert "answers     no: VoxSpark is not running." in status.output
    assert json.loads(invoke("status", "--json").output)["restarts"] == "2"
    assert "run systemctl --user disable --now voxspark.socket voxspark.service" in invoke("uninstall").output


def test_the_readme_names_commands_that_exist() -> None:
    verbs = [line.split("#")[0].split()[2] for line in SERVICE]
    assert verbs == ["install", "status", "uninstall"]
    assert all(invoke(verb, "--help").exit_code == 0 for verb in verbs)


# ── the units ───────────────────────────────────────────────────────────────────────────────────


def rendered(kind: str, folder: Path) -> list[str]:
    """Units with a program that is there."""
    for path in (shipped_units() / kind).glob("voxspark.s*[te]"):
        text = path.read_text()
        (folder / path.name).write_text(with_program(text) if path.suffix == ".service" else text)
    return [str(folder / name) for name in (units.SERVICE, units.SOCKET)]


def test_the_score_is_the_one_in_the_readme(tmp_path: Path) -> None:
    service, _ = rendered("system", tmp_path)
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", service]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (score,) = re.findall(r"Overall exposure level for voxspark.service: ([\d.]+)", found)
    assert float(score) <= 2.0
    assert f"rates its exposure {score} of 10" in README


@pytest.mark.parametrize("kind", ["user", "system"])
def test_systemd_has_nothing_to_say_against_them(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    scope = ["--user"] if kind == "user" else []
    command = ["systemd-analyze", *scope, "--recursive-errors=no", "--man=no", "verify", *rendered(kind, tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
