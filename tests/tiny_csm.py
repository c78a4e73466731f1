"""Sesame CSM with its true architecture and small random weights, made without a model hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

BEGIN, END, AUDIO, AUDIO_END = "<|begin_of_text|>", "<|end_of_text|>", "<|AUDIO|>", "<|audio_eos|>"

CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{{- bos_token + '[' + message['role'] + ']' + message['content'][0]['text'] + eos_token }}"
    f"{{%- if message['content']|length > 1 %}}{{{{- '{AUDIO}{AUDIO_END}' }}}}{{%- endif %}}"
    "{%- endfor %}"
)
"""As on the hub, but for what it refuses."""


def tokenizer() -> Any:
    """One token for each byte."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    marks = (BEGIN, END, AUDIO, AUDIO_END)
    letters = [*marks, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    own = Tokenizer(models.BPE(vocab={letter: index for index, letter in enumerate(letters)}, merges=[]))
    own.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    own.decoder = decoders.ByteLevel()
    own.add_special_tokens(list(marks))
    return PreTrainedTokenizerFast(tokenizer_object=own, bos_token=BEGIN, eos_token=END, pad_token=AUDIO)


def processor() -> Any:
    """What a sentence and the sound before it become."""
    from transformers import CsmProcessor, EncodecFeatureExtractor

    return CsmProcessor(EncodecFeatureExtractor(sampling_rate=24_000), tokenizer(), CHAT_TEMPLATE)


def model(*, codebooks: int, codes: int) -> Any:
    """Each frame ends a sentence with a probability of `codes` to the power of 1 - `codebooks`."""
    from transformers import CsmConfig, CsmDepthDecoderConfig, CsmForConditionalGeneration, MimiConfig

    vocab = codes + 3
    network = {
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "num_codebooks": codebooks,
        "vocab_size": vocab,
    }
    codec = MimiConfig(
        hidden_size=32,
        num_filters=4,
        codebook_size=codes,
        codebook_dim=16,
        vector_quantization_hidden_dimension=16,
        num_quantizers=codebooks,
        upsample_groups=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        intermediate_size=32,
    )
    network_model = CsmForConditionalGeneration(
        CsmConfig(
            **network,
            text_vocab_size=260,
            bos_token_id=0,
            pad_token_id=2,
            audio_token_id=2,
            audio_eos_token_id=3,
            codebook_pad_token_id=vocab - 1,
            depth_decoder_config=CsmDepthDecoderConfig(**network, backbone_hidden_size=32),
            codec_config=codec,
        )
    )
    give_codes(network_model.codec_model)
    return network_model


def give_codes(codec: Any) -> None:
    """Zeros otherwise, and every frame would sound alike."""
    for part in (
        codec.quantizer.semantic_residual_vector_quantizer,
        codec.quantizer.acoustic_residual_vector_quantizer,
    ):
        for layer in part.layers:
            layer.codebook.embed_sum.normal_()


def write(folder: Path) -> None:
    """Two sets of weights: `brief` ends its sentences by chance, at every 16th frame or so; `endless` does not."""
    import torch

    torch.manual_seed(0)
    for name, made in {"brief": model(codebooks=3, codes=4), "endless": model(codebooks=3, codes=256)}.items():
        made.save_pretrained(folder / name)
        processor().save_pretrained(folder / name)
