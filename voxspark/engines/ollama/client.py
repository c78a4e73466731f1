"""The one client of an Ollama server: for chats, embeddings, and the memory plan."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import anyio

from voxspark.engines.ollama.errors import Edge
from voxspark.engines.ollama.pull import PullProgress, resumed
from voxspark.engines.ollama.values import (
    GPT_OSS,
    ChatPart,
    ModelOptions,
    Pulled,
    Running,
    Shown,
    full_name,
    part_of,
    shown_of,
    wire_messages,
)
from voxspark.engines.sendable import encodable
from voxspark.errors import ChatError, EngineError
from voxspark.types import Message

if TYPE_CHECKING:
    import ssl

    from ollama import ProgressResponse

__all__ = [
    "ChatPart",
    "ModelOptions",
    "OllamaClient",
    "PullProgress",
    "Pulled",
    "Running",
    "Shown",
    "full_name",
]

CONNECT_SECONDS = 2.0

READ_SECONDS = 60.0
"""Between two pieces of an answer; the first one waits for the prompt to be read."""

LOAD_SECONDS = 330.0
"""For the answer to a load. Ollama gives up after OLLAMA_LOAD_TIMEOUT, 5 minutes (spark.md 3.4); its own reason comes
first. A pull is as silent while it checks a layer of 65 GB."""

UNLOAD_SECONDS = 60.0
"""Until an unloaded model is gone: it first ends what it is doing (spark.md 6.1)."""

POLL_SECONDS = 0.1


@cache
def _tls() -> ssl.SSLContext:
    """One for all clients: it takes 20 ms to make, and most never use it."""
    import httpx

    return httpx.create_ssl_context(trust_env=False)


class OllamaClient:
    """One Ollama server. Everything raises EngineError, in the class that was asked for."""

    def __init__(
        self,
        host: str,
        *,
        error: type[EngineError] = ChatError,
        read_seconds: float = READ_SECONDS,
        load_seconds: float = LOAD_SECONDS,
        unload_seconds: float = UNLOAD_SECONDS,
        backoff_seconds: float = 1.0,
    ) -> None:
        """Nothing is sent yet. Raises EngineError for a host that is no address."""
        import httpx
        from ollama import AsyncClient

        self.host = host
        self._edge = Edge(host, error)
        self._unload_seconds = unload_seconds
        self._backoff_seconds = backoff_seconds
        self._shown: dict[str, Shown] = {}
        # trust_env: an HTTP_PROXY of the session must not see what is said at home.
        connect = partial(AsyncClient, host, trust_env=False, verify=_tls())
        try:
            self._brisk: Any = connect(timeout=httpx.Timeout(read_seconds, connect=CONNECT_SECONDS))
            self._patient: Any = connect(timeout=httpx.Timeout(load_seconds, connect=CONNECT_SECONDS))
        except (ValueError, httpx.InvalidURL) as reason:
            raise error(
                "ollama-address", "The address of Ollama is not an address.", f"Correct it: {host!r}."
            ) from reason

    async def version(self) -> str:
        """Of the server."""
        with self._edge.converting():
            return str((await self._raw(dict, "GET", "/api/version"))["version"])

    async def pulled(self) -> list[Pulled]:
        """The models on its disk."""
        with self._edge.converting():
            told = await self._brisk.list()
            return [Pulled(row.model or "", int(row.size or 0)) for row in told.models]

    async def running(self) -> list[Running]:
        """The models in its memory, whoever loaded them."""
        with self._edge.converting():
            told = await self._brisk.ps()
            return [
                Running(
                    row.name or row.model or "", int(row.size or 0), int(row.size_vram or 0), row.context_length or 0
                )
                for row in told.models
            ]

    async def show(self, model: str) -> Shown:
        """What a model is; asked once per model, and again after a pull."""
        name = full_name(model)
        if (shown := self._shown.get(name)) is None:
            with self._edge.converting(model):
                shown = self._shown[name] = await self._raw(shown_of, "POST", "/api/show", {"model": model})
        return shown

    async def chat(
        self,
        options: ModelOptions,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        format: str | Mapping[str, Any] | None = None,
        think: bool | str | None = None,
        num_predict: int | None = None,
        logprobs: bool = False,
        patient: bool = False,
    ) -> AsyncGenerator[ChatPart, None]:
        """The pieces of an answer, the last one done; closing the generator stops the model.

        `tools` are OpenAI-style dicts. `format` is `json` or a JSON schema. `think` is off where it can be, unless
        said otherwise. `patient` is for a chat that will load the model.
        """
        body = _chat_body(options, messages, tools)
        if logprobs:
            body["logprobs"] = True
        if format:
            body["format"] = format
        if num_predict is not None:
            body["options"]["num_predict"] = num_predict
        if (thinking := self._thinking(await self.show(options.model), think)) is not None:
            body["think"] = thinking
        done = False
        with self._edge.converting(options.model):
            async with aclosing(self._frames(self._patient if patient else self._brisk, body)) as parts:
                async for part in parts:
                    done = part.done
                    yield part
        if not done:
            raise self._edge.interrupted()

    async def rendered(
        self, options: ModelOptions, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]
    ) -> str:
        """The prompt as the model would be given it; empty where this Ollama does not tell. Loads the model.

        `_debug_render_only` is in Ollama's source and not in its documents (api/types.go).
        """
        body = _chat_body(options, messages, tools) | {"stream": False, "_debug_render_only": True}
        body["options"]["num_predict"] = 1
        if (thinking := self._thinking(await self.show(options.model), None)) is not None:
            body["think"] = thinking
        with self._edge.converting(options.model):
            told = await self._patient._request(dict, "POST", "/api/chat", json=body)
            shown = told.get("_debug_info") or told.get("debug_info") or {}
            return str(shown.get("rendered_template") or "")

    async def embed(self, options: ModelOptions, texts: Sequence[str]) -> list[list[float]]:
        """One vector per text. A text that is too long is an error, as in a chat."""
        return await self._embed(self._brisk, options, texts) if texts else []

    async def preload(self, options: ModelOptions) -> None:
        """Bring a model into memory; returns when it is there."""
        if (await self.show(options.model)).embeds_only:
            await self._embed(self._patient, options, [])
            return
        async with aclosing(self.chat(options, [], patient=True)) as parts:
            async for _ in parts:
                pass

    async def unload(self, model: str) -> None:
        """Take a model out of memory; returns when it is gone. Raises EngineError, `model-stays` when it is in use."""
        with self._edge.converting(model):
            await self._patient.generate(model, keep_alive=0)
        with anyio.move_on_after(self._unload_seconds):
            while any(full_name(model) == row.name for row in await self.running()):
                await anyio.sleep(POLL_SECONDS)
            return
        raise self._edge.error(
            "model-stays",
            f"The model {model} stays in memory.",
            f"Another program is using it: look at what else talks to {self.host}, and at: ollama ps",
        )

    def pull(self, model: str) -> AsyncGenerator[PullProgress, None]:
        """Download a model; closing the generator stops it, and another pull goes on from there."""
        return resumed(model, partial(self._pull, model), self._edge, self._backoff_seconds)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._brisk.close()
        await self._patient.close()

    async def _raw(
        self,
        shape: Any,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """With `_frames`, what goes around the typed requests of `ollama`; this by the method that they all use.

        They drop `truncate`, `shift`, most of a tool's schema and the ids of tool calls, refuse an `/api/show` without
        `model_info`, and have none for `/api/version`. `shape` is called with the fields of each answer.
        """
        return await self._brisk._request(shape, method, path, json=body)

    @staticmethod
    async def _frames(client: Any, body: Mapping[str, Any]) -> AsyncGenerator[ChatPart, None]:
        """The frames of `/api/chat`."""
        from ollama import ResponseError

        async with client._client.stream("POST", "/api/chat", json=body) as response:
            if response.is_error:
                raise ResponseError((await response.aread()).decode(errors="replace"), response.status_code)
            async with aclosing(_lines(response)) as lines:
                async for line in lines:
                    frame = json.loads(line)
                    if error := frame.get("error"):
                        raise ResponseError(error)
                    yield part_of(**frame)

    @staticmethod
    def _thinking(shown: Shown, wanted: bool | str | None) -> bool | str | None:
        """What `think` is sent. Omitted it is on; sent to a model that cannot think, an error (agent.md 1.2)."""
        if "thinking" not in shown.capabilities:
            return None
        if shown.family in GPT_OSS and not isinstance(wanted, str):
            return "medium" if wanted else "low"
        return wanted or False

    async def _embed(self, client: Any, options: ModelOptions, texts: Sequence[str]) -> list[list[float]]:
        """With no texts it only loads the model; an empty `/api/generate` does not, for a model without completion."""
        with self._edge.converting(options.model):
            told = await client.embed(
                options.model,
                [encodable(text) for text in texts],
                truncate=False,
                options=options.runner(),
                keep_alive=options.keep_alive_duration(),
            )
            vectors = [list(vector) for vector in told.embeddings]
        if len(vectors) != len(texts) or len({len(vector) for vector in vectors}) > 1:
            raise self._edge.garbled()
        return vectors

    async def _pull(self, model: str) -> AsyncGenerator[ProgressResponse, None]:
        """One attempt. Raises EngineError unless it succeeds."""
        status = None
        with self._edge.converting(model):
            async with aclosing(await self._patient.pull(model, stream=True)) as lines:
                async for line in lines:
                    status = line.status
                    yield line
        if status != "success":
            raise self._edge.interrupted()
        self._shown.pop(full_name(model), None)


def _chat_body(
    options: ModelOptions, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What every request to `/api/chat` has."""
    return {
        "model": options.model,
        "messages": wire_messages(messages),
        "stream": True,
        "options": {**options.runner(), **options.sampling},
        "keep_alive": options.keep_alive_value(),
        "truncate": False,
        "shift": False,
        **({"tools": list(tools)} if tools else {}),
    }


async def _lines(response: Any) -> AsyncGenerator[bytes, None]:
    """Lines of JSON, the last one with or without its end. `ollama` also breaks them at a U+0085 inside a text."""
    held = b""
    async for piece in response.aiter_bytes():
        *lines, held = (held + piece).split(b"\n")
        for line in lines:
            yield line
    if held:
        yield held
