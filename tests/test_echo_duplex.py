"""Whether it listens while it speaks: chimes on a jumping clock, in simulated rooms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio
import numpy as np
import pytest

from tests.echo_room import LATENCY_SECONDS, SPEAKER_HZ, Microphone, Room
from tests.virtual_time import virtual_time
from voxspark.agent.swarm import LiveTurns
from voxspark.audio import resample, to_pcm16
from voxspark.bus import EventBus
from voxspark.config_listening import EchoSettings
from voxspark.devices.echo import duplex
from voxspark.devices.echo.duplex import Duplex, outlook
from voxspark.devices.echo.far_end import FarEnd
from voxspark.errors import DeviceError
from voxspark.events import DeviceChanged, EchoMeasured, Event, TurnStarted
from voxspark.types import CHUNK_SAMPLES, CHUNK_SECONDS, Chunk, Clip, Pcm

BLOCK = 960


@dataclass
class Desk:
    """A speaker and a microphone in a room."""

    room: Room
    far_end: FarEnd = field(default_factory=FarEnd)
    chimes: int = 0
    muted: bool = False
    broken: bool = False
    _queue: Pcm = field(default_factory=lambda: np.zeros(0, np.float32))
    audible_since: float | None = None

    def begin(self) -> None:
        self._queue = self._queue[:0]

    async def play(self, clip: Clip) -> None:
        if self.broken:
            raise DeviceError("speaker-lost", "The speaker is gone.")
        self.chimes += 1
        self._queue = resample(clip.samples, clip.sample_rate_hz, SPEAKER_HZ)

    async def drain(self) -> None:
        while len(self._queue):
            await anyio.sleep(0.01)
        await anyio.sleep(LATENCY_SECONDS)

    def stop(self) -> float:
        return 0.0

    def duck(self, gain: float) -> None: ...

    async def live(self, clean: Callable[[Chunk], Chunk]) -> None:
        """The sound cards run."""
        microphone, start, pulled, k = Microphone(self.room), anyio.current_time(), 0, 0
        noise = self.room.noise(1 << 20)
        while True:
            await anyio.sleep(start + (k + 1) * CHUNK_SECONDS - anyio.current_time())
            while pulled / SPEAKER_HZ < (k + 1) * CHUNK_SECONDS + LATENCY_SECONDS:
                block, self._queue = self._queue[:BLOCK], self._queue[BLOCK:]
                samples = np.pad(block, (0, BLOCK - len(block)))
                self.far_end.played(samples, SPEAKER_HZ, start + pulled / SPEAKER_HZ)
                microphone.played(samples, SPEAKER_HZ, 0.0)
                pulled += BLOCK
            near = microphone.hear(CHUNK_SAMPLES) + noise[k * CHUNK_SAMPLES :][:CHUNK_SAMPLES]
            if not self.muted:
                clean(Chunk(to_pcm16(near), start + k * CHUNK_SECONDS))
            k += 1


class Story:
    """A daemon's part that decides about the echo, with all that it needs."""

    def __init__(self, room: Room, system: str | None = None, **settings: object) -> None:
        self.desk, self.bus, self.turns = Desk(room), EventBus(), LiveTurns()
        self.events: list[EchoMeasured] = []

        async def find_system(_: str) -> str | None:
            return system

        self.duplex = Duplex(
            EchoSettings.model_validate(settings),
            self.desk.far_end,
            self.desk,
            self._emit,
            anyio.current_time,
            subscribe=self.bus.subscribe,
            yielding=self.turns.yielding,
            find_system=find_system,
        )

    def _emit(self, event: Event) -> None:
        assert isinstance(event, EchoMeasured)
        self.events.append(event)

    def opened(self, device: str, detail: str = "card, 48000 Hz", state: str = "open") -> None:
        self.bus.publish(DeviceChanged(anyio.current_time(), device, state, detail))

    async def run(self, seconds: float, then: Callable[[], Awaitable[None]] | None = None) -> None:
        async with anyio.create_task_group() as group:
            await group.start(self.duplex.run)
            group.start_soon(self.desk.live, self.duplex.clean)
            await anyio.sleep(0.5)
            self.opened("speaker")
            self.opened("microphone")
            await anyio.sleep(seconds)
            if then is not None:
                await then()
            group.cancel_scope.cancel()


@virtual_time
async def test_loudspeakers_are_measured_and_cancelled() -> None:
    story = Story(Room())
    await story.run(3.0)
    (event,) = story.events
    assert event.duplex == "full"
    assert event.at < 2.5, "ready is not long before it"
    assert event.delay_seconds == pytest.approx(0.08, abs=0.02)
    assert event.loss_db is not None
    assert event.loss_db > 12
    assert story.duplex.state() == {
        "duplex": "full",
        "reason": event.reason,
        "canceller": "webrtc",
        "delay_ms": pytest.approx(80, abs=20),
        "loss_db": pytest.approx(30, abs=20),
        "drift_ppm": pytest.approx(0, abs=1),
    }


