"""all-MiniLM-L6-v2 in numpy: six BERT layers on the processor, without torch.

Measured on a 2-core AMD EPYC: loads in 0.2 s, adds 65 MB (55 of them the mapped file, which the system may take back),
and takes 13 ms of one core for a question of six words, 57 ms for a hundred, 150 ms for the longest text.
"""

from __future__ import annotations

import ctypes
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from voxspark.engines.bundled import locate
from voxspark.engines.sendable import encodable
from voxspark.engines.thread import EngineThread
from voxspark.errors import EngineError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from voxspark.config import ChatSettings

LAYERS, HEADS, WIDTH, EPSILON = 6, 12, 384, np.float32(1e-12)
"""The model's config.json."""

EMBEDDINGS = ("word", "position", "token_type")

MOST_TOKENS = 256
"""What it was trained on (sentence_bert_config.json); the rest of a text is not read."""

ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429, 0.3275911)
"""Abramowitz and Stegun, 7.1.26: the error is below 1.5e-7."""

Floats: TypeAlias = NDArray[np.float32]


def create(settings: ChatSettings) -> MiniLM:
    """The registry's factory; the model is loaded by the first call."""
    return MiniLM(settings.model.removeprefix("bundled:"))


class MiniLM:
    """Implements `protocols.Embedder`: 384 values per text, of length 1."""

    def __init__(self, weights: str) -> None:
        self._weights = weights
        self._thread = EngineThread("embed")
        self._model: _Model | None = None

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """See `protocols.Embedder.embed`; text by text, so that a cancelled call ends after one of them."""
        return [await self._thread.call(partial(self._vector, text)) for text in texts]

    async def warm(self) -> None:
        """Load the model and run it once. Raises EngineError."""
        await self.embed(["Hello."])

    def close(self) -> None:
        """Give the memory back; the engine cannot be used any more."""
        self._thread.close()
        self._model = None

    def _vector(self, text: str) -> list[float]:
        if self._model is None:
            self._model = load(locate(self._weights))
        return [float(value) for value in self._model.vector(encodable(text))]


def load(folder: Path) -> _Model:
    """From `model.safetensors` and `tokenizer.json`. Raises EngineError."""
    try:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tensors = read_safetensors(folder / "model.safetensors")
    except Exception as error:  # tokenizers raises nothing more special
        raise EngineError("embedder-damaged", "The embedding model cannot be read.", f"{folder}: {error}") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS)
    share_the_cores()
    return _Model(tokenizer, tensors)


def share_the_cores() -> None:
    """Have the OpenBLAS of numpy's wheels work in the calling thread alone.

    Its threads wait for each other busily: beside others at work on two cores a question of six words takes 25 ms in
    one thread, and 380 in two. Another BLAS stays as it is.
    """
    for path in Path(np.__file__).parents[1].glob("numpy.libs/libscipy_openblas*"):
        getattr(ctypes.CDLL(str(path)), "scipy_openblas_set_num_threads64_", lambda _count: None)(1)


@dataclass(frozen=True, slots=True)
class _Model:
    tokenizer: Tokenizer
    tensors: dict[str, Floats]

    def vector(self, text: str) -> Floats:
        """Shape (WIDTH,), of length 1: the mean over all tokens."""
        hidden = self._embedded(np.array(self.tokenizer.encode(text).ids))
        for layer in range(LAYERS):
            hidden = self._layer(hidden, f"encoder.layer.{layer}")
        mean: Floats = hidden.mean(axis=0)
        return mean / np.linalg.norm(mean)

    def _embedded(self, ids: NDArray[np.int64]) -> Floats:
        words, places, kinds = (self.tensors[f"embeddings.{each}_embeddings.weight"] for each in EMBEDDINGS)
        return self._normal(words[ids] + places[: len(ids)] + kinds[0], "embeddings.LayerNorm")

    def _layer(self, hidden: Floats, name: str) -> Floats:
        """(tokens, WIDTH) to the same."""
        query, key, value = (
            self._linear(hidden, f"{name}.attention.self.{part}").reshape(len(hidden), HEADS, -1).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(1, 2) / np.float32(math.sqrt(WIDTH // HEADS))
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        attended = (scores @ value).swapaxes(0, 1).reshape(len(hidden), WIDTH)
        attended = self._linear(attended, f"{name}.attention.output.dense")
        hidden = self._normal(hidden + attended, f"{name}.attention.output.LayerNorm")
        inner = gelu(self._linear(hidden, f"{name}.intermediate.dense"))
        return self._normal(hidden + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _linear(self, values: Floats, name: str) -> Floats:
        result: Floats = values @ self.tensors[f"{name}.weight"].T + self.tensors[f"{name}.bias"]
        return result

    def _normal(self, values: Floats, name: str) -> Floats:
        centred = values - values.mean(axis=-1, keepdims=True)
        scale = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + EPSILON)
        result: Floats = centred / scale * self.tensors[f"{name}.weight"] + self.tensors[f"{name}.bias"]
        return result


def gelu(values: Floats) -> Floats:
    """Exact up to the precision of float32."""
    a1, a2, a3, a4, a5, p = map(np.float32, ERF)
    size = np.abs(values) * np.float32(math.sqrt(0.5))
    t = 1 / (1 + p * size)
    erf = 1 - ((((a5 * t + a4) * t + a3) * t + a2) * t + a1) * t * np.exp(-size * size)
    result: Floats = values * np.float32(0.5) * (1 + np.copysign(erf, values))
    return result


def read_safetensors(path: Path) -> dict[str, Floats]:
    """The float32 tensors of a file, mapped into memory. Raises OSError or ValueError for what is none."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(min(length, path.stat().st_size)))
    data = np.memmap(path, np.uint8, "r", 8 + length)
    tensors: dict[str, Floats] = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            tensors[name] = data[begin:end].view(np.float32).reshape(entry["shape"])
    return tensors
