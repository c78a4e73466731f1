"""A fake Ollama over real HTTP: answers as tests/contracts/ollama-openapi.yaml says, from a script, and records.

    async with ollama_server() as server:
        server.script = [Reply(("Hello", " there.")), Refusal(500, "out of memory")]
        ... OllamaChat(ChatSettings(host=server.host, model="qwen3:8b"))
        assert server.chats[0]["messages"] == ...

What is scripted is used up one chat at a time; after it every chat gets a plain `Reply()`. On leaving, every body that
was sent or received is checked against the contract.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import anyio
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.contract import violations

CREATED_AT = "2026-11-24T09:30:00.123456Z"
DIGEST = "500a1f067a9f782620b40bee6f7b0c89e17ae61f686b92c24933e4ca4b2b8b41"
DETAILS = {
    "parent_model": "",
    "format": "gguf",
    "family": "qwen3",
    "families": ["qwen3"],
    "parameter_size": "8.2B",
    "quantization_level": "Q4_K_M",
}
SUMMARY = {name: value for name, value in DETAILS.items() if name != "parent_model"}
STATUS_TEXT = {200: "OK", 400: "Bad Request", 404: "Not Found", 500: "Internal Server Error", 503: "Unavailable"}

Ending = Literal["done", "error", "cut_line", "clean_death", "reset"]
"""How a stream ends: as it should; with an error object; inside a line; without a last frame; with the connection."""


@dataclass
class Reply:
    """A streamed answer."""

    deltas: tuple[str, ...] = ("Hello", " there.")
    thinking: tuple[str, ...] = ()
    done_reason: str = "stop"
    ending: Ending = "done"
    hold: anyio.Event | None = None
    """The stream waits for it after its first delta: slow tokens, without a clock."""
    silent: bool = False
    """Nothing is sent before `hold` is set, not even the head."""


@dataclass
class Refusal:
    """An HTTP error."""

    status: int
    error: str


@dataclass
class Exchange:
    """One request and what was answered."""

    path: str
    request: dict[str, Any]
    status: int = 0
    frames: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class OllamaServer:
    """What a test says to the server and sees of it."""

    host: str
    models: dict[str, tuple[str, ...]] = field(
        default_factory=lambda: {"qwen3:8b": ("completion", "tools", "thinking"), "llama3.2:3b": ("completion",)}
    )
    """The models it has, with their capabilities."""
    script: list[Reply | Refusal] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    loaded: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    """Loaded models with the options that cannot change without loading them again."""
    loads: int = 0
    """How often a model was loaded; a client that changes num_ctx pays for it here."""
    asked: anyio.Event = field(default_factory=anyio.Event)
    """Set when the first chat request has come."""
    left_early: anyio.Event = field(default_factory=anyio.Event)
    """Set when a client closed its connection in the middle of an answer."""

    @property
    def chats(self) -> list[dict[str, Any]]:
        """The bodies of the chat requests, in order."""
        return [exchange.request for exchange in self.exchanges if exchange.path == "/api/chat"]

    def paths(self) -> list[str]:
        return [exchange.path for exchange in self.exchanges]

    def broken_promises(self) -> list[str]:
        """Every difference from the contract so far, in requests and in answers."""
        return [problem for exchange in self.exchanges for problem in _differences(exchange)]


SCHEMAS = {
    "/api/chat": ("ChatRequest", "ChatResponse"),
    "/api/show": ("ShowRequest", "ShowResponse"),
    "/api/tags": (None, "ListResponse"),
    "/api/ps": (None, "PsResponse"),
    "/api/version": (None, "VersionResponse"),
}


def _differences(exchange: Exchange) -> Iterator[str]:
    request, response = SCHEMAS[exchange.path]
    if request:
        yield from violations(request, exchange.request)
    for frame in exchange.frames:
        yield from violations("ErrorResponse" if "error" in frame else response, frame)


@asynccontextmanager
async def ollama_server() -> AsyncIterator[OllamaServer]:
    """A server on a free port of 127.0.0.1, for as long as the block lasts."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    server = OllamaServer(f"http://127.0.0.1:{port}")

    async def serve(stream: SocketStream) -> None:
        async with stream:
            await _Connection(server, stream).run()

    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        yield server
        group.cancel_scope.cancel()
    assert server.broken_promises() == []


