"""Whisper on torch, through `transformers`: for GPUs that CTranslate2's wheel is not built for (aarch64), and for the
checkpoints of the hub as they are, distilled ones too.

It behaves as `faster_whisper` does: the same windows, guards and hot words. Weights come from a folder or from what
`hf download` has left on this machine; nothing is ever fetched here.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxspark.audio import to_float
from voxspark.config_speech import TranscriberSettings
from voxspark.engines.hub import require_folder
from voxspark.engines.on_torch import device_of, told
from voxspark.engines.stt.guards import (
    FULL_SECONDS,
    Reading,
    hint,
    most_tokens,
    require_languages,
    understood,
    window_seconds,
)
from voxspark.engines.thread import EngineThread
from voxspark.errors import EngineError, TranscriberError
from voxspark.types import SAMPLE_RATE_HZ, Pcm16, Transcript

if TYPE_CHECKING:
    from numpy.typing import NDArray

INDEX = "config.json"

LONGEST_SECONDS, SHORTEST_SECONDS = FULL_SECONDS - 2, FULL_SECONDS - 10
"""Longer speech is cut where it is quietest between the two, so that a word is rarely halved."""

QUIET_SAMPLES = SAMPLE_RATE_HZ // 10
"""How long a stretch must be quiet."""

SAMPLES_PER_POSITION = 320
"""A log-mel frame each 10 ms, of which the encoder makes one position of two."""


class TorchWhisperTranscriber:
    """One Whisper model in its own thread: in 16 bits on a GPU, else in float32."""

    def __init__(self, settings: TranscriberSettings) -> None:
        self._settings = settings
        self._thread = EngineThread("whisper")
        self._whisper: _Whisper | None = None

    async def transcribe(self, samples: Pcm16, *, hot_words: Sequence[str] = ()) -> Transcript:
        """See `protocols.Transcriber.transcribe`."""
        return await self._thread.call(lambda: self._transcribe(samples, hot_words))

    async def warm(self) -> None:
        """Load the weights and run once; on a GPU that also builds its kernels."""
        await self._thread.call(lambda: self._transcribe(np.zeros(SAMPLE_RATE_HZ, np.int16), ()))

    def close(self) -> None:
        """Let its thread end."""
        self._thread.close()

    def _transcribe(self, samples: Pcm16, hot_words: Sequence[str]) -> Transcript:
        if self._whisper is None:
            self._whisper = _load(self._settings)

        import torch

        language, said = self._settings.language, []
        with told(_not_made_out):
            with torch.inference_mode():
                for piece in pieces(to_float(samples)):
                    language, reading = self._whisper.hear(piece, language, hot_words, self._settings)
                    said.append(reading)
            kept = [reading for reading in said if reading.text] or said
        confidence = sum(reading.confidence for reading in kept) / len(kept)
        return Transcript(" ".join(reading.text for reading in kept), language, confidence)


def pieces(audio: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """The audio in parts that fit into a window, cut where it is quiet; at least one."""
    while len(audio) > LONGEST_SECONDS * SAMPLE_RATE_HZ:
        begin = SHORTEST_SECONDS * SAMPLE_RATE_HZ
        stretch = audio[begin : LONGEST_SECONDS * SAMPLE_RATE_HZ].reshape(-1, QUIET_SAMPLES)
        cut = begin + int(np.square(stretch).sum(axis=1).argmin()) * QUIET_SAMPLES + QUIET_SAMPLES // 2
        yield audio[:cut]
        audio = audio[cut:]
    yield audio


@dataclass(slots=True)
class _Whisper:
    """A checkpoint in memory."""

    model: Any
    tokenizer: Any
    extractor: Any
    encoders: dict[int, Any] = field(default_factory=dict)
    """By number of positions: one for each length of window."""

    @property
    def is_multilingual(self) -> bool:
        return bool(getattr(self.model.generation_config, "is_multilingual", True))

    def hear(
        self, audio: NDArray[np.float32], language: str, hot_words: Sequence[str], settings: TranscriberSettings
    ) -> tuple[str, Reading]:
        """At most a window; with the language, which is found where it is `auto`."""
        seconds = len(audio) / SAMPLE_RATE_HZ
        encoded = self._encode(audio, window_seconds(seconds, settings))
        first = self._first(encoded)
        if not self.is_multilingual:
            language = "en"
        elif language == "auto":
            language = max(settings.languages, key=lambda code: first[self.id(f"<|{code}|>")].item())
        no_speech = first.softmax(0)[self.id("<|notimestamps|>") - 1].item()  # its neighbour has two names

        def read(words: Sequence[str], beams: int) -> Reading:
            return self._generate(encoded, self._prompt(language, words), seconds, no_speech, beams)

        return language, understood(read, hot_words, settings)

    def id(self, token: str) -> int:
        """Of a token by its name."""
        return int(self.tokenizer.convert_tokens_to_ids(token))

    def _encode(self, audio: NDArray[np.float32], window: float) -> Any:
        positions = int(window * SAMPLE_RATE_HZ) // SAMPLES_PER_POSITION
        features = self.extractor(
            audio,
            sampling_rate=SAMPLE_RATE_HZ,
            padding="max_length",
            max_length=positions * SAMPLES_PER_POSITION,
            return_tensors="pt",
            device=str(self.model.device),
        ).input_features
        return self._encoder(positions)(features.to(self.model.device, self.model.dtype))

    def _encoder(self, positions: int) -> Any:
        """The encoder for a window of so many positions. `transformers` knows only the whole one, so this is one with
        fewer position embeddings, which shares all else: on a CPU 2.5 times faster, on a GPU milliseconds."""
        if positions not in self.encoders:
            import torch

            whole = self.model.get_encoder()
            cut = copy.copy(whole)
            cut.config = copy.copy(whole.config)
            cut.config.max_source_positions = positions
            places = torch.nn.Embedding.from_pretrained(whole.embed_positions.weight[:positions])
            cut._modules = {**whole._modules, "embed_positions": places}
            self.encoders[positions] = cut
        return self.encoders[positions]

    def _first(self, encoded: Any) -> Any:
        """Logits of what follows the start of a transcript: a language, or that nobody speaks."""
        import torch

        start = torch.tensor([[self.model.generation_config.decoder_start_token_id]], device=self.model.device)
        return self.model(encoder_outputs=encoded, decoder_input_ids=start).logits[0, -1].float()

    def _prompt(self, language: str, hot_words: Sequence[str]) -> list[int]:
        start = int(self.model.generation_config.decoder_start_token_id)
        task = [self.id(f"<|{language}|>"), self.id("<|transcribe|>")] if self.is_multilingual else []
        before = self.tokenizer.encode(hint(hot_words), add_special_tokens=False) if hot_words else []
        previous = [self.id("<|startofprev|>"), *before] if before else []
        return [*previous, start, *task, self.id("<|notimestamps|>")]

    def _generate(self, encoded: Any, prompt: list[int], seconds: float, no_speech: float, beams: int) -> Reading:
        """Past Whisper's own `generate`, which is about timestamps and windows, to that of all models."""
        import torch
        from transformers import GenerationConfig, GenerationMixin

        known = self.model.generation_config
        result = GenerationMixin.generate(
            self.model,
            encoder_outputs=copy.copy(encoded),  # beams are written into it
            decoder_input_ids=torch.tensor([prompt], device=self.model.device),
            generation_config=GenerationConfig(
                max_new_tokens=most_tokens(seconds),
                num_beams=beams,
                early_stopping=beams > 1,  # the longer it may search, the more often it finds a sentence repeated
                do_sample=False,
                suppress_tokens=known.suppress_tokens,
                begin_suppress_tokens=known.begin_suppress_tokens,
                decoder_start_token_id=known.decoder_start_token_id,
                eos_token_id=known.eos_token_id,
                pad_token_id=known.pad_token_id,
                return_dict_in_generate=True,
                output_scores=True,
            ),
        )
        scores = self.model.compute_transition_scores(
            result.sequences, result.scores, getattr(result, "beam_indices", None), normalize_logits=beams == 1
        )[0]
        end = self.id("<|endoftext|>")  # special tokens are the last ones
        tokens = [token for token in result.sequences[0, len(prompt) :].tolist() if token < end]
        text = self.tokenizer.decode(tokens).strip()
        return Reading(text, scores[: len(tokens) + 1].mean().item(), no_speech)


