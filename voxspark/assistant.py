"""The owner of the loop: one bounded inbox, one reader, at most one live turn.

Everything that happens to the daemon (microphone, hotkey, socket, timers, unix signals) becomes a signal in the inbox;
the one `match` below decides what it means. Listening never waits for a turn.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import replace
from functools import partial

import anyio

from voxspark import events
from voxspark.acts import Acts
from voxspark.agent.agent import Recital
from voxspark.agent.announcing import Announcement, Announcers, Reports
from voxspark.agent.guest import Receptionist
from voxspark.agent.ringing import Rings
from voxspark.bus import failed, for_log, known
from voxspark.config import Config
from voxspark.ears import Ears
from voxspark.inbox import Inbox
from voxspark.overlaps import Overlaps
from voxspark.parts import AssistantParts, MicrophoneEnded, Overheard, Signal, TurnDone
from voxspark.protocols import Agent
from voxspark.turn import Turn, TurnParts
from voxspark.types import (
    Action,
    Asked,
    MuteRequested,
    Pressed,
    Rang,
    Released,
    SayRequested,
    ShutdownRequested,
    SilenceGrew,
    SpeechBegan,
    SpeechDropped,
    SpeechGrew,
    SpeechPaused,
    SpeechResumed,
    StopRequested,
    Toggled,
    TurnResult,
    Utterance,
    UtteranceEnded,
    WakeWordHeard,
)

log = logging.getLogger(__name__)

GOODBYE_SECONDS = 1.0
"""How long a shutdown waits for the live turn to be cut and committed."""

ACTS_SECONDS = 5.0
"""How long a shutdown waits for actions that have begun."""


class Assistant:
    """The life of the daemon."""

    def __init__(self, parts: AssistantParts, *, once: bool = False) -> None:
        self.parts = parts
        self._once = once
        self._inbox = Inbox()
        self.post = self._inbox.post
        parts.mute.connect(parts.microphone, self.post)
        self._acts = Acts(self._utterance_is_dealt_with, self._commit_orphan)
        self._turn_parts = parts.for_turns(self._acts, self.emit)
        self._ears = Ears(parts.microphone, parts.listener, parts.transcriber, self.emit, parts.clock, parts.echo)
        self._overlaps = Overlaps(parts, self._ears, self._inbox, self.emit)
        announcers = (
            Rings(parts.timers, self.emit, parts.clock, parts.notify),
            Reports(parts.jobs, self.emit, parts.clock),
        )
        self._announcers = Announcers(announcers, parts.clock)
        self._turn: Turn | None = None
        self._owns_open_utterance = False
        self._patience_seconds: float | None = None
        self._silence_seconds = 0.0
        self._queue: deque[Asked | SayRequested] = deque()
        self.turns = 0
        self._microphone_open = True
        self._ended = anyio.Event()
        self.last_failure: events.Failed | None = None
        self._tried_until = float("-inf")

    # ── running ─────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Listen, answer, until a shutdown is requested (or, with `once`, the microphone's file is done)."""
        async with self._inbox, anyio.create_task_group() as acts, anyio.create_task_group() as group:
            self._acts.scope, self._group = acts, group
            self._overlaps.group = group
            for work in self.parts.background:
                await group.start(work)
            group.start_soon(self._announcers.run, partial(self._inbox.receive, [Rang()]))
            group.start_soon(self._listen)
            self.emit(events.Ready(self.parts.clock(), self.parts.profile, self.parts.engines))
            async for signal in self._inbox:
                self._handle_safely(signal)
                if self._ended.is_set():
                    break
            await self._say_goodbye()
            acts.cancel_scope.deadline = anyio.current_time() + ACTS_SECONDS
            group.cancel_scope.cancel()

    def tap(self, change: Callable[[TurnParts], TurnParts]) -> None:
        """What the turns from now on are made of, changed: for whoever listens in."""
        self._turn_parts = change(self._turn_parts)

    async def hold(self) -> None:
        """For microphones that are faster than life: return when what was heard so far is dealt with."""
        while self._inbox.unhandled or (self._turn and (self._turn.confirmed or self._patience_seconds is None)):
            await anyio.sleep(0.002)

    async def _listen(self) -> None:
        async with aclosing(self._ears.signals(self._must_not_hear)) as signals:
            async for signal in signals:
                await self._inbox.receive([signal])
        await self._inbox.receive([MicrophoneEnded()])

    async def _say_goodbye(self) -> None:
        if (turn := self._turn) is None:
            return
        turn.interrupt("shutdown")
        with anyio.move_on_after(GOODBYE_SECONDS):
            async for signal in self._inbox:
                if isinstance(signal, TurnDone):
                    self._commit(signal.turn, signal.result)
                    if signal.turn is turn:
                        break

    def _handle_safely(self, signal: Signal) -> None:
        try:
            if not self.parts.mute.swallows(signal, self.emit):
                self._handle(signal)
        except Exception as error:  # the owner's boundary: one signal that breaks is no reason to die
            self.emit(failed(known(error, type(signal).__name__), self.parts.clock()))
        finally:
            self._inbox.unhandled -= 1

    # ── the one match ───────────────────────────────────────────────────────────────────────────

    def _handle(self, signal: Signal) -> None:
        match signal:
            case SpeechBegan(at):
                self._silence_seconds = 0.0
                self.emit(events.SpeechStarted(at))
            case SpeechGrew(_, voiced_seconds):
                self._overlaps.grew(self.live, voiced_seconds, resumes=self._owns_open_utterance)
            case SpeechPaused():
                self._silence_seconds = 0.0
                self._paused(signal)
            case SilenceGrew(_, silence_seconds):
                self._silence_seconds = silence_seconds
                self._confirm_when_silent_enough()
            case events.TurnJudged(_, number, patience_seconds) if self._turn and self._turn.number == number:
                self._patience_seconds = patience_seconds
                self._confirm_when_silent_enough()
            case SpeechResumed(at):
                self._silence_seconds = 0.0
                self.emit(events.SpeechStarted(at, resumed=True))
                if self._owns_open_utterance and not (self.live and self.live.confirmed):
                    self._interrupt("the user spoke on")
            case SpeechDropped():
                self._overlaps.false_alarm(self.live)
                self._next()
            case UtteranceEnded():
                self._utterance_ended(signal)
            case Overheard():
                self._overheard(signal)
            case WakeWordHeard(at, word):
                self.emit(events.WakeWord(at, word))
                self._interrupt("wake word")
                self._owns_open_utterance = False
                self._next()
            case Released(at) | Toggled(at) if self.parts.listener.held:
                self._handle_all(self.parts.listener.release(at))
            case Pressed(at) | Toggled(at):
                self._pressed(at)
            case Asked() | SayRequested():
                self._queue.append(signal)
                if self._turn is not None and self._turn.chime:
                    self._interrupt("a question")
                self._next()
            case Rang():
                self._next(announce=True)
            case MuteRequested():
                self._mute(signal)
            case StopRequested(reason):
                self._stop(reason)
            case TurnDone(turn, result):
                self._done(turn, result)
            case events.DeviceChanged(at, "microphone", "lost"):
                self._handle_all(self.parts.listener.flush(at))
            case MicrophoneEnded():
                self._microphone_open = False
                self._end_if_once()
            case ShutdownRequested(reason):
                self.emit(events.Stopping(self.parts.clock(), reason))
                self._ended.set()

    def _handle_all(self, signals: Iterable[Signal]) -> None:  # at once, before anything else in the inbox
        for signal in signals:
            self._handle(signal)

    def reconfigure(self, config: Config) -> None:
        """Go on with other settings, where they are read at use."""
        self.parts = replace(self.parts, config=config)
        self._turn_parts = replace(self._turn_parts, patience=config.patience)
        self.parts.listener.apply(config.listening)
        self._overlaps.apply(config.barge_in)

    # ── utterances ──────────────────────────────────────────────────────────────────────────────

    @property
    def waiting(self) -> int:
        """Requests that were accepted and not begun."""
        return self._inbox.requests

    @property
    def live(self) -> Turn | None:
        """The turn that runs and has not been told to end."""
        return self._turn if self._turn is not None and self._turn.live else None

    def _pressed(self, at: float) -> None:
        """What is being said and has no answer yet is part of what is said while pressed."""
        if self.live is not None and self.live.confirmed:
            self._utterance_is_dealt_with()
        self._interrupt("push-to-talk")
        self._owns_open_utterance = False
        self._handle_all(self.parts.listener.press(at))

    def _stop(self, reason: str) -> None:
        self.parts.on_stop()
        if self.live is not None:
            self._utterance_is_dealt_with()
        self._interrupt(reason)

    def _mute(self, signal: MuteRequested) -> None:
        """What is being said is dropped; a reply goes on."""
        self.parts.mute.obey(signal, self.emit, self.parts.clock())
        self.parts.listener.forget()
        self._owns_open_utterance, self._tried_until = False, self.parts.clock()
        if self.live and not self.live.confirmed:
            self._interrupt("muted")
        self._overlaps.false_alarm(self.live)
        self._next()

    def _paused(self, paused: SpeechPaused) -> None:
        if self.parts.listener.held:
            return  # pressed since
        if self._overlaps.paused(self.live, paused, resumes=self._owns_open_utterance):
            self._start(paused.utterance, self.parts.agent)
            self._owns_open_utterance = True

    def _confirm_when_silent_enough(self) -> None:
        turn, patience = self.live, self._patience_seconds
        if turn and patience is not None and self._silence_seconds >= patience:
            turn.confirm()

    def _utterance_ended(self, signal: UtteranceEnded) -> None:
        self.emit(events.SpeechEnded(signal.at, signal.utterance.ended_at, signal.reason))
        untried = signal.utterance.ended_at > self._tried_until
        if signal.reason == "release" or (signal.reason != "hangover" and untried):
            self._start(signal.utterance, self.parts.agent).confirm()
        elif self.live and self._owns_open_utterance:
            self.live.confirm()
        self._owns_open_utterance = False
        self._next()

    def _overheard(self, overheard: Overheard) -> None:
        """What somebody says while a turn is live, so far or, when it paused, all of it."""
        if not overheard.finished:
            if self._overlaps.heard(overheard):
                self._overlaps.weigh(self.live, overheard.hearing.voiced_seconds, resumes=self._owns_open_utterance)
            return
        listener, utterance = self.parts.listener, overheard.utterance
        if listener.held or utterance.ended_at <= self._tried_until:
            return  # a newer turn has it
        if self.live and not self._overlaps.is_meant(overheard):
            rests = listener.rests_after(utterance)
            if rests and not self._owns_open_utterance:
                listener.close()
            if rests or not listener.active:
                self._overlaps.false_alarm(self.live)
            return
        turn = self._start(utterance, self.parts.agent)
        self._owns_open_utterance = listener.is_open(utterance)
        if not self._owns_open_utterance:
            turn.confirm()

    def _must_not_hear(self) -> bool:
        return not self.parts.config.barge_in.enabled and self.live is not None and self.live.audible

    # ── turns ───────────────────────────────────────────────────────────────────────────────────

    def _start(
        self, utterance: Utterance, agent: Agent, *, request: str | None = None, aloud: bool = True, chime: bool = False
    ) -> Turn:
        previous = self._turn
        if previous is not None:
            previous.interrupt("a newer turn")
        self.turns += 1
        agent = self._ears.attentive(agent, utterance)
        turn = Turn(self.turns, agent, self._turn_parts, request=request, aloud=aloud, chime=chime)
        self._turn = turn
        if utterance.samples is not None:
            self._tried_until = utterance.ended_at
        self._patience_seconds = None
        self._overlaps.begin()
        self._group.start_soon(self._host, turn, utterance, previous)
        return turn

    async def _host(self, turn: Turn, utterance: Utterance, previous: Turn | None) -> None:
        if previous is not None:
            await previous.over.wait()
        result = await turn.run(utterance)
        await self._inbox.receive([TurnDone(turn, result)])
        await self.parts.answered(utterance, result)

    def _interrupt(self, reason: str) -> None:
        if self.live is not None:
            self.live.interrupt(reason)

    def _done(self, turn: Turn, result: TurnResult) -> None:
        current = turn is self._turn
        self._turn = None if current else self._turn
        self._commit(turn, result)
        if not current:
            return
        if result.outcome in ("answered", "failed"):
            self._utterance_is_dealt_with()
        self.parts.listener.arm()
        self._next()
        self._end_if_once(result)

    def _commit(self, turn: Turn, result: TurnResult) -> None:
        if isinstance(turn.agent, Recital | Receptionist):  # the user has not asked
            result = replace(result, transcript="")
        if isinstance(turn.agent, Announcement):
            turn.agent.over(result)
            if result.heard == self.parts.history.last_heard:
                return
        self.parts.history.commit(result)

    def _utterance_is_dealt_with(self) -> None:
        """It was answered or acted on: what follows is a new utterance, not more of it."""
        if self._owns_open_utterance:
            self.parts.listener.close()
            self._owns_open_utterance = False

    def _next(self, *, announce: bool = False) -> None:
        """Start what waits, when nobody speaks: questions first, then announcements."""
        if self._turn is not None or self.parts.listener.active:
            return
        now = self.parts.clock()
        if self._queue:
            asked = self._queue.popleft()
            self._inbox.requests -= 1
            utterance = Utterance(None, asked.text, now, now, "socket")
            agent, aloud = self.parts.answerer(asked), not isinstance(asked, Asked) or asked.aloud
            self._start(utterance, agent, request=asked.request, aloud=aloud).confirm()
        elif announce and (said := self._announcers.take()):
            self._start(Utterance(None, said.text, now, now, said.source), said, chime=True).confirm()

    def _commit_orphan(self, action: Action) -> None:
        """What a dead turn started has been done."""
        self.parts.history.commit(TurnResult("interrupted", actions=(action,)))

    def _end_if_once(self, result: TurnResult | None = None) -> None:
        if not self._once or self._turn or self._queue:
            return
        heard_one = result and result.outcome in ("answered", "failed")
        if not self._microphone_open or (heard_one and not self.parts.config.devices.microphone.startswith("file:")):
            self._handle(ShutdownRequested("once"))

    # ── events ──────────────────────────────────────────────────────────────────────────────────

    def emit(self, event: events.Event) -> None:
        """Hand an event to everybody; never waits."""
        if isinstance(event, events.Failed):
            self.last_failure = event
            log.warning("%s", for_log(event))
        if isinstance(event, events.TurnJudged | events.DeviceChanged):
            self._group.start_soon(self._inbox.receive, [event])
        self.parts.live_turns.note(event)
        self._announcers.note(event)
        self._ears.note(event)
        self.parts.bus.publish(event)
