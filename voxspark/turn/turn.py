"""A Turn: one utterance in, one heard reply out, and one scope. Whatever a turn starts dies with it.

    transcribe ──text──▶ think ──pieces (8)──▶ synthesize ──clips (2)──▶ gate ▸ speak
                                                                   a filler ──▶ ┘

A turn may start before the end of speech is certain. Nothing audible and no tool that changes the world passes the gate
before `confirm()`. Interruption is the end of the scope: no stage looks at a flag.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Literal

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from voxspark import audio
from voxspark.bus import failed, known
from voxspark.config_listening import PatienceSettings
from voxspark.errors import EngineError, SynthesizerError, VoxSparkError
from voxspark.events import (
    FillerSpoken,
    FirstToken,
    Reply,
    SpeakingStarted,
    ToolUsed,
    Transcribed,
    TurnConfirmed,
    TurnEnded,
    TurnJudged,
    TurnStarted,
)
from voxspark.listening.end_of_turn import patience_seconds, reads
from voxspark.protocols import ActRunner, Agent, Clock, Emit, EndOfTurnModel, Speaker, Synthesizer, Transcriber
from voxspark.speech.fillers import Fillers
from voxspark.speech.joining import SPOKEN_RATE_HZ, joined
from voxspark.speech.pacing import ends_sentence, pause_seconds
from voxspark.speech.sentences import SentenceSplitter
from voxspark.speech.spoken import spoken
from voxspark.turn.bridge import Bridge
from voxspark.turn.playout import Playout
from voxspark.types import Action, Clip, Pcm16, TurnResult, Utterance

log = logging.getLogger(__name__)

PIECES_BOUND = 8
CLIPS_BOUND = 4
"""Two sentences of a voice that gives them whole: each its sound and its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnParts:
    """What every turn needs from the world."""

    transcriber: Transcriber
    synthesizer: Synthesizer
    fillers: Fillers
    speaker: Speaker
    end_of_turn: EndOfTurnModel | None
    patience: PatienceSettings
    acts: ActRunner
    emit: Emit
    clock: Clock


