"""MiniLM in numpy: its parts against exact values, the whole against the original's, and as the memory uses it."""

from __future__ import annotations

import json
import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from voxspark.engines.bundled import locate
from voxspark.engines.embed.minilm import MiniLM, gelu, load, read_safetensors
from voxspark.errors import EngineError
from voxspark.memory.database import open_in_memory
from voxspark.memory.embedding import Embedding
from voxspark.memory.facts import Facts
from voxspark.memory.indexing import Indexing
from voxspark.memory.recall import Recall
from voxspark.memory.schema import MIGRATIONS

HAPPY = ["That is a happy person", "That is a happy dog", "That is a very happy person", "Today is a sunny day"]
"""Of the model's card, with the cosines of the first to the others."""
NEARNESS = [0.695, 0.943, 0.257]

FACTS = (
    "my sister's birthday is in May",
    "the spare key is under the pot",
    "I parked the car in the garage of the station",
    "the doctor says I must not eat nuts",
    "the wifi password is on the fridge",
)


def test_gelu_is_exact() -> None:
    values = np.linspace(-8, 8, 4001, dtype=np.float32)
    exact = [x * 0.5 * (1 + math.erf(x / math.sqrt(2))) for x in values.tolist()]
    np.testing.assert_allclose(gelu(values), exact, atol=3e-6)


def test_tensors_are_read(tmp_path: Path) -> None:
    entry = {"dtype": "F32", "shape": [2, 2], "data_offsets": [8, 24]}
    skipped = {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}
    header = json.dumps({"__metadata__": {"format": "pt"}, "ids": skipped, "weight": entry}).encode()
    values = np.arange(4, dtype=np.float32)
    raw = len(header).to_bytes(8, "little") + header + bytes(8) + values.tobytes()
    (tmp_path / "a.safetensors").write_bytes(raw)
    tensors = read_safetensors(tmp_path / "a.safetensors")
    assert list(tensors) == ["weight"]
    np.testing.assert_array_equal(tensors["weight"], values.reshape(2, 2))


@pytest.mark.parametrize("raw", [b"", b"\xff" * 64, bytes(8) + b"{}"])
def test_a_damaged_model_is_an_engine_error_and_takes_no_memory(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(raw)
    (tmp_path / "tokenizer.json").write_bytes(raw)
    tracemalloc.start()
    with pytest.raises(EngineError, match="cannot be read"):
        load(tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()


@pytest.mark.real
@pytest.mark.anyio
async def test_sentences_are_as_near_as_in_the_original() -> None:
    model = MiniLM("minilm")
    await model.warm()
    vectors = np.array(await model.embed([*HAPPY, "", "word " * 5_000, "\ud800"]))
    assert vectors.shape == (7, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(vectors[1:4] @ vectors[0], NEARNESS, atol=1e-3)
    model.close()


@pytest.mark.real
def test_a_long_text_is_cut_where_the_model_ends() -> None:
    model = load(locate("minilm"))
    np.testing.assert_array_equal(model.vector("word " * 300), model.vector("word " * 5_000))
    assert not np.allclose(model.vector("word " * 300), model.vector("word " * 30))


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("when was my sibling born", FACTS[0]),
        ("where did I leave my vehicle", FACTS[2]),
        ("am I allergic to anything", FACTS[3]),
        ("how do I get on the wireless network", FACTS[4]),
        ("what is the capital of Peru", None),
    ],
)
async def test_the_memory_finds_by_meaning(question: str, found: str | None) -> None:
    facts = Facts(open_in_memory(MIGRATIONS))
    embedding = Embedding(MiniLM("minilm"), lambda: "bundled:minilm")
    indexing = Indexing(facts, embedding)
    recall = Recall(facts, embedding, indexing, lambda: 0.0)
    for fact in FACTS:
        await recall.add(fact, 0.0)
    await indexing.catch_up()
    lines = [fact.text for fact in await recall.about(question, 1)]
    assert lines == ([found] if found else [])
