"""Speech during a turn is listened to while it goes on: what was said so far is transcribed, again and again."""

from __future__ import annotations

from anyio.abc import TaskGroup

from voxspark.config_listening import BargeInSettings
from voxspark.ears import Ears
from voxspark.events import VolumeDucked
from voxspark.inbox import Inbox
from voxspark.listening.barge_in import Decision, Hearing, Overlap, decide
from voxspark.parts import AssistantParts, Overheard
from voxspark.protocols import Emit
from voxspark.turn import Turn
from voxspark.types import SpeechPaused, Utterance


class Overlaps:
    """Knows what was made of it so far. What was found out comes as `Overheard` through the inbox."""

    group: TaskGroup
    """Where the listening runs."""

    def __init__(self, parts: AssistantParts, ears: Ears, inbox: Inbox, emit: Emit) -> None:
        self._settings = parts.config.barge_in
        self._listener = parts.listener
        self._speaker = parts.speaker
        self._clock = parts.clock
        self._ears = ears
        self._inbox = inbox
        self._emit = emit
        self._busy = self._ducked = False
        self._latest: Overheard | None = None

    def apply(self, settings: BargeInSettings) -> None:
        """Other settings from now on."""
        self._settings = settings

    def begin(self) -> None:
        """A new turn, at full volume."""
        self._ducked = False

    def grew(self, turn: Turn | None, voiced_seconds: float, *, resumes: bool) -> None:
        """Speech goes on, perhaps while a turn is live; `resumes`: it is the turn's own question that goes on."""
        decision = self.weigh(turn, voiced_seconds, resumes=resumes)
        if turn is not None and decision in ("duck", "listen") and turn.audible and not self._ducked:
            self._duck(turn, self._settings.duck_gain)
        if decision == "listen":
            self._listen_in(voiced_seconds)

    def weigh(self, turn: Turn | None, voiced_seconds: float, *, resumes: bool) -> Decision:
        """What is known of speech while a turn is live; the turn ends when that is enough."""
        if turn is None or (resumes and not turn.confirmed):
            return "ignore"
        decision = self._decide(turn, voiced_seconds, resumes=resumes)
        if decision == "interrupt":
            turn.interrupt("the user spoke on" if resumes else "barge-in")
        return decision

    def paused(self, turn: Turn | None, paused: SpeechPaused, *, resumes: bool) -> bool:
        """Speech has paused: whether a turn of its own begins at once. Otherwise it may be listened to first."""
        if turn is None or (resumes and not turn.confirmed):
            return True
        voiced_seconds = paused.latest.ended_at - paused.latest.started_at
        decision = self._decide(turn, voiced_seconds, resumes=resumes, finished=True)
        if decision == "listen":
            self._start_listening(paused.utterance, paused.latest, voiced_seconds, finished=True)
        return decision == "interrupt"

    def false_alarm(self, turn: Turn | None) -> None:
        """Nobody interrupts: back to full volume."""
        if self._ducked and turn is not None:
            self._duck(turn, 1.0)

    def _duck(self, turn: Turn, gain: float) -> None:
        self._ducked = gain < 1.0
        self._speaker.duck(gain)
        self._emit(VolumeDucked(self._clock(), turn.number, gain))

    def _decide(self, turn: Turn, voiced_seconds: float, *, resumes: bool, finished: bool = False) -> Decision:
        hearing = None if finished else self._hearing
        if hearing is not None and voiced_seconds > hearing.voiced_seconds:
            latest = self._listener.latest()
            assert latest.samples is not None
            hearing = hearing.going_on(latest.samples, voiced_seconds)
        overlap = Overlap(voiced_seconds, hearing, finished, thinking=not turn.audible, resumes=resumes)
        return decide(overlap, self._settings)

    def is_meant(self, overheard: Overheard) -> bool:
        """Whether what has paused interrupts."""
        return decide(Overlap(hearing=overheard.hearing, finished=True), self._settings) == "interrupt"

    def _listen_in(self, voiced_seconds: float) -> None:
        """Find out what was said so far, unless that is being done or it has paused."""
        if not self._busy and self._listener.active:
            latest = self._listener.latest()
            self._busy = True
            self._start_listening(latest, latest, voiced_seconds, finished=False)

    def _start_listening(
        self, utterance: Utterance, latest: Utterance, voiced_seconds: float, *, finished: bool
    ) -> None:
        """Find out what the latest part of an utterance says."""
        self.group.start_soon(self._listen, utterance, latest, voiced_seconds, finished)

    def heard(self, overheard: Overheard) -> bool:
        """Take note of what came of listening in; False when that is over already."""
        self._busy = False
        if not self._is_current(overheard):
            return False
        unclear = not (overheard.hearing.is_clear or overheard.hearing.is_deliberate)
        if unclear and self._hearing is not None and self._hearing.is_nod:
            return True  # half a word more tells less than the nod before it
        self._latest = overheard
        return True

    @property
    def _hearing(self) -> Hearing | None:
        """What was made of what is being said, so far; None when nothing was yet."""
        return self._latest.hearing if self._latest is not None and self._is_current(self._latest) else None

    def _is_current(self, overheard: Overheard) -> bool:
        return self._listener.active and overheard.latest.started_at == self._listener.latest_at

    async def _listen(self, utterance: Utterance, latest: Utterance, voiced_seconds: float, finished: bool) -> None:
        hearing = await self._ears.overhear(latest, voiced_seconds, finished=finished)
        await self._inbox.receive([Overheard(utterance, latest, hearing, finished)])
