"""FLUX.1, Stable Diffusion 3.5 and Qwen-Image, true in everything but size: real engine, worker process and leases."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import pytest

from tests.test_runner_engines import FakeGpus, children
from tests.test_runners import PRIMING, until
from tests.vram_teams import CATALOGUE, PROFILES
from voxspark.config import Config
from voxspark.errors import EngineError, PainterError
from voxspark.outfit import make_pictures
from voxspark.roster import Roster
from voxspark.runners.process import ProcessRunner
from voxspark.tools.jobs import Jobs
from voxspark.types import PaintingStep, Stroke
from voxspark.vram import eviction, state
from voxspark.vram.catalogue import Catalogue, need
from voxspark.vram.leased import LeasedPainter
from voxspark.vram.ledger import Ledger
from voxspark.vram.measured import MeasuredSizes
from voxspark.vram.probes import Machine
from voxspark.vram.profiles import Post
from voxspark.vram.runner import Loaded, Lost
from voxspark.vram.state import GIB, Budget
from voxspark.vram.team import Rung
from voxspark.vram.watchdog import Reading

pytestmark = [pytest.mark.anyio, pytest.mark.real]

FOX = "a red fox in the snow, très joli"
NOWHERE = "http://127.0.0.1:9"
EYES = need(CATALOGUE.models["qwen3-vl-8b"], 2048).total_bytes
BUDGET = Budget(total_bytes=EYES + 2 * GIB + GIB // 8, floor_bytes=2 * GIB)
"""Eyes or a painter, not both."""


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `flux-dev`, `flux-schnell`, `sd35` and `qwen-image`."""
    folder = tmp_path_factory.mktemp("pipelines")
    subprocess.run([sys.executable, "-m", "tests.tiny_pipelines", str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody listens where the hub would be, and nothing is in its cache. Threads cost small models more than they
    give."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))


@dataclass
class Eyes:
    """A runner whose model is there at once, and gone at once."""

    unloads: int = 0
    bytes: int = 0
    """In memory."""

    async def load(self, rung: Rung) -> Loaded:
        self.bytes = rung.bytes
        return Loaded(object(), rung.bytes)

    async def unload(self, model: str) -> None:
        self.unloads += 1
        self.bytes = 0

    async def look(self) -> None:
        return None

    def on_lost(self, lost: Lost) -> None:
        """They never are."""


@dataclass
class Studio:
    """A ledger at work, whose team has a painter in a worker, and eyes in its place when they are needed."""

    ledger: Ledger
    painter: LeasedPainter
    eyes: Eyes

    async def look(self) -> None:
        async with self.ledger.lease("eyes"):
            assert children() == []

    async def paint(self, prompt: str = FOX, *, width: int = 96, height: int = 64, seed: int = 1) -> list[Stroke]:
        async with aclosing(self.painter.paint(prompt, width=width, height=height, seed=seed)) as strokes:
            return [stroke async for stroke in strokes]


@asynccontextmanager
async def studio(model: str | Path, tmp_path: Path, steps: int = 2) -> AsyncIterator[Studio]:
    """In a test of three minutes at most."""
    config = Config.model_validate({"image": {"steps": steps}})
    entry = replace(CATALOGUE.models["flux1-dev"], id=str(model), weights_gb=0.5, overhead_gb=0.5)
    catalogue = Catalogue({**CATALOGUE.models, entry.key: entry}, {})
    posts = {"image": Post(model=entry.key, hold="demand"), "eyes": Post(model="qwen3-vl-8b", hold="demand")}
    profile = replace(PROFILES["embedded"], roles=posts, context_tokens=2048)
    runner = ProcessRunner(config, Roster(profile, catalogue), PRIMING, FakeGpus())
    eyes = Eyes()

    async def probe() -> Reading:
        return Reading(20 * GIB - GIB * len(children()) - eyes.bytes)

    ledger = Ledger(
        machine=Machine("unified", BUDGET, "A machine for tests."),
        profile=profile,
        catalogue=catalogue,
        runners={"worker": runner, "ollama": eyes},
        measured=MeasuredSizes(tmp_path / "measured.json"),
        probe=probe,
        emit=lambda _: None,
        clock=anyio.current_time,
    )
    with anyio.fail_after(180):
        async with anyio.create_task_group() as group:
            await group.start(runner.run)
            await group.start(ledger.run)
            yield Studio(ledger, LeasedPainter(ledger), eyes)
            group.cancel_scope.cancel()
    assert children() == []


def size(png: object) -> tuple[int, int]:
    from PIL import Image

    assert isinstance(png, bytes)
    return Image.open(io.BytesIO(png), formats=["PNG"]).size


FAMILIES = """
import sys, anyio
from voxspark.config_tools import ImageSettings
from voxspark.engines.image.diffusers import DiffusersPainter

async def main():
    for name, steps in (("sd35", 2), ("qwen-image", 2), ("flux-schnell", 0)):
        painter = DiffusersPainter(ImageSettings(model=f"{sys.argv[1]}/{name}", steps=steps))
        *strokes, png = [each async for each in painter.paint("A fox.", width=80, height=64, seed=1)]
        painter.close()
        width, height = (int.from_bytes(png[start : start + 4]) for start in (16, 20))
        print(name, *(f"{each.number}/{each.count}" for each in strokes), png[:4], width, height)

anyio.run(main)
"""


def test_every_family_paints_the_size_that_was_asked_for(pipelines: Path) -> None:
    command = [sys.executable, "-c", FAMILIES, str(pipelines)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout.splitlines() == [
        "sd35 1/2 2/2 b'\\x89PNG' 80 64",
        "qwen-image 1/2 2/2 b'\\x89PNG' 80 64",
        "flux-schnell 1/4 2/4 3/4 4/4 b'\\x89PNG' 80 64",
    ]


async def test_flux_paints_is_stopped_evicted_killed_and_paints_again(
    pipelines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "RESIDENCY_LOADS", 0.0)  # or it would stay for three times its load,
    monkeypatch.setattr(eviction, "WARM_SECONDS", 0.0)  # and what somebody has just used for a minute
    async with studio(pipelines / "flux-dev", tmp_path, steps=8) as at:
        async with aclosing(at.painter.paint(FOX, width=512, height=512, seed=1)) as strokes:
            assert await anext(strokes) == PaintingStep(1, 8)
            (worker,) = children()
        *steps, png = await at.paint()
        assert (steps[-1], size(png), children()) == (PaintingStep(8, 8), (96, 64), [worker])
        assert await at.paint() == [*steps, png]
        assert (await at.paint(seed=2))[-1] != png

        await at.look()
        assert "flux1-dev" not in at.ledger.book.residents
        assert (await at.paint())[-1] == png
        assert at.eyes.unloads == 1

        (another,) = children()
        async with aclosing(at.painter.paint(FOX, width=512, height=512, seed=1)) as strokes:
            await anext(strokes)
            os.kill(another, signal.SIGKILL)
            with pytest.raises(PainterError) as caught:
                async for _ in strokes:
                    pass
        assert caught.value.message == "The painter crashed."
        await until(lambda: "flux1-dev" not in at.ledger.book.residents)
        assert (await at.paint())[-1] == png


async def test_a_picture_is_asked_for_and_its_file_is_there(pipelines: Path, tmp_path: Path) -> None:
    async with studio(pipelines / "flux-dev", tmp_path) as at:
        jobs, heard = Jobs(), list[tuple[str, float | None]]()
        jobs.on_change = lambda job: heard.append((job.state, job.fraction))
        settings = Config.model_validate({"image": {"side": 64, "folder": str(tmp_path / "Bilder")}}).image
        async with anyio.create_task_group() as group:
            await group.start(jobs.run)
            tools = make_pictures(settings, at.painter, jobs)
            assert await tools.make_image("A red fox, in the snow.", "landscape") == (
                "I'm making it. I'll tell you when it is done."
            )
            while not jobs.untold:
                await anyio.sleep(0.01)
            assert jobs.take_report() == "Your picture is ready: a red fox, in the snow."
            group.cancel_scope.cancel()
        assert heard == [
            *[("waiting", None), ("running", None), ("running", None), ("running", 0.5)],
            *[("running", 1.0), ("done", 1.0)],
        ]
        assert size((tmp_path / "Bilder" / "a-red-fox-in-the-snow.png").read_bytes()) == (80, 48)


async def test_weights_that_are_not_here_are_not_fetched(tmp_path: Path) -> None:
    async with studio("black-forest-labs/FLUX.1-dev", tmp_path) as at:
        with pytest.raises(EngineError) as caught:
            await at.paint()
        assert caught.value.code == "painter-weights-missing"
        assert caught.value.message == "The weights of FLUX.1-dev are not on this machine."
        assert caught.value.remedy.endswith("hf download black-forest-labs/FLUX.1-dev")
