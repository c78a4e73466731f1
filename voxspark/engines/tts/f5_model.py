"""F5-TTS's transformer and vocoder, out of the `f5-tts` and `vocos` packages, in as far as speaking needs them.

Its own high-level functions fetch what they miss, keep temporary files for ever and cannot be stopped, so they are not
used.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from voxspark.config_speech import F5Settings
from voxspark.engines.thread import Abandoned
from voxspark.engines.tts.f5_sound import SAMPLE_RATE_HZ, Sample
from voxspark.engines.tts.f5_text import frames
from voxspark.errors import SynthesizerError
from voxspark.types import Pcm

if TYPE_CHECKING:
    import torch

MEL_BANDS = 100
FFT_SAMPLES = 1024
HOP_SAMPLES = 256
"""Of all models of F5-TTS with Vocos: a frame is 10.7 ms."""

UNUSED = (
    "f5_tts.model.trainer",
    *("torchaudio", "torchaudio.functional", "torchaudio.functional.functional"),
    *("librosa", "librosa.filters"),
    "encodec",
    *("scipy", "scipy.integrate"),
)
"""What the two packages import and speaking does not need: training (wandb, datasets, accelerate), mel filters of other
vocoders, other solvers. PyPI's torchaudio does not even load beside a torch of another build or version."""


class _StandIn(ModuleType):
    """Has every name that is asked for, and nothing behind it."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


@contextmanager
def without_unused() -> Iterator[None]:
    """Stand-ins for what is unused, for the time of an import."""
    absent = {name: _StandIn(name) for name in UNUSED if name not in sys.modules}
    sys.modules.update(absent)
    try:
        with warnings.catch_warnings(action="ignore"):  # of x_transformers, about torch.jit
            yield
    finally:
        for name in absent:
            del sys.modules[name]


@dataclass(frozen=True, slots=True)
class Parts:
    """What is used of the two packages."""

    transformer: Any
    sampler: Any
    read_tokens: Any
    tokenize: Any
    backbone: Any
    head: Any
    vocoder: Any


@cache
def parts() -> Parts:
    """Imported, which takes some seconds."""
    with without_unused():
        from f5_tts.model.backbones.dit import DiT
        from f5_tts.model.cfm import CFM
        from f5_tts.model.utils import convert_char_to_pinyin, get_tokenizer
        from vocos.heads import ISTFTHead
        from vocos.models import VocosBackbone
        from vocos.pretrained import Vocos
    return Parts(DiT, CFM, get_tokenizer, convert_char_to_pinyin, VocosBackbone, ISTFTHead, Vocos)


class F5Model:
    """Speaks like one sample."""

    def __init__(self, weights: Path, vocoder: Path, settings: F5Settings, device: str, sample: Sample) -> None:
        import torch

        on_gpu = device != "cpu"
        half = settings.precision == "float16" or (settings.precision == "auto" and on_gpu)
        self._settings = settings
        self._model = load_model(weights, settings.architecture).to(device, torch.float16 if half else torch.float32)
        self._vocoder = load_vocoder(vocoder).to(device)
        self._text = sample.text
        self._mel = log_mel(sample.samples).to(device)
        self._gone = threading.Event()
        for block in self._model.transformer.transformer_blocks:
            block.register_forward_pre_hook(self._end_when_gone)

    def say(self, text: str, *, speed: float, seed: int, gone: threading.Event, steps: int = 0) -> Pcm:
        """At 24 kHz; raises Abandoned as soon as `gone` is set. `steps` 0 are those of the settings."""
        import torch

        self._gone = gone
        own = self._mel.shape[1]
        try:
            with torch.inference_mode():
                mel, _ = self._model.sample(
                    cond=self._mel,
                    text=parts().tokenize([self._text + text]),
                    duration=own + frames(text, own, self._text, speed),
                    steps=steps or self._settings.steps,
                    cfg_strength=self._settings.cfg_strength,
                    sway_sampling_coef=self._settings.sway,
                    seed=seed,
                )
                wave = self._vocoder.decode(mel[:, own:].float().mT)[0].cpu().numpy()
        finally:
            self._model.transformer.clear_cache()  # abandoned, it would keep the text for the next one
        if not np.isfinite(wave).all():
            raise SynthesizerError(
                "voice-not-finite", "My voice made nothing but noise.", "Set voice.f5_tts.precision to float32."
            )
        return np.asarray(wave, np.float32)

    def _end_when_gone(self, *_: Any) -> None:
        if self._gone.is_set():
            raise Abandoned


# ── weights ─────────────────────────────────────────────────────────────────────────────────────


def load_model(folder: Path, architecture: str) -> Any:
    """The transformer of a folder, in its flow-matching sampler; in float32 on the CPU. Raises SynthesizerError."""
    tokens, count = parts().read_tokens(str(folder / "vocab.txt"), "custom")
    transformer = parts().transformer(**_shape(folder, architecture), text_num_embeds=count, mel_dim=MEL_BANDS)
    model = parts().sampler(transformer, mel_spec_kwargs={"n_mel_channels": MEL_BANDS}, vocab_char_map=tokens)
    model.load_state_dict(
        {
            key.removeprefix("ema_model."): value
            for key, value in _tensors(folder).items()
            if key not in ("initted", "step", "ema_model.initted", "ema_model.step") and "mel_spec." not in key
        }
    )
    return model.eval()


def _shape(folder: Path, architecture: str) -> dict[str, Any]:
    """Arguments of the transformer: by the folder's own `model.yaml`, else by a configuration of the package."""
    configs = Path(str(files("f5_tts").joinpath("configs")))
    file = next(filter(Path.is_file, (folder / "model.yaml", configs / f"{architecture}.yaml")), None)
    model = yaml.safe_load(file.read_text("utf-8"))["model"] if file else {}
    if model.get("backbone") != "DiT" or model["mel_spec"]["mel_spec_type"] != "vocos":
        raise SynthesizerError(
            "f5-architecture-unknown",
            f"F5-TTS has no architecture {architecture} that I can use.",
            f"voice.f5_tts.architecture can be {', '.join(sorted(each.stem for each in configs.glob('F5*.yaml')))}.",
        )
    return dict(model["arch"])


