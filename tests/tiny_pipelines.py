"""Pipelines of diffusers with the true architectures and small random weights, made without a model hub.

`python -m tests.tiny_pipelines FOLDER` writes `flux-dev`, `flux-schnell`, `sd35` and `qwen-image` into it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

END = "<|endoftext|>"


def _letters() -> dict[str, int]:
    """The 256 bytes as the tokens of byte-level BPE."""
    from tokenizers.pre_tokenizers import ByteLevel

    return {letter: index for index, letter in enumerate(sorted(ByteLevel.alphabet()))}


def clip_tokenizer() -> Any:
    from transformers import CLIPTokenizer

    letters = _letters()
    vocab = {**letters, **{f"{letter}</w>": 256 + index for letter, index in letters.items()}}
    return CLIPTokenizer(vocab={**vocab, "<|startoftext|>": 512, END: 513}, merges=[], model_max_length=77)


def _clip(width: int, *, projected: bool) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=514,
        hidden_size=width,
        intermediate_size=width,
        num_hidden_layers=1,
        num_attention_heads=2,
        projection_dim=width,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
    )
    return CLIPTextModelWithProjection(config) if projected else CLIPTextModel(config)


def t5_tokenizer() -> Any:
    from transformers import T5TokenizerFast

    special = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    pieces = [(piece, -2.0) for piece in ("▁", *"abcdefghijklmnopqrstuvwxyz.,'")]
    return T5TokenizerFast(vocab=[*special, *pieces], extra_ids=0, model_max_length=512)


def _t5() -> Any:
    from transformers import T5Config, T5EncoderModel

    config = T5Config(vocab_size=64, d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=4)
    return T5EncoderModel(config)


def _vae() -> Any:
    """Eight pixels to a latent, as in FLUX and Stable Diffusion 3."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        norm_num_groups=4,
        latent_channels=16,
        use_quant_conv=False,
        use_post_quant_conv=False,
        shift_factor=0.1,
        scaling_factor=0.4,
        sample_size=64,
    )


def flux(*, guided: bool) -> Any:
    """FLUX.1: dev is guided, schnell is not."""
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        text_encoder=_clip(32, projected=False),
        tokenizer=clip_tokenizer(),
        text_encoder_2=_t5(),
        tokenizer_2=t5_tokenizer(),
        vae=_vae(),
        transformer=FluxTransformer2DModel(
            in_channels=64,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=32,
            axes_dims_rope=(4, 6, 6),
            guidance_embeds=guided,
        ),
    )


def stable_diffusion_3() -> Any:
    """Stable Diffusion 3.5."""
    from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline

    return StableDiffusion3Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        text_encoder=_clip(16, projected=True),
        tokenizer=clip_tokenizer(),
        text_encoder_2=_clip(16, projected=True),
        tokenizer_2=clip_tokenizer(),
        text_encoder_3=_t5(),
        tokenizer_3=t5_tokenizer(),
        vae=_vae(),
        transformer=SD3Transformer2DModel(
            sample_size=8,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            caption_projection_dim=32,
            pooled_projection_dim=32,
            dual_attention_layers=(0,),
            qk_norm="rms_norm",
        ),
    )


def qwen_image() -> Any:
    """Qwen-Image, whose text encoder is a vision-language model."""
    from diffusers import (
        AutoencoderKLQwenImage,
        FlowMatchEulerDiscreteScheduler,
        QwenImagePipeline,
        QwenImageTransformer2DModel,
    )
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2Tokenizer

    ends = {"bos_token_id": 256, "eos_token_id": 256, "pad_token_id": 256}
    text = {
        "vocab_size": 257,
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
    }
    vision = {"depth": 1, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 32}
    return QwenImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=AutoencoderKLQwenImage(base_dim=8, num_res_blocks=1),
        text_encoder=Qwen2_5_VLForConditionalGeneration(
            Qwen2_5_VLConfig(text_config={**text, **ends}, vision_config=vision, **ends)
        ),
        tokenizer=Qwen2Tokenizer(vocab={**_letters(), END: 256}, merges=[], model_max_length=1024),
        transformer=QwenImageTransformer2DModel(
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            axes_dims_rope=(4, 6, 6),
        ),
    )


def main() -> None:
    """All of them."""
    import torch

    torch.manual_seed(0)
    folder = Path(sys.argv[1])
    made = {
        "flux-dev": flux(guided=True),
        "flux-schnell": flux(guided=False),
        "sd35": stable_diffusion_3(),
        "qwen-image": qwen_image(),
    }
    for name, pipeline in made.items():
        pipeline.save_pretrained(folder / name)


if __name__ == "__main__":
    main()
