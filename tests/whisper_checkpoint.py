"""The bundled Whisper as a checkpoint of the hub, so that real words go through `transformers`."""

from __future__ import annotations

import json
import re
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

FLOAT16 = 4
"""Of CTranslate2's `DataType`."""

PARTS = {
    r"(en|de)coder/position_encodings/encodings": r"\1coder.embed_positions.weight",
    r"decoder/embeddings/weight": "decoder.embed_tokens.weight",
    r"encoder/(conv\d)/(\w+)": r"encoder.\1.\2",
    r"(en|de)coder/layer_norm/(\w+)": r"\1coder.layer_norm.\2",
    r"(en|de)coder/layer_(\d+)/self_attention/layer_norm/(\w+)": r"\1coder.layers.\2.self_attn_layer_norm.\3",
    r"(en|de)coder/layer_(\d+)/self_attention/linear_0/(\w+)": r"\1coder.layers.\2.self_attn.[q,k,v]_proj.\3",
    r"(en|de)coder/layer_(\d+)/self_attention/linear_1/(\w+)": r"\1coder.layers.\2.self_attn.out_proj.\3",
    r"decoder/layer_(\d+)/attention/layer_norm/(\w+)": r"decoder.layers.\1.encoder_attn_layer_norm.\2",
    r"decoder/layer_(\d+)/attention/linear_0/(\w+)": r"decoder.layers.\1.encoder_attn.q_proj.\2",
    r"decoder/layer_(\d+)/attention/linear_1/(\w+)": r"decoder.layers.\1.encoder_attn.[k,v]_proj.\2",
    r"decoder/layer_(\d+)/attention/linear_2/(\w+)": r"decoder.layers.\1.encoder_attn.out_proj.\2",
    r"(en|de)coder/layer_(\d+)/ffn/layer_norm/(\w+)": r"\1coder.layers.\2.final_layer_norm.\3",
    r"(en|de)coder/layer_(\d+)/ffn/linear_0/(\w+)": r"\1coder.layers.\2.fc1.\3",
    r"(en|de)coder/layer_(\d+)/ffn/linear_1/(\w+)": r"\1coder.layers.\2.fc2.\3",
}
"""CTranslate2's names to those of `transformers`; `[q,k,v]`: one after the other in one array."""


def _variables(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    """Arrays of 16-bit floats in a `model.bin` of version 6 (CTranslate2, `ModelSpec._serialize`)."""

    def read(form: str) -> tuple[Any, ...]:
        return struct.unpack(form, file.read(struct.calcsize(form)))

    def text() -> str:
        return file.read(*read("H"))[:-1].decode()

    read("I"), text(), read("I")
    for _ in range(*read("I")):
        name, (rank,) = text(), read("B")
        shape, (kind, size) = read(f"{rank}I"), read("=BI")
        raw = file.read(size)
        if kind == FLOAT16:
            yield name, np.frombuffer(raw, np.float16).reshape(shape)


def _named(name: str, array: Any) -> Iterator[tuple[str, Any]]:
    for pattern, there in PARTS.items():
        if re.fullmatch(pattern, name):
            place = re.sub(pattern, there, name).replace(".gamma", ".weight").replace(".beta", ".bias")
            letters = re.search(r"\[(.*)\]", place)
            each = letters[1].split(",") if letters else [""]
            for letter, part in zip(each, np.split(array, len(each)) if letters else [array], strict=True):
                named = "model." + re.sub(r"\[.*\]", letter, place)
                if not named.endswith("k_proj.bias"):  # zeros, and not there
                    yield named, part
            return
    raise ValueError(name)


def convert(place: Path, folder: Path) -> None:
    """A CTranslate2 Whisper in `place` to one of `transformers` in `folder`."""
    import torch
    from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    with (place / "model.bin").open("rb") as file:
        state = {key: torch.tensor(part.astype(np.float32)) for row in _variables(file) for key, part in _named(*row)}
    vocabulary, width = state["model.decoder.embed_tokens.weight"].shape
    layers = sum(name.endswith("fc1.bias") for name in state) // 2
    tokens = {row["content"]: row["id"] for row in json.loads((place / "tokenizer.json").read_text())["added_tokens"]}
    end, start = tokens["<|endoftext|>"], tokens["<|startoftranscript|>"]
    ends = {"eos_token_id": end, "bos_token_id": end, "pad_token_id": end, "decoder_start_token_id": start}
    sizes = {"encoder_layers": layers, "decoder_layers": layers, "d_model": width}
    heads = dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), width // 64)
    wide = dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), 4 * width)
    model = WhisperForConditionalGeneration(WhisperConfig(vocab_size=vocabulary, **sizes, **heads, **wide, **ends))
    state["proj_out.weight"] = state["model.decoder.embed_tokens.weight"]
    model.load_state_dict(state)
    own = json.loads((place / "config.json").read_text())
    model.generation_config = GenerationConfig(
        **ends,
        suppress_tokens=own["suppress_ids"],
        begin_suppress_tokens=own["suppress_ids_begin"],
        is_multilingual=vocabulary > 51_864,
    )
    model.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=80).save_pretrained(folder)
    shutil.copy(place / "tokenizer.json", folder)
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "WhisperTokenizer"}))
