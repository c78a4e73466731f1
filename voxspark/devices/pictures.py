"""Pictures for a model that can see: checked, turned upright, scaled down, without what the file tells of its maker."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import anyio.to_thread

from voxspark.errors import DeviceError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MOST_BYTES = 20_000_000
MOST_SCREEN_BYTES = 100_000_000
"""Of our own screenshots: three 4K monitors, without loss."""
MOST_PIXELS = 50_000_000
"""Of a picture before it is scaled; decoded that is 200 MB, whatever the size of the file."""

LONGEST_SIDE = 1_280
"""Pixels. Text on a full screen stays readable, and Qwen's vision models make about 1,200 tokens of it."""

SHORTEST_SIDE = 32
"""Pixels. Qwen's vision models refuse pictures with a side below 28; narrow ones get a white margin."""

FORMATS = ("PNG", "JPEG", "WEBP")


async def fit(raw: bytes, longest_side: int = LONGEST_SIDE, most_bytes: int = MOST_BYTES) -> bytes:
    """`fitted`, in a thread."""
    return await anyio.to_thread.run_sync(fitted, raw, longest_side, most_bytes, abandon_on_cancel=True)


def fitted(raw: bytes, longest_side: int = LONGEST_SIDE, most_bytes: int = MOST_BYTES) -> bytes:
    """The encoded picture as a new file: JPEG when it was one, else PNG. Never enlarged; of several frames the first.

    Blocks. Raises DeviceError `picture-unusable`, `picture-too-large` or `pictures-missing`.
    """
    try:
        from PIL import Image
    except ImportError as error:
        remedy = "Install voxspark[eyes]."
        raise DeviceError("pictures-missing", "Looking at pictures is not installed.", remedy) from error
    if len(raw) > most_bytes:
        raise _too_large(f"{most_bytes // 1_000_000} megabytes")
    try:
        with Image.open(io.BytesIO(raw), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise _too_large(f"{MOST_PIXELS // 1_000_000} megapixels")
            return _encoded(_upright(picture, longest_side), "JPEG" if picture.format == "JPEG" else "PNG")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(f"{MOST_PIXELS // 1_000_000} megapixels") from error
    except DeviceError:
        raise
    except Exception as error:  # the boundary of decoders, which raise anything for files that lie
        remedy = "Give me a PNG, JPEG or WebP file."
        raise DeviceError("picture-unusable", "That is not a picture I can look at.", remedy) from error


def _upright(picture: Picture, longest_side: int) -> Picture:
    """On white, and free of metadata."""
    from PIL import Image, ImageOps

    picture.draft("RGB", (longest_side, longest_side))  # a large JPEG is decoded small
    upright = ImageOps.exif_transpose(picture)
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
    elif upright.mode != "RGB":
        upright = upright.convert("RGB")
    upright.thumbnail((longest_side, longest_side))
    canvas = Image.new("RGB", (max(upright.width, SHORTEST_SIDE), max(upright.height, SHORTEST_SIDE)), "white")
    canvas.paste(upright, mask=upright if upright.mode == "RGBA" else None)
    return canvas


def _encoded(picture: Picture, kind: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **({"quality": 90} if kind == "JPEG" else {}))
    return file.getvalue()


def _too_large(limit: str) -> DeviceError:
    return DeviceError("picture-too-large", f"The picture is larger than {limit}.", "Give me a smaller one.")
