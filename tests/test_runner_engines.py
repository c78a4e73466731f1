"""Engines that are loaded for real, in this process and in workers."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import anyio
import numpy as np
import pytest

from tests import hosted_engines
from tests.hosted_engines import FakeChat, FakeVoice
from tests.test_engine_specs import FakeEntryPoint
from tests.test_runners import PREFIX, PRIMING, failure, rung, stream, until
from tests.vram_teams import CATALOGUE, PROFILES
from voxspark.config import Config
from voxspark.engines import registry
from voxspark.engines.registry import EngineSpec
from voxspark.engines.worker import remote
from voxspark.engines.worker.host import MemoryUse
from voxspark.errors import ChatError, EngineError
from voxspark.protocols import Schema
from voxspark.roster import Roster
from voxspark.runners.local import LocalRunner
from voxspark.runners.process import ProcessRunner, total_bytes
from voxspark.types import Message
from voxspark.vram.catalogue import Catalogue
from voxspark.vram.catalogue import Runner as Place
from voxspark.vram.probes import Gpu, GpuProcess, ProcFiles, Unknown
from voxspark.vram.profiles import Post
from voxspark.vram.runner import CUDA_CONTEXT_BYTES, Look, Seen

pytestmark = pytest.mark.anyio


# ── in this process ─────────────────────────────────────────────────────────────────────────────


class ClosingChat(FakeChat):
    """Has something to give back."""

    closed = 0

    async def warm(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> None:
        """See `FakeChat`; `wait` is a long load."""
        await super().warm(messages)
        if self.settings.model == "wait":
            await anyio.sleep_forever()

    async def close(self) -> None:
        """Once."""
        await anyio.lowlevel.checkpoint()
        type(self).closed += 1


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The engines of `hosted_engines`, and one that is closed."""
    closing = EngineSpec(name="closing", kind="chat", target="tests.test_runner_engines:ClosingChat")
    specs = FakeEntryPoint((*hosted_engines.FakeEntryPoint().load(), closing))
    monkeypatch.setattr(registry, "entry_points", lambda group: [specs])
    monkeypatch.setattr(ClosingChat, "closed", 0)
    registry.registry.cache_clear()
    yield
    registry.registry.cache_clear()


def staffed(model: str = "echo", engine: str = "fake", place: Place = "engine") -> Roster:
    """A team of engines that are not in the catalogue."""
    posts, models = {}, {}
    for role, base in {"worker": "smollm2", "voice": "hibari", "ears": "whisper-tiny"}.items():
        posts[role] = Post(model=f"my-{role}", hold="pinned")
        mine = replace(CATALOGUE.models[base], key=f"my-{role}", engine="fake", runner=place)
        models[mine.key] = replace(mine, id=model, engine=engine) if role == "worker" else mine
    return Roster(replace(PROFILES["embedded"], roles=posts), Catalogue(models, {}))


def local(roster: Roster, **config: Any) -> LocalRunner:
    return LocalRunner(Config.model_validate(config), roster, PRIMING)


async def test_an_engine_is_made_with_the_settings_of_its_model_and_warm(engines: None) -> None:
    roster = staffed()
    runner = local(roster, chat={"temperature": 0.5}, voice={"speed": 1.5})
    loaded = await runner.load(rung("worker", roster))
    chat = cast(FakeChat, loaded.engine)
    assert (chat.settings.engine, chat.settings.model, chat.settings.context_tokens) == ("fake", "echo", 2048)
    assert (chat.settings.temperature, chat.read, loaded.bytes) == (0.5, PREFIX, None)
    voice = cast(FakeVoice, (await runner.load(rung("voice", roster))).engine)
    assert (voice.settings.engine, voice.settings.speed) == ("fake", 1.5)
    ears = (await runner.load(rung("ears", roster))).engine
    assert ears.settings.model == "bundled:tiny.en"
    assert await runner.look() is None
    await runner.unload("my-worker")
    await runner.unload("my-worker")


@pytest.mark.parametrize(("model", "code"), [("refuse", "chat-model-missing"), ("cold", "chat-load-failed")])
async def test_an_engine_that_cannot_is_not_kept(engines: None, model: str, code: str) -> None:
    roster = staffed(model, "closing")
    runner = local(roster)
    assert (await failure(runner, rung("worker", roster))).code == code
    assert ClosingChat.closed == (model == "cold")
    await runner.unload("my-worker")
    assert ClosingChat.closed == (model == "cold")