@virtual_time
async def test_a_slow_speaker_is_given_a_second_chance() -> None:
    story = Story(Room(delay_seconds=0.25, echo_db=-10))
    await story.run(9.0)
    (event,) = story.events
    assert event.duplex == "full"
    assert story.desk.chimes <= 2


@virtual_time
async def test_headphones_need_no_canceller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplex, "Aec3", _not_installed)
    story = Story(Room(echo_db=-90))
    assert story.duplex.state()["duplex"] == "half", "until it is known"
    await story.run(3.0)
    assert [event.duplex for event in story.events] == ["full"]
    assert story.duplex.state()["canceller"] == "none"


def _not_installed() -> None:
    raise DeviceError("echo-canceller-missing", "The echo canceller is not installed.", "Run: pip install x")


@virtual_time
async def test_without_a_canceller_it_is_deaf_while_it_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplex, "Aec3", _not_installed)
    story = Story(Room())
    deaf: list[bool] = []

    async def say() -> None:
        await story.desk.play(Clip(np.full(24_000, 0.1, np.float32), 24_000, ""))
        for _ in range(20):
            await anyio.sleep(0.1)
            deaf.append(story.duplex.deaf)

    await story.run(3.0, say)
    (event,) = story.events
    assert event.duplex == "half"
    assert "pip install" in event.reason
    assert deaf[3:9] == [True] * 6
    assert deaf[-4:] == [False] * 4


@virtual_time
async def test_the_sound_server_s_canceller_is_left_alone() -> None:
    story = Story(Room(echo_db=-90), system="Echo-Cancel Source")
    await story.run(3.0)
    assert story.duplex.state()["canceller"] == "Echo-Cancel Source"
    assert [event.duplex for event in story.events] == ["full"]
    story = Story(Room(), system="Echo-Cancel Source")
    await story.run(9.0)
    (event,) = story.events
    assert event.duplex == "half"
    assert "Echo-Cancel Source" in event.reason


@virtual_time
async def test_a_device_that_is_known_is_not_chimed_at_again() -> None:
    story = Story(Room())

    async def replug() -> None:
        for detail in ("card, 48000 Hz", "headset, 16000 Hz", "card, 48000 Hz"):
            story.opened("microphone", state="lost")
            story.opened("microphone", detail)
            await anyio.sleep(3)

    await story.run(3.0, replug)
    assert story.desk.chimes == 2
    assert len(story.events) == 4


@virtual_time
async def test_a_hotkey_is_no_device_of_sound() -> None:
    story = Story(Room())

    async def replug() -> None:
        story.opened("microphone", state="lost")
        story.opened("hotkey", "ctrl+alt+space, by x11")
        story.opened("microphone")
        await anyio.sleep(1)

    await story.run(3.0, replug)
    assert len(story.events) == 2


@pytest.mark.parametrize("what", ["muted", "broken", "selftest", "turn"])
@virtual_time
async def test_there_is_no_chime_where_it_does_not_belong(what: str) -> None:
    story = Story(Room(), selftest=what != "selftest")
    story.desk.muted, story.desk.broken = what == "muted", what == "broken"
    if what == "turn":
        story.turns.note(TurnStarted(0.0, 1, "socket", 0.0))
    await story.run(14.0)
    assert story.desk.chimes == 0
    (event,) = story.events
    assert event.duplex == "full"
    assert "not been measured" in event.reason


@pytest.mark.parametrize(("mode", "is_deaf"), [("full", False), ("half", True)])
@virtual_time
async def test_the_settings_decide(mode: str, is_deaf: bool) -> None:
    story = Story(Room(), mode=mode)
    deaf: list[bool] = []

    async def say() -> None:
        await story.desk.play(Clip(np.full(24_000, 0.1, np.float32), 24_000, ""))
        await anyio.sleep(0.6)
        deaf.append(story.duplex.deaf)

    await story.run(2.0, say)
    assert story.desk.chimes == 1, "what is said, and no chime"
    assert deaf == [is_deaf]


def test_the_outlook_tells_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert outlook(EchoSettings())[0]
    assert outlook(EchoSettings(mode="half"))[0]
    monkeypatch.setattr(duplex, "Aec3", _not_installed)
    assert outlook(EchoSettings()) == (
        False, "The echo canceller is not installed. It is deaf while it speaks.", "Run: pip install x"
    )  # fmt: skip
