"""Tools, figures and quirks of the Ollama engine: what comes out of it as deltas, and what goes back in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

import anyio
import pytest

from tests.deltas import everything, said
from tests.ollama_clients import HELLO, QWEN, client_of
from tests.ollama_server import Call, OllamaServer, Reply, ollama_server
from tests.ollama_traces import AS_JSON, PARIS, TIMER, TOKYO, TRACES
from voxspark.engines.ollama.chat import OllamaChat
from voxspark.errors import ChatError
from voxspark.types import Delta, Message, ReplyStats, ToolCall

pytestmark = pytest.mark.anyio


def schema(name: str, **properties: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {key: {"type": kind} for key, kind in properties.items()}}
    return {"type": "function", "function": {"name": name, "description": "Do it.", "parameters": parameters}}


TOOLS = [schema("set_timer", minutes="integer"), schema("get_weather", city="string")]


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[OllamaServer]:
    """On leaving, everything said to and by it is checked against the contract."""
    async with ollama_server() as running:
        yield running


@pytest.fixture
async def chat(server: OllamaServer) -> AsyncIterator[OllamaChat]:
    async with client_of(server) as client:
        yield OllamaChat(client, QWEN)


def called(*calls: Call) -> list[Delta]:
    return [ToolCall(call.name, call.arguments, call.id) for call in calls]


# ── calls ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("calls_in", ["one", "each", "done"])
@pytest.mark.parametrize("index_stuck", [False, True])
async def test_calls_come_out_of_any_frame_in_order(
    server: OllamaServer, chat: OllamaChat, calls_in: Any, index_stuck: bool
) -> None:
    server.script = [Reply(("One", " moment."), calls=(TIMER, PARIS), calls_in=calls_in, index_stuck=index_stuck)]
    *deltas, stats = await everything(chat.stream(HELLO, tools=TOOLS))
    assert deltas == ["One", " moment.", *called(TIMER, PARIS)]
    assert isinstance(stats, ReplyStats)
    assert server.chats[0]["tools"] == TOOLS


async def test_a_round_trip(server: OllamaServer, chat: OllamaChat) -> None:
    """Qwen3's template shows only the text of a message that has calls as well (agent.md 1.1)."""
    calls = (ToolCall("set_timer", {"minutes": 5}, "call_1"), ToolCall("get_weather", {"city": "Tōkyō"}))
    talk = [
        *HELLO,
        Message("assistant", "One moment.", tool_calls=calls),
        Message("tool", "The timer is set.", tool="set_timer", call_id="call_1"),
        Message("tool", "It rains.", tool="get_weather"),
    ]
    assert await said(chat.stream(talk, tools=TOOLS)) == ["Hello", " there."]
    assert server.chats[0]["messages"][1:] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"function": {"name": "set_timer", "arguments": {"minutes": 5}}},
                {"function": {"name": "get_weather", "arguments": {"city": "Tōkyō"}}},
            ],
        },
        {"role": "tool", "content": "The timer is set.", "tool_name": "set_timer", "tool_call_id": "call_1"},
        {"role": "tool", "content": "It rains.", "tool_name": "get_weather"},
    ]


async def test_warming_reads_the_tools_too(server: OllamaServer, chat: OllamaChat) -> None:
    await chat.warm(HELLO, tools=TOOLS)
    await said(chat.stream(HELLO, tools=TOOLS))
    assert [request["tools"] for request in server.chats] == [TOOLS, TOOLS]
    assert server.loads == 1


async def test_a_model_without_tools_refuses_them(server: OllamaServer) -> None:
    async with client_of(server) as client:
        chat = OllamaChat(client, type(QWEN)(model="llama3.2:3b", context_tokens=8192))
        with pytest.raises(ChatError, match="does not support tools"):
            await everything(chat.stream(HELLO, tools=TOOLS))


# ── figures ─────────────────────────────────────────────────────────────────────────────────────


