"""`voxspark plan` and `voxspark models` with a daemon, and with Ollama where none runs."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio.to_thread
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

from tests.control_fake import FakeDaemon, serving
from tests.daemon_process import private_env
from tests.memory_sample import everyday
from voxspark.cli import cli
from voxspark.engines.ollama import client as ollama
from voxspark.engines.ollama.pull import PullProgress
from voxspark.engines.ollama.values import Pulled
from voxspark.errors import ControlError
from voxspark.vram.catalogue import builtin
from voxspark.vram.listing import rows

NOT_RUNNING = "voxspark: VoxSpark is not running. Start it with: voxspark run\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No configuration and no daemon but the test's."""
    for name, value in private_env(tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


async def run_beside(*words: str) -> Result:
    """While a daemon is served by this loop."""
    return await anyio.to_thread.run_sync(partial(run, *words))


@asynccontextmanager
async def fake() -> AsyncIterator[FakeDaemon]:
    daemon = FakeDaemon()
    daemon.memory = everyday()
    daemon.models = rows(builtin(), ["gpt-oss:120b", "qwen3:8b"], {"gpt-oss-120b": "resident"})
    async with serving(Path(os.environ["XDG_RUNTIME_DIR"]) / "voxspark" / "voxspark.sock", daemon):
        yield daemon


# ── with a daemon ───────────────────────────────────────────────────────────────────────────────

pytestmark = pytest.mark.anyio


async def test_plan_shows_what_the_daemon_holds(tmp_path: Path) -> None:
    picture = tmp_path / "now.svg"
    async with fake() as daemon:
        shown = await run_beside("plan", "--svg", str(picture))
        told = await run_beside("plan", "--json")
        daemon.memory = None
        without = await run_beside("plan")
    assert shown.stdout.startswith("everyday: 101.1 of 113.5 GB, 5 models\n")
    assert "In memory now: everyday" in picture.read_text()
    assert json.loads(told.stdout) == everyday()
    assert without.stdout.startswith("The daemon that runs has no memory plan.\n")


async def test_plan_about_another_machine_leaves_the_daemon_alone() -> None:
    async with fake() as daemon:
        shown = await run_beside("plan", "--memory", "24")
        assert "workstation-24gb" in shown.stdout
        assert daemon.calls == []


async def test_what_if_begins_with_what_the_daemon_holds() -> None:
    async with fake():
        here = json.loads((await run_beside("plan", "--what-if", "full-power", "--json")).stdout)
        there = json.loads((await run_beside("plan", "--what-if", "full-power", "--memory", "121.69", "--json")).stdout)
    assert here["before"] == "everyday"
    assert "csm-1b" in {move["model"] for move in here["stays"]}
    assert "qwen3:32b" in here["missing"]
    assert (there["before"], there["stays"], there["leaves"]) == (None, [], [])
    assert there["missing"] == here["missing"]


async def test_models_list_marks_what_is_pulled_and_in_memory() -> None:
    async with fake():
        shown = (await run_beside("models", "list")).stdout.splitlines()
        told = [json.loads(line) for line in (await run_beside("models", "list", "--json")).stdout.splitlines()]
    lines = {line[1:].split()[0]: line for line in shown if line[1:].split()}
    assert lines["gpt-oss-120b"].startswith("*")
    assert "yes     resident" in lines["gpt-oss-120b"]
    assert " no " in lines["qwen3-32b"]
    assert not lines["qwen3-32b"].startswith("*")
    assert told == rows(builtin(), ["gpt-oss:120b", "qwen3:8b"], {"gpt-oss-120b": "resident"})


async def test_models_why_says_why_it_is_in_memory() -> None:
    async with fake():
        shown = await run_beside("models", "why", "bob")
    assert "In memory for manager, reasoner: resident" in shown.stdout


async def test_load_and_unload_go_to_the_daemon() -> None:
    async with fake() as daemon:
        loaded = await run_beside("models", "load", "worker")
        unloaded = await run_beside("models", "unload", "qwen3-8b", "--json")
        daemon.error = ControlError("model-stays", "Qwen3 8B is in use.", "Try again soon.")
        refused = await run_beside("models", "unload", "qwen3-8b")
    assert loaded.stdout == "Qwen3 8B is in memory: 7.7 GB, after 6.5 s.\n"
    assert json.loads(unloaded.stdout) == {"model": "qwen3-8b", "freed_bytes": 7_700_000_000}
    assert daemon.calls[:2] == [("load", "worker"), ("unload", "qwen3-8b")]
    assert (refused.exit_code, refused.stderr) == (1, "voxspark: Qwen3 8B is in use. Try again soon.\n")


async def test_pull_resolves_names_and_goes_through_the_daemon() -> None:
    async with fake() as daemon:
        done = await run_beside("models", "pull", "qwen3-8b", "DeepSeek-Coder-V3", "qwen3:8b")
        named = daemon.calls[:]
        daemon.calls.clear()
        await run_beside("models", "pull", "--profile", "everyday")
    assert named == [("pull", "qwen3:8b"), ("pull", "deepseek-coder-v2:16b")]
    assert done.stdout.startswith("There is no DeepSeek-Coder-V3;")
    assert "qwen3:8b: pulling manifest\nqwen3:8b: pulling 5ee4f07cdb9b\nqwen3:8b: success\n" in done.stdout
    assert daemon.calls[0] == "list"
    assert [call[1] for call in daemon.calls[1:]] == ["nomic-embed-text-v2-moe", "qwen3-coder:30b", "qwen3-vl:8b"]


# ── without one ─────────────────────────────────────────────────────────────────────────────────


class FakeOllama:
    """Has one model and pulls all others."""

    asked: tuple[str, ...] = ()

    def __init__(self, host: str) -> None:
        self.host = host

    async def pulled(self) -> list[Pulled]:
        return [Pulled("qwen3:8b", 5_200_000_000)]

    async def pull(self, model: str) -> AsyncGenerator[PullProgress, None]:
        FakeOllama.asked += (model,)
        yield PullProgress("pulling manifest", 0, 0)
        yield PullProgress("success", 10, 10)

    async def aclose(self) -> None: ...


def test_without_a_daemon_ollama_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ollama, "OllamaClient", FakeOllama)
    monkeypatch.setattr(FakeOllama, "asked", ())
    told = [json.loads(line) for line in run("models", "list", "--json").stdout.splitlines()]
    assert {row["id"] for row in told if row["pulled"]} == {"qwen3:8b"}
    assert run("models", "pull", "bob").stdout == "gpt-oss:120b: pulling manifest\ngpt-oss:120b: success\n"
    run("models", "pull", "--profile", "workstation-24gb")
    assert "qwen3:8b" not in FakeOllama.asked
    assert "qwen3-vl:8b" in FakeOllama.asked
    assert run("models", "pull", "--profile", "embedded").stdout == "Everything of embedded is pulled.\n"


