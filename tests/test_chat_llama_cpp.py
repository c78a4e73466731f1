"""The llama.cpp engine: what is sent and understood (hermetic), and the real SmolLM2 (`real`)."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests import deltas
from voxspark.config import ChatSettings
from voxspark.engines.chat import llama_cpp
from voxspark.engines.chat.llama_cpp import LlamaCppChat, create
from voxspark.errors import ChatError, EngineError
from voxspark.protocols import Schema
from voxspark.types import Message, ReplyStats, ToolCall

pytestmark = pytest.mark.anyio

SYSTEM = Message("system", "You are a friendly voice assistant. Answer in one short, plain sentence. " * 4)
QUESTION = Message("user", "What is the capital of France?")
TIMER: Schema = {
    "type": "function",
    "function": {
        "name": "set_timer",
        "description": "Set a timer.",
        "parameters": {"type": "object", "properties": {"minutes": {"type": "integer"}}, "required": ["minutes"]},
    },
}
STORY = Message("user", "Tell me a very long story about a fox.")


async def said(chat: LlamaCppChat, *messages: Message) -> list[str]:
    """The text of an answer, in pieces."""
    return await deltas.said(chat.stream(messages))


# ── hermetic ────────────────────────────────────────────────────────────────────────────────────


def chunk(content: str | None, **more: Any) -> dict[str, Any]:
    """One `chat.completion.chunk`."""
    return {"choices": [{"index": 0, "finish_reason": None, "delta": {"content": content}}], **more}


class FakeServer:
    """Stands for xllamacpp.Server: hands out its chunks until the callback says stop."""

    def __init__(self, *chunks: Any, error: Exception | None = None) -> None:
        self.chunks = chunks
        self.error = error
        self.requests: list[dict[str, Any]] = []
        self.given = 0

    def handle_chat_completions(self, request: str, take: Callable[[str], bool]) -> None:
        self.requests.append(json.loads(request))
        if self.error:
            raise self.error
        for piece in self.chunks:
            self.given += 1
            if take(piece if isinstance(piece, str) else json.dumps(piece)):
                return


@pytest.fixture
def chat() -> Iterator[LlamaCppChat]:
    """An engine with nothing loaded."""
    engine = LlamaCppChat(ChatSettings(max_tokens=50, temperature=0.5, top_p=0.7, top_k=9))
    yield engine
    engine.close()
    gc.collect()


async def test_text_comes_out_and_progress_does_not(chat: LlamaCppChat) -> None:
    chat._server = FakeServer(chunk(None, prompt_progress={"processed": 5}), chunk(""), chunk("Gr"), chunk("üße"), {})
    assert await said(chat, SYSTEM, QUESTION) == ["Gr", "üße"]


async def test_the_request_carries_the_settings(chat: LlamaCppChat) -> None:
    chat._server = server = FakeServer()
    await said(chat, SYSTEM, Message("user", "lone \ud800 surrogate"))
    await chat.warm([SYSTEM])
    answer, warming = server.requests
    assert answer["messages"][1] == {"role": "user", "content": "lone ? surrogate"}
    assert answer["stream"]
    assert answer["cache_prompt"]
    wanted = {"max_tokens": 50, "temperature": 0.5, "top_p": 0.7, "top_k": 9}
    assert {name: answer[name] for name in wanted} == wanted
    assert warming == {**answer, "messages": answer["messages"][:1], "max_tokens": 1}


async def test_tools_are_offered_and_never_forced_and_calls_come_whole(chat: LlamaCppChat) -> None:
    pieces = [
        {"index": 0, "id": "call_1", "function": {"name": "set_timer", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"minu'}},
        {"index": 0, "function": {"arguments": 'tes": 5}'}},
    ]
    calling = [{"choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]} for piece in pieces]
    usage = {"choices": [], "usage": {"prompt_tokens": 30, "completion_tokens": 9}}
    chat._server = server = FakeServer(chunk("One moment."), *calling, usage)
    answer = await deltas.everything(chat.stream([QUESTION], tools=[TIMER]))
    assert answer == ["One moment.", ToolCall("set_timer", {"minutes": 5}, "call_1"), ReplyStats(30, 9)]
    await chat.warm([SYSTEM], tools=[TIMER])
    await said(chat, SYSTEM)
    assert [request.get("tools") for request in server.requests] == [[TIMER], [TIMER], None]
    assert not any("tool_choice" in request for request in server.requests)


@pytest.mark.parametrize(
    ("error", "code", "remedy"),
    [
        (
            {"code": 400, "type": "exceed_context_size_error", "message": "too long", "n_prompt_tokens": 6032},
            "chat-context-full",
            "Raise chat.context_tokens (now 2048) above 6032.",
        ),
        ({"code": 500, "type": "server_error", "message": "no slot"}, "chat-failed", "llama.cpp says: no slot"),
    ],
)
async def test_an_error_object_ends_the_answer(
    chat: LlamaCppChat, error: dict[str, Any], code: str, remedy: str
) -> None:
    chat._server = server = FakeServer(chunk("One"), {"error": error}, chunk("never"))
    async with aclosing(chat.stream([QUESTION])) as answer:
        assert await anext(answer) == "One"
        with pytest.raises(ChatError) as caught:
            await anext(answer)
    assert (caught.value.code, caught.value.remedy) == (code, remedy)
    assert server.given == 2


@pytest.mark.parametrize("error", [RuntimeError("parse error"), ValueError("parse error")], ids=repr)
async def test_what_llama_cpp_raises_is_a_chat_error(chat: LlamaCppChat, error: Exception) -> None:
    chat._server = FakeServer(error=error)
    with pytest.raises(ChatError, match="parse error") as caught:
        await said(chat, QUESTION)
    assert caught.value.code == "chat-failed"


async def test_nonsense_is_not_swallowed(chat: LlamaCppChat) -> None:
    chat._server = FakeServer("no json")
    with pytest.raises(json.JSONDecodeError):
        await said(chat, QUESTION)


async def test_closing_stops_the_server_at_its_next_piece(chat: LlamaCppChat) -> None:
    first, more = threading.Event(), threading.Event()

    def slow() -> Iterator[dict[str, Any]]:
        yield chunk("One")
        first.set()
        more.wait()
        while True:
            yield chunk("more")

    chat._server = server = FakeServer()
    server.chunks = slow()  # type: ignore[assignment]
    answer = chat.stream([QUESTION])
    assert await anext(answer) == "One"
    await anyio.to_thread.run_sync(first.wait)
    await answer.aclose()
    more.set()
    await chat._thread.call(lambda: None)
    assert server.given == 2


@pytest.mark.parametrize("model", ["/nowhere/model.gguf", "~/nowhere.gguf", "/tmp", ""])
async def test_a_missing_file(model: str) -> None:
    chat = LlamaCppChat(ChatSettings(model=model))
    with pytest.raises(ChatError) as caught:
        await chat.warm([SYSTEM])
    assert caught.value.code == "chat-model-missing"
    assert "chat.model" in caught.value.remedy
    chat.close()


async def test_unknown_bundled_weights() -> None:
    chat = LlamaCppChat(ChatSettings(model="bundled:none"))
    with pytest.raises(EngineError, match="smollm2"):
        await said(chat, QUESTION)
    chat.close()


# ── the real model ──────────────────────────────────────────────────────────────────────────────


class Recorder:
    """Stands before the real server and keeps what it said."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.chunks: list[dict[str, Any]] = []

    def handle_chat_completions(self, request: str, take: Callable[[str], bool]) -> None:
        def taking(text: str) -> bool:
            self.chunks.append(json.loads(text))
            return take(text)

        self.server.handle_chat_completions(request, taking)

    @property
    def timings(self) -> dict[str, float]:
        """Of the last request that ran to its end."""
        found: dict[str, float] = next(chunk["timings"] for chunk in reversed(self.chunks) if "timings" in chunk)
        return found