class Turn:
    """One request, from utterance to heard reply. Use once."""

    def __init__(
        self,
        number: int,
        agent: Agent,
        parts: TurnParts,
        *,
        request: str | None = None,
        aloud: bool = True,
        chime: bool = False,
    ) -> None:
        self.number = number
        self.request = request
        self.agent = agent
        self.chime = chime
        """It announces something nobody asked for just now."""
        self._parts = parts
        self._playout = Playout(parts.speaker, self._audible_from, chime=chime)
        self._bridge = Bridge(parts.fillers, self._playout, parts.clock, self._filling)
        self._aloud = aloud
        self.over = anyio.Event()
        """Set when the scope has ended and nothing of the turn runs any more."""
        self._gate = anyio.Event()
        self._scope = anyio.CancelScope()
        self._reason: str | None = None
        self._started = False
        self._transcript = ""
        self._outcome: Literal["answered", "empty", "failed"] = "answered"
        self._judged = False
        self._last_piece = ""
        self._actions: list[Action] = []
        self._by_strangers = False
        self._moments: dict[str, float] = {}

    # ── the owner's three calls ─────────────────────────────────────────────────────────────────

    def confirm(self) -> None:
        """Open the gate: the user has finished."""
        if not self._gate.is_set():
            self._gate.set()
            if self._started:
                self._tell_confirmed()

    def _tell_confirmed(self) -> None:
        self._mark("confirmed")
        self._parts.emit(TurnConfirmed(self._parts.clock(), self.number))

    def interrupt(self, reason: str) -> None:
        """End the scope, now."""
        self._reason = self._reason or reason
        self._scope.cancel()

    async def run(self, utterance: Utterance) -> TurnResult:
        """From utterance to heard reply. Never raises for what went wrong inside: that is its outcome."""
        now = self._parts.clock()
        self._parts.emit(TurnStarted(now, self.number, utterance.source, utterance.ended_at, self.request))
        self._started = True
        if self.confirmed:
            self._tell_confirmed()
        try:
            with self._scope:
                await self._answer(utterance)
        finally:
            self._fall_silent()
            self.over.set()
        return self._finish(utterance.ended_at)

    # ── what the owner may look at ──────────────────────────────────────────────────────────────

    @property
    def confirmed(self) -> bool:
        """The gate is open."""
        return self._gate.is_set()

    @property
    def live(self) -> bool:
        """It runs and has not been told to end."""
        return self._reason is None and not self.over.is_set()

    @property
    def audible(self) -> bool:
        """The reply can be heard right now."""
        return self._playout.audible

    # ── TurnScope, for the agent ────────────────────────────────────────────────────────────────

    async def until_confirmed(self) -> None:
        """See `protocols.TurnScope.until_confirmed`."""
        await self._gate.wait()

    async def act(self, tool: str, arguments: dict[str, object], call: Callable[[], Awaitable[str]]) -> str:
        """See `protocols.TurnScope.act`."""
        await self._gate.wait()

        async def work() -> Action:
            return Action(tool, arguments, await call())

        try:
            action = await self._parts.acts.run(work)
        except VoxSparkError as error:
            self.used(tool, arguments, error.message, ok=False)
            raise
        self._actions.append(action)
        self.used(tool, arguments, action.result)
        return action.result

    def used(self, tool: str, arguments: dict[str, object], result: str, *, ok: bool = True) -> None:
        """See `protocols.TurnScope.used`."""
        self._parts.emit(ToolUsed(self._parts.clock(), self.number, tool, arguments, result, ok))

    def by_strangers(self) -> None:
        """See `protocols.TurnScope.by_strangers`."""
        self._by_strangers = True

    def begun(self, filler: str) -> None:
        """See `protocols.TurnScope.begun`."""
        self._bridge.begun(filler)

    # ── stages ──────────────────────────────────────────────────────────────────────────────────

    async def _answer(self, utterance: Utterance) -> None:
        try:
            self._transcript = await self._transcribe(utterance)
            if not self._transcript:
                self._outcome = "empty"
                return
            await self._reply(self._transcript, utterance.ended_at)
        except Exception as error:  # the turn's one boundary: whatever a stage raises is apologised for
            await self._apologise(known(error, f"turn {self.number}"))

    async def _transcribe(self, utterance: Utterance) -> str:
        if utterance.samples is None:
            return utterance.text or ""
        completeness: float | None = None

        async def listen_for_the_end(samples: Pcm16) -> None:
            nonlocal completeness
            if (model := self._parts.end_of_turn) is not None:
                try:
                    completeness = await model.completeness(samples)
                except EngineError as error:
                    self._failed(error)

        async with anyio.create_task_group() as group:
            group.start_soon(listen_for_the_end, utterance.samples)
            transcript = await self._parts.transcriber.transcribe(utterance.samples)
            text = transcript.text.strip()
            self._mark("transcript")
            self._parts.emit(Transcribed(self._parts.clock(), self.number, text, transcript.confidence))
        verdict = reads(text)
        patience = patience_seconds(verdict, completeness, self._parts.patience)
        self._judge(patience, verdict, completeness)
        return text

    def _judge(self, patience: float, verdict: str, completeness: float | None) -> None:
        self._judged = True
        self._parts.emit(TurnJudged(self._parts.clock(), self.number, patience, verdict, completeness))

    async def _reply(self, text: str, end_of_speech: float) -> None:
        to_synthesizer, pieces = anyio.create_memory_object_stream[str](PIECES_BOUND)
        to_speaker, clips = anyio.create_memory_object_stream[Clip](CLIPS_BOUND)
        async with to_synthesizer, pieces, to_speaker, clips, anyio.create_task_group() as group:
            group.start_soon(self._think, text, to_synthesizer)
            if self._aloud:
                group.start_soon(self._synthesize, pieces, to_speaker)
                async with anyio.create_task_group() as waiting:
                    waiting.start_soon(self._bridge.run, end_of_speech, self._gate.wait, lambda: bool(self._last_piece))
                    await self._speak(clips)
                    waiting.cancel_scope.cancel()
            else:
                await self._deliver(pieces)
        await self._gate.wait()  # silence is an answer too, but not before the user has finished

    async def _think(self, text: str, to_synthesizer: MemoryObjectSendStream[str]) -> None:
        splitter = SentenceSplitter()
        async with to_synthesizer, aclosing(self.agent.reply(text, self)) as deltas:
            async for delta in deltas:
                if self._mark("first_token"):
                    self._parts.emit(FirstToken(self._parts.clock(), self.number))
                for piece in splitter.feed(delta):
                    await self._pass_on(piece, to_synthesizer)
            for piece in splitter.flush():  # a sentence that the token limit cut is not begun
                if not self._last_piece or ends_sentence(piece) or not ends_sentence(self._last_piece):
                    await self._pass_on(piece, to_synthesizer)

    async def _pass_on(self, piece: str, to_synthesizer: MemoryObjectSendStream[str]) -> None:
        self._mark("first_clause")
        self._last_piece = piece
        self._parts.emit(Reply(self._parts.clock(), self.number, piece))
        await to_synthesizer.send(piece)

    async def _synthesize(
        self, pieces: MemoryObjectReceiveStream[str], to_speaker: MemoryObjectSendStream[Clip]
    ) -> None:
        async with pieces, to_speaker:
            async for piece in pieces:
                try:
                    await self._voice(piece, to_speaker.send)
                except SynthesizerError as error:
                    if error.code != "nothing-to-say":
                        raise

    async def _voice(self, piece: str, hand_over: Callable[[Clip], Awaitable[None]]) -> None:
        """One piece as clips; the first carries the text."""
        if not (words := spoken(piece)):
            return
        text = piece
        async with aclosing(joined(self._parts.synthesizer.synthesize(words), pause_seconds(piece))) as sounds:
            async for samples in sounds:
                self._mark("first_audio")
                await hand_over(Clip(samples, SPOKEN_RATE_HZ, text))
                text = ""

    def _filling(self, text: str) -> None:
        self._mark("filler")
        self._parts.emit(FillerSpoken(self._parts.clock(), self.number, text))

    async def _speak(self, clips: MemoryObjectReceiveStream[Clip]) -> None:
        async with clips, anyio.create_task_group() as group:
            group.start_soon(self._playout.watch)
            async for clip in clips:
                await self._gate.wait()
                await self._playout.play(clip)
            await self._playout.drain()
            group.cancel_scope.cancel()

    def _audible_from(self, at: float) -> None:
        self._moments["first_audible"] = at
        self._parts.emit(SpeakingStarted(at, self.number))

    def _fall_silent(self) -> None:
        """Stop speaking, at once."""
        try:
            self._playout.stop()
        except Exception as error:  # a speaker that cannot even stop must not keep the next turn from its turn
            self._failed(known(error, "stopping the speaker"))

    async def _deliver(self, pieces: MemoryObjectReceiveStream[str]) -> None:
        """The reply as text only."""
        async with pieces:
            async for piece in pieces:
                await self._gate.wait()
                self._playout.deliver(piece)

    # ── endings ─────────────────────────────────────────────────────────────────────────────────

    async def _apologise(self, error: VoxSparkError) -> None:
        """One spoken sentence about what went wrong, and a tone when even that fails."""
        self._outcome = "failed"
        self._failed(error)
        if not self._judged:
            self._judge(self._parts.patience.doubtful_seconds, "doubtful", None)
        if not self._aloud:
            return
        await self._gate.wait()
        for say in (partial(self._voice, f"Sorry. {error.message}"), self._beep):
            self._fall_silent()
            try:
                await self._say(say)
            except Exception as another:  # the boundary of an apology: more cannot be done than to try the tone
                log.warning("apologising failed: %s", known(another, "apologising").code)
            else:
                return

    async def _say(self, make: Callable[[Callable[[Clip], Awaitable[None]]], Awaitable[None]]) -> None:
        """Play the clips that `make` hands over."""
        to_speaker, clips = anyio.create_memory_object_stream[Clip](CLIPS_BOUND)
        async with clips, anyio.create_task_group() as group:
            group.start_soon(self._speak, clips)
            async with to_speaker:
                await make(to_speaker.send)

    async def _beep(self, hand_over: Callable[[Clip], Awaitable[None]]) -> None:
        await hand_over(Clip(audio.tone(220, 0.4, 24_000), 24_000, ""))

    def _failed(self, error: VoxSparkError) -> None:
        self._parts.emit(failed(error, self._parts.clock(), self.number))

    def _finish(self, end_of_speech: float) -> TurnResult:
        outcome: Literal["answered", "interrupted", "withdrawn", "empty", "failed"] = self._outcome
        if self._scope.cancelled_caught:
            outcome = "interrupted" if self.confirmed else "withdrawn"
        self._mark("ended")
        timings = {name: moment - end_of_speech for name, moment in self._moments.items()}
        result = TurnResult(
            outcome, self._transcript, self._playout.heard, tuple(self._actions), timings, self._by_strangers
        )
        self._parts.emit(
            TurnEnded(
                self._parts.clock(),
                self.number,
                outcome,
                result.transcript,
                result.heard,
                result.timings,
                result.actions,
                self.request,
                self._reason if self._scope.cancelled_caught else None,
            )
        )
        return result

    def _mark(self, name: str) -> bool:
        """Note when something happened for the first time; True when it is the first."""
        if name in self._moments:
            return False
        self._moments[name] = self._parts.clock()
        return True