@pytest.mark.parametrize("order", ["load", "unload"])
def test_load_and_unload_need_the_daemon(order: str) -> None:
    done = run("models", order, "qwen3:8b")
    assert (done.exit_code, done.stdout, done.stderr) == (3, "", NOT_RUNNING)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("csm",), 5, "Sesame CSM is not run by Ollama. Get it with: hf download sesame/csm-1b"),
        (("smollm2",), 5, "pip install 'voxspark[embedded]'"),
        (("qwen3:88b",), 5, "Did you mean"),
        ((), 2, "Name models, or a profile"),
        (("qwen3:8b", "--profile", "swarm"), 2, "Name models, or a profile"),
        (("qwen3:8b",), 5, "Ollama"),
    ],
)
def test_what_cannot_be_pulled_is_told_before_anything_is(words: tuple[str, ...], code: int, says: str) -> None:
    done = run("models", "pull", *words)
    assert done.exit_code == code
    assert says in done.stderr


def test_models_say_what_they_take_and_where_that_comes_from() -> None:
    told = [json.loads(line) for line in run("models", "list", "--json").stdout.splitlines()]
    assert len(told) > 30
    assert all(model["licence"] and model["bytes_at_8k"] > 0 for model in told if model["runner"] != "engine")
    assert all(model["pulled"] is None and model["state"] is None for model in told)
    assert "Ollama does not answer" in run("models", "list").stdout
    shown = run("models", "why", "DeepSeek-Coder-V3").stdout
    assert "There is no DeepSeek-Coder-V3" in shown
    assert "weights" in shown
    assert "qwen3" in run("models", "why", "qwen3-8").output


def test_models_of_a_profile_have_its_sizes() -> None:
    shown = run("models", "list", "--profile", "swarm").stdout
    assert "16.2" in next(line for line in shown.splitlines() if " qwen3-8b " in line)
    assert "flux1-dev" not in shown


def test_names_are_completed() -> None:
    complete = ShellComplete(cli, {}, "voxspark", "_VOXSPARK_COMPLETE").get_completions
    assert [item.value for item in complete(["plan"], "every")] == ["everyday"]
    assert [item.value for item in complete(["plan", "--what-if"], "swa")] == ["swarm"]
    assert "gpt-oss-120b" in [item.value for item in complete(["models", "pull"], "gpt")]
