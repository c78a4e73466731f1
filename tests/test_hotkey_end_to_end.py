"""Push-to-talk as a person does it: a key is held on a real X server while a question is spoken into a sound card."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon_process import VOXSPARK, DaemonProcess, private_env, running_daemon, voxspark
from tests.sound_card import SoundCard, sound_card
from tests.x_server import x_server

pytestmark = pytest.mark.real

QUESTION = Path(__file__).parent.parent / "voxspark" / "demo_questions" / "question4.wav"


@pytest.fixture(scope="module")
def card() -> Iterator[SoundCard]:
    with sound_card() as card:
        yield card


@pytest.fixture(scope="module")
def daemon(card: SoundCard) -> Iterator[DaemonProcess]:
    with x_server("black") as display:
        hotkey = {"VOXSPARK_HOTKEY__KEY": "ctrl+alt+space", "VOXSPARK_LISTENING__MODE": "push_to_talk"}
        kept = {name: value for name, value in card.env.items() if name not in ("WAYLAND_DISPLAY", "XDG_SESSION_TYPE")}
        with running_daemon({**kept, **hotkey, "DISPLAY": display, "HF_HUB_OFFLINE": "1"}) as daemon:
            daemon.wait_for("device_changed", device="microphone", state="open")
            daemon.wait_for("device_changed", device="hotkey", state="open")
            yield daemon


def keys(daemon: DaemonProcess, *words: str) -> None:
    subprocess.run(["xdotool", *words], env=daemon.env, check=True, timeout=10)


def test_what_is_said_while_the_key_is_held_is_answered(card: SoundCard, daemon: DaemonProcess) -> None:
    keys(daemon, "keydown", "ctrl", "keydown", "alt", "keydown", "space")
    daemon.wait_for("speech_started")
    card.play_into_microphone(QUESTION)
    keys(daemon, "keyup", "space", "keyup", "alt", "keyup", "ctrl")
    assert daemon.wait_for("speech_ended")["reason"] == "release"
    assert "144" in daemon.wait_for("turn_ended", outcome="answered")["heard"]
    card.play_into_microphone(QUESTION)  # to nobody
    assert len(daemon.of("speech_started")) == 1


def test_status_shows_it_and_another_program_is_told_that_it_is_taken(daemon: DaemonProcess) -> None:
    status = json.loads(daemon.call("status", "--json"))["hotkey"]
    assert status == {"engine": "x11", "key": "ctrl+alt+space", "state": "open"}
    assert "ctrl+alt+space by x11 (open)" in daemon.call("status")
    done = voxspark("hotkey", "test", env=daemon.env)
    assert (done.returncode, "Another program has the key" in done.stderr) == (4, True)


def test_one_key_of_the_desktop_for_both(daemon: DaemonProcess) -> None:
    before = len(daemon.events)
    daemon.call("listen", "--toggle")
    daemon.wait_for("speech_started", since=before)
    assert json.loads(daemon.call("status", "--json"))["state"] == "hearing"
    daemon.call("listen", "--toggle")
    assert json.loads(daemon.call("status", "--json"))["state"] == "listening"


def test_the_command_shows_presses(tmp_path: Path) -> None:
    with x_server("black") as display:
        env = {**private_env(tmp_path), "DISPLAY": display, "WAYLAND_DISPLAY": "", "XDG_SESSION_TYPE": "x11"}
        command = [*VOXSPARK, "hotkey", "test", "--key", "F13"]
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as it:
            assert it.stdout is not None
            lines = iter(it.stdout.readline, "")
            assert next(lines) == f"x11: This is X11, the display {display}.\n"
            assert next(line for line in lines if line.startswith("Press")) == "Press f13. Ctrl-C ends.\n"
            subprocess.run(["xdotool", "key", "191"], env=env, check=True)
            assert next(lines) == "talk: pressed\n"
            assert next(lines).startswith("talk: released after 0.")
            it.send_signal(signal.SIGINT)
            assert it.wait(10) == 130
