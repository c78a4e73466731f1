"""A picture of a real X server's screen, and of a desktop's over a real D-Bus."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image

from tests.desktop_portal import FakePortal, screenshot_file
from tests.mpris_player import session_bus
from tests.x_server import x_server
from voxspark.devices import portal as portals
from voxspark.devices.screen import Screen
from voxspark.errors import DeviceError

pytestmark = [pytest.mark.anyio, pytest.mark.real]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with session_bus() as address:
        yield address


@asynccontextmanager
async def running(portal: FakePortal, address: str) -> AsyncIterator[Screen]:
    await portal.start(address)
    try:
        yield Screen(environment={}, bus_address=address)
    finally:
        portal.stop()


async def refused(portal: FakePortal, address: str) -> DeviceError:
    async with running(portal, address) as screen:
        with pytest.raises(DeviceError) as caught:
            await screen.look()
    return caught.value


# ── X11 ─────────────────────────────────────────────────────────────────────────────────────────


async def test_the_root_window_has_the_colour_that_it_was_given() -> None:
    with x_server("red") as display:
        picture = Image.open(io.BytesIO(await Screen(environment={"DISPLAY": display}).look()))
    assert picture.size == (1280, 720)
    assert picture.getpixel((640, 360)) == (255, 0, 0)


async def test_full_size() -> None:
    with x_server("blue") as display:
        picture = Image.open(io.BytesIO(await Screen(environment={"DISPLAY": display}).capture()))
    assert (picture.format, picture.size, picture.getpixel((0, 0))) == ("PNG", (1600, 900), (0, 0, 255))


# ── the portal ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("quirk", ["none", "early", "old"])
async def test_the_portal_s_picture_is_taken_and_its_file_deleted(address: str, tmp_path: Path, quirk: str) -> None:
    file = screenshot_file(tmp_path)
    Image.new("RGB", (1920, 1080), "green").save(file)
    portal = FakePortal(file.as_uri(), early=quirk == "early", old=quirk == "old")
    async with running(portal, address) as screen:
        picture = Image.open(io.BytesIO(await screen.look()))
    assert (picture.size, picture.getpixel((9, 9))) == ((1280, 720), (0, 128, 0))
    assert not file.exists()
    assert portal.asked[0]["interactive"] is False


async def test_a_user_who_does_not_allow_it(address: str) -> None:
    assert (await refused(FakePortal(response=1), address)).code == "screen-refused"


async def test_a_user_who_does_not_answer(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portals, "ANSWER_SECONDS", 0.1)
    assert (await refused(FakePortal(response=None), address)).code == "screen-refused"


@pytest.mark.parametrize(
    "portal",
    [
        FakePortal(response=2),
        FakePortal("http://example.org/x.png"),
        FakePortal("file:///nowhere/x.png"),
        FakePortal("file:///dev"),
        FakePortal(7),
        FakePortal("file:///a%00b"),
    ],
    ids=["failed", "http", "missing", "folder", "number", "null"],
)
async def test_a_portal_that_makes_no_sense(address: str, portal: FakePortal) -> None:
    assert (await refused(portal, address)).code == "screen-unavailable"


async def test_a_bus_without_a_portal(address: str) -> None:
    with pytest.raises(DeviceError) as caught:
        await Screen(environment=os.environ | {"WAYLAND_DISPLAY": "", "DISPLAY": ""}, bus_address=address).look()
    assert "xdg-desktop-portal" in caught.value.remedy
