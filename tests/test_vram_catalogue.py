"""The catalogue: the figures of facts/models.csv, the arithmetic, names, and the user's own file."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.errors import ConfigError, EngineError
from voxspark.vram.catalogue import GB, KvType, Model, builtin, load_catalogue, need

CATALOGUE = builtin()
FACTS = Path(__file__).with_name("data") / "models.csv"
OF_ANOTHER_FORM = {"CosyVoice 3.0", "SenseVoice"}
"""The facts are about torch; the catalogue about what is run here: a client of the server, and ONNX in 8 bits."""
COUNTED = {"F5-TTS", "Sesame CSM"}
"""The facts have their files; the catalogue what is made of them on a GPU, by count (bench/speech_gpu.py)."""
ROWS = [
    row
    for row in csv.DictReader(FACTS.read_text("utf-8").splitlines())
    if row["weights_gb"] and row["seed_name"] not in OF_ANOTHER_FORM
]
KV_TYPES: list[KvType] = ["f16", "q8_0", "q4_0"]


def named(row: dict[str, str]) -> Model:
    return CATALOGUE.find(row["ollama_tag_or_hf_id"].split()[0].rstrip(","))


# ── figures ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("row", ROWS, ids=[row["seed_name"] for row in ROWS])
def test_needs_agree_with_the_facts_within_two_percent(row: dict[str, str]) -> None:
    model = named(row)
    assert need(model, 8192).total_bytes / GB == pytest.approx(float(row["estimated_vram_gb_8k"]), rel=0.02)
    assert need(model, 32_768).total_bytes / GB == pytest.approx(float(row["estimated_vram_gb_32k"]), rel=0.02)


@pytest.mark.parametrize("row", ROWS, ids=[row["seed_name"] for row in ROWS])
def test_geometry_and_limits_are_those_of_the_facts(row: dict[str, str]) -> None:
    model = named(row)
    assert model.weights_gb == float(row["weights_gb"]) or row["seed_name"] in COUNTED
    for column, value in {
        "layers": model.layers,
        "kv_heads": model.kv_heads,
        "head_dim": model.head_dim,
        "kv_bytes_per_token_fp16": model.kv_bytes_per_token,
        "max_ctx": model.max_context_tokens,
    }.items():
        if row[column]:
            assert value == int(row[column]), column


def test_every_model_says_where_its_figures_come_from() -> None:
    for model in CATALOGUE.models.values():
        assert model.roles
        assert model.source
        assert model.licence
        assert need(model, 8192).source.endswith(f"({model.confidence} confidence).")


def test_sliding_window_layers_stop_growing_at_their_window() -> None:
    bob = CATALOGUE.find("gpt-oss-120b")
    full_layers = 18 * 8 * 64 * 4
    assert bob.kv_bytes(32_768, 1, "f16") - bob.kv_bytes(8192, 1, "f16") == full_layers * (32_768 - 8192)
    assert bob.kv_bytes(100, 1, "f16") == 2 * full_layers * 100
    assert need(bob, 131_072).total_bytes / GB == pytest.approx(71.6, rel=0.02)


def test_the_vision_model_measured_on_a_spark() -> None:
    assert need(CATALOGUE.find("qwen3-vl-32b"), 262_144).total_bytes / GB == pytest.approx(93, rel=0.02)


def test_eight_slots_share_one_copy_of_the_weights() -> None:
    worker = CATALOGUE.find("qwen3-8b")
    one, eight = need(worker, 8192), need(worker, 8192, slots=8)
    assert eight.weights_bytes == one.weights_bytes
    assert eight.kv_bytes == 8 * one.kv_bytes
    assert eight.total_bytes / GB == pytest.approx(16.2, rel=0.02)


def test_vision_and_embedding_models_have_one_slot() -> None:
    assert need(CATALOGUE.find("qwen3-vl-8b"), 8192, slots=8) == need(CATALOGUE.find("qwen3-vl-8b"), 8192)


def test_quantised_caches_cost_what_their_blocks_do() -> None:
    model = CATALOGUE.find("qwen3-8b")
    f16, q8, q4 = (need(model, 8192, kv_type=kv_type).kv_bytes for kv_type in KV_TYPES)
    assert q8 == f16 * 0.53125
    assert q4 == f16 * 0.28125


@given(
    model=st.sampled_from(list(CATALOGUE.models.values())),
    context=st.integers(-1, 1 << 20),
    slots=st.integers(-1, 200),
    kv_type=st.sampled_from(KV_TYPES),
)
def test_a_need_is_never_less_than_the_weights_and_never_beyond_what_the_model_can(
    model: Model, context: int, slots: int, kv_type: KvType
) -> None:
    wants = need(model, context, slots, kv_type)
    most = need(model, model.max_context_tokens, model.max_slots)
    assert model.weights_bytes <= wants.total_bytes <= most.total_bytes
    assert wants.total_bytes == wants.weights_bytes + wants.kv_bytes + wants.overhead_bytes


# ── names ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "key", "noted"),
    [
        ("qwen3-8b", "qwen3-8b", False),
        ("qwen3:8b", "qwen3-8b", False),
        ("Qwen3 8B", "qwen3-8b", False),
        (" QWEN3:8B ", "qwen3-8b", False),
        ("bge-m3:latest", "bge-m3", False),
        ("Bob", "gpt-oss-120b", False),
        ("DeepSeek-Coder-V3", "deepseek-coder-v2-16b", True),
        ("qwen3-coder:30b-a3b", "qwen3-coder-30b", True),
        ("qwen3:30b", "qwen3-30b-a3b", True),
        ("nomic-embed", "nomic-embed-v2", True),
        ("nomic-embed-text", "nomic-embed-v1-5", False),
    ],
)
def test_names_resolve_and_what_is_not_literal_says_so(name: str, key: str, noted: bool) -> None:
    found = CATALOGUE.resolve(name)
    assert found.model.key == key
    assert bool(found.note) == noted


@pytest.mark.parametrize(("name", "near"), [("qwen3:9b", "qwen3:8b"), ("wisper-turbo", "whisper-turbo"), ("", "")])
def test_an_unknown_name_lists_near_ones(name: str, near: str) -> None:
    with pytest.raises(EngineError) as caught:
        CATALOGUE.resolve(name)
    assert caught.value.code == "model-unknown"
    assert near in caught.value.remedy


def test_no_two_models_share_a_name() -> None:
    names = [n for m in CATALOGUE.models.values() for n in {m.key.casefold(), m.id.casefold(), m.name.casefold()}]
    assert len(names) == len(set(names))


# ── the user's file ─────────────────────────────────────────────────────────────────────────────

MINE = """
[models.qwen3-8b]
max_context_tokens = 16384

