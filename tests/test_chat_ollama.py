"""The Ollama engine against a fake server that keeps to Ollama's contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import deltas
from tests.ollama_server import OllamaServer, Refusal, Reply, ollama_server
from tests.ollama_values import LOAD_OOM, RUN_OOM
from voxspark.config import ChatSettings
from voxspark.engines.ollama.chat import OllamaChat, create
from voxspark.engines.ollama.client import ModelOptions, OllamaClient
from voxspark.engines.thought import LeadingThought
from voxspark.errors import ChatError
from voxspark.types import Delta, Message

SYSTEM = Message("system", "You are VoxSpark.")
QUESTION = [SYSTEM, Message("user", "How are you?")]


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[OllamaServer]:
    """A fake Ollama; when the test ends, everything said to and by it is checked against the contract."""
    async with ollama_server() as running:
        yield running


@asynccontextmanager
async def engine(server: OllamaServer, **settings: Any) -> AsyncIterator[OllamaChat]:
    """The engine on that server, closed at the end."""
    chat = create(ChatSettings(engine="ollama", host=server.host, **{"model": "qwen3:8b", **settings}))
    assert isinstance(chat, OllamaChat)
    try:
        yield chat
    finally:
        await chat.aclose()


async def said(chat: OllamaChat) -> list[str]:
    """The text of an answer, in pieces."""
    return await deltas.said(chat.stream(QUESTION))


async def failure(chat: OllamaChat) -> ChatError:
    """The error that an answer ends with."""
    with pytest.raises(ChatError) as caught:
        await said(chat)
    return caught.value


# ── answers ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_it_streams_what_the_model_says(server: OllamaServer) -> None:
    server.script = [Reply(("Fine", ", thank", " you: Grüße 🙂."))]
    async with engine(server) as chat:
        assert await said(chat) == ["Fine", ", thank", " you: Grüße 🙂."]


@pytest.mark.anyio
async def test_odd_line_breaks_are_text(server: OllamaServer) -> None:
    server.script = [Reply(("a\u2028b\x85c\x1dd\r\ne",))]
    async with engine(server) as chat:
        assert await said(chat) == ["a\u2028b\x85c\x1dd\r\ne"]


@pytest.mark.anyio
async def test_the_request_says_everything_every_time(server: OllamaServer) -> None:
    async with engine(server, context_tokens=8192, max_tokens=400, temperature=0.7, top_p=0.8, top_k=20) as chat:
        await said(chat)
    assert server.chats == [
        {
            "model": "qwen3:8b",
            "messages": [
                {"role": "system", "content": "You are VoxSpark."},
                {"role": "user", "content": "How are you?"},
            ],
            "stream": True,
            "think": False,
            "truncate": False,
            "shift": False,
            "logprobs": True,
            "options": {"num_ctx": 8192, "num_predict": 400, "temperature": 0.7, "top_p": 0.8, "top_k": 20},
            "keep_alive": -1,
        }
    ]


@pytest.mark.anyio
async def test_lone_surrogates_are_replaced(server: OllamaServer) -> None:
    async with engine(server) as chat:
        assert await deltas.said(chat.stream([Message("user", "Hi \ud83d there")])) == ["Hello", " there."]
    assert server.chats[0]["messages"][0]["content"] == "Hi ? there"


@pytest.mark.anyio
async def test_thinking_is_switched_off_only_where_there_is_any_and_asked_once(server: OllamaServer) -> None:
    async with engine(server) as thinker, engine(server, model="llama3.2:3b") as plain:
        for chat in (thinker, plain, thinker, plain):
            await said(chat)
    assert [request.get("think") for request in server.chats] == [False, None, False, None]
    assert server.paths().count("/api/show") == 2


@pytest.mark.anyio
@pytest.mark.parametrize(("setting", "sent"), [("-1", -1), ("0", 0), ("600", 600), ("5m", "5m"), ("1h30m", "1h30m")])
async def test_keep_alive_is_a_number_where_it_is_one(server: OllamaServer, setting: str, sent: int | str) -> None:
    async with engine(server, keep_alive=setting) as chat:
        await said(chat)
    assert server.chats[0]["keep_alive"] == sent


@pytest.mark.anyio
async def test_warming_reads_the_prefix_and_the_first_answer_does_not_load_again(server: OllamaServer) -> None:
    async with engine(server, context_tokens=8192) as chat:
        await chat.warm([SYSTEM])
        await said(chat)
    warming, answering = server.chats
    assert warming["messages"] == [{"role": "system", "content": "You are VoxSpark."}]
    assert warming["options"] == {**answering["options"], "num_predict": 1}
    differ = ("messages", "options", "logprobs")
    assert {k: v for k, v in warming.items() if k not in differ} == {
        k: v for k, v in answering.items() if k not in differ
    }
    assert server.loads == 1


@pytest.mark.anyio
async def test_closing_the_stream_hangs_up(server: OllamaServer) -> None:
    server.script = [Reply(("One", " two", " three"), hold=anyio.Event())]
    async with engine(server) as chat:
        async with aclosing(chat.stream(QUESTION)) as answer:
            assert await anext(answer) == "One"
        with anyio.fail_after(5):
            await server.left_early.wait()
        assert await said(chat) == ["Hello", " there."]


@pytest.mark.anyio
@pytest.mark.parametrize("silent", [True, False])
async def test_cancelling_the_turn_hangs_up(server: OllamaServer, silent: bool) -> None:
    server.script = [Reply(hold=anyio.Event(), silent=silent)]
    async with engine(server) as chat:
        async with anyio.create_task_group() as turn:
            turn.start_soon(said, chat)
            with anyio.fail_after(5):
                await server.asked.wait()
            await anyio.wait_all_tasks_blocked()
            turn.cancel_scope.cancel()
        with anyio.fail_after(5):
            await server.left_early.wait()
        assert await said(chat) == ["Hello", " there."]


@pytest.mark.anyio
async def test_a_proxy_of_the_session_does_not_hear_it(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with engine(server) as chat:
        assert await said(chat) == ["Hello", " there."]


# ── thoughts ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
@pytest.mark.parametrize(
    "reply",
    [
        Reply(("<think>", "\n\n", "</think>", "\n\n", "Fine."), done_reason="length"),
        Reply(("<th", "ink>I wonder", "</thi", "nk>Fi", "ne.")),
        Reply(("Fi", "ne."), thinking=("I", " wonder")),
    ],
    ids=["empty", "split", "apart"],
)
async def test_thoughts_are_not_said(server: OllamaServer, reply: Reply) -> None:
    server.script = [reply]
    async with engine(server) as chat:
        assert "".join(await said(chat)) == "Fine."


@pytest.mark.anyio
@pytest.mark.parametrize(
    "reply",
    [Reply(("<think>I wonder",), done_reason="length"), Reply((), thinking=("I wonder",), done_reason="length")],
    ids=["inside", "apart"],
)
async def test_only_thoughts_is_an_error(server: OllamaServer, reply: Reply) -> None:
    server.script = [reply]
    async with engine(server) as chat:
        error = await failure(chat)
    assert error.code == "chat-only-thought"
    assert "max_tokens" in error.remedy


@pytest.mark.anyio
async def test_an_empty_answer_is_an_answer(server: OllamaServer) -> None:
    server.script = [Reply(())]
    async with engine(server) as chat:
        assert await said(chat) == []


def filtered(deltas: list[str]) -> str:
    thought = LeadingThought()
    return "".join([*[thought.feed(delta) for delta in deltas], thought.end()])


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({cut % (len(text) + 1) for cut in cuts})
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


CUTS = st.lists(st.integers(0, 500), max_size=12)
PLAIN = st.text(max_size=60).filter(lambda text: not text.lstrip().startswith("<think>"))
SPOKEN = st.text(max_size=40).map(str.lstrip)
THOUGHT = st.text(max_size=60).filter(lambda text: "</think>" not in text)


@given(text=PLAIN, cuts=CUTS)
def test_what_is_no_thought_is_said_unchanged(text: str, cuts: list[int]) -> None:
    assert filtered(pieces(text, cuts)) == text


@given(blank=st.sampled_from(["", " ", "\n\n"]), thought=THOUGHT, answer=SPOKEN, cuts=CUTS)
def test_a_leading_thought_is_taken_off_wherever_it_is_cut(
    blank: str, thought: str, answer: str, cuts: list[int]
) -> None:
    text = f"{blank}<think>{thought}</think>\n\n{answer}"
    assert filtered(pieces(text, cuts)) == answer


@given(thought=THOUGHT, cuts=CUTS)
def test_an_unfinished_thought_is_never_said(thought: str, cuts: list[int]) -> None:
    assert filtered(pieces(f"<think>{thought}", cuts)) == ""


@pytest.mark.parametrize("text", ["<", "<thin", "< 3", "<thinking> is a word", "2 <think> 1"])
def test_what_looks_like_a_thought_is_said(text: str) -> None:
    assert filtered(list(text)) == text


# ── failures ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Refusal(400, "invalid options"), "ollama-rejected"),
        (Refusal(500, "llama runner process has terminated"), "ollama-failed"),
        (Refusal(503, "server busy, please try again"), "ollama-busy"),
        (Reply(ending="error"), "ollama-failed"),
        (Refusal(500, LOAD_OOM), "ollama-out-of-memory"),
        (Reply(ending="error", error=RUN_OOM), "ollama-out-of-memory"),
        (Reply(ending="error", error="failed to parse JSON: unexpected end"), "chat-call-garbled"),
        (Reply(ending="cut_line"), "ollama-garbled"),
        (Reply(ending="clean_death"), "ollama-interrupted"),
        (Reply(ending="reset"), "ollama-interrupted"),
        (Reply((), ending="clean_death"), "ollama-interrupted"),
    ],
    ids=str,
)
async def test_every_failure_is_a_chat_error_with_a_remedy(
    server: OllamaServer, reply: Reply | Refusal, code: str
) -> None:
    server.script = [reply]
    async with engine(server) as chat:
        error = await failure(chat)
        assert error.code == code
        assert error.message.endswith(".")
        assert error.remedy
        assert await said(chat) == ["Hello", " there."]


@pytest.mark.anyio
async def test_what_came_before_the_failure_was_said(server: OllamaServer) -> None:
    server.script = [Reply(("One", " two"), ending="error")]
    heard: list[Delta] = []
    async with engine(server) as chat, aclosing(chat.stream(QUESTION)) as answer:
        heard += [await anext(answer), await anext(answer)]
        with pytest.raises(ChatError):
            await anext(answer)
    assert heard == ["One", " two"]


@pytest.mark.anyio
async def test_a_missing_model_says_how_to_get_it_and_may_come_later(server: OllamaServer) -> None:
    async with engine(server, model="qwen3:14b") as chat:
        error = await failure(chat)
        assert (error.code, error.remedy) == ("chat-model-missing", "Run: ollama pull qwen3:14b")
        server.models["qwen3:14b"] = ("completion", "thinking")
        assert await said(chat) == ["Hello", " there."]
    assert server.chats[-1]["think"] is False


@pytest.mark.anyio
async def test_warming_fails_the_same_way(server: OllamaServer) -> None:
    server.script = [Refusal(500, "out of memory")]
    async with engine(server) as chat:
        with pytest.raises(ChatError, match="not enough memory"):
            await chat.warm([SYSTEM])


@pytest.mark.anyio
async def test_nobody_at_the_address(anyio_backend: str) -> None:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    await listener.aclose()
    async with engine(OllamaServer(f"http://127.0.0.1:{port}")) as chat:
        error = await failure(chat)
        assert error.code == "ollama-unreachable"
        assert "ollama serve" in error.remedy


@pytest.mark.anyio
async def test_ollama_goes_and_comes_back(server: OllamaServer) -> None:
    server.script = [Reply(("One", " two", " three"), hold=anyio.Event())]
    async with engine(server) as chat:
        async with aclosing(chat.stream(QUESTION)) as answer:
            assert await anext(answer) == "One"
            await server.stop()
            with pytest.raises(ChatError) as caught:
                await anext(answer)
        assert caught.value.code == "ollama-interrupted"
        assert (await failure(chat)).code == "ollama-unreachable"
        await server.start()
        assert await said(chat) == ["Hello", " there."]


@pytest.mark.anyio
async def test_a_server_that_says_nothing(server: OllamaServer) -> None:
    server.script = [Reply(hold=anyio.Event(), silent=True)]
    client = OllamaClient(server.host, read_seconds=0.05)
    chat = OllamaChat(client, ModelOptions(model="qwen3:8b", context_tokens=8192))
    assert (await failure(chat)).code == "chat-timeout"
    await chat.aclose()


@pytest.mark.parametrize("host", ["http://[", "http://localhost:port", "http://localhost:99999"])
def test_a_host_that_is_no_address(host: str) -> None:
    with pytest.raises(ChatError) as caught:
        create(ChatSettings(engine="ollama", host=host))
    assert caught.value.code == "ollama-address"
