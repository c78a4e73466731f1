"""Files and nothing as devices: pacing, what is written, and what a stop leaves out."""

from __future__ import annotations

import wave
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.virtual_time import run_virtual, virtual_time
from voxspark.audio import read_wav, to_float, to_pcm16, tone, wav_bytes
from voxspark.config_listening import DeviceSettings
from voxspark.devices.file import FILE_RATE_HZ, FileMicrophone, FileSpeaker
from voxspark.devices.null import NullMicrophone, NullSpeaker
from voxspark.devices.open import open_microphone, open_speaker
from voxspark.devices.playback import STOP_FADE_SECONDS
from voxspark.errors import DeviceError
from voxspark.types import CHUNK_SAMPLES, CHUNK_SECONDS, Chunk, Clip, Pcm


def ones(seconds: float, level: float = 0.5) -> Clip:
    return Clip(np.full(round(seconds * FILE_RATE_HZ), level, np.float32), FILE_RATE_HZ, "ones")


def heard(path: Path) -> Pcm:
    samples, rate = read_wav(path)
    assert rate == FILE_RATE_HZ
    return samples


def spoken(tmp_path: Path, samples: int) -> Path:
    """A 16 kHz recording that counts 1, 2, 3, …"""
    path = tmp_path / "in.wav"
    path.write_bytes(wav_bytes(to_float(np.arange(1, samples + 1, dtype=np.int16)), 16_000))
    return path


# ── microphone ──────────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_a_file_is_heard_in_real_time(tmp_path: Path) -> None:
    await anyio.sleep(5)
    microphone = FileMicrophone(spoken(tmp_path, 4 * CHUNK_SAMPLES), anyio.current_time)
    got = [(chunk, anyio.current_time()) async for chunk in microphone.chunks()]
    assert [chunk.at for chunk, _ in got] == pytest.approx([5 + n * CHUNK_SECONDS for n in range(4)])
    assert [now for _, now in got] == pytest.approx([5 + (n + 1) * CHUNK_SECONDS for n in range(4)])
    assert np.concatenate([chunk.samples for chunk, _ in got]).tolist() == list(range(1, 4 * CHUNK_SAMPLES + 1))


@virtual_time
async def test_a_late_reader_gets_everything_and_the_pace_does_not_drift(tmp_path: Path) -> None:
    microphone = FileMicrophone(spoken(tmp_path, 20 * CHUNK_SAMPLES), anyio.current_time)
    times = []
    async for chunk in microphone.chunks():
        times.append(anyio.current_time())
        if len(times) == 3:
            await anyio.sleep(0.2)
        assert chunk.at == pytest.approx((len(times) - 1) * CHUNK_SECONDS)
    assert len(times) == 20
    assert times[-1] == pytest.approx(20 * CHUNK_SECONDS)


@virtual_time
async def test_the_last_chunk_is_padded(tmp_path: Path) -> None:
    chunks = [c async for c in FileMicrophone(spoken(tmp_path, CHUNK_SAMPLES + 3), anyio.current_time).chunks()]
    assert len(chunks) == 2
    assert chunks[1].samples.shape == (CHUNK_SAMPLES,)
    assert chunks[1].samples[:5].tolist() == [513, 514, 515, 0, 0]


@virtual_time
async def test_an_empty_file_ends_at_once(tmp_path: Path) -> None:
    assert [c async for c in FileMicrophone(spoken(tmp_path, 0), anyio.current_time).chunks()] == []


@virtual_time
async def test_a_fast_file_waits_for_nothing_but_its_holder(tmp_path: Path) -> None:
    held: list[float] = []

    async def hold() -> None:
        held.append(anyio.current_time())
        if len(held) == 2:
            await anyio.sleep(7)

    microphone = FileMicrophone(spoken(tmp_path, 3 * CHUNK_SAMPLES), anyio.current_time, fast=True, hold=hold)
    chunks = [c async for c in microphone.chunks()]
    assert [c.at for c in chunks] == [0.0, 0.032, 0.064]
    assert held == [0.0, 0.0, 7.0]


def test_other_rates_and_channels_become_mono_16_khz(tmp_path: Path) -> None:
    path = tmp_path / "täglich 🎙.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 44_100, 0, "NONE", ""))
        left = to_pcm16(tone(440, 1.0, 44_100, -6))
        file.writeframes(np.stack([left, np.zeros_like(left)], axis=1).tobytes())

    async def collect() -> list[Chunk]:
        return [c async for c in FileMicrophone(path, anyio.current_time, fast=True).chunks()]

    samples = np.concatenate([c.samples for c in run_virtual(collect)])
    assert len(samples) == pytest.approx(16_000, abs=CHUNK_SAMPLES)
    spectrum = np.abs(np.fft.rfft(samples[:16_000]))
    assert int(np.argmax(spectrum)) == pytest.approx(440, abs=1)
    assert np.max(np.abs(to_float(samples))) == pytest.approx(0.25, rel=0.05)


