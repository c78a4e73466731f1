"""From blocks to chunks: nothing lost, nothing twice, and the time right."""

from __future__ import annotations

import asyncio

import anyio
import anyio.to_thread
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.virtual_time import virtual_time
from voxspark.devices.capture import Block, CaptureQueue, ChunkCutter
from voxspark.types import CHUNK_SAMPLES, CHUNK_SECONDS


def block(frames: int, at: float = 0.0, after_gap: bool = False, channels: int = 1) -> Block:
    return Block(np.full((frames, channels), 0.25, np.float32), at, after_gap)


@given(st.lists(st.integers(1, 1500), max_size=30))
def test_chunks_are_the_blocks_cut_again(sizes: list[int]) -> None:
    ramp = np.arange(sum(sizes), dtype=np.float32) % 30_000
    cutter = ChunkCutter(16_000)
    chunks, position = [], 0
    for size in sizes:
        frames = (ramp[position : position + size] / np.float32(32_768))[:, None]
        chunks += list(cutter.feed(Block(frames, position / 16_000), 100.0))
        position += size
    whole = position // CHUNK_SAMPLES * CHUNK_SAMPLES
    assert sum(len(c.samples) for c in chunks) == whole
    assert [int(s) for c in chunks for s in c.samples] == ramp[:whole].astype(int).tolist()
    assert [c.at for c in chunks] == pytest.approx([100 + n * CHUNK_SECONDS for n in range(len(chunks))])


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (44_100, 1), (8_000, 1), (96_000, 6), (22_050, 2)])
def test_any_rate_keeps_level_and_time(rate: int, channels: int) -> None:
    cutter, chunks = ChunkCutter(rate), []
    for n in range(500):
        frames = np.tile(np.sin(2 * np.pi * 300 * np.arange(n * 400, n * 400 + 400) / rate)[:, None], channels) / 2
        chunks += list(cutter.feed(Block(frames.astype(np.float32), n * 400 / rate), 0.0))
    samples = np.concatenate([c.samples for c in chunks]) / 32_768
    assert len(samples) == pytest.approx(500 * 400 / rate * 16_000, abs=2_000)
    expected = np.sin(2 * np.pi * 300 * np.arange(len(samples)) / 16_000) / 2
    assert np.max(np.abs(samples[4_000:-4_000] - expected[4_000:-4_000])) < 0.01
    assert np.diff([c.at for c in chunks]) == pytest.approx(CHUNK_SECONDS, abs=1e-6)


def test_jitter_is_smoothed_and_drift_is_followed() -> None:
    cutter, chunks = ChunkCutter(16_000), []
    jitter = np.random.default_rng(1).uniform(0, 0.03, 100_000)
    for n in range(100_000):
        chunks += list(cutter.feed(block(160, n * 0.01 * 1.0002 + jitter[n]), 0.0))
    at = np.array([c.at for c in chunks])
    assert np.max(np.abs(np.diff(at) - CHUNK_SECONDS)) < 0.0003
    assert at[-1] == pytest.approx(1000 * 1.0002 - 0.032, abs=0.05)
    assert cutter.lost_seconds == 0


@pytest.mark.parametrize(("gap", "marked"), [(3.0, False), (0.2, True)])
def test_after_a_gap_the_time_is_right_again(gap: float, marked: bool) -> None:
    cutter, chunks = ChunkCutter(16_000), []
    for n in range(100):
        late = gap if n >= 50 else 0.0
        chunks += list(cutter.feed(block(160, n * 0.01 + late, marked and n == 50), 0.0))
    at = [c.at for c in chunks]
    assert at[:15] == pytest.approx([n * CHUNK_SECONDS for n in range(15)])
    assert at[15] == pytest.approx(0.5 + gap, abs=1e-6)
    assert cutter.lost_seconds == pytest.approx(gap)


def test_time_never_runs_backwards() -> None:
    cutter, at = ChunkCutter(16_000), []
    for captured_at in (1.0, 0.2, 0.1):
        at += [c.at for c in cutter.feed(block(1600, captured_at, after_gap=True), 0.0)]
    assert np.all(np.diff(at) >= CHUNK_SECONDS - 1e-9)


@virtual_time
async def test_a_full_queue_drops_the_oldest_and_marks_the_gap() -> None:
    queue = CaptureQueue(1_000, asyncio.get_running_loop())
    for n in range(50):
        queue.put(block(100, n * 0.1))
    blocks = await queue.take(1)
    assert [round(b.captured_at, 1) for b in blocks] == [4.0, 4.1, 4.2, 4.3, 4.4, 4.5, 4.6, 4.7, 4.8, 4.9]
    assert [b.after_gap for b in blocks] == [True] + [False] * 9


@virtual_time
async def test_a_reader_waits_for_blocks_until_its_patience_or_the_stream_ends() -> None:
    queue = CaptureQueue(1_000, asyncio.get_running_loop())
    async with anyio.create_task_group() as group:

        async def speak() -> None:
            await anyio.sleep(1)
            queue.put(block(10))
            queue.put(block(20))

        group.start_soon(speak)
        assert [len(b.frames) for b in await queue.take(2)] == [10, 20]
    assert anyio.current_time() == pytest.approx(1)
    assert await queue.take(2) == []
    assert anyio.current_time() == pytest.approx(3)
    queue.put(block(30))
    queue.finish()
    assert [len(b.frames) for b in await queue.take(2)] == [30]
    assert await queue.take(2) == []
    assert anyio.current_time() == pytest.approx(3)


@pytest.mark.anyio
async def test_nothing_is_lost_between_threads() -> None:
    queue = CaptureQueue(10**9, asyncio.get_running_loop())

    def record() -> None:
        for n in range(20_000):
            queue.put(block(1, float(n)))
        queue.finish()

    seen: list[float] = []
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.to_thread.run_sync, record)
        while blocks := await queue.take(5):
            seen += [b.captured_at for b in blocks]
    assert seen == [float(n) for n in range(20_000)]
