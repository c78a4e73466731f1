"""The microphone's way into the inbox: chunks become signals, and nothing here waits for a turn."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

import anyio

from voxspark.bus import failed, known
from voxspark.errors import EngineError
from voxspark.events import AudioDropped, Event, Failed, FillerSpoken, Reply, SpeakingStarted, TurnEnded
from voxspark.language import Language, current, speak
from voxspark.listening.backchannel import is_stop
from voxspark.listening.barge_in import Hearing
from voxspark.listening.listener import Listener
from voxspark.listening.own_voice import is_own_speech
from voxspark.protocols import Agent, Clock, Echo, Emit, Microphone, Transcriber, TurnScope
from voxspark.speech.spoken import spoken
from voxspark.types import CHUNK_SECONDS, Chunk, ListeningSignal, Pcm16, Transcript, Utterance

log = logging.getLogger(__name__)

ECHO_SECONDS = 0.6
"""How long after a reply its sound may still arrive: what a wireless speaker adds, and a room. An answer to it that
begins when it ends is longer than that."""

DEAF_SECONDS = 0.1
"""How long after a reply such a sound may begin to be heard, where nothing is heard during it."""

GATHERING_SECONDS = 0.05
"""For the words that may come up: milliseconds, where nothing is wrong. No utterance waits longer for them."""

TELLING_WORDS = 3
"""Of speech that goes on, before it can be known for the assistant's own: it, too, says "and the"."""

MOST_REPLIES = 8
"""That are remembered; most of them are never heard."""

MOST_BROKEN_SECONDS = 5.0
"""Sound in a row that may fail to be listened to. Then the daemon ends: deaf, it must not look alive."""


class Attuned:
    """A transcriber that is told before each utterance which words may come up."""

    def __init__(self, transcriber: Transcriber, words: Callable[[], Awaitable[Sequence[str]]]) -> None:
        self._transcriber = transcriber
        self._words = words

    async def transcribe(self, samples: Pcm16, *, hot_words: Sequence[str] = ()) -> Transcript:
        """See `protocols.Transcriber`."""
        words: Sequence[str] = ()
        with anyio.move_on_after(GATHERING_SECONDS):
            words = await self._words()
        return await self._transcriber.transcribe(samples, hot_words=(*hot_words, *words))

    async def warm(self) -> None:
        """See `protocols.Transcriber`."""
        await self._transcriber.warm()


class Linguist:
    """A transcriber whose finding decides the language of the turn that asked it."""

    def __init__(self, transcriber: Transcriber) -> None:
        self._transcriber = transcriber

    async def transcribe(self, samples: Pcm16, *, hot_words: Sequence[str] = ()) -> Transcript:
        """See `protocols.Transcriber`."""
        transcript = await self._transcriber.transcribe(samples, hot_words=hot_words)
        speak(transcript.language)
        return transcript

    async def warm(self) -> None:
        """See `protocols.Transcriber`."""
        await self._transcriber.warm()


class NoEcho:
    """An Echo where the microphone cannot hear the speaker, or that is not to matter."""

    deaf = False

    def clean(self, chunk: Chunk) -> Chunk:
        """The chunk as it is."""
        return chunk

    def state(self) -> dict[str, Any]:
        """See `protocols.Echo`."""
        return {"duplex": "full", "reason": "The microphone is taken as it is.", "canceller": "none"}


