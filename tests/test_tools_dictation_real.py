"""Dictation into a real terminal on a real X server, and through a desktop's portal on a real D-Bus."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import pytest

from tests.desktop_portal import FakeRemoteDesktop
from tests.mpris_player import session_bus
from tests.x_server import x_server
from voxspark.devices import portal as portals
from voxspark.devices.keyboard import Keyboard
from voxspark.errors import DeviceError
from voxspark.tools.desktop.dictation import Dictation

pytestmark = [pytest.mark.anyio, pytest.mark.real]

TEXT = "Grüße an Zoë: 5 € für “Käse” & 'Brot' -- $HOME `ls` | C:\\Temp #1, naïve ½ Ωμέγα, да!"


# ── X11 ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with x_server("black") as display:
        yield display


@contextmanager
def terminal(display: str, file: Path) -> Iterator[None]:
    """One that fills the screen, has the focus, and writes every key into a file."""
    command = f"stty -icanon -echo; touch {file}; exec cat >> {file}"
    environment = {**os.environ, "DISPLAY": display, "LC_ALL": "C.UTF-8"}
    arguments = ["xterm", "-u8", "-geometry", "300x100+0+0", "-e", "sh", "-c", command]
    process = subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


async def arrived(file: Path, text: str) -> str:
    """What the file holds, as soon as it is as long as the text."""
    with anyio.move_on_after(5):
        while not file.exists() or len(file.read_text("utf-8", "replace")) < len(text):
            await anyio.sleep(0.02)
    await anyio.sleep(0.1)  # and no more comes
    return file.read_text("utf-8")


@pytest.mark.parametrize("layout", ["us", "de", "ru"])
async def test_the_very_text_arrives_and_no_new_line(display: str, tmp_path: Path, layout: str) -> None:
    file = tmp_path / "typed"
    await anyio.run_process(["setxkbmap", "-display", display, "-layout", layout])
    with terminal(display, file):
        await arrived(file, "")
        keyboard = Keyboard(environment={**os.environ, "DISPLAY": display, "WAYLAND_DISPLAY": ""})
        assert await Dictation(keyboard.type).dictate(f"{TEXT}\n\x03\x04") == "Typed."
        assert await arrived(file, TEXT) == TEXT


async def test_without_the_x_server_it_says_so() -> None:
    with pytest.raises(DeviceError) as caught:
        await Keyboard("x11", environment={**os.environ, "DISPLAY": ":9999"}).type("x")
    assert caught.value.code == "keyboard-failed"
    assert "display" in caught.value.remedy


# ── the portal ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with session_bus() as address:
        yield address


@asynccontextmanager
async def running(portal: FakeRemoteDesktop, address: str) -> AsyncIterator[Keyboard]:
    await portal.start(address)
    try:
        yield Keyboard(environment={}, bus_address=address)
    finally:
        portal.stop()


async def refused(portal: FakeRemoteDesktop, address: str) -> DeviceError:
    async with running(portal, address) as keyboard:
        with pytest.raises(DeviceError) as caught:
            await keyboard.type("ä")
    return caught.value


async def test_the_portal_s_keyboard_types_and_is_asked_for_once(address: str) -> None:
    portal = FakeRemoteDesktop()
    async with running(portal, address) as keyboard:
        await keyboard.type(TEXT)
        assert portal.typed == TEXT
        await keyboard.type("again")
        assert portal.typed == TEXT + "again"
    assert [asked.get("restore_token") for asked in portal.asked] == [None, "again"]
    assert {(asked["types"], asked["persist_mode"]) for asked in portal.asked} == {(1, 1)}


@pytest.mark.parametrize("responses", [(1,), (0, 1), (0, 0, 1)])
async def test_a_user_who_does_not_allow_it(address: str, responses: tuple[int, ...]) -> None:
    portal = FakeRemoteDesktop(*responses)
    assert (await refused(portal, address)).code == "keyboard-refused"
    assert portal.keys == []


async def test_a_user_who_lends_only_a_pointer_or_does_not_answer(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await refused(FakeRemoteDesktop(devices=2), address)).code == "keyboard-refused"
    monkeypatch.setattr(portals, "ANSWER_SECONDS", 0.1)
    assert (await refused(FakeRemoteDesktop(0, 0, None), address)).code == "keyboard-refused"


async def test_a_portal_that_fails_and_a_bus_without_one(address: str) -> None:
    assert "The desktop lets nobody type." in (await refused(FakeRemoteDesktop(2), address)).remedy
    assert "RemoteDesktop" in (await refused(FakeRemoteDesktop(broken=True), address)).remedy
    with pytest.raises(DeviceError) as caught:
        await Keyboard(environment={}, bus_address=address).type("x")
    assert "xdg-desktop-portal" in caught.value.remedy
