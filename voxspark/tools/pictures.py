"""Pictures made from descriptions, in the background, kept as files."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from functools import partial
from math import sqrt
from pathlib import Path
from typing import Annotated, Literal

import anyio.to_thread

from voxspark.errors import ToolError
from voxspark.protocols import Painter
from voxspark.tools.clean import clean, shorten
from voxspark.tools.jobs import Jobs, Progress
from voxspark.tools.new_file import LONGEST_NAME, write_new
from voxspark.tools.registry import Tool, tool, tools_of
from voxspark.types import PaintingStep

LONGEST_DESCRIPTION = 1_000
"""Characters; models read at most 512 tokens."""

LONGEST_SAID = 80

GRID_PIXELS = 16
"""Sides are multiples of it: eight pixels to a latent, two latents to a patch."""

Shape = Literal["square", "portrait", "landscape"]

RATIOS: dict[Shape, float] = {"square": 1.0, "portrait": 3 / 4, "landscape": 4 / 3}
"""Width by height."""


class Pictures:
    """Makes pictures. `painter` is None where the team has none; `side` is that of a square, in pixels; `show` opens a
    file."""

    def __init__(
        self,
        painter: Painter | None,
        jobs: Jobs,
        folder: Path,
        *,
        side: int = 1024,
        show: Callable[[Path], Awaitable[None]] | None = None,
    ) -> None:
        self._painter = painter
        self._jobs = jobs
        self._folder = folder
        self._side = side
        self._show = show

    @property
    def tools(self) -> tuple[Tool, ...]:
        """make_image."""
        return tools_of(self)

    @tool(permission="act", fate="owner", privileged=True)
    async def make_image(
        self,
        description: Annotated[str, "What it shows, with style and mood, in English."],
        shape: Literal["square", "portrait", "landscape"] = "square",
    ) -> str:
        """Make a picture: draw, paint or generate an image, photo, drawing or illustration of what is described."""
        description = clean(description, LONGEST_DESCRIPTION).rstrip(" .")
        if not description:
            raise ToolError("picture-empty", "What should the picture show?")
        if self._painter is None:
            raise ToolError(
                "picture-nobody", "None of my models can make pictures.", "Choose a profile with one: full-power."
            )
        self._jobs.start(f"picture of {_said(description)}", partial(self._make, self._painter, description, shape))
        return "I'm making it. I'll tell you when it is done."

    async def _make(self, painter: Painter, description: str, shape: Shape, progress: Progress) -> str:
        """The work of a job: paint, keep, show."""
        progress(None, "the painter is getting ready")
        width, height = pixels(shape, self._side)
        png = b""
        seed = secrets.randbelow(1 << 32)
        async with aclosing(painter.paint(description, width=width, height=height, seed=seed)) as strokes:
            async for stroke in strokes:
                if isinstance(stroke, PaintingStep):
                    progress(stroke.number / stroke.count)
                else:
                    png = stroke
        path = await anyio.to_thread.run_sync(keep, png, self._folder, description)
        if self._show is not None:
            with suppress(ToolError):  # it is there all the same
                await self._show(path)
        return f"Your picture is ready: {_said(description)}."


def _said(description: str) -> str:
    """In the middle of a sentence."""
    return re.sub(r"^(?:An?|The)\b", lambda article: article[0].lower(), shorten(description, LONGEST_SAID))


def pixels(shape: Shape, side: int) -> tuple[int, int]:
    """Width and height, with about the area of a square of that side."""
    ratio = sqrt(RATIOS[shape])
    width, height = (max(1, round(length / GRID_PIXELS)) * GRID_PIXELS for length in (side * ratio, side / ratio))
    return width, height


def keep(png: bytes, folder: Path, description: str) -> Path:
    """Write it under a name made of the description, never over another file. Raises ToolError."""
    words = re.findall(r"\w+", unicodedata.normalize("NFC", description).lower())
    return write_new(folder, f"{'-'.join(words)[:LONGEST_NAME].strip('-_') or 'picture'}.png", png)