@pytest.mark.parametrize(("content", "code"), [(None, "wav-not-found"), (b"not a wav", "wav-unreadable")])
def test_what_is_no_wav_says_so(tmp_path: Path, content: bytes | None, code: str) -> None:
    path = tmp_path / "x.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DeviceError) as caught:
        FileMicrophone(path, lambda: 0.0)
    assert caught.value.code == code


@virtual_time
async def test_nothing_is_heard_in_real_time() -> None:
    async with aclosing(NullMicrophone(anyio.current_time).chunks()) as chunks:
        async for chunk in chunks:
            assert not chunk.samples.any()
            if chunk.at > 60:
                break
    assert anyio.current_time() == pytest.approx(chunk.at + CHUNK_SECONDS)


# ── speaker ─────────────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_sample_k_of_the_file_is_clock_second_k(tmp_path: Path) -> None:
    speaker = FileSpeaker(tmp_path / "out.wav", anyio.current_time)
    await anyio.sleep(1.5)
    speaker.begin()
    await speaker.play(ones(0.5))
    await speaker.drain()
    assert anyio.current_time() == pytest.approx(2.0, abs=0.01)
    assert speaker.audible_since == pytest.approx(1.5, abs=1e-3)
    await anyio.sleep(2)
    speaker.begin()
    assert speaker.audible_since is None
    await speaker.play(ones(0.25, 0.25))
    await speaker.drain()
    speaker.close()
    samples = heard(tmp_path / "out.wav")
    start = round(anyio.current_time() * FILE_RATE_HZ) - round(0.25 * FILE_RATE_HZ)
    assert not samples[: round(1.5 * FILE_RATE_HZ)].any()
    assert np.all(samples[round(1.5 * FILE_RATE_HZ) : 2 * FILE_RATE_HZ] == 0.5)
    faded = 2 * FILE_RATE_HZ + round(STOP_FADE_SECONDS * FILE_RATE_HZ)
    assert not samples[faded : start - 60].any()
    assert np.count_nonzero(samples == 0.25) == round(0.25 * FILE_RATE_HZ)


@virtual_time
async def test_clips_follow_each_other_without_a_gap(tmp_path: Path) -> None:
    speaker = FileSpeaker(tmp_path / "out.wav", anyio.current_time)
    for level in (0.1, 0.2, 0.3):
        await speaker.play(ones(0.4, level))
    await speaker.drain()
    assert speaker.stop() == pytest.approx(1.2)
    speaker.close()
    samples = heard(tmp_path / "out.wav")
    assert len(samples) == pytest.approx(1.2 * FILE_RATE_HZ)
    assert np.all(samples > 0)


@virtual_time
async def test_at_most_the_queue_is_ahead_of_the_clock(tmp_path: Path) -> None:
    speaker = FileSpeaker(tmp_path / "out.wav", anyio.current_time, queue_seconds=0.2)
    await speaker.play(ones(0.15))
    assert anyio.current_time() == 0.0
    await speaker.play(ones(1.0))
    assert anyio.current_time() == pytest.approx(0.95, abs=0.051)
    await speaker.drain()
    assert anyio.current_time() == pytest.approx(1.15, abs=0.002)
    speaker.close()


@virtual_time
async def test_a_stop_leaves_what_was_not_heard_out_of_the_file(tmp_path: Path) -> None:
    speaker = FileSpeaker(tmp_path / "out.wav", anyio.current_time)
    speaker.begin()
    with anyio.move_on_after(0.7):
        await speaker.play(ones(5.0))
    assert speaker.stop() == pytest.approx(0.7, abs=1e-3)
    await anyio.sleep(1)
    assert speaker.stop() == pytest.approx(0.7, abs=1e-3)
    speaker.close()
    samples = heard(tmp_path / "out.wav")
    assert len(samples) / FILE_RATE_HZ == pytest.approx(0.705, abs=1e-3)
    assert samples[-1] == pytest.approx(0.0, abs=0.01)
    assert np.max(np.abs(np.diff(samples[10:]))) < 0.01


@virtual_time
async def test_a_stop_ends_a_play_that_waits(tmp_path: Path) -> None:
    speaker = FileSpeaker(tmp_path / "out.wav", anyio.current_time)
    async with anyio.create_task_group() as group:
        group.start_soon(speaker.play, ones(60))
        await anyio.sleep(0.3)
        speaker.stop()
    assert anyio.current_time() < 0.5
    assert speaker.stop() == pytest.approx(0.3, abs=1e-3)
    speaker.close()


@virtual_time
async def test_ducking_is_a_ramp_and_ends_with_the_reply(tmp_path: Path) -> None:
    speaker = FileSpeaker(tmp_path / "out.wav", anyio.current_time)
    speaker.begin()
    async with anyio.create_task_group() as group:
        group.start_soon(speaker.play, ones(0.6))
        await anyio.sleep(0.3)
        speaker.duck(0.25)
    await speaker.drain()
    speaker.begin()
    await speaker.play(ones(0.1))
    await speaker.drain()
    speaker.close()
    samples = heard(tmp_path / "out.wav")
    second = FILE_RATE_HZ
    assert np.all(samples[: int(0.3 * second)] == 0.5)
    assert np.allclose(samples[int(0.311 * second) : int(0.59 * second)], 0.125, atol=1e-3)
    assert np.max(np.abs(np.diff(samples[int(0.29 * second) : int(0.35 * second)]))) < 0.005
    assert np.all(samples[-int(0.09 * second) :] == 0.5)


