"""The daemon as its manager sees it: signals, the journal, where a client looks."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.daemon_process import CHECKOUT, private_env, running_daemon
from tests.test_service_notify import Manager
from voxspark.config import daemon_socket, load_config, socket_path
from voxspark.console import JournalFormatter, writes_to_journal

QUIET = {"VOXSPARK_DEVICES__MICROPHONE": "null", "VOXSPARK_DEVICES__SPEAKER": "null"}

HANGING = """
import anyio
from voxspark.daemon import _obey_signals

async def main():
    async with anyio.create_task_group() as group:
        group.start_soon(_obey_signals, lambda signal: print(signal.reason, flush=True), None)
        await anyio.wait_all_tasks_blocked()
        print("up", flush=True)
        await anyio.sleep(60)

anyio.run(main)
"""


@pytest.mark.real
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_second_signal_ends_at_once_whatever_hangs(number: signal.Signals) -> None:
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen([sys.executable, "-c", HANGING], env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(number)
        assert process.stdout.readline() == f"{number.name}\n"
        process.send_signal(number)
        assert process.wait(10) == -number


@pytest.mark.real
def test_a_life_as_the_manager_hears_it(tmp_path: Path) -> None:
    config = tmp_path / "config" / "voxspark" / "config.toml"
    config.parent.mkdir(parents=True)
    manager = Manager(str(tmp_path / "notify"))
    env = {**private_env(tmp_path), **QUIET, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000000"}
    heard: list[str] = []
    with manager.socket:
        with running_daemon(env) as daemon:
            heard += manager.heard()
            config.write_text("[barge_in]\nenabled = false\n[voice]\nspeed = 1.1\n")
            os.kill(daemon.pid, signal.SIGHUP)
            told = daemon.wait_for("config_reloaded")
            assert (told["changed"], told["needs_restart"]) == (["barge_in.enabled"], ["voice.speed"])
            config.write_text("[barge_in]\nenabled = 7\n")
            os.kill(daemon.pid, signal.SIGHUP)
            assert "barge_in.enabled" in daemon.wait_for("failed", stage="config")["message"]
            heard += manager.heard()
        heard += manager.heard()
    states = [line.split("\n")[0] for line in heard if not line.startswith(("WATCHDOG", "EXTEND"))]
    assert states[0].startswith("STATUS=Loading the transcriber")
    assert states[4:7] == ["STATUS=Listening", "READY=1", "RELOADING=1"]
    assert states.count("RELOADING=1") == 2
    assert states.count("READY=1") == 3
    assert "STATUS=Listening; needs a restart: voice.speed" in states
    assert any(state.startswith("STATUS=Listening; configuration not read: barge_in.enabled") for state in states)
    assert states[-2:] == ["STATUS=Going down (SIGINT)", "STOPPING=1"]
    assert any(line == "WATCHDOG=1" for line in heard)


# ── the journal ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("level", "priority"), [("debug", 7), ("info", 6), ("warning", 4), ("error", 3)])
def test_every_line_has_its_priority(level: str, priority: int) -> None:
    number = logging.getLevelNamesMapping()[level.upper()]
    record = logging.LogRecord("voxspark", number, "here", 1, "two\nlines", (), None)
    assert JournalFormatter().format(record) == f"<{priority}>voxspark: two\n<{priority}>lines"


def test_only_the_journal_gets_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "log").open("w") as log:
        found = os.fstat(log.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        assert writes_to_journal(log.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", "1:1")
        assert not writes_to_journal(log.fileno())
    monkeypatch.delenv("JOURNAL_STREAM")
    assert not writes_to_journal(10_000)


# ── where a client looks ────────────────────────────────────────────────────────────────────────


def test_the_system_s_daemon_is_reached_where_there_is_no_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    config, system = load_config(environ={}), tmp_path / "system.sock"
    assert daemon_socket(config, system) == socket_path(config)
    system.touch()
    assert daemon_socket(config, system) == system
    chosen = load_config(environ={}, overrides={"control": {"socket": "/elsewhere"}})
    assert daemon_socket(chosen, system) == Path("/elsewhere")
    socket_path(config).parent.mkdir()
    socket_path(config).touch()
    assert daemon_socket(config, system) == socket_path(config)
