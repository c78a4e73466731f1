"""HTTP/1.1 as Go's server speaks it: connections stay open, streams are chunked, a hang-up ends the request."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import anyio
from anyio.abc import SocketStream

from tests.ollama_values import Exchange

MAX_HEAD_BYTES = 65_536

Answer = Callable[[Exchange, "Wire"], Awaitable[None]]


class Wire:
    """One connection. What the client sends while an answer is under way waits for its turn."""

    STREAM_TYPE = "application/x-ndjson"

    def __init__(self, stream: SocketStream, received: Callable[[Exchange], None], left: Callable[[], None]) -> None:
        self._stream = stream
        self._received = received
        self._left = left
        self._buffer = bytearray()
        self._open = False
        self._streaming = False

    async def run(self, answer: Answer) -> None:
        """Answer one request after another until somebody closes."""
        self._open = True
        while self._open:
            try:
                exchange = await self._receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return
            self._received(exchange)
            self._streaming = False
            async with anyio.create_task_group() as group:
                group.start_soon(self._watch, exchange, group.cancel_scope)
                try:
                    await answer(exchange, self)
                except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                    self._hung_up(exchange)
                group.cancel_scope.cancel()

    # ── answers ─────────────────────────────────────────────────────────────────────────────────

    async def send(self, exchange: Exchange, body: dict[str, Any], status: int = 200) -> None:
        """One whole JSON body."""
        exchange.status = status
        exchange.frames.append(body)
        exchange.finished = True
        raw = json.dumps(body, ensure_ascii=False).encode(errors="replace")
        await self._head(status, "application/json; charset=utf-8", f"Content-Length: {len(raw)}")
        await self._stream.send(raw)

    async def begin(self, exchange: Exchange) -> None:
        """The head of a stream, if it has not been sent."""
        if not self._streaming:
            self._streaming = True
            exchange.status, exchange.streamed = 200, True
            await self._head(200, self.STREAM_TYPE, "Transfer-Encoding: chunked")

    async def line(self, exchange: Exchange, frame: dict[str, Any]) -> None:
        """One line of NDJSON."""
        await self.begin(exchange)
        exchange.frames.append(frame)
        exchange.finished = frame.get("done", False) or frame.get("status") == "success" or "error" in frame
        await self._chunk(json.dumps(frame, ensure_ascii=False).encode(errors="replace") + b"\n")

    async def torn_line(self, exchange: Exchange, raw: bytes) -> None:
        """A line that is none."""
        await self.begin(exchange)
        await self._chunk(raw)

    async def end(self, exchange: Exchange) -> None:
        """The regular end of a stream."""
        await self.begin(exchange)
        await self._stream.send(b"0\r\n\r\n")

    async def reset(self) -> None:
        """Close in the middle of an answer."""
        self._open = False
        await self._stream.aclose()

    async def _chunk(self, raw: bytes) -> None:
        await self._stream.send(b"%x\r\n%s\r\n" % (len(raw), raw))

    async def _head(self, status: int, content_type: str, length: str) -> None:
        head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: {content_type}\r\n{length}\r\n\r\n"
        await self._stream.send(head.encode())

    # ── requests ────────────────────────────────────────────────────────────────────────────────

    async def _receive(self) -> Exchange:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise anyio.EndOfStream
            self._buffer += await self._stream.receive()
        request_line, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size = int(headers.get("content-length", "0"))
        while len(self._buffer) < size:
            self._buffer += await self._stream.receive()
        raw = bytes(self._buffer[:size])
        del self._buffer[:size]
        method, path, _ = request_line.split(maxsplit=2)
        return Exchange(method, path, json.loads(raw) if raw else {}, headers)

    async def _watch(self, exchange: Exchange, answering: anyio.CancelScope) -> None:
        """End the answer when the client hangs up."""
        try:
            while True:
                self._buffer += await self._stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            self._hung_up(exchange)
            answering.cancel()

    def _hung_up(self, exchange: Exchange) -> None:
        if self._open and not exchange.finished:
            self._left()
        self._open = False
