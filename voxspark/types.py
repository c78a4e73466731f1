"""Values that flow down, and signals that reach the Assistant's inbox. All frozen, none knows anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
"""Rate of everything heard: what Whisper, Silero VAD and microWakeWord expect."""

CHUNK_SAMPLES = 512
"""Samples in one chunk (32 ms): the frame Silero VAD v6 is defined on."""

CHUNK_SECONDS = CHUNK_SAMPLES / SAMPLE_RATE_HZ

Pcm16 = NDArray[np.int16]
"""Heard audio: mono, 16 kHz, shape (n,)."""

Pcm = NDArray[np.float32]
"""Spoken audio: mono, -1..1, shape (n,), at the rate named beside it."""


# ── values ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """One 32 ms piece of the microphone."""

    samples: Pcm16
    """Shape (512,)."""
    at: float
    """Seconds on the audio clock of the first sample."""
    heard: Pcm16 | None = None
    """What a transcriber should get where that is not `samples`: an echo canceller garbles what it need not touch."""


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """What somebody said, as audio from the microphone or as text from the socket."""

    samples: Pcm16 | None = None
    """Audio with its pre-roll, or None when `text` is given."""
    text: str | None = None
    started_at: float = 0.0
    """Seconds on the audio clock: first voiced sample (or when the text arrived)."""
    ended_at: float = 0.0
    """Seconds on the audio clock: last voiced sample so far (or when the text arrived)."""
    source: str = "microphone"
    """`microphone`, `push_to_talk`, `socket`, `timer` or `job`."""


@dataclass(frozen=True, slots=True)
class PaintingStep:
    """One denoising step of a picture is done."""

    number: int
    """From 1."""
    count: int
    """Steps of the whole picture."""


Stroke = PaintingStep | bytes
"""What comes of painting: the steps, at the end the picture as a PNG."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a transcriber made of an utterance; `text` is empty when nothing was said."""

    text: str
    language: str = "en"
    confidence: float = 0.0
    """Mean token log-probability, 0 is certain, below -1 is doubtful."""
    tags: tuple[str, ...] = ()
    """What else was heard: `emotion:happy`, `event:laughter`."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that a model wants called."""

    name: str
    arguments: Mapping[str, Any]
    """As the model wrote them: not checked."""
    id: str = ""
    """By which its result is told, where the server has such ids."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation, as chat models know it."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    """Of an assistant's message: what it wants called."""
    tool: str = ""
    """Of a tool's message: whose result it is."""
    call_id: str = ""
    """Of a tool's message: the id of the call."""
    images: tuple[bytes, ...] = ()
    """Of a user's message: encoded files (PNG, JPEG or WebP), for a model that can see."""


@dataclass(frozen=True, slots=True)
class ReplyStats:
    """What a server tells at the end of a reply; 0 or None where it does not."""

    prompt_tokens: int = 0
    reply_tokens: int = 0
    mean_logprob: float | None = None
    """Mean log-probability of the reply's tokens: near 0 the model was sure."""
    cut: bool = False
    """The reply ended because it was too long."""


