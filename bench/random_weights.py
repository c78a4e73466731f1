"""Random weights in the true architecture of a model of the catalogue, full-size or tiny, as its engine loads them.

    python -m bench.random_weights f5-tts full FOLDER

Prints how many parameters it wrote, by the type that they have on a GPU. Every size is that of the published
configuration; tokenizers spell bytes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from tests import tiny_csm, tiny_f5, tiny_pipelines, tiny_whisper

Counts = dict[str, int]
"""Parameters, and buffers that are kept with them, by the type that the engine gives them on a GPU."""

VOCOS_BACKBONE = {"input_channels": 100, "dim": 512, "intermediate_dim": 1536, "num_layers": 8}
VOCOS_HEAD = {"dim": 512, "n_fft": 1024, "hop_length": 256, "padding": "center"}
"""charactr/vocos-mel-24khz."""

WHISPER_LARGE = {
    "vocab_size": 51_866,
    "num_mel_bins": 128,
    "d_model": 1280,
    "encoder_layers": 32,
    "encoder_attention_heads": 20,
    "encoder_ffn_dim": 5120,
    "decoder_attention_heads": 20,
    "decoder_ffn_dim": 5120,
}
"""openai/whisper-large-v3, but for the layers of its decoder."""

CLIP_LARGE = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "projection_dim": 768,
    "bos_token_id": 512,
    "eos_token_id": 513,
    "pad_token_id": 513,
}
T5_XXL = {
    "vocab_size": 32_128,
    "d_model": 4096,
    "d_kv": 64,
    "d_ff": 10_240,
    "num_layers": 24,
    "num_heads": 64,
    "feed_forward_proj": "gated-gelu",
}
FLUX_VAE = {
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "latent_channels": 16,
    "use_quant_conv": False,
    "use_post_quant_conv": False,
    "shift_factor": 0.1159,
    "scaling_factor": 0.3611,
    "sample_size": 1024,
}
"""black-forest-labs/FLUX.1-dev."""


def count(*models: Any) -> int:
    """Values that are in a checkpoint; what is tied counts once."""
    tensors = {tensor.data_ptr(): tensor.numel() for model in models for tensor in model.state_dict().values()}
    return sum(tensors.values())


def in_files(folder: Path) -> int:
    """The same, of safetensors in a folder and those below, by their headers."""
    total = 0
    for path in folder.rglob("*.safetensors"):
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        header.pop("__metadata__", None)
        for each in header.values():
            size = 1
            for length in each["shape"]:
                size *= length
            total += size
    return total


def f5(folder: Path, *, full: bool) -> Counts:
    """F5TTS_v1_Base and Vocos; float32 as published, float16 on a GPU, the vocoder never."""
    import torch

    if full:
        config = files("f5_tts").joinpath("configs/F5TTS_v1_Base.yaml").read_text("utf-8")
        tiny_f5.write_weights(folder / "weights", yaml.safe_load(config)["model"]["arch"])
        tiny_f5.write_vocoder(folder / "vocos", VOCOS_BACKBONE, VOCOS_HEAD)
    else:
        tiny_f5.write_models(folder)
    vocos = torch.load(folder / "vocos" / "pytorch_model.bin", weights_only=True)
    return {"float16": in_files(folder), "float32": sum(tensor.numel() for tensor in vocos.values())}


def csm(folder: Path, *, full: bool) -> Counts:
    """CSM-1B with Mimi; float32 as published, bfloat16 on a GPU, the codec never."""
    if full:
        from transformers import CsmConfig, CsmForConditionalGeneration

        model = CsmForConditionalGeneration(CsmConfig())
        tiny_csm.give_codes(model.codec_model)
    else:
        model = tiny_csm.model(codebooks=3, codes=256)
    model.save_pretrained(folder)
    tiny_csm.processor().save_pretrained(folder)
    codec = count(model.codec_model)
    return {"bfloat16": count(model) - codec, "float32": codec}


def whisper(decoder_layers: int) -> Callable[..., Counts]:
    """Whisper large-v3 with so many layers in its decoder; float16 as published."""

    def write(folder: Path, *, full: bool) -> Counts:
        if full:
            tiny_whisper.make(folder, {**WHISPER_LARGE, "decoder_layers": decoder_layers}, "float16")
        else:
            tiny_whisper.make(folder)
        return {"float16": in_files(folder)}

    return write


def flux(*, guided: bool) -> Callable[..., Counts]:
    """FLUX.1 dev or schnell; bfloat16 as published."""

    def write(folder: Path, *, full: bool) -> Counts:
        if full:
            _full_flux(folder, guided=guided)
        else:
            tiny_pipelines.flux(guided=guided).save_pretrained(folder)
        return {"bfloat16": in_files(folder)}

    return write


def _full_flux(folder: Path, *, guided: bool) -> None:
    """One part after the other, so that only the largest, 24 GB, must be in memory."""
    import diffusers
    import torch
    from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxTransformer2DModel
    from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

    torch.set_default_dtype(torch.bfloat16)
    parts: Mapping[str, Callable[[], Any]] = {
        "scheduler": FlowMatchEulerDiscreteScheduler,
        "text_encoder": lambda: CLIPTextModel(CLIPTextConfig(**CLIP_LARGE)),
        "tokenizer": tiny_pipelines.clip_tokenizer,
        "text_encoder_2": lambda: T5EncoderModel(T5Config(**T5_XXL)),
        "tokenizer_2": tiny_pipelines.t5_tokenizer,
        "vae": lambda: AutoencoderKL(**FLUX_VAE),
        "transformer": lambda: FluxTransformer2DModel(guidance_embeds=guided),
    }
    index: dict[str, Any] = {"_class_name": "FluxPipeline", "_diffusers_version": diffusers.__version__}
    for name, make in parts.items():
        part = make()
        part.save_pretrained(folder / name)
        index[name] = [type(part).__module__.partition(".")[0], type(part).__name__]
    (folder / "model_index.json").write_text(json.dumps(index))


WRITERS: Mapping[str, Callable[..., Counts]] = {
    "f5-tts": f5,
    "csm-1b": csm,
    "whisper-large-v3-torch": whisper(32),
    "whisper-turbo-torch": whisper(4),
    "flux1-schnell": flux(guided=False),
    "flux1-dev": flux(guided=True),
}
"""By key of the catalogue."""


def main() -> None:
    """Write one, print its counts as JSON."""
    import torch

    key, size, folder = sys.argv[1:]
    torch.manual_seed(0)
    with torch.no_grad():
        print(json.dumps(WRITERS[key](Path(folder), full=size == "full")))


if __name__ == "__main__":
    main()
