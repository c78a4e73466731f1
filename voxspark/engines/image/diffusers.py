"""Pictures with diffusers: FLUX.1, Stable Diffusion 3.5, Qwen-Image, and whatever else is kept as one of its pipelines.

Weights come from a folder or from what `hf download` has left on this machine; nothing is ever fetched here.
"""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from voxspark.config_tools import ImageSettings
from voxspark.engines.hub import require_folder
from voxspark.engines.on_torch import told
from voxspark.engines.thread import EngineThread
from voxspark.errors import EngineError, PainterError
from voxspark.types import PaintingStep, Stroke

INDEX = "model_index.json"
"""The file that makes a folder a pipeline."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How a family of models is asked, by its model cards."""

    steps: int = 28
    options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the pipeline."""


FAMILIES: Mapping[str, Habits] = MappingProxyType(
    {
        "FluxPipeline": Habits(28, {"guidance_scale": 3.5, "max_sequence_length": 512}),
        "StableDiffusion3Pipeline": Habits(28, {"guidance_scale": 3.5}),
        "QwenImagePipeline": Habits(50, {"true_cfg_scale": 4.0, "negative_prompt": " "}),
    }
)
"""By the class of the pipeline."""

DISTILLED = Habits(4, {"guidance_scale": 0.0, "max_sequence_length": 256})
"""FLUX.1 schnell and Stable Diffusion 3.5 Large Turbo, whatever their family."""


class DiffusersPainter:
    """One pipeline in its own thread: in bfloat16 on a GPU, whole (the plan has made room), else in float32."""

    def __init__(self, settings: ImageSettings) -> None:
        self._settings = settings
        self._thread = EngineThread("diffusers")
        self._pipeline: Any = None

    async def paint(self, prompt: str, *, width: int, height: int, seed: int) -> AsyncGenerator[Stroke, None]:
        """See `protocols.Painter.paint`."""

        def work(put: Callable[[Stroke], None]) -> None:
            with told(_failed, _scarce()):
                put(self._paint(prompt, width, height, seed, self._settings.steps, put))

        async with aclosing(self._thread.stream(work)) as strokes:
            async for stroke in strokes:
                yield stroke

    async def warm(self) -> None:
        """Load the weights; on a GPU also paint one step, so that what is read back is all it will take."""
        await self._thread.call(self._first)

    def close(self) -> None:
        """Let its thread end."""
        self._thread.close()

    def _first(self) -> None:
        with told(_failed, _scarce()):
            if self._loaded().device.type != "cpu":
                self._paint("A red fox.", self._settings.side, self._settings.side, 0, 1, lambda _: None)

    def _paint(
        self, prompt: str, width: int, height: int, seed: int, steps: int, put: Callable[[Stroke], None]
    ) -> bytes:
        """The picture as a PNG. `put` is told each step, and ends the work by raising."""
        import torch

        pipeline = self._loaded()
        habits = _habits(pipeline, self._settings.model)
        count = steps or habits.steps

        def on_step_end(_pipeline: Any, index: int, _time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            put(PaintingStep(index + 1, count))
            return tensors

        (image,) = pipeline(
            prompt=prompt,
            width=width,
            height=height,
            num_inference_steps=count,
            generator=torch.Generator("cpu").manual_seed(seed),
            callback_on_step_end=on_step_end,
            **habits.options,
        ).images
        png = io.BytesIO()
        image.save(png, "PNG")
        return png.getvalue()

    def _loaded(self) -> Any:
        if self._pipeline is None:
            folder = require_folder(  # told before the seconds that the imports take
                self._settings.model,
                INDEX,
                PainterError,
                "painter-weights-missing",
                setting="image.model",
                example="black-forest-labs/FLUX.1-dev",
                gated=True,
            )

            import torch
            from diffusers import DiffusionPipeline

            on_gpu = torch.cuda.is_available()
            self._pipeline = DiffusionPipeline.from_pretrained(
                folder,
                dtype=torch.bfloat16 if on_gpu else torch.float32,
                device_map="cuda" if on_gpu else "cpu",
                use_safetensors=True,
                local_files_only=True,
            )
            self._pipeline.set_progress_bar_config(disable=True)
        return self._pipeline


def _habits(pipeline: Any, model: str) -> Habits:
    kind = type(pipeline).__name__
    if kind not in FAMILIES:
        return Habits()
    unguided = kind == "FluxPipeline" and not pipeline.transformer.config.guidance_embeds
    return DISTILLED if unguided or model.endswith("-turbo") else FAMILIES[kind]


def _failed(kind: str) -> EngineError:
    remedy = f"diffusers met a {kind}; are its weights whole?"
    return PainterError("painter-failed", "The picture could not be made.", remedy)


def _scarce() -> EngineError:
    message = "There was not enough memory for the picture."
    return PainterError("painter-out-of-memory", message, "Set a smaller image.side.")
