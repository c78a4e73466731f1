"""The engine registry: what is known before import is true, and what cannot be had is said so that one can act."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from voxspark.config import ChatSettings, Config
from voxspark.config_listening import ListeningSettings
from voxspark.config_speech import TranscriberSettings, VoiceSettings
from voxspark.config_tools import ImageSettings, Settings
from voxspark.engines import registry
from voxspark.engines.builtin import SPECS
from voxspark.engines.needs import MIB
from voxspark.engines.registry import EngineSpec, Need, find
from voxspark.errors import EngineError
from voxspark.protocols import Painter, Synthesizer, Transcriber
from voxspark.vram.catalogue import load_catalogue

SETTINGS: dict[str, Settings] = {
    "stt": TranscriberSettings(),
    "chat": ChatSettings(),
    "embed": ChatSettings(model="bundled:minilm"),
    "tts": VoiceSettings(),
    "image": ImageSettings(),
    **dict.fromkeys(("vad", "gate", "wake", "end_of_turn"), ListeningSettings()),
}
"""What the factory of each kind is given."""

FAKE = EngineSpec(name="fake", kind="tts", target="tests.test_engine_specs:Fake", licence="none", install="pip fake")


@dataclass
class Fake:
    """An engine that keeps what it was made with."""

    settings: VoiceSettings


@dataclass(frozen=True)
class FakeEntryPoint:
    """What `importlib.metadata` gives for a package that registers engines."""

    specs: tuple[EngineSpec, ...]

    def load(self) -> tuple[EngineSpec, ...]:
        """The specs."""
        return self.specs


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[FakeEntryPoint]]:
    """What is installed: the built-in engines, and whatever a test adds."""
    entries = [FakeEntryPoint(SPECS)]
    monkeypatch.setattr(registry, "entry_points", lambda group: entries if group == "voxspark.engines" else [])
    registry.registry.cache_clear()
    yield entries
    registry.registry.cache_clear()


def cpu_mib(kind: registry.Kind, name: str, settings: Settings) -> float:
    return find(kind, name).memory(settings).cpu_bytes / MIB


# ── what we ship ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_spec_is_well_formed(spec: EngineSpec) -> None:
    module, _, factory = spec.target.partition(":")
    assert callable(getattr(importlib.import_module(module), factory))
    assert spec.licence
    assert spec.install.startswith(("pip install ", "sudo apt-get install "))
    need = spec.memory(SETTINGS[spec.kind])
    assert need.cpu_bytes > 0
    assert need.gpu_bytes >= 0


PROTOCOLS: dict[str, type] = {"stt": Transcriber, "tts": Synthesizer, "image": Painter}


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.kind in PROTOCOLS], ids=lambda spec: spec.target)
def test_an_engine_can_be_called_as_its_protocol_says(spec: EngineSpec) -> None:
    module, _, factory = spec.target.partition(":")
    engine = getattr(importlib.import_module(module), factory)
    for name, method in inspect.getmembers(PROTOCOLS[spec.kind], inspect.isfunction):
        if name.startswith("_"):
            continue
        wanted = inspect.signature(method).parameters.values()
        has = inspect.signature(getattr(engine, name)).parameters.values()
        assert [(each.name, each.kind, each.default) for each in has] == [
            (each.name, each.kind, each.default) for each in wanted
        ]


def test_the_entry_point_gives_what_we_ship() -> None:
    registry.registry.cache_clear()
    found = registry.registry()
    assert {key for key, spec in found.items() if spec in SPECS} == {(spec.kind, spec.name) for spec in SPECS}
    assert len({(spec.kind, spec.name) for spec in SPECS}) == len(SPECS)


def test_the_default_configuration_names_engines_that_exist() -> None:
    config = Config()
    assert find("stt", config.transcriber.engine).kind == "stt"
    assert find("chat", config.chat.engine).kind == "chat"
    assert find("tts", config.voice.engine).kind == "tts"
    assert all(find("tts", engine).kind == "tts" for engine in config.voice.fallback)


# ── memory ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "name", "mib"), [("gate", "webrtc", 1), ("vad", "silero", 6), ("wake", "micro_wakeword", 4)]
)
def test_listening_needs_little(kind: registry.Kind, name: str, mib: float) -> None:
    assert cpu_mib(kind, name, ListeningSettings()) == mib


def test_a_gguf_file_needs_its_size_and_its_context(tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    with model.open("wb") as file:
        file.truncate(500 * MIB)
    assert cpu_mib("chat", "llama_cpp", ChatSettings()) == 180
    assert cpu_mib("chat", "llama_cpp", ChatSettings(model=str(model), context_tokens=1024)) == 500 + 144
    assert cpu_mib("chat", "llama_cpp", ChatSettings(model=str(model), context_tokens=8192)) == 500 + 8 * 144


@pytest.mark.parametrize("model", ["/nowhere/model.gguf", "nul\0byte.gguf", "x" * 5_000])
def test_a_gguf_file_that_is_not_there_is_taken_for_a_large_one(model: str) -> None:
    assert cpu_mib("chat", "llama_cpp", ChatSettings(model=model)) == 6_000


def test_whisper_needs_more_for_larger_models_and_takes_them_to_the_gpu() -> None:
    spec = find("stt", "faster_whisper")
    models = ("bundled:tiny.en", "small", "large-v3")
    sizes = [spec.memory(TranscriberSettings(model=model)).cpu_bytes for model in models]
    assert sizes == sorted(sizes)
    assert spec.memory(TranscriberSettings(model="/some/where")).cpu_bytes > 0
    on_gpu = spec.memory(TranscriberSettings(model="large-v3", device="cuda"))
    assert on_gpu.gpu_bytes == sizes[-1] > on_gpu.cpu_bytes > 0


def test_csm_needs_its_file_on_a_cpu_and_half_of_it_on_a_gpu(tmp_path: Path) -> None:
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.truncate(500 * MIB)
    need = find("tts", "csm").memory
    assert need(VoiceSettings(model=str(tmp_path), device="cpu")) == Need(cpu_bytes=1_200 * MIB)
    assert need(VoiceSettings(model=str(tmp_path))) == Need(cpu_bytes=700 * MIB, gpu_bytes=(250 + 1_800) * MIB)
    on_hub = need(VoiceSettings(model="sesame/csm-1b")).gpu_bytes
    planned = load_catalogue().models["csm-1b"]
    assert on_hub == pytest.approx(planned.weights_bytes + planned.overhead_bytes, rel=0.01)


# ── choosing ────────────────────────────────────────────────────────────────────────────────────


def test_an_unknown_name_lists_the_choices_and_the_nearest() -> None:
    with pytest.raises(EngineError) as caught:
        find("chat", "olama")
    assert caught.value.code == "engine-unknown"
    assert caught.value.remedy == "Did you mean ollama? Known: llama_cpp, ollama, openai."


@pytest.mark.parametrize("name", ["", "whatever", "olläma" * 1_000])
def test_a_name_near_nothing_lists_the_choices(name: str) -> None:
    with pytest.raises(EngineError) as caught:
        find("tts", name)
    assert caught.value.remedy == f"Known: {', '.join(sorted(spec.name for spec in SPECS if spec.kind == 'tts'))}."


def test_a_name_counts_within_its_kind() -> None:
    with pytest.raises(EngineError, match="no tts engine ollama"):
        find("tts", "ollama")


def test_an_engine_of_another_package_is_found_and_made(packages: list[FakeEntryPoint]) -> None:
    packages.append(FakeEntryPoint((FAKE,)))
    settings = VoiceSettings(engine="fake")
    assert find("tts", "fake").create(settings) == Fake(settings)
    assert find("tts", "hibari") in SPECS


def test_a_missing_package_gives_the_command_that_brings_it(packages: list[FakeEntryPoint]) -> None:
    needy = replace(FAKE, packages=("json", "not_here", "not_there"), install="pip install 'voxspark[fake]'")
    packages.append(FakeEntryPoint((needy,)))
    with pytest.raises(EngineError) as caught:
        find("tts", "fake").create(VoiceSettings())
    assert caught.value.code == "engine-not-installed"
    assert caught.value.message == "The tts engine fake needs not_here, not_there, which is not installed."
    assert caught.value.remedy == "Run: pip install 'voxspark[fake]'"


def test_two_engines_of_one_name_are_refused(packages: list[FakeEntryPoint]) -> None:
    packages.append(FakeEntryPoint((replace(FAKE, name="hibari"),)))
    with pytest.raises(EngineError, match="Two tts engines are called hibari") as caught:
        find("stt", "faster_whisper")
    assert caught.value.code == "engine-twice"


def test_one_name_may_serve_two_kinds(packages: list[FakeEntryPoint]) -> None:
    packages.append(FakeEntryPoint((FAKE, replace(FAKE, kind="stt", memory=lambda _: Need(1)))))
    assert find("tts", "fake").kind == "tts"
    assert find("stt", "fake").kind == "stt"
