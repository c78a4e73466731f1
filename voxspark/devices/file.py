"""WAV files as microphone and speaker: for scripts, tests and recordings."""

from __future__ import annotations

import struct
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np
from anyio.lowlevel import checkpoint

from voxspark.audio import read_speech, to_pcm16
from voxspark.devices.clocked import ClockedSpeaker, paced
from voxspark.errors import DeviceError
from voxspark.protocols import Clock
from voxspark.types import CHUNK_SAMPLES, CHUNK_SECONDS, Chunk, Pcm, Pcm16

FILE_RATE_HZ = 24_000
"""What most voices speak at, so that their clips are written unchanged."""


class FileMicrophone:
    """A WAV file as if it were spoken now. Raises DeviceError when it cannot be read."""

    dropped_seconds = 0.0

    def __init__(
        self, path: Path, clock: Clock, fast: bool = False, hold: Callable[[], Awaitable[None]] = checkpoint
    ) -> None:
        self.description = f"file:{path}"
        self._samples = read_speech(path)
        self._clock = clock
        self._fast = fast
        self._hold = hold

    def chunks(self) -> AsyncGenerator[Chunk, None]:
        """The file in chunks, the last one padded with zeros, then the end.

        In real time by the clock; with `fast`, as soon as `hold` returns, with `at` counted from the file's start.
        """
        return self._held() if self._fast else paced(self._pieces(), self._clock)

    async def aclose(self) -> None:
        """See `retry.OpenMicrophone`."""
        await checkpoint()

    async def _held(self) -> AsyncGenerator[Chunk, None]:
        for n, samples in enumerate(self._pieces()):
            await self._hold()
            yield Chunk(samples, n * CHUNK_SECONDS)

    def _pieces(self) -> Iterator[Pcm16]:
        for start in range(0, len(self._samples), CHUNK_SAMPLES):
            piece = self._samples[start : start + CHUNK_SAMPLES]
            yield np.pad(piece, (0, CHUNK_SAMPLES - len(piece)))


class FileSpeaker(ClockedSpeaker):
    """Writes what is heard into a 16-bit mono WAV at 24 kHz whose sample k is clock second k / 24000.

    What a stop drops never reaches the file. Raises DeviceError when the file cannot be written.
    """

    def __init__(self, path: Path, clock: Clock, queue_seconds: float = 0.2) -> None:
        super().__init__(clock, FILE_RATE_HZ, queue_seconds)
        self.description = f"file:{path}"
        self._error: DeviceError | None = None
        try:
            self._file = _WavFile(path, FILE_RATE_HZ)
        except OSError as error:
            raise _unwritable(self.description, error) from error

    def close(self) -> None:
        """Complete the file; what was not heard yet is left out."""
        if not self._closed:
            super().close()
            try:
                self._file.close()
            except OSError as error:
                raise _unwritable(self.description, error) from error

    def _write(self, position: int, samples: Pcm) -> None:
        try:
            self._file.write(position, samples)
        except OSError as error:
            self._error = _unwritable(self.description, error)
            self._error.__cause__ = error

    def _check(self) -> None:
        super()._check()
        error, self._error = self._error, None
        if error is not None:
            raise error


def _unwritable(description: str, error: OSError) -> DeviceError:
    reason = error.strerror or str(error)
    return DeviceError(
        "speaker-file-failed", f"The sound cannot be written to {description}: {reason}.", "Check path and free space."
    )


class _WavFile:
    """A growing 16-bit mono WAV; gaps are holes of the file system and cost nothing.

    The header is put right after every second of audio, so that a killed process leaves a file that can be read.
    """

    HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
    MAX_SAMPLES = (2**32 - 1 - HEADER.size) // 2
    """Sizes in a WAV header have 32 bits: a little over a day."""

    def __init__(self, path: Path, sample_rate_hz: int) -> None:
        self._rate = sample_rate_hz
        self._samples = self._samples_in_header = 0
        self._file = path.open("wb")
        self._write_header()

    def write(self, position: int, samples: Pcm) -> None:
        """Place samples at a position; raises OSError, also when the file would grow too long."""
        if position + len(samples) > self.MAX_SAMPLES:
            raise OSError("a WAV file ends at 4 GiB")
        self._file.seek(self.HEADER.size + 2 * position)
        self._file.write(to_pcm16(samples).astype("<i2").tobytes())
        self._samples = max(self._samples, position + len(samples))
        if self._samples - self._samples_in_header >= self._rate:
            self._write_header()

    def close(self) -> None:
        """Put the header right and close."""
        try:
            self._write_header()
        finally:
            self._file.close()

    def _write_header(self) -> None:
        data, rate = 2 * self._samples, self._rate
        riff = (b"RIFF", self.HEADER.size - 8 + data, b"WAVE")
        layout = (b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
        self._file.seek(0)
        self._file.write(self.HEADER.pack(*riff, *layout, b"data", data))
        self._file.flush()
        self._samples_in_header = self._samples