Delta = str | ToolCall | ReplyStats
"""A piece of a model's reply: text, a whole call, and at the very end (where there are any) the figures."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A spoken piece of a reply."""

    samples: Pcm
    sample_rate_hz: int
    text: str
    """The words this clip says, as the model wrote them; what history keeps when it is heard."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate_hz


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """A hotkey went down."""

    action: str
    """What it is for: `talk` or `mute`."""


@dataclass(frozen=True, slots=True)
class KeyReleased:
    """A hotkey came up, or its keyboard is gone."""

    action: str


KeyStroke = KeyPressed | KeyReleased


@dataclass(frozen=True, slots=True)
class Action:
    """A tool call that really happened."""

    tool: str
    arguments: dict[str, object]
    result: str


# ── signals: into the inbox ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """Enough voiced audio to call it speech: a new utterance is open."""

    at: float


@dataclass(frozen=True, slots=True)
class SpeechGrew:
    """One more voiced chunk of the open utterance."""

    at: float
    voiced_seconds: float
    """Voiced audio since speech began or resumed."""


@dataclass(frozen=True, slots=True, eq=False)
class SpeechPaused:
    """The early silence is reached: a turn may start, speculatively."""

    at: float
    utterance: Utterance
    latest: Utterance
    """What of it was said since the pause before; all of it where there was none."""


@dataclass(frozen=True, slots=True)
class SilenceGrew:
    """One more silent chunk after a pause, until the hangover ends the utterance."""

    at: float
    silence_seconds: float


@dataclass(frozen=True, slots=True)
class SpeechResumed:
    """The user speaks on inside the same utterance, after a pause."""

    at: float


@dataclass(frozen=True, slots=True)
class SpeechDropped:
    """What began was too short to be speech."""

    at: float


@dataclass(frozen=True, slots=True, eq=False)
class UtteranceEnded:
    """The utterance is closed; nothing will be added to it."""

    at: float
    utterance: Utterance
    reason: Literal["hangover", "release", "maximum", "end"]


@dataclass(frozen=True, slots=True)
class WakeWordHeard:
    """The wake word was spoken."""

    at: float
    word: str


ListeningSignal = (
    SpeechBegan
    | SpeechGrew
    | SpeechPaused
    | SilenceGrew
    | SpeechResumed
    | SpeechDropped
    | UtteranceEnded
    | WakeWordHeard
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A text question from the socket."""

    request: str
    """Opaque id; the turn's events carry it."""
    text: str
    aloud: bool = True
    role: str = ""
    """Who of the team answers; empty is whoever the agent finds right."""
    images: tuple[bytes, ...] = field(default=(), repr=False)
    """What it is about: encoded files, ready for a model."""
    guest: bool = False
    """Not the owner asks: nothing of his is told or changed."""


@dataclass(frozen=True, slots=True)
class SayRequested:
    """A text to be spoken as it is."""

    request: str
    text: str


@dataclass(frozen=True, slots=True)
class Pressed:
    """Push-to-talk went down."""

    at: float


@dataclass(frozen=True, slots=True)
class Released:
    """Push-to-talk came up."""

    at: float


@dataclass(frozen=True, slots=True)
class Toggled:
    """Push-to-talk went down, or up where it was down."""

    at: float


@dataclass(frozen=True, slots=True)
class StopRequested:
    """Be quiet: end the live turn and whatever rings."""

    reason: str = "stopped"


@dataclass(frozen=True, slots=True)
class MuteRequested:
    """Close the microphone, open it again, or whatever it is not."""

    on: bool | None = None
    """True is closed; None is the other of the two."""
    reason: str = "hotkey"
    """Who wants it: `hotkey`, `socket`, `asked` (in words) or `restart`."""


@dataclass(frozen=True, slots=True)
class Rang:
    """A timer, or what was done in the background, wants to be announced."""


@dataclass(frozen=True, slots=True)
class ShutdownRequested:
    """End the daemon."""

    reason: str = "shutdown"


OwnerSignal = (
    Asked | SayRequested | Pressed | Released | Toggled | StopRequested | MuteRequested | Rang | ShutdownRequested
)


@dataclass(frozen=True, slots=True)
class TurnResult:
    """What a turn leaves behind; the one thing history is written from."""

    outcome: Literal["answered", "interrupted", "withdrawn", "empty", "failed"]
    """`withdrawn`: a speculative turn thrown away unheard. `empty`: nothing was said."""
    transcript: str = ""
    heard: str = ""
    """The part of the reply the user heard, cut at the word where playback stopped."""
    actions: tuple[Action, ...] = ()
    """Tool calls that changed the world."""
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds after the end of speech; names in `voxspark.events.TurnEnded`."""
    by_strangers: bool = False
    """What was heard may repeat what a stranger wrote."""
