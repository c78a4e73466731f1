"""What happened. Events leave the daemon; state, socket, log, history and tests all read this list.

Every event carries `at`: seconds on the audio clock, the same for input and output samples.
On the wire an event is one JSON object whose `event` is the class name in snake case.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import Any

from voxspark.types import Action


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    at: float

    @classmethod
    def name(cls) -> str:
        """`TurnEnded` -> `turn_ended`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready object; `at` and timings rounded to the millisecond."""
        fields = {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}
        return {"event": self.name(), **fields}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, Action):
        return {"tool": value.tool, "arguments": _plain(value.arguments), "result": value.result}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Ready(Event):
    """All engines are loaded and warm; the daemon listens."""

    profile: str
    engines: dict[str, str]
    """Kind to name: `{"transcriber": "faster_whisper bundled:tiny.en", ...}`."""


@dataclass(frozen=True, slots=True)
class SpeechStarted(Event):
    """Somebody began to speak (or resumed, inside one utterance)."""

    resumed: bool = False


@dataclass(frozen=True, slots=True)
class SpeechEnded(Event):
    """The utterance is closed."""

    ended_at: float
    """The last voiced sample."""
    reason: str


@dataclass(frozen=True, slots=True)
class WakeWord(Event):
    """The wake word was heard."""

    word: str


@dataclass(frozen=True, slots=True)
class TurnStarted(Event):
    """A turn began; nothing audible comes of it before it is confirmed."""

    turn: int
    source: str
    end_of_speech: float
    """Where its timings count from: the last voiced sample, or when the text arrived."""
    request: str | None = None


@dataclass(frozen=True, slots=True)
class Transcribed(Event):
    """The utterance as text."""

    turn: int
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class TurnJudged(Event):
    """How long the silence must last before this turn may be heard."""

    turn: int
    patience_seconds: float
    reads: str
    """`closed`, `doubtful` or `open`: what the text judge says."""
    sounds: float | None
    """Probability that the speaker has finished, or None without an end-of-turn model."""


@dataclass(frozen=True, slots=True)
class TurnConfirmed(Event):
    """The gate is open: the turn may be heard and may act."""

    turn: int


@dataclass(frozen=True, slots=True)
class FirstToken(Event):
    """The language model (or the local intent) began to answer."""

    turn: int


@dataclass(frozen=True, slots=True)
class Reply(Event):
    """One speakable piece of the reply, as the model wrote it."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class SpeakingStarted(Event):
    """`at` is the first audible sample of the reply at the speaker."""

    turn: int


@dataclass(frozen=True, slots=True)
class VolumeDucked(Event):
    """Somebody may be interrupting: the reply goes on quietly; or `gain` 1.0: false alarm, back again."""

    turn: int
    gain: float


@dataclass(frozen=True, slots=True)
class ToolUsed(Event):
    """A tool finished."""

    turn: int
    tool: str
    arguments: dict[str, Any]
    result: str
    ok: bool = True


