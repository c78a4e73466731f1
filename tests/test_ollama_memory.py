"""The memory of the Ollama for tests: loads, reloads, evictions, pins, failures (server/sched.go)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest

from tests.ollama_memory import is_out_of_memory, keep_alive_seconds
from tests.ollama_server import LOAD_OOM, RUN_OOM, OllamaServer, Refusal, Reply, Served, ollama_server
from tests.ollama_values import ApiError

pytestmark = pytest.mark.anyio

BIG = Served(weights_bytes=60, kv_bytes_per_token=0)
SMALL = Served(weights_bytes=20, kv_bytes_per_token=0)
HI = [{"role": "user", "content": "Hi"}]


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[OllamaServer]:
    """100 bytes of memory, one big model and three small ones."""
    async with ollama_server() as running:
        running.models = {"big": BIG, "a": SMALL, "b": SMALL, "c": SMALL}
        running.memory_bytes = 100
        yield running


@pytest.fixture
async def client(server: OllamaServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.host, trust_env=False, timeout=20) as running:
        yield running


async def load(client: httpx.AsyncClient, model: str, keep_alive: Any = 600, **options: Any) -> httpx.Response:
    body = {"model": model, "messages": [], "keep_alive": keep_alive, "options": options}
    return await client.post("/api/chat", json=body)


async def chat(client: httpx.AsyncClient, model: str, **more: Any) -> httpx.Response:
    return await client.post("/api/chat", json={"model": model, "messages": HI, "keep_alive": 600, **more})


async def running(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    rows = (await client.get("/api/ps")).json()["models"]
    return {row["name"].removesuffix(":latest"): row for row in rows}


async def test_empty_messages_load_and_unload(server: OllamaServer, client: httpx.AsyncClient) -> None:
    answer = (await load(client, "a")).json()
    assert (answer["done_reason"], answer["done"], answer["message"]["content"]) == ("load", True, "")
    assert list(await running(client)) == ["a"]
    assert (await load(client, "a", 0)).json()["done_reason"] == "unload"
    assert await running(client) == {}
    assert (await load(client, "b", 0)).json()["done_reason"] == "unload"  # was not there
    assert server.loads == 1


async def test_an_empty_prompt_loads_too_and_no_text_to_embed_loads_what_cannot_chat(
    server: OllamaServer, client: httpx.AsyncClient
) -> None:
    server.models["nomic"] = Served(("embedding",), weights_bytes=5, kv_bytes_per_token=0, family="nomic-bert")
    assert (await client.post("/api/generate", json={"model": "a"})).json()["done_reason"] == "load"
    refused = await client.post("/api/generate", json={"model": "nomic"})
    assert (refused.status_code, refused.json()) == (400, {"error": '"nomic" does not support generate'})
    assert (await client.post("/api/embed", json={"model": "nomic", "input": ""})).json()["embeddings"] == []
    assert sorted(await running(client)) == ["a", "nomic"]
    body = {"model": "nomic", "keep_alive": 0}
    assert (await client.post("/api/generate", json=body)).json()["done_reason"] == "unload"
    assert list(await running(client)) == ["a"]


async def test_it_takes_weights_and_cache(server: OllamaServer, client: httpx.AsyncClient) -> None:
    server.models["m"] = Served(weights_bytes=1000, kv_bytes_per_token=2, context_length=9000)
    server.memory_bytes = None
    server.memory.parallel = 2
    await load(client, "m", num_ctx=8000)
    row = (await running(client))["m"]
    assert (row["size"], row["size_vram"], row["context_length"]) == (33_000, 33_000, 8000)
    await load(client, "m", num_ctx=50_000)
    assert (await running(client))["m"]["context_length"] == 9000  # no more than it was trained on


async def test_the_first_model_is_loaded_whatever_it_takes(server: OllamaServer, client: httpx.AsyncClient) -> None:
    server.memory_bytes = 45
    await load(client, "big")
    row = (await running(client))["big"]
    assert (row["size"], row["size_vram"]) == (60, 45)


async def test_it_can_be_kept_off_the_gpu(server: OllamaServer, client: httpx.AsyncClient) -> None:
    await load(client, "big")
    await load(client, "a", num_gpu=0)
    await load(client, "b", num_gpu=0)
    rows = await running(client)
    assert len(rows) == 3
    assert (rows["b"]["size"], rows["b"]["size_vram"]) == (20, 0)


async def test_the_shortest_to_stay_makes_room_then_the_first_by_name(
    server: OllamaServer, client: httpx.AsyncClient
) -> None:
    await load(client, "b", 900)
    await load(client, "c", 100)
    await load(client, "a", 900)
    await load(client, "big")  # 40 are free; without c 60; without a 80, of which 64 may be taken
    assert sorted(await running(client)) == ["b", "big"]
    assert [each.model for each in server.memory.loadings] == ["b:latest", "c:latest", "a:latest", "big:latest"]


async def test_a_pinned_model_goes_last_but_it_goes(server: OllamaServer, client: httpx.AsyncClient) -> None:
    server.memory_bytes = 105
    await load(client, "a", -1)
    await load(client, "b", 600)
    assert (await running(client))["a"]["expires_at"].startswith("23")
    await load(client, "big")  # 65 are free, 52 of them may be taken; without b 85 and 68
    assert sorted(await running(client)) == ["a", "big"]
    server.memory_bytes = 100
    await load(client, "big", 0)
    await load(client, "b", 600)
    server.models["huge"] = Served(weights_bytes=75, kv_bytes_per_token=0)
    await load(client, "huge")
    assert sorted(await running(client)) == ["huge"]


async def test_no_more_than_80_percent_of_what_is_free(server: OllamaServer, client: httpx.AsyncClient) -> None:
    server.memory_bytes = 84
    await load(client, "big")
    await load(client, "a")
    assert sorted(await running(client)) == ["a"]  # 20 of 24 would have fitted


async def test_a_busy_model_is_waited_for(server: OllamaServer, client: httpx.AsyncClient) -> None:
    speaking = Reply(hold=anyio.Event())
    server.script = [speaking]
    answers: list[str] = []

    async def ask(model: str) -> None:
        await chat(client, model)
        answers.append(model)

    assert speaking.hold is not None
    async with anyio.create_task_group() as group:
        group.start_soon(ask, "big")
        while "big" not in await running(client):
            await anyio.lowlevel.checkpoint()
        server.models["other"] = BIG
        group.start_soon(ask, "other")
        await anyio.wait_all_tasks_blocked()
        assert sorted(await running(client)) == ["big"]
        speaking.hold.set()
    assert answers == ["big", "other"]
    assert sorted(await running(client)) == ["other"]


async def test_unloading_a_busy_model_waits_for_its_last_word(server: OllamaServer, client: httpx.AsyncClient) -> None:
    speaking = Reply(hold=anyio.Event())
    server.script = [speaking]
    assert speaking.hold is not None
    async with client.stream("POST", "/api/chat", json={"model": "a", "messages": HI, "think": False}) as response:
        lines = response.aiter_lines()
        await anext(lines)
        assert (await load(client, "a", 0)).json()["done_reason"] == "unload"
        assert "a" in await running(client)
        speaking.hold.set()
        assert len([line async for line in lines]) == 2
    while await running(client):
        await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize(
    ("first", "then", "cause"),
    [
        ({"options": {"num_ctx": 512}}, {"options": {"num_ctx": 1024}}, "num_ctx"),
        ({"options": {"num_ctx": 512}}, {}, "num_ctx"),
        ({}, {"options": {"num_batch": 64}}, "num_batch"),
        ({}, {"options": {"num_gpu": 5}}, "num_gpu"),
        ({}, {"options": {"main_gpu": 1}}, "main_gpu"),
        ({}, {"options": {"use_mmap": False}}, "use_mmap"),
        ({}, {"options": {"num_thread": 3}}, "num_thread"),
        ({}, {"shift": False}, "shift"),
    ],
    ids=lambda value: str(value),
)
async def test_a_changed_runner_option_loads_again_and_says_which(
    server: OllamaServer, client: httpx.AsyncClient, first: dict[str, Any], then: dict[str, Any], cause: str
) -> None:
    for more in (first, then, then):
        assert (await chat(client, "a", **more)).status_code == 200
    assert server.loads == 2
    assert server.reloads("a") == {cause: 1}


async def test_sampling_and_what_is_equal_do_not_load_again(server: OllamaServer, client: httpx.AsyncClient) -> None:
    for options in (
        {"temperature": 0.1, "num_ctx": 4096},
        {"num_predict": 5, "seed": 3, "num_ctx": 4096},
        {"num_ctx": 4096, "num_gpu": -1, "num_batch": 512},
    ):
        await chat(client, "a", options=options)
    await chat(client, "a", shift=True, think=False)
    assert server.loads == 1
    assert server.reloads("a") == {}


async def test_a_request_that_does_not_say_keeps_the_pin(server: OllamaServer, client: httpx.AsyncClient) -> None:
    await load(client, "a", -1)
    await client.post("/api/chat", json={"model": "a", "messages": HI})
    assert (await running(client))["a"]["expires_at"].startswith("23")
    await load(client, "a", "5m")
    assert not (await running(client))["a"]["expires_at"].startswith("23")


async def test_an_idle_model_leaves_after_its_time(server: OllamaServer, client: httpx.AsyncClient) -> None:
    await load(client, "a", 0.01)
    await anyio.sleep(0.02)
    assert await running(client) == {}


@pytest.mark.parametrize("text", ["-1", "5", "soon", ""])
async def test_a_keep_alive_without_unit_is_refused(client: httpx.AsyncClient, text: str) -> None:
    answer = await load(client, "a", text)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("time: ")


async def test_durations() -> None:
    given: list[Any] = [None, 0, 2.5, -1, "10m", "1h30m", "-1m", "1.5s", "300ms"]
    for_ever = float("inf")
    assert [keep_alive_seconds(each) for each in given] == [None, 0, 2.5, for_ever, 600, 5400, for_ever, 1.5, 0.3]
    with pytest.raises(ApiError, match='missing unit in duration "-1"'):
        keep_alive_seconds("-1")


# ── out of memory ───────────────────────────────────────────────────────────────────────────────


async def test_a_load_can_fail(server: OllamaServer, client: httpx.AsyncClient) -> None:
    server.memory.load_errors["big:latest"] = [LOAD_OOM]
    failed = await load(client, "big")
    assert (failed.status_code, failed.json()) == (500, {"error": LOAD_OOM})
    assert await running(client) == {}
    assert (await load(client, "big")).status_code == 200


async def test_a_load_beside_others_is_tried_once_more_without_them(
    server: OllamaServer, client: httpx.AsyncClient
) -> None:
    await load(client, "a", -1)
    server.memory.load_errors["b:latest"] = [LOAD_OOM]
    assert (await load(client, "b")).status_code == 200
    assert sorted(await running(client)) == ["b"]
    server.memory.load_errors["c:latest"] = [LOAD_OOM, LOAD_OOM]
    assert (await load(client, "c")).status_code == 500
    assert await running(client) == {}


@pytest.mark.parametrize("reply", [Reply(("Hel",), ending="error", error=RUN_OOM), Refusal(500, RUN_OOM)], ids=str)
async def test_running_out_of_memory_drops_everything(
    server: OllamaServer, client: httpx.AsyncClient, reply: Reply | Refusal
) -> None:
    await load(client, "a", -1)
    await load(client, "b", -1)
    server.script_of["b:latest"] = [reply]
    await chat(client, "b")
    assert await running(client) == {}
    assert is_out_of_memory(RUN_OOM)
    assert is_out_of_memory(LOAD_OOM)
    assert not is_out_of_memory("model not found")


# ── others, and the queue ───────────────────────────────────────────────────────────────────────


async def test_models_of_other_programs_count_and_can_be_evicted(
    server: OllamaServer, client: httpx.AsyncClient
) -> None:
    server.put_foreign("theirs:7b", 50, context_tokens=2048)
    await load(client, "a")
    rows = await running(client)
    assert (rows["theirs:7b"]["size"], rows["theirs:7b"]["context_length"]) == (50, 2048)
    await load(client, "b")  # 30 are free, 24 of them may be taken
    await load(client, "c")
    assert "theirs:7b" not in await running(client)
    server.put_foreign("theirs:7b", 10)
    server.remove("theirs:7b")
    assert "theirs:7b" not in await running(client)
    assert server.loads == 3


async def test_loads_queue_and_a_full_queue_refuses(server: OllamaServer, client: httpx.AsyncClient) -> None:
    hold = anyio.Event()
    server.models["slow"] = Served(weights_bytes=10, kv_bytes_per_token=0, load_hold=hold)
    server.memory.max_queue = 1
    await load(client, "a")
    async with anyio.create_task_group() as group:
        group.start_soon(load, client, "slow")
        while not server.memory.loading:
            await anyio.lowlevel.checkpoint()
        group.start_soon(load, client, "b")
        while not server.memory.waiting:
            await anyio.lowlevel.checkpoint()
        refused = await load(client, "c")
        assert (await chat(client, "a")).status_code == 200  # what is in memory goes past the queue
        hold.set()
    busy = "server busy, please try again.  maximum pending requests exceeded"
    assert (refused.status_code, refused.json()) == (503, {"error": busy})
    assert sorted(await running(client)) == ["a", "b", "slow"]


async def test_a_load_nobody_waits_for_is_given_up(server: OllamaServer, client: httpx.AsyncClient) -> None:
    server.models["slow"] = Served(weights_bytes=10, kv_bytes_per_token=0, load_hold=anyio.Event())
    async with anyio.create_task_group() as group:
        group.start_soon(load, client, "slow")
        while not server.memory.loading:
            await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    with anyio.fail_after(5):
        await server.left_early.wait()
    await load(client, "a")
    assert sorted(await running(client)) == ["a"]


@pytest.mark.parametrize("parallel", [1, 2])
async def test_as_many_answers_at_once_as_slots(server: OllamaServer, client: httpx.AsyncClient, parallel: int) -> None:
    server.memory.parallel = parallel
    replies = [Reply((str(number),), hold=anyio.Event()) for number in range(3)]
    server.script = [*replies]
    answers: list[str] = []

    async def ask() -> None:
        answers.append((await chat(client, "a", stream=False)).json()["message"]["content"])

    async with anyio.create_task_group() as group:
        for _ in replies:
            group.start_soon(ask)
        while len(server.script) > 3 - parallel or len(server.chats) < 3:
            await anyio.lowlevel.checkpoint()
        await anyio.wait_all_tasks_blocked()
        assert len(server.script) == 3 - parallel
        for reply in replies:
            assert reply.hold is not None
            reply.hold.set()
    assert sorted(answers) == ["0", "1", "2"]
    assert server.loads == 1
