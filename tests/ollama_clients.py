"""Clients of the Ollama for tests, and what the tests of it share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import anyio
from anyio.abc import SocketAttribute, SocketStream

from tests.ollama_server import OllamaServer
from voxspark.engines.ollama.client import ChatPart, ModelOptions, OllamaClient
from voxspark.types import Message

QWEN = ModelOptions(model="qwen3:8b", context_tokens=8192, sampling={"temperature": 0.7, "num_predict": 400})
NOMIC = ModelOptions(model="nomic-embed-text", context_tokens=2048)
HELLO = [Message("user", "Hello?")]


@asynccontextmanager
async def client_of(server: OllamaServer | str, **settings: Any) -> AsyncIterator[OllamaClient]:
    """A client that does not wait between the attempts of a download, closed at the end."""
    host = server if isinstance(server, str) else server.host
    made = OllamaClient(host, **{"backoff_seconds": 0.0, **settings})
    try:
        yield made
    finally:
        await made.aclose()


async def parts(
    client: OllamaClient, options: ModelOptions = QWEN, messages: Sequence[Message] = HELLO, **more: Any
) -> list[ChatPart]:
    """A whole answer."""
    async with aclosing(client.chat(options, messages, **more)) as answer:
        return [part async for part in answer]


@asynccontextmanager
async def answering(body: bytes) -> AsyncIterator[str]:
    """The address of a server that answers every request with this, under HTTP 200."""

    async def answer(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
            await stream.send(head + body)

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, answer)
        yield f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        group.cancel_scope.cancel()
