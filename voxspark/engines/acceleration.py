"""What a graphics card is worth to the engines on it: what their packages were built for, without importing them."""

from __future__ import annotations

import importlib.util
import mmap
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from voxspark.engines.hub import folder_of, not_here
from voxspark.engines.registry import EngineSpec

WITHOUT_CUDA = b"not compiled with CUDA support"
"""In the library of CTranslate2's wheel for aarch64, not in that for x86-64 (4.8.5)."""

TORCH_INSTALL = "Install torch with CUDA: https://pytorch.org/get-started/locally"

WEIGHTS: Mapping[str, str] = {"faster_whisper": "model.bin", "whisper_torch": "config.json"}
"""By engine: the file without which weights are not there."""


@dataclass(frozen=True, slots=True)
class Acceleration:
    """What engines can make of this machine."""

    gpu: bool
    ctranslate2: bool
    """Whether it is built with CUDA, as torch may be."""
    torch: bool

    def obstacle(self, engine: str, weights: str) -> str:
        """What keeps a large Whisper from being run well, in a sentence; empty for nothing, and other engines."""
        if engine not in WEIGHTS:
            return ""
        if not self.gpu:
            return "it needs a graphics card."
        if engine == "faster_whisper" and not self.ctranslate2:
            return "CTranslate2 is built without CUDA here, as it is for aarch64."
        if engine == "whisper_torch" and not self.torch:
            return f"torch is built without CUDA here. {TORCH_INSTALL}"
        if folder_of(weights, WEIGHTS[engine]) is None:
            return not_here(weights)
        return ""

    def place(self, spec: EngineSpec, device: str = "auto") -> str:
        """Where an engine of speech runs with this setting, and why there, in a clause."""
        if spec.isolation == "inline":
            return "a program or a server of its own"
        if spec.name != "faster_whisper" and "torch" not in spec.packages:
            return "made for the processor"
        if device == "cpu":
            return "on the processor, as configured"
        if not self.gpu:
            return "on the processor: there is no graphics card"
        package, has_cuda = ("CTranslate2", self.ctranslate2)
        if "torch" in spec.packages:
            package, has_cuda = "torch", self.torch
        if not has_cuda:
            return f"on the processor: {package} is built without CUDA here"
        without = ": CTranslate2 is built without CUDA here" if spec.kind == "stt" and not self.ctranslate2 else ""
        return f"on the graphics card with {package}{without}"


def acceleration(*, gpu: bool) -> Acceleration:
    """Of this machine, where nothing is looked at without a graphics card."""
    return Acceleration(gpu, gpu and ctranslate2_has_cuda(), gpu and torch_has_cuda())


@cache
def ctranslate2_has_cuda() -> bool:
    """Reads its library, some 80 MB: 30 ms; importing it would import torch, too."""
    return any(_lacks_nothing(library) for library in _libraries("ctranslate2"))


def _libraries(package: str) -> Iterator[Path]:
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for place in (Path(folder), Path(f"{folder}.libs")):
            yield from place.glob(f"lib{package}*.so*")


def _lacks_nothing(library: Path) -> bool:
    with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(WITHOUT_CUDA) < 0


@cache
def torch_has_cuda() -> bool:
    """As its `version.py` says; importing it takes seconds and 200 MB."""
    spec = importlib.util.find_spec("torch")
    version = Path(spec.origin).with_name("version.py") if spec and spec.origin else None
    return bool(version and version.is_file() and re.search(r"^cuda\b.*= '", version.read_text(), re.MULTILINE))
