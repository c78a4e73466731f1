"""ONNX models written by hand: just enough of the protobuf for a graph of a few operators."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

FLOAT, INT32, INT64 = 1, 6, 7
"""`TensorProto.DataType`."""


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _number(tag: int, value: int) -> bytes:
    return _varint(tag << 3) + _varint(value)


def _bytes(tag: int, value: bytes | str) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return _varint(tag << 3 | 2) + _varint(len(raw)) + raw


def constant(name: str, values: NDArray[np.float32] | NDArray[np.int64]) -> bytes:
    """A `TensorProto`: what a graph knows from the start."""
    kind = FLOAT if values.dtype == np.float32 else INT64
    shape = b"".join(_number(1, size) for size in values.shape)
    return shape + _number(2, kind) + _bytes(8, name) + _bytes(9, values.tobytes())


def node(operator: str, inputs: Sequence[str], output: str, **integers: int) -> bytes:
    """A `NodeProto` with one output; its attributes are integers."""
    attributes = (_bytes(1, name) + _number(3, value) + _number(20, 2) for name, value in integers.items())
    return (
        b"".join(_bytes(1, each) for each in inputs)
        + _bytes(2, output)
        + _bytes(4, operator)
        + b"".join(_bytes(5, each) for each in attributes)
    )


def _value(name: str, kind: int, shape: Iterable[str | int]) -> bytes:
    """A `ValueInfoProto`; a size may have a name in place of a number."""
    sizes = (_bytes(2, size) if isinstance(size, str) else _number(1, size) for size in shape)
    tensor = _number(1, kind) + _bytes(2, b"".join(_bytes(1, size) for size in sizes))
    return _bytes(1, name) + _bytes(2, _bytes(1, tensor))


Shapes = Mapping[str, tuple[int, tuple[str | int, ...]]]
"""Kind and shape by name."""


def model(
    nodes: Iterable[bytes], constants: Iterable[bytes], inputs: Shapes, outputs: Shapes, metadata: Mapping[str, str]
) -> bytes:
    """A `ModelProto`."""
    graph = (
        b"".join(_bytes(1, each) for each in nodes)
        + _bytes(2, "tiny")
        + b"".join(_bytes(5, each) for each in constants)
        + b"".join(_bytes(11, _value(name, *what)) for name, what in inputs.items())
        + b"".join(_bytes(12, _value(name, *what)) for name, what in outputs.items())
    )
    notes = (_bytes(14, _bytes(1, key) + _bytes(2, value)) for key, value in metadata.items())
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _bytes(1, "") + _number(2, 17)) + b"".join(notes)