class _Connection:
    """One request of HTTP/1.1; the connection closes behind its answer."""

    def __init__(self, server: OllamaServer, stream: SocketStream) -> None:
        self._server = server
        self._stream = stream

    async def run(self) -> None:
        try:
            path, body = await self._receive()
        except (anyio.EndOfStream, anyio.IncompleteRead):
            return
        exchange = Exchange(path, body)
        self._server.exchanges.append(exchange)
        try:
            await self._answer(exchange)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            self._server.left_early.set()

    async def _receive(self) -> tuple[str, dict[str, Any]]:
        buffered = BufferedByteReceiveStream(self._stream)
        head = (await buffered.receive_until(b"\r\n\r\n", 65_536)).decode("latin-1")
        request_line, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        raw = await buffered.receive_exactly(int(headers.get("content-length", "0")))
        return request_line.split()[1], json.loads(raw) if raw else {}

    async def _answer(self, exchange: Exchange) -> None:
        server, request = self._server, exchange.request
        model = request.get("model", "")
        match exchange.path:
            case "/api/version":
                await self._send(exchange, {"version": "0.33.0"})
            case "/api/tags":
                await self._send(exchange, {"models": [_summary(name) for name in server.models]})
            case "/api/ps":
                await self._send(exchange, {"models": [_running(name, *key) for name, key in server.loaded.items()]})
            case "/api/show" | "/api/chat" if model not in server.models:
                await self._send(exchange, {"error": f"model '{model}' not found"}, 404)
            case "/api/show":
                await self._send(exchange, _shown(server.models[model]))
            case "/api/chat":
                await self._chat(exchange, server.models[model])
            case _:
                raise AssertionError(f"the fake has no {exchange.path}")

    async def _chat(self, exchange: Exchange, capabilities: tuple[str, ...]) -> None:
        request, server = exchange.request, self._server
        server.asked.set()
        if request.get("think") and "thinking" not in capabilities:
            await self._send(exchange, {"error": f'"{request["model"]}" does not support thinking'}, 400)
            return
        key = (request.get("options", {}).get("num_ctx", 4096), request.get("keep_alive", "5m"))
        if server.loaded.get(request["model"], (None,))[0] != key[0]:
            server.loads += 1
        server.loaded[request["model"]] = key
        if not request["messages"]:
            await self._send(exchange, _last_frame(request["model"], "load"))
            return
        reply = server.script.pop(0) if server.script else Reply()
        if isinstance(reply, Refusal):
            await self._send(exchange, {"error": reply.error}, reply.status)
            return
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch, group.cancel_scope)
            await self._stream_reply(exchange, reply)
            group.cancel_scope.cancel()

    async def _watch(self, answering: anyio.CancelScope) -> None:
        """End the answer when the client hangs up."""
        try:
            await self._stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            self._server.left_early.set()
            answering.cancel()

    async def _stream_reply(self, exchange: Exchange, reply: Reply) -> None:
        if reply.silent and reply.hold:
            await reply.hold.wait()
        exchange.status = 200
        await self._head(200, "application/x-ndjson", "Transfer-Encoding: chunked")
        async for line in _lines(exchange, reply):
            await self._stream.send(b"%x\r\n%s\r\n" % (len(line), line))
        if reply.ending != "reset":
            await self._stream.send(b"0\r\n\r\n")

    async def _send(self, exchange: Exchange, body: dict[str, Any], status: int = 200) -> None:
        exchange.status = status
        exchange.frames.append(body)
        raw = json.dumps(body).encode()
        await self._head(status, "application/json; charset=utf-8", f"Content-Length: {len(raw)}")
        await self._stream.send(raw)

    async def _head(self, status: int, content_type: str, length: str) -> None:
        head = f"HTTP/1.1 {status} {STATUS_TEXT[status]}\r\nContent-Type: {content_type}\r\n{length}\r\n"
        await self._stream.send(f"{head}Connection: close\r\n\r\n".encode())


async def _lines(exchange: Exchange, reply: Reply) -> AsyncGenerator[bytes, None]:
    """The NDJSON lines of a reply; the frames are recorded as they go."""
    model = exchange.request["model"]

    def line(frame: dict[str, Any]) -> bytes:
        exchange.frames.append(frame)
        return json.dumps(frame, ensure_ascii=False).encode() + b"\n"

    for thought in reply.thinking:
        yield line(_frame(model, {"role": "assistant", "content": "", "thinking": thought}))
    limit = exchange.request.get("options", {}).get("num_predict", len(reply.deltas))
    for index, delta in enumerate(reply.deltas[:limit]):
        yield line(_frame(model, {"role": "assistant", "content": delta}))
        if index == 0 and reply.hold:
            await reply.hold.wait()
    match reply.ending:
        case "done":
            yield line(_last_frame(model, reply.done_reason))
        case "error":
            yield line({"error": "llama runner process has terminated"})
        case "cut_line":
            yield b'{"model":"qwen3:8b","created_at":"2026-11-2'
        case "clean_death" | "reset":
            return


def _frame(model: str, message: dict[str, Any]) -> dict[str, Any]:
    return {"model": model, "created_at": CREATED_AT, "message": message, "done": False}


def _last_frame(model: str, reason: str) -> dict[str, Any]:
    return {
        **_frame(model, {"role": "assistant", "content": ""}),
        "done": True,
        "done_reason": reason,
        "total_duration": 174_560_334,
        "load_duration": 101_397_084,
        "prompt_eval_count": 11,
        "prompt_eval_duration": 13_074_791,
        "eval_count": 18,
        "eval_duration": 52_479_709,
    }


def _summary(name: str) -> dict[str, Any]:
    size = 5_225_388_164
    return {
        "name": name,
        "model": name,
        "modified_at": CREATED_AT,
        "size": size,
        "digest": DIGEST,
        "details": SUMMARY,
    }


def _running(name: str, context_length: int, keep_alive: str | int) -> dict[str, Any]:
    for_ever = isinstance(keep_alive, int) and keep_alive < 0
    return {
        "name": name,
        "model": name,
        "size": 6_591_830_464,
        "digest": DIGEST,
        "details": DETAILS,
        "expires_at": "2318-03-06T10:17:16.85Z" if for_ever else CREATED_AT,
        "size_vram": 6_591_830_464,
        "context_length": context_length,
    }


def _shown(capabilities: tuple[str, ...]) -> dict[str, Any]:
    return {
        "parameters": "temperature 0.6\ntop_p 0.95",
        "license": "Apache-2.0",
        "modified_at": CREATED_AT,
        "details": DETAILS,
        "template": "{{ .Prompt }}",
        "capabilities": list(capabilities),
        "model_info": {"general.architecture": "qwen3", "qwen3.context_length": 40_960},
    }
