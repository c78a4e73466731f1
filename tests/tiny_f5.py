"""F5-TTS and its vocoder, of the true architecture and small, with random weights, and a voice to clone."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

ARCHITECTURE = {
    "dim": 64,
    "depth": 2,
    "heads": 2,
    "ff_mult": 2,
    "text_dim": 32,
    "text_mask_padding": True,
    "conv_layers": 1,
}
BACKBONE = {"input_channels": 100, "dim": 32, "intermediate_dim": 64, "num_layers": 2}
HEAD = {"dim": 32, "n_fft": 1024, "hop_length": 256, "padding": "center"}

VOICE = """
title = "Nature"
language = "en"
licence = "Apache-2.0"
source = "The f5-tts package"
[engines]
f5_tts = ""
[reference]
file = "reference.wav"
text = "Some call me nature, others call me mother nature."
"""


def write_voice(folder: Path) -> None:
    """The sample recording of the f5-tts package, 5.3 s, as a voice of the library."""
    folder.mkdir(parents=True)
    (folder / "voice.toml").write_text(VOICE)
    recording = files("f5_tts").joinpath("infer/examples/basic/basic_ref_en.wav")
    shutil.copy(str(recording), folder / "reference.wav")


def write_models(folder: Path) -> None:
    """`weights` and `vocos`."""
    import torch

    torch.manual_seed(0)
    write_weights(folder / "weights", ARCHITECTURE)
    write_vocoder(folder / "vocos", BACKBONE, HEAD)


def write_weights(weights: Path, architecture: Mapping[str, Any]) -> None:
    """A checkpoint of this architecture, as the package's configurations have it."""
    import torch
    from safetensors.torch import save_file

    from voxspark.engines.tts.f5_model import parts

    weights.mkdir()
    shutil.copy(str(files("f5_tts").joinpath("infer/examples/vocab.txt")), weights)
    model = {"backbone": "DiT", "arch": dict(architecture), "mel_spec": {"mel_spec_type": "vocos"}}
    (weights / "model.yaml").write_text(yaml.safe_dump({"model": model}))
    tokens = len((weights / "vocab.txt").read_text("utf-8").splitlines())
    transformer = parts().transformer(**architecture, text_num_embeds=tokens, mel_dim=100)
    for parameter in transformer.parameters():
        if not parameter.any():  # as they are before training, nothing would come of it
            torch.nn.init.normal_(parameter, std=0.05)
    tensors = {f"ema_model.transformer.{name}": tensor for name, tensor in transformer.state_dict().items()}
    save_file({**tensors, "initted": torch.tensor(True), "step": torch.tensor(7)}, weights / "model_7.safetensors")


def write_vocoder(vocos: Path, backbone: Mapping[str, Any], head: Mapping[str, Any]) -> None:
    """Vocos, of the arguments in its configuration."""
    import torch

    from voxspark.engines.tts.f5_model import parts

    vocos.mkdir()
    config = {
        "backbone": {"class_path": "vocos.models.VocosBackbone", "init_args": dict(backbone)},
        "head": {"class_path": "vocos.heads.ISTFTHead", "init_args": dict(head)},
    }
    (vocos / "config.yaml").write_text(yaml.safe_dump(config))
    vocoder = parts().vocoder(torch.nn.Identity(), parts().backbone(**backbone), parts().head(**head))
    tensors = {**vocoder.state_dict(), "feature_extractor.mel_spec.spectrogram.window": torch.zeros(1)}
    torch.save(tensors, vocos / "pytorch_model.bin")
