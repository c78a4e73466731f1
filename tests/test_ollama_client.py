"""The Ollama client against a faithful Ollama: what it tells, loads and reloads, chats, embeddings."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from ollama import AsyncClient, ChatResponse, ShowResponse
from pydantic import ValidationError

from tests.deltas import said
from tests.ollama_clients import HELLO, NOMIC, QWEN, client_of, parts
from tests.ollama_server import LOAD_OOM, Call, OllamaServer, Pull, Refusal, Reply, Served, ollama_server
from voxspark.engines.ollama.chat import OllamaChat, OllamaEmbedder
from voxspark.engines.ollama.client import (
    ModelOptions,
    OllamaClient,
    Pulled,
    Running,
    Shown,
    full_name,
)
from voxspark.engines.ollama.values import shown_of
from voxspark.errors import ChatError, EngineError
from voxspark.types import Message, ToolCall

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tell the weather.",
        "parameters": {
            "type": "object",
            "properties": {"days": {"anyOf": [{"type": "integer"}, {"type": "null"}], "minimum": 1, "default": 1}},
            "additionalProperties": False,
        },
    },
}


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[OllamaServer]:
    """On leaving, everything said to and by it is checked against the contract."""
    async with ollama_server() as running:
        running.models["nomic-embed-text"] = Served(("embedding",), family="nomic-bert", weights_bytes=274_302_450)
        running.models["gpt-oss:20b"] = Served(family="gptoss")
        running.models["qwen3-vl:8b"] = Served(("completion", "vision"), family="qwen3vl")
        yield running


@pytest.fixture
async def client(server: OllamaServer) -> AsyncIterator[OllamaClient]:
    async with client_of(server) as made:
        yield made


# ── what it tells ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_it_tells_what_is_there(server: OllamaServer, client: OllamaClient) -> None:
    assert await client.version() == "0.33.0"
    assert Pulled("nomic-embed-text:latest", 274_302_450) in await client.pulled()
    assert await client.running() == []
    await client.preload(QWEN)
    size = server.loaded["qwen3:8b"].size_bytes
    assert await client.running() == [Running("qwen3:8b", size, size, 8192)]
    assert await client.show("qwen3:8b") == Shown(
        capabilities=frozenset({"completion", "tools", "thinking"}),
        context_tokens=40_960,
        layers=36,
        kv_heads=8,
        head_dim=128,
        quantisation="Q4_K_M",
        family="qwen3",
    )


@pytest.mark.anyio
async def test_a_model_is_asked_about_once_until_it_is_pulled_again(server: OllamaServer, client: OllamaClient) -> None:
    for name in ("nomic-embed-text", "nomic-embed-text:latest", "nomic-embed-text"):
        await client.show(name)
    assert server.paths() == ["/api/show"]
    server.pulls["nomic-embed-text"] = Pull(served=Served(("completion",)))
    async with aclosing(client.pull("nomic-embed-text")) as reports:
        assert [report async for report in reports]
    assert (await client.show("nomic-embed-text:latest")).capabilities == {"completion"}


def test_what_a_model_does_not_tell_is_nothing() -> None:
    assert shown_of() == Shown()
    assert shown_of(model_info=None, details=None, capabilities=None) == Shown()


def test_the_geometry_of_other_families() -> None:
    info = {
        "general.architecture": "gemma3n",
        "gemma3n.embedding_length": 2048,
        "gemma3n.attention.head_count": 8,
        "gemma3n.attention.head_count_kv": [2, 4, 2],
        "gemma3n.block_count": None,
    }
    shown = shown_of(model_info=info)
    assert (shown.kv_heads, shown.head_dim, shown.layers) == (4, 256, 0)
    del info["gemma3n.attention.head_count_kv"]
    assert shown_of(model_info=info).kv_heads == 8


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("nomic-embed-text", "nomic-embed-text:latest"),
        ("qwen3:8b", "qwen3:8b"),
        ("localhost:5000/team/qwen", "localhost:5000/team/qwen:latest"),
        ("hf.co/unsloth/Qwen3-8B-GGUF:Q4_K_M", "hf.co/unsloth/Qwen3-8B-GGUF:Q4_K_M"),
    ],
)
def test_a_name_without_a_tag_is_its_latest(model: str, name: str) -> None:
    assert full_name(model) == name


# ── loading ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
@pytest.mark.parametrize("cpu", [False, True])
async def test_whoever_uses_a_model_nothing_reloads(server: OllamaServer, client: OllamaClient, cpu: bool) -> None:
    options = ModelOptions(model="qwen3:8b", context_tokens=8192, cpu=cpu, sampling={"temperature": 0.7})
    chat = OllamaChat(client, options)
    await client.preload(options)
    await chat.warm(HELLO)
    assert await said(chat.stream(HELLO)) == ["Hello", " there."]
    await parts(client, options, tools=[WEATHER], format="json", num_predict=1)
    assert server.loads == 1
    assert server.loaded["qwen3:8b"].size_vram_bytes == (0 if cpu else server.loaded["qwen3:8b"].size_bytes)
    for request in server.chats:
        assert request["options"]["num_ctx"] == 8192
        assert request["options"].get("num_gpu") == (0 if cpu else None)
        assert (request["shift"], request["truncate"], request["keep_alive"]) == (False, False, -1)


@pytest.mark.anyio
async def test_a_model_that_only_embeds_is_loaded_and_not_reloaded(server: OllamaServer, client: OllamaClient) -> None:
    await client.preload(NOMIC)
    assert (await client.running())[0].context_tokens == 2048
    await OllamaEmbedder(client, NOMIC).embed(["Hello"])
    assert server.loads == 1
    assert [request["keep_alive"] for request in server.requests("/api/embed")] == ["-1s", "-1s"]


@pytest.mark.parametrize(
    ("said", "chat", "embedding"), [("-1", -1, "-1s"), ("0", 0, "0s"), ("600", 600, "600s"), ("5m", "5m", "5m")]
)
def test_keep_alive_is_a_number_for_chats_and_a_duration_for_embeddings(said: str, chat: Any, embedding: str) -> None:
    options = ModelOptions(model="m", context_tokens=1, keep_alive=said)
    assert (options.keep_alive_value(), options.keep_alive_duration()) == (chat, embedding)


@pytest.mark.parametrize("option", ["num_ctx", "num_batch", "num_gpu", "shift"])
def test_what_reloads_a_model_is_no_sampling(option: str) -> None:
    with pytest.raises(ValueError, match=option):
        ModelOptions(model="m", context_tokens=1, sampling={option: 1})


@pytest.mark.anyio
async def test_a_load_that_runs_out_of_memory(server: OllamaServer, client: OllamaClient) -> None:
    server.memory.load_errors["qwen3:8b"] = [LOAD_OOM]
    with pytest.raises(EngineError) as caught:
        await client.preload(QWEN)
    assert caught.value.code == "ollama-out-of-memory"
    assert "cudaMalloc failed" in caught.value.remedy
    await client.preload(QWEN)


@pytest.mark.anyio
async def test_a_load_may_take_longer_than_an_answer(server: OllamaServer) -> None:
    release = anyio.Event()
    server.models["qwen3:8b"] = Served(load_hold=release)
    async with client_of(server, read_seconds=0.05) as client:
        with pytest.raises(ChatError) as caught:
            await parts(client)
        assert caught.value.code == "chat-timeout"
        async with anyio.create_task_group() as group:
            group.start_soon(client.preload, QWEN)
            await anyio.sleep(0.1)
            release.set()
    assert "qwen3:8b" in server.loaded


@pytest.mark.anyio
@pytest.mark.parametrize("options", [QWEN, NOMIC], ids=["chat", "embedding"])
async def test_unloading_waits_until_it_is_gone(
    server: OllamaServer, client: OllamaClient, options: ModelOptions
) -> None:
    await client.preload(options)
    await client.unload(options.model)
    assert server.loaded == {}
    await client.unload(options.model)
    assert server.loads == 1


@pytest.mark.anyio
async def test_unloading_waits_for_who_is_using_it(server: OllamaServer, client: OllamaClient) -> None:
    server.script = [Reply(hold=(release := anyio.Event()))]
    async with aclosing(client.chat(QWEN, HELLO)) as answer, anyio.create_task_group() as group:
        await anext(answer)
        group.start_soon(client.unload, "qwen3:8b")
        while server.paths()[-1] != "/api/ps":
            await anyio.lowlevel.checkpoint()
        release.set()
        assert [part.text async for part in answer] == [" there.", ""]
    assert server.loaded == {}


@pytest.mark.anyio
@pytest.mark.parametrize("model", ["qwen3:8b", "untagged"])
async def test_a_model_that_stays(server: OllamaServer, model: str) -> None:
    server.models["untagged"] = Served()
    server.script = [Reply(hold=anyio.Event())]
    options = ModelOptions(model=model, context_tokens=8192)
    async with client_of(server, unload_seconds=0.03) as client, aclosing(client.chat(options, HELLO)) as answer:
        await anext(answer)
        with pytest.raises(EngineError) as caught:
            await client.unload(model)
        assert caught.value.code == "model-stays"
        assert server.host in caught.value.remedy


# ── chats ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("model", "think", "sent"),
    [
        ("qwen3:8b", None, False),
        ("qwen3:8b", True, True),
        ("gpt-oss:20b", None, "low"),
        ("gpt-oss:20b", False, "low"),
        ("gpt-oss:20b", True, "medium"),
        ("gpt-oss:20b", "high", "high"),
        ("llama3.2:3b", None, None),
        ("llama3.2:3b", True, None),
    ],
)
async def test_thinking_is_said_to_those_that_can(
    server: OllamaServer, client: OllamaClient, model: str, think: bool | str | None, sent: bool | str | None
) -> None:
    await parts(client, ModelOptions(model=model, context_tokens=8192), think=think)
    assert server.chats[0].get("think") == sent


@pytest.mark.anyio
@pytest.mark.parametrize("calls_in", ["one", "each", "done"])
@pytest.mark.parametrize("index_stuck", [False, True])
async def test_tool_calls_come_in_any_piece(
    server: OllamaServer, client: OllamaClient, calls_in: Any, index_stuck: bool
) -> None:
    calls = (Call("weather", {"days": 1}, id="call_1"), Call("weather", {}, id="call_2"))
    server.script = [Reply(("Let me see.",), calls=calls, calls_in=calls_in, index_stuck=index_stuck)]
    answer = await parts(client, tools=[WEATHER])
    assert server.chats[0]["tools"] == [WEATHER]
    assert [call for part in answer for call in part.tool_calls] == [
        ToolCall("weather", {"days": 1}, "call_1"),
        ToolCall("weather", {}, "call_2"),
    ]


@pytest.mark.anyio
async def test_the_last_piece_counts(server: OllamaServer, client: OllamaClient) -> None:
    server.script = [Reply(("Fine.",), thinking=("Hm.",))]
    thought, said, last = await parts(client)
    assert (thought.thinking, said.text) == ("Hm.", "Fine.")
    assert (last.done, last.done_reason, last.reply_tokens) == (True, "stop", 2)
    assert last.prompt_tokens > 0
    assert last.load_seconds == pytest.approx(0.101397084)


@pytest.mark.anyio
async def test_a_prompt_that_does_not_fit_is_an_error_not_forgotten(client: OllamaClient) -> None:
    with pytest.raises(ChatError) as caught:
        await parts(client, messages=[Message("user", "word " * 40_000)])
    assert caught.value.code == "chat-context-full"


@pytest.mark.anyio
async def test_a_schema_is_kept_to(client: OllamaClient) -> None:
    schema = {"type": "object", "properties": {"city": {"enum": ["Paris"]}}, "required": ["city"]}
    answer = await parts(client, format=schema)
    assert json.loads("".join(part.text for part in answer)) == {"city": "Paris"}


@pytest.mark.anyio
async def test_images_are_sent_to_who_can_see(server: OllamaServer, client: OllamaClient) -> None:
    message = Message("user", "What is this?", images=(b"\x89PNG",))
    await parts(client, ModelOptions(model="qwen3-vl:8b", context_tokens=8192), [message])
    (sent,) = server.chats[0]["messages"]
    assert base64.b64decode(sent["images"][0]) == b"\x89PNG"


@pytest.mark.anyio
async def test_why_the_typed_requests_are_gone_around(server: OllamaServer) -> None:
    """When one of these fails, `ollama` can do it, and `OllamaClient._raw` may do less."""
    async with AsyncClient(server.host, trust_env=False) as typed:
        with pytest.raises(TypeError):
            await typed.chat("qwen3:8b", truncate=False)
        with pytest.raises(TypeError):
            await typed.chat("qwen3:8b", shift=False)
        await typed.chat("qwen3:8b", [{"role": "user", "content": "Hi"}], tools=[WEATHER])
    assert server.chats[0]["tools"][0]["function"]["parameters"]["properties"] == {"days": {}}
    call = {"id": "call_1", "function": {"name": "weather", "arguments": {}}}
    answer = ChatResponse.model_validate({"message": {"role": "assistant", "tool_calls": [call]}})
    assert "call_1" not in answer.model_dump_json()
    with pytest.raises(ValidationError):
        ShowResponse.model_validate({"capabilities": ["completion"]})
    assert not hasattr(typed, "version")


# ── embeddings ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_embeddings(server: OllamaServer, client: OllamaClient) -> None:
    embedder = OllamaEmbedder(client, NOMIC)
    vectors = await embedder.embed(["Grüße 🙂", "", "\ud83d"])
    assert [len(vector) for vector in vectors] == [768, 768, 768]
    assert [request["input"] for request in server.requests("/api/embed")] == [["Grüße 🙂", "", "?"]]
    assert await embedder.embed([]) == []
    assert len(server.exchanges) == 1


@pytest.mark.anyio
async def test_a_text_that_is_too_long_to_embed(client: OllamaClient) -> None:
    with pytest.raises(EngineError) as caught:
        await client.embed(NOMIC, ["word " * 40_000])
    assert caught.value.code == "chat-context-full"


@pytest.mark.anyio
async def test_a_refused_embedding(server: OllamaServer, client: OllamaClient) -> None:
    server.script_of["nomic-embed-text:latest"] = [Refusal(500, "llama runner process has terminated")]
    with pytest.raises(EngineError) as caught:
        await client.embed(NOMIC, ["Hello"])
    assert caught.value.code == "ollama-failed"
