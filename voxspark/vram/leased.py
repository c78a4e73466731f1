"""The turn's engines, each call with a lease: whoever uses them knows `protocols` only, and nothing of the ledger."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from voxspark.protocols import Chat, Embedder, Painter, Schema, Synthesizer, Transcriber
from voxspark.types import Delta, Message, Pcm, Pcm16, Stroke, Transcript
from voxspark.vram.ledger import COMMAND_PATIENCE_SECONDS, PATIENCE_SECONDS, Ledger
from voxspark.vram.state import VOICE, WORK


class LeasedChat:
    """The language model of a role; see `protocols.Chat`."""

    def __init__(
        self, ledger: Ledger, role: str, *, priority: int = VOICE, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._ledger = ledger
        self._role = role
        self._priority = priority
        self._patience_seconds = patience_seconds

    async def stream(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> AsyncGenerator[Delta, None]:
        """Raises ChatError, and EngineError when no model can be had."""
        leasing = self._ledger.lease(self._role, priority=self._priority, patience_seconds=self._patience_seconds)
        async with leasing as leased:
            chat: Chat = leased.engine
            async with aclosing(chat.stream(messages, tools=tools)) as deltas:
                while (delta := await leased.guard(anext(deltas, None))) is not None:
                    yield delta

    async def warm(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> None:
        """Load the model; its runner prefills the prompt."""
        async with self._ledger.lease(self._role, priority=self._priority) as leased:
            chat: Chat = leased.engine
            await leased.guard(chat.warm(messages, tools=tools))


class LeasedTranscriber:
    """The ears; they never wait for a better model than the one that is there."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def transcribe(self, samples: Pcm16) -> Transcript:
        """Raises TranscriberError, and EngineError when no model can be had."""
        async with self._ledger.lease("ears", patience_seconds=0.0) as leased:
            transcriber: Transcriber = leased.engine
            return await leased.guard(transcriber.transcribe(samples))

    async def warm(self) -> None:
        """Load the model."""
        async with self._ledger.lease("ears"):
            pass


class LeasedSynthesizer:
    """The voice; it never waits for a better one than is there."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """Raises SynthesizerError, and EngineError when no model can be had."""
        async with self._ledger.lease("voice", patience_seconds=0.0) as leased:
            voice: Synthesizer = leased.engine
            async with aclosing(voice.synthesize(text)) as pieces:
                while (piece := await leased.guard(anext(pieces, None))) is not None:
                    yield piece

    async def warm(self) -> None:
        """Load the voice."""
        async with self._ledger.lease("voice"):
            pass


class LeasedEmbedder:
    """Vectors for memory and documents."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Raises EngineError."""
        async with self._ledger.lease("embedder", priority=WORK) as leased:
            embedder: Embedder = leased.engine
            return await leased.guard(embedder.embed(texts))


class LeasedPainter:
    """Pictures, in the background: it waits until there is room."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def paint(self, prompt: str, *, width: int, height: int, seed: int) -> AsyncGenerator[Stroke, None]:
        """Raises PainterError, and EngineError when no model can be had."""
        leasing = self._ledger.lease("image", priority=WORK, patience_seconds=COMMAND_PATIENCE_SECONDS)
        async with leasing as leased:
            painter: Painter = leased.engine
            async with aclosing(painter.paint(prompt, width=width, height=height, seed=seed)) as strokes:
                while (stroke := await leased.guard(anext(strokes, None))) is not None:
                    yield stroke

    async def warm(self) -> None:
        """Load the model."""
        async with self._ledger.lease("image", priority=WORK):
            pass
