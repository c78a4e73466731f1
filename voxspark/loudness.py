"""How loud speech is, by EBU R 128 as FFmpeg measures it (ITU-R BS.1770-4), and the gain that makes voices equal."""

from __future__ import annotations

import numpy as np

from voxspark.types import Pcm

SPEECH_LUFS = -18.0
"""What AES TD1008 recommends for streamed speech; it is 5 LU above broadcast (EBU R 128), for small loudspeakers."""

LARGEST_GAIN_DB = 12.0
"""A voice that needs more is broken, and so would its noise be louder."""

_SILENCE_LUFS = -70.0
"""The absolute gate: what FFmpeg says where no block of 400 ms is above it."""


def integrated_lufs(samples: Pcm, sample_rate_hz: int) -> float | None:
    """Integrated loudness of mono samples played on both loudspeakers; None for silence and below 0.4 s.

    A mono signal heard from two loudspeakers is 3 LU louder than from one, and a speaker here plays on every channel.
    """
    import av

    if not len(samples):
        return None
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=sample_rate_hz, format="flt", layout="mono")
    meter = graph.add("ebur128", "dualmono=1:metadata=1:framelog=quiet")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples, np.float32)[None], format="flt", layout="mono")
    frame.sample_rate, frame.pts = sample_rate_hz, 0
    source.push(frame)
    source.push(None)
    measured = _SILENCE_LUFS
    while True:
        try:
            measured = float(sink.pull().metadata.get("lavfi.r128.I", measured))
        except av.EOFError:
            return measured if measured > _SILENCE_LUFS else None


def gain_to(target_lufs: float, samples: Pcm, sample_rate_hz: int) -> float:
    """The factor that brings speech to this loudness, at most 12 dB either way; 1 where it cannot be measured."""
    measured = integrated_lufs(samples, sample_rate_hz)
    return 1.0 if measured is None else bounded_gain(target_lufs - measured)


def bounded_gain(change_db: float) -> float:
    """As a factor of amplitude, at most 12 dB either way."""
    return decibels(min(LARGEST_GAIN_DB, max(-LARGEST_GAIN_DB, change_db)))


def decibels(level_db: float) -> float:
    """As a factor of amplitude."""
    return float(10 ** (level_db / 20))