[models.tiny]
name = "Tiny"
roles = ["worker"]
id = "tiny:1b"
runner = "ollama"
quantisation = "Q4_K_M"
weights_gb = 1
overhead_gb = 0.9
layers = 16
kv_heads = 8
head_dim = 64
max_context_tokens = 8192
licence = "MIT"
source = "Its card"

[aliases]
"kleiner-übersetzer" = { model = "tiny", note = "Only short." }
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "models.toml"
    path.write_text(text, "utf-8")
    return path


def test_users_add_and_override(tmp_path: Path) -> None:
    mine = load_catalogue(written(tmp_path, MINE))
    assert mine.find("qwen3:8b").max_context_tokens == 16_384
    assert mine.find("qwen3:8b").weights_gb == 5.2
    assert mine.resolve("Kleiner-Übersetzer").note == "Only short."
    assert need(mine.find("tiny:1b"), 8192).total_bytes / GB == pytest.approx(1 + 0.27 + 0.9, abs=0.01)
    assert builtin().find("qwen3:8b").max_context_tokens == 40_960


def test_the_users_file_is_found_below_xdg_config_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert load_catalogue() is builtin()
    (tmp_path / "voxspark").mkdir()
    written(tmp_path / "voxspark", MINE)
    assert load_catalogue().find("tiny").key == "tiny"


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("[models.qwen3-8b]\nweigths_gb = 5", "config-unknown-key", "Did you mean models.qwen3-8b.weights_gb?"),
        ("[modles.x]", "config-unknown-key", "Did you mean models?"),
        ("[models.qwen3-8b]\nkey = 'x'", "config-unknown-key", "models.qwen3-8b.key"),
        ("[models.new]\nname = 'New'", "config-missing-key", "models.new."),
        ("[models.qwen3-8]\nlayers = 3", "config-unknown-key", "Did you mean models.qwen3-8b?"),
        ("models = 3", "config-value", "must be a table"),
        ("[models]\nqwen3-8b = 3", "config-value", "models.qwen3-8b must be a table"),
        ("[models.qwen3-8b]\nweights_gb = 'five'", "config-value", "it must be a number"),
        ("[models.qwen3-8b]\nweights_gb = true", "config-value", "it must be a number"),
        ("[models.qwen3-8b]\nweights_gb = nan", "config-value", "finite"),
        ("[models.qwen3-8b]\nweights_gb = 0", "config-value", "weights_gb"),
        ("[models.qwen3-8b]\nlayers = -1", "config-value", "zero or more"),
        ("[models.qwen3-8b]\nlayers = 1.5", "config-value", "whole number"),
        ("[models.qwen3-8b]\nrunner = 'vllm'", "config-value", "ollama, engine, worker"),
        ("[models.qwen3-8b]\nroles = ['cook']", "config-value", "manager"),
        ("[models.qwen3-8b]\nroles = 'worker'", "config-value", "a list"),
        ("[models.qwen3-8b]\nmax_slots = 0", "config-value", "max_slots"),
        ("[models.qwen3-8b]\nsliding_layers = 37\nwindow_tokens = 128", "config-value", "than layers"),
        ("[models.qwen3-8b]\nsliding_layers = 4", "config-value", "window_tokens"),
        ("[aliases]\nme = { model = 'qwen3-9b' }", "config-unknown-key", "Did you mean models.qwen3-8b?"),
        ("[aliases]\nme = 'qwen3-8b'", "config-value", "aliases.me must be a table"),
        ("not toml", "config-syntax", "models.toml"),
    ],
)
def test_mistakes_in_the_users_file_are_named(tmp_path: Path, text: str, code: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_catalogue(written(tmp_path, text))
    assert caught.value.code == code
    assert says in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_catalogue(tmp_path / "missing.toml")
    assert caught.value.code == "config-unreadable"
