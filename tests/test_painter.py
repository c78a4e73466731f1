"""The painter on diffusers, with a pipeline that is none: how it is asked, stopped, and what it says when it cannot."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from voxspark.config_tools import ImageSettings
from voxspark.engines.hub import folder_of
from voxspark.engines.image import diffusers
from voxspark.engines.image.diffusers import DiffusersPainter
from voxspark.engines.needs import MIB, PAINTING_BYTES, UNKNOWN_PIPELINE_BYTES
from voxspark.engines.registry import find
from voxspark.errors import EngineError, PainterError
from voxspark.types import PaintingStep, Stroke

pytestmark = pytest.mark.anyio


@dataclass
class Picture:
    """What a pipeline gives."""

    def save(self, file: Any, kind: str) -> None:
        """Its bytes."""
        file.write(kind.encode())


@dataclass
class Pipeline:
    """Does as many steps as it is told to."""

    transformer: Any = field(default_factory=lambda: SimpleNamespace(config=SimpleNamespace(guidance_embeds=True)))
    device: Any = field(default_factory=lambda: SimpleNamespace(type="cpu"))
    asked: dict[str, Any] = field(default_factory=dict)
    begun: int = 0
    fails: Exception | None = None

    def __call__(self, *, num_inference_steps: int, callback_on_step_end: Callable[..., Any], **asked: Any) -> Any:
        self.asked, self.begun = {**asked, "steps": num_inference_steps}, 0
        for index in range(num_inference_steps):
            self.begun += 1
            if self.fails is not None:
                raise self.fails
            tensors = {"latents": index}
            assert callback_on_step_end(self, index, 1.0, tensors) is tensors
        return SimpleNamespace(images=[Picture()])


class FluxPipeline(Pipeline):
    """Known by its name."""


class StableDiffusion3Pipeline(Pipeline):
    """Known by its name."""


class QwenImagePipeline(Pipeline):
    """Known by its name."""


class OutOfMemoryError(RuntimeError):
    """Torch's, by its name."""


class Generator:
    """Torch's, as far as it is used."""

    def __init__(self, device: str) -> None:
        self.device = device

    def manual_seed(self, seed: int) -> tuple[str, int]:
        """What it was made of."""
        return self.device, seed


@pytest.fixture(autouse=True)
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(Generator=Generator))


def painter_of(pipeline: Pipeline, **settings: Any) -> DiffusersPainter:
    painter = DiffusersPainter(ImageSettings(**settings))
    painter._pipeline = pipeline
    return painter


async def paint(painter: DiffusersPainter) -> list[Stroke]:
    async with aclosing(painter.paint("A fox.", width=64, height=32, seed=7)) as strokes:
        return [stroke async for stroke in strokes]


async def test_a_picture_comes_after_its_steps() -> None:
    pipeline = Pipeline()
    painter = painter_of(pipeline, steps=3)
    assert await paint(painter) == [PaintingStep(1, 3), PaintingStep(2, 3), PaintingStep(3, 3), b"PNG"]
    seeded = {"prompt": "A fox.", "width": 64, "height": 32, "generator": ("cpu", 7), "steps": 3}
    assert pipeline.asked == seeded
    painter.close()


@pytest.mark.parametrize(
    ("pipeline", "model", "asked"),
    [
        (FluxPipeline(), "FLUX.1-dev", {"steps": 28, "guidance_scale": 3.5, "max_sequence_length": 512}),
        (StableDiffusion3Pipeline(), "sd3.5-large", {"steps": 28, "guidance_scale": 3.5}),
        (
            StableDiffusion3Pipeline(),
            "stabilityai/stable-diffusion-3.5-large-turbo",
            {"steps": 4, "guidance_scale": 0.0, "max_sequence_length": 256},
        ),
        (QwenImagePipeline(), "Qwen-Image", {"steps": 50, "true_cfg_scale": 4.0, "negative_prompt": " "}),
        (Pipeline(), "sdxl-turbo", {"steps": 28}),
    ],
)
async def test_each_family_is_asked_in_its_way(pipeline: Pipeline, model: str, asked: dict[str, Any]) -> None:
    await paint(painter_of(pipeline, model=model))
    assert {key: pipeline.asked[key] for key in pipeline.asked.keys() - {"prompt", "width", "height", "generator"}} == (
        asked
    )


