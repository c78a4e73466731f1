"""What a turn and its owner need from the world. Engines, devices and fakes are all these shapes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, runtime_checkable

from voxspark.events import Event
from voxspark.types import Action, Chunk, Clip, Delta, KeyStroke, Message, Pcm, Pcm16, Stroke, Transcript

Emit = Callable[[Event], None]
"""Hands an event to everybody who listens; never blocks."""

Schema = Mapping[str, Any]
"""A function as chat models know it: `{"type": "function", "function": {"name", "description", "parameters"}}`."""

Clock = Callable[[], float]
"""Seconds on the audio clock."""

Background = Callable[..., Coroutine[Any, Any, None]]
"""Work that goes on as long as the daemon does; started with `TaskGroup.start`."""


class VoiceActivity(Protocol):
    """Tells speech from everything else, chunk by chunk, with state."""

    def probability(self, samples: Pcm16) -> float:
        """0..1 for one chunk of 512 samples at 16 kHz. Takes about a millisecond; may run on the loop."""
        ...

    def reset(self) -> None:
        """Forget the past, for a new utterance after a gap."""
        ...


class VoiceGate(Protocol):
    """A nearly free first look: could this be speech at all?"""

    def open(self, samples: Pcm16) -> bool:
        """For one chunk of 512 samples at 16 kHz."""
        ...


class WakeWordDetector(Protocol):
    """Finds a spoken name in the stream."""

    def detect(self, samples: Pcm16) -> str | None:
        """The wake word that ends in this chunk, or None."""
        ...


class EndOfTurnModel(Protocol):
    """Hears whether the speaker has finished."""

    async def completeness(self, samples: Pcm16) -> float:
        """0..1 for an utterance at 16 kHz that ends in a short silence. Raises EngineError."""
        ...

    async def warm(self) -> None:
        """Load the model."""
        ...


class Transcriber(Protocol):
    """Turns an utterance into text."""

    async def transcribe(self, samples: Pcm16, *, hot_words: Sequence[str] = ()) -> Transcript:
        """Mono 16 kHz, any length. Empty text when nothing was said. Raises TranscriberError.

        `hot_words` are names that may come up, most likely first; engines without `hot_words` do without.
        """
        ...

    async def warm(self) -> None:
        """Load the model, so that the first utterance is as quick as the second."""
        ...


class Chat(Protocol):
    """A language model that streams."""

    def stream(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> AsyncGenerator[Delta, None]:
        """The reply as it is generated; closing the generator stops the model. Raises ChatError.

        `tools` are what it may call. No `<think>`, and no call, ever comes as text, as far as the server can tell.
        """
        ...

    async def warm(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> None:
        """Load the model and prefill this prefix, so that the first answer is as quick as the second."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors that are near each other when their meanings are."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector per text, all of one length. Raises EngineError."""
        ...


class Synthesizer(Protocol):
    """Turns text that is ready to be spoken into samples."""

    def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """Pieces of speech with their sample rate, first one early; a piece without samples says that another voice
        goes on. Raises SynthesizerError.
        """
        ...

    async def warm(self) -> None:
        """Load the voice, so that the first sentence is as quick as the second."""
        ...


@runtime_checkable
class Listens(Protocol):
    """A synthesizer that speaks as one does in a conversation: it is reminded of what the user has said, too."""

    async def hear(self, text: str, samples: Pcm16) -> None:
        """What the user said before the last reply, and how: mono 16 kHz. It is kept in memory alone, and not for long;
        without samples, what was heard so far is forgotten at once. Raises SynthesizerError."""
        ...


class Painter(Protocol):
    """Makes pictures from descriptions."""

    def paint(self, prompt: str, *, width: int, height: int, seed: int) -> AsyncGenerator[Stroke, None]:
        """Every step as it is done, at the end the picture; closing the generator stops after the step it is in.

        `width` and `height` are pixels, multiples of 16. The same seed gives the same picture. Raises PainterError.
        """
        ...

    async def warm(self) -> None:
        """Load the model."""
        ...


class Microphone(Protocol):
    """A source of chunks."""

    def chunks(self) -> AsyncGenerator[Chunk, None]:
        """Every chunk of 32 ms in order, until the source ends. Raises DeviceError when the device goes away."""
        ...

    dropped_seconds: float
    """Audio thrown away so far because nobody read it in time."""


@runtime_checkable
class Reports(Protocol):
    """A device that comes and goes, and says how it is."""

    def report(self) -> dict[str, Any]:
        """JSON-ready, for `status`: `device` (empty unless open), `state`, and what else there is to know."""
        ...


@runtime_checkable
class LastingMicrophone(Microphone, Reports, Protocol):
    """A microphone that is opened again when it is lost, and can be closed."""

    def mute(self, on: bool) -> None:
        """Let the device go soon, or take it again."""
        ...

    @property
    def starved_seconds(self) -> float:
        """How long a device that can be opened has given nothing; 0 when it is missing, muted or well."""
        ...


class Echo(Protocol):
    """Keeps the assistant's own voice out of what it hears."""

    def clean(self, chunk: Chunk) -> Chunk:
        """The chunk without what is played meanwhile. Takes less than a millisecond; may run on the loop."""
        ...

    @property
    def deaf(self) -> bool:
        """What is heard now is the assistant's own voice, and cannot be told from anybody else's."""
        ...

    def state(self) -> dict[str, Any]:
        """JSON-ready, for `status`: `duplex`, `reason`, `canceller`, `delay_ms`, `loss_db`, `drift_ppm`."""
        ...


