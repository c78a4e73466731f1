"""Pure PCM arithmetic. No state, no devices, no clocks."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxspark.errors import DeviceError
from voxspark.types import SAMPLE_RATE_HZ, Pcm, Pcm16

FULL_SCALE = 32_768.0


def to_pcm16(samples: Pcm) -> Pcm16:
    """-1..1 float to int16, clipped."""
    return np.clip(np.round(samples * FULL_SCALE), -32_768, 32_767).astype(np.int16)


def to_float(samples: Pcm16) -> Pcm:
    """int16 to float -1..1."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


def mono(samples: NDArray[np.float32]) -> Pcm:
    """Shape (n,) or (n, channels) to shape (n,), averaging the channels."""
    return samples if samples.ndim == 1 else samples.mean(axis=1, dtype=np.float32)


def resample(samples: Pcm, from_hz: int, to_hz: int) -> Pcm:
    """Whole-clip resampling (soxr, high quality)."""
    if from_hz == to_hz:
        return samples
    import soxr

    return np.asarray(soxr.resample(samples, from_hz, to_hz), dtype=np.float32)


def dbfs(samples: Pcm) -> float:
    """Root mean square level in dB relative to full scale; -120 for digital silence."""
    if not len(samples):
        return -120.0
    return float(20 * np.log10(max(float(np.sqrt(np.mean(np.square(samples)))), 1e-6)))


def trim_silence(samples: Pcm, sample_rate_hz: int, *, below_dbfs: float = -50.0, keep_seconds: float = 0.02) -> Pcm:
    """Cut quiet edges, frame by 10 ms frame, keeping `keep_seconds` of them; empty if all is quiet."""
    frame = sample_rate_hz // 100
    frames = len(samples) // frame
    levels = np.sqrt(np.mean(np.square(samples[: frames * frame].reshape(frames, frame)), axis=1))
    loud = np.flatnonzero(levels > 10 ** (below_dbfs / 20))
    if not len(loud):
        return samples[:0]
    keep = int(keep_seconds * sample_rate_hz)
    return samples[max(0, int(loud[0]) * frame - keep) : (int(loud[-1]) + 1) * frame + keep]


def fade(samples: Pcm, sample_rate_hz: int, seconds: float = 0.005) -> Pcm:
    """A copy with linear fades at both ends, so that cuts do not click."""
    out = samples.copy()
    n = min(int(seconds * sample_rate_hz), len(out) // 2)
    if n:
        ramp = np.linspace(0.0, 1.0, n, dtype=np.float32)
        out[:n] *= ramp
        out[-n:] *= ramp[::-1]
    return out


def tone(frequency_hz: float, seconds: float, sample_rate_hz: int, level_dbfs: float = -20.0) -> Pcm:
    """A faded sine, for earcons."""
    t = np.arange(int(seconds * sample_rate_hz), dtype=np.float32) / sample_rate_hz
    wave_ = np.sin(2 * np.pi * frequency_hz * t, dtype=np.float32) * np.float32(10 ** (level_dbfs / 20))
    return fade(wave_, sample_rate_hz, 0.01)


def read_wav(source: Path | bytes) -> tuple[Pcm, int]:
    """A PCM WAV file (8, 16, 24 or 32 bit, any channels) as mono float and its rate.

    Raises DeviceError when it is no such file.
    """
    with _opened(source) as file:
        width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
        raw = file.readframes(file.getnframes())
    return from_bytes(raw, width, channels), rate


def wav_seconds(source: Path) -> float:
    """How long such a file says it is, without reading it. Raises DeviceError."""
    with _opened(source) as file:
        return file.getnframes() / file.getframerate()


@contextmanager
def _opened(source: Path | bytes) -> Iterator[wave.Wave_read]:
    name = str(source) if isinstance(source, Path) else "the audio"
    try:
        with wave.open(io.BytesIO(source) if isinstance(source, bytes) else str(source), "rb") as file:
            if file.getsampwidth() > 4:
                raise wave.Error(f"{8 * file.getsampwidth()} bit samples")
            if file.getframerate() <= 0:
                raise wave.Error("no sample rate")
            yield file
    except FileNotFoundError as error:
        raise DeviceError("wav-not-found", f"There is no file {name}.", "Check the path.") from error
    except (wave.Error, EOFError, OSError) as error:
        raise DeviceError(
            "wav-unreadable",
            f"{name} is not a PCM WAV file ({error}).",
            "Convert it: sox FILE -e signed-integer -b 16 NEW.wav",
        ) from error


def from_bytes(raw: bytes, width: int, channels: int = 1) -> Pcm:
    """PCM of 1 to 4 bytes a sample, little-endian, as mono float; a frame that is cut off at the end is left out."""
    return mono(_decode(raw[: len(raw) - len(raw) % (width * channels)], width).reshape(-1, channels))


def _decode(raw: bytes, width: int) -> Pcm:
    if width == 1:
        return (np.frombuffer(raw, np.uint8).astype(np.float32) - 128) / np.float32(128)
    if width == 2:
        return to_float(np.frombuffer(raw, "<i2"))
    if width == 3:
        padded = np.zeros((len(raw) // 3, 4), np.uint8)
        padded[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        raw, width = padded.tobytes(), 4
    return np.asarray(np.frombuffer(raw, "<i4") / 2**31, dtype=np.float32)


def read_speech(source: Path | bytes) -> Pcm16:
    """A WAV file as heard audio: mono, 16 kHz, int16."""
    samples, rate = read_wav(source)
    return to_pcm16(resample(samples, rate, SAMPLE_RATE_HZ))


def wav_bytes(samples: Pcm, sample_rate_hz: int) -> bytes:
    """A 16-bit mono WAV file as bytes."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate_hz)
        file.writeframes(to_pcm16(samples).astype("<i2").tobytes())
    return buffer.getvalue()


def silence(seconds: float, sample_rate_hz: int) -> Pcm:
    """Digital silence."""
    return np.zeros(int(seconds * sample_rate_hz), np.float32)


def join(*clips: Pcm) -> Pcm:
    """Clips of one rate, end to end."""
    return np.concatenate(clips)
