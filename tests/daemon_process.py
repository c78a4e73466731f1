"""The daemon as a process of its own, as a user runs it, and its events as they come."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

READY_SECONDS = 60.0
CHECKOUT = Path(__file__).parent.parent
VOXSPARK = (sys.executable, "-m", "voxspark")

Events = list[dict[str, Any]]


def voxspark(*words: str, env: dict[str, str] | None = None, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
    """One command of the command line."""
    return subprocess.run([*VOXSPARK, *words], capture_output=True, text=True, env=env, timeout=seconds, check=False)


class DaemonProcess:
    """A running `voxspark run --json`."""

    def __init__(self, env: dict[str, str], *words: str) -> None:
        self.env = env
        self.events: Events = []
        self._process = subprocess.Popen(
            [*VOXSPARK, "run", "--json", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
        )
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self.events.append(json.loads(line))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, name: str, seconds: float = 30.0, since: int = 0, **fields: object) -> dict[str, Any]:
        """The first event of that name with those fields, past or to come."""

        def wanted(event: dict[str, Any]) -> bool:
            return event["event"] == name and all(event.get(k) == v for k, v in fields.items())

        return self.wait_until(wanted, name, seconds, since)

    def wait_until(
        self, wanted: Callable[[dict[str, Any]], bool], what: str, seconds: float = 30.0, since: int = 0
    ) -> dict[str, Any]:
        """The first event that is wanted, past or to come, from one event on."""
        until = time.monotonic() + seconds
        with self._changed:
            while True:
                for event in self.events[since:]:
                    if wanted(event):
                        return event
                left = until - time.monotonic()
                if left <= 0 or self._process.poll() is not None:
                    seen = "\n".join(json.dumps(event) for event in self.events)
                    raise AssertionError(f"no {what} within {seconds} s; exit {self._process.poll()}; seen:\n{seen}")
                self._changed.wait(min(left, 0.5))

    def of(self, name: str) -> Events:
        """The events of one name so far."""
        return [event for event in self.events if event["event"] == name]

    @property
    def pid(self) -> int:
        return self._process.pid

    def call(self, *words: str) -> str:
        """Standard output of one command against this daemon, which must succeed."""
        done = voxspark(*words, env=self.env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """One command against this daemon, which goes on by itself."""
        return subprocess.Popen([*VOXSPARK, *words], env=self.env)

    def end(self) -> tuple[int, str]:
        """Ctrl-C (unless it is going down already), and what comes of it: exit code and standard error."""
        if self._process.poll() is None and not self.of("stopping"):
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        errors = self._process.stderr.read()
        self._process.stdout.close()
        self._process.stderr.close()
        return self._process.returncode, errors


@contextmanager
def running_daemon(env: dict[str, str], *words: str) -> Iterator[DaemonProcess]:
    """A daemon that is ready; it is ended in order afterwards."""
    daemon = DaemonProcess(env, *words)
    try:
        daemon.wait_for("ready", READY_SECONDS)
        yield daemon
    finally:
        code, errors = daemon.end()
    assert code == 0, errors


def private_env(folder: Path) -> dict[str, str]:
    """This environment with a home, a runtime directory and settings of its own, and the checkout under test."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "VOXSPARK_"))}
    (folder / "run").mkdir(mode=0o700, exist_ok=True)
    places = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "run"), "XDG_CONFIG_HOME": str(folder / "config")}
    return {**kept, **places, "PYTHONPATH": str(CHECKOUT), "HF_HUB_OFFLINE": "1"}
