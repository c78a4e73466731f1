"""Pictures with a question, over the socket: by path and by value, and those that cannot be used."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path

import pytest
from PIL import Image

from tests.control_fake import FakeDaemon, raw, serving
from voxspark.control.client import connect
from voxspark.control.rpc import MAX_IMAGES
from voxspark.devices import pictures

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control" / "socket"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "Foto ☕.jpg"
    Image.new("RGB", (2560, 1440), "red").save(file)
    return file


async def test_pictures_come_scaled_by_path_and_by_value(path: Path, photo: Path) -> None:
    daemon = FakeDaemon()
    images = [{"path": str(photo)}, {"data": base64.b64encode(photo.read_bytes()).decode()}]
    async with serving(path, daemon), raw(path) as client:
        answer = await client.ask("ask", {"text": "What is this?", "images": images, "stream": False})
    assert answer["result"]["outcome"] == "answered"
    assert [Image.open(io.BytesIO(each)).size for each in daemon.seen] == [(1280, 720)] * 2


async def test_the_client_sends_the_path(path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = FakeDaemon()
    monkeypatch.chdir(photo.parent)
    async with serving(path, daemon), connect(path) as client:
        answer = client.ask("What is this?", images=[Path(photo.name)])
        assert [piece async for piece in answer]
    assert len(daemon.seen) == 1


async def test_pictures_that_cannot_be_used(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_BYTES", 100_000)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * 100_001)
    (tmp_path / "text").write_text("hello")
    images = [{"path": str(tmp_path / name)} for name in ("missing", "pipe", "large", "text", ".", "a\0b")]
    images += [{"path": "/dev/zero"}, {"data": "no base64!"}, {"data": "ü"}, {"data": ""}]
    daemon = FakeDaemon()
    async with serving(path, daemon), raw(path) as client:
        for image in images:
            error = (await client.ask("ask", {"text": "x", "images": [image]}))["error"]
            assert error["data"]["code"] in ("picture-unreadable", "picture-unusable"), (image, error)
            assert error["data"]["remedy"]
    assert daemon.calls == []


@pytest.mark.parametrize(
    "images",
    [
        [{}],
        [{"path": "a.png"}],
        [{"path": "/a.png", "data": ""}],
        [{"path": "/a.png", "audio": ""}],
        ["/a.png"],
        [{"path": "/a.png"}] * (MAX_IMAGES + 1),
        {"path": "/a.png"},
    ],
)
async def test_pictures_that_are_named_wrongly(path: Path, images: object) -> None:
    daemon = FakeDaemon()
    async with serving(path, daemon), raw(path) as client:
        error = (await client.ask("ask", {"text": "x", "images": images}))["error"]
    assert (error["code"], error["data"]["code"]) == (-32602, "invalid-params")
    assert daemon.calls == []
