"""A faithful Ollama over real HTTP, for tests: its memory, its API, its quirks; it records, and keeps to the contract.

    async with ollama_server() as server:
        server.models["gpt-oss:120b"] = Served(family="gptoss", weights_bytes=65_300_000_000, kv_bytes_per_token=36_864)
        server.memory_bytes = 100_000_000_000
        server.script = [Reply(("Hello", " there.")), Refusal(500, "out of memory")]
        ... OllamaChat(ChatSettings(host=server.host, model="qwen3:8b"))
        assert server.chats[0]["messages"] == ...
        assert server.reloads("qwen3:8b") == {}

What is scripted is used up one generation at a time; after it every one gets a plain answer. On leaving, every request
and every answer is checked against tests/contracts/ollama-openapi.yaml.

- `ollama_values`: what a test says and reads. `ollama_traces`: the quirks by name. `ollama_live`: a real small model.
- `ollama_memory`: which models are in memory. `ollama_prompt`: what reaches the model.
- `ollama_api`, `ollama_answers`, `ollama_bodies`, `ollama_http`: endpoints, frames, fields, bytes.

Behaviour is that of ollama@fb30760996 (2026-08-21, v0.33.0-rc2), read in its source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import Listener, SocketAttribute, SocketStream, TaskGroup, TaskStatus

from tests.contract import differences
from tests.ollama_api import answer
from tests.ollama_http import Wire
from tests.ollama_live import Live
from tests.ollama_memory import KEEP_ALIVE_SECONDS, Memory, Runner
from tests.ollama_prompt import Renders
from tests.ollama_values import LOAD_OOM, RUN_OOM, Call, Exchange, Loading, Pull, Refusal, Reply, Served

__all__ = [
    "LOAD_OOM",
    "RUN_OOM",
    "Call",
    "Exchange",
    "Loading",
    "OllamaServer",
    "Pull",
    "Refusal",
    "Reply",
    "Served",
    "ollama_server",
]

Models = dict[str, Served | tuple[str, ...]]


def _models() -> Models:
    return {"qwen3:8b": Served(), "llama3.2:3b": Served(("completion",), family="llama")}


@dataclass
class OllamaServer:
    """What a test says to the server and sees of it."""

    host: str
    models: Models = field(default_factory=_models)
    """What is on its disk, by full tag; a tuple of capabilities stands for a model of qwen3:8b's size."""
    script: list[Reply | Refusal] = field(default_factory=list)
    script_of: dict[str, list[Reply | Refusal]] = field(default_factory=dict)
    """For one model, by full tag; goes before `script`. A `Refusal` here is for embeddings too."""
    respond: Callable[[dict[str, Any]], Reply | Refusal] | None = None
    """From a request to its answer, where nothing is scripted."""
    pulls: dict[str, Pull] = field(default_factory=dict)
    """What can be downloaded."""
    exchanges: list[Exchange] = field(default_factory=list)
    asked: anyio.Event = field(default_factory=anyio.Event)
    """Set when the first chat or generate request has come."""
    left_early: anyio.Event = field(default_factory=anyio.Event)
    """Set when a client closed its connection in the middle of an answer, or before it."""
    version: str = "0.33.0"
    renders: Renders = "json"
    """How `_debug_render_only` shows that tools reach a model."""
    memory: Memory = field(default_factory=Memory)
    live: Live | None = None
    _group: TaskGroup | None = None
    _running: anyio.CancelScope | None = None
    _stopped: anyio.Event = field(default_factory=anyio.Event)

    # ── memory ──────────────────────────────────────────────────────────────────────────────────

    @property
    def memory_bytes(self) -> int | None:
        """Of its GPU; None is endless."""
        return self.memory.bytes

    @memory_bytes.setter
    def memory_bytes(self, size_bytes: int | None) -> None:
        self.memory.bytes = size_bytes

    @property
    def loaded(self) -> dict[str, Runner]:
        """What is in memory, by full tag."""
        return {runner.model: runner for runner in self.memory.running()}

    @property
    def loads(self) -> int:
        """How often a model was loaded; a client that changes num_ctx pays for it here."""
        return len(self.memory.loadings)

    def reloads(self, model: str) -> Counter[str]:
        """How often each option made a model load again."""
        return self.memory.reloads(self.full_name(model))

    def put_foreign(
        self,
        tag: str,
        size_bytes: int,
        *,
        context_tokens: int = 4096,
        keep_alive_seconds: float = KEEP_ALIVE_SECONDS,
    ) -> None:
        """Another program has loaded a model; it is on the disk as well, then."""
        name = self.full_name(tag)
        self.models.setdefault(name, Served(weights_bytes=size_bytes, kv_bytes_per_token=0))
        self.memory.put(name, self.served()[name], size_bytes, context_tokens, keep_alive_seconds)

    def remove(self, tag: str) -> None:
        """A model is out of memory at once, without a request."""
        self.memory.remove(self.full_name(tag))

    # ── life ────────────────────────────────────────────────────────────────────────────────────

    async def stop(self) -> None:
        """As `kill`: connections break in mid-answer, nobody listens any more, nothing is in memory."""
        assert self._running is not None, "the server is not running"
        self._running.cancel()
        await self._stopped.wait()

    async def start(self) -> None:
        """Listen on the same port again, with the same disk and an empty memory."""
        assert self._group is not None
        port = int(self.host.rsplit(":", 1)[1])
        await self._group.start(self._serve, await _listener(port))

    async def _serve(self, listener: Listener[SocketStream], *, task_status: TaskStatus[None]) -> None:
        self._stopped = anyio.Event()
        with anyio.CancelScope() as self._running:
            async with listener:
                task_status.started()
                await listener.serve(self._connect)
        self._running = None
        self.memory.forget_everything()
        self._stopped.set()

    async def _connect(self, stream: SocketStream) -> None:
        async with stream:
            wire = Wire(stream, self.exchanges.append, lambda: self.left_early.set())
            await wire.run(lambda exchange, wire: answer(self, exchange, wire))

    # ── for the endpoints ───────────────────────────────────────────────────────────────────────

    def full_name(self, tag: str) -> str:
        """With `:latest` where no tag is said."""
        return tag if ":" in tag or not tag else f"{tag}:latest"

    def served(self) -> dict[str, Served]:
        """Everything on its disk."""
        return {
            self.full_name(tag): what if isinstance(what, Served) else Served(what) for tag, what in self.models.items()
        }

    def next_reply(self, name: str, request: dict[str, Any], *, shared: bool = True) -> Reply | Refusal | None:
        """What the script says next."""
        for script in (self.script_of.get(name), self.script if shared else None):
            if script:
                return script.pop(0)
        return self.respond(request) if self.respond and shared else None

    # ── for assertions ──────────────────────────────────────────────────────────────────────────

    @property
    def chats(self) -> list[dict[str, Any]]:
        """The bodies of the chat requests, in order."""
        return self.requests("/api/chat")

    def requests(self, path: str) -> list[dict[str, Any]]:
        """The bodies of the requests to one endpoint, in order."""
        return [exchange.request for exchange in self.exchanges if exchange.path == path]

    def paths(self) -> list[str]:
        """The endpoints that were asked, in order."""
        return [exchange.path for exchange in self.exchanges]

    def broken_promises(self) -> list[str]:
        """Every difference from the contract so far, in requests and in answers."""
        return [problem for exchange in self.exchanges for problem in differences(exchange)]


async def _listener(port: int) -> Listener[SocketStream]:
    return await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port)


@asynccontextmanager
async def ollama_server(*, live: bool = False) -> AsyncIterator[OllamaServer]:
    """A server on a free port of 127.0.0.1, for as long as the block lasts. `live`: a real model answers chats."""
    listener = await _listener(0)
    server = OllamaServer(f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}")
    async with anyio.create_task_group() as group:
        server._group = group
        server.live = Live() if live else None
        try:
            await group.start(server._serve, listener)
            yield server
        finally:
            group.cancel_scope.cancel()
            if server.live is not None:
                server.live.close()
    assert not server.broken_promises(), "\n".join(server.broken_promises())
