"""A day of a whole daemon: nobody outside is spoken to, and no other user can read what it leaves."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon_process import DaemonProcess, private_env, running_daemon

pytestmark = pytest.mark.real

HOOK = """
import os, socket, sys
LOG = os.environ["SPOKEN_TO"]

def note(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        if not isinstance(address, tuple):  # a Unix socket; nobody
            return
        told = repr(address[0])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        told = repr(arguments[0])
    else:
        return
    file = os.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, (told + "\\n").encode())
    os.close(file)

sys.addaudithook(note)
"""
"""Hears of every connection of Python code, in workers, too, before it is tried."""

HERE = {"'127.0.0.1'", "'::1'", "'localhost'", "None", "b'127.0.0.1'"}

QUESTIONS = (
    "What is 12 times 12?",
    "What time is it in Tokyo?",
    "Add milk to my shopping list.",
    "Remember that my locker number is 12.",
    "Set a timer for one hour.",
    "Who wrote Faust?",
    "Search the web for penguins.",
    "What is the weather in Oslo?",
)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DaemonProcess, Path]]:
    """A daemon that has been used, with a umask that hides nothing."""
    home = tmp_path_factory.mktemp("home")
    (home / "hook").mkdir()
    (home / "hook" / "sitecustomize.py").write_text(HOOK)
    env = private_env(home)
    env |= {
        "SPOKEN_TO": str(home / "spoken_to"),
        "VOXSPARK_WEB__ENABLED": "false",
        "XDG_CACHE_HOME": str(home / "cache"),
    }
    env["PYTHONPATH"] = f"{home / 'hook'}:{env['PYTHONPATH']}"
    old = os.umask(0)
    try:
        with running_daemon(env, "--microphone", "null", "--speaker", "null") as daemon:
            for question in QUESTIONS:
                daemon.call("ask", question)
            daemon.call("ask", "--aloud", "What is 2 plus 2?")
            assert "closed" in daemon.call("mute")
            yield daemon, home
            assert "open" in daemon.call("unmute")
    finally:
        os.umask(old)


def test_nobody_outside_is_spoken_to(day: tuple[DaemonProcess, Path]) -> None:
    daemon, home = day
    told = (home / "spoken_to").read_text().splitlines() if (home / "spoken_to").exists() else []
    assert set(told) <= HERE
    assert json.loads(daemon.call("status", "--json"))["leaves"] == []
    assert connected(daemon.pid) == []


def connected(pid: int) -> list[str]:
    """Addresses elsewhere that a process has open, whoever in it has opened them."""
    links = [str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir() if each.is_symlink()]
    inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
    rows = [
        line.split()
        for kind in ("tcp", "tcp6", "udp", "udp6")
        for line in Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]
    ]
    ours = [row[2].split(":")[0] for row in rows if row[9] in inodes]
    return [each for each in ours if int(each, 16) and not each.endswith("7F")]


def test_the_hook_hears_of_connections(tmp_path: Path) -> None:
    """Or the test above would prove nothing."""
    import subprocess
    import sys

    (tmp_path / "sitecustomize.py").write_text(HOOK)
    code = "import socket; s = socket.socket(); s.settimeout(0.1); s.connect_ex(('192.0.2.1', 9))"
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "SPOKEN_TO": str(tmp_path / "spoken_to")}
    subprocess.run([sys.executable, "-c", code], env=env, check=True)
    assert (tmp_path / "spoken_to").read_text() == "'192.0.2.1'\n"


def test_no_other_user_can_read_anything(day: tuple[DaemonProcess, Path]) -> None:
    _, home = day
    tops = [home / ".local" / "share" / "voxspark", home / ".local" / "state" / "voxspark", home / "cache" / "voxspark"]
    assert {top.stat().st_mode & 0o777 for top in (*tops, home / "run" / "voxspark")} == {0o700}
    weights = home / "cache" / "voxspark" / "models"  # public, in a folder that nobody else enters
    found = [each for top in (*tops, home / "run" / "voxspark") for each in top.rglob("*")]
    personal = [each for each in found if weights not in (each, *each.parents)]
    assert {each.name for each in personal} >= {"voxspark.db", "audit.jsonl", "muted", "voxspark.sock"}
    others = stat.S_IRWXG | stat.S_IRWXO
    assert [str(each) for each in personal if each.is_file() and each.stat().st_mode & others] == []
    assert [str(each) for each in personal if each.is_socket() and each.stat().st_mode & others] == []
