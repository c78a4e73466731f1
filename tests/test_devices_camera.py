"""One frame of a camera, with a stand-in for FFmpeg; and what FFmpeg says when there is no camera."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from PIL import Image

from voxspark.devices import camera
from voxspark.devices.camera import Camera
from voxspark.errors import DeviceError

pytestmark = pytest.mark.anyio


class Studio:
    """A folder of devices, and a program that does what it is told."""

    def __init__(self, folder: Path, script: str, *devices: str) -> None:
        self.folder = folder
        self.captures = 0
        self.program = folder / "ffmpeg"
        self.program.write_text(f'#!/bin/sh\necho "$@" > {folder}/words\n{script}\n')
        self.program.chmod(0o755)
        Image.new("RGB", (1600, 1200), "red").save(folder / "frame.jpg")
        for name in devices:
            (folder / name).touch()

    def camera(self, device: str = "auto") -> Camera:
        return Camera(self.capture, device, folder=self.folder, which=lambda _: str(self.program))

    async def capture(self) -> None:
        self.captures += 1

    async def failure(self, device: str = "auto") -> DeviceError:
        with pytest.raises(DeviceError) as caught:
            await self.camera(device).look()
        return caught.value


async def test_a_frame_of_the_first_camera(tmp_path: Path) -> None:
    studio = Studio(tmp_path, f"cat {tmp_path}/frame.jpg", "video10", "video2", "video-index", "audio0")
    picture = Image.open(io.BytesIO(await studio.camera().look()))
    assert (picture.format, picture.size) == ("JPEG", (1280, 960))
    assert f"-i {tmp_path}/video2 " in (tmp_path / "words").read_text()
    assert studio.captures == 1


async def test_the_named_camera(tmp_path: Path) -> None:
    studio = Studio(tmp_path, f"cat {tmp_path}/frame.jpg", "video0", "video1")
    await studio.camera(f"{tmp_path}/video1").look()
    assert f"-i {tmp_path}/video1 " in (tmp_path / "words").read_text()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("/dev/video0: Device or resource busy", "camera-busy"),
        ("/dev/video0: Permission denied", "camera-forbidden"),
        ("/dev/video0: No such file or directory", "camera-none"),
        ("Inappropriate ioctl for device", "camera-failed"),
        ("", "camera-failed"),
    ],
)
async def test_what_went_wrong(tmp_path: Path, said: str, code: str) -> None:
    error = await Studio(tmp_path, f"echo '{said}' >&2; exit 1", "video0").failure()
    assert error.code == code
    assert error.message.endswith(".")
    assert error.remedy


async def test_nothing_to_look_with(tmp_path: Path) -> None:
    studio = Studio(tmp_path, "exit 0")
    assert (await studio.failure()).code == "camera-none"
    assert (await studio.failure("/dev/x")).code == "camera-failed"
    with pytest.raises(DeviceError, match="FFmpeg"):
        await Camera(studio.capture, folder=tmp_path, which=lambda _: None).look()
    assert studio.captures == 1


async def test_no_picture_comes_out(tmp_path: Path) -> None:
    assert (await Studio(tmp_path, "echo hello", "video0").failure()).code == "picture-unusable"


async def test_a_camera_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "CAPTURE_SECONDS", 0.05)
    assert (await Studio(tmp_path, "exec sleep 60", "video0").failure()).code == "camera-slow"


@pytest.mark.real
async def test_the_real_ffmpeg_on_what_is_no_camera(tmp_path: Path) -> None:
    studio = Studio(tmp_path, "", "video0")
    studio.program = Path(shutil.which("ffmpeg") or "/usr/bin/ffmpeg")
    assert (await studio.failure()).code == "camera-failed"
    assert (await studio.failure(f"{tmp_path}/video7")).code == "camera-none"
