"""Install, remove and look at the units, one told step after the other."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from voxspark.errors import VoxSparkError
from voxspark.service.units import SERVICE, SOCKET, Scope, must_be_visible, program

Tell = Callable[[str], None]

COMMAND_SECONDS = 60.0

SHOWN = ("LoadState", "ActiveState", "SubState", "UnitFileState", "StatusText", "Result", "NRestarts")


@dataclass(frozen=True, slots=True)
class Machine:
    """The programs that are asked, and the folders that tell of them."""

    scope: Scope
    booted: Path = Path("/run/systemd/system")
    """Is there where systemd runs (sd_booted(3))."""
    runtime: Path = Path("/run/user")
    lingering: Path = Path("/var/lib/systemd/linger")

    def check(self) -> None:
        """Raises VoxSparkError: `no-systemd`, `no-user-manager`."""
        if not self.booted.is_dir() or shutil.which("systemctl") is None:
            raise VoxSparkError(
                "no-systemd", "This machine was not booted with systemd.", "Start me yourself: voxspark run"
            )
        if not self.scope.system and not self._runtime_folder.is_dir():
            raise VoxSparkError(
                "no-user-manager",
                f"No service manager runs for {self.user}: {self._runtime_folder} is missing.",
                f"Log in as {self.user} itself (not by su or sudo), or run: sudo loginctl enable-linger {self.user}",
            )

    def check_rights(self, verb: str) -> None:
        """Raises VoxSparkError where only root may."""
        if self.scope.system and os.geteuid() != 0 and self.scope.root == Path("/"):
            again = shlex.join([*program(), "service", verb, "--system"])
            raise VoxSparkError("not-permitted", "Only root installs system services.", f"Run: sudo {again}")

    @property
    def user(self) -> str:
        """Whose units they are."""
        return pwd.getpwuid(os.geteuid()).pw_name

    @property
    def lingers(self) -> bool:
        """Whether the user's services run from boot on, without a login."""
        return (self.lingering / self.user).exists()

    @property
    def _runtime_folder(self) -> Path:
        return Path(os.environ.get("XDG_RUNTIME_DIR") or self.runtime / str(os.geteuid()))

    def ask(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. Raises VoxSparkError where it is missing or hangs."""
        env = {**os.environ, "SYSTEMD_PAGER": "", "LC_ALL": "C.UTF-8"}
        if not self.scope.system:
            env["XDG_RUNTIME_DIR"] = str(self._runtime_folder)
        try:
            return subprocess.run(
                command, capture_output=True, text=True, env=env, timeout=COMMAND_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise VoxSparkError(
                "service-command", f"{shlex.join(command)} does not work.", "Try it by itself."
            ) from error

    def run(self, *command: str) -> None:
        """Raises VoxSparkError where it fails, with what it said."""
        done = self.ask(*command)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
            raise VoxSparkError(
                "service-command", f"{shlex.join(command)} says: {said[-1].rstrip('.')}.", _remedy(command, said[-1])
            )

    def systemd_version(self) -> int:
        """`systemd 252 (…)`."""
        words = self.ask("systemctl", "--version").stdout.split()
        return int(words[1]) if words[1:] and words[1].isdecimal() else 0


def _remedy(command: tuple[str, ...], said: str) -> str:
    denied = any(word in said.lower() for word in ("denied", "authentication", "not permitted", "polkit"))
    return f"Run: sudo {shlex.join(command)}" if denied else "See: journalctl -b"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is done."""

    says: str
    do: Callable[[], None] | None = None
    """None where nothing has to be done."""


def install(machine: Machine) -> Iterator[Step]:
    """What installing takes, here and now; each is to be done before the next is asked for."""
    scope, files = machine.scope, machine.scope.files(machine.systemd_version())
    changed = outdated(machine)
    for path in files:
        yield _write(path, changed[path]) if path in changed else Step(f"{path} is as it should be")
    if scope.system:
        yield _command(machine, "systemd-sysusers", str(scope.sysusers))
    yield _command(machine, *scope.systemctl, "daemon-reload")
    yield _command(machine, *scope.systemctl, "enable", SERVICE, SOCKET)
    if not scope.system:
        if machine.lingers:
            yield Step(f"{machine.user} lingers: it runs from boot on")
        else:
            yield _command(machine, "loginctl", "enable-linger", machine.user)
    if changed:
        yield _command(machine, *scope.systemctl, "stop", SERVICE, SOCKET)
    yield _command(machine, *scope.systemctl, "start", SOCKET)
    yield _command(machine, *scope.systemctl, "start", "--no-block", SERVICE)


def outdated(machine: Machine) -> dict[Path, str]:
    """The unit files that are not as this version writes them: path to text."""
    files = machine.scope.files(machine.systemd_version())
    return {path: text for path, text in files.items() if _read(path) != text}


def renew(machine: Machine) -> Iterator[Step]:
    """Bring the unit files up to date; what runs goes on as it is."""
    for path, text in outdated(machine).items():
        yield _write(path, text)
    yield _command(machine, *machine.scope.systemctl, "daemon-reload")


def uninstall(machine: Machine) -> Iterator[Step]:
    """What removing takes; data and linger stay."""
    scope = machine.scope
    paths = [scope.folder / SERVICE, scope.folder / SOCKET, scope.back_off, *([scope.sysusers] * scope.system)]
    there = [path for path in paths if path.exists()]
    if not there:
        yield Step("no units are installed")
        return
    yield _command(machine, *scope.systemctl, "disable", "--now", SOCKET, SERVICE)
    for path in there:
        yield Step(f"remove {path}", path.unlink)
    yield _command(machine, *scope.systemctl, "daemon-reload")
    yield Step(f"your data stays in {scope.data}")
    if scope.system:
        yield Step("the user voxspark stays, because files are its own; remove it with: userdel voxspark")
    elif machine.lingers:
        yield Step(f"{machine.user} still lingers; end that with: loginctl disable-linger {machine.user}")


def look(machine: Machine) -> dict[str, str]:
    """How the units are; empty values where there is nothing to tell."""
    scope, found = machine.scope, {}
    for unit in (SERVICE, SOCKET):
        values = shown(machine, unit)
        found[unit.removeprefix("voxspark.")] = _standing(values)
        if unit == SERVICE:
            found["says"] = values.get("StatusText", "")
            found["restarts"] = values.get("NRestarts", "")
    if not scope.system:
        found["linger"] = "yes" if machine.lingers else "no: it starts when you log in"
    found["last_error"] = last_error(machine)
    return found


def shown(machine: Machine, unit: str) -> dict[str, str]:
    """The properties `SHOWN` of a unit."""
    told = machine.ask(*machine.scope.systemctl, "show", unit, f"--property={','.join(SHOWN)}").stdout
    return dict(line.split("=", 1) for line in told.splitlines() if "=" in line)


def last_error(machine: Machine) -> str:
    """The newest line of the journal that tells of one; empty where there is none."""
    newest = ("--priority=err", "--lines=1", "--output=cat", "--quiet")
    return machine.ask(*machine.scope.journalctl, *newest).stdout.strip()


def _standing(values: dict[str, str]) -> str:
    if values.get("LoadState") == "not-found":
        return "not installed"
    state = f"{values.get('ActiveState', 'unknown')} ({values.get('SubState', '')}), {values.get('UnitFileState', '')}"
    return f"{state}, {values['Result']}" if values.get("Result", "success") != "success" else state


def check_install(machine: Machine) -> None:
    """Raises VoxSparkError where the machine cannot have the units."""
    machine.check()
    if machine.scope.system and machine.scope.root == Path("/"):
        must_be_visible()
    machine.check_rights("install")


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None


def _write(path: Path, text: str) -> Step:
    def write() -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.{os.getpid()}")
            part.write_text(text, "utf-8")
            part.chmod(0o644)
            part.replace(path)
        except OSError as error:
            raise VoxSparkError(
                "service-file", f"{path} cannot be written: {error.strerror}.", "Check who owns its folder."
            ) from error

    return Step(f"write {path}", write)


def _command(machine: Machine, *command: str) -> Step:
    return Step(f"run {shlex.join(command)}", lambda: machine.run(*command))
