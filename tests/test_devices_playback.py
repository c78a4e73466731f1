"""What a speaker makes of clips: no click where they join, where they stop, or where the voice is late."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import anyio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clicks import flux, jump, voiced
from tests.virtual_time import run_virtual
from voxspark.audio import join
from voxspark.devices.clocked import ClockedSpeaker
from voxspark.devices.playback import STOP_FADE_SECONDS, Playback
from voxspark.types import Clip, Pcm

RATE = 48_000
FADE = round(STOP_FADE_SECONDS * RATE)
BURST = 1.0
"""Flux above 6 kHz that nobody hears; a voice that is cut without a fade makes 2 to 20 at this rate."""


class Recorder(ClockedSpeaker):
    """A speaker at 48 kHz that keeps what was heard."""

    def __init__(self) -> None:
        super().__init__(anyio.current_time, RATE)
        self._begun = round(anyio.current_time() * RATE)
        self._heard = np.zeros(60 * RATE, np.float32)

    def _write(self, position: int, samples: Pcm) -> None:
        start = position - self._begun
        self._heard[start : start + len(samples)] += samples

    @property
    def heard(self) -> Pcm:
        self._advance()
        return self._heard[: round(anyio.current_time() * RATE) - self._begun]


def soft(samples: Pcm, rate: int) -> Pcm:
    """With the edges of a sentence."""
    n = rate // 100
    ramp = np.minimum(1, np.minimum(np.arange(len(samples)), np.arange(len(samples))[::-1]) / n)
    return (samples * ramp).astype(np.float32)


async def played(clips: list[tuple[Pcm, int]], late_seconds: float = 0.0) -> Pcm:
    speaker = Recorder()
    speaker.begin()
    for samples, rate in clips:
        await speaker.play(Clip(samples, rate, ""))
        await anyio.sleep(late_seconds)
    await speaker.drain()
    await anyio.sleep(0.1)
    return speaker.heard


@given(st.sampled_from([8_000, 22_050, 24_000, 48_000]), st.lists(st.integers(0, 48_000), max_size=12))
@settings(max_examples=20)
def test_clips_of_one_voice_join_as_if_they_were_one(rate: int, cuts: list[int]) -> None:
    whole = soft(voiced(0.6, rate), rate)
    places = [0, *sorted(cut % len(whole) for cut in cuts), len(whole)]
    clips = [(whole[start:end], rate) for start, end in pairwise(places)]
    heard, expected = run_virtual(played, clips), run_virtual(played, [(whole, rate)])
    n = round(0.65 * RATE)
    assert np.allclose(heard[:n], expected[:n], atol=1e-6)
    assert not heard[n:].any()


def test_clips_of_other_rates_lose_nothing() -> None:
    clips = [(soft(voiced(0.2, rate), rate), rate) for rate in (24_000, 16_000, 48_000, 24_000)]
    heard = run_virtual(played, clips)
    assert np.flatnonzero(np.abs(heard) > 0.01)[-1] / RATE == pytest.approx(0.8, abs=0.01)
    assert flux(heard, RATE, 6_000) < BURST


@pytest.mark.parametrize("late_seconds", [0.25, 0.31])
def test_a_voice_that_is_late_is_interrupted_without_a_click(late_seconds: float) -> None:
    whole = soft(voiced(0.3, RATE), RATE)
    heard = run_virtual(partial(played, late_seconds=late_seconds), [(clip, RATE) for clip in np.split(whole, 3)])
    assert np.count_nonzero(heard) > np.count_nonzero(whole) + FADE
    assert jump(heard) < 1.2 * jump(whole)
    assert flux(heard, RATE, 6_000) < BURST


@pytest.mark.parametrize("at", [0.1003, 0.15, 0.2222, 0.3])
def test_a_stop_is_a_fade(at: float) -> None:
    async def stopped() -> tuple[Pcm, float]:
        speaker = Recorder()
        speaker.begin()
        async with anyio.create_task_group() as group:
            group.start_soon(speaker.play, Clip(soft(voiced(2.0, 24_000), 24_000), 24_000, ""))
            await anyio.sleep(at)
            speaker.duck(0.3)
            await anyio.sleep(0.003)
            speaker.stop()
            speaker.stop()
        speaker.begin()
        await speaker.play(Clip(soft(voiced(0.1, 24_000), 24_000), 24_000, ""))
        await anyio.sleep(0.05)
        speaker.stop()
        end = anyio.current_time()
        await anyio.sleep(0.2)
        return speaker.heard, end

    heard, end = run_virtual(stopped)
    assert flux(heard, RATE, 6_000) < BURST
    assert np.flatnonzero(heard)[-1] / RATE <= end + STOP_FADE_SECONDS


def test_what_breaks_off_fades_and_what_follows_fades_in() -> None:
    playback = Playback(RATE, 1.0)
    playback.begin()
    ones = np.ones(1_000, np.float32)
    playback.push(ones)
    first = playback.pull(1_000, 0.0)
    assert first.tolist() == [1.0] * 1_000, "until then nobody knows that nothing follows"
    assert playback.pending == FADE
    late = playback.pull(1_000, 0.1)
    assert (late[0], late[FADE - 1]) == (1.0, 0.0)
    assert not late[FADE:].any()
    playback.push(ones)
    again = playback.pull(1_000, 0.2)
    assert jump(join(first, late, again)) < 0.005
    assert again[-1] == 1.0


def test_a_reply_that_ends_at_zero_leaves_the_next_as_it_is() -> None:
    playback = Playback(RATE, 1.0)
    playback.push(np.array([1, 0], np.float32))
    assert playback.pull(4, 0.0).tolist() == [1, 0, 0, 0]
    assert playback.pending == 0
    playback.push(np.ones(4, np.float32))
    assert playback.pull(4, 0.1).tolist() == [1, 1, 1, 1]


def test_a_stop_amid_a_fade_does_not_cut_it() -> None:
    playback = Playback(RATE, 1.0)
    playback.push(np.ones(1_000, np.float32))
    parts = [playback.pull(500, 0.0)]
    playback.stop(0.0)
    playback.begin()
    playback.push(np.linspace(0, 1, 1_000, dtype=np.float32))
    parts.append(playback.pull(100, 0.0))
    playback.stop(0.0)
    parts.append(playback.pull(1_000, 0.0))
    assert jump(join(*parts)) < 0.02
    assert not parts[-1][FADE:].any()
