"""Pictures for a model: scaled, upright, anonymous; and the files that are none, or bombs."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from voxspark.devices import pictures
from voxspark.devices.pictures import LONGEST_SIDE, SHORTEST_SIDE, fit, fitted
from voxspark.errors import DeviceError


def file_of(
    size: tuple[int, int], kind: str = "PNG", mode: str = "RGB", color: object = "red", **options: object
) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, color).save(file, kind, **options)  # type: ignore[arg-type]
    return file.getvalue()


def opened(raw: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(raw))
    picture.load()
    return picture


def claiming(width: int, height: int) -> bytes:
    """A PNG file whose header has this size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    real = file_of((1, 1))
    return real[:12] + header + struct.pack(">I", zlib.crc32(header)) + real[33:]


@pytest.mark.parametrize(
    ("size", "scaled"),
    [
        ((2560, 1440), (LONGEST_SIDE, 720)),
        ((1000, 2000), (640, LONGEST_SIDE)),
        ((640, 480), (640, 480)),
        ((1, 1), (SHORTEST_SIDE, SHORTEST_SIDE)),
        ((20_000, 2), (LONGEST_SIDE, SHORTEST_SIDE)),
    ],
)
def test_the_longest_side_is_bounded_and_nothing_is_enlarged(size: tuple[int, int], scaled: tuple[int, int]) -> None:
    assert opened(fitted(file_of(size))).size == scaled


@pytest.mark.parametrize(("kind", "out"), [("PNG", "PNG"), ("JPEG", "JPEG"), ("WEBP", "PNG")])
def test_formats(kind: str, out: str) -> None:
    picture = opened(fitted(file_of((100, 80), kind)))
    red, green, blue = picture.convert("RGB").getpixel((50, 40))  # type: ignore[misc]
    assert (picture.format, picture.mode) == (out, "RGB")
    assert red > 250
    assert green < 5
    assert blue < 5


@pytest.mark.parametrize(("mode", "color"), [("1", 1), ("L", 255), ("P", 0), ("CMYK", 0), ("I;16", 65_535), ("LA", 0)])
def test_any_kind_of_colour(mode: str, color: object) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert opened(fitted(file_of((64, 64), kind, mode, color))).mode == "RGB"


def test_what_is_transparent_is_white() -> None:
    assert opened(fitted(file_of((64, 64), "PNG", "RGBA", (255, 0, 0, 0)))).getpixel((10, 10)) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_turned_photo_is_upright_and_tells_nothing_of_its_maker(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker of Cameras"
    raw = file_of((200, 100), kind, exif=exif, icc_profile=b"Profile of Somebody")
    assert b"Maker of Cameras" in raw
    picture = opened(out := fitted(raw))
    assert picture.size == (100, 200)
    assert b"Maker" not in out
    assert b"Somebody" not in out
    assert not picture.getexif()


@pytest.mark.parametrize(
    "raw",
    [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"<svg/>", b"%PDF-1.7", file_of((64, 64))[:-40], file_of((64, 64), "GIF")],
    ids=["empty", "text", "signature", "svg", "pdf", "cut", "gif"],
)
def test_what_is_no_picture(raw: bytes) -> None:
    with pytest.raises(DeviceError) as caught:
        fitted(raw)
    assert caught.value.code == "picture-unusable"
    assert caught.value.remedy


@pytest.mark.parametrize("size", [(10_000, 5_001), (50_000, 50_000), (9_000, 10_000), (2**31 - 1, 2**31 - 1)])
def test_bombs_are_refused_before_they_are_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(DeviceError) as caught:
        fitted(claiming(*size))
    assert caught.value.code == "picture-too-large"


def test_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeviceError, match="1 megabytes"):
        fitted(b"x" * 1_000_001, most_bytes=1_000_000)
    assert pictures.MOST_BYTES == 20_000_000


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "WEBP"]), st.data())
def test_damaged_files_raise_nothing_else(kind: str, data: st.DataObject) -> None:
    raw = bytearray(file_of((48, 40), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with suppress(DeviceError):
        assert opened(fitted(bytes(raw))).mode == "RGB"


@pytest.mark.anyio
async def test_in_a_thread() -> None:
    assert opened(await fit(file_of((400, 400)), 200)).size == (200, 200)
