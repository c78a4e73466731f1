"""The engine for OpenAI-compatible servers, against a faithful one."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import SocketAttribute

from tests.deltas import everything, said
from tests.ollama_clients import answering
from tests.ollama_traces import PARIS, TIMER, TOKYO
from tests.openai_server import Answer, OpenAiServer, Refusal, as_told, openai_server
from voxspark.config import ChatSettings, Config
from voxspark.engines.chat.openai import OpenAiChat
from voxspark.errors import ChatError
from voxspark.protocols import Schema
from voxspark.roster import named_roster
from voxspark.runners.local import LocalRunner
from voxspark.runners.priming import Priming
from voxspark.types import Message, ReplyStats, ToolCall
from voxspark.vram.team import Team

SYSTEM = Message("system", "You are VoxSpark.")
QUESTION = [SYSTEM, Message("user", "How are you?")]
TOOLS: list[Schema] = [
    {"type": "function", "function": {"name": "set_timer", "parameters": {"type": "object", "properties": {}}}}
]
KEY = "sk-very-secret"


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[OpenAiServer]:
    async with openai_server() as running:
        yield running


@asynccontextmanager
async def engine(host: str, read_seconds: float = 60.0, **settings: Any) -> AsyncIterator[OpenAiChat]:
    """The engine on that server, closed at the end."""
    chat = OpenAiChat(
        ChatSettings(engine="openai", host=host, **{"model": "qwen3-8b", **settings}), read_seconds=read_seconds
    )
    try:
        yield chat
    finally:
        await chat.close()


async def failure(chat: OpenAiChat, messages: list[Message] = QUESTION) -> ChatError:
    """The error that an answer ends with."""
    with pytest.raises(ChatError) as caught:
        await everything(chat.stream(messages))
    assert caught.value.message.endswith(".")
    assert caught.value.remedy
    return caught.value


# ── answers ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_it_streams_what_the_model_says_and_then_the_figures(server: OpenAiServer) -> None:
    server.script = [Answer(("Fine", ", thank", " you: Grüße 🙂."), logprobs=(-0.25, -0.5, -1.5))]
    async with engine(server.host) as chat:
        *deltas, stats = await everything(chat.stream(QUESTION))
    assert deltas == ["Fine", ", thank", " you: Grüße 🙂."]
    assert stats == ReplyStats(20, 7, -0.75)


@pytest.mark.anyio
async def test_the_request_carries_the_settings_and_warming_is_the_same_but_short(server: OpenAiServer) -> None:
    async with engine(server.host, max_tokens=50, temperature=0.5, top_p=0.7, top_k=9) as chat:
        await everything(chat.stream(QUESTION, tools=TOOLS))
        await chat.warm([SYSTEM], tools=TOOLS)
    answer, warming = server.requests
    assert answer == {
        "model": "qwen3-8b",
        "messages": [{"role": "system", "content": SYSTEM.content}, {"role": "user", "content": "How are you?"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "chat_template_kwargs": {"enable_thinking": False},
        **{"max_tokens": 50, "temperature": 0.5, "top_p": 0.7, "top_k": 9, "logprobs": True, "top_logprobs": 1},
        "tools": TOOLS,
    }
    assert warming == {**answer, "messages": answer["messages"][:1], "max_tokens": 1}


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", "//"])
async def test_an_address_with_and_without_v1(server: OpenAiServer, path: str) -> None:
    async with engine(server.host + path) as chat:
        assert await said(chat.stream(QUESTION)) == ["Hello", " there."]
    assert server.exchanges[0].path == "/v1/chat/completions"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Answer(()), []),
        (Answer(("<think>", "They greet me.", "</think>", "\n\n", "Hello.")), ["Hello."]),
        (Answer(("<", "b>")), ["<b>"]),
        (Answer(("a\u2028b\x85c\x1dd\r\ne", "\ud83d")), ["a\u2028b\x85c\x1dd\r\ne", "?"]),
    ],
    ids=["empty", "thought", "no thought", "odd line breaks"],
)
async def test_text_of_every_kind(server: OpenAiServer, answer: Answer, text: list[str]) -> None:
    server.script = [answer]
    async with engine(server.host) as chat:
        assert await said(chat.stream(QUESTION)) == text


@pytest.mark.anyio
async def test_an_answer_that_was_cut(server: OpenAiServer) -> None:
    server.script = [
        Answer(finish="length"),
        Answer(("<think>I wonder",), finish="length"),
        Answer((), finish="length"),
    ]
    async with engine(server.host) as chat:
        *_, stats = await everything(chat.stream(QUESTION))
        assert isinstance(stats, ReplyStats)
        assert stats.cut
        assert [(await failure(chat)).code for _ in range(2)] == ["chat-only-thought"] * 2


@pytest.mark.anyio
async def test_warming_does_not_mind_that_it_is_cut(server: OpenAiServer) -> None:
    server.script = [Answer((), finish="length")]
    async with engine(server.host) as chat:
        await chat.warm(QUESTION)


@pytest.mark.anyio
@pytest.mark.parametrize("refused", [("logprobs",), ("chat_template_kwargs", "top_k"), ("top_logprobs", "logprobs")])
async def test_what_a_server_does_not_take_is_left_out_from_then_on(
    server: OpenAiServer, refused: tuple[str, ...]
) -> None:
    server.refuses = refused
    async with engine(server.host) as chat:
        for _ in range(2):
            assert await said(chat.stream(QUESTION)) == ["Hello", " there."]
    assert server.exchanges[-2].status == 200
    assert not set(refused) & set(server.requests[-1])
    assert len(server.requests) <= 2 + len(refused)


@pytest.mark.anyio
async def test_the_daemon_runs_it_within_itself(
    server: OpenAiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    server.key = KEY
    chat = {"engine": "openai", "host": server.host, "model": "qwen3-8b", "api_key": KEY}
    config = Config.model_validate({"profile": "embedded", "chat": chat})
    roster = named_roster(config)
    (rung,) = (each for each in Team(roster.profile, roster.catalogue).best() if each.role == "worker")
    runner = LocalRunner(config, roster, Priming([SYSTEM]))
    loaded = await runner.load(rung)
    assert server.requests[0]["max_tokens"] == 1
    assert await said(loaded.engine.stream(QUESTION, tools=TOOLS)) == ["Hello", " there."]
    await runner.unload(rung.model)


# ── tools ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
@pytest.mark.parametrize("index_stuck", [False, True])
async def test_calls_are_put_together_and_come_whole(server: OpenAiServer, index_stuck: bool) -> None:
    server.script = [Answer(("One moment.",), calls=(TIMER, PARIS, TOKYO), index_stuck=index_stuck)]
    async with engine(server.host) as chat:
        *deltas, _ = await everything(chat.stream(QUESTION, tools=TOOLS))
    assert deltas == ["One moment.", as_told(TIMER), as_told(PARIS), as_told(TOKYO)]


@pytest.mark.anyio
@pytest.mark.parametrize("arguments", ['{"minutes": 5', "[5]", "5", "null", "five"])
async def test_arguments_that_are_no_object(server: OpenAiServer, arguments: str) -> None:
    server.script = [Answer((), calls=(TIMER,), arguments=arguments)]
    async with engine(server.host) as chat:
        assert (await failure(chat)).code == "chat-call-garbled"


@pytest.mark.anyio
async def test_a_call_without_arguments(server: OpenAiServer) -> None:
    server.script = [Answer((), calls=(TIMER,), arguments="")]
    async with engine(server.host) as chat:
        assert (await everything(chat.stream(QUESTION)))[0] == ToolCall(TIMER.name, {}, TIMER.id)


@pytest.mark.anyio
@pytest.mark.parametrize("ids", [("call_1", "call_2"), ("", "")])
async def test_a_round_trip_is_taken_with_ids_and_without(server: OpenAiServer, ids: tuple[str, str]) -> None:
    calls = tuple(ToolCall("get_weather", {"city": city}, id) for city, id in zip(("Paris", "Bonn"), ids, strict=True))
    results = [Message("tool", "It rains.", tool="get_weather", call_id=id) for id in ids]
    turn = [Message("user", "The weather?"), Message("assistant", "", tool_calls=calls), *results]
    async with engine(server.host) as chat:
        assert await said(chat.stream([*turn, *turn], tools=TOOLS)) == ["Hello", " there."]


# ── hanging up ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_closing_the_stream_hangs_up(server: OpenAiServer) -> None:
    server.script = [Answer(("One", " two"), hold=anyio.Event())]
    async with engine(server.host) as chat:
        async with aclosing(chat.stream(QUESTION)) as deltas:
            assert await anext(deltas) == "One"
        with anyio.fail_after(5):
            await server.left_early.wait()
        assert await said(chat.stream(QUESTION)) == ["Hello", " there."]


@pytest.mark.anyio
@pytest.mark.parametrize("silent", [True, False])
async def test_cancelling_the_turn_hangs_up(server: OpenAiServer, silent: bool) -> None:
    server.script = [Answer(hold=anyio.Event(), silent=silent)]
    async with engine(server.host) as chat:
        async with anyio.create_task_group() as turn:
            turn.start_soon(said, chat.stream(QUESTION))
            with anyio.fail_after(5):
                await server.asked.wait()
            await anyio.wait_all_tasks_blocked()
            turn.cancel_scope.cancel()
        with anyio.fail_after(5):
            await server.left_early.wait()


@pytest.mark.anyio
async def test_a_slow_first_token_is_waited_for(server: OpenAiServer) -> None:
    server.script = [Answer(hold=(release := anyio.Event()), silent=True)]
    async with engine(server.host) as chat, anyio.create_task_group() as group:
        group.start_soon(_release, server, release)
        assert await said(chat.stream(QUESTION)) == ["Hello", " there."]


async def _release(server: OpenAiServer, release: anyio.Event) -> None:
    await server.asked.wait()
    await anyio.wait_all_tasks_blocked()
    release.set()


# ── failures ────────────────────────────────────────────────────────────────────────────────────

VLLM_ERROR = {"object": "error", "message": "CUDA error", "type": "InternalServerError", "code": 500}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Refusal(400, "temperature must be non-negative"), "chat-failed"),
        (Refusal(400, "the request exceeds the available context size"), "chat-context-full"),
        (Refusal(401, "Unauthorized"), "chat-key"),
        (Refusal(403, {"detail": "Forbidden"}), "chat-key"),
        (Refusal(404, "The model does not exist."), "chat-model-missing"),
        (Refusal(429, "Rate limit reached"), "chat-busy"),
        (Refusal(503, "Loading model"), "chat-busy"),
        (Refusal(500, {}), "chat-failed"),
        (Refusal(500, VLLM_ERROR), "chat-failed"),
        (Answer(ending="error"), "chat-failed"),
        (Answer(ending="error", error={"error": {"message": "too many", "code": 503}}), "chat-busy"),
        (Answer(ending="error", error={"error": {"message": None, "code": "odd"}}), "chat-failed"),
        (Answer(ending="error", error=VLLM_ERROR), "chat-failed"),
        (Answer(ending="cut"), "chat-interrupted"),
        (Answer(ending="reset"), "chat-interrupted"),
        (Answer(raw=b""), "chat-interrupted"),
        (Answer(raw=b'data: {"choices": [\n\n'), "chat-garbled"),
        (Answer(raw=b"data: 5\n\n"), "chat-garbled"),
        (Answer(raw=b'data: {"choices": 5}\n\n'), "chat-garbled"),
        (Answer(raw=b'data: {"choices": [{"delta": {"tool_calls": [{"index": "x"}]}}]}\n\n'), "chat-garbled"),
    ],
    ids=str,
)
async def test_every_failure_is_a_chat_error_and_the_next_answer_comes(
    server: OpenAiServer, answer: Answer | Refusal, code: str
) -> None:
    server.script = [answer]
    async with engine(server.host) as chat:
        assert (await failure(chat)).code == code
        assert await said(chat.stream(QUESTION)) == ["Hello", " there."]


@pytest.mark.anyio
async def test_what_came_before_the_failure_was_said(server: OpenAiServer) -> None:
    server.script = [Answer(("One",), ending="error")]
    async with engine(server.host) as chat, aclosing(chat.stream(QUESTION)) as deltas:
        assert await anext(deltas) == "One"
        with pytest.raises(ChatError, match="CUDA error"):
            await anext(deltas)


@pytest.mark.anyio
async def test_too_long_a_conversation(server: OpenAiServer) -> None:
    async with engine(server.host) as chat:
        assert (await failure(chat, [Message("user", "word " * 40_000)])).code == "chat-context-full"


@pytest.mark.anyio
async def test_another_model_and_another_server(server: OpenAiServer) -> None:
    async with engine(server.host, model="gpt-oss") as chat:
        error = await failure(chat)
        assert error.code == "chat-model-missing"
        assert "gpt-oss" in error.remedy
    async with answering(b"<html>Welcome</html>") as host, engine(host) as chat:
        assert (await failure(chat)).code == "chat-garbled"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "host", ["http://[", "localhost", "http://localhost:99999", "http://localhost:port", "", "ftp://x"]
)
async def test_a_host_that_is_no_address(host: str) -> None:
    async with engine(host) as chat:
        assert (await failure(chat)).code == "chat-unreachable"


@pytest.mark.anyio
async def test_nobody_at_the_address() -> None:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    host = f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
    await listener.aclose()
    async with engine(host) as chat:
        error = await failure(chat)
    assert error.code == "chat-unreachable"
    assert host in error.remedy


@pytest.mark.anyio
@pytest.mark.parametrize("silent", [True, False])
async def test_a_server_that_says_nothing_more(server: OpenAiServer, silent: bool) -> None:
    server.script = [Answer(hold=anyio.Event(), silent=silent)]
    async with engine(server.host, read_seconds=0.05) as chat:
        assert (await failure(chat)).code == "chat-timeout"


@pytest.mark.anyio
async def test_a_proxy_of_the_session_does_not_hear_it(server: OpenAiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with engine(server.host) as chat:
        assert await said(chat.stream(QUESTION)) == ["Hello", " there."]


# ── keys ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_the_key_is_sent(server: OpenAiServer) -> None:
    server.key = KEY
    async with engine(server.host, api_key=f" {KEY}\n") as chat:
        assert await said(chat.stream(QUESTION)) == ["Hello", " there."]
    async with engine(server.host) as chat:
        assert (await failure(chat)).code == "chat-key"


@pytest.mark.anyio
@pytest.mark.parametrize("key", [KEY, f"{KEY}ü", f"{KEY}\nX: y", f"{KEY}\x00"])
async def test_a_key_is_told_nobody(server: OpenAiServer, caplog: pytest.LogCaptureFixture, key: str) -> None:
    caplog.set_level(logging.DEBUG)
    server.key = "another"
    server.script = [Refusal(500, f"Bearer {KEY} is odd"), Answer(ending="error", error={"message": f"{KEY}!"})]
    for host in (server.host, "http://127.0.0.1:9", server.host.replace("//", f"//user:{KEY}@")):
        async with engine(host, api_key=key) as chat:
            for _ in range(2):
                error = await failure(chat)
                assert KEY not in "".join(traceback.format_exception(error))
        server.key = key
    assert KEY not in caplog.text
