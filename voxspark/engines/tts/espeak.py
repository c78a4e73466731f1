"""espeak-ng as a program of its own: robotic, but it says anything, in any language."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncGenerator
from tempfile import TemporaryFile

import anyio

from voxspark.audio import read_wav
from voxspark.config_speech import VoiceSettings
from voxspark.errors import DeviceError, SynthesizerError
from voxspark.types import Pcm

WORDS_PER_MINUTE = 165
"""espeak-ng's pace at speed 1.0; its default of 175 is hurried."""


class EspeakSynthesizer:
    """Runs espeak-ng once per piece (measured: 12 ms)."""

    def __init__(self, settings: VoiceSettings) -> None:
        self._pace = round(WORDS_PER_MINUTE * settings.speed)

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """The whole text as one piece. Raises SynthesizerError, `nothing-to-say` for empty text."""
        if not text.strip():
            raise SynthesizerError("nothing-to-say", "There is nothing in this that can be said.")
        if (program := shutil.which("espeak-ng")) is None:
            raise SynthesizerError(
                "espeak-missing", "The last-resort voice is not installed.", "Run: sudo apt-get install espeak-ng"
            )
        try:
            samples, rate = read_wav(await _output([program, "--stdin", "--stdout", "-s", str(self._pace)], text))
        except (OSError, subprocess.CalledProcessError, DeviceError) as error:
            raise SynthesizerError("espeak-failed", "The last-resort voice failed.", "Reinstall espeak-ng.") from error
        yield samples, rate

    async def warm(self) -> None:
        """Nothing to load."""


async def _output(command: list[str], text: str) -> bytes:
    """Standard output of a program that reads this text. Raises OSError and CalledProcessError."""
    with TemporaryFile() as file:  # no pipe: a program that dies before it reads would break it
        file.write(text.encode(errors="replace"))
        file.seek(0)
        with anyio.CancelScope(shield=True):  # cancelled amid its start, a process would outlive us
            process = await anyio.open_process(command, stdin=file, stderr=subprocess.DEVNULL)
    async with process:
        assert process.stdout is not None
        output = b"".join([piece async for piece in process.stdout])
        if code := await process.wait():
            raise subprocess.CalledProcessError(code, command)
    return output
