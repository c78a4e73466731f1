"""The network of Sesame CSM: text, and how texts before it were said, to frames of its codec (transformers, torch)."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from voxspark.audio import read_wav, resample, to_float
from voxspark.config_speech import CsmSettings, VoiceSettings
from voxspark.engines.on_torch import device_of
from voxspark.engines.tts.csm_context import Context, Spoken
from voxspark.engines.tts.csm_stream import FRAMES_PER_SECOND, SAMPLE_RATE_HZ, FrameStreamer, most_frames
from voxspark.errors import SynthesizerError
from voxspark.types import SAMPLE_RATE_HZ as HEARD_RATE_HZ
from voxspark.types import Pcm, Pcm16
from voxspark.voices import Voice

log = logging.getLogger(__name__)

FIRST_WORDS = "Hello there, it is good to hear from you."
"""Said while it loads: a GPU's graphs are made by it, and without a recording it decides whose voice this is."""

LONGEST_REFERENCE_POSITIONS = 700
"""Some 45 s of speech; more would leave too little of 2,048 for a sentence."""


SILENCE_SECONDS = 180.0
"""Without a word, after which a conversation is over: what the user said in it is forgotten."""

ASSISTANT, USER = 0, 1
"""Numbers of speakers."""


class CsmModel:
    """In bfloat16 on a GPU, else in float32; its codec never in bfloat16, which would be heard. For one thread."""

    def __init__(self, folder: Path, settings: VoiceSettings, voice: Voice | None) -> None:
        import torch
        from transformers import AutoTokenizer, CsmForConditionalGeneration

        device = device_of(settings.device, SynthesizerError, "voice")
        on_gpu = device == "cuda"
        model = CsmForConditionalGeneration.from_pretrained(
            folder,
            dtype=torch.bfloat16 if on_gpu else torch.float32,
            local_files_only=True,
            use_safetensors=True,
        )
        model.codec_model.float()
        self.network = model.to(device).eval()
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._positions: int = model.config.max_position_embeddings
        self._settings = settings
        self.context: Context[Any] = Context(int(settings.csm.context_seconds * FRAMES_PER_SECOND))
        self.graphs = on_gpu and settings.csm.graphs
        """Whether a GPU replays the network as CUDA graphs."""
        self.now = time.monotonic
        self._last_word = -math.inf
        self.configure(settings.csm)
        if voice is not None and voice.reference is not None and voice.recording is not None:
            self.context.reference = self._reference(voice.recording, voice.reference.text)

    def warm(self) -> None:
        """Say something, once; without CUDA graphs from then on, where they fail."""
        try:
            said = self._said(FIRST_WORDS, _ignore)
        except Exception as error:
            if not self.graphs:
                raise
            log.warning("CSM speaks without CUDA graphs (%s)", type(error).__name__)
            self.graphs = False
            self.configure(self._settings.csm)
            said = self._said(FIRST_WORDS, _ignore)
        if said is not None and self.context.reference is None:
            self.context.add(said)

    def say(self, text: str, hand_over: Callable[[Pcm], None]) -> None:
        """Hand over samples as they come. What is said to its end is remembered.

        `hand_over` is called after every frame, with nothing where there is nothing new, and ends the work by raising.
        """
        self._go_on()
        if (said := self._said(text, hand_over)) is not None:
            self.context.add(said)
        self._last_word = self.now()

    def hear(self, text: str, samples: Pcm16) -> None:
        """What the user said, and how; without samples, whatever the user has said is forgotten."""
        self._go_on()
        if not len(samples):
            self.context.forget_user()
        elif text and len(samples) <= self._settings.csm.listener_seconds * HEARD_RATE_HZ:
            frames = self._frames(to_float(samples), HEARD_RATE_HZ)
            self.context.hear(Spoken(self.tokens(text, USER), frames, by_user=True))
            self._last_word = self.now()

    def _go_on(self) -> None:
        """With the conversation, unless it is over."""
        if self.now() - self._last_word > SILENCE_SECONDS:
            self.context.forget_user()

    def _said(self, text: str, hand_over: Callable[[Pcm], None]) -> Spoken[Any] | None:
        import torch

        tokens = self.tokens(text)
        reference = self.context.reference.positions if self.context.reference else 0
        longest = min(most_frames(text), self._positions - len(tokens) - reference)
        turns = self.context.within(self._positions - len(tokens) - longest)
        own = self._settings.csm
        streamer = FrameStreamer(self.decoded, hand_over, first_frames=own.first_frames, most_frames=own.group_frames)
        torch.manual_seed(self._settings.seed)
        with torch.no_grad():
            prompt = self.prompt(turns, tokens)
            self.network.generate(
                inputs_embeds=prompt,
                attention_mask=torch.ones(prompt.shape[:2], dtype=torch.long, device=prompt.device),
                max_new_tokens=longest,
                streamer=streamer,
            )
        if not streamer.ended:
            log.warning("CSM found no end, and was stopped after %.1f s", longest / FRAMES_PER_SECOND)
        return Spoken(tokens, torch.stack(streamer.frames)) if streamer.ended and streamer.frames else None

    def prompt(self, turns: Sequence[Spoken[Any]], tokens: Sequence[int]) -> Any:
        """Shape (1, positions, width): as its processor would have it, but no sound is encoded twice."""
        import torch

        parts = []
        for turn in turns:
            parts += [self._text(turn.tokens), self._sound(turn.frames)]
        return torch.cat([*parts, self._text(tokens)], dim=1)

    def _text(self, tokens: Sequence[int]) -> Any:
        import torch

        return self.network.embed_text_tokens(torch.tensor([tokens], device=self.network.device))

    def _sound(self, frames: Any) -> Any:
        """With the frame that ends it."""
        from torch.nn.functional import pad

        ended = pad(frames, (0, 0, 0, 1), value=self.network.config.codebook_eos_token_id)
        return self.network.backbone_model.embed_tokens(ended[None].to(self.network.device))

    def tokens(self, text: str, speaker: int = ASSISTANT) -> tuple[int, ...]:
        """In the voice of a speaker, whatever else looks like one of the tokenizer's marks."""
        own = self._tokenizer.encode(f"[{speaker}]{text}", add_special_tokens=False, split_special_tokens=True)
        return (self._tokenizer.bos_token_id, *own, self._tokenizer.eos_token_id)

    def decoded(self, frames: Sequence[Any]) -> Pcm:
        """Samples of frames, each shape (codebooks,)."""
        import torch

        codes = torch.stack(list(frames), dim=1)[None].to(self.network.device)
        samples: Pcm = self.network.codec_model.decode(codes).audio_values[0, 0].cpu().numpy()
        return samples

    def _reference(self, recording: Path, text: str) -> Spoken[Any]:
        reference = Spoken(self.tokens(text), self._frames(*read_wav(recording)))
        if reference.positions > LONGEST_REFERENCE_POSITIONS:
            raise SynthesizerError(
                "voice-recording-too-long",
                f"The recording of the voice {recording.parent.name} is too long for Sesame CSM.",
                "Some 10 s of it, with what is said in them, are enough.",
            )
        return reference

    def _frames(self, samples: Pcm, rate_hz: int) -> Any:
        """Shape (frames, codebooks)."""
        import torch

        heard = torch.from_numpy(np.ascontiguousarray(resample(samples, rate_hz, SAMPLE_RATE_HZ)))
        with torch.no_grad():
            codes = self.network.codec_model.encode(heard[None, None].to(self.network.device)).audio_codes
        return codes[0].T.cpu()

    def configure(self, own: CsmSettings) -> None:
        """How frames are drawn: the backbone draws the first code of each, the depth decoder the others."""
        config, depth = self.network.config, self.network.depth_decoder
        drawn = {
            "do_sample": True,
            "temperature": own.temperature,
            "top_k": own.top_k,
            "suppress_tokens": list(range(config.codec_config.codebook_size, config.vocab_size)) or None,
            "cache_implementation": "static" if self.graphs else None,
            "disable_compile": not self.graphs,
        }
        self.network.generation_config.update(**drawn, max_cache_len=self._positions if self.graphs else None)
        depth.generation_config.update(**drawn)


def _ignore(_samples: Pcm) -> None:
    """Nobody listens."""
