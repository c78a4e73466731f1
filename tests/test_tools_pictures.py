"""Pictures by word of mouth: what is promised, what is painted, under which name it is kept, what is told."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.virtual_time import virtual_time
from voxspark.config import Config
from voxspark.config_tools import ImageSettings
from voxspark.errors import PainterError, ToolError
from voxspark.files import user_directory
from voxspark.kit import make_toolbox
from voxspark.outfit import make_pictures
from voxspark.tools.jobs import Jobs
from voxspark.tools.pictures import LONGEST_DESCRIPTION, Pictures, keep, pixels
from voxspark.tools.registry import Toolbox
from voxspark.types import PaintingStep, Stroke

FOX = "A red fox in the snow."
PROMISE = "I'm making it. I'll tell you when it is done."


@dataclass
class Easel:
    """A painter that takes a second a step."""

    steps: int = 4
    fails: Exception | None = None
    asked: list[tuple[str, int, int]] = field(default_factory=list)
    seeds: set[int] = field(default_factory=set)
    closed: int = 0

    async def paint(self, prompt: str, *, width: int, height: int, seed: int) -> AsyncGenerator[Stroke, None]:
        """Steps, then a picture of a few bytes."""
        self.asked.append((prompt, width, height))
        self.seeds.add(seed)
        try:
            for number in range(self.steps):
                await anyio.sleep(1.0)
                yield PaintingStep(number + 1, self.steps)
            if self.fails is not None:
                raise self.fails
            yield b"\x89PNG"
        finally:
            self.closed += 1

    async def warm(self) -> None:
        """Nothing to load."""


@dataclass
class Gallery:
    """The tool at work, and what its jobs told."""

    pictures: Pictures
    jobs: Jobs
    easel: Easel
    folder: Path
    told: list[tuple[str, float | None]] = field(default_factory=list)
    shown: list[Path] = field(default_factory=list)

    async def report(self) -> str:
        while not self.jobs.untold:
            await anyio.sleep(0.1)
        report = self.jobs.take_report()
        self.jobs.reported(whole=True)
        return report


@asynccontextmanager
async def gallery(folder: Path, *, show: bool = False, broken: bool = False, **easel: Any) -> AsyncGenerator[Gallery]:
    """As in a daemon."""
    jobs, painter = Jobs(), Easel(**easel)

    async def opens(path: Path) -> None:
        at.shown.append(path)
        if broken:
            raise ToolError("open-failed", "That did not open.")

    pictures = Pictures(painter, jobs, folder, show=opens if show else None)
    at = Gallery(pictures, jobs, painter, folder)
    jobs.on_change = lambda job: at.told.append((job.state, job.fraction))
    async with anyio.create_task_group() as group:
        await group.start(jobs.run)
        yield at
        group.cancel_scope.cancel()


@virtual_time
async def test_it_promises_at_once_and_tells_when_it_is_done(tmp_path: Path) -> None:
    async with gallery(tmp_path / "Pictures" / "VoxSpark") as at:
        began = anyio.current_time()
        assert await at.pictures.make_image(FOX, "portrait") == PROMISE
        assert anyio.current_time() == began
        await anyio.sleep(2.5)
        assert at.jobs.list_jobs() == "Your picture of a red fox in the snow is 50% done."
        assert await at.report() == "Your picture is ready: a red fox in the snow."
        assert at.easel.asked == [("A red fox in the snow", 880, 1184)]
        assert [each for each in at.told if each[1]] == [
            *[("running", 0.25), ("running", 0.5), ("running", 0.75), ("running", 1.0), ("done", 1.0)]
        ]
        assert (at.folder / "a-red-fox-in-the-snow.png").read_bytes() == b"\x89PNG"


@virtual_time
async def test_the_same_again_is_another_picture(tmp_path: Path) -> None:
    async with gallery(tmp_path) as at:
        for _ in range(3):
            await at.pictures.make_image(FOX)
            await at.report()
        assert len(at.easel.seeds) == 3
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            *["a-red-fox-in-the-snow-2.png", "a-red-fox-in-the-snow-3.png", "a-red-fox-in-the-snow.png"]
        ]


@virtual_time
async def test_a_picture_that_is_cancelled_leaves_its_painter_and_no_file(tmp_path: Path) -> None:
    async with gallery(tmp_path) as at:
        await at.pictures.make_image(FOX)
        await anyio.sleep(1.5)
        assert at.jobs.cancel_job() == "I have stopped your picture of a red fox in the snow."
        await anyio.sleep(0.1)
        assert (at.easel.closed, list(tmp_path.iterdir()), list(at.jobs.untold)) == (1, [], [])


@virtual_time
async def test_a_painter_that_fails_is_told(tmp_path: Path) -> None:
    async with gallery(tmp_path, fails=PainterError("worker-crashed", "The painter crashed.")) as at:
        await at.pictures.make_image(FOX)
        assert await at.report() == "I could not finish your picture of a red fox in the snow. The painter crashed."
        assert list(tmp_path.iterdir()) == []


@virtual_time
async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with gallery(tmp_path / "file" / "pictures") as at:
        await at.pictures.make_image(FOX)
        assert (await at.report()).endswith("I cannot write to the folder pictures: Not a directory.")


@virtual_time
@pytest.mark.parametrize("broken", [False, True])
async def test_it_is_shown_where_that_is_wanted(tmp_path: Path, broken: bool) -> None:
    async with gallery(tmp_path, show=True, broken=broken) as at:
        await at.pictures.make_image(FOX)
        assert await at.report() == "Your picture is ready: a red fox in the snow."
        assert at.shown == [tmp_path / "a-red-fox-in-the-snow.png"]


@virtual_time
async def test_a_long_description_is_painted_and_not_read_out(tmp_path: Path) -> None:
    async with gallery(tmp_path) as at:
        await at.pictures.make_image("fox and " * 10_000)
        assert len(await at.report()) < 120
        ((prompt, _, _),) = at.easel.asked
        assert LONGEST_DESCRIPTION - 10 < len(prompt) <= LONGEST_DESCRIPTION


@pytest.mark.anyio
@pytest.mark.parametrize("description", ["", "  \n", " ... ", "\u200b"])
async def test_nothing_is_no_picture(description: str, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="What should the picture show"):
        await Pictures(Easel(), Jobs(), tmp_path).make_image(description)


@pytest.mark.anyio
async def test_a_team_without_a_painter_says_so(tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        await Pictures(None, Jobs(), tmp_path).make_image(FOX)
    assert (caught.value.code, caught.value.message) == ("picture-nobody", "None of my models can make pictures.")


@pytest.mark.parametrize(
    ("shape", "side", "size"),
    [
        *[("square", 1024, (1024, 1024)), ("portrait", 1024, (880, 1184)), ("landscape", 1024, (1184, 880))],
        *[("square", 64, (64, 64)), ("portrait", 64, (48, 80)), ("landscape", 2048, (2368, 1776))],
    ],
)
def test_shapes_have_one_area(shape: Any, side: int, size: tuple[int, int]) -> None:
    assert pixels(shape, side) == size


# ── names ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ("A red fox, in the snow!", "a-red-fox-in-the-snow.png"),
        ("../../etc/passwd", "etc-passwd.png"),
        ("Größe: ein Füchslein", "größe-ein-füchslein.png"),
        ("狐と雪", "狐と雪.png"),
        ("🦊", "picture.png"),
        ("", "picture.png"),
        ("___", "picture.png"),
        ("nul\0 and\nline", "nul-and-line.png"),
        ("fox " * 100, "fox-fox-fox-fox-fox-fox-fox-fox-fox-fox-fox-fox-fox-fox-fox.png"),
    ],
)
def test_a_file_is_named_after_its_description(description: str, name: str, tmp_path: Path) -> None:
    assert keep(b"1", tmp_path, description) == tmp_path / name
    assert keep(b"2", tmp_path, description) == tmp_path / name.replace(".png", "-2.png")
    assert (tmp_path / name).read_bytes() == b"1"


@given(description=st.text())
def test_any_description_gives_a_file_in_the_folder(description: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    path = keep(b"\x89PNG", folder, description)
    assert path.parent == folder
    assert path.read_bytes() == b"\x89PNG"
    path.unlink()


def test_what_cannot_be_written_whole_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`/dev/full` is a disk that is."""

    def full(descriptor: int, mode: str) -> Any:
        os.close(descriptor)
        return Path("/dev/full").open("wb")

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(ToolError, match="No space left on device"):
        keep(b"\x89PNG", tmp_path, FOX)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('XDG_PICTURES_DIR="$HOME/Bilder"\n', "home/Bilder"),
        ('# XDG_PICTURES_DIR="$HOME/No"\nXDG_MUSIC_DIR="$HOME/Musik"\n', "home/Pictures"),
        ('XDG_PICTURES_DIR="relative"\n', "home/Pictures"),
        ('XDG_PICTURES_DIR="$HOME/"\n', "home"),
        (None, "home/Pictures"),
    ],
)
def test_pictures_go_where_the_desktop_keeps_them(
    text: str | None, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    if text is not None:
        (tmp_path / "user-dirs.dirs").write_text(text)
    assert user_directory("PICTURES", Path.home() / "Pictures") == tmp_path / expected
    assert make_pictures(ImageSettings(), None, Jobs())._folder == tmp_path / expected / "VoxSpark"
    assert make_pictures(ImageSettings(folder="~/mine"), None, Jobs())._folder == tmp_path / "home" / "mine"


def test_an_absolute_folder_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "user-dirs.dirs").write_text('XDG_PICTURES_DIR="/srv/pictures"\n')
    assert user_directory("PICTURES", tmp_path) == Path("/srv/pictures")


# ── how it is offered ───────────────────────────────────────────────────────────────────────────


def test_it_is_found_by_what_people_want(tmp_path: Path) -> None:
    box = make_toolbox(Config())
    box.add(*Pictures(None, Jobs(), tmp_path).tools)
    found = box.find("find_tool").call
    for query in ("make an image", "draw a picture", "generate a photo", "paint an illustration"):
        assert str(found(query)).startswith("make_image(description: string, shape: string (optional)): ")


def test_a_stranger_may_not_have_pictures_made(tmp_path: Path) -> None:
    declared = Toolbox(Pictures(None, Jobs(), tmp_path).tools).find("make_image").declared
    assert (declared.permission, declared.fate, declared.privileged) == ("act", "owner", True)