def _tensors(folder: Path) -> dict[str, Any]:
    """Of the one checkpoint in the folder, or the one of the most training steps. Raises SynthesizerError."""
    import torch
    from safetensors.torch import load_file

    checkpoints = [*folder.glob("*.pt"), *folder.glob("*.safetensors")]
    if not checkpoints:
        raise SynthesizerError(
            "voice-weights-missing",
            "The weights of F5-TTS are not on this machine.",
            f"There is a vocab.txt in {folder}, but no .safetensors and no .pt file beside it.",
        )
    newest = max(checkpoints, key=lambda file: (file.suffix == ".safetensors", len(file.name), file.name))
    if newest.suffix == ".safetensors":
        return dict(load_file(newest))
    loaded = torch.load(newest, map_location="cpu", weights_only=True)
    return dict(loaded.get("ema_model_state_dict", loaded))


def load_vocoder(folder: Path) -> Any:
    """Vocos, without what it would need to read sound; in float32 on the CPU."""
    import torch

    config = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))
    backbone = parts().backbone(**config["backbone"]["init_args"])
    head = parts().head(**config["head"]["init_args"])
    vocoder = parts().vocoder(torch.nn.Identity(), backbone, head)
    tensors = torch.load(folder / "pytorch_model.bin", map_location="cpu", weights_only=True)
    vocoder.load_state_dict({k: v for k, v in tensors.items() if not k.startswith("feature_extractor.")})
    return vocoder.eval()


# ── mel ─────────────────────────────────────────────────────────────────────────────────────────


def log_mel(samples: Pcm) -> torch.Tensor:
    """Shape (1, frames, 100): logarithms of magnitudes in HTK mel bands, as F5-TTS and Vocos were trained on.

    To 1e-5 what `torchaudio.transforms.MelSpectrogram(24_000, 1024, n_mels=100, hop_length=256, power=1)` gives.
    """
    import torch

    window = torch.hann_window(FFT_SAMPLES)
    spectrum = torch.stft(torch.from_numpy(samples), FFT_SAMPLES, HOP_SAMPLES, window=window, return_complex=True)
    return (mel_filters() @ spectrum.abs()).clamp(min=1e-5).log().mT[None]


def mel_filters() -> torch.Tensor:
    """Shape (100, 513): triangles between neighbours of 102 points that are even in HTK's mel."""
    import torch

    top = 2595.0 * np.log10(1.0 + SAMPLE_RATE_HZ / 2 / 700.0)
    points = 700.0 * (10.0 ** (np.linspace(0.0, top, MEL_BANDS + 2) / 2595.0) - 1.0)
    frequencies = np.linspace(0.0, SAMPLE_RATE_HZ / 2, FFT_SAMPLES // 2 + 1)
    rising = (frequencies - points[:-2, None]) / np.diff(points)[:-1, None]
    falling = (points[2:, None] - frequencies) / np.diff(points)[1:, None]
    return torch.from_numpy(np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32))