async def test_the_figures_come_last(server: OllamaServer, chat: OllamaChat) -> None:
    server.script = [Reply(("One", " two", " three"), logprobs=(-0.25, -0.5, -1.5), done_reason="length")]
    *_, stats = await everything(chat.stream(HELLO))
    assert stats == ReplyStats(prompt_tokens=5, reply_tokens=3, mean_logprob=-0.75, cut=True)


async def test_an_answer_of_nothing_has_no_mean(server: OllamaServer, chat: OllamaChat) -> None:
    server.script = [Reply(())]
    assert await everything(chat.stream(HELLO)) == [ReplyStats(prompt_tokens=5)]


# ── quirks ──────────────────────────────────────────────────────────────────────────────────────

END = "end"
"""Stands for the figures."""

COMES_OUT: Mapping[str, list[Any]] = {
    "call-whole-in-a-chunk": [*called(TIMER), END],
    "text-before-a-call": ["I'll set", " a timer.", *called(TIMER), END],
    "call-in-last-frame": [*called(TIMER), END],
    "calls-counted": [*called(TIMER, PARIS, TOKYO), END],
    "calls-all-index-0": [*called(TIMER, PARIS, TOKYO), END],
    "calls-together": [*called(PARIS, TOKYO), END],
    "call-as-json-in-content": ['{"na', 'me": "set_timer", ', AS_JSON[22:], END],
    "call-in-thinking": [END],
    "think-in-content": ["Hello", " there.", END],
    "thinking-though-told-not-to": ["Hello", " there.", END],
    "thinking-uses-up-the-answer": ["chat-only-thought"],
    "unclosed-call-swallowed": ["chat-only-thought"],
    "empty-answer": [END],
    "error-in-mid-stream": ["Hello", "ollama-failed"],
    "error-before-anything": ["ollama-failed"],
    "malformed-call": ["One moment.", "chat-call-garbled"],
    "out-of-memory-in-mid-stream": ["Hello", "ollama-out-of-memory"],
    "no-user-query": ["chat-context-full"],
    "cut-line": ["Hello", "ollama-garbled"],
    "silent-end": ["Hello", "ollama-interrupted"],
    "connection-lost": ["Hello", "ollama-interrupted"],
    "slow-first-token": ["Hello", " there.", END],
    "stalls-in-mid-stream": ["Hello", " there.", END],
}
"""Deltas, then the end or the code of an error. A call that leaks as text stays text: the agent knows what to do."""


def test_every_quirk_is_played() -> None:
    assert COMES_OUT.keys() == TRACES.keys()


@pytest.mark.parametrize("name", TRACES)
async def test_what_comes_out_of_a_quirk(server: OllamaServer, chat: OllamaChat, name: str) -> None:
    out: list[Any] = []
    server.script = [played := TRACES[name].play()]

    async def listen() -> None:
        try:
            async with aclosing(chat.stream(HELLO, tools=TOOLS)) as deltas:
                async for delta in deltas:
                    is_end = isinstance(delta, ReplyStats)
                    out.append(END if is_end else delta)
        except ChatError as error:
            out.append(error.code if error.remedy else "no remedy")

    async with anyio.create_task_group() as group:
        group.start_soon(listen)
        if isinstance(played, Reply) and played.hold:
            await server.asked.wait()
            await anyio.wait_all_tasks_blocked()
            assert END not in out
            played.hold.set()
    assert out == COMES_OUT[name]


@pytest.mark.parametrize("name", ["slow-first-token", "stalls-in-mid-stream"])
async def test_a_quirk_that_holds_is_left_in_time(server: OllamaServer, name: str) -> None:
    server.script = [TRACES[name].play()]
    async with client_of(server, read_seconds=0.05) as client:
        with pytest.raises(ChatError) as caught:
            await everything(OllamaChat(client, QWEN).stream(HELLO, tools=TOOLS))
    assert caught.value.code == "chat-timeout"