@dataclass(frozen=True, slots=True)
class FillerSpoken(Event):
    """A short sentence bridges the wait for a tool or another model; it is no part of the reply."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class TimerRang(Event):
    """A timer is due."""

    label: str


@dataclass(frozen=True, slots=True)
class JobChanged(Event):
    """Work in the background began, moved on or is over."""

    title: str
    """What it makes: `image of a cat`."""
    state: str
    """`waiting`, `running`, `done`, `failed` or `cancelled`."""
    fraction: float | None
    """0 to 1, or None while nobody can know."""
    note: str
    """What is being done; at the end, what came of it."""


@dataclass(frozen=True, slots=True)
class TurnEnded(Event):
    """The last event of a turn.

    `timings` are seconds after the end of speech; a name is missing when that did not happen:
    `transcript` (text known), `first_token` (model began), `first_clause` (speakable text), `first_audio` (samples
    ready), `confirmed` (gate opened), `filler` (something was said to bridge the wait), `first_audible` (heard at the
    speaker, a filler too), `ended`.
    """

    turn: int
    outcome: str
    """`answered`, `interrupted`, `withdrawn`, `empty` or `failed`."""
    transcript: str
    heard: str
    timings: dict[str, float] = field(default_factory=dict)
    actions: tuple[Action, ...] = ()
    request: str | None = None
    reason: str | None = None
    """Why it was interrupted or withdrawn."""


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """Something went wrong and the daemon goes on."""

    stage: str
    code: str
    message: str
    remedy: str = ""
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class DeviceChanged(Event):
    """A microphone, speaker or hotkey opened, failed or came back; a microphone opens at its first sample."""

    device: str
    """`microphone`, `speaker` or `hotkey`."""
    state: str
    """`open`, `lost`, `muted` (and really closed) or `ended` (a file was played to its end)."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class EchoMeasured(Event):
    """How much of itself the assistant hears, and so whether it listens while it speaks: at the start, and when that
    changes."""

    duplex: str
    """`full`: it can be interrupted by voice; `half`: it is deaf while it speaks."""
    reason: str
    """In a sentence."""
    delay_seconds: float | None = None
    """Of the echo behind what is played; None where there is none, or nobody has measured."""
    loss_db: float | None = None
    """How much weaker the canceller made it."""


@dataclass(frozen=True, slots=True)
class MicrophoneMuted(Event):
    """The microphone was closed on request (`on`), or may be opened again; told anew to whoever wants what it forbids.

    For whatever lights the lamp."""

    on: bool
    reason: str
    """`hotkey`, `socket`, `asked` (in words), `restart` (it was closed when the daemon ended) or `pressed`
    (push-to-talk, while it is closed: it stays so)."""


@dataclass(frozen=True, slots=True)
class AudioDropped(Event):
    """The daemon fell behind the microphone; one event per burst."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ModelChanged(Event):
    """A model moved on in the memory plan."""

    model: str
    """Its key in the catalogue."""
    role: str
    """For whom it is in memory."""
    state: str
    """`reserved`, `loading`, `resident`, `draining` (no new work, it leaves) or `released`."""
    bytes: int
    """What the plan counts for it."""
    reason: str


@dataclass(frozen=True, slots=True)
class ModelDegraded(Event):
    """Somebody was served with less than the profile wants: a smaller context, a smaller model, the processor."""

    role: str
    model: str
    """Who takes it."""
    reason: str


@dataclass(frozen=True, slots=True)
class VoiceChanged(Event):
    """Another voice speaks from now on: one failed, was too slow, did not pass its self-test, or is well again."""

    voice: str
    """Who speaks."""
    instead_of: str
    reason: str
    """In a sentence."""


@dataclass(frozen=True, slots=True)
class EarsChanged(Event):
    """Another engine hears from now on: one failed, did not pass its self-test, or is well again."""

    ears: str
    """Who hears."""
    instead_of: str
    reason: str
    """In a sentence."""


@dataclass(frozen=True, slots=True)
class MemoryPressed(Event):
    """The watchdog of the memory plan: `ok`, `soft` (nothing more is loaded) or `hard` (a model must leave)."""

    level: str
    available_bytes: int | None


@dataclass(frozen=True, slots=True)
class ModelPulled(Event):
    """How far the download of a model is; at most a few a second, and one at the end."""

    model: str
    """Its tag."""
    status: str
    """Ollama's word for what it does; `success` at the end."""
    completed_bytes: int
    total_bytes: int
    """0 while it is not known."""


@dataclass(frozen=True, slots=True)
class ConfigReloaded(Event):
    """The configuration was read again."""

    changed: tuple[str, ...]
    """What is in force from now on: `barge_in.enabled`."""
    needs_restart: tuple[str, ...]
    """What differs from what is in force and cannot change while running."""


@dataclass(frozen=True, slots=True)
class RecordingChanged(Event):
    """Somebody has asked for turns to be kept, one of them was, or it is over."""

    turns_left: int
    """How many of the next turns are kept, with their sound; 0: none any more."""


@dataclass(frozen=True, slots=True)
class Stopping(Event):
    """The daemon is going down."""

    reason: str
