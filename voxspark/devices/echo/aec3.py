"""WebRTC's echo canceller AEC3, by the package pywebrtc-audio (Apache-2.0, 0.4 MB)."""

from __future__ import annotations

from voxspark.devices.echo.canceller import LEAD_SECONDS
from voxspark.errors import DeviceError
from voxspark.types import SAMPLE_RATE_HZ, Pcm16

NOISE_LEVEL = 1
"""Of WebRTC's noise suppressor, 12 dB, for voice detection alone: less is left of the echo, and a voice as loud as the
echo is noticed up to 100 ms earlier (`bench/echo.py`). A transcriber gets more wrong behind it (facts/speech.md 6)."""

USUAL_SECONDS = 0.03
"""Of delay that drivers do not tell of, until it is measured."""


class Aec3:
    """A Filter. Raises DeviceError when the package is not installed."""

    def __init__(self) -> None:
        try:
            from pywebrtc_audio import EchoCanceller, NoiseSuppressor
        except ImportError as error:
            raise DeviceError(
                "echo-canceller-missing", "The echo canceller is not installed.", "Run: pip install pywebrtc-audio"
            ) from error
        self._echo = EchoCanceller(SAMPLE_RATE_HZ, 1)
        self._noise = NoiseSuppressor(SAMPLE_RATE_HZ, 1, NOISE_LEVEL)
        self.expect(LEAD_SECONDS + USUAL_SECONDS)

    def process(self, near: Pcm16, far: Pcm16) -> tuple[Pcm16, Pcm16]:
        """See `canceller.Filter`."""
        echoless = self._echo.process(near, far)
        return echoless, self._noise.process(echoless)

    def expect(self, delay_seconds: float) -> None:
        """See `canceller.Filter`."""
        self._echo.stream_delay_ms = round(delay_seconds * 1000)
