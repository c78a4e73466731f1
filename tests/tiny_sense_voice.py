"""A SenseVoice of 150 KB: sherpa-onnx takes it for the real one. It hears a loud sound as one word, silence as none."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests import tiny_onnx as onnx

WORDS = ("<blk>", "▁hello", "▁world", "<|zh|>", "<|en|>", "<|ja|>", "<|nospeech|>", "<|HAPPY|>", "<|EMO_UNKNOWN|>")
SOUNDS = ("<|Laughter|>", "<|Speech|>", "<|withitn|>", "<|woitn|>")
TOKENS = (*WORDS, *SOUNDS, *(f"t{n}" for n in range(27)))

FEATURES = 560
"""80 mel bins of 7 frames."""

SURE = 1_000.0
"""More than any feature can reach."""

LANGUAGES = {"auto": 0, "zh": 3, "en": 4, "yue": 7, "ja": 11, "ko": 12}
WITH_ITN, WITHOUT_ITN = 14, 15


def write(
    folder: Path, *, language: str = "<|en|>", emotion: str = "<|HAPPY|>", event: str = "<|Laughter|>", **metadata: str
) -> Path:
    """The model's folder. `language` is what it hears when it is not told; `metadata` is written over its own."""
    chosen = np.zeros((16, len(TOKENS)), np.float32)
    told = {LANGUAGES["auto"]: language, 3: "<|zh|>", 4: "<|en|>", 11: "<|ja|>", 14: "<|withitn|>", 15: "<|woitn|>"}
    for row, token in told.items():
        chosen[row, TOKENS.index(token)] = SURE
    fixed = np.zeros((1, 2, len(TOKENS)), np.float32)
    fixed[0, 0, TOKENS.index(emotion)] = fixed[0, 1, TOKENS.index(event)] = SURE
    loudness = np.zeros((FEATURES, len(TOKENS)), np.float32)
    loudness[:, TOKENS.index("▁hello")] = 1 / FEATURES  # above the blank's 0 where the mean of the log mel is positive
    nodes = [
        onnx.node("Gather", ["chosen", "language"], "lang"),
        onnx.node("Unsqueeze", ["lang", "one"], "lang_frame"),
        onnx.node("Gather", ["chosen", "text_norm"], "norm"),
        onnx.node("Unsqueeze", ["norm", "one"], "norm_frame"),
        onnx.node("MatMul", ["x", "loudness"], "frames"),
        onnx.node("Concat", ["lang_frame", "fixed", "norm_frame", "frames"], "logits", axis=1),
    ]
    tables = {"chosen": chosen, "fixed": fixed, "loudness": loudness}
    constants = [onnx.constant("one", np.array([1], np.int64)), *(onnx.constant(*table) for table in tables.items())]
    notes = {
        **{"model_type": "sense_voice_ctc", "vocab_size": str(len(TOKENS)), "normalize_samples": "0"},
        **{"lfr_window_size": "7", "lfr_window_shift": "6"},
        **{"neg_mean": ",".join(["0"] * FEATURES), "inv_stddev": ",".join(["1"] * FEATURES)},
        **{f"lang_{code}": str(number) for code, number in LANGUAGES.items()},
        **{"with_itn": str(WITH_ITN), "without_itn": str(WITHOUT_ITN)},
        **metadata,
    }
    one: tuple[int, tuple[str | int, ...]] = (onnx.INT32, ("N",))
    raw = onnx.model(
        nodes,
        constants,
        {"x": (onnx.FLOAT, ("N", "T", FEATURES)), "x_length": one, "language": one, "text_norm": one},
        {"logits": (onnx.FLOAT, ("N", "L", len(TOKENS)))},
        notes,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.int8.onnx").write_bytes(raw)
    (folder / "tokens.txt").write_text("".join(f"{token} {number}\n" for number, token in enumerate(TOKENS)))
    return folder
