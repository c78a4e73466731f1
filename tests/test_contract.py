"""The contract is checked for real: a field renamed anywhere is found."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import contract
from tests.contract import ALWAYS, BEYOND, DOCUMENT, differences, document, violations
from tests.ollama_server import Exchange, Pull, Reply, Served, ollama_server
from tests.ollama_traces import PARIS

SHARED = Path(__file__).parents[2] / "shared" / "contracts" / DOCUMENT.name
"""Where the project keeps the document for all of its repositories."""

MESSAGES = [
    {"role": "system", "content": "You are VoxSpark."},
    {"role": "user", "content": "What is this?", "images": ["aGVsbG8="]},
    {
        "role": "assistant",
        "content": "",
        "thinking": "A look.",
        "tool_calls": [{"id": "call_a", "function": {"index": 0, "name": "look", "arguments": {}}}],
    },
    {"role": "tool", "content": "Sunny.", "tool_name": "look", "tool_call_id": "call_a"},
]
TOOL = {"type": "function", "function": {"name": "look", "description": "Look.", "parameters": {"type": "object"}}}
OPTIONS = {"num_ctx": 4096, "num_predict": 50, "num_batch": 512, "temperature": 0.7, "top_p": 0.8, "seed": 1}
COMMON = {"model": "everything", "options": OPTIONS, "keep_alive": -1, "truncate": False}
CHAT = {**COMMON, "shift": False, "messages": MESSAGES, "tools": [TOOL], "think": True}
GENERATE = {**COMMON, "shift": False, "prompt": "Hi", "system": "Be short.", "think": True}


async def talk(client: httpx.AsyncClient) -> None:
    """Every endpoint, with every field that VoxSpark and the server for tests use."""
    await client.post("/api/pull", json={"model": "everything", "stream": True})
    await client.post("/api/pull", json={"model": "everything", "stream": False})
    for stream in (True, False):
        await client.post("/api/chat", json={**CHAT, "stream": stream})
        await client.post("/api/generate", json={**GENERATE, "stream": stream})
    await client.post("/api/chat", json={"model": "nobody", "messages": []})
    await client.post("/api/embed", json={**COMMON, "input": ["Hi"], "dimensions": 8})
    await client.post("/api/show", json={"model": "everything"})
    for path in ("/api/tags", "/api/ps", "/api/version"):
        await client.get(path)


@pytest.fixture
async def exchanges(anyio_backend: str) -> AsyncIterator[list[Exchange]]:
    """What a talk leaves behind."""
    async with ollama_server() as server, httpx.AsyncClient(base_url=server.host, trust_env=False) as client:
        able = ("completion", "tools", "thinking", "vision", "embedding")
        server.pulls["everything"] = Pull((100,), served=Served(able))
        server.respond = lambda _: Reply(thinking=("Hm.",), calls=(PARIS,))
        await talk(client)
        yield server.exchanges


def objects(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every field, at any depth, whose name the contract speaks about."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield (*path, name)
            if name not in ("arguments", "parameters", "model_info"):
                yield from objects(item, (*path, name))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from objects(item, (*path, index))


def renamed(value: Any, path: tuple[Any, ...]) -> Any:
    """A copy with one field under another name."""
    doctored = copy.deepcopy(value)
    holder = doctored
    for step in path[:-1]:
        holder = holder[step]
    holder[f"{path[-1]}x"] = holder.pop(path[-1])
    return doctored


@pytest.mark.anyio
async def test_a_field_renamed_in_a_request_is_found(exchanges: list[Exchange]) -> None:
    tried = 0
    for exchange in exchanges:
        assert differences(exchange) == []
        for path in objects(exchange.request):
            tried += 1
            doctored = dataclasses.replace(exchange, request=renamed(exchange.request, path))
            assert differences(doctored), (exchange.path, path)
    assert tried > 100


@pytest.mark.anyio
async def test_a_field_renamed_in_an_answer_is_found(exchanges: list[Exchange]) -> None:
    tried = 0
    for exchange in exchanges:
        for path in objects(exchange.frames):
            if not isinstance(path[-1], int):
                tried += 1
                doctored = dataclasses.replace(exchange, frames=renamed(exchange.frames, path))
                assert differences(doctored), (exchange.path, path)
    assert tried > 100


def properties(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every property that the document names."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            yield from ((*path, "properties", name) for name in node["properties"])
        for name, item in node.items():
            yield from properties(item, (*path, name))


UNUSED = {
    *("suffix", "raw", "format", "logprobs", "top_logprobs", "min_p", "top_k", "stop", "images", "insecure"),
    *("verbose", "remote_model", "remote_host", "description", "done_reason"),
}
"""Properties that the talk does not use everywhere they are named."""


@pytest.mark.anyio
async def test_a_field_renamed_in_the_document_is_found(exchanges: list[Exchange]) -> None:
    schemas = document()["components"]["schemas"]
    used = sorted(_schemas_of(exchanges))
    overruled = {(name, field) for name, fields in BEYOND.items() for field in fields}
    missed, tried = [], 0
    for name in used:
        for path in properties(schemas[name]):
            field = path[-1]
            if field in UNUSED or (name, field) in overruled:
                continue
            tried += 1
            doctored = {**document(), "components": {"schemas": {**schemas, name: renamed(schemas[name], path)}}}
            if not any(differences(exchange, doctored) for exchange in exchanges):
                missed.append((name, field))
    assert missed == []
    assert tried > 70


def _schemas_of(exchanges: list[Exchange]) -> set[str]:
    """Every schema that the paths of these exchanges lead to."""
    schemas = document()["components"]["schemas"]
    found: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "$ref" in node and (name := node["$ref"].rsplit("/", 1)[1]) in schemas and name not in found:
                found.add(name)
                walk(schemas[name])
            for item in node.values():
                walk(item)
        if isinstance(node, list):
            for item in node:
                walk(item)

    for exchange in exchanges:
        walk(document()["paths"][exchange.path])
    return found - {"Logprob", "TokenLogprob"}


@pytest.mark.anyio
async def test_a_path_or_method_that_ollama_has_not_is_found(exchanges: list[Exchange]) -> None:
    exchange = exchanges[0]
    for other in ({"path": "/api/chats"}, {"method": "GET"}):
        assert "is unknown" in differences(dataclasses.replace(exchange, **other))[0]  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_the_server_itself_fails_a_test_that_breaks_the_contract() -> None:
    with pytest.raises(AssertionError, match=r"ChatRequest\.num_ctx is unknown"):
        async with ollama_server() as server, httpx.AsyncClient(base_url=server.host, trust_env=False) as client:
            await client.post("/api/chat", json={"model": "qwen3:8b", "messages": [], "num_ctx": 4096})


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        ("ChatRequest", {"model": "m"}, "ChatRequest.messages is missing"),
        ("ChatRequest", {"model": 1, "messages": []}, "1 is no string"),
        ("ChatRequest", {"model": "m", "messages": [{"role": "bot", "content": ""}]}, "'bot' is not in"),
        ("ChatRequest", {"model": "m", "messages": [], "think": 1}, "none of the 2 choices"),
        ("ChatRequest", {"model": "m", "messages": [], "num_ctx": 1}, "ChatRequest.num_ctx is unknown"),
        ("ChatRequest", {"model": "m", "messages": [], "options": {"num_ctx": True}}, "True is no integer"),
        ("ChatRequest", {"model": "m", "messages": [], "options": {"nun_ctx": 1}}, "options.nun_ctx is unknown"),
        ("ChatRequest", {"model": "m", "messages": [], "truncate": "no"}, "'no' is no boolean"),
        ("ChatResponse", {"created_at": "now"}, "'now' is no time"),
        ("ChatResponse", {"created_at": "now"}, "ChatResponse.done is missing"),
        ("ChatResponse", [], "[] is no object"),
        ("PsResponse", {"models": [{"name": "m"}]}, "models[0].size_vram is missing"),
    ],
)
def test_a_wrong_value_is_found(schema: str, value: Any, problem: str) -> None:
    assert any(problem in found for found in violations(schema, value)), violations(schema, value)


def test_what_ollama_documents_is_allowed() -> None:
    body = {"model": "qwen3", "messages": [{"role": "user", "content": "Hi"}], "options": {"repeat_penalty": 1.1}}
    assert violations("ChatRequest", body) == []


def test_our_copy_is_the_shared_document() -> None:
    assert DOCUMENT.read_bytes() == (SHARED if SHARED.exists() else DOCUMENT).read_bytes()


def test_every_field_beyond_the_document_has_a_source_and_a_need() -> None:
    schemas = document()["components"]["schemas"]
    for name, fields in BEYOND.items():
        schema = schemas[name.split(".")[0]]
        for step in name.split(".")[1:]:
            schema = schema["properties"][step]
        for field, (more, source) in fields.items():
            assert source, (name, field)
            said = schema["properties"].get(field)
            assert said is None or said != more, f"{name}.{field} is in the document by now"
    assert set(ALWAYS) <= set(schemas)
    assert contract.document() is document()
