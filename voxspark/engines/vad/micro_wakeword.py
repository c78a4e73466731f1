"""microWakeWord through pymicro-wakeword: TensorFlow Lite, four names in the wheel (Apache-2.0).

Measured: 0.06 ms a chunk for one name (0.2 % of a core), 0.17 ms for all four, the same in silence and noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from voxspark.config_listening import ListeningSettings
from voxspark.errors import EngineError
from voxspark.types import SAMPLE_RATE_HZ, Pcm16

REFRACTORY_SECONDS = 2.0
"""After a name no name fires: the averaged probability stays high for about a second, and "hey jarvis" said
twice in a row is one call."""


class MicroWakeWords:
    """Several names on one set of features; each with the threshold its model was published with."""

    def __init__(self, words: Sequence[str]) -> None:
        try:
            from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model

            self._features: Any = MicroWakeWordFeatures()
            self._models: dict[str, Any] = {word: MicroWakeWord.from_builtin(Model(word)) for word in words}
        except (OSError, ValueError, KeyError) as error:
            raise EngineError(
                "wake-word-unusable", "The wake word detector cannot load its models.", "Reinstall pymicro-wakeword."
            ) from error
        self._deaf_samples = 0

    def detect(self, samples: Pcm16) -> str | None:
        """The wake word that ends in this chunk (any length, 16 kHz), or None."""
        heard: str | None = None
        for frame in self._features.process_streaming(samples.tobytes()):
            for word, model in self._models.items():
                if model.process_streaming(frame):
                    heard = heard or word
        if self._deaf_samples > 0:
            self._deaf_samples -= len(samples)
            return None
        if heard is not None:
            self._deaf_samples = int(REFRACTORY_SECONDS * SAMPLE_RATE_HZ)
        return heard


def create(settings: ListeningSettings) -> MicroWakeWords:
    """The registry's factory."""
    return MicroWakeWords(settings.wake_words)
