"""The volume of a real sound server's null sinks."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.desktop_sound import pactl
from tests.sound_card import SoundCard, sound_card
from voxspark.errors import ToolError
from voxspark.tools.desktop.volume import Volume

pytestmark = [pytest.mark.anyio, pytest.mark.real]


@pytest.fixture(scope="module")
def card() -> Iterator[SoundCard]:
    with sound_card() as card:
        yield card


@pytest.fixture
def volume(card: SoundCard) -> Volume:
    pactl(card, "set-default-sink", "speaker")
    pactl(card, "set-sink-volume", "speaker", "50%")
    pactl(card, "set-sink-mute", "speaker", "0")
    return Volume(card.env["PULSE_SERVER"])


def level(card: SoundCard) -> str:
    return pactl(card, "get-sink-volume", "speaker").partition("%")[0].split()[-1]


@contextmanager
def playing(card: SoundCard) -> Iterator[None]:
    """A program plays silence through the speaker."""
    player = subprocess.Popen(["paplay", "--raw", "--device=speaker", "/dev/zero"], env=card.env)
    try:
        while not pactl(card, "list", "short", "sink-inputs"):
            pass
        yield
    finally:
        player.kill()
        player.wait()


async def test_setting_and_telling(card: SoundCard, volume: Volume) -> None:
    assert await volume.get_volume() == "The volume is at 50 percent."
    assert await volume.set_volume(30) == "Volume 30 percent."
    assert level(card) == "30"
    with pytest.raises(ToolError, match="0 to 100"):
        await volume.set_volume(150)
    assert level(card) == "30"


async def test_up_and_down_stay_in_bounds(card: SoundCard, volume: Volume) -> None:
    assert await volume.change_volume("up") == "Volume 60 percent."
    assert await volume.change_volume("down", 100) == "Volume 0 percent."
    assert await volume.change_volume("up", 100) == "Volume 100 percent."
    assert await volume.change_volume("up") == "The volume is already at its highest."
    pactl(card, "set-sink-volume", "speaker", "140%")
    assert await volume.change_volume("down", 5) == "Volume 100 percent."


async def test_mute(card: SoundCard, volume: Volume) -> None:
    assert await volume.set_mute() == "Muted."
    assert "yes" in pactl(card, "get-sink-mute", "speaker")
    assert await volume.get_volume() == "The volume is at 50 percent, and muted."
    assert await volume.change_volume("up") == "Volume 60 percent."
    assert "no" in pactl(card, "get-sink-mute", "speaker")
    await volume.set_mute()
    assert await volume.set_mute(False) == "Unmuted."


async def test_outputs(card: SoundCard, volume: Volume) -> None:
    pactl(card, "load-module", "module-null-sink", "sink_name=usb", "sink_properties=device.description=Headset")
    listed = await volume.list_outputs()
    assert listed.startswith("Sound comes from Null Output. There is also ")
    assert "Headset" in listed
    assert await volume.set_output("my headset") == "Sound now comes from Headset."
    assert pactl(card, "get-default-sink").strip() == "usb"
    with pytest.raises(ToolError) as raised:
        await volume.set_output("kitchen")
    assert raised.value.code == "volume-output-unknown"
    with pytest.raises(ToolError, match="Which one"):
        await volume.set_output("e")
    assert pactl(card, "get-default-sink").strip() == "usb"


async def test_a_playing_stream_moves_along(card: SoundCard, volume: Volume) -> None:
    with playing(card):
        await volume.set_output("mic")
        sinks = {line.split()[1]: line.split()[0] for line in pactl(card, "list", "short", "sinks").splitlines()}
        assert pactl(card, "list", "short", "sink-inputs").split()[1] == sinks["mic"]


async def test_no_sound_server(tmp_path: object) -> None:
    with pytest.raises(ToolError) as raised:
        await Volume(f"unix:{tmp_path}/none").get_volume()
    assert raised.value.code == "volume-server"


async def test_what_cannot_connect_leaves_nothing_open(tmp_path: object) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    volume = Volume(f"unix:{tmp_path}/none")
    with pytest.raises(ToolError):
        await volume.get_volume()
    before = descriptors()
    for _ in range(5):
        with pytest.raises(ToolError):
            await volume.get_volume()
    assert descriptors() <= before


async def test_tools() -> None:
    assert {each.name: each.permission for each in Volume().tools} == {
        "change_volume": "act",
        "get_volume": "read",
        "list_outputs": "read",
        "set_mute": "act",
        "set_output": "act",
        "set_volume": "act",
    }
