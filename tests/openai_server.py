"""A faithful OpenAI-compatible server over real HTTP, for tests: server-sent events, its checks, its failures.

    async with openai_server() as server:
        server.script = [Answer(("Hello", " there.")), Refusal(429, "Rate limit reached")]
        ... OpenAiChat(ChatSettings(host=server.host, model="qwen3-8b"))

It refuses what vLLM, llama-server and OpenAI refuse: an unknown model, a wrong key, a tool's result without its call, a
prompt that is too long, and, where `refuses` names them, fields that not every server takes.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, Literal

import anyio
from anyio.abc import SocketAttribute, SocketStream

from tests.ollama_http import Wire
from tests.ollama_prompt import count_tokens
from tests.ollama_values import ApiError, Call, Exchange
from voxspark.types import ToolCall

PIECE_CHARACTERS = 5
"""Of a call's arguments, in one event."""


@dataclass
class Answer:
    """A scripted answer: text, then calls in pieces, then the figures."""

    deltas: tuple[str, ...] = ("Hello", " there.")
    calls: tuple[Call, ...] = ()
    index_stuck: bool = False
    """Every call says index 0."""
    arguments: str | None = None
    """Of the calls, in place of their JSON."""
    logprobs: tuple[float, ...] = (-0.25,)
    """Of the deltas, in turn, again and again."""
    finish: str = "stop"
    ending: Literal["done", "error", "cut", "reset"] = "done"
    """As it should; with an error object; without `[DONE]`; with the connection."""
    error: Any = "CUDA error"
    """Of the ending `error`."""
    raw: bytes | None = None
    """Sent as the whole stream."""
    hold: anyio.Event | None = None
    """The stream waits for it after its first event, or before it when it is `silent`."""
    silent: bool = False


@dataclass
class Refusal:
    """An HTTP error: its message in OpenAI's shape, or a body as it is."""

    status: int
    error: Any


class SseWire(Wire):
    """Streams events."""

    STREAM_TYPE = "text/event-stream; charset=utf-8"

    async def event(self, exchange: Exchange, data: dict[str, Any] | str) -> None:
        """One event; text outside ASCII as it is, as vLLM sends it."""
        said = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        exchange.finished = said == "[DONE]" or "error" in data
        await self.torn_line(exchange, f"data: {said}\n\n".encode(errors="replace"))


