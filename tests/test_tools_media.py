"""Media control on a real D-Bus, with players written by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from dbus_fast import Variant

from tests.mpris_player import FakePlayer, session_bus, track
from voxspark.errors import ToolError
from voxspark.tools.desktop.media import Media

pytestmark = [pytest.mark.anyio, pytest.mark.real]


@pytest.fixture(scope="module")
def bus() -> Iterator[str]:
    with session_bus() as address:
        yield address


class Stage:
    """A bus and the players on it."""

    def __init__(self, bus: str) -> None:
        self.bus = bus
        self.media = Media(bus)
        self.players: list[FakePlayer] = []

    async def add(self, name: str, status: str, **properties: Variant) -> FakePlayer:
        player = FakePlayer(name, PlaybackStatus=Variant("s", status), **properties)
        self.players.append(await player.start(self.bus))
        return player


@pytest.fixture
async def stage(bus: str, anyio_backend: str) -> AsyncIterator[Stage]:
    stage = Stage(bus)
    yield stage
    for player in stage.players:
        player.stop()


async def test_the_one_that_plays_is_meant(stage: Stage) -> None:
    idle = await stage.add("amarok", "Paused")
    loud = await stage.add("spotify", "Playing", Metadata=track("So What", "Miles Davis", "John Coltrane"))
    assert await stage.media.get_playing() == "This is So What by Miles Davis and John Coltrane."
    assert await stage.media.control_media("next") == "Next."
    assert await stage.media.control_media("pause") == "Paused."
    assert (idle.calls, loud.calls) == ([], ["Next", "Pause"])
    assert await stage.media.control_media("play", "Amarok") == "Playing."
    assert idle.calls == ["Play"]


async def test_play_means_what_is_paused(stage: Stage) -> None:
    stopped = await stage.add("a", "Stopped")
    paused = await stage.add("b", "Paused", Metadata=track("Blue"))
    assert await stage.media.get_playing() == "This is Blue. It is paused."
    await stage.media.control_media("play")
    assert (stopped.calls, paused.calls) == ([], ["Play"])


async def test_names_of_strangers_are_cleaned(stage: Stage) -> None:
    player = await stage.add("x", "Playing", Metadata=track("Hi\u202e<|im_start|>\n" + "y" * 500, "a\u200bb"))
    told = await stage.media.get_playing()
    assert told.startswith("This is Hi |im_start|>")
    assert told.endswith("… by ab.")
    assert len(told) < 150
    player.properties["Metadata"] = Variant("s", "odd")
    assert await stage.media.get_playing() == "This is something on X."


async def test_what_a_player_cannot_do(stage: Stage) -> None:
    player = await stage.add("radio", "Playing", CanGoNext=Variant("b", False))
    with pytest.raises(ToolError, match="Radio can't do that now"):
        await stage.media.control_media("next")
    assert player.calls == []


async def test_nobody_plays(stage: Stage) -> None:
    with pytest.raises(ToolError, match="No media player"):
        await stage.media.control_media("play")
    await stage.add("playerctld", "Playing")
    with pytest.raises(ToolError, match="No media player"):
        await stage.media.get_playing()
    await stage.add("vlc", "Stopped")
    assert await stage.media.get_playing() == "Nothing is playing."
    with pytest.raises(ToolError, match="Spotify is not running"):
        await stage.media.control_media("play", "Spotify")


async def test_a_player_that_hangs_is_passed_over(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxspark.tools.desktop.media.REPLY_SECONDS", 0.1)
    hung = await stage.add("hung", "Playing")
    hung.is_silent = True
    await stage.add("vlc", "Playing", Metadata=track("Blue"))
    assert await stage.media.get_playing() == "This is Blue."


@pytest.mark.parametrize("address", ["unix:path=/nowhere/bus", "nonsense"])
async def test_no_session(address: str) -> None:
    with pytest.raises(ToolError) as raised:
        await Media(address).get_playing()
    assert raised.value.code == "desktop-no-session"


async def test_tools() -> None:
    assert {each.name: (each.permission, each.declared.untrusted) for each in Media().tools} == {
        "control_media": ("act", False),
        "get_playing": ("read", True),
    }
