"""Finding and opening devices, against a PortAudio written by hand."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from contextlib import aclosing
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import anyio
import anyio.to_thread
import numpy as np
import pytest

from voxspark.devices.portaudio import PortAudioMicrophone, PortAudioSpeaker
from voxspark.devices.presence import Presence, presence
from voxspark.devices.sound_host import DeviceInfo, SoundHost, list_devices
from voxspark.errors import DeviceError
from voxspark.types import Clip


class PortAudioError(Exception):
    pass


class Stream:
    """What PortAudio opens; the test calls its callback."""

    latency = 0.05

    def __init__(self, host: FakePortAudio, direction: str, options: dict[str, Any]) -> None:
        self._host = host
        self.direction = direction
        self.callback = options["callback"]
        self.finished = options["finished_callback"]
        self.channels: int = options["channels"]
        self.open = False
        self._ptr = self
        self.closed = 0

    def start(self) -> None:
        self.open = True
        self._host.running.append(self)

    def abort(self) -> None:
        if self.open:
            self.finished()

    def close(self) -> None:
        self.open = False
        self.closed += 1

    def pull(self, frames: int, status: Any = None) -> Any:
        data = np.ones((frames, self.channels), np.float32)
        self.callback(data, frames, SimpleNamespace(outputBufferDacTime=1.1, currentTime=1.0), status)
        return data


class FakePortAudio(ModuleType):
    """The part of `sounddevice` that is used. `connected` is the hardware; `listed` what PortAudio knows of it."""

    PortAudioError = PortAudioError

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.connected: list[tuple[str, int, int]] = [("USB Headset", 1, 2), ("HDMI", 0, 8)]
        self.listed = list(self.connected)
        self.default = SimpleNamespace(device=(0, 1))
        self.running: list[Stream] = []
        self.refused_channels: Sequence[int] = ()
        self.starts = 1
        self.hold: threading.Event | None = None
        self._lib = SimpleNamespace(Pa_AbortStream=lambda stream: stream.abort(), Pa_CloseStream=Stream.close)

    def _exit_handler(self) -> None:
        if self.hold is not None:
            self.hold.wait(10)

    def query_devices(self) -> list[dict[str, Any]]:
        keys = ("name", "max_input_channels", "max_output_channels")
        return [{**dict(zip(keys, device, strict=True)), "default_samplerate": 48_000.0} for device in self.listed]

    def _terminate(self) -> None:
        assert not any(stream.open for stream in self.running)

    def _initialize(self) -> None:
        self.listed = list(self.connected)
        self.starts += 1

    def InputStream(self, **options: Any) -> Stream:
        return self._stream("input", options)

    def OutputStream(self, **options: Any) -> Stream:
        return self._stream("output", options)

    def _stream(self, direction: str, options: dict[str, Any]) -> Stream:
        if self.hold is not None:
            self.hold.wait(10)
        if options["channels"] in self.refused_channels:
            os.write(2, b"ALSA lib pcm.c: unknown PCM\n")
            raise PortAudioError("Invalid number of channels")
        return Stream(self, direction, options)


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> FakePortAudio:
    fake = FakePortAudio()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


async def microphone(name: str, host: SoundHost) -> PortAudioMicrophone:
    device = PortAudioMicrophone(name, anyio.current_time, host)
    await device.open()
    return device


async def speaker(name: str, host: SoundHost) -> PortAudioSpeaker:
    device = PortAudioSpeaker(name, anyio.current_time, 0.2, host)
    await device.open()
    return device


def test_devices_are_listed_by_what_they_can_do(portaudio: FakePortAudio) -> None:
    assert list_devices() == [
        DeviceInfo("USB Headset", "microphone", 1, 48_000, True),
        DeviceInfo("USB Headset", "speaker", 2, 48_000, False),
        DeviceInfo("HDMI", "speaker", 8, 48_000, True),
    ]


@pytest.mark.anyio
async def test_a_device_is_found_by_default_name_or_part_of_it(portaudio: FakePortAudio) -> None:
    portaudio.connected = portaudio.listed = [("HDMI 10", 0, 2), ("HDMI 1", 0, 2), *portaudio.listed]
    portaudio.default.device = (2, 3)
    for name, found in [("default", "HDMI"), ("hdmi 1", "HDMI 1"), ("headset", "USB Headset"), ("HDMI", "HDMI")]:
        device = await speaker(name, SoundHost())
        assert device.description == f"{found}, 48000 Hz"
        device.close()


@pytest.mark.anyio
async def test_an_unknown_name_lists_the_nearest(portaudio: FakePortAudio) -> None:
    with pytest.raises(DeviceError, match="There is no microphone called HDMI") as caught:
        await microphone("HDMI", SoundHost())
    assert caught.value.code == "microphone-not-found"
    assert "USB Headset" in caught.value.remedy


@pytest.mark.anyio
async def test_a_machine_without_devices(portaudio: FakePortAudio) -> None:
    portaudio.connected = portaudio.listed = []
    portaudio.default.device = (-1, -1)
    for name in ("default", "anything"):
        with pytest.raises(DeviceError) as caught:
            await speaker(name, SoundHost())
        assert caught.value.code == "speaker-not-found"


@pytest.mark.anyio
async def test_a_device_that_refuses_two_channels_is_opened_with_one(
    portaudio: FakePortAudio, capfd: pytest.CaptureFixture[str]
) -> None:
    host = SoundHost()
    portaudio.refused_channels = (2,)
    device = await speaker("HDMI", host)
    assert portaudio.running[-1].channels == 1
    device.close()
    portaudio.refused_channels = (1, 2, 8)
    with pytest.raises(DeviceError) as caught:
        await speaker("HDMI", host)
    assert caught.value.code == "speaker-open-failed"
    assert isinstance(caught.value.__cause__, PortAudioError)
    os.write(2, b"ours")
    assert capfd.readouterr().err == "ours", "what ALSA writes to the terminal is hidden, and nothing after it"


@pytest.mark.anyio
async def test_a_device_plugged_in_later_is_found_though_an_idle_speaker_is_open(portaudio: FakePortAudio) -> None:
    host = SoundHost()
    voice = await speaker("HDMI", host)
    portaudio.connected = [*portaudio.connected, ("New Mic", 1, 0)]
    ears = await microphone("New Mic", host)
    assert [stream.open for stream in portaudio.running] == [False, True]
    await voice.play(Clip(np.ones(100, np.float32), 48_000, "hi"))
    assert [stream.open for stream in portaudio.running] == [False, True, True]
    heard = portaudio.running[-1].pull(480)[:, 1]
    assert heard[:100].tolist() == [1.0] * 100
    assert np.abs(np.diff(heard)).max() < 0.005, "what breaks off fades away"
    assert not heard[340:].any()
    ears.close()
    voice.close()


@pytest.mark.anyio
async def test_a_speaker_that_speaks_is_not_closed_for_a_search(portaudio: FakePortAudio) -> None:
    host = SoundHost()
    voice = await speaker("HDMI", host)
    await voice.play(Clip(np.ones(100, np.float32), 48_000, "hi"))
    with pytest.raises(DeviceError):
        await microphone("New Mic", host)
    assert portaudio.running[0].open
    assert portaudio.starts == 1
    voice.close()


@pytest.mark.anyio
async def test_a_device_nobody_waits_for_any_more_is_closed(portaudio: FakePortAudio) -> None:
    host, portaudio.hold = SoundHost(), threading.Event()
    with anyio.move_on_after(0.05):
        await microphone("Headset", host)
    portaudio.hold.set()
    portaudio.hold = None
    device = await speaker("HDMI", host)
    with anyio.fail_after(5):
        while portaudio.running[0].open:  # it is closed on the host's thread, before or after this
            await anyio.sleep(0.01)
    assert [(stream.direction, stream.open) for stream in portaudio.running] == [("input", False), ("output", True)]
    device.close()


@pytest.mark.anyio
async def test_a_stream_that_ends_by_itself_is_a_loss(
    portaudio: FakePortAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voxspark.devices.portaudio.REVIVE_SECONDS", 0.05)
    host = SoundHost()
    voice, ears = await speaker("HDMI", host), await microphone("Headset", host)
    portaudio.connected = portaudio.listed = []
    await anyio.to_thread.run_sync(portaudio.running[0].finished)
    assert (await voice.lost()).code == "speaker-lost"
    with pytest.raises(DeviceError, match="The speaker HDMI has gone"):
        await voice.play(Clip(np.ones(100, np.float32), 48_000, "hi"))
    await anyio.to_thread.run_sync(portaudio.running[1].finished)
    with pytest.raises(DeviceError) as caught:
        await anext(ears.chunks())
    assert caught.value.code == "microphone-lost"
    voice.close()


@pytest.mark.anyio
async def test_a_speaker_that_is_back_at_once_goes_on_where_it_stopped(portaudio: FakePortAudio) -> None:
    voice = await speaker("HDMI", SoundHost())
    voice.begin()
    await voice.play(Clip(np.ones(4_800, np.float32), 48_000, "hi"))
    portaudio.running[0].pull(480)
    async with anyio.create_task_group() as group:
        group.start_soon(voice.lost)
        await anyio.to_thread.run_sync(portaudio.running[0].finished)
        while len(portaudio.running) == 1:
            await anyio.sleep(0.001)
        assert not portaudio.running[0].open
        assert portaudio.running[1].pull(9_600)[:, 0].sum() == pytest.approx(4_320, rel=0.05)
        assert voice.stop() < 0.1 + 1e-6, "what was heard on both"
        group.cancel_scope.cancel()
    voice.close()


@pytest.mark.anyio
async def test_a_new_speaker_is_found_though_the_microphone_is_open(
    portaudio: FakePortAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[Presence] = [()]
    monkeypatch.setattr("voxspark.devices.sound_host.presence", lambda: there[-1])
    host = SoundHost()
    ears = await microphone("Headset", host)
    async with aclosing(ears.chunks()) as chunks, anyio.create_task_group() as group:
        group.start_soon(anext, chunks)
        await anyio.sleep(0.01)
        portaudio.connected = [*portaudio.connected, ("New Box", 0, 2)]
        with pytest.raises(DeviceError):
            await speaker("New Box", host)
        assert portaudio.running[0].open, "nothing seems to be new: it is not disturbed"
        there.append((("/dev/snd/pcmC1D0p", 1, 1),))
        voice = await speaker("New Box", host)
        while sum(stream.open for stream in portaudio.running) < 2:
            await anyio.sleep(0.001)
        assert {s.direction for s in portaudio.running[1:] if s.open} == {"output", "input"}, "both are open now"
        group.cancel_scope.cancel()
    voice.close()


@pytest.mark.anyio
async def test_after_a_sleep_of_the_machine_the_microphone_is_opened_anew(
    portaudio: FakePortAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    asleep = 0.0
    monkeypatch.setattr("voxspark.devices.presence._asleep_seconds", lambda: asleep)
    ears = await microphone("Headset", SoundHost())
    async with aclosing(ears.chunks()) as chunks, anyio.create_task_group() as group:
        group.start_soon(anext, chunks)
        await anyio.sleep(0.01)
        asleep = 3600.0
        while len(portaudio.running) == 1:
            await anyio.sleep(0.01)
        assert [s.open for s in portaudio.running] == [False, True]
        group.cancel_scope.cancel()


@pytest.mark.anyio
async def test_portaudio_is_not_started_for_nothing_all_the_time(
    portaudio: FakePortAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[Presence] = [()]
    monkeypatch.setattr("voxspark.devices.sound_host.presence", lambda: there[-1])
    host = SoundHost()
    for _ in range(5):
        with pytest.raises(DeviceError):
            await microphone("New Mic", host)
    assert portaudio.starts == 2
    there.append((("/dev/snd/controlC1", 1, 1),))
    for _ in range(2):
        with pytest.raises(DeviceError):
            await microphone("New Mic", host)
    assert portaudio.starts == 4, "what was plugged in may still be on its way"


@pytest.mark.anyio
async def test_a_portaudio_that_never_returns_is_left_behind(
    portaudio: FakePortAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voxspark.devices.sound_host.HANG_SECONDS", 0.05)
    monkeypatch.setattr("voxspark.devices.sound_host.LOOK_SECONDS", 0.02)
    left: list[Stream] = []

    def fresh(_: object) -> None:
        left.extend(portaudio.running)
        portaudio.running.clear()

    monkeypatch.setattr("voxspark.devices.sound_host.fresh_portaudio", fresh)
    host, hold = SoundHost(), threading.Event()
    ears = await microphone("Headset", host)
    portaudio.hold = hold
    with pytest.raises(DeviceError) as caught:
        await speaker("HDMI", host)
    assert caught.value.code == "sound-hangs"
    assert [stream.direction for stream in left] == ["input"]
    with pytest.raises(DeviceError, match="gone"):
        await anext(ears.chunks())
    portaudio.hold = None
    voice = await speaker("HDMI", host)
    assert [stream.direction for stream in portaudio.running] == ["output"]
    hold.set()
    voice.close()


@pytest.mark.anyio
async def test_a_stream_whose_closing_hangs_is_not_closed_a_second_time(
    portaudio: FakePortAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voxspark.devices.sound_host.HANG_SECONDS", 0.05)
    monkeypatch.setattr("voxspark.devices.sound_host.LOOK_SECONDS", 0.02)
    monkeypatch.setattr("voxspark.devices.sound_thread.BUSY_SECONDS", 0.02)
    monkeypatch.setattr("voxspark.devices.sound_host.fresh_portaudio", lambda _: portaudio.running.clear())
    host, hold = SoundHost(), threading.Event()
    ears = await microphone("Headset", host)
    (stream,) = portaudio.running
    monkeypatch.setattr(stream, "abort", lambda: hold.wait(10))
    ears.close()
    voice = await speaker("HDMI", host)
    hold.set()
    with anyio.fail_after(5):
        while not stream.closed:
            await anyio.sleep(0.01)
    await anyio.sleep(0.05)
    assert stream.closed == 1
    voice.close()


@pytest.mark.anyio
async def test_a_portaudio_that_hangs_again_and_again_is_given_up(
    portaudio: FakePortAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("HANG_SECONDS", 0.02), ("LOOK_SECONDS", 0.02), ("LONGEST_HANG_SECONDS", 0.02)):
        monkeypatch.setattr(f"voxspark.devices.sound_host.{name}", value)
    monkeypatch.setattr("voxspark.devices.sound_host.MOST_COPIES", 2)
    monkeypatch.setattr("voxspark.devices.sound_thread.BUSY_SECONDS", 0.02)
    monkeypatch.setattr("voxspark.devices.sound_host.fresh_portaudio", lambda _: None)
    host, portaudio.hold = SoundHost(), threading.Event()
    codes = []
    for _ in range(4):
        with pytest.raises(DeviceError) as caught:
            await microphone("Headset", host)
        codes.append(caught.value.code)
    portaudio.hold.set()
    assert codes[0] == "sound-hangs"
    assert codes[-1] == "sound-given-up"


def test_the_end_of_the_process_does_not_wait_for_portaudio(
    portaudio: FakePortAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voxspark.devices.sound_host.HANG_SECONDS", 0.02)
    portaudio.hold = threading.Event()
    SoundHost().end(portaudio)
    portaudio.hold.set()


def test_presence_changes_with_cards_and_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    cards = tmp_path / "snd"
    seen = [presence(cards)]
    cards.mkdir()
    for path in (cards / "controlC0", tmp_path / "pipewire-0"):
        path.touch()
        seen.append(presence(cards))
    (cards / "controlC0").chmod(0o600)
    seen.append(presence(cards))
    assert len(set(seen)) == 4
    assert presence(cards) == seen[-1]


class NoLibrary:
    """An import system in which loading PortAudio fails as `sounddevice` fails without the library."""

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return None


@pytest.fixture
def _no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoLibrary(), *sys.meta_path])


@pytest.mark.usefixtures("_no_library")
def test_a_missing_library_says_how_to_get_it() -> None:
    with pytest.raises(DeviceError) as caught:
        list_devices()
    assert caught.value.code == "portaudio-missing"
    assert "apt-get install libportaudio2" in caught.value.remedy


@pytest.mark.anyio
async def test_the_end_of_the_process_waits_until_everything_is_closed(portaudio: FakePortAudio) -> None:
    host = SoundHost()
    await microphone("default", host)
    (stream,) = portaudio.running
    await anyio.to_thread.run_sync(host.end, portaudio)
    assert not stream.open
