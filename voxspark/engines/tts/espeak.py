"""espeak-ng as a program of its own: robotic, but it says anything, in the language of the turn."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import AsyncGenerator, Iterator, Mapping
from tempfile import TemporaryFile
from types import MappingProxyType

import anyio

from voxspark.audio import read_wav
from voxspark.config_speech import VoiceSettings
from voxspark.errors import DeviceError, SynthesizerError
from voxspark.language import Language, current
from voxspark.types import Pcm
from voxspark.voices import shelf

WORDS_PER_MINUTE = 165
"""espeak-ng's pace at speed 1.0; its default of 175 is hurried."""

VOICES: Mapping[Language, str] = MappingProxyType({"en": "en-us", "de": "de", "es": "es", "fr": "fr"})

PIECE_CHARACTERS = 1_000
"""Longer text is said piece by piece (a minute each), so that it begins early and is never whole in memory."""

_PIECE = re.compile(rf".{{1,{PIECE_CHARACTERS}}}(?:\s|$)|.{{{PIECE_CHARACTERS}}}", re.DOTALL)


class EspeakSynthesizer:
    """Runs espeak-ng once per piece (measured: 12 ms)."""

    def __init__(self, settings: VoiceSettings) -> None:
        self._chosen = shelf().choose("espeak", settings.voice)
        self._pace = round(WORDS_PER_MINUTE * settings.speed * self._chosen.speed)

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """Mostly one piece. Raises SynthesizerError, `nothing-to-say` for empty text."""
        if not (plain := _plain(text)):
            raise SynthesizerError("nothing-to-say", "There is nothing in this that can be said.")
        if (program := shutil.which("espeak-ng")) is None:
            raise SynthesizerError(
                "espeak-missing", "The last-resort voice is not installed.", "Run: sudo apt-get install espeak-ng"
            )
        command = [program, "--stdin", "--stdout", "-s", str(self._pace), "-v", self._voice()]
        for piece in _pieces(plain):
            try:
                samples, rate = read_wav(await _output(command, piece))
            except (OSError, subprocess.CalledProcessError, DeviceError) as error:
                raise SynthesizerError(
                    "espeak-failed", "The last-resort voice failed.", "Reinstall espeak-ng."
                ) from error
            yield samples, rate

    async def warm(self) -> None:
        """Nothing to load."""

    def _voice(self) -> str:
        """The library's for the language of the turn, else the plain one."""
        of_library, language = self._chosen.voice, current()
        return self._chosen.name if of_library and of_library.language == language else VOICES[language]


def _plain(text: str) -> str:
    """Without what the program takes for the end of the text (NUL), or for phonemes of its own ([[…]])."""
    return text.replace("\0", " ").replace("[[", "[ [").strip()


def _pieces(text: str) -> Iterator[str]:
    for found in _PIECE.finditer(text):
        if piece := found[0].strip():
            yield piece


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
