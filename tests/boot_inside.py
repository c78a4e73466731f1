"""What is done in a booted machine (`booted_machine`), each thing by name, and told as JSON lines."""

from __future__ import annotations

import json
import os
import pwd
import shlex
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from anyio.from_thread import start_blocking_portal

from tests.booted_machine import ENVIRONMENT, PYTHON
from tests.ollama_server import ollama_server

OUT = Path("/out")
VOXSPARK = (PYTHON, "-P", "-m", "voxspark")
UNIT = "voxspark.service"
CONFIG = Path("/etc/voxspark/config.toml")
WATCHDOG_SECONDS = 5
"""In place of the 30 of the unit: the test does not wait so long."""

QUESTION = ("ask", "What is 12 times 12?")
MODEL_QUESTION = ("ask", "Who wrote Faust?")
USER = "ada"
DEVICES = ("microphone", "speaker")


def tell(text: str) -> None:
    """Into the log that a failing test shows."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run(*command: str, seconds: float = 60.0, **changes: str) -> subprocess.CompletedProcess[str]:
    """A command, and what came of it."""
    tell(f"+ {shlex.join(command)}")
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds, check=False, env={**os.environ, **changes}
    )
    tell(f"{done.stdout}{done.stderr}")
    return done


def voxspark(*words: str) -> str:
    """Standard output of a command that must succeed."""
    done = run(*VOXSPARK, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def unit(*names: str, unit: str = UNIT) -> dict[str, str]:
    """Properties of a unit."""
    shown = run("systemctl", "show", unit, f"--property={','.join(names)}").stdout
    return dict(line.split("=", 1) for line in shown.splitlines())


def until(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Return when it holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"no {what} within {seconds} s"
        time.sleep(0.1)


def status() -> dict[str, Any]:
    """The daemon's own."""
    found: dict[str, Any] = json.loads(voxspark("status", "--json"))
    return found


def override(name: str, *lines: str) -> None:
    """A drop-in for the service."""
    folder = Path(f"/etc/systemd/system/{UNIT}.d")
    folder.mkdir(exist_ok=True, parents=True)
    (folder / f"{name}.conf").write_text("\n".join(["[Service]", *lines, ""]))


def main_pid() -> int:
    return int(unit("MainPID")["MainPID"])


# ── what is done ────────────────────────────────────────────────────────────────────────────────


def booted() -> dict[str, Any]:
    """The machine is up."""
    return {"running": run("systemctl", "is-system-running", "--wait").stdout.strip()}


def install() -> dict[str, Any]:
    """The system unit, on a machine without a sound server and without Ollama; asked while it loads."""
    override("here", *(f"Environment={name}={value}" for name, value in ENVIRONMENT.items()))
    override("watchdog", f"WatchdogSec={WATCHDOG_SECONDS}", "TimeoutAbortSec=5")
    steps = voxspark("service", "install", "--system").splitlines()
    loading = unit("ActiveState", "StatusText")
    answer = voxspark(*QUESTION)
    until(lambda: unit("ActiveState")["ActiveState"] == "active", "READY")
    ready = unit("StatusText", "NRestarts")
    again = voxspark("service", "install", "--system").splitlines()
    told = run(*VOXSPARK, "service", "status", "--system")
    verified = run("systemd-analyze", "verify", f"/etc/systemd/system/{UNIT}", "/etc/systemd/system/voxspark.socket")
    return {
        "steps": steps,
        "again": again,
        "loading": loading,
        "answer": answer.strip(),
        "ready": ready,
        "status": told.stdout,
        "status_code": told.returncode,
        "microphone": status()["microphone"]["state"],
        "verified": (verified.stdout + verified.stderr).strip(),
        "identity": run("ps", "-o", "user=,supgrp=", "-p", str(main_pid())).stdout.split(),
        "priorities": run("journalctl", "-b", "-t", "voxspark", "-p", "warning", "-o", "cat").stdout,
    }


def killed() -> dict[str, Any]:
    """kill -9, with a timer running."""
    voxspark("ask", "Set a tea timer for one hour.")
    before, begun = main_pid(), time.monotonic()
    os.kill(before, signal.SIGKILL)
    until(lambda: main_pid() not in (0, before), "restart")
    answer = voxspark(*QUESTION)
    found = {"answer": answer.strip(), "timers": status()["timers"], "restarts": unit("NRestarts")["NRestarts"]}
    return {**found, "seconds": round(time.monotonic() - begun, 1)}


def reload() -> dict[str, Any]:
    """SIGHUP, with what can change, what cannot, and a broken file."""
    until(lambda: unit("ActiveState")["ActiveState"] == "active", "READY")
    CONFIG.write_text('[barge_in]\nenabled = false\n[devices]\nmicrophone = "null"\n')
    done = run("systemctl", "reload", UNIT)
    until(lambda: "restart" in unit("StatusText")["StatusText"], "status")
    good = unit("StatusText")["StatusText"]
    CONFIG.write_text("[barge_in]\nenabled = maybe\n")
    run("systemctl", "reload", UNIT)
    until(lambda: "not read" in unit("StatusText")["StatusText"], "status")
    bad, answer = unit("StatusText")["StatusText"], voxspark(*QUESTION)
    CONFIG.unlink()
    run("systemctl", "reload", UNIT)
    until(lambda: "not read" not in unit("StatusText")["StatusText"], "status")
    return {"reloaded": done.returncode, "good": good, "bad": bad, "answer": answer.strip()}


