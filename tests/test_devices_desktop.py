"""A service that is started at boot finds the desktop that comes later."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import anyio
import pytest

from tests.control_fake import until
from tests.desktop_portal import FakeManager
from tests.mpris_player import session_bus
from tests.x_server import x_server
from voxspark.config_listening import HotkeySettings
from voxspark.devices.desktop import find_desktop
from voxspark.devices.hotkey.ways import choose
from voxspark.push_to_talk import PushToTalk

pytestmark = [pytest.mark.anyio, pytest.mark.real]

WAYLAND = ("DISPLAY=:1", "WAYLAND_DISPLAY=wayland-0", "XAUTHORITY=/run/a=b", "XDG_CURRENT_DESKTOP=GNOME", "PATH=/evil")
FOUND = dict(entry.split("=", 1) for entry in WAYLAND[:4])
OUR_PID = str(os.getpid())


@pytest.fixture
def bus() -> Iterator[str]:
    with session_bus() as address:
        yield address


@asynccontextmanager
async def manager_on(bus: str, *environment: str) -> AsyncIterator[FakeManager]:
    manager = await FakeManager(*environment).start(bus)
    try:
        yield manager
    finally:
        manager.stop()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"PATH": "/bin"}, {"PATH": "/bin", **FOUND}),
        ({"DISPLAY": ":9"}, {"DISPLAY": ":9"}),
        ({"DISPLAY": ":9", "SYSTEMD_EXEC_PID": "1"}, {"DISPLAY": ":9", "SYSTEMD_EXEC_PID": "1"}),
        ({"DISPLAY": ":9", "SYSTEMD_EXEC_PID": OUR_PID}, {**FOUND, "SYSTEMD_EXEC_PID": OUR_PID}),
    ],
    ids=["without a desktop", "in a terminal", "child of a service", "service"],
)
async def test_the_manager_is_asked_where_the_environment_is_its_own_or_empty(
    bus: str, before: dict[str, str], after: dict[str, str]
) -> None:
    async with manager_on(bus, *WAYLAND):
        await find_desktop(before, bus)
    assert before == after


@pytest.mark.parametrize("address", ["without a manager", "unix:path=/nowhere/bus"])
async def test_nobody_to_ask(bus: str, address: str) -> None:
    environment: dict[str, str] = {}
    await find_desktop(environment, bus if address == "without a manager" else address)
    assert environment == {}


async def test_a_desktop_that_starts_after_the_daemon_gets_its_key(bus: str) -> None:
    environment: dict[str, str] = {}
    push = PushToTalk(
        HotkeySettings(key="f13"),
        lambda _: None,
        lambda _: None,
        lambda: 1.0,
        choose=lambda settings: choose(settings, environment=environment, bus_address=bus),
    )
    with x_server("black") as display:
        async with manager_on(bus) as manager, anyio.create_task_group() as group:
            group.start_soon(push.run)
            await until(lambda: push.state()["state"].startswith("lost"))
            assert push.state()["engine"] == "evdev"
            manager.environment.append(f"DISPLAY={display}")
            with anyio.fail_after(10):
                await until(lambda: push.state() == {"engine": "x11", "key": "f13", "state": "open"})
            group.cancel_scope.cancel()
