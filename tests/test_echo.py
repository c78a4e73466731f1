"""The echo canceller in a simulated room, on recorded people: reference, delay, what is left, who gets what."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.echo_room import SPEAKER_HZ, Cards, Room, faster
from voxspark.audio import read_speech, resample, to_float
from voxspark.config_listening import ListeningSettings
from voxspark.devices.dating import Steps
from voxspark.devices.echo.aec3 import Aec3
from voxspark.devices.echo.canceller import HELD_SAMPLES, LEAD_SECONDS, Canceller
from voxspark.devices.echo.delay import find_delay
from voxspark.devices.echo.far_end import FarEnd
from voxspark.devices.echo.selftest import Measured, chime, judge
from voxspark.listening.endpoint import Endpointer
from voxspark.types import CHUNK_SAMPLES, CHUNK_SECONDS, SAMPLE_RATE_HZ, Chunk, Pcm, SpeechPaused

PERSON = to_float(read_speech(Path(__file__).parents[1] / "voices" / "dashwood" / "reference.wav"))
BLOCK = 480


def power_db(samples: Pcm) -> float:
    return 10 * math.log10(float(np.mean(samples**2)) + 1e-12)


def at_speaker(samples: Pcm) -> Pcm:
    return resample(samples, SAMPLE_RATE_HZ, SPEAKER_HZ)


def loss_db(room: Room, drift_ppm: float = 0.0, seconds: float = 8.0) -> float:
    """Of the second half."""
    far = np.tile(PERSON, 2)[: round(seconds * SAMPLE_RATE_HZ)]
    near = room.echo(faster(far, drift_ppm)) + room.noise(len(far))
    far_end = FarEnd()
    canceller = Canceller(far_end, Aec3())
    chunks = [canceller.clean(each) for each in Cards(far_end.played, drift_ppm).chunks(at_speaker(far), near)]
    clean = to_float(np.concatenate([each.samples for each in chunks]))
    half = len(clean) // 2
    return power_db(near[half:]) - power_db(clean[half:])


# ── the reference ───────────────────────────────────────────────────────────────────────────────


def played(far_end: FarEnd, samples: Pcm, start: float, jitter: float = 0.0) -> None:
    rng = np.random.default_rng(3)
    for k in range(0, len(samples), BLOCK):
        far_end.played(samples[k : k + BLOCK], SPEAKER_HZ, start + k / SPEAKER_HZ + rng.uniform(-1, 1) * jitter)


@pytest.mark.parametrize("jitter", [0.0, 0.003])
def test_the_reference_is_what_was_played_when_it_is_heard(jitter: float) -> None:
    far_end = FarEnd()
    played(far_end, at_speaker(PERSON[: 3 * SAMPLE_RATE_HZ]), 10.0, jitter)
    read = np.concatenate([far_end.read(10.0 + k * CHUNK_SECONDS, CHUNK_SAMPLES) for k in range(60)])
    found = find_delay(read, PERSON[: len(read)]) or find_delay(PERSON[: len(read)], read)
    assert found is not None
    assert found.seconds <= jitter + 2 / SAMPLE_RATE_HZ
    if not jitter:
        assert power_db(read - PERSON[: len(read)]) < power_db(read) - 30


def test_there_is_silence_where_nothing_was_played() -> None:
    far_end = FarEnd()
    assert not far_end.read(5.0, 512).any()
    played(far_end, np.zeros(4_800, np.float32), 5.0)
    assert not far_end.read(5.0, 512).any()
    played(far_end, np.ones(4_800, np.float32), 5.1)
    assert not far_end.read(4.0, 512).any(), "before it"
    assert not far_end.read(9.0, 512).any(), "after it"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(-2, 2), st.sampled_from([8_000, 16_000, 44_100, 48_000, 96_000])), max_size=30))
def test_no_dates_and_no_rates_break_it(blocks: list[tuple[float, int]]) -> None:
    far_end, at = FarEnd(), 10.0
    for step, rate in blocks:
        at += step
        far_end.played(np.full(256, 0.5, np.float32), rate, at)
        assert np.isfinite(far_end.read(at, 512)).all()


def test_a_speaker_that_ran_dry_is_followed() -> None:
    far_end = FarEnd()
    sound = at_speaker(PERSON[: 4 * SAMPLE_RATE_HZ])
    middle = 2 * SPEAKER_HZ
    played(far_end, sound[:middle], 10.0)
    read = [far_end.read(10.0 + k * CHUNK_SECONDS, CHUNK_SAMPLES) for k in range(50)]
    assert not far_end.unsettled(11.6)
    played(far_end, sound[middle:], 12.1)  # 100 ms of silence in between
    read += [far_end.read(10.0 + k * CHUNK_SECONDS, CHUNK_SAMPLES) for k in range(50, 120)]
    assert far_end.steps == 1
    assert far_end.unsettled(12.3)
    assert not far_end.unsettled(13.0)
    heard = np.concatenate(read)[round(2.6 * SAMPLE_RATE_HZ) :]
    wanted = PERSON[round(2.5 * SAMPLE_RATE_HZ) :][: len(heard)]
    assert power_db(heard - wanted) < power_db(wanted) - 20


def test_a_step_is_believed_when_it_stays() -> None:
    steps = Steps()
    assert not any(steps.find(k / 50, 0.001 * (-1) ** k) for k in range(50))
    assert not steps.pending
    moved = 0.0
    for k in range(30):
        moved += steps.find(1 + k / 50, 0.06 - moved)
        assert steps.pending == (k >= 2 and not moved)
    assert moved == pytest.approx(0.06)


# ── the delay ───────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 0.5), st.floats(-30, 0))
def test_the_delay_is_found(seconds: float, level_db: float) -> None:
    far = PERSON[: 2 * SAMPLE_RATE_HZ]
    room = Room(delay_seconds=seconds, echo_db=level_db)
    found = find_delay(room.echo(far) + room.noise(len(far)), far)
    assert found is not None
    assert found.seconds == pytest.approx(seconds, abs=0.002)


def test_what_is_not_in_there_is_not_found() -> None:
    far, other = PERSON[: 2 * SAMPLE_RATE_HZ], PERSON[3 * SAMPLE_RATE_HZ : 5 * SAMPLE_RATE_HZ]
    assert find_delay(other, far) is None
    assert find_delay(Room().noise(len(far)), far) is None
    assert find_delay(np.zeros_like(far), far) is None
    assert find_delay(far, np.zeros_like(far)) is None


# ── what is left ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("drift_ppm", [0.0, 200.0])
def test_25_db_of_a_person_at_80_ms_are_lost(drift_ppm: float) -> None:
    assert loss_db(Room(delay_seconds=0.08), drift_ppm) >= 25


def test_an_echo_before_its_cause_is_cancelled_too() -> None:
    """A driver says that it plays later than it does."""
    far = np.tile(PERSON, 2)[: 8 * SAMPLE_RATE_HZ]
    near = np.roll(Room(delay_seconds=0).echo(far), -round(0.03 * SAMPLE_RATE_HZ))
    far_end = FarEnd()
    canceller = Canceller(far_end, Aec3())
    clean = [canceller.clean(each).samples for each in Cards(far_end.played).chunks(at_speaker(far), near)]
    assert power_db(near[-4 * SAMPLE_RATE_HZ :]) - power_db(to_float(np.concatenate(clean[-125:]))) >= 20
    assert canceller.delay is not None
    assert canceller.delay.seconds == pytest.approx(-0.03, abs=0.004)


def test_where_nothing_is_played_the_microphone_is_as_it_was_8_ms_later() -> None:
    canceller = Canceller(FarEnd(), Aec3())
    pieces = [np.full(CHUNK_SAMPLES, k, np.int16) for k in range(1, 40)]
    out = [canceller.clean(Chunk(each, 3.0 + k * CHUNK_SECONDS)) for k, each in enumerate(pieces)]
    assert all(each.heard is None and len(each.samples) == CHUNK_SAMPLES for each in out)
    assert [each.at for each in out] == pytest.approx([2.992 + k * CHUNK_SECONDS for k in range(39)])
    assert np.array_equal(
        np.concatenate([each.samples for each in out])[HELD_SAMPLES:], np.concatenate(pieces)[:-HELD_SAMPLES]
    )
    assert not canceller.audible
    assert canceller.loss_db is None


def test_the_transcriber_gets_the_raw_microphone_soon_after_playback() -> None:
    far = np.concatenate((PERSON[: 2 * SAMPLE_RATE_HZ], np.zeros(4 * SAMPLE_RATE_HZ, np.float32)))
    near = Room().noise(len(far))
    far_end = FarEnd()
    canceller = Canceller(far_end, Aec3())
    raw_from = quiet_from = math.inf
    came: list[Chunk] = []
    for chunk in Cards(far_end.played).chunks(at_speaker(far), near):
        out = canceller.clean(chunk)
        came.append(chunk)
        heard = out.samples if out.heard is None else out.heard
        both = np.concatenate([each.samples for each in came[-2:]])
        if len(came) > 1 and np.array_equal(heard, both[CHUNK_SAMPLES - HELD_SAMPLES :][:CHUNK_SAMPLES]):
            raw_from = min(raw_from, chunk.at) if chunk.at > 1 else raw_from
        if out.heard is None and chunk.at > 1:
            quiet_from = min(quiet_from, chunk.at)
    assert 2.0 + 0.2 <= raw_from <= 2.0 + 0.45
    assert raw_from < quiet_from <= 3.2, "then the canceller rests"


def test_a_filter_that_has_nothing_to_do_takes_nothing_from_who_speaks_until_an_echo_is_found() -> None:
    """Headphones, pulled out after four seconds of a reply."""
    far, room = np.tile(PERSON, 2)[: 10 * SAMPLE_RATE_HZ], Room()
    silent = 4 * SAMPLE_RATE_HZ
    near = np.concatenate((room.noise(silent), room.echo(far)[silent:]))
    far_end = FarEnd()
    canceller = Canceller(far_end, Aec3())
    canceller.idle = True
    chunks = [canceller.clean(each) for each in Cards(far_end.played).chunks(at_speaker(far), near)]
    clean = to_float(np.concatenate([each.samples for each in chunks]))
    assert np.abs(clean[HELD_SAMPLES:silent] - near[: silent - HELD_SAMPLES]).max() < 1e-3
    assert not canceller.idle
    assert power_db(near[-SAMPLE_RATE_HZ:]) - power_db(clean[-SAMPLE_RATE_HZ:]) > 20


def test_a_gap_of_the_microphone_starts_its_frames_again() -> None:
    canceller = Canceller(FarEnd(), Aec3())
    ones = np.ones(CHUNK_SAMPLES, np.int16)
    canceller.clean(Chunk(ones, 1.0))
    after = canceller.clean(Chunk(2 * ones, 5.0)).samples
    assert not after[:HELD_SAMPLES].any()
    assert (after[HELD_SAMPLES:] == 2).all()


# ── the chime ───────────────────────────────────────────────────────────────────────────────────


def measured(room: Room, *, cancel: bool = True, also: Pcm | None = None) -> Measured | None:
    """What the self-test makes of the chime in this room."""
    sound = resample(chime().samples, chime().sample_rate_hz, SAMPLE_RATE_HZ)
    far = np.concatenate((np.zeros(SAMPLE_RATE_HZ // 2, np.float32), sound, np.zeros(SAMPLE_RATE_HZ, np.float32)))
    near = room.echo(far) + room.noise(len(far))
    if also is not None:
        near[: len(also)] += also[: len(near)]
    far_end = FarEnd()
    canceller = Canceller(far_end, Aec3() if cancel else None)
    for chunk in Cards(far_end.played).chunks(at_speaker(far), near):
        canceller.clean(chunk)
    return judge(canceller.recent)


@pytest.mark.parametrize("room", [Room(), Room(delay_seconds=0.02, echo_db=0), Room(delay_seconds=0.04, echo_db=-20)])
def test_a_chime_that_is_cancelled_means_full_duplex(room: Room) -> None:
    found = measured(room)
    assert found is not None
    assert found.verdict == "cancelled"
    assert found.delay_seconds is not None
    assert found.delay_seconds - LEAD_SECONDS == pytest.approx(room.delay_seconds, abs=0.02)


def test_a_chime_that_is_heard_means_half_duplex() -> None:
    found = measured(Room(), cancel=False)
    assert found is not None
    assert found.verdict == "heard"


@pytest.mark.parametrize("cancel", [True, False])
def test_headphones_have_no_echo(cancel: bool) -> None:
    found = measured(Room(echo_db=-80), cancel=cancel)
    assert found is not None
    assert found.verdict == "no echo"


def test_somebody_who_speaks_meanwhile_makes_it_unknown() -> None:
    assert measured(Room(echo_db=-80), also=PERSON[SAMPLE_RATE_HZ : 3 * SAMPLE_RATE_HZ]) is None


def test_the_chime_is_short_and_not_loud() -> None:
    clip = chime()
    assert 0.3 < clip.seconds < 0.6
    assert np.max(np.abs(clip.samples)) <= 10 ** (-14 / 20) + 1e-6
    assert abs(clip.samples[0]) < 0.001
    assert abs(clip.samples[-1]) < 0.001


def test_an_utterance_is_made_of_what_the_transcriber_should_hear() -> None:
    endpointer = Endpointer(ListeningSettings())
    signals = []
    for k in range(40):
        chunk = Chunk(np.zeros(CHUNK_SAMPLES, np.int16), k * CHUNK_SECONDS, np.full(CHUNK_SAMPLES, 7, np.int16))
        signals += endpointer.feed(chunk, 0.9 if k < 30 else 0.0)
    (paused,) = [each for each in signals if isinstance(each, SpeechPaused)]
    assert paused.utterance.samples is not None
    assert (paused.utterance.samples == 7).all()
