"""A Whisper of the true architecture and random weights, with a tokenizer that spells bytes; beside it the bundled one.

python -m tests.tiny_whisper FOLDER
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.whisper_checkpoint import convert
from voxspark.engines.bundled import locate

LANGUAGES = ("en", "de", "es", "fr", "cy")
SIZES = {
    "num_mel_bins": 128,
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
}
TASKS = ("translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps")


def _bytes() -> list[str]:
    """GPT-2's letters for the 256 bytes."""
    from tokenizers.pre_tokenizers import ByteLevel

    return sorted(ByteLevel.alphabet())


def _tokenizer() -> Any:
    from transformers import WhisperTokenizer

    names = ["endoftext", "startoftranscript", *LANGUAGES, *TASKS]
    tokenizer = WhisperTokenizer(vocab={letter: number for number, letter in enumerate(_bytes())}, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": [f"<|{name}|>" for name in names[1:]]})
    return tokenizer


def make(folder: Path, sizes: Mapping[str, int] = SIZES, dtype: str = "float32") -> None:
    """Write model, tokenizer and feature extractor there; the vocabulary is the tokenizer's, if it is not among the
    sizes."""
    import torch
    from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    torch.manual_seed(0)
    tokenizer = _tokenizer()
    start, end = (tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in ("startoftranscript", "endoftext"))
    model = WhisperForConditionalGeneration(
        WhisperConfig(
            **{"vocab_size": len(tokenizer), **sizes},
            decoder_start_token_id=start,
            eos_token_id=end,
            bos_token_id=end,
            pad_token_id=end,
            suppress_tokens=None,
            begin_suppress_tokens=None,
        )
    )
    model.generation_config = GenerationConfig(
        decoder_start_token_id=start,
        eos_token_id=end,
        bos_token_id=end,
        pad_token_id=end,
        begin_suppress_tokens=[end],
        is_multilingual=True,
    )
    model.to(getattr(torch, dtype)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=sizes["num_mel_bins"]).save_pretrained(folder)


def main() -> None:
    """Folders `random` and `tiny.en`."""
    folder = Path(sys.argv[1])
    make(folder / "random")
    convert(locate("whisper-tiny.en"), folder / "tiny.en")


if __name__ == "__main__":
    main()
