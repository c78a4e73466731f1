"""An OpenAI-compatible server before another one, which makes its model call what a test says.

SmolLM2 calls no tools of its own accord, and llama-server forces none with it (`tool_choice` is ignored, a grammar
beside tools refused). What it does take is a schema for the answer, so the model writes the call itself, token by
token, as a bare JSON object: what ollama#11662 and others let through in place of a call.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import anyio
import httpx
from anyio.abc import SocketAttribute, SocketStream

from tests.ollama_http import Wire
from tests.ollama_values import Call, Exchange
from tests.openai_server import SseWire

SECONDS = 120.0


class ForcingServer:
    """Passes everything on as it is, but for the schema."""

    def __init__(self, host: str, behind: httpx.AsyncClient) -> None:
        self.host = host
        self.force: Call | None = None
        """What every question with tools is answered with."""
        self.requests: list[dict[str, Any]] = []
        """The bodies that came, in order."""
        self._behind = behind

    async def connect(self, stream: SocketStream) -> None:
        """Serve one connection."""
        async with stream:
            await SseWire(stream, lambda exchange: self.requests.append(exchange.request), lambda: None).run(self._pass)

    async def _pass(self, exchange: Exchange, wire: Wire) -> None:
        request = dict(exchange.request)
        if self.force and request.get("tools") and request["messages"][-1]["role"] == "user":
            request["response_format"] = _only(self.force)
        async with self._behind.stream(exchange.method, exchange.path, json=request) as response:
            if response.is_error:
                await wire.send(exchange, json.loads(await response.aread()), response.status_code)
                return
            async with aclosing(response.aiter_bytes()) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    await wire.torn_line(exchange, piece)
        await wire.end(exchange)


def _only(call: Call) -> dict[str, Any]:
    """A schema that nothing but this call fits."""
    arguments = {"type": "object", "properties": {}, "required": list(call.arguments)}
    arguments["properties"] = {name: {"const": value} for name, value in call.arguments.items()}
    parts = {"name": {"const": call.name}, "arguments": arguments}
    schema = {"type": "object", "properties": parts, "required": list(parts)}
    return {"type": "json_schema", "json_schema": {"name": "call", "schema": schema}}


@asynccontextmanager
async def forcing_server(behind: str, key: str) -> AsyncIterator[ForcingServer]:
    """Before the server at that address, for as long as the block lasts."""
    client = httpx.AsyncClient(base_url=behind, headers={"Authorization": f"Bearer {key}"}, timeout=SECONDS)
    async with (
        client,
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as group,
    ):
        server = ForcingServer(f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}", client)
        group.start_soon(listener.serve, server.connect)
        yield server
        group.cancel_scope.cancel()
