"""WebRTC voice activity as a nearly free first look (MIT; 3 µs a chunk)."""

from __future__ import annotations

from typing import Any

from voxspark.config_listening import ListeningSettings
from voxspark.errors import EngineError
from voxspark.types import SAMPLE_RATE_HZ, Pcm16

AGGRESSIVENESS = 2
"""0..3, how readily a frame is called noise."""

FRAME_SAMPLES = 480
"""The longest frame the detector takes: 30 ms, so the last 2 ms of a chunk go unseen."""


class WebrtcGate:
    """One detector, with its own noise estimate."""

    def __init__(self) -> None:
        import webrtcvad

        self._vad: Any = webrtcvad.Vad(AGGRESSIVENESS)

    def open(self, samples: Pcm16) -> bool:
        """For one chunk of 512 samples at 16 kHz. Raises EngineError `chunk-size` for less than 480."""
        if len(samples) < FRAME_SAMPLES:
            raise EngineError("chunk-size", f"The voice gate was given {len(samples)} samples.")
        return bool(self._vad.is_speech(samples[:FRAME_SAMPLES].tobytes(), SAMPLE_RATE_HZ))


def create(_settings: ListeningSettings) -> WebrtcGate:
    """The registry's factory."""
    return WebrtcGate()