def stopped() -> dict[str, Any]:
    """The loop stands still: the watchdog ends it, and it comes back."""
    until(lambda: unit("ActiveState")["ActiveState"] == "active", "READY")
    before = main_pid()
    os.kill(before, signal.SIGSTOP)
    begun = time.monotonic()
    until(lambda: main_pid() not in (0, before), "restart")
    seconds = time.monotonic() - begun
    answer = voxspark(*QUESTION)
    why = run("journalctl", "-b", "-u", UNIT, "-g", "Watchdog timeout", "-o", "cat").stdout
    return {"answer": answer.strip(), "seconds": seconds, "why": why, "timers": status()["timers"]}


def late() -> dict[str, Any]:
    """A sound server and Ollama that come after the daemon."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(ollama_server()) as ollama:
        portal.call(ollama.stop)
        override("late", "Environment=VOXSPARK_PROFILE=ollama", f"Environment=VOXSPARK_CHAT__HOST={ollama.host}")
        run("systemctl", "daemon-reload")
        run("systemctl", "restart", UNIT)
        without = status()
        alone = voxspark(*MODEL_QUESTION)
        Path("/run/pulse").mkdir(exist_ok=True)
        run("chown", "pulse:pulse", "/run/pulse")
        sound = ["--system", "--disallow-exit", "-n", "-L", "module-null-sink sink_name=speaker"]
        sound += ["-L", "module-native-protocol-unix auth-anonymous=1 socket=/run/pulse/native"]
        with subprocess.Popen(["pulseaudio", *sound]) as server:
            until(lambda: status()["microphone"]["state"] == status()["speaker"]["state"] == "open", "sound")
            portal.call(ollama.start)
            until(lambda: "hello" in voxspark(*MODEL_QUESTION).lower() or ollama.loads > 0, "Ollama's answer", 60)
            after, standing = status(), unit("StatusText")["StatusText"]
            answer = voxspark(*MODEL_QUESTION)
            server.terminate()
        chats = len([each for each in ollama.exchanges if each.path == "/api/chat"])
    Path(f"/etc/systemd/system/{UNIT}.d/late.conf").unlink()
    run("systemctl", "daemon-reload")
    return {
        "without": {key: without[key]["state"] for key in DEVICES},
        "alone": alone.strip(),
        "after": {**{key: after[key]["state"] for key in DEVICES}, "standing": standing},
        "answer": answer.strip(),
        "chats": chats,
    }


def activated() -> dict[str, Any]:
    """Stopped in order; the first question starts it."""
    begun = time.monotonic()
    run("systemctl", "stop", UNIT)
    seconds = time.monotonic() - begun
    down = unit("ActiveState", "Result", "ExecMainCode", "ExecMainStatus")
    socket = unit("ActiveState", unit="voxspark.socket")["ActiveState"]
    answer = voxspark(*QUESTION)
    return {"socket": socket, "down": down, "seconds": seconds, "answer": answer.strip(), "timers": status()["timers"]}


def user() -> dict[str, Any]:
    """A user's unit, with linger; the second time, after a reboot, without a login."""
    there = subprocess.run(["id", USER], capture_output=True, check=False).returncode == 0
    if not there:
        run("useradd", "--create-home", USER)
        run("loginctl", "enable-linger", USER)
    number = pwd.getpwnam(USER).pw_uid
    until(Path(f"/run/user/{number}/systemd/private").exists, "user manager")
    folder = Path(f"/home/{USER}/.config/systemd/user/{UNIT}.d")
    environment = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
    places = [f"HOME=/home/{USER}", f"XDG_RUNTIME_DIR=/run/user/{number}"]
    ada = ["runuser", "-u", USER, "--", "env", *places, *environment]
    steps: list[str] = []
    if not there:
        run(*ada, "mkdir", "-p", str(folder))
        (folder / "here.conf").write_text(f"[Service]\nEnvironment={' '.join(environment)}\n")
        steps = run(*ada, *VOXSPARK, "service", "install").stdout.splitlines()
    answer = run(*ada, *VOXSPARK, *QUESTION)
    found = run(*ada, *VOXSPARK, "service", "status")
    removed = run(*ada, *VOXSPARK, "service", "uninstall").stdout.splitlines() if there else []
    left = sorted(str(path) for path in folder.parent.glob("voxspark.*")) if there else []
    return {
        "steps": steps,
        "answer": answer.stdout.strip(),
        "status": found.stdout,
        "removed": removed,
        "left": left,
    }


def rebooted() -> dict[str, Any]:
    """What the reboot has left."""
    answer = voxspark(*QUESTION)
    return {"answer": answer.strip(), "timers": status()["timers"], "state": unit("ActiveState", "StatusText")}


DONE = {each.__name__: each for each in (booted, install, killed, reload, stopped, late, activated, user, rebooted)}


def main(words: list[str]) -> None:
    """Do them in order; `reboot` comes back to what stands behind it."""
    phase = OUT / "phase"
    begin = int(phase.read_text()) if phase.exists() else 0
    for number, word in enumerate(words[begin:], begin):
        if word == "reboot":
            phase.write_text(str(number + 1))
            run("systemctl", "reboot")
            return
        begun = time.monotonic()
        try:
            found = DONE[word]()
        except Exception:
            found = {"error": traceback.format_exc()}
            run("journalctl", "-b", "-t", "voxspark", "--no-pager", "-o", "short-monotonic")
        line = json.dumps({"what": word, "took_seconds": round(time.monotonic() - begun, 1), **found})
        with (OUT / "results.jsonl").open("a") as results:
            results.write(f"{line}\n")
        if "error" in found:
            break
    run("systemctl", "poweroff")


if __name__ == "__main__":
    main(sys.argv[1:])
