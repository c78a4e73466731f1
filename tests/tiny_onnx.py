"""ONNX models of a few operators with the inputs and outputs of Kokoro and of Piper, written without the onnx package.

Both make `SAMPLES_PER_SYMBOL` samples per number of the input, of one level. Field numbers are those of onnx.proto3.
"""

from __future__ import annotations

import struct
from pathlib import Path

SAMPLES_PER_SYMBOL = 600

FLOAT, INT64 = 1, 7
LEVEL = 0.25
"""Of Piper's samples; Kokoro's have the first value of the style."""

Dimension = int | str


def kokoro_model(path: Path) -> Path:
    """Inputs `tokens` (1, n), `style` (1, 256), `speed` (1); output `audio` (samples)."""
    nodes = (
        _node("Shape", ["tokens"], ["shape"]),
        _node("Gather", ["shape", "one"], ["count"]),
        _node("Cast", ["count"], ["count_float"], to=FLOAT),
        _node("Div", ["count_float", "speed"], ["paced"]),
        *_samples("paced"),
        _node("Gather", ["style", "zero"], ["first_row"], axis=0),
        _node("Gather", ["first_row", "zero"], ["first_value"], axis=1),
        _node("Squeeze", ["first_value"], ["loudness"]),
        _node("Mul", ["ones", "loudness"], ["audio"]),
    )
    inputs = (
        _value("tokens", INT64, 1, "sequence_length"),
        _value("style", FLOAT, 1, 256),
        _value("speed", FLOAT, 1),
    )
    return _written(path, nodes, inputs, _value("audio", FLOAT, "audio_length"))


def piper_model(path: Path, *, speakers: int = 1) -> Path:
    """Inputs `input` (batch, phonemes), `input_lengths`, `scales` (3), of many `sid`; output (batch, 1, 1, n)."""
    several = speakers > 1
    nodes = (
        _node("Cast", ["input_lengths"], ["count"], to=FLOAT),
        _node("Gather", ["scales", "one"], ["length_scale"]),
        _node("Mul", ["count", "length_scale"], ["paced"]),
        *_samples("paced"),
        _node("Mul", ["ones", "level"], ["levelled"]),
        _node("Cast", ["sid" if several else "zero"], ["speaker"], to=FLOAT),
        _node("Mul", ["speaker", "level"], ["louder"]),
        _node("Add", ["levelled", "louder"], ["flat"]),
        _node("Unsqueeze", ["flat", "axes"], ["output"]),
    )
    inputs = [
        _value("input", INT64, "batch_size", "phonemes"),
        _value("input_lengths", INT64, "batch_size"),
        _value("scales", FLOAT, 3),
    ]
    if several:
        inputs.append(_value("sid", INT64, "batch_size"))
    return _written(path, nodes, tuple(inputs), _value("output", FLOAT, "batch_size", 1, 1, "n"))


def _samples(count: str) -> tuple[bytes, ...]:
    return (
        _node("Mul", [count, "samples_per_symbol"], ["samples"]),
        _node("Cast", ["samples"], ["sample_count"], to=INT64),
        _node("Expand", ["single", "sample_count"], ["ones"]),
    )


def _written(path: Path, nodes: tuple[bytes, ...], inputs: tuple[bytes, ...], output: bytes) -> Path:
    constants = (
        _tensor("zero", INT64, struct.pack("<q", 0)),
        _tensor("one", INT64, struct.pack("<q", 1)),
        _tensor("axes", INT64, struct.pack("<3q", 0, 1, 2)),
        _tensor("single", FLOAT, struct.pack("<f", 1)),
        _tensor("level", FLOAT, struct.pack("<f", LEVEL)),
        _tensor("samples_per_symbol", FLOAT, struct.pack("<f", SAMPLES_PER_SYMBOL)),
    )
    graph = b"".join((
        *(_field(1, node) for node in nodes),
        _field(2, "tiny"),
        *(_field(5, tensor) for tensor in constants),
        *(_field(11, each) for each in inputs),
        _field(12, output),
    ))  # fmt: skip
    path.write_bytes(_field(1, 8) + _field(7, graph) + _field(8, _field(2, 17)))
    return path


def _node(operator: str, inputs: list[str], outputs: list[str], **attributes: int) -> bytes:
    given = (_field(5, _field(1, name) + _field(3, value) + _field(20, 2)) for name, value in attributes.items())
    return b"".join((
        *(_field(1, name) for name in inputs),
        *(_field(2, name) for name in outputs),
        _field(4, operator),
        *given,
    ))  # fmt: skip


def _tensor(name: str, kind: int, raw: bytes) -> bytes:
    count = len(raw) // (8 if kind == INT64 else 4)
    return _field(1, count) + _field(2, kind) + _field(8, name) + _field(9, raw)


def _value(name: str, kind: int, *shape: Dimension) -> bytes:
    dimensions = b"".join(_field(1, _field(2 if isinstance(each, str) else 1, each)) for each in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, dimensions)))


def _field(number: int, value: int | str | bytes) -> bytes:
    """One field of a protocol buffer: a varint, or bytes with their length."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(raw)) + raw


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
