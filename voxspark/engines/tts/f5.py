"""F5-TTS: speaks in the voice of a recording, by flow matching. English and Chinese, 24 kHz.

Weights come from a folder or from what `hf download` has left on this machine; nothing is ever fetched here.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from functools import cached_property
from pathlib import Path

from voxspark.config_speech import VoiceSettings
from voxspark.engines.hub import folder_of, is_hub_name, require_folder
from voxspark.engines.on_torch import device_of, told_of_voice
from voxspark.engines.thread import EngineThread
from voxspark.engines.tts.cloning import recorded_voice
from voxspark.engines.tts.f5_model import F5Model
from voxspark.engines.tts.f5_sound import SAMPLE_RATE_HZ, Sample, joined, read_sample
from voxspark.engines.tts.f5_text import most_bytes, pieces
from voxspark.errors import SynthesizerError
from voxspark.types import Pcm

WEIGHTS, VOCODER = "SWivid/F5-TTS", "charactr/vocos-mel-24khz"

VOCABULARY = "vocab.txt"
"""The file that makes a folder weights of F5-TTS."""

FIRST_WORDS = "Hello there."


class F5Synthesizer:
    """F5-TTS in its own thread: in float16 on a GPU, else in float32."""

    def __init__(self, settings: VoiceSettings) -> None:
        """Raises SynthesizerError when there is no recording to speak like."""
        self._settings = settings
        self._voice = recorded_voice("f5_tts", settings.voice)
        self._speed = settings.speed * self._voice.speed
        self._thread = EngineThread("f5")

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """The first clause early, then sentences; closing it stops the model within a layer of its transformer.

        Raises SynthesizerError, `nothing-to-say` for text without words.
        """
        gone = threading.Event()

        def work(put: Callable[[Pcm], None]) -> None:
            with told_of_voice("F5-TTS"):
                waves = self._waves(text, gone)
                for samples in joined(waves, self._settings.f5_tts.cross_fade_seconds):
                    put(samples)

        try:
            async with aclosing(self._thread.stream(work)) as made:
                async for samples in made:
                    yield samples, SAMPLE_RATE_HZ
        finally:
            gone.set()

    async def warm(self) -> None:
        """Load the weights; on a GPU also take one step, so that what is read back is all it will take."""
        await self._thread.call(self._first)

    def close(self) -> None:
        """Let its thread end."""
        self._thread.close()

    def _first(self) -> None:
        with told_of_voice("F5-TTS"):
            if self._model.on_gpu:
                self._model.say(FIRST_WORDS, speed=1.0, seed=0, gone=threading.Event(), steps=1)

    def _waves(self, text: str, gone: threading.Event) -> Iterator[tuple[Pcm, bool]]:
        parts = pieces(text, most_bytes(self._sample.seconds, self._sample.text, self._speed))
        if not parts:
            raise SynthesizerError("nothing-to-say", "There is nothing in this that can be said.")
        for part in parts:
            yield self._model.say(part.text, speed=self._speed, seed=self._settings.seed, gone=gone), part.goes_on

    @cached_property
    def _sample(self) -> Sample:
        return read_sample(self._voice)

    @cached_property
    def _model(self) -> F5Model:
        weights, vocoder = folders(self._settings)  # told before the seconds that the imports take
        device = device_of(self._settings.device, SynthesizerError, "voice")
        return F5Model(weights, vocoder, self._settings.f5_tts, device, self._sample)


def folders(settings: VoiceSettings) -> tuple[Path, Path]:
    """Of weights and vocoder. Raises SynthesizerError `voice-weights-missing`."""
    own = settings.f5_tts
    return weights_folder(settings.model or WEIGHTS, own.architecture), vocoder_folder(own.vocoder)


def weights_folder(model: str, architecture: str) -> Path:
    """Where the weights are. Raises SynthesizerError `voice-weights-missing`."""
    places = ((model, VOCABULARY), (f"{model}/{architecture}", VOCABULARY), (model, f"{architecture}/{VOCABULARY}"))
    for name, index in places:
        if (folder := folder_of(name, index)) is not None:
            return folder
    raise SynthesizerError(
        "voice-weights-missing",
        f"The weights of {Path(model).name} are not on this machine.",
        f"Run: hf download {model} --include '{architecture}/*'"
        if is_hub_name(model)
        else f"voice.model must be a folder with a {VOCABULARY}, or a name on the hub like {WEIGHTS}.",
    )


def vocoder_folder(vocoder: str) -> Path:
    """Where the vocoder is. Raises SynthesizerError `voice-weights-missing`."""
    return require_folder(
        vocoder,
        "config.yaml",
        SynthesizerError,
        "voice-weights-missing",
        setting="voice.f5_tts.vocoder",
        example=VOCODER,
    )