@virtual_time
async def test_other_rates_keep_their_pitch_and_length(tmp_path: Path) -> None:
    speaker = FileSpeaker(tmp_path / "out.wav", anyio.current_time)
    await speaker.play(Clip(tone(500, 1.0, 44_100, -6), 44_100, "tone"))
    await speaker.drain()
    speaker.close()
    samples = heard(tmp_path / "out.wav")
    assert len(samples) == pytest.approx(FILE_RATE_HZ, abs=2)
    assert int(np.argmax(np.abs(np.fft.rfft(samples)))) == pytest.approx(500, abs=1)


@virtual_time
async def test_broken_samples_do_not_break_the_file(tmp_path: Path) -> None:
    speaker = FileSpeaker(tmp_path / "out.wav", anyio.current_time)
    bad = np.array([np.nan, np.inf, -np.inf, 7.0, -7.0], np.float32)
    await speaker.play(Clip(bad, FILE_RATE_HZ, "bad"))
    await speaker.play(Clip(bad[:0], FILE_RATE_HZ, "empty"))
    await speaker.play(Clip(bad[:0], 8_000, "empty"))
    await speaker.drain()
    speaker.close()
    assert heard(tmp_path / "out.wav")[:5] == pytest.approx([0, 1, -1, 1, -1], abs=1e-3)


@virtual_time
async def test_a_cancelled_reply_leaves_a_valid_file(tmp_path: Path) -> None:
    speaker = FileSpeaker(tmp_path / "out.wav", anyio.current_time)
    try:
        with anyio.move_on_after(2.5):
            await speaker.play(ones(10))
    finally:
        speaker.close()
        speaker.close()
    assert len(heard(tmp_path / "out.wav")) / FILE_RATE_HZ == pytest.approx(2.5, abs=1e-3)
    with pytest.raises(DeviceError, match="closed"):
        await speaker.play(ones(0.1))


@virtual_time
async def test_a_killed_daemon_leaves_a_file_that_lacks_a_second_at_most(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    speaker = FileSpeaker(path, anyio.current_time)
    assert len(heard(path)) == 0
    with anyio.move_on_after(10):
        await speaker.play(ones(20))
    assert len(heard(path)) / FILE_RATE_HZ == pytest.approx(9.5, abs=0.6)
    speaker.close()


@virtual_time
async def test_hours_of_silence_cost_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    speaker = FileSpeaker(path, anyio.current_time)
    await anyio.sleep(10 * 3600)
    await speaker.play(ones(0.1))
    await speaker.drain()
    speaker.close()
    assert path.stat().st_size > 1_700_000_000
    assert path.stat().st_blocks * 512 < 1_000_000


@virtual_time
async def test_a_file_that_cannot_grow_any_more_is_an_error(tmp_path: Path) -> None:
    speaker = FileSpeaker(tmp_path / "out.wav", anyio.current_time)
    await anyio.sleep(25 * 3600)
    await speaker.play(ones(0.1))
    with pytest.raises(DeviceError) as caught:
        await speaker.play(ones(1.0))
    assert caught.value.code == "speaker-file-failed"
    assert speaker.stop() > 0
    speaker.close()


def test_a_path_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(DeviceError) as caught:
        FileSpeaker(tmp_path / "no" / "such" / "folder.wav", lambda: 0.0)
    assert caught.value.code == "speaker-file-failed"


@given(st.lists(st.tuples(st.floats(0, 0.5), st.floats(0, 0.3)), max_size=6), st.floats(0.03, 0.5))
def test_whatever_is_played_is_heard_once(clips: list[tuple[float, float]], queue_seconds: float) -> None:
    async def speak() -> float:
        speaker = NullSpeaker(anyio.current_time, queue_seconds)
        speaker.begin()
        for seconds, pause in clips:
            await speaker.play(ones(seconds))
            await anyio.sleep(pause)
        await speaker.drain()
        return speaker.stop()

    assert run_virtual(speak) == pytest.approx(sum(len(ones(s).samples) for s, _ in clips) / FILE_RATE_HZ)


# ── from the settings ───────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_settings_name_files_and_nothing(tmp_path: Path) -> None:
    source = spoken(tmp_path, 700)
    settings = DeviceSettings(microphone=f"file:{source}", speaker=f"file:{tmp_path}/out.wav", fast=True)
    clock: Callable[[], float] = anyio.current_time
    microphone = await open_microphone(settings, clock)
    assert microphone.description == f"file:{source}"
    assert len([c async for c in microphone.chunks()]) == 2
    speaker = await open_speaker(settings, clock)
    assert isinstance(speaker, FileSpeaker)
    speaker.close()
    settings = DeviceSettings(microphone=" null ", speaker="null")
    assert isinstance(await open_microphone(settings, clock), NullMicrophone)
    assert isinstance(await open_speaker(settings, clock), NullSpeaker)
