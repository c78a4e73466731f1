"""The API of the Ollama for tests: what it checks, answers, streams, downloads; its quirks; its death."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest

from tests.ollama_prompt import TOO_LONG, count_tokens
from tests.ollama_server import Call, OllamaServer, Pull, Refusal, Reply, Served, ollama_server
from tests.ollama_traces import TRACES

pytestmark = pytest.mark.anyio

SYSTEM = {"role": "system", "content": "You are VoxSpark."}
HI = [{"role": "user", "content": "Hi"}]
TOOL = {"type": "function", "function": {"name": "set_timer", "parameters": {"type": "object"}}}


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[OllamaServer]:
    async with ollama_server() as running:
        yield running


@pytest.fixture
async def client(server: OllamaServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.host, trust_env=False, timeout=20) as running:
        yield running


async def chat(client: httpx.AsyncClient, model: str = "qwen3:8b", **more: Any) -> httpx.Response:
    return await client.post("/api/chat", json={"model": model, "messages": HI, **more})


def lines(response: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in response.text.splitlines()]


def error(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


# ── answers ─────────────────────────────────────────────────────────────────────────────────────


async def test_one_connection_serves_many_requests_and_the_plain_endpoints(
    server: OllamaServer, client: httpx.AsyncClient
) -> None:
    assert (await client.get("/api/version")).json() == {"version": "0.33.0"}
    assert [row["name"] for row in (await client.get("/api/tags")).json()["models"]] == ["qwen3:8b", "llama3.2:3b"]
    assert (await client.get("/api/ps")).json() == {"models": []}
    shown = (await client.post("/api/show", json={"model": "qwen3:8b"})).json()
    assert shown["capabilities"] == ["completion", "tools", "thinking"]
    info = shown["model_info"]
    per_token = (
        4 * info["qwen3.block_count"] * info["qwen3.attention.head_count_kv"] * info["qwen3.attention.key_length"]
    )
    assert per_token == Served().kv_bytes_per_token
    assert server.paths() == ["/api/version", "/api/tags", "/api/ps", "/api/show"]
    assert [(e.method, e.status) for e in server.exchanges] == [*[("GET", 200)] * 3, ("POST", 200)]


async def test_a_stream_and_one_piece_say_the_same(server: OllamaServer, client: httpx.AsyncClient) -> None:
    reply = Reply(("Grüße", " 🙂"), thinking=("Hm",), calls=(Call("set_timer", {"minutes": 5}),))
    server.respond = lambda _: reply
    streamed = lines(await chat(client, tools=[TOOL]))
    assert [frame["done"] for frame in streamed] == [False] * 4 + [True]
    (whole,) = lines(await chat(client, tools=[TOOL], stream=False))
    message = whole["message"]
    assert message["content"] == "".join(frame["message"]["content"] for frame in streamed) == "Grüße 🙂"
    assert message["thinking"] == "Hm"
    assert message["tool_calls"] == streamed[3]["message"]["tool_calls"]
    assert message["tool_calls"][0]["function"]["arguments"] == {"minutes": 5}
    assert {**streamed[4], "message": None} == {**whole, "message": None}
    generated = lines(await client.post("/api/generate", json={"model": "qwen3:8b", "prompt": "Hi"}))
    assert "".join(frame["response"] for frame in generated) == "Grüße 🙂"


async def test_the_script_of_a_model_goes_before_the_common_one(
    server: OllamaServer, client: httpx.AsyncClient
) -> None:
    server.script = [Reply(("common",))]
    server.script_of["llama3.2:3b"] = [Reply(("own",))]
    said = [
        (await chat(client, model, stream=False)).json()["message"]["content"] for model in ("qwen3:8b", "llama3.2:3b")
    ]
    assert said == ["common", "own"]


@pytest.mark.parametrize(
    ("limit", "said", "reason"), [(1, "One", "length"), (2, "One two", "stop"), (-1, "One two", "stop")]
)
async def test_num_predict_ends_the_answer(
    server: OllamaServer, client: httpx.AsyncClient, limit: int, said: str, reason: str
) -> None:
    server.script = [Reply(("One", " two"))]
    answer = (await chat(client, stream=False, options={"num_predict": limit})).json()
    assert (answer["message"]["content"], answer["done_reason"]) == (said, reason)


@pytest.mark.parametrize(
    ("family", "think", "thinks"),
    [
        ("qwen3", {}, True),
        ("qwen3", {"think": False}, False),
        ("qwen3", {"think": "low"}, True),
        ("gptoss", {"think": False}, True),
    ],
)
async def test_thinking_is_on_unless_it_is_switched_off(
    server: OllamaServer, client: httpx.AsyncClient, family: str, think: dict[str, Any], thinks: bool
) -> None:
    server.models["m"] = Served(family=family)
    assert ("thinking" in (await chat(client, "m", stream=False, **think)).json()["message"]) is thinks


async def test_a_format_is_kept_to(client: httpx.AsyncClient) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["C", "F"]}},
        "required": ["city", "unit"],
    }
    answer = (await chat(client, stream=False, format=schema)).json()
    assert json.loads(answer["message"]["content"]) == {"city": "", "unit": "C"}
    assert (await chat(client, stream=False, format="json")).json()["message"]["content"] == "{}"


async def test_what_a_model_cannot_do_is_refused(server: OllamaServer, client: httpx.AsyncClient) -> None:
    server.models |= {"nomic": ("embedding",), "eyes": ("completion", "vision")}
    image = [{**HI[0], "images": ["aGVsbG8="]}]
    tools = "registry.ollama.ai/library/llama3.2:3b does not support tools"
    assert error(await chat(client, "llama3.2:3b", think=True)) == (400, '"llama3.2:3b" does not support thinking')
    assert error(await chat(client, "llama3.2:3b", tools=[TOOL])) == (400, tools)
    assert error(await chat(client, "nomic")) == (400, '"nomic" does not support chat')
    assert error(await chat(client, "nobody")) == (404, "model 'nobody' not found")
    assert error(await client.post("/api/show", json={"model": "nobody"})) == (404, "model 'nobody' not found")
    assert error(await chat(client, messages=image))[0] == 500
    assert error(await chat(client, "eyes", messages=[{**HI[0], "images": ["data:image/png"]}]))[0] == 400
    assert (await chat(client, "eyes", messages=image)).status_code == 200
    assert (await chat(client, "llama3.2:3b", think=False, tools=[])).status_code == 200
    assert server.loads == 3  # eyes, llama3.2, and the model that was to see


# ── prompts that are too long ───────────────────────────────────────────────────────────────────


def said(role: str, tokens: int) -> dict[str, Any]:
    return {"role": role, "content": "abcd" * (tokens - 4)}


async def test_the_oldest_messages_go_without_a_word(server: OllamaServer, client: httpx.AsyncClient) -> None:
    messages = [said("system", 20), said("user", 60), said("assistant", 30), said("user", 40)]
    answer = await chat(client, messages=messages, stream=False, options={"num_ctx": 100})
    assert answer.json()["prompt_eval_count"] == 90
    assert server.exchanges[0].prompt == [messages[0], messages[2], messages[3]]
    assert count_tokens(messages) == 150


async def test_what_is_still_too_long_is_cut_to_half_or_refused(client: httpx.AsyncClient) -> None:
    messages = [said("user", 300)]
    answer = await chat(client, messages=messages, stream=False, options={"num_ctx": 100})
    assert answer.json()["prompt_eval_count"] == 52
    assert error(await chat(client, messages=messages, shift=False, options={"num_ctx": 100})) == (400, TOO_LONG)


async def test_without_truncation_llama_server_refuses_in_json(client: httpx.AsyncClient) -> None:
    messages = [said("user", 60), said("assistant", 30), said("user", 40)]
    status, text = error(await chat(client, messages=messages, truncate=False, options={"num_ctx": 100}))
    inner = json.loads(text)["error"]
    assert (status, inner["type"], inner["n_prompt_tokens"], inner["n_ctx"]) == (
        400,
        "exceed_context_size_error",
        130,
        100,
    )


async def test_a_tool_loop_can_lose_its_question(client: httpx.AsyncClient) -> None:
    messages = [said("user", 60), said("assistant", 30), said("tool", 40)]
    answer = await chat(client, messages=messages, options={"num_ctx": 100})
    assert error(answer) == (500, "no user query found in messages")


# ── embeddings ──────────────────────────────────────────────────────────────────────────────────


async def test_embeddings_are_unit_vectors_that_belong_to_their_texts(
    server: OllamaServer, client: httpx.AsyncClient
) -> None:
    server.models["nomic"] = Served(("embedding",))

    async def embed(text: Any, **more: Any) -> Any:
        return (await client.post("/api/embed", json={"model": "nomic", "input": text, **more})).json()

    one, other = (await embed(["one", "other"]))["embeddings"]
    assert (await embed("one"))["embeddings"] == [one]
    assert one != other
    assert len(one) == 768
    (short,) = (await embed("one", dimensions=256))["embeddings"]
    assert len(short) == 256
    for vector in (one, other, short):
        assert math.isclose(sum(number * number for number in vector), 1)
    long = "abcd" * 300
    assert (await embed(long, options={"num_ctx": 100}))["prompt_eval_count"] == 100
    assert (await embed(long, truncate=False, options={"num_ctx": 100}))["error"] == (
        "the input length exceeds the context length"
    )
    server.script_of["nomic:latest"] = [Refusal(500, "unexpected EOF")]
    assert await embed("one") == {"error": "unexpected EOF"}


# ── downloads ───────────────────────────────────────────────────────────────────────────────────


async def test_a_download_is_told_in_steps_and_the_model_is_there(
    server: OllamaServer, client: httpx.AsyncClient
) -> None:
    server.pulls["new:1b"] = Pull((100, 3), served=Served(("completion",)))
    events = lines(await client.post("/api/pull", json={"model": "new:1b"}))
    statuses = [event["status"] for event in events]
    assert (statuses[0], statuses[-3:]) == (
        "pulling manifest",
        ["verifying sha256 digest", "writing manifest", "success"],
    )
    layers = [event for event in events if "total" in event]
    assert [(event.get("completed", 0), event["total"]) for event in layers] == [
        *((0, 100), (25, 100), (50, 100), (75, 100), (100, 100)),
        *((0, 3), (1, 3), (2, 3), (3, 3)),
    ]
    assert layers[0]["status"] == f"pulling {layers[0]['digest'].removeprefix('sha256:')[:12]}"
    assert (await chat(client, "new:1b")).status_code == 200
    again = lines(await client.post("/api/pull", json={"model": "new:1b"}))
    assert [event["completed"] for event in again if "total" in event] == [100, 3]


async def test_a_cut_download_goes_on_where_it_was(server: OllamaServer, client: httpx.AsyncClient) -> None:
    server.pulls["new:1b"] = Pull((100, 100), cut_after=160)
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post("/api/pull", json={"model": "new:1b"})
    assert server.exchanges[0].frames[-1]["completed"] == 50  # of the second layer
    assert "new:1b" not in server.models
    events = lines(await client.post("/api/pull", json={"model": "new:1b"}))
    assert [event["completed"] for event in events if "total" in event] == [100, 60, 85, 100]
    assert events[-1] == {"status": "success"}


async def test_a_download_that_nobody_reads_stops_and_is_kept(server: OllamaServer, client: httpx.AsyncClient) -> None:
    pull = server.pulls["new:1b"] = Pull((100,), hold=anyio.Event())
    async with client.stream("POST", "/api/pull", json={"model": "new:1b"}) as response:
        async for line in response.aiter_lines():
            if json.loads(line).get("completed"):
                break
    with anyio.fail_after(5):
        await server.left_early.wait()
    assert (pull.done_bytes, "new:1b" in server.models) == (25, False)


async def test_errors_of_a_download_come_under_200(server: OllamaServer, client: httpx.AsyncClient) -> None:
    server.pulls["full:1b"] = Pull(error="write /root/.ollama/models/blobs: no space left on device")
    for tag, text in (
        ("full:1b", server.pulls["full:1b"].error),
        ("no:1b", "pull model manifest: file does not exist"),
    ):
        answer = await client.post("/api/pull", json={"model": tag})
        assert (answer.status_code, lines(answer)) == (200, [{"status": "pulling manifest"}, {"error": text}])
        assert error(await client.post("/api/pull", json={"model": tag, "stream": False})) == (500, text)


# ── quirks ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", TRACES)
async def test_every_trace_ends_as_it_says(server: OllamaServer, client: httpx.AsyncClient, name: str) -> None:
    trace = TRACES[name]
    server.script = [trace.play()]
    frames: list[dict[str, Any]] = []
    broken = held = False
    try:
        with anyio.move_on_after(0.05 if trace.outcome == "held" else 10) as patience:
            async with client.stream("POST", "/api/chat", json={"model": "qwen3:8b", "messages": HI}) as response:
                frames += [json.loads(line) async for line in response.aiter_lines()]
        held = patience.cancelled_caught
    except (httpx.RemoteProtocolError, json.JSONDecodeError):
        broken = True
    last = frames[-1] if frames else {}
    outcome = "held" if held else "error" if "error" in last else "whole" if last.get("done") else "broken"
    assert outcome == trace.outcome, (broken, frames)
    sent = [call["function"] for frame in frames for call in frame.get("message", {}).get("tool_calls", ())]
    assert [call["name"] for call in sent] in ([], [call.name for call in trace.meant])
    if name.startswith("calls"):
        assert [call["index"] for call in sent] == ([0, 0, 0] if "index-0" in name else list(range(len(sent))))
    server.script = []
    assert (await chat(client)).status_code == 200


def test_every_trace_has_a_source() -> None:
    assert all(trace.source for trace in TRACES.values())
    assert len(TRACES) >= 20


async def test_an_error_before_any_word_is_a_status(server: OllamaServer, client: httpx.AsyncClient) -> None:
    server.script = [TRACES["error-before-anything"].play()]
    assert (await chat(client)).status_code == 500


# ── death ───────────────────────────────────────────────────────────────────────────────────────


async def test_it_dies_in_mid_reply_and_comes_back_empty(server: OllamaServer, client: httpx.AsyncClient) -> None:
    server.script = [Reply(hold=anyio.Event())]

    async def ask() -> None:
        async with client.stream("POST", "/api/chat", json={"model": "qwen3:8b", "messages": HI}) as response:
            async for _ in response.aiter_lines():
                await server.stop()

    with pytest.raises(httpx.RemoteProtocolError):
        await ask()
    with pytest.raises(httpx.ConnectError):
        await chat(client)
    await server.start()
    assert (await client.get("/api/ps")).json() == {"models": []}
    assert (await chat(client)).status_code == 200
    assert server.loads == 2


async def test_hanging_up_ends_the_generation_and_frees_the_slot(
    server: OllamaServer, client: httpx.AsyncClient
) -> None:
    server.script = [Reply(hold=anyio.Event())]
    async with client.stream("POST", "/api/chat", json={"model": "qwen3:8b", "messages": HI}) as response:
        async for _ in response.aiter_lines():
            break
    with anyio.fail_after(5):
        await server.left_early.wait()
        assert (await chat(client)).status_code == 200
    assert server.loaded["qwen3:8b"].users == 0


@pytest.mark.real
async def test_live_a_real_model_answers_is_cut_and_cancelled() -> None:
    async with (
        ollama_server(live=True) as server,
        httpx.AsyncClient(base_url=server.host, trust_env=False, timeout=60) as client,
    ):
        question = [SYSTEM, {"role": "user", "content": "What is the capital of France?"}]
        answer = await chat(client, messages=question, stream=False, think=False)
        assert "Paris" in answer.json()["message"]["content"]
        short = lines(await chat(client, messages=question, options={"num_predict": 3}))
        assert (len(short), short[-1]["done_reason"], short[-1]["eval_count"]) == (4, "length", 3)
        story = [{"role": "user", "content": "Tell me a very long story about a fox."}]
        async with client.stream("POST", "/api/chat", json={"model": "qwen3:8b", "messages": story}) as response:
            async for _ in response.aiter_lines():
                break
        with anyio.fail_after(10):
            await server.left_early.wait()
            assert lines(await chat(client, messages=question))[-1]["done"]
        assert list(server.loaded) == ["qwen3:8b"]