async def test_flux_without_guidance_is_schnell_wherever_it_lies() -> None:
    pipeline = FluxPipeline()
    pipeline.transformer.config.guidance_embeds = False
    await paint(painter_of(pipeline, model="/models/mine"))
    assert (pipeline.asked["steps"], pipeline.asked["guidance_scale"]) == (4, 0.0)


async def test_closing_stops_within_a_step_and_the_next_picture_comes() -> None:
    pipeline = Pipeline()
    painter = painter_of(pipeline, steps=200)
    async with aclosing(painter.paint("A fox.", width=64, height=32, seed=7)) as strokes:
        async for stroke in strokes:
            if stroke == PaintingStep(3, 200):
                break
    await painter.warm()  # in the same thread: the picture that was stopped is out of it
    assert pipeline.begun < 200
    assert len(await paint(painter)) == 201


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OutOfMemoryError("CUDA out of memory."), "painter-out-of-memory"),
        (MemoryError(), "painter-out-of-memory"),
        (RuntimeError("A fox."), "painter-failed"),
        (KeyError("scheduler"), "painter-failed"),
    ],
)
async def test_what_goes_wrong_in_diffusers_is_told_without_the_prompt(error: Exception, code: str) -> None:
    with pytest.raises(PainterError) as caught:
        await paint(painter_of(Pipeline(fails=error), steps=1))
    assert (caught.value.code, caught.value.stage) == (code, "paint")
    assert "fox" not in str(caught.value)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    ("model", "name", "remedy"),
    [
        ("black-forest-labs/FLUX.1-dev", "FLUX.1-dev", "hf download black-forest-labs/FLUX.1-dev"),
        ("/nowhere/flux", "flux", "image.model must be a folder with a model_index.json"),
        ("~/flux", "flux", "image.model must be a folder with a model_index.json"),
        ("a/b/c", "c", "image.model must be a folder with a model_index.json"),
        ("", "this model", "image.model must be a folder with a model_index.json"),
    ],
)
async def test_weights_that_are_not_here(
    model: str, name: str, remedy: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(PainterError) as caught:
        await DiffusersPainter(ImageSettings(model=model)).warm()
    assert caught.value.code == "painter-weights-missing"
    assert caught.value.message == f"The weights of {name} are not on this machine."
    assert remedy in caught.value.remedy


def test_a_folder_and_a_download_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own, cache = tmp_path / "own", tmp_path / "cache"
    downloaded = cache / "models--a--b" / "snapshots" / "1f"
    for folder in (own, downloaded):
        folder.mkdir(parents=True)
        (folder / "model_index.json").write_text("{}")
    (cache / "models--a--b" / "refs").mkdir()
    (cache / "models--a--b" / "refs" / "main").write_text("1f")
    monkeypatch.setattr("huggingface_hub.file_download.constants.HF_HUB_CACHE", str(cache))
    assert folder_of(str(own), diffusers.INDEX) == own
    assert folder_of("a/b", diffusers.INDEX) == downloaded


def test_a_pipeline_needs_what_its_folder_holds(tmp_path: Path) -> None:
    (tmp_path / "transformer").mkdir()
    for file in (tmp_path / "transformer" / "model.safetensors", tmp_path / "whole.safetensors"):
        with file.open("wb") as sparse:
            sparse.truncate(500 * MIB)
    spec = find("image", "diffusers")
    assert spec.memory(ImageSettings(model=str(tmp_path))).gpu_bytes == 500 * MIB + PAINTING_BYTES
    for unknown in ("", "a/b", "nul\0byte"):
        assert spec.memory(ImageSettings(model=unknown)).gpu_bytes == UNKNOWN_PIPELINE_BYTES + PAINTING_BYTES


def test_without_its_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EngineError) as caught:
        find("image", "diffusers").create(ImageSettings())
    assert caught.value.code == "engine-not-installed"
    assert caught.value.remedy == "Run: pip install 'voxspark[image]'"
