"""A daemon on a desktop: what rings is shown, and what others play goes down while it speaks."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from tests.daemon_process import VOXSPARK, private_env, running_daemon
from tests.desktop_sound import playing, streams
from tests.mpris_player import session_bus
from tests.notification_service import FakeDesktop
from tests.sound_card import SoundCard, sound_card

pytestmark = pytest.mark.real


def wait_for_music(card: SoundCard, percent: int) -> None:
    end = time.monotonic() + 20
    while (now := streams(card)["music"]) != percent:
        assert time.monotonic() < end, f"the music is at {now}"


def test_what_a_desktop_notices(tmp_path: Path) -> None:
    with sound_card() as card, session_bus() as address, start_blocking_portal() as portal:
        desktop = portal.call(FakeDesktop().start, address)
        sound = {
            name: card.env[name]
            for name in ("PULSE_SERVER", "PULSE_COOKIE", "ALSA_CONFIG_PATH", "VOXSPARK_ECHO__SELFTEST")
        }
        env = {**private_env(tmp_path), **sound, "DBUS_SESSION_BUS_ADDRESS": address}
        with playing(card, "music"), running_daemon(env, "--microphone", "null") as daemon:
            asking = subprocess.Popen([*VOXSPARK, "ask", "--aloud", "what time is it"], env=env, stdout=subprocess.PIPE)
            wait_for_music(card, 32)
            asking.communicate(timeout=30)
            wait_for_music(card, 80)
            daemon.call("ask", "set a timer for one second")
            daemon.wait_for("timer_rang")
            daemon.wait_until(lambda event: event["event"] == "speaking_started" and event["turn"] == 3, "the ring")
            daemon.call("stop")
            wait_for_music(card, 80)
        assert [each["text"] for each in desktop.shown] == ["Your 1 second timer is done."]
        portal.call(desktop.stop)
