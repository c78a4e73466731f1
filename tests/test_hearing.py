"""The ears: who hears, who goes on where one fails, and who is not asked again before it is well."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
import numpy as np
import pytest

from tests.virtual_time import virtual_time
from voxspark.errors import EngineError, TranscriberError
from voxspark.events import EarsChanged, Event
from voxspark.types import Pcm16, Transcript
from voxspark.voicing.hearing import Hearing, KnownSpeech
from voxspark.voicing.succession import LOOK_SECONDS, Candidate, How

SPEECH, KNOWN = np.zeros(16_000, np.int16), np.ones(16_000, np.int16)
WORDS = "he was not an ill disposed young man"
CRASH = TranscriberError("worker-crashed", "The ears crashed.")


@dataclass(eq=False)
class FakeEars:
    """Hear the known words in the known recording, their own name in everything else."""

    name: str
    known: str = WORDS
    failure: EngineError | None = None
    heard: list[str] = field(default_factory=list)
    hot_words: Sequence[str] = ()

    async def transcribe(self, samples: Pcm16, *, hot_words: Sequence[str] = ()) -> Transcript:
        """See `protocols.Transcriber`."""
        text = self.known if samples is KNOWN else self.name
        self.heard.append("known" if samples is KNOWN else "speech")
        self.hot_words = hot_words
        await anyio.lowlevel.checkpoint()
        if self.failure:
            raise self.failure
        return Transcript(text)

    async def guard(self, work: Any) -> Any:
        return await work


@dataclass(eq=False)
class Slot:
    """Where ears are loaded."""

    engine: FakeEars
    loaded: bool = True
    loads: int = 0

    @asynccontextmanager
    async def open(self, how: How) -> AsyncIterator[Any]:
        """See `voicing.succession.Opening`."""
        if not self.loaded and how == "there":
            raise EngineError("role-unfilled", "There is nobody else for ears.")
        self.loads += not self.loaded
        self.loaded = True
        yield _InUse(self.engine)


@dataclass(eq=False)
class _InUse:
    engine: FakeEars

    async def guard(self, work: Any) -> Any:
        return await work


@dataclass(eq=False)
class Stage:
    """Ears in their slots, and what was told."""

    slots: list[Slot]
    hearing: Hearing
    events: list[EarsChanged]

    async def hear(self) -> str:
        return (await self.hearing.transcribe(SPEECH, hot_words=("Siobhan",))).text


def stage(*ears: FakeEars, known: bool = True) -> Stage:
    slots, events = [Slot(each, loaded=not number) for number, each in enumerate(ears)], list[EarsChanged]()

    def emit(event: Event) -> None:
        assert isinstance(event, EarsChanged)
        events.append(event)

    candidates = [Candidate(key=slot.engine.name, name=slot.engine.name, open=slot.open) for slot in slots]
    speech = KnownSpeech(KNOWN, WORDS) if known else None
    return Stage(slots, Hearing(candidates, speech, emit, anyio.current_time), events)


@asynccontextmanager
async def running(hearing: Hearing) -> AsyncIterator[None]:
    async with anyio.create_task_group() as group:
        await group.start(hearing.run, anyio.lowlevel.checkpoint)
        yield
        group.cancel_scope.cancel()


@virtual_time
async def test_the_first_hears_alone_with_the_words_that_may_come_up() -> None:
    at = stage(first := FakeEars("first"), second := FakeEars("second"))
    await at.hearing.warm()
    async with running(at.hearing):
        await anyio.sleep(3 * LOOK_SECONDS)
        assert await at.hear() == "first"
    assert (first.heard, list(first.hot_words)) == (["known", "speech"], ["Siobhan"])
    assert (second.heard, at.slots[1].loads, at.events) == ([], 0, [])  # memory is for others


@virtual_time
async def test_an_utterance_that_one_fails_at_is_heard_by_the_next() -> None:
    at = stage(first := FakeEars("first"), second := FakeEars("second"))
    await at.hearing.warm()
    first.failure = CRASH
    assert [await at.hear(), await at.hear()] == ["second", "second"]
    assert (first.heard, second.heard) == (["known", "speech"], ["speech", "speech"])
    assert [(event.ears, event.instead_of, event.reason) for event in at.events] == [
        ("second", "first", "The ears crashed.")
    ]


@virtual_time
async def test_who_failed_is_tested_before_it_hears_again() -> None:
    at = stage(first := FakeEars("first"), FakeEars("second"))
    await at.hearing.warm()
    async with running(at.hearing):
        first.failure = CRASH
        await at.hear()
        await anyio.sleep(1)
        assert await at.hear() == "second"
        first.failure = None
        await anyio.sleep(LOOK_SECONDS)
        assert await at.hear() == "first"
    assert at.events[-1].reason == "first has passed its self-test."


@virtual_time
async def test_ears_that_do_not_understand_known_words_are_refused() -> None:
    at = stage(FakeEars("first", known="the the the"), FakeEars("second"))
    await at.hearing.warm()
    assert await at.hear() == "second"
    assert at.events[0].reason == "Of a known sentence it hears 0%."
    assert at.hearing.state()[0] == {"name": "first", "trouble": "Of a known sentence it hears 0%."}
    with pytest.raises(EngineError) as caught:
        await stage(FakeEars("only", known="")).hearing.warm()
    assert caught.value.code == "ears-refused"


@virtual_time
async def test_ears_of_another_language_are_taken_as_they_are() -> None:
    at = stage(FakeEars("only", known=""), known=False)
    await at.hearing.warm()
    assert await at.hear() == "only"


@virtual_time
async def test_when_nobody_can_the_first_says_why() -> None:
    at = stage(FakeEars("first", failure=CRASH), FakeEars("second", failure=EngineError("broke", "It broke.")))
    with pytest.raises(EngineError) as caught:
        await at.hear()
    assert caught.value is CRASH
    with pytest.raises(EngineError) as caught:
        await stage().hear()
    assert caught.value.code == "ears-missing"
