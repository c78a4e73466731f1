"""Which ears suit a machine: a pure choice, and the probes that it goes by."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from voxspark.config import Config
from voxspark.config_speech import TranscriberSettings
from voxspark.engines import acceleration
from voxspark.engines.acceleration import Acceleration
from voxspark.engines.registry import EngineSpec, find
from voxspark.roster import Roster, ears_engine, make_roster
from voxspark.runners.settings import in_force
from voxspark.vram.probes import Machine
from voxspark.vram.state import GIB, Budget

MUCH = Budget(total_bytes=120 * GIB, floor_bytes=16 * GIB)


@pytest.fixture
def fresh() -> Iterator[None]:
    """Probes that know nothing, before and after."""
    probes = (acceleration.ctranslate2_has_cuda, acceleration.torch_has_cuda)
    for probe in probes:
        probe.cache_clear()
    yield
    for probe in probes:
        probe.cache_clear()


@pytest.fixture(autouse=True)
def everything_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All weights and packages."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(acceleration, "folder_of", lambda _weights, _file: tmp_path)
    monkeypatch.setattr(EngineSpec, "missing", lambda _spec: [])


def ears(monkeypatch: pytest.MonkeyPatch, *, gpu: bool, ctranslate2: bool, torch: bool, **own: object) -> Roster:
    """Of the profile `everyday` on such a machine."""
    monkeypatch.setattr(acceleration, "ctranslate2_has_cuda", lambda: ctranslate2)
    monkeypatch.setattr(acceleration, "torch_has_cuda", lambda: torch)
    config = Config.model_validate({"profile": "everyday", "transcriber": own})
    return make_roster(config, Machine("unified" if gpu else "host", MUCH, "A machine."))


@pytest.mark.parametrize(
    ("gpu", "ctranslate2", "torch", "chosen", "why"),
    [
        (True, True, True, "whisper-turbo", ""),
        (True, False, True, "whisper-turbo-torch", "CTranslate2 is built without CUDA here"),
        (True, False, False, "whisper-base", "torch is built without CUDA here"),
        (False, True, True, "whisper-base", "it needs a graphics card"),
    ],
)
@pytest.mark.parametrize("own", [{}, {"engine": "auto"}])
def test_the_ears_suit_the_machine(
    monkeypatch: pytest.MonkeyPatch,
    own: dict[str, object],
    gpu: bool,
    ctranslate2: bool,
    torch: bool,
    chosen: str,
    why: str,
) -> None:
    found = ears(monkeypatch, gpu=gpu, ctranslate2=ctranslate2, torch=torch, **own)
    assert found.profile.roles["ears"].model == chosen
    assert why in " ".join(found.passed_over.get("ears", ()))
    assert all(f"takes the place of {reason}" in " ".join(found.why) for reason in found.passed_over.get("ears", ()))


def test_weights_that_are_not_here_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceleration, "folder_of", lambda weights, _file: None if "faster" in weights else Path())
    found = ears(monkeypatch, gpu=True, ctranslate2=True, torch=True)
    assert found.model_of("ears").engine == "whisper_torch"
    assert "hf download mobiuslabsgmbh/faster-whisper-large-v3-turbo" in found.passed_over["ears"][0]


def test_the_users_own_ears_are_taken_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"engine": "whisper_torch", "model": "openai/whisper-small"}
    found = ears(monkeypatch, gpu=False, ctranslate2=False, torch=False, **own)
    assert (found.model_of("ears").engine, found.model_of("ears").runner) == ("whisper_torch", "worker")
    config = Config.model_validate({"profile": "everyday", "transcriber": own})
    settings = in_force(config, found)["transcriber"]
    assert isinstance(settings, TranscriberSettings)
    assert (settings.engine, settings.model) == ("whisper_torch", "openai/whisper-small")


@pytest.mark.parametrize(
    ("model", "files", "engine"),
    [
        ("bundled:base", (), "faster_whisper"),
        ("large-v3", (), "faster_whisper"),
        ("Systran/faster-whisper-large-v3", (), "faster_whisper"),
        ("openai/whisper-large-v3", (), "whisper_torch"),
        ("FOLDER", ("config.json", "model.safetensors"), "whisper_torch"),
        ("FOLDER", ("config.json", "model.bin"), "faster_whisper"),
        ("FOLDER", (), "faster_whisper"),
    ],
)
def test_auto_takes_the_engine_that_the_weights_are_for(
    tmp_path: Path, model: str, files: tuple[str, ...], engine: str
) -> None:
    for name in files:
        (tmp_path / name).touch()
    own = TranscriberSettings(engine="auto", model=model.replace("FOLDER", str(tmp_path)))
    assert ears_engine(own) == engine
    assert ears_engine(own.model_copy(update={"engine": "mine"})) == "mine"


def test_other_engines_meet_no_obstacle() -> None:
    assert Acceleration(False, False, False).obstacle("sensevoice", "anything") == ""


@pytest.mark.parametrize(
    ("engine", "device", "here", "place"),
    [
        ("faster_whisper", "auto", (False, True, True), "on the processor: there is no graphics card"),
        ("faster_whisper", "auto", (True, False, True), "on the processor: CTranslate2 is built without CUDA here"),
        ("faster_whisper", "auto", (True, True, False), "on the graphics card with CTranslate2"),
        ("faster_whisper", "cpu", (True, True, True), "on the processor, as configured"),
        (
            "whisper_torch",
            "auto",
            (True, False, True),
            "on the graphics card with torch: CTranslate2 is built without CUDA here",
        ),
        ("whisper_torch", "auto", (True, True, True), "on the graphics card with torch"),
        ("whisper_torch", "auto", (True, True, False), "on the processor: torch is built without CUDA here"),
        ("sense_voice", "auto", (True, True, True), "made for the processor"),
        ("wyoming", "auto", (True, True, True), "a program or a server of its own"),
    ],
)
def test_where_an_engine_runs_is_told_with_the_reason(
    engine: str, device: str, here: tuple[bool, bool, bool], place: str
) -> None:
    assert Acceleration(*here).place(find("stt", engine), device) == place


def test_a_voice_on_torch_says_nothing_of_ears() -> None:
    assert Acceleration(True, False, True).place(find("tts", "csm")) == "on the graphics card with torch"


# ── the probes ──────────────────────────────────────────────────────────────────────────────────


def installed(monkeypatch: pytest.MonkeyPatch, package: Path) -> None:
    """`package` is what any import finds."""
    spec = SimpleNamespace(submodule_search_locations=[str(package)], origin=str(package / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: spec)


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    ("library", "has"),
    [(b"\x7fELF This CTranslate2 package was not compiled with CUDA support\0", False), (b"\x7fELF", True)],
)
def test_the_library_tells_whether_it_has_cuda(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: bytes, has: bool
) -> None:
    (tmp_path / "ctranslate2.libs").mkdir()
    (tmp_path / "ctranslate2.libs" / "libctranslate2-1a2b.so.4.8.5").write_bytes(library)
    installed(monkeypatch, tmp_path / "ctranslate2")
    assert acceleration.ctranslate2_has_cuda() is has


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    ("line", "has"), [("cuda: Optional[str] = None", False), ("cuda: Optional[str] = '13.0'", True)]
)
def test_torch_tells_whether_it_has_cuda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, has: bool) -> None:
    (tmp_path / "version.py").write_text(f"__version__ = '2.13.0'\n{line}\nhip: Optional[str] = None\n")
    installed(monkeypatch, tmp_path)
    assert acceleration.torch_has_cuda() is has


@pytest.mark.usefixtures("fresh")
def test_what_is_not_installed_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, tmp_path)
    assert not acceleration.ctranslate2_has_cuda()
    assert not acceleration.torch_has_cuda()
