"""What engines need and can do where that takes a look at their files."""

from __future__ import annotations

from collections.abc import Collection

from voxspark.config_speech import VoiceSettings
from voxspark.engines.registry import Need
from voxspark.engines.tts.piper_voice import choose_piper, read_piper
from voxspark.errors import SynthesizerError

UNKNOWN_PIPER_BYTES = 63 << 20
"""Taken for a Piper voice that is not there: the file of one of medium quality."""

PIPER_BYTES = 380 << 20
"""Pronunciation and activations of the longest piece, beside the weights (measured)."""


def piper_need(settings: VoiceSettings) -> Need:
    """By the size of the voice's file."""
    try:
        model, _ = choose_piper(settings)
        weights = model.stat().st_size
    except (OSError, ValueError, SynthesizerError):
        weights = UNKNOWN_PIPER_BYTES
    return Need(cpu_bytes=weights + PIPER_BYTES)


def piper_languages(settings: VoiceSettings) -> Collection[str]:
    """The one its voice speaks; any when that is not known."""
    try:
        model, _ = choose_piper(settings)
        return (read_piper(model).language,)
    except SynthesizerError:
        return ()
