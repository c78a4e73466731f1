"""Piper voices that a user brings, through ONNX Runtime: without piper-tts and its built-in espeak-ng (GPL-3.0)."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

from voxspark.config_speech import VoiceSettings
from voxspark.engines.tts.onnx import OnnxSynthesizer, Reply, open_session
from voxspark.engines.tts.phonemes import EnglishIpa, EspeakProgram, Phonemizer, in_pieces
from voxspark.engines.tts.piper_voice import PiperConfig, choose_piper, read_piper
from voxspark.errors import SynthesizerError
from voxspark.types import Pcm

PAD, BEGIN, END = "_", "^", "$"

MOST_THREADS = 2
"""A real-time factor of 0.05; more threads gain little."""


class PiperSynthesizer(OnnxSynthesizer):
    """One voice, and of a voice of many speakers one of them."""

    def __init__(self, settings: VoiceSettings) -> None:
        super().__init__("piper")
        self._model, chosen = choose_piper(settings)
        self._voice = read_piper(self._model)
        self._speaker = _speaker(self._voice, chosen.name)
        self._speed = settings.speed * chosen.speed
        self._session: Any = None

    def _pieces(self, text: str, reply: Reply) -> Iterator[tuple[Pcm, int]]:
        if self._session is None:
            self._phonemizer = _phonemizer(self._voice)
            self._session = open_session(self._model, min(os.cpu_count() or 1, MOST_THREADS))
        for piece in in_pieces(self._phonemizer.sentences(text)):
            if any(map(str.isalnum, piece)) and (ids := piper_ids(piece, self._voice)):
                samples = reply.run(self._session, self._inputs(ids))
                yield np.clip(samples, -1, 1), self._voice.audio.sample_rate

    def _inputs(self, ids: list[int]) -> dict[str, Any]:
        scales = self._voice.inference
        inputs: dict[str, Any] = {
            "input": np.array([ids]),
            "input_lengths": np.array([len(ids)]),
            "scales": np.array([scales.noise_scale, scales.length_scale / self._speed, scales.noise_w], np.float32),
        }
        return inputs | ({"sid": np.array([self._speaker])} if self._voice.num_speakers > 1 else {})


class _Letters:
    """For voices that were trained on letters."""

    def sentences(self, text: str) -> Iterator[str]:
        """See `Phonemizer`."""
        yield text.lower()


def piper_ids(phonemes: str, voice: PiperConfig) -> list[int]:
    """The model's numbers, with a pad after each; symbols it does not know are left out. Empty when it knows none."""
    known = voice.phoneme_id_map
    symbols = [symbol for symbol in unicodedata.normalize("NFD", phonemes) if symbol in known]
    if not symbols:
        return []
    padded = [number for symbol in (BEGIN, *symbols) for number in (*known[symbol], *known[PAD])]
    return [*padded, *known[END]]


def _speaker(voice: PiperConfig, name: str) -> int:
    """The number of a speaker by name or number; 0 where there is one only, or none is named."""
    if voice.num_speakers <= 1 or not name:
        return 0
    if name in voice.speaker_id_map:
        return voice.speaker_id_map[name]
    if name.isdecimal() and int(name) < voice.num_speakers:
        return int(name)
    known = ", ".join(list(voice.speaker_id_map)[:20]) or f"0 to {voice.num_speakers - 1}"
    raise SynthesizerError("voice-unknown", f"This Piper voice has no speaker {name}.", f"Known: {known}.")


def _phonemizer(voice: PiperConfig) -> Phonemizer:
    """English is hibari's where it is installed. Raises SynthesizerError `phonemes-missing`."""
    if voice.phoneme_type == "text":
        return _Letters()
    if voice.language == "en" and find_spec("hibari"):
        return EnglishIpa(british=not voice.espeak.voice.startswith("en-us"))
    return EspeakProgram(voice.espeak.voice)
