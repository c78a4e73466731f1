"""Models loaded for real: in the Ollama for tests, and in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from tests.deltas import said
from tests.ollama_clients import answering, client_of
from tests.ollama_server import LOAD_OOM, RUN_OOM, OllamaServer, Refusal, Reply, Served, ollama_server
from tests.vram_teams import CATALOGUE, PROFILES
from voxspark.config import Config
from voxspark.errors import EngineError
from voxspark.roster import Roster
from voxspark.runners.local import LocalRunner
from voxspark.runners.ollama import OllamaRunner
from voxspark.runners.priming import Priming
from voxspark.types import Message
from voxspark.vram.runner import CUDA_CONTEXT_BYTES, Look, Seen
from voxspark.vram.state import Foreign
from voxspark.vram.team import Rung, Team

pytestmark = pytest.mark.anyio

PREFIX = [Message("system", "You are brief.")]
PRIMING = Priming(PREFIX)
ROSTER = Roster(PROFILES["everyday"], CATALOGUE)
QWEN, EYES, NOMIC = "qwen3:8b", "qwen3-vl:8b", "nomic-embed-text-v2-moe"


def rung(role: str = "worker", roster: Roster = ROSTER, **changes: Any) -> Rung:
    (best,) = (each for each in Team(roster.profile, roster.catalogue).best() if each.role == role)
    return replace(best, **changes)


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[OllamaServer]:
    """With the models that the team has in Ollama, but for the manager."""
    async with ollama_server() as running:
        running.models = {
            QWEN: Served(),
            EYES: Served(("completion", "tools", "vision"), family="qwen3vl"),
            NOMIC: Served(("embedding",), weights_bytes=958_000_000, kv_bytes_per_token=0, family="nomic-bert-moe"),
        }
        yield running


@pytest.fixture
async def runner(server: OllamaServer) -> AsyncIterator[OllamaRunner]:
    """On a machine with a GPU."""
    async with client_of(server) as client:
        yield OllamaRunner(client, Config(), ROSTER, PRIMING, gpu=True)


async def failure(runner: OllamaRunner | LocalRunner, wanted: Rung) -> EngineError:
    with pytest.raises(EngineError) as caught:
        await runner.load(wanted)
    return caught.value


async def stream(engine: Any) -> str:
    return "".join(await said(engine.stream([Message("user", "Hello?")])))


def size(server: OllamaServer, tag: str) -> int:
    return server.loaded[tag].size_bytes


# ── Ollama: in ──────────────────────────────────────────────────────────────────────────────────


async def test_a_load_is_one_load_with_everything_said(server: OllamaServer, runner: OllamaRunner) -> None:
    loaded = await runner.load(rung())
    assert server.loads == 1
    for request in server.chats:
        assert request["options"]["num_ctx"] == 8192
        assert (request["keep_alive"], request["think"]) == (-1, False)
    assert [len(request["messages"]) for request in server.chats] == [0, 1]  # loaded, then the prompt is read
    assert loaded.bytes == size(server, QWEN) + CUDA_CONTEXT_BYTES
    assert await stream(loaded.engine) == "Hello there."
    assert server.loads == 1
    assert server.reloads(QWEN) == {}


async def test_the_users_chat_settings_are_the_workers_and_reload_nothing(server: OllamaServer) -> None:
    config = Config.model_validate({"chat": {"temperature": 0.25, "max_tokens": 77, "keep_alive": "10m"}})
    async with client_of(server) as client:
        runner = OllamaRunner(client, config, ROSTER, PRIMING, gpu=True)
        await stream((await runner.load(rung())).engine)
        await stream((await runner.load(rung("eyes"))).engine)
    of = {tag: [each for each in server.chats if each["model"] == tag][-1] for tag in (QWEN, EYES)}
    assert (of[QWEN]["options"]["temperature"], of[QWEN]["options"]["num_predict"]) == (0.25, 77)
    assert (of[QWEN]["keep_alive"], of[EYES]["keep_alive"]) == ("10m", -1)
    assert of[EYES]["options"]["temperature"] == 0.7  # its own, of the catalogue
    assert server.loads == 2


async def test_an_embedder(server: OllamaServer, runner: OllamaRunner) -> None:
    loaded = await runner.load(rung("embedder"))
    assert loaded.bytes == 958_000_000 + CUDA_CONTEXT_BYTES
    assert [len(vector) for vector in await loaded.engine.embed(["one", "zwei"])] == [768, 768]
    assert server.loads == 1
    assert server.chats == []


async def test_what_fell_to_the_processor_is_refused_and_gone(server: OllamaServer, runner: OllamaRunner) -> None:
    server.memory_bytes = 3_000_000_000
    error = await failure(runner, rung())
    assert error.code == "model-on-cpu"
    assert "53% of Qwen3 8B" in error.message
    assert server.loaded == {}


@pytest.mark.parametrize(("gpu", "device"), [(False, "gpu"), (True, "cpu"), (False, "cpu")])
async def test_the_processor_is_right_where_it_is_meant(server: OllamaServer, gpu: bool, device: str) -> None:
    if device == "gpu":
        server.memory_bytes = 0
    async with client_of(server) as client:
        runner = OllamaRunner(client, Config(), ROSTER, PRIMING, gpu=gpu)
        loaded = await runner.load(rung(device=device))
        assert loaded.bytes == size(server, QWEN)
        look = await runner.look()
    assert look == Look({"qwen3-8b": Seen(size(server, QWEN), 8192)})
    assert {request["options"].get("num_gpu") for request in server.chats} == {0 if device == "cpu" else None}
    assert server.reloads(QWEN) == {}


async def test_less_context_than_asked_is_refused_and_gone(server: OllamaServer, runner: OllamaRunner) -> None:
    server.models[QWEN] = Served(context_length=4096)
    error = await failure(runner, rung())
    assert error.code == "model-context-differs"
    assert "4,096 tokens of context instead of 8,192" in error.message
    assert server.loaded == {}


async def test_more_context_than_asked_is_taken(server: OllamaServer, runner: OllamaRunner) -> None:
    await runner.load(rung("eyes", context_tokens=1024))
    assert await runner.look() == Look({"qwen3-vl-8b": Seen(size(server, EYES) + CUDA_CONTEXT_BYTES, 2048)})


async def test_a_model_that_is_not_there_says_how_to_get_it(server: OllamaServer, runner: OllamaRunner) -> None:
    error = await failure(runner, rung("manager"))
    assert (error.code, error.remedy) == ("chat-model-missing", "Run: ollama pull gpt-oss:120b")
    assert server.paths() == ["/api/show"]


async def test_a_model_that_cannot_what_it_should_is_not_loaded(server: OllamaServer, runner: OllamaRunner) -> None:
    server.models[EYES] = Served(("completion",))
    error = await failure(runner, rung("eyes"))
    assert error.code == "model-cannot"
    assert error.message == "The installed Qwen3-VL 8B cannot do tools and vision."
    assert server.loads == 0


async def test_a_model_that_leaves_at_once_is_refused(server: OllamaServer) -> None:
    async with client_of(server) as client:
        config = Config.model_validate({"chat": {"keep_alive": "0"}})
        error = await failure(OllamaRunner(client, config, ROSTER, PRIMING, gpu=True), rung())
    assert error.code == "model-gone"


async def test_no_memory_for_the_load(server: OllamaServer, runner: OllamaRunner) -> None:
    server.memory.load_errors[QWEN] = [LOAD_OOM]
    assert (await failure(runner, rung())).code == "ollama-out-of-memory"
    assert server.loaded == {}
    await runner.load(rung())


async def test_no_memory_for_the_prompt(server: OllamaServer, runner: OllamaRunner) -> None:
    server.script = [Refusal(500, RUN_OOM)]
    assert (await failure(runner, rung())).code == "ollama-out-of-memory"
    assert server.loaded == {}


async def test_a_load_that_is_cancelled_leaves_nothing(server: OllamaServer, runner: OllamaRunner) -> None:
    hold = anyio.Event()
    server.models[QWEN] = Served(load_hold=hold)
    async with anyio.create_task_group() as group:
        group.start_soon(runner.load, rung())
        await until(lambda: server.memory.loading == QWEN)
        group.cancel_scope.cancel()
    assert (server.loaded, server.memory.loading) == ({}, "")
    hold.set()
    await runner.load(rung())  # the lock is free
    assert list(server.loaded) == [QWEN]


async def test_a_prompt_that_is_cancelled_leaves_nothing(server: OllamaServer, runner: OllamaRunner) -> None:
    server.script = [Reply(silent=True, hold=anyio.Event())]
    async with anyio.create_task_group() as group:
        group.start_soon(runner.load, rung())
        await until(lambda: len(server.chats) == 2)
        group.cancel_scope.cancel()
    assert server.loaded == {}


async def test_one_load_at_a_time(server: OllamaServer, runner: OllamaRunner) -> None:
    hold = anyio.Event()
    server.models[QWEN] = Served(load_hold=hold)
    async with anyio.create_task_group() as group:
        group.start_soon(runner.load, rung())
        await until(lambda: server.memory.loading == QWEN)
        group.start_soon(runner.load, rung("embedder"))
        await anyio.wait_all_tasks_blocked()
        assert await runner.look() == Look()  # is answered meanwhile
        assert server.requests("/api/embed") == []
        hold.set()
    assert set(server.loaded) == {QWEN, f"{NOMIC}:latest"}


async def until(true: Any) -> None:
    with anyio.fail_after(20):
        while not true():
            await anyio.sleep(0.001)


# ── Ollama: out ─────────────────────────────────────────────────────────────────────────────────


async def test_ours_goes_by_key_and_anybodys_by_tag(server: OllamaServer, runner: OllamaRunner) -> None:
    server.put_foreign("llama3.2", 2_000_000_000)
    await runner.load(rung())
    await runner.unload("qwen3-8b")
    assert list(server.loaded) == ["llama3.2:latest"]
    await runner.unload("llama3.2:latest")
    assert server.loaded == {}
    await runner.unload("qwen3-8b")  # is not there: nothing to do


async def test_a_server_that_is_away_holds_nothing(server: OllamaServer, runner: OllamaRunner) -> None:
    await runner.load(rung())
    await server.stop()
    await runner.unload("qwen3-8b")
    assert await runner.look() == Look(away=True)
    assert (await failure(runner, rung())).code == "ollama-unreachable"
    await server.start()
    assert await runner.look() == Look()
    await runner.load(rung())


async def test_an_unload_that_fails_is_told() -> None:
    async with answering(b"{}") as host, client_of(host) as client:
        with pytest.raises(EngineError):
            await OllamaRunner(client, Config(), ROSTER, PRIMING, gpu=True).unload("qwen3-8b")


# ── Ollama: what is there ───────────────────────────────────────────────────────────────────────


async def test_look_tells_the_teams_models_from_others(server: OllamaServer, runner: OllamaRunner) -> None:
    server.put_foreign("llama3.2", 2_000_000_000)
    server.put_foreign("gpt-oss:120b", 65_000_000_000, context_tokens=8192)  # of an earlier life
    server.put_foreign("gpt-oss:20b", 14_000_000_000)  # an alternative of the manager's
    assert await runner.look() == Look(
        {
            "gpt-oss-120b": Seen(65_500_000_000, 8192),
            "gpt-oss-20b": Seen(14_500_000_000, 4096),
        },
        (Foreign("llama3.2:latest", 2_500_000_000),),
    )


async def test_what_was_loaded_by_hand_is_ours_until_it_is_unloaded(server: OllamaServer, runner: OllamaRunner) -> None:
    server.models["qwen3:14b"] = Served()
    by_hand = rung(model="qwen3-14b", name="Qwen3 14B")
    await runner.load(by_hand)
    look = await runner.look()
    assert look is not None
    assert list(look.present) == ["qwen3-14b"]
    await runner.unload("qwen3-14b")
    server.put_foreign("qwen3:14b", 9_000_000_000)
    assert await runner.look() == Look(foreign=(Foreign("qwen3:14b", 9_500_000_000),))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"models": 3}'])
async def test_an_answer_without_sense_tells_nothing(body: bytes) -> None:
    async with answering(body) as host, client_of(host) as client:
        assert await OllamaRunner(client, Config(), ROSTER, PRIMING, gpu=True).look() is None


async def test_a_server_that_does_not_answer_tells_nothing() -> None:
    async def hang(stream: SocketStream) -> None:
        async with stream:
            await anyio.sleep_forever()

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, hang)
        async with client_of(f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}") as client:
            runner = OllamaRunner(client, Config(), ROSTER, PRIMING, gpu=True, look_seconds=0.05)
            assert await runner.look() is None
        group.cancel_scope.cancel()


# ── Ollama: the end ─────────────────────────────────────────────────────────────────────────────


async def test_on_leaving_ours_will_go_by_themselves(server: OllamaServer, runner: OllamaRunner) -> None:
    server.put_foreign("llama3.2", 2_000_000_000, keep_alive_seconds=1000.0)
    await runner.load(rung())
    await runner.load(rung("embedder"))
    await runner.leave()
    assert {tag: each.keep_alive for tag, each in server.loaded.items()} == {
        "llama3.2:latest": 1000.0,
        QWEN: 300.0,
        f"{NOMIC}:latest": 300.0,
    }
    assert server.loads == 2
    assert server.chats[-1]["messages"] == []


async def test_what_was_unloaded_or_never_came_is_nobody_elses_business(
    server: OllamaServer, runner: OllamaRunner
) -> None:
    await runner.load(rung())
    await runner.unload("qwen3-8b")
    server.script = [Refusal(500, RUN_OOM)]
    await failure(runner, rung("eyes"))
    for tag in (QWEN, EYES):
        server.put_foreign(tag, 5_000_000_000, context_tokens=2048, keep_alive_seconds=1000.0)
    await runner.leave()
    assert {each.keep_alive for each in server.loaded.values()} == {1000.0}
    assert server.reloads(QWEN) == server.reloads(EYES) == {}


async def test_leaving_a_server_that_is_away_is_no_error(server: OllamaServer, runner: OllamaRunner) -> None:
    await runner.load(rung())
    await server.stop()
    await runner.leave()
