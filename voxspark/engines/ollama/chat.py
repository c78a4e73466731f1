"""Chats and embeddings of one model of an Ollama server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from voxspark.config import ChatSettings
from voxspark.engines.ollama.client import ModelOptions, OllamaClient
from voxspark.errors import ChatError
from voxspark.protocols import Chat
from voxspark.types import Message


def create(settings: ChatSettings) -> Chat:
    """The registry's factory; nothing is sent yet. Raises ChatError for a host that is no address."""
    options = ModelOptions(
        model=settings.model,
        context_tokens=settings.context_tokens,
        keep_alive=settings.keep_alive,
        sampling={
            "num_predict": settings.max_tokens,
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "top_k": settings.top_k,
        },
    )
    return OllamaChat(OllamaClient(settings.host), options)


class OllamaChat:
    """Speaks with one model: its thoughts are not said."""

    def __init__(self, client: OllamaClient, options: ModelOptions, *, think: bool | str | None = None) -> None:
        self._client = client
        self._options = options
        self._think = think

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        """See `protocols.Chat.stream`."""
        thought = LeadingThought()
        spoke, reason = False, ""
        async with aclosing(self._client.chat(self._options, messages, think=self._think)) as parts:
            async for part in parts:
                reason = part.done_reason
                if text := thought.feed(part.text):
                    spoke = True
                    yield text
        if text := thought.end():
            yield text
        elif not spoke and reason == "length":
            raise ChatError(
                "chat-only-thought",
                "The language model thought for so long that it did not answer.",
                f"Raise chat.max_tokens, or choose a model that does not think instead of {self._options.model}.",
            )

    async def warm(self, messages: Sequence[Message]) -> None:
        """See `protocols.Chat.warm`; num_predict does not reload the model."""
        answer = self._client.chat(self._options, messages, think=self._think, num_predict=1, patient=True)
        async with aclosing(answer) as parts:
            async for _ in parts:
                pass

    async def aclose(self) -> None:
        """Close the client's connections: for whoever has no other use for it."""
        await self._client.aclose()


class OllamaEmbedder:
    """Makes vectors; some models want to be told what a text is for (Nomic: `search_query: `, `search_document: `)."""

    def __init__(
        self, client: OllamaClient, options: ModelOptions, *, query_prefix: str = "", document_prefix: str = ""
    ) -> None:
        self._client = client
        self._options = options
        self._query_prefix = query_prefix
        self._document_prefix = document_prefix

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """See `protocols.Embedder.embed`; for what is to be found."""
        return await self._client.embed(self._options, [self._document_prefix + text for text in texts])

    async def embed_query(self, text: str) -> list[float]:
        """For what is searched with. Raises EngineError."""
        (vector,) = await self._client.embed(self._options, [self._query_prefix + text])
        return vector


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