@dataclass
class OpenAiServer:
    """What a test says to the server and sees of it."""

    host: str
    models: tuple[str, ...] = ("qwen3-8b",)
    key: str = ""
    """Without it nobody is answered, where there is one."""
    context_tokens: int = 8192
    refuses: tuple[str, ...] = ()
    """Fields of a request that it does not take."""
    script: list[Answer | Refusal] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    asked: anyio.Event = field(default_factory=anyio.Event)
    left_early: anyio.Event = field(default_factory=anyio.Event)
    """Set when a client closed its connection in the middle of an answer, or before it."""

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Their bodies, in order."""
        return [exchange.request for exchange in self.exchanges]

    async def connect(self, stream: SocketStream) -> None:
        """Serve one connection."""
        async with stream:
            await SseWire(stream, self.exchanges.append, lambda: self.left_early.set()).run(self._answer)

    async def _answer(self, exchange: Exchange, wire: Wire) -> None:
        assert isinstance(wire, SseWire)
        self.asked.set()
        try:
            self._check(exchange)
            match self.script.pop(0) if self.script else Answer():
                case Refusal(status, error):
                    body = error if isinstance(error, dict) else {"error": {"message": error, "code": status}}
                    await wire.send(exchange, body, status)
                case Answer() as answer:
                    await _stream(exchange, wire, answer)
        except ApiError as error:
            body = {"error": {"message": error.error, "type": "BadRequestError", "param": None, "code": error.status}}
            await wire.send(exchange, body, error.status)

    def _check(self, exchange: Exchange) -> None:
        """Raises ApiError."""
        request = exchange.request
        if (exchange.method, exchange.path) != ("POST", "/v1/chat/completions"):
            raise ApiError(404, "Not Found")
        if self.key and exchange.headers.get("authorization") != f"Bearer {self.key}":
            raise ApiError(401, f"Incorrect API key provided: {exchange.headers.get('authorization')}")
        if request["model"] not in self.models:
            raise ApiError(404, f"The model `{request['model']}` does not exist.")
        for name in self.refuses:
            if name in request:
                raise ApiError(400, f"Unrecognized request argument supplied: {name}")
        for problem in _odd_messages(request["messages"]):
            raise ApiError(400, problem)
        said = [{"content": json.dumps(message["content"])} for message in request["messages"]]
        if count_tokens(said, request.get("tools", ())) > self.context_tokens:
            raise ApiError(400, f"This model's maximum context length is {self.context_tokens} tokens.")


def _odd_messages(messages: list[dict[str, Any]]) -> Iterator[str]:
    """What OpenAI refuses in a conversation with tools."""
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if message.get("tool_call_id") not in waiting:
                yield "messages with role 'tool' must be a response to a preceding message with 'tool_calls'"
            else:
                waiting.remove(message["tool_call_id"])
        elif waiting:
            yield f"An assistant message with 'tool_calls' must be followed by tool messages: {waiting}"
        for call in message.get("tool_calls", ()):
            if call["type"] != "function" or not isinstance(json.loads(call["function"]["arguments"]), dict):
                yield "a call is a function with an object as JSON"
            waiting.append(call["id"])
        if len(set(waiting)) < len(waiting):
            yield "two calls have one id"


async def _stream(exchange: Exchange, wire: SseWire, answer: Answer) -> None:
    if answer.silent and answer.hold:
        await answer.hold.wait()
    if answer.raw is not None:
        await wire.torn_line(exchange, answer.raw)
        await wire.end(exchange)
        return
    await wire.torn_line(exchange, b": a comment, as a ping\n\n")
    for number, chunk in enumerate(_chunks(exchange, answer)):
        await wire.event(exchange, chunk)
        if number == 1 and answer.hold:
            await answer.hold.wait()
    match answer.ending:
        case "reset":
            await wire.reset()
            return
        case "error":
            await wire.event(exchange, answer.error if isinstance(answer.error, dict) else {"error": answer.error})
        case "done":
            if exchange.request.get("stream_options", {}).get("include_usage"):
                usage = {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27}
                await wire.event(exchange, _chunk(exchange, usage=usage))
            await wire.event(exchange, "[DONE]")
    await wire.end(exchange)


def _chunks(exchange: Exchange, answer: Answer) -> Iterator[dict[str, Any]]:
    logprobs = cycle(answer.logprobs)
    yield _chunk(exchange, {"role": "assistant", "content": None})
    for text in answer.deltas:
        told: dict[str, Any] = {}
        if exchange.request.get("logprobs"):
            token = {"token": text, "logprob": next(logprobs), "bytes": None, "top_logprobs": []}
            told = {"logprobs": {"content": [token]}}
        yield _chunk(exchange, {"content": text}, **told)
    for number, call in enumerate(answer.calls):
        index = 0 if answer.index_stuck else number
        for part in _in_pieces(call, answer.arguments):
            yield _chunk(exchange, {"tool_calls": [{"index": index, **part}]})
    if answer.ending == "done":
        yield _chunk(exchange, {}, finish_reason="tool_calls" if answer.calls else answer.finish)


def _in_pieces(call: Call, arguments: str | None) -> Iterator[dict[str, Any]]:
    """Name and id first, then the arguments a few characters at a time."""
    yield {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
    text = json.dumps(call.arguments, ensure_ascii=False) if arguments is None else arguments
    for start in range(0, len(text), PIECE_CHARACTERS):
        yield {"function": {"arguments": text[start : start + PIECE_CHARACTERS]}}


def _chunk(
    exchange: Exchange, delta: dict[str, Any] | None = None, usage: dict[str, int] | None = None, **more: Any
) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": None, **more}]
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_795_515_729}
    return {**head, "model": exchange.request["model"], "choices": choices, **({"usage": usage} if usage else {})}


def as_told(call: Call) -> ToolCall:
    """What should come out for it."""
    return ToolCall(call.name, call.arguments, call.id)


@asynccontextmanager
async def openai_server() -> AsyncIterator[OpenAiServer]:
    """A server on a free port of 127.0.0.1, for as long as the block lasts."""
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        server = OpenAiServer(f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}")
        group.start_soon(listener.serve, server.connect)
        yield server
        group.cancel_scope.cancel()
