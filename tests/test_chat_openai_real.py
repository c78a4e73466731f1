"""The engine for OpenAI-compatible servers, against llama-server's own API with SmolLM2."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.from_thread import start_blocking_portal

from tests.agent_proofs import ask, audited, check_prefix
from tests.daemon_process import private_env, running_daemon
from tests.deltas import everything, said
from tests.forcing_server import forcing_server
from tests.ollama_values import Call
from tests.test_chat_openai import KEY, TOOLS, engine, failure
from voxspark.config import ChatSettings
from voxspark.engines.chat import llama_cpp
from voxspark.engines.chat.openai import OpenAiChat
from voxspark.types import Message, ReplyStats, ToolCall

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def llama_server() -> tuple[str, Any]:
    """The bundled model behind llama.cpp's own server; its address and the server."""
    import xllamacpp

    params = llama_cpp._parameters(xllamacpp, ChatSettings(context_tokens=1024))
    params.api_keys = [KEY]
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.n_threads_http = 4  # each open connection keeps one
    params.endpoint_slots = True
    server = xllamacpp.Server(params)
    return server.listening_address, server


@asynccontextmanager
async def real(llama_server: tuple[str, Any], **settings: Any) -> AsyncIterator[OpenAiChat]:
    wanted = {"api_key": KEY, "model": "smollm2", "temperature": 0, "max_tokens": 40, **settings}
    async with engine(llama_server[0], **wanted) as chat:
        yield chat


CAPITAL = [Message("system", "You are a friendly voice assistant."), Message("user", "What is the capital of France?")]


@pytest.mark.anyio
async def test_a_real_server_answers(llama_server: tuple[str, Any]) -> None:
    async with real(llama_server) as chat:
        await chat.warm(CAPITAL)
        *deltas, stats = await everything(chat.stream(CAPITAL))
    assert len(deltas) > 3
    assert "Paris" in "".join(map(str, deltas))
    assert isinstance(stats, ReplyStats)
    assert stats.prompt_tokens > 10
    assert stats.reply_tokens == pytest.approx(len(deltas), abs=2)
    assert stats.mean_logprob is not None
    assert -3 < stats.mean_logprob < 0


@pytest.mark.anyio
async def test_a_real_server_takes_tools_and_their_results(llama_server: tuple[str, Any]) -> None:
    """It takes no log-probabilities beside tools, and SmolLM2 does not call any."""
    turn = [
        Message("user", "Set a timer for five minutes."),
        Message("assistant", "", tool_calls=(ToolCall("set_timer", {"minutes": 5}),)),
        Message("tool", "The timer is set.", tool="set_timer"),
    ]
    async with real(llama_server) as chat:
        for _ in range(2):
            *deltas, stats = await everything(chat.stream(turn, tools=TOOLS))
    assert deltas
    assert all(isinstance(delta, str) for delta in deltas)
    assert isinstance(stats, ReplyStats)
    assert stats.mean_logprob is None


@pytest.mark.anyio
async def test_a_real_server_refuses(llama_server: tuple[str, Any]) -> None:
    async with real(llama_server, api_key="another") as chat:
        assert (await failure(chat)).code == "chat-key"
    async with real(llama_server) as chat:
        assert (await failure(chat, [Message("user", "word " * 5000)])).code == "chat-context-full"
        assert await said(chat.stream(CAPITAL))


@pytest.mark.anyio
async def test_a_real_server_stops_when_its_client_hangs_up(llama_server: tuple[str, Any]) -> None:
    async with real(llama_server, max_tokens=900) as chat:
        async with aclosing(chat.stream([Message("user", "Tell me a very long story about a fox.")])) as deltas:
            for _ in range(5):
                await anext(deltas)
        with anyio.fail_after(30):
            while (slot := await slot_of(chat))["is_processing"]:
                await anyio.sleep(0.05)
        assert slot["n_prompt_tokens"] < 200  # with those of the answer


async def slot_of(chat: OpenAiChat) -> dict[str, Any]:
    """What the one slot of llama-server does."""
    (slot,) = (await chat._connected().get("/slots")).json()
    return dict(slot)


def test_the_daemon_s_tool_loop_against_a_real_server(tmp_path: Path, llama_server: tuple[str, Any]) -> None:
    env = private_env(tmp_path) | {
        "VOXSPARK_CHAT__ENGINE": "openai",
        "VOXSPARK_CHAT__MODEL": "smollm2",
        "VOXSPARK_CHAT__TEMPERATURE": "0",
        "VOXSPARK_CHAT__MAX_TOKENS": "80",
        "VOXSPARK_CHAT__SYSTEM_PROMPT": "You are brief.",
    }
    eggs, milk = "How many eggs are in my boxes?", "There is no milk left."
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(forcing_server(llama_server[0], KEY)) as server,
        running_daemon(
            env | {"VOXSPARK_CHAT__HOST": server.host}, "--microphone", "null", "--speaker", "null"
        ) as daemon,
    ):
        server.force = Call("calculate", {"expression": "17 * 12"})
        answer = ask(daemon, eggs)
        assert daemon.wait_for("tool_used", tool="calculate")["result"] == "That's 204."
        question, told = server.requests[-2:]
        check_prefix([question, told])
        assert [message["role"] for message in told["messages"][-2:]] == ["assistant", "tool"]
        assert told["messages"][-1]["content"] == "That's 204."
        assert answer
        assert "{" not in answer
        server.force = Call("add_to_list", {"items": ["oat milk"]})
        assert ask(daemon, milk) == "Added oat milk to your shopping list."
        assert audited(daemon) == [("calculate", "done", eggs), ("add_to_list", "done", milk)]
