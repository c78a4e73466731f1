"""The desktop's way, against a portal service of our own on a real D-Bus; and which way is taken."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from dbus_fast import Message
from dbus_fast.aio import MessageBus

from tests.control_fake import until
from tests.mpris_player import session_bus
from tests.shortcuts_portal import SHORTCUTS, FakeShortcuts
from voxspark.config_listening import HotkeySettings
from voxspark.devices import portal as portals
from voxspark.devices.hotkey.identity import APP_ID, keep_entry
from voxspark.devices.hotkey.portal import PortalHotkey
from voxspark.devices.hotkey.ways import choose
from voxspark.errors import DeviceError
from voxspark.events import DeviceChanged, Event, Failed
from voxspark.push_to_talk import PushToTalk, Stroke
from voxspark.shortcuts import parse_shortcut
from voxspark.types import KeyPressed, KeyReleased, Pressed, Released

pytestmark = [pytest.mark.anyio, pytest.mark.real]

KEYS = {"talk": parse_shortcut("ctrl+alt+space"), "mute": parse_shortcut("f14")}
DBUS = "org.freedesktop.DBus"
NOWHERE = "unix:path=/nowhere/bus"


@pytest.fixture(scope="module")
def bus() -> Iterator[str]:
    with session_bus() as address:
        yield address


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "usr"))
    return tmp_path


@asynccontextmanager
async def on(bus: str, portal: FakeShortcuts) -> AsyncIterator[FakeShortcuts]:
    await portal.start(bus)
    try:
        yield portal
    finally:
        portal.stop()


async def test_press_and_release(bus: str, home: Path) -> None:
    async with on(bus, FakeShortcuts()) as portal, PortalHotkey(KEYS, bus).watch() as strokes:
        assert portal.registered == APP_ID
        assert (home / "share" / "applications" / f"{APP_ID}.desktop").exists()
        assert [(name, about["preferred_trigger"]) for name, about in portal.bound] == [
            ("talk", "CTRL+ALT+space"),
            ("mute", "F14"),
        ]
        portal.activate("talk", session=f"{portal.sessions[-1]}x")
        portal.activate("other")
        portal.deactivate("talk")
        portal.activate("talk")
        portal.activate("talk")
        portal.deactivate("talk")
        portal.activate("mute")
        told = [await anext(strokes) for _ in range(3)]
    assert told == [KeyPressed("talk"), KeyReleased("talk"), KeyPressed("mute")]


async def test_a_stranger_on_the_bus_cannot_press(bus: str) -> None:
    stranger = await MessageBus(bus_address=bus).connect()
    async with on(bus, FakeShortcuts()) as portal, PortalHotkey(KEYS, bus).watch() as strokes:
        body = [portal.sessions[-1], "mute", 1, {}]
        signal = Message.new_signal("/x", SHORTCUTS, "Activated", "osta{sv}", body)
        signal.destination = portal.caller
        await stranger.send(signal)
        await stranger.call(Message(destination=DBUS, path="/org/freedesktop/DBus", interface=DBUS, member="GetId"))
        portal.activate("talk")
        assert await anext(strokes) == KeyPressed("talk")
    stranger.disconnect()


async def test_a_shortcut_without_a_key_is_told(bus: str, caplog: pytest.LogCaptureFixture) -> None:
    portal = FakeShortcuts()
    portal.trigger = ""  # another program has the one that was preferred
    async with on(bus, portal), PortalHotkey({"talk": KEYS["talk"]}, bus).watch():
        assert "no key on “Talk to VoxSpark”" in caplog.text


async def test_portals_before_the_registry_are_not_told_who_asks(bus: str) -> None:
    async with on(bus, FakeShortcuts(registry=False, lists=True)) as portal, PortalHotkey(KEYS, bus).watch():
        assert portal.registered is None


@pytest.mark.parametrize(
    ("portal", "code"),
    [
        (FakeShortcuts(1), "hotkey-refused"),
        (FakeShortcuts(0, 1), "hotkey-refused"),
        (FakeShortcuts(0, None), "hotkey-refused"),
        (FakeShortcuts(gives=1), "hotkey-refused"),
        (FakeShortcuts(gives=1, lists=True), "hotkey-refused"),
        (FakeShortcuts(0, 2), "hotkey-portal"),
        (FakeShortcuts(version=0), "portal-without"),
    ],
)
async def test_what_the_desktop_does_not_give(
    bus: str, portal: FakeShortcuts, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portals, "ANSWER_SECONDS", 0.3)
    async with on(bus, portal):
        with pytest.raises(DeviceError) as caught:
            async with PortalHotkey(KEYS, bus).watch():
                raise AssertionError
    assert caught.value.code == code
    assert caught.value.remedy


async def test_without_a_name_it_says_what_the_desktop_says(bus: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with on(bus, FakeShortcuts()):
        monkeypatch.setattr("voxspark.devices.hotkey.identity.REGISTRY", "org.example.Unknown")
        with pytest.raises(DeviceError, match="An app id is required"):
            async with PortalHotkey(KEYS, bus).watch():
                raise AssertionError


@pytest.mark.parametrize("address", ["its own", NOWHERE])
async def test_without_a_portal(bus: str, address: str) -> None:
    with pytest.raises(DeviceError) as caught:
        async with PortalHotkey(KEYS, bus if address == "its own" else address).watch():
            raise AssertionError
    assert caught.value.code in ("portal-without", "portal-no-session")


@pytest.mark.parametrize("end", ["session", "portal"])
async def test_a_session_that_is_closed_is_opened_again(bus: str, end: str) -> None:
    posted: list[Stroke] = []
    told: list[Event] = []
    settings = HotkeySettings(engine="portal", key="f13")
    push = PushToTalk(
        settings, posted.append, told.append, lambda: 1.0, choose=lambda given: choose(given, bus_address=bus)
    )
    first = await FakeShortcuts().start(bus)
    second = first
    async with anyio.create_task_group() as group:
        group.start_soon(push.run)
        await until(lambda: push.state()["state"] == "open")
        first.activate("talk")
        await until(lambda: posted == [Pressed(1.0)])
        if end == "session":
            first.close_session()
        else:
            first.stop()
            await until(lambda: push.state()["state"].startswith("lost"))
            second = await FakeShortcuts().start(bus)
        await until(lambda: posted == [Pressed(1.0), Released(1.0)])
        await until(lambda: push.state()["state"] == "open")
        second.activate("talk")
        await until(lambda: len(posted) == 3)
        group.cancel_scope.cancel()
    second.stop()
    changes = [event.state for event in told if isinstance(event, DeviceChanged)]
    assert changes == ["open", "lost", "open"]
    assert [event.stage for event in told if isinstance(event, Failed)] == ["hotkey"]


# ── which way ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("environment", "version", "way"),
    [
        ({"DISPLAY": ":0", "XDG_SESSION_TYPE": "x11"}, 1, "x11"),
        ({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, 1, "portal"),
        ({"XDG_SESSION_TYPE": "wayland"}, 2, "portal"),
        ({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, 0, "evdev"),
        ({"XDG_SESSION_TYPE": "tty"}, 1, "evdev"),
        ({}, 1, "evdev"),
    ],
)
async def test_auto_takes_what_suits_and_says_why_not_another(
    bus: str, environment: dict[str, str], version: int, way: str
) -> None:
    async with on(bus, FakeShortcuts(version=version)):
        choice = await choose(HotkeySettings(key="f13"), environment=environment, bus_address=bus)
    assert choice.hotkey.way == way
    assert {reason.partition(":")[0] for reason in choice.not_taken} == {"x11", "portal", "evdev"} - {way}
    if not version:
        assert "portal: The desktop offers no GlobalShortcuts." in choice.not_taken


async def test_what_is_chosen_is_taken() -> None:
    choice = await choose(HotkeySettings(engine="x11", key="f13"), environment={}, bus_address=NOWHERE)
    assert (choice.hotkey.way, choice.not_taken) == ("x11", ())


def test_an_entry_that_is_installed_is_left_alone(home: Path) -> None:
    installed = home / "usr" / "applications" / f"{APP_ID}.desktop"
    installed.parent.mkdir(parents=True)
    installed.touch()
    keep_entry()
    assert not (home / "share").exists()
    installed.unlink()
    keep_entry()
    assert "Exec=" in (home / "share" / "applications" / f"{APP_ID}.desktop").read_text()
