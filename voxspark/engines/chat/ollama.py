"""Ollama over its own `/api/chat` (never `/v1`, which cannot set num_ctx or keep_alive).

What surprises in it is in facts/agent.md section 1: thinking is on unless it is switched off, a change of num_ctx
reloads the model, and a stream can end in six different ways.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from types import MappingProxyType
from typing import Any

from voxspark.config import ChatSettings
from voxspark.errors import ChatError
from voxspark.protocols import Chat
from voxspark.types import Message

CONNECT_SECONDS = 2.0
READ_SECONDS = 60.0
"""Between two pieces of an answer; the first one waits for the model to load and to read the prompt."""


def create(settings: ChatSettings) -> Chat:
    """The registry's factory; nothing is sent yet. Raises ChatError for a host that is no address."""
    return OllamaChat(settings)


class OllamaChat:
    """One model of an Ollama server."""

    def __init__(self, settings: ChatSettings) -> None:
        import httpx
        from ollama import AsyncClient

        timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        self._settings = settings
        with self._as_chat_errors():
            # trust_env: an HTTP_PROXY of the session must not see what is said at home.
            self._client: Any = AsyncClient(settings.host, timeout=timeout, trust_env=False)
        self._options: Mapping[str, Any] = MappingProxyType(
            {
                "num_ctx": settings.context_tokens,
                "num_predict": settings.max_tokens,
                "temperature": settings.temperature,
                "top_p": settings.top_p,
                "top_k": settings.top_k,
            }
        )
        self._keep_alive = _duration(settings.keep_alive)
        self._think: dict[str, bool] | None = None

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        """See `protocols.Chat.stream`."""
        thought = LeadingThought()
        spoke, reason = False, ""
        async with aclosing(self._parts(messages, self._options)) as parts:
            async for part in parts:
                reason = part.done_reason or ""
                if text := thought.feed(part.message.content or ""):
                    spoke = True
                    yield text
        if text := thought.end():
            yield text
        elif not spoke and reason == "length":
            raise ChatError(
                "chat-only-thought",
                "The language model thought for so long that it did not answer.",
                f"Raise chat.max_tokens, or choose a model that does not think instead of {self._settings.model}.",
            )

    async def warm(self, messages: Sequence[Message]) -> None:
        """See `protocols.Chat.warm`; num_predict is the one option that does not reload the model."""
        async with aclosing(self._parts(messages, {**self._options, "num_predict": 1})) as parts:
            async for _ in parts:
                pass

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _parts(self, messages: Sequence[Message], options: Mapping[str, Any]) -> AsyncGenerator[Any, None]:
        """The pieces of an answer (`ollama.ChatResponse`); at least one, the last one done."""
        done = False
        with self._as_chat_errors():
            answer = await self._client.chat(
                self._settings.model,
                [{"role": message.role, "content": message.content} for message in messages],
                stream=True,
                options=options,
                keep_alive=self._keep_alive,
                **await self._thinking(),
            )
            async with aclosing(answer) as parts:
                async for part in parts:
                    done = bool(part.done)
                    yield part
        if not done:
            raise _interrupted()

    async def _thinking(self) -> Mapping[str, Any]:
        """`think=False` where the model can think; it would think aloud, or for seconds, without it."""
        if self._think is None:
            shown = await self._client.show(self._settings.model)
            self._think = {"think": False} if "thinking" in (shown.capabilities or ()) else {}
        return self._think

    @contextmanager
    def _as_chat_errors(self) -> Iterator[None]:
        """Everything that httpx, json, pydantic and ollama raise, as ChatError."""
        import httpx
        from ollama import ResponseError

        host = self._settings.host
        try:
            yield
        except ResponseError as error:
            raise _refused(error.status_code, error.error, self._settings.model) from error
        except httpx.ReadTimeout as error:
            raise ChatError(
                "chat-timeout",
                "The language model takes too long to answer.",
                f"Ollama at {host} sent nothing for {READ_SECONDS:.0f} s; it may still be loading the model.",
            ) from error
        except (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError) as error:
            raise _interrupted() from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ChatError(
                "ollama-unreachable", "Ollama does not answer.", f"Start it with: ollama serve (chat.host is {host})."
            ) from error
        except ValueError as error:  # json and pydantic: half a line, or no Ollama at all
            raise ChatError(
                "ollama-garbled",
                "Ollama sent something that cannot be understood.",
                f"Look at its log, and at whether {host} is Ollama.",
            ) from error


def _interrupted() -> ChatError:
    return ChatError(
        "ollama-interrupted", "Ollama broke off in the middle of the answer.", "Look at: journalctl -u ollama"
    )


def _refused(status: int, reason: str, model: str) -> ChatError:
    """What an HTTP status, or -1 for an error inside the stream, means for the user."""
    match status:
        case 404:
            return ChatError(
                "chat-model-missing", "Ollama does not have this language model.", f"Run: ollama pull {model}"
            )
        case 503:
            return ChatError("ollama-busy", "Ollama has too much to do.", "Try again, or raise OLLAMA_MAX_QUEUE.")
        case 400:
            return ChatError(
                "ollama-rejected", "Ollama cannot do this with the model.", f"It says: {reason}. Check [chat]."
            )
        case _:
            return ChatError("ollama-failed", "Ollama failed.", f"It says: {reason}. Look at: journalctl -u ollama")


def _duration(keep_alive: str) -> int | str:
    """Ollama takes `-1` for ever only as a number; durations like `5m` are strings."""
    try:
        return int(keep_alive)
    except ValueError:
        return keep_alive


class LeadingThought:
    """Takes a `<think>…</think>` block, and the blank around it, off the beginning of a reply."""

    OPEN, CLOSE = "<think>", "</think>"

    def __init__(self) -> None:
        self._held = ""
        self._over = False

    def feed(self, delta: str) -> str:
        """What can be said now; empty while it may still be a thought."""
        if self._over:
            return delta
        self._held += delta
        begun = self._held.lstrip()
        if self.OPEN.startswith(begun):
            return ""
        if not begun.startswith(self.OPEN):
            self._over = True
            return self._held
        answer = begun.partition(self.CLOSE)[2].lstrip()
        self._over = bool(answer)
        return answer

    def end(self) -> str:
        """What was held back and turned out to be no thought."""
        return "" if self._over or self._held.lstrip().startswith(self.OPEN) else self._held
