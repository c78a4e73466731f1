"""Speech during a turn is listened to while it goes on: what was said so far is transcribed, again and again."""

from __future__ import annotations

from anyio.abc import TaskGroup

from voxspark.config_listening import BargeInSettings
from voxspark.ears import Ears
from voxspark.inbox import Inbox
from voxspark.listening.barge_in import Decision, Hearing, Overlap, decide
from voxspark.listening.listener import Listener
from voxspark.parts import Overheard
from voxspark.turn import Turn
from voxspark.types import Utterance


class Overlaps:
    """Knows what was made of it so far. What was found out comes as `Overheard` through the inbox."""

    group: TaskGroup
    """Where the listening runs."""

    def __init__(self, settings: BargeInSettings, ears: Ears, listener: Listener, inbox: Inbox) -> None:
        self._settings = settings
        self._ears = ears
        self._listener = listener
        self._inbox = inbox
        self._busy = False
        self._latest: Overheard | None = None

    def weigh(self, turn: Turn, voiced_seconds: float, *, resumes: bool, finished: bool = False) -> Decision:
        """What speech means for the turn; `resumes`: it is the turn's own question that goes on."""
        hearing = None if finished else self._hearing
        overlap = Overlap(voiced_seconds, hearing, finished, thinking=not turn.audible, resumes=resumes)
        return decide(overlap, self._settings)

    def is_meant(self, overheard: Overheard) -> bool:
        """Whether what has paused interrupts."""
        return decide(Overlap(hearing=overheard.hearing, finished=True), self._settings) == "interrupt"

    def listen_in(self, voiced_seconds: float) -> None:
        """Find out what was said so far, unless that is being done or it has paused."""
        if not self._busy and self._listener.active:
            latest = self._listener.latest()
            self._busy = True
            self.listen(latest, latest, voiced_seconds, finished=False)

    def listen(self, utterance: Utterance, latest: Utterance, voiced_seconds: float, *, finished: bool) -> None:
        """Find out what the latest part of an utterance says."""
        self.group.start_soon(self._listen, utterance, latest, voiced_seconds, finished)

    def heard(self, overheard: Overheard) -> bool:
        """Take note of what came of `listen_in`; False when that is over already."""
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