async def test_an_engine_that_is_cancelled_in_its_load_is_closed(engines: None) -> None:
    roster = staffed("wait", "closing")
    with anyio.move_on_after(0.01):
        await local(roster).load(rung("worker", roster))
    assert ClosingChat.closed == 1


async def test_unloading_closes_once(engines: None) -> None:
    roster = staffed(engine="closing")
    runner = local(roster)
    await runner.load(rung("worker", roster))
    await runner.unload("my-worker")
    await runner.unload("my-worker")
    assert ClosingChat.closed == 1


async def test_a_model_without_an_engine_says_so(engines: None) -> None:
    roster = staffed(engine="")
    error = await failure(local(roster), rung("worker", roster))
    assert (error.code, error.message) == ("model-no-engine", "VoxSpark cannot run SmolLM2 135M (bundled) yet.")


async def test_an_engine_that_breaks_says_so_to_its_caller(engines: None) -> None:
    roster = staffed("break")
    loaded = await local(roster).load(rung("worker", roster))
    with pytest.raises(ChatError):
        await stream(loaded.engine)


# ── in workers ──────────────────────────────────────────────────────────────────────────────────


@dataclass
class FakeGpus:
    """What the driver says of this process's children: bytes, or why it does not tell."""

    held: int | Unknown | None = None
    integrated: bool = True
    whole: Unknown | None = None

    def read(self) -> tuple[Gpu, ...] | Unknown:
        """See `GpuReader.read`; None lists nobody."""
        if self.whole is not None:
            return self.whole
        listed = [GpuProcess(1, 7_000_000)]
        if self.held is not None:
            listed += [GpuProcess(pid, self.held) for pid in children()]
        return (Gpu(0, "NVIDIA GB10", self.integrated, Unknown("None."), tuple(listed)),)


