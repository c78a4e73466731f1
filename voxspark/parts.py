"""What an Assistant is made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from voxspark import events
from voxspark.agent.agent import Recital
from voxspark.agent.ringing import Notify, show_nothing
from voxspark.agent.swarm import LiveTurns
from voxspark.bus import EventBus
from voxspark.config import Config
from voxspark.ears import NoEcho
from voxspark.listening.barge_in import Hearing
from voxspark.listening.listener import Listener
from voxspark.memory.history import History
from voxspark.muting import Mute
from voxspark.protocols import (
    ActRunner,
    Agent,
    Background,
    Clock,
    Echo,
    Emit,
    EndOfTurnModel,
    Microphone,
    Speaker,
    Synthesizer,
    Transcriber,
)
from voxspark.speech.fillers import Fillers
from voxspark.tools.jobs import Jobs
from voxspark.tools.registry import StrangersText
from voxspark.tools.timers import Timers
from voxspark.turn import Turn, TurnParts
from voxspark.types import Asked, ListeningSignal, OwnerSignal, SayRequested, TurnResult, Utterance


@dataclass(frozen=True, slots=True)
class TurnDone:
    """A turn is over, and this is what it leaves."""

    turn: Turn
    result: TurnResult


@dataclass(frozen=True, slots=True, eq=False)
class Overheard:
    """What was made of speech during a turn."""

    utterance: Utterance
    latest: Utterance
    """What of it was listened to."""
    hearing: Hearing
    finished: bool
    """It paused; before, it went on."""


@dataclass(frozen=True, slots=True)
class MicrophoneEnded:
    """The microphone's source has come to its end."""


Signal = (
    ListeningSignal | OwnerSignal | events.TurnJudged | events.DeviceChanged | TurnDone | Overheard | MicrophoneEnded
)
"""What reaches the Assistant's inbox."""


async def nobody_listens(utterance: Utterance, result: TurnResult) -> None:
    """For those who do without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantParts:
    """What the daemon is made of."""

    config: Config
    clock: Clock
    bus: EventBus
    microphone: Microphone
    speaker: Speaker
    listener: Listener
    transcriber: Transcriber
    synthesizer: Synthesizer
    fillers: Fillers
    end_of_turn: EndOfTurnModel | None
    agent: Agent
    history: History
    timers: Timers
    mute: Mute = field(default_factory=Mute)
    """Whether the microphone is to be closed."""
    guest: Agent
    """Who answers people who are not the owner."""
    expert: Callable[[str, tuple[bytes, ...]], Agent]
    """The agent that asks one role of the team (empty: whoever sees the pictures), and nobody else."""
    jobs: Jobs = field(default_factory=Jobs)
    """What is done in the background; its `run` is one of `background`."""
    on_stop: Callable[[], object]
    """Ends what rings, and drops what waits for a spoken yes."""
    notify: Notify = show_nothing
    """Shows what rings on the desktop."""
    live_turns: LiveTurns = field(default_factory=LiveTurns)
    """What yields to turns hears of them here."""
    profile: str = "embedded"
    """The team of models in force."""
    engines: dict[str, str] = field(default_factory=dict)
    """Kind to name, for `ready` and `status`."""
    ears: Callable[[], list[dict[str, str]]] = list
    """For `status`: the ears in their order, and what is wrong with each."""
    voices: Callable[[], list[dict[str, str]]] = list
    """For `status`: the voices in their order, and what is wrong with each."""
    answered: Callable[[Utterance, TurnResult], Awaitable[None]] = nobody_listens
    """Told when a turn is over, whatever became of it."""
    hotkey: Callable[[], dict[str, str]] = dict
    """For `status`: the push-to-talk key, how it is seen, and what is wrong with it."""
    echo: Echo = field(default_factory=NoEcho)
    """Keeps its own voice out of what it hears."""
    background: tuple[Background, ...] = ()
    """Device retries and the like."""

    def answerer(self, asked: Asked | SayRequested) -> Agent:
        """Who deals with a request."""
        if isinstance(asked, SayRequested):
            return Recital(StrangersText(asked.text))  # scripts read out mail
        if asked.guest:
            return self.guest
        return self.expert(asked.role, asked.images) if asked.role or asked.images else self.agent

    def for_turns(self, acts: ActRunner, emit: Emit) -> TurnParts:
        """What of it every turn needs."""
        return TurnParts(
            transcriber=self.transcriber,
            synthesizer=self.synthesizer,
            fillers=self.fillers,
            speaker=self.speaker,
            end_of_turn=self.end_of_turn,
            patience=self.config.patience,
            acts=acts,
            emit=emit,
            clock=self.clock,
        )
