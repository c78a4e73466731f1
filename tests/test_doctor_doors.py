"""What the doctor says of who may come in, what goes out, and the hotkey."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from voxspark.config import Config
from voxspark.config_listening import HotkeySettings
from voxspark.control.server import claim
from voxspark.doctor.check import Check, Finding, work_through
from voxspark.doctor.doors import door_checks, leaving, port_finding, secrets_check
from voxspark.doctor.keys import hotkey_check
from voxspark.doctor.running import Daemon
from voxspark.watching.counters import Counters
from voxspark.watching.prometheus import HOST, serve


def worked(check: Check, *, fix: bool = False) -> Finding:
    async def work() -> Finding:
        (result,) = [result async for result in work_through([check], fix=fix)]
        return result.finding

    return anyio.run(work)


# ── the socket ──────────────────────────────────────────────────────────────────────────────────


def of_socket(path: Path, **control: object) -> Finding:
    return worked(door_checks(Config.model_validate({"control": {"socket": str(path), **control}}))[0])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path / "voxspark" / "voxspark.sock"


def test_a_socket_to_come_and_one_that_is_there(path: Path) -> None:
    assert of_socket(path) == Finding("ok", f"{path}, for you, once the daemon runs")
    assert not path.parent.exists(), "looking makes nothing"
    with claim(path):
        assert of_socket(path) == Finding("ok", f"{path}, for you")


def test_a_socket_that_has_other_modes_than_the_settings_say(path: Path) -> None:
    with claim(path):
        found = of_socket(path, guests=["12345"])
    assert (found.state, "mode 600 instead of 666" in found.detail) == ("problem", True)
    assert "voxspark.socket" in found.remedy


def test_people_whom_the_settings_let_in(path: Path) -> None:
    found = of_socket(path, guests=["12345"], owners=["12346"], group="root")
    assert found.detail == f"{path}, for you, 1 other owners, 1 guests, members of the group root, once the daemon runs"


@pytest.mark.parametrize("control", [{"guests": ["nobody-of-this-name"]}, {"group": "no-such-group"}])
def test_people_whom_this_machine_does_not_know(path: Path, control: Mapping[str, Any]) -> None:
    found = of_socket(path, **control)
    assert (found.state, bool(found.remedy)) == ("broken", True)


def test_a_folder_that_others_can_write_to(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o777)
    found = of_socket(path)
    assert (found.state, "chmod go-w" in found.remedy) == ("broken", True)


def test_something_else_in_its_place(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.touch()
    assert of_socket(path).state == "broken"


# ── keys, and what leaves ───────────────────────────────────────────────────────────────────────


def test_keys_that_others_can_read_are_hidden(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    assert worked(secrets_check(file)).state == "ok"
    file.write_text('[calendar]\npassword = "secret"\n')
    file.chmod(0o644)
    assert worked(secrets_check(file)).state == "problem"
    assert worked(secrets_check(file), fix=True).state == "ok"
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_leaves_the_machine_is_listed() -> None:
    assert leaving(Config.model_validate({"web": {"enabled": False}})).detail == "nothing leaves this machine"
    told = leaving(Config.model_validate({"chat": {"host": "http://big.example:11434"}})).detail
    assert told.startswith("the language model (http://big.example:11434)")
    assert "; only when asked for: a search (" in told


# ── metrics ─────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind((HOST, 0))
        yield other.getsockname()[1]


def test_a_port_that_is_free_or_taken() -> None:
    with taken() as port:
        assert port_finding(port).state == "problem"
    assert port_finding(port) == Finding("ok", f"http://{HOST}:{port}/metrics, once the daemon runs")
    names = [check.name for check in door_checks(Config.model_validate({"metrics": {"port": port}}))]
    assert names == ["socket", "leaves", "metrics"]


def test_a_port_that_is_ours() -> None:
    async def work() -> Finding:
        async with anyio.create_task_group() as tasks:
            port = await tasks.start(serve, 0, Counters().families)
            found = await anyio.to_thread.run_sync(port_finding, port)
            tasks.cancel_scope.cancel()
        return found

    found = anyio.run(work)
    assert (found.state, found.detail.endswith("/metrics")) == ("ok", True)


# ── the hotkey ──────────────────────────────────────────────────────────────────────────────────


class Told(Daemon):
    """A daemon that says this of its hotkey; none where that is empty."""

    def __init__(self, **hotkey: str) -> None:
        super().__init__(Config())
        self.hotkey = hotkey

    async def status(self) -> Mapping[str, Any] | None:
        return {"hotkey": self.hotkey} if self.hotkey else None


class Kernel:
    """Keyboards that have these keys."""

    def __init__(self, *codes: int) -> None:
        self._codes = frozenset(codes)

    def codes(self, fd: int) -> frozenset[int]:
        return self._codes

    def down(self, fd: int) -> frozenset[int]:
        return frozenset()


KEY_F13 = 183


@pytest.fixture
def keyboards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE"):
        monkeypatch.delenv(name, raising=False)
    os.mkfifo(tmp_path / "event0")
    return tmp_path


def test_a_hotkey_that_is_off(keyboards: Path) -> None:
    assert worked(hotkey_check(HotkeySettings(), Told(), keyboards)).detail.startswith("off: ")


def test_which_way_it_would_be_seen_and_why_not_another(keyboards: Path) -> None:
    found = worked(hotkey_check(HotkeySettings(key="f13"), Told(), keyboards, Kernel(KEY_F13)))
    assert found.state == "ok"
    assert found.detail.startswith(
        "f13, by evdev: There is no desktop in the environment. Not x11: DISPLAY is not set."
    )


def test_no_keyboard_has_the_key(keyboards: Path) -> None:
    found = worked(hotkey_check(HotkeySettings(key="f13"), Told(), keyboards, Kernel()))
    assert (found.state, found.remedy.startswith("Plug one in")) == ("problem", True)


def test_a_display_that_is_not_there(keyboards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":77")
    found = worked(hotkey_check(HotkeySettings(key="f13"), Told()))
    assert (found.state, "I can't reach the X server." in found.detail) == ("problem", True)


@pytest.mark.parametrize(
    ("state", "engine", "expected"),
    [
        ("open", "x11", Finding("ok", "f13, by x11: open")),
        ("lost: A.", "auto", Finding("problem", "f13, by auto: lost: A.", "See: voxspark hotkey test")),
        (
            "lost: A.",
            "x11",
            Finding("problem", "f13, by x11: lost: A.", "Set DISPLAY and XAUTHORITY as in the desktop"),
        ),
    ],
)
def test_what_the_daemon_says_of_it(
    monkeypatch: pytest.MonkeyPatch, state: str, engine: str, expected: Finding
) -> None:
    monkeypatch.setenv("DISPLAY", ":77")
    daemon = Told(engine=engine, key="f13", state=state)
    found = worked(hotkey_check(HotkeySettings(key="f13"), daemon))
    assert (found.state, found.detail) == (expected.state, expected.detail)
    assert found.remedy.startswith(expected.remedy)
