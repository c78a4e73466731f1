"""An OpenAI-compatible server (vLLM, SGLang, llama-server): one machine or a cluster behind one address."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from typing import Any

from voxspark.config import ChatSettings
from voxspark.engines.chat.openai_wire import Reading, body
from voxspark.engines.http import beginning, connect, reason_in, shown
from voxspark.errors import ChatError
from voxspark.protocols import Chat, Schema
from voxspark.types import Delta, Message

READ_SECONDS = 120.0
"""Between two pieces of an answer; the first one waits for the prompt to be read, behind whoever else asks."""

REASON_CHARACTERS = 300
"""Of what the server says, in a remedy."""

OPTIONAL = ("chat_template_kwargs", "top_k", "logprobs")
"""What not every server takes, left out once refused. llama-server: "logprobs is not supported with tools + stream"."""

CONTEXT_FULL = re.compile(r"context (length|size|window)|exceed\w*\b.*\bcontext", re.IGNORECASE)

DONE = "[DONE]"


def create(settings: ChatSettings) -> Chat:
    """The registry's factory; nothing is sent yet."""
    return OpenAiChat(settings)


class OpenAiChat:
    """One model of one server."""

    def __init__(self, settings: ChatSettings, *, read_seconds: float = READ_SECONDS) -> None:
        self._settings = settings
        self._key = settings.api_key.strip()
        self._read_seconds = read_seconds
        self._client: Any = None
        self._refused: tuple[str, ...] = ()
        """Of `OPTIONAL`, what this server does not take."""

    async def stream(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> AsyncGenerator[Delta, None]:
        """See `protocols.Chat.stream`."""
        reading = Reading()
        async with aclosing(self._chunks(self._request(messages, tools, self._settings.max_tokens))) as chunks:
            async for chunk in chunks:
                with self._as_chat_errors():
                    deltas = list(reading.feed(chunk))
                for delta in deltas:
                    yield delta
        for delta in reading.end():
            yield delta

    async def warm(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> None:
        """See `protocols.Chat.warm`."""
        async with aclosing(self._chunks(self._request(messages, tools, 1))) as chunks:
            async for _ in chunks:
                pass

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    def _request(self, messages: Sequence[Message], tools: Sequence[Schema], max_tokens: int) -> dict[str, Any]:
        sampling = {
            "max_tokens": max_tokens,
            "temperature": self._settings.temperature,
            "top_p": self._settings.top_p,
            "top_k": self._settings.top_k,
            "logprobs": True,
            "top_logprobs": 1,  # llama-server sends 20 where nothing is said
        }
        return body(self._settings.model, messages, tools, sampling)

    async def _chunks(self, request: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """The answer's `chat.completion.chunk`s. Raises ChatError unless it is whole."""
        while True:
            wanted = {key: value for key, value in request.items() if not any(no in key for no in self._refused)}
            with self._as_chat_errors():
                async with self._connected().stream("POST", "/v1/chat/completions", json=wanted) as response:
                    if not response.is_error:
                        async with aclosing(self._whole(response)) as chunks:
                            async for chunk in chunks:
                                yield chunk
                        return
                    status, reason = response.status_code, reason_in(await beginning(response))
            refused = tuple(each for each in OPTIONAL if each in reason and each in wanted)
            if not refused:
                raise self._error(status, reason)
            self._refused += refused

    async def _whole(self, response: Any) -> AsyncGenerator[dict[str, Any], None]:
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            raise self._garbled()
        async with aclosing(_events(response)) as events:
            async for event in events:
                if event == DONE:
                    return
                chunk = json.loads(event)
                if "error" in chunk or chunk.get("object") == "error":
                    error = chunk.get("error") or chunk
                    code = error.get("code") if isinstance(error, dict) else 0
                    raise self._error(code if isinstance(code, int) else 0, reason_in(event.encode()))
                yield chunk
        raise self._interrupted()

    def _connected(self) -> Any:
        """Made with the first request: importing httpx takes a tenth of a second. Raises ChatError for an odd key."""
        if self._client is None:
            if not (self._key.isascii() and self._key.isprintable()):
                raise self._error(401, "")  # httpx would quote it
            self._client = connect(self._settings.host, read_seconds=self._read_seconds, key=self._key)
        return self._client

    # ── errors ──────────────────────────────────────────────────────────────────────────────────

    @property
    def _place(self) -> str:
        return shown(self._settings.host)

    @contextmanager
    def _as_chat_errors(self) -> Iterator[None]:
        """Everything that httpx and json raise, as ChatError."""
        import httpx

        try:
            yield
        except httpx.ReadTimeout as error:
            raise ChatError(
                "chat-timeout", "The language model takes too long to answer.", f"Look at the server at {self._place}."
            ) from error
        except (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError) as error:
            raise self._interrupted() from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ChatError(
                "chat-unreachable",
                "The server of the language model does not answer.",
                f"Is it running, and is chat.host its address ({self._place})?",
            ) from error
        except (ValueError, TypeError, AttributeError, KeyError) as error:  # no JSON, or JSON of another shape
            raise self._garbled() from error

    def _interrupted(self) -> ChatError:
        return ChatError(
            "chat-interrupted",
            "The server of the language model broke off in the middle of the answer.",
            f"Look at the log of the server at {self._place}.",
        )

    def _garbled(self) -> ChatError:
        return ChatError(
            "chat-garbled",
            "The server of the language model sent something that cannot be understood.",
            f"Is {self._place} an OpenAI-compatible server?",
        )

    def _error(self, status: int, reason: str) -> ChatError:
        """What an HTTP status, or the code of an error inside a stream, means for the user."""
        if self._key:
            reason = reason.replace(self._key, "…")
        said, model = f"The server says: {reason[:REASON_CHARACTERS]}", self._settings.model
        if CONTEXT_FULL.search(reason):
            return ChatError("chat-context-full", "This is too long for the language model.", said)
        match status:
            case 401 | 403:
                return ChatError("chat-key", "The server of the language model wants another key.", "Set chat.api_key.")
            case 404:
                return ChatError(
                    "chat-model-missing",
                    "The server does not have this language model.",
                    f"Set chat.model (now {model}) to one that {self._place} has.",
                )
            case 429 | 503:
                return ChatError("chat-busy", "The language model has too much to do.", "Try again in a moment.")
            case _:
                return ChatError("chat-failed", "The language model failed.", said)


async def _events(response: Any) -> AsyncGenerator[str, None]:
    """The data of server-sent events, one line each: of bytes, as text may have other line breaks inside its JSON."""
    buffer = b""
    async for piece in response.aiter_bytes():
        *lines, buffer = (buffer + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line.removeprefix(b"data:").decode(errors="replace").strip()
