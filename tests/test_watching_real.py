"""One daemon that is watched in every way there is: by its log, metrics, turns on disk, `top`, `report`, `record`."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import termios
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.daemon_process import READY_SECONDS, VOXSPARK, private_env, voxspark

pytestmark = pytest.mark.real

ROOT = Path(__file__).parent.parent
WORDS = ("xylophone", "zanzibar", "144", "twelve", "kumquat", "12 times")
"""Of what is asked and answered below."""

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_everything_is_seen_and_no_word_is_logged(tmp_path: Path) -> None:
    port = free_port()
    env = {**private_env(tmp_path), "VOXSPARK_METRICS__PORT": str(port), "NO_COLOR": "1"}
    words = ("--microphone", f"file:{ROOT / 'voxspark' / 'demo_questions' / 'question4.wav'}", "--speaker", "null")
    turns = tmp_path / ".local" / "state" / "voxspark" / "turns.jsonl"

    def call(*words: str) -> str:
        done = voxspark(*words, env=env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with logged_daemon(env, *words) as log:
        wait_for(turns)
        kept = call("record", "--turns", "1")
        call("ask", "--aloud", "What is the capital of Zanzibar, and has it a xylophone?")
        call("ask", "Add kumquat to the shopping list.")
        call("say", "The xylophone is out of tune.")
        call("ask", "What is 144 divided by 0?")
        refused = subprocess.run([*VOXSPARK, "ask", "--role", "nobody", "xylophone"], env=env, capture_output=True)
        assert refused.returncode == 1
        check_metrics(port)
        check_turns(turns)
        check_recording(Path(kept.splitlines()[-1].rpartition("rm -r ")[2]))
        once = call("top", "--once")
        assert "answered" in once
        assert not any(word in once.lower() for word in WORDS)
        check_top(env)
        page = Path(call("report", "--days", "2").strip()).read_text()
        assert "turns:" in page
        assert not any(word in page.lower() for word in WORDS[:2])
    told = log.read_text().lower()
    assert "listening on" in told, "it does log"
    assert not [word for word in WORDS if word in told]


@contextmanager
def logged_daemon(env: dict[str, str], *words: str) -> Iterator[Path]:
    """As a service runs it: no terminal, the log at level info."""
    log = Path(env["HOME"]) / "log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*VOXSPARK, "run", *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, env=env
        )
    try:
        yield log
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(20)
    assert code == 0, log.read_text()


def wait_for(path: Path) -> None:
    """The question in the microphone's file is answered."""
    until = time.monotonic() + READY_SECONDS
    while not path.exists():
        assert time.monotonic() < until
        select.select([], [], [], 0.1)


def check_metrics(port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["voxspark_turns_total", "answered", "microphone"] == 1
    assert samples["voxspark_turns_total", "answered", "socket"] >= 3
    assert samples["voxspark_failures_total", "engine", "role-unfilled"] == 1
    assert samples["process_resident_memory_bytes",] > 100_000_000
    assert not any(word in text.lower() for word in WORDS[:2])


def check_turns(path: Path) -> None:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["source"] for line in lines].count("microphone") == 1
    assert all(line["timings"]["ended"] > 0 for line in lines)


def check_recording(folder: Path) -> None:
    (turn,) = folder.iterdir()
    assert {each.name for each in turn.iterdir()} == {"events.jsonl", "said.wav"}
    assert "Zanzibar" in (turn / "events.jsonl").read_text()


def check_top(env: dict[str, str]) -> None:
    """At a terminal: draws, follows the size of the window, and leaves everything as it was."""
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    for ending in (b"q", b"\x03"):
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
        process = subprocess.Popen(
            ["setsid", "--ctty", *VOXSPARK, "top"], stdin=theirs, stdout=theirs, stderr=theirs, env=env
        )
        shown = read_until(ours, b"Memory plan")
        assert ENTER in shown
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 5, 40, 0, 0))
        read_until(ours, b"\x1b[J")
        os.write(ours, ending)
        read_until(ours, LEAVE)
        assert process.wait(10) == (0 if ending == b"q" else 130)
        assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)


def read_until(terminal: int, wanted: bytes, seconds: float = 15.0) -> bytes:
    """What is written to a terminal, up to that."""
    seen, until = b"", time.monotonic() + seconds
    while wanted not in seen:
        assert select.select([terminal], [], [], max(0.0, until - time.monotonic()))[0], seen
        seen += os.read(terminal, 65_536)
    return seen