@pytest.fixture(scope="module")
def server() -> Recorder:
    """The bundled model, loaded once for this file."""
    return Recorder(llama_cpp.load(ChatSettings(context_tokens=1024)))


@pytest.fixture
async def real(server: Recorder) -> AsyncIterator[LlamaCppChat]:
    """An engine on it."""
    engine = create(ChatSettings(context_tokens=1024, temperature=0, max_tokens=40))
    assert isinstance(engine, LlamaCppChat)
    engine._server = server
    server.chunks.clear()
    yield engine
    await engine._thread.call(lambda: None)
    engine.close()


@pytest.mark.real
async def test_it_answers(real: LlamaCppChat) -> None:
    *text, stats = await deltas.everything(real.stream([SYSTEM, QUESTION]))
    assert len(text) > 3
    assert "Paris" in "".join(map(str, text))
    assert isinstance(stats, ReplyStats)
    assert stats.prompt_tokens > 50
    assert stats.reply_tokens == pytest.approx(len(text), abs=2)
    assert stats.mean_logprob is not None
    assert -5 < stats.mean_logprob < 0


@pytest.mark.real
async def test_it_stops_at_the_limit(real: LlamaCppChat, server: Recorder) -> None:
    *_, stats = await deltas.everything(real.stream([SYSTEM, STORY]))
    assert isinstance(stats, ReplyStats)
    assert stats.cut
    assert server.timings["predicted_n"] == 40