def _not_made_out(kind: str) -> EngineError:
    return TranscriberError(
        "transcriber-failed", "I could not make out what you said.", f"Please say it again ({kind})."
    )


# ── loading ─────────────────────────────────────────────────────────────────────────────────────


def weights_folder(settings: TranscriberSettings) -> Path:
    """Where the model is. Raises TranscriberError `whisper-weights-missing`."""
    return require_folder(
        settings.model,
        INDEX,
        TranscriberError,
        "whisper-weights-missing",
        setting="transcriber.model",
        example="openai/whisper-large-v3-turbo",
    )


def _load(settings: TranscriberSettings) -> _Whisper:
    """The model the settings name. Raises TranscriberError with what to do."""
    folder = weights_folder(settings)  # told before the seconds that the imports take

    device = device_of(settings.device, TranscriberError, "transcriber")

    import torch
    from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()

    if settings.threads:
        torch.set_num_threads(settings.threads)

    def not_loaded(kind: str) -> EngineError:
        remedy = f"Are its weights whole? Run: hf download {settings.model} ({kind})."
        return TranscriberError(
            "whisper-load-failed", f"The Whisper model {settings.model} could not be loaded.", remedy
        )

    with told(not_loaded):
        options: dict[str, Any] = {"local_files_only": True}
        whisper = _Whisper(
            WhisperForConditionalGeneration.from_pretrained(
                folder, dtype=torch.float16 if device == "cuda" else torch.float32, **options
            )
            .to(device)
            .eval(),
            WhisperTokenizer.from_pretrained(folder, **options),
            WhisperFeatureExtractor.from_pretrained(folder, **options),
        )
    known = {token.strip("<|>") for token in whisper.tokenizer.get_vocab()} if whisper.is_multilingual else {"en"}
    require_languages(settings, known, is_multilingual=whisper.is_multilingual)
    return whisper