class Speaker(Protocol):
    """Plays clips in order, with at most about 200 ms queued behind the sound card."""

    def begin(self) -> None:
        """A new reply: the count of heard seconds starts again at zero, the gain at 1."""
        ...

    async def play(self, clip: Clip) -> None:
        """Queue one clip; returns when the last of it is queued. Raises DeviceError."""
        ...

    async def drain(self) -> None:
        """Return when everything queued has been heard."""
        ...

    def stop(self) -> float:
        """Drop what is queued, at once; the seconds of this reply that were heard."""
        ...

    def duck(self, gain: float) -> None:
        """Play on at this gain, 0..1, from the next few milliseconds."""
        ...

    @property
    def audible_since(self) -> float | None:
        """Audio clock of the first audible sample of this reply, or None while there is none."""
        ...


class Hotkey(Protocol):
    """Keys that work whatever window has the focus."""

    way: str
    """`x11`, `evdev` or `portal`."""

    def watch(self) -> AbstractAsyncContextManager[AsyncIterator[KeyStroke]]:
        """Inside, the keys are taken: their presses and releases as they happen, without auto-repeat.

        Raises DeviceError, on entering it or when the keys are lost. Other keys are neither kept nor told of.
        """
        ...


class TurnScope(Protocol):
    """What an agent may ask of the turn it works for."""

    async def until_confirmed(self) -> None:
        """Return when the user has certainly finished."""
        ...

    async def act(self, tool: str, arguments: dict[str, object], call: Callable[[], Awaitable[str]]) -> str:
        """Run a call that changes the world: after the turn is confirmed, in the owner's scope, to its end.

        The result is committed to history even when the turn has died. Raises ToolError.
        """
        ...

    def used(self, tool: str, arguments: dict[str, object], result: str) -> None:
        """Report a call that only read."""
        ...

    def by_strangers(self) -> None:
        """What is said may repeat what a stranger wrote: a page, a file, a picture."""
        ...

    def begun(self, filler: str) -> None:
        """A tool or another model is at work: when nothing else can be heard soon, the turn may say this meanwhile."""
        ...


class Agent(Protocol):
    """Answers a transcript."""

    def reply(self, text: str, turn: TurnScope) -> AsyncGenerator[str, None]:
        """Text deltas of the answer; none at all when silence is the answer ("stop")."""
        ...


class Conversation(Protocol):
    """The history as an agent reads it."""

    def messages(self) -> list[Message]:
        """Everything committed so far, oldest first, without the system prompt."""
        ...

    @property
    def by_strangers(self) -> bool:
        """Whether any of it may repeat what a stranger wrote."""
        ...

    @property
    def last_heard(self) -> str:
        """The last reply, as far as it was heard; empty when there is none."""
        ...


class ActRunner(Protocol):
    """Runs what must outlive a turn; the Assistant's scope."""

    async def run(self, call: Callable[[], Awaitable[Action]]) -> Action:
        """The call runs to its end even when the caller is cancelled."""
        ...