def children() -> list[int]:
    """Workers that this process has started and that live."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, (state, parent) = int(path.parent.name), path.read_text().rpartition(")")[2].split()[:2]
            command = path.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if int(parent) == os.getpid() and state != "Z" and b"voxspark.engines.worker.child" in command:
            found.append(pid)
    return found


@dataclass
class Hosting:
    """A runner at work, and what it told."""

    runner: ProcessRunner
    roster: Roster
    lost: list[tuple[str, str]]

    async def load(self, role: str = "worker") -> Any:
        return await self.runner.load(rung(role, self.roster))


@asynccontextmanager
async def hosting(model: str = "echo", *, gpus: FakeGpus | None = None, **config: Any) -> AsyncIterator[Hosting]:
    """Workers with the engines of `hosted_engines`, for at most 30 s."""
    roster, lost = staffed(model, place="worker"), list[tuple[str, str]]()
    runner = ProcessRunner(Config.model_validate(config), roster, PRIMING, gpus or FakeGpus())
    runner.on_lost(lambda model, reason: lost.append((model, reason)))
    with pytest.MonkeyPatch.context() as patch, anyio.fail_after(30):
        patch.setattr(remote, "TARGET", "tests.hosted_engines:host")
        async with anyio.create_task_group() as group:
            await group.start(runner.run)
            yield Hosting(runner, roster, lost)
            group.cancel_scope.cancel()
    assert children() == []


@pytest.mark.real
async def test_a_worker_is_loaded_used_and_killed() -> None:
    async with hosting() as hosts:
        loaded = await hosts.load()
        (pid,) = children()
        resident = ProcFiles().resident_bytes(pid)
        assert isinstance(resident, int)
        assert loaded.bytes == pytest.approx(resident, rel=0.2)
        assert await stream(loaded.engine) == "Hello?"
        assert await hosts.runner.look() == Look({"my-worker": Seen(0, 2048)})
        await hosts.runner.unload("my-worker")
        assert children() == []
        assert await hosts.runner.look() == Look()
        await hosts.runner.unload("my-worker")
        with pytest.raises(ChatError):
            await stream(loaded.engine)
        assert children() == []  # whoever still has the engine starts nothing
        await hosts.load()
        assert len(children()) == 1
    assert hosts.lost == []


@pytest.mark.real
async def test_ears_and_a_voice_have_workers_of_their_own() -> None:
    async with hosting() as hosts:
        ears, voice = await hosts.load("ears"), await hosts.load("voice")
        assert len(children()) == 2
        assert (await ears.engine.transcribe(np.zeros(1600, np.int16))).text == "1600 Stück"
        assert [piece async for piece in voice.engine.synthesize("Hello.")] == []


@pytest.mark.real
async def test_a_crash_is_told_once_and_the_next_load_works() -> None:
    async with hosting() as hosts:
        await hosts.load()
        (pid,) = children()
        os.kill(pid, signal.SIGKILL)
        await until(lambda: hosts.lost)
        assert hosts.lost == [("my-worker", "SmolLM2 135M (bundled) crashed.")]
        assert await hosts.runner.look() == Look()
        await hosts.load()
        assert len(hosts.lost) == 1


@pytest.mark.real
async def test_a_worker_that_ignores_a_cancel_is_told_too() -> None:
    async with hosting("stuck") as hosts:
        loaded = await hosts.load()
        with anyio.move_on_after(0.2):
            await stream(loaded.engine)
        await until(lambda: hosts.lost)
        assert hosts.lost == [("my-worker", "SmolLM2 135M (bundled) did not stop and was ended.")]
        assert await hosts.runner.look() == Look()


@pytest.mark.real
@pytest.mark.parametrize(("model", "code"), [("refuse", "chat-model-missing"), ("cold", "chat-load-failed")])
async def test_a_load_that_fails_leaves_no_process(model: str, code: str) -> None:
    async with hosting(model) as hosts:
        with pytest.raises(EngineError) as caught:
            await hosts.load()
        assert caught.value.code == code
        assert children() == []
        await anyio.wait_all_tasks_blocked()
        assert not [task for task in anyio.get_running_tasks() if "_host" in (task.name or "")]
        assert await hosts.runner.look() == Look()
        assert hosts.lost == []


@pytest.mark.real
async def test_a_load_that_is_cancelled_leaves_no_process() -> None:
    async with hosting() as hosts:
        async with anyio.create_task_group() as group:
            group.start_soon(hosts.load)
            await until(children)
            group.cancel_scope.cancel()
        assert children() == []
        assert not [task for task in anyio.get_running_tasks() if "_host" in (task.name or "")]
        await hosts.load()
        assert hosts.lost == []


async def test_a_model_without_an_engine_starts_nothing() -> None:
    async with hosting() as hosts:
        bare = replace(hosts.roster.catalogue.models["my-voice"], engine="")
        hosts.roster.catalogue.models["my-voice"] = bare  # type: ignore[index]
        with pytest.raises(EngineError, match="cannot run Hibari yet"):
            await hosts.load("voice")


@pytest.mark.real
@pytest.mark.parametrize(
    ("gpus", "on_gpu", "with_host"),
    [
        (FakeGpus(5_000_000_000), 5_000_000_000, True),
        (FakeGpus(5_000_000_000, integrated=False), 5_000_000_000, False),
        (FakeGpus(), 0, True),
        (FakeGpus(Unknown("The driver does not tell.")), 0, True),
        (FakeGpus(whole=Unknown("No driver.")), 0, True),
    ],
)
async def test_the_driver_tells_what_a_worker_holds(gpus: FakeGpus, on_gpu: int, with_host: bool) -> None:
    async with hosting(gpus=gpus) as hosts:
        size_bytes = (await hosts.load()).bytes
        assert size_bytes >= on_gpu
        assert (size_bytes > on_gpu) == with_host
        assert size_bytes < on_gpu + 500_000_000


@pytest.mark.parametrize("gpus", [FakeGpus(), FakeGpus(Unknown("No.")), FakeGpus(whole=Unknown("No."))])
def test_without_the_driver_torch_tells_and_its_context_is_added(gpus: FakeGpus) -> None:
    listed = gpus.read()
    cards = () if isinstance(listed, Unknown) else listed
    assert total_bytes(MemoryUse(100, 10, 20), cards, os.getpid()) == 120 + CUDA_CONTEXT_BYTES
    assert total_bytes(MemoryUse(100), cards, os.getpid()) == 100
    assert total_bytes(MemoryUse(), cards, None) == 0
