"""Chats and embeddings of one model of an Ollama server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from voxspark.config import ChatSettings
from voxspark.engines.ollama.client import ChatPart, ModelOptions, OllamaClient
from voxspark.engines.thought import LeadingThought, only_thought
from voxspark.protocols import Chat, Schema
from voxspark.types import Delta, Message, ReplyStats


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

    async def stream(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> AsyncGenerator[Delta, None]:
        """See `protocols.Chat.stream`."""
        thought, logprobs, last = LeadingThought(), list[float](), ChatPart()
        spoke = False
        answer = self._client.chat(self._options, messages, tools=tools, think=self._think, logprobs=True)
        async with aclosing(answer) as parts:
            async for part in parts:
                last = part
                logprobs += part.logprobs
                if text := thought.feed(part.text):
                    spoke = True
                    yield text
                for call in part.tool_calls:
                    spoke = True
                    yield call
        if text := thought.end():
            spoke = True
            yield text
        cut = last.done_reason == "length"
        if cut and not spoke:
            raise only_thought()
        mean = sum(logprobs) / len(logprobs) if logprobs else None
        yield ReplyStats(last.prompt_tokens, last.reply_tokens, mean, cut)

    async def warm(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> None:
        """See `protocols.Chat.warm`; num_predict does not reload the model."""
        answer = self._client.chat(self._options, messages, tools=tools, think=self._think, num_predict=1, patient=True)
        async with aclosing(answer) as parts:
            async for _ in parts:
                pass

    async def aclose(self) -> None:
        """Close the client's connections: for whoever has no other use for it."""
        await self._client.aclose()


class OllamaEmbedder:
    """Makes vectors of texts as they are."""

    def __init__(self, client: OllamaClient, options: ModelOptions) -> None:
        self._client = client
        self._options = options

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """See `protocols.Embedder.embed`."""
        return await self._client.embed(self._options, texts)
