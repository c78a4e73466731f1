"""ONNX models of a few operators with the inputs and outputs of Kokoro and of Piper.

Both make `SAMPLES_PER_SYMBOL` samples per number of the input, of one level.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tests import tiny_onnx as onnx
from tests.tiny_onnx import FLOAT, INT64, node

SAMPLES_PER_SYMBOL = 600

LEVEL = 0.25
"""Of Piper's samples; Kokoro's have the first value of the style."""


def kokoro_model(path: Path) -> Path:
    """Inputs `tokens` (1, n), `style` (1, 256), `speed` (1); output `audio` (samples)."""
    nodes = (
        node("Shape", ["tokens"], "shape"),
        node("Gather", ["shape", "one"], "count"),
        node("Cast", ["count"], "count_float", to=FLOAT),
        node("Div", ["count_float", "speed"], "paced"),
        *_samples("paced"),
        node("Gather", ["style", "zero"], "first_row", axis=0),
        node("Gather", ["first_row", "zero"], "first_value", axis=1),
        node("Squeeze", ["first_value"], "loudness"),
        node("Mul", ["ones", "loudness"], "audio"),
    )
    inputs: onnx.Shapes = {
        "tokens": (INT64, (1, "sequence_length")),
        "style": (FLOAT, (1, 256)),
        "speed": (FLOAT, (1,)),
    }
    return _written(path, nodes, inputs, {"audio": (FLOAT, ("audio_length",))})


def piper_model(path: Path, *, speakers: int = 1) -> Path:
    """Inputs `input` (batch, phonemes), `input_lengths`, `scales` (3), of many `sid`; output (batch, 1, 1, n)."""
    several = speakers > 1
    nodes = (
        node("Cast", ["input_lengths"], "count", to=FLOAT),
        node("Gather", ["scales", "one"], "length_scale"),
        node("Mul", ["count", "length_scale"], "paced"),
        *_samples("paced"),
        node("Mul", ["ones", "level"], "levelled"),
        node("Cast", ["sid" if several else "zero"], "speaker", to=FLOAT),
        node("Mul", ["speaker", "level"], "louder"),
        node("Add", ["levelled", "louder"], "flat"),
        node("Unsqueeze", ["flat", "axes"], "output"),
    )
    inputs: onnx.Shapes = {
        "input": (INT64, ("batch_size", "phonemes")),
        "input_lengths": (INT64, ("batch_size",)),
        "scales": (FLOAT, (3,)),
        **({"sid": (INT64, ("batch_size",))} if several else {}),
    }
    return _written(path, nodes, inputs, {"output": (FLOAT, ("batch_size", 1, 1, "n"))})


def _samples(count: str) -> tuple[bytes, ...]:
    return (
        node("Mul", [count, "samples_per_symbol"], "samples"),
        node("Cast", ["samples"], "sample_count", to=INT64),
        node("Expand", ["single", "sample_count"], "ones"),
    )


def _written(path: Path, nodes: Iterable[bytes], inputs: onnx.Shapes, output: onnx.Shapes) -> Path:
    constants = (
        onnx.constant("zero", np.array([0])),
        onnx.constant("one", np.array([1])),
        onnx.constant("axes", np.array([0, 1, 2])),
        onnx.constant("single", np.array([1], np.float32)),
        onnx.constant("level", np.array([LEVEL], np.float32)),
        onnx.constant("samples_per_symbol", np.array([SAMPLES_PER_SYMBOL], np.float32)),
    )
    path.write_bytes(onnx.model(nodes, constants, inputs, output, {}))
    return path
