"""A picture of the screen: which way is taken, and what is said when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from voxspark.devices import screen
from voxspark.devices.screen import Screen
from voxspark.errors import DeviceError

pytestmark = pytest.mark.anyio

NOWHERE = "unix:path=/nowhere/bus"


def grim(folder: Path, script: str) -> Path:
    """A stand-in for grim."""
    program = folder / "grim"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def wayland(program: Path, *, x11: bool = False) -> Screen:
    environment = {"WAYLAND_DISPLAY": "wayland-1", "PATH": "/bin:/usr/bin"} | ({"DISPLAY": ":0"} if x11 else {})
    return Screen(environment=environment, bus_address=NOWHERE, which=lambda _: str(program))


async def failure(screen: Screen) -> DeviceError:
    with pytest.raises(DeviceError) as caught:
        await screen.look()
    assert caught.value.message.endswith(".")
    assert caught.value.remedy
    return caught.value


async def test_grim_on_wayland(tmp_path: Path) -> None:
    Image.new("RGB", (2560, 1440), "blue").save(tmp_path / "screen.png")
    program = grim(
        tmp_path, f'[ "$*" = "-t png -" ] && [ "$WAYLAND_DISPLAY" = wayland-1 ] && cat {tmp_path}/screen.png'
    )
    assert len(await wayland(program).look()) > 0
    assert await wayland(program).capture() == (tmp_path / "screen.png").read_bytes()


async def test_where_grim_fails_the_portal_is_asked_and_never_the_x_server(tmp_path: Path) -> None:
    program = grim(tmp_path, 'echo "compositor does not support wlr-screencopy-unstable-v1" >&2; exit 1')
    error = await failure(wayland(program, x11=True))
    assert error.code == "screen-unavailable"
    assert "wlr-screencopy" in error.remedy
    assert "session" in error.remedy
    assert "X server" not in error.remedy


async def test_grim_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "CAPTURE_SECONDS", 0.05)
    assert "Grim" in (await failure(wayland(grim(tmp_path, "exec sleep 60")))).remedy


async def test_what_grim_makes_may_be_no_picture(tmp_path: Path) -> None:
    assert (await failure(wayland(grim(tmp_path, "echo hello")))).code == "picture-unusable"


async def test_without_a_desktop() -> None:
    error = await failure(Screen(environment={}, bus_address=NOWHERE, which=lambda _: None))
    assert (error.code, error.message) == ("screen-unavailable", "I cannot see the screen.")


@pytest.mark.parametrize("display", ["", ":9999", "nonsense"])
async def test_an_x_server_that_is_not_there(display: str) -> None:
    assert (await failure(Screen("x11", environment={"DISPLAY": display}))).code == "screen-x11"


async def test_a_way_that_was_chosen_is_the_only_one(tmp_path: Path) -> None:
    chosen = Screen("grim", environment={"DISPLAY": ":0"}, which=lambda _: str(tmp_path / "missing"))
    assert (await failure(chosen)).code == "screen-grim"