class Ears:
    """Reads the microphone through the listener."""

    def __init__(
        self,
        microphone: Microphone,
        listener: Listener,
        transcriber: Transcriber,
        emit: Emit,
        clock: Clock,
        echo: Echo | None = None,
    ) -> None:
        self._microphone = microphone
        self._echo = echo or NoEcho()
        self._listener = listener
        self._transcriber = transcriber
        self._emit = emit
        self._clock = clock
        self._voice = OwnVoice()
        self._dropped_seconds = 0.0
        self._broken_seconds = 0.0

    def note(self, event: Event) -> None:
        """Something happened: the assistant may have spoken."""
        self._voice.note(event)

    def attentive(self, agent: Agent, utterance: Utterance) -> Agent:
        """An agent that answers the utterance unless the assistant itself has said it."""
        return agent if utterance.samples is None else _Attentive(agent, self._voice, utterance)

    async def signals(self, deaf: Callable[[], bool]) -> AsyncGenerator[ListeningSignal, None]:
        """Signals as they come, until the microphone's source ends; `deaf` says when not to hear.

        Raises EngineError when the listener stays broken.
        """
        async with aclosing(self._microphone.chunks()) as chunks:
            async for chunk in chunks:
                self._note_dropped()
                for signal in self._hear(chunk, deaf):
                    yield signal
        for signal in self._listener.flush(self._clock()):
            yield signal

    async def overhear(self, utterance: Utterance, voiced_seconds: float, *, finished: bool) -> Hearing:
        """What speech during a turn says, so far or all; without words when that cannot be known."""
        assert utterance.samples is not None
        try:
            transcript = await self._transcriber.transcribe(utterance.samples)
        except Exception as error:  # an engine's boundary: the reply goes on
            self._emit(failed(known(error, "overhearing"), self._clock()))
            transcript = Transcript("")
        hearing = Hearing.of(transcript, utterance.samples, voiced_seconds)
        telling = finished or len(transcript.text.split()) >= TELLING_WORDS
        return replace(hearing, own=telling and self._voice.says(transcript.text, utterance))

    def _hear(self, chunk: Chunk, deaf: Callable[[], bool]) -> list[ListeningSignal]:
        try:
            chunk = self._echo.clean(chunk)
            self._listener.deaf = self._echo.deaf or deaf()
            signals = self._listener.feed(chunk)
        except Exception as error:  # the listening engines' boundary: one bad chunk is no reason to be deaf
            if not self._broken_seconds:
                self._emit(failed(known(error, "listening"), self._clock()))
            self._broken_seconds += CHUNK_SECONDS
            if self._broken_seconds >= MOST_BROKEN_SECONDS:
                raise EngineError("ears-broke", "I cannot hear any more.", "See the log.") from error
            return []
        self._broken_seconds = 0.0
        return signals

    def _note_dropped(self) -> None:
        dropped = self._microphone.dropped_seconds
        if dropped > self._dropped_seconds:
            self._emit(AudioDropped(self._clock(), dropped - self._dropped_seconds))
            self._dropped_seconds = dropped


@dataclass(slots=True)
class _Spoken:
    """A reply, and when it could be heard."""

    turn: int
    language: Language
    text: str = ""
    since: float = math.inf
    until: float = math.inf

    def may_be(self, utterance: Utterance) -> bool:
        """Whether its sound can have been that: it began while this was said, and was over soon after."""
        began_in_it = self.since <= utterance.ended_at and utterance.started_at <= self.until + DEAF_SECONDS
        return began_in_it and utterance.ended_at <= self.until + ECHO_SECONDS


class OwnVoice:
    """What the assistant has said lately, as its events tell."""

    def __init__(self) -> None:
        self._replies: deque[_Spoken] = deque(maxlen=MOST_REPLIES)

    def note(self, event: Event) -> None:
        """Something happened."""
        match event:
            case (
                Reply(turn=turn, text=text) | FillerSpoken(turn=turn, text=text) | Failed(turn=int(turn), message=text)
            ):
                reply = self._reply(turn)
                reply.text = f"{reply.text} {text}"
                reply.language = current()
            case SpeakingStarted(at, turn):
                self._reply(turn).since = at
            case TurnEnded(at, turn):
                self._reply(turn).until = at

    def says(self, text: str, utterance: Utterance) -> bool:
        """Whether that is what the utterance was. A call for silence never is: it does no harm."""
        if utterance.source != "microphone" or is_stop(text):
            return False
        replies = [each for each in self._replies if each.may_be(utterance)]
        said = [form for each in replies for form in (each.text, spoken(each.text, each.language))]
        return any(is_own_speech(text, each) for each in said)

    def _reply(self, turn: int) -> _Spoken:
        found = next((each for each in self._replies if each.turn == turn), None)
        if found is None:
            found = _Spoken(turn, current())
            self._replies.append(found)
        return found


class _Attentive:
    """Says nothing to what the assistant has said."""

    def __init__(self, agent: Agent, voice: OwnVoice, utterance: Utterance) -> None:
        self._agent = agent
        self._voice = voice
        self._utterance = utterance

    async def reply(self, text: str, turn: TurnScope) -> AsyncGenerator[str, None]:
        """See `protocols.Agent.reply`."""
        if self._voice.says(text, self._utterance):
            log.info("the microphone heard the assistant itself")
            return
        async with aclosing(self._agent.reply(text, turn)) as texts:
            async for piece in texts:
                yield piece
