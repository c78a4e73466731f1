"""Devices that go away and come back, on a jumping clock."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import anyio
import numpy as np
import pytest

from tests.virtual_time import virtual_time
from voxspark.devices.null import NullSpeaker
from voxspark.devices.retry import ReliableMicrophone, ReliableSpeaker
from voxspark.errors import DeviceError
from voxspark.events import DeviceChanged, Event, Failed
from voxspark.types import CHUNK_SAMPLES, Chunk, Clip

GONE = DeviceError("x-lost", "It has gone.", "Plug it in.")


class Source:
    """A microphone of so many chunks, one every 32 ms, that then breaks or ends."""

    description = "fake"
    real = True

    def __init__(self, chunks: float, breaks: bool = True, dropped_seconds: float = 0.0, value: int = 0) -> None:
        self.value = value
        self._chunks = chunks
        self._breaks = breaks
        self.dropped_seconds = dropped_seconds
        self.closed = False

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        try:
            n = 0
            while n < self._chunks:
                n += 1
                await anyio.sleep(0.032)
                yield Chunk(np.full(CHUNK_SAMPLES, self.value, np.int16), anyio.current_time() - 0.032)
            if self._breaks:
                raise GONE
        finally:
            self.closed = True

    async def aclose(self) -> None:
        await anyio.sleep(0.05)  # a sound server takes some time
        self.closed = True


class Opener:
    """Opens what it was given, in turn; None is a failure. The last one is repeated."""

    def __init__(self, *sources: Source | None) -> None:
        self._sources = sources
        self.tried_at: list[float] = []

    async def __call__(self) -> Source:
        source = self._sources[min(len(self.tried_at), len(self._sources) - 1)]
        self.tried_at.append(anyio.current_time())
        if source is None:
            raise GONE
        return source


def told(events: Sequence[Event]) -> list[tuple[float, str]]:
    """When and what, for short."""
    what = {DeviceChanged: "state", Failed: "code"}
    return [(round(e.at, 2), str(getattr(e, what[type(e)]))) for e in events]


# ── microphone ──────────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_a_lost_microphone_is_told_once_and_comes_back() -> None:
    events: list[Event] = []
    opener = Opener(Source(2), None, None, None, Source(3, breaks=False))
    microphone = ReliableMicrophone(opener, events.append, anyio.current_time)
    assert microphone.state == "opening"
    chunks = [chunk async for chunk in microphone.chunks()]
    assert len(chunks) == 5
    assert told(events) == [(0.0, "open"), (0.06, "x-lost"), (0.06, "lost"), (2.81, "open"), (2.91, "ended")]
    failed = events[1]
    assert isinstance(failed, Failed)
    assert (failed.stage, failed.message, failed.remedy) == ("device", "It has gone.", "Plug it in.")
    assert microphone.state == "ended"
    assert [c.at for c in chunks] == sorted(c.at for c in chunks)


@virtual_time
async def test_the_waits_double_up_to_one_second() -> None:
    opener = Opener(None)
    microphone = ReliableMicrophone(opener, lambda _: None, anyio.current_time)
    with anyio.move_on_after(30):
        async for _ in microphone.chunks():
            raise AssertionError
    waits = np.diff(opener.tried_at).tolist()
    assert waits == pytest.approx([0.25, 0.5, *[1] * 29])
    assert microphone.state == "lost: It has gone."


@virtual_time
async def test_a_device_that_flaps_is_not_tried_four_times_a_second_for_ever() -> None:
    opener = Opener(*(Source(1) for _ in range(6)), Source(200, value=9), Source(1, breaks=False))
    microphone = ReliableMicrophone(opener, lambda _: None, anyio.current_time)
    async for _ in microphone.chunks():
        pass
    waits = np.diff(opener.tried_at)
    assert waits[4] > 0.9
    assert waits[6] == pytest.approx(200 * 0.032 + 0.25)


@virtual_time
async def test_dropped_audio_adds_up_over_devices() -> None:
    opener = Opener(Source(1, dropped_seconds=0.5), Source(1, breaks=False, dropped_seconds=0.25))
    microphone = ReliableMicrophone(opener, lambda _: None, anyio.current_time)
    seen = [microphone.dropped_seconds async for _ in microphone.chunks()]
    assert seen == [0.5, 0.75]


@virtual_time
async def test_closing_or_cancelling_closes_the_device() -> None:
    for cancel in (False, True):
        source = Source(math.inf)
        microphone = ReliableMicrophone(Opener(source), lambda _: None, anyio.current_time)
        with anyio.CancelScope() as scope:
            async with aclosing(microphone.chunks()) as chunks:
                async for _ in chunks:
                    if not cancel:
                        break
                    scope.cancel()
        assert source.closed


@virtual_time
async def test_a_muted_microphone_is_closed_and_goes_on_when_unmuted() -> None:
    events: list[Event] = []
    sources = [Source(math.inf), Source(3, breaks=False)]
    microphone = ReliableMicrophone(Opener(*sources), events.append, anyio.current_time)
    heard: list[float] = []

    async def listen() -> None:
        heard.extend([round(chunk.at, 2) async for chunk in microphone.chunks()])

    async with anyio.create_task_group() as group:
        group.start_soon(listen)
        await anyio.sleep(0.1)
        microphone.mute(True)
        microphone.mute(True)
        assert microphone.state == "open", "it is not closed yet"
        await anyio.sleep(0.06)
        assert sources[0].closed
        assert microphone.state == "muted"
        assert microphone.starved_seconds == 0
        await anyio.sleep(10)
        microphone.mute(False)
        await anyio.sleep(0.01)
        assert microphone.state == "opening"
    assert heard == [0.0, 0.03, 0.06, 10.16, 10.19, 10.22]
    assert told(events) == [(0.0, "open"), (0.15, "muted"), (10.16, "open"), (10.26, "ended")]


@virtual_time
async def test_muting_while_a_chunk_is_dealt_with_closes_it_too() -> None:
    source = Source(math.inf)
    microphone = ReliableMicrophone(Opener(source), lambda _: None, anyio.current_time)

    async def listen() -> None:
        async for _ in microphone.chunks():
            microphone.mute(True)

    async with anyio.create_task_group() as group:
        group.start_soon(listen)
        await anyio.sleep(1)
        assert source.closed
        assert microphone.state == "muted"
        group.cancel_scope.cancel()


@virtual_time
async def test_muting_ends_the_wait_for_a_device_that_is_lost() -> None:
    opener = Opener(None, Source(1, breaks=False))
    microphone = ReliableMicrophone(opener, lambda _: None, anyio.current_time)
    microphone.mute(True)

    async def change() -> None:
        await anyio.sleep(1)
        assert opener.tried_at == [], "muted from the start"
        for at_once in (False, True, False):
            microphone.mute(at_once)
        await anyio.sleep(0.1)
        microphone.mute(True)
        await anyio.sleep(1)
        assert microphone.state == "muted"
        microphone.mute(False)

    async with anyio.create_task_group() as group:
        group.start_soon(change)
        assert len([chunk async for chunk in microphone.chunks()]) == 1
    assert opener.tried_at == pytest.approx([1.0, 2.1])


@virtual_time
async def test_muting_for_a_moment_opens_the_device_anew() -> None:
    sources = [Source(math.inf), Source(2, breaks=False)]
    microphone = ReliableMicrophone(Opener(*sources), lambda _: None, anyio.current_time)

    async def blink() -> None:
        await anyio.sleep(0.05)
        microphone.mute(True)
        microphone.mute(False)

    async with anyio.create_task_group() as group:
        group.start_soon(blink)
        assert len([chunk async for chunk in microphone.chunks()]) == 3
    assert [source.closed for source in sources] == [True, True]


@virtual_time
async def test_a_device_that_opens_and_gives_nothing_starves() -> None:
    opener = Opener(Source(2), Source(0), Source(0), None, Source(0), Source(math.inf))
    microphone = ReliableMicrophone(opener, lambda _: None, anyio.current_time)
    seen: dict[int, float] = {}

    async def watch() -> None:
        while True:
            await anyio.sleep(0.01)
            seen[len(opener.tried_at)] = max(seen.get(len(opener.tried_at), 0.0), microphone.starved_seconds)

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        async with aclosing(microphone.chunks()) as chunks:
            async for chunk in chunks:
                if chunk.at > 6:
                    break
        group.cancel_scope.cancel()
    assert seen[1] == pytest.approx(0.25, abs=0.02), "since its last chunk"
    assert seen[3] == pytest.approx(1.75, abs=0.02), "all the time it cannot be revived"
    assert microphone.starved_seconds == 0


@virtual_time
async def test_digital_silence_is_told_once_and_opened_anew_more_and_more_seldom() -> None:
    events: list[Event] = []
    opener = Opener(*[Source(math.inf) for _ in range(9)])
    microphone = ReliableMicrophone(opener, events.append, anyio.current_time)
    async with aclosing(microphone.chunks()) as chunks:
        async for chunk in chunks:
            if chunk.at > 160:
                break
    assert np.round(opener.tried_at) == pytest.approx([0, 5, 15, 35, 75, 155])
    assert [what for _, what in told(events)] == ["open", "microphone-silent"]
    assert microphone.report()["silent"]
    assert microphone.report()["level_dbfs"] == -120


@virtual_time
async def test_a_microphone_behind_a_noise_gate_is_not_called_silent_for_a_pause() -> None:
    events: list[Event] = []
    source = Source(math.inf)
    microphone = ReliableMicrophone(Opener(source), events.append, anyio.current_time)
    async with aclosing(microphone.chunks()) as chunks:
        async for chunk in chunks:
            source.value = 500 if chunk.at % 50 < 1 else 0
            if chunk.at > 200:
                break
    assert [what for _, what in told(events)] == ["open"]
    assert not microphone.report()["silent"]


@virtual_time
async def test_a_microphone_that_is_too_loud_is_told_each_time_it_becomes_so() -> None:
    events: list[Event] = []
    source = Source(math.inf, value=32_767)
    microphone = ReliableMicrophone(Opener(source), events.append, anyio.current_time)
    async with aclosing(microphone.chunks()) as chunks:
        async for chunk in chunks:
            source.value = 32_767 if chunk.at % 40 < 20 else 500
            if chunk.at > 50:
                break
    assert told(events) == [
        (0.0, "open"),
        (pytest.approx(4.96, abs=0.1), "microphone-clipped"),
        (pytest.approx(40.1, abs=0.2), "microphone-clipped"),
    ]


@virtual_time
async def test_another_device_or_rate_behind_the_same_name_is_told() -> None:
    events: list[Event] = []
    source = Source(4, breaks=False)
    microphone = ReliableMicrophone(Opener(source), events.append, anyio.current_time)
    async for chunk in microphone.chunks():
        source.description = "first" if chunk.at < 0.05 else "second"
    assert [e.detail for e in events if isinstance(e, DeviceChanged)] == ["fake", "first", "second", "second"]


# ── speaker ─────────────────────────────────────────────────────────────────────────────────────


class Speaker(NullSpeaker):
    """A speaker whose cable can be pulled."""

    def __init__(self) -> None:
        super().__init__(anyio.current_time)
        self.pulled = anyio.Event()

    async def lost(self) -> DeviceError:
        await self.pulled.wait()
        return GONE

    def _check(self) -> None:
        if self.pulled.is_set():
            raise GONE

    @property
    def closed(self) -> bool:
        return self._closed


class Speakers:
    """Opens a new speaker each time, while there is one."""

    def __init__(self) -> None:
        self.there = True
        self.opened: list[Speaker] = []

    async def __call__(self) -> Speaker:
        if not self.there:
            raise GONE
        self.opened.append(Speaker())
        return self.opened[-1]


def second(seconds: float) -> Clip:
    return Clip(np.full(round(24_000 * seconds), 0.5, np.float32), 24_000, "one")


@virtual_time
async def test_a_speaker_plays_once_it_runs() -> None:
    events: list[Event] = []
    speaker = ReliableSpeaker(Speakers(), events.append, anyio.current_time)
    speaker.begin()
    speaker.duck(0.5)
    assert (speaker.stop(), speaker.audible_since, speaker.state) == (0.0, None, "opening")
    with pytest.raises(DeviceError) as caught:
        await speaker.play(second(1))
    assert caught.value.code == "speaker-not-open"
    async with anyio.create_task_group() as group:
        await group.start(speaker.run)
        assert speaker.state == "open"
        speaker.begin()
        await speaker.play(second(1))
        await speaker.drain()
        assert speaker.stop() == pytest.approx(1.0)
        assert speaker.audible_since == pytest.approx(0.0, abs=1e-3)
        group.cancel_scope.cancel()
    assert told(events) == [(0.0, "open")]


@virtual_time
async def test_a_lost_speaker_fails_the_reply_at_once_and_comes_back() -> None:
    events: list[Event] = []
    speakers = Speakers()
    speaker = ReliableSpeaker(speakers, events.append, anyio.current_time)
    async with anyio.create_task_group() as group:
        await group.start(speaker.run)
        speaker.begin()
        async with anyio.create_task_group() as reply:

            async def pull() -> None:
                await anyio.sleep(1)
                speakers.there = False
                speakers.opened[0].pulled.set()

            reply.start_soon(pull)
            with pytest.raises(DeviceError):
                await speaker.play(second(5))
        assert anyio.current_time() < 1.2
        assert speaker.stop() == pytest.approx(1.0, abs=0.06)
        await anyio.sleep(0.01)
        before = anyio.current_time()
        with pytest.raises(DeviceError, match="gone"):
            await speaker.play(second(1))
        with pytest.raises(DeviceError, match="gone"):
            await speaker.drain()
        assert anyio.current_time() == before
        assert speaker.state == "lost: It has gone."
        await anyio.sleep(60)
        speakers.there = True
        await anyio.sleep(5.1)
        assert speaker.state == "open"
        speaker.begin()
        await speaker.play(second(0.1))
        await speaker.drain()
        assert speaker.stop() == pytest.approx(0.1)
        group.cancel_scope.cancel()
    assert [what for _, what in told(events)] == ["open", "x-lost", "lost", "open"]
    assert [s.closed for s in speakers.opened] == [True, True]


@virtual_time
async def test_a_speaker_missing_at_the_start_does_not_hold_the_start_up() -> None:
    events: list[Event] = []
    speakers = Speakers()
    speakers.there = False
    speaker = ReliableSpeaker(speakers, events.append, anyio.current_time)
    async with anyio.create_task_group() as group:
        await group.start(speaker.run)
        assert anyio.current_time() == 0.0
        assert speaker.state.startswith("lost")
        speakers.there = True
        await anyio.sleep(0.3)
        await speaker.play(second(0.1))
        group.cancel_scope.cancel()
    assert told(events) == [(0.0, "x-lost"), (0.0, "lost"), (0.25, "open")]