@pytest.mark.real
async def test_a_closed_answer_stops_within_a_few_tokens_and_the_next_one_starts(
    real: LlamaCppChat, server: Recorder
) -> None:
    answer = real.stream([SYSTEM, STORY])
    for _ in range(5):
        await anext(answer)
    await answer.aclose()
    await real._thread.call(lambda: None)
    made = [piece for piece in server.chunks if piece["choices"] and piece["choices"][0]["delta"].get("content")]
    assert 5 <= len(made) < 12
    assert "Paris" in "".join(await said(real, SYSTEM, QUESTION))


@pytest.mark.real
async def test_a_long_prompt_stops_between_batches(real: LlamaCppChat, server: Recorder) -> None:
    async def read() -> None:
        await said(real, Message("user", "zebra fox " * 400))

    async with anyio.create_task_group() as turn:
        turn.start_soon(read)
        with anyio.fail_after(30):
            while not server.chunks:
                await anyio.sleep(0.01)
        turn.cancel_scope.cancel()
    await real._thread.call(lambda: None)
    progress = server.chunks[-1]["prompt_progress"]
    assert progress["processed"] < progress["total"]
    assert await said(real, SYSTEM, QUESTION)


@pytest.mark.real
async def test_only_what_is_new_is_read(real: LlamaCppChat, server: Recorder) -> None:
    await real.warm([SYSTEM])
    prefix = server.timings["cache_n"] + server.timings["prompt_n"]
    answer = "".join(await said(real, SYSTEM, QUESTION))
    assert server.timings["cache_n"] >= prefix - 5
    first = server.timings["cache_n"] + server.timings["prompt_n"]
    await said(real, SYSTEM, QUESTION, Message("assistant", answer), Message("user", "And of Spain?"))
    assert server.timings["cache_n"] >= first
    assert server.timings["prompt_n"] < 40


@pytest.mark.real
async def test_too_long_a_conversation(real: LlamaCppChat) -> None:
    with pytest.raises(ChatError) as caught:
        await said(real, Message("user", "word " * 5000))
    assert caught.value.code == "chat-context-full"
    assert await said(real, SYSTEM, QUESTION)


@pytest.mark.real
async def test_smollm2_does_not_see_tools_and_reads_what_others_did_with_them(real: LlamaCppChat) -> None:
    """Its template has no tools, and llama.cpp puts nothing in their place: the prompt is the same, to the token."""
    asked = Message("user", "Set a timer for five minutes.")
    calling = Message("assistant", "", tool_calls=(ToolCall("set_timer", {"minutes": 5}),))
    for talk in ([SYSTEM, asked], [SYSTEM, asked, calling, Message("tool", "The timer is set.", tool="set_timer")]):
        without, offered = [await deltas.everything(real.stream(talk, tools=tools)) for tools in ((), (TIMER,))]
        assert offered[:-1] == without[:-1]
        assert len(offered) > 3


@pytest.mark.real
@pytest.mark.parametrize("text", ["", " ", "🙂" * 9, "\x00", "<|im_end|>", "مرحبا، كيف حالك؟"], ids=ascii)
async def test_odd_text_is_answered(real: LlamaCppChat, text: str) -> None:
    await said(real, SYSTEM, Message("user", text))


@pytest.mark.real
async def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF" + bytes(1000))
    chat = LlamaCppChat(ChatSettings(model=str(path)))
    with pytest.raises(ChatError) as caught:
        await said(chat, QUESTION)
    assert caught.value.code == "chat-load-failed"
    assert str(path) in caught.value.remedy
    chat.close()


ALONE = """
import os, signal
signal.signal(signal.SIGTERM, lambda *_: print("daemon heard it", flush=True))
from tests import deltas
from voxspark.config import ChatSettings
from voxspark.engines.chat import llama_cpp
server = llama_cpp.load(ChatSettings())
print(server.listening_address, flush=True)
os.kill(os.getpid(), signal.SIGTERM)
"""

MEASURE = """
import xllamacpp
from tests import deltas
from voxspark.config import ChatSettings
from voxspark.engines.chat import llama_cpp
def resident_mib():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1]) / 1024
before = resident_mib()
server = llama_cpp.load(ChatSettings())
print(resident_mib() - before)
"""


@pytest.mark.real
def test_it_is_quiet_unreachable_and_leaves_the_signals_alone() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""
    address, heard = done.stdout.splitlines()
    assert address.startswith("unix://")
    assert not Path(address.removeprefix("unix://")).exists()
    assert heard == "daemon heard it"


@pytest.mark.real
def test_it_keeps_to_its_memory() -> None:
    done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True, timeout=120)
    assert float(done.stdout) < 160
