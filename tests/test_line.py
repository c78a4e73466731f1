"""The line of voices: who speaks, who goes on where one fails, who is not heard, and who is well again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from tests.deltas import everything
from tests.virtual_time import virtual_time
from voxspark import audio
from voxspark.agent.swarm import LiveTurns
from voxspark.audio import tone
from voxspark.errors import EngineError, SynthesizerError
from voxspark.events import Event, TurnEnded, TurnStarted, VoiceChanged
from voxspark.language import speaking
from voxspark.loudness import SPEECH_LUFS, gain_to
from voxspark.speech.joining import SEAM
from voxspark.types import Pcm, Pcm16, Transcript, TurnResult, Utterance
from voxspark.voicing.line import PREPARE_PAUSE_SECONDS, PREPARE_SECONDS, STALLED_SECONDS, Line
from voxspark.voicing.selftest import SENTENCES, SelfTest, missed_share, trouble_in_sound
from voxspark.voicing.stored import Stored
from voxspark.voicing.succession import LOOK_SECONDS, PATIENCE, RETEST_SECONDS, Candidate, How

RATE = 16_000
CRASH = SynthesizerError("worker-crashed", "The voice crashed.")
EVICTED = EngineError("model-evicted", "It had to leave memory.")
TEXT = "one two three four five six seven eight nine ten"


def speech(seconds: float) -> Pcm:
    """Like a vowel: a few tones."""
    return sum((tone(hz, seconds, RATE) for hz in (150.0, 300.0, 450.0)), np.zeros(int(seconds * RATE), np.float32))


@dataclass(eq=False)
class FakeVoice:
    """Says every word in `per_word` seconds, a piece each, and notes the texts it is given."""

    name: str
    per_word: float = 0.3
    delay: float = 0.0
    fails_after: int | None = None
    failure: EngineError = CRASH
    sound: Pcm | None = None
    """Instead of speech."""
    endless: bool = False
    texts: list[str] = field(default_factory=list)
    closed: int = 0

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """See `protocols.Synthesizer`."""
        self.texts.append(text)
        try:
            await anyio.sleep(self.delay)
            if self.sound is not None:
                yield self.sound, RATE
                return
            while self.endless:
                yield speech(self.per_word), RATE
            for number, _ in enumerate(text.split()):
                if number == self.fails_after:
                    raise self.failure
                yield speech(self.per_word), RATE
        finally:
            self.closed += 1

    async def warm(self) -> None:
        """Nothing to load."""


@dataclass(eq=False)
class FakeEars:
    """Hears the known sentence, or what a test says."""

    text: str = SENTENCES["en"]
    failure: EngineError | None = None

    async def transcribe(self, samples: Pcm16, *, hot_words: Sequence[str] = ()) -> Transcript:
        """See `protocols.Transcriber`."""
        if self.failure:
            raise self.failure
        return Transcript(self.text)

    async def warm(self) -> None:
        """Nothing to load."""


@dataclass(eq=False)
class Slot:
    """A voice's place: what is loaded there, or why nothing is."""

    voice: FakeVoice
    missing: EngineError | None = None
    loads: int = 0
    engine: Any = None

    def __post_init__(self) -> None:
        self.engine = self.voice

    async def guard(self, work: Any) -> Any:
        return await work

    @asynccontextmanager
    async def open(self, how: How) -> AsyncIterator[Any]:
        """See `voicing.line.Opening`."""
        if self.missing:
            raise self.missing
        self.loads += how == "wait"
        yield self


@dataclass(eq=False)
class Stage:
    """A line of slots, and what it told."""

    slots: list[Slot]
    line: Line
    events: list[VoiceChanged]

    async def say(self, text: str = TEXT) -> list[int]:
        """Samples of the pieces."""
        return [len(samples) for samples, _ in await everything(self.line.synthesize(text)) if len(samples)]

    @property
    def changes(self) -> list[tuple[str, str]]:
        return [(event.voice, event.instead_of) for event in self.events]


def stage(
    *voices: FakeVoice,
    ears: FakeEars | None = None,
    languages: Sequence[Sequence[str]] = (),
    sounds: Sequence[str] = (),
) -> Stage:
    slots, events = [Slot(voice) for voice in voices], list[VoiceChanged]()

    def emit(event: Event) -> None:
        assert isinstance(event, VoiceChanged)
        events.append(event)

    spoken = [*languages, *([()] * len(voices))]
    candidates = [
        Candidate(key=slot.voice.name, name=slot.voice.name, open=slot.open, languages=tuple(codes), sound=sound)
        for slot, codes, sound in zip(slots, spoken, [*sounds, *([""] * len(voices))], strict=False)
    ]
    selftest = SelfTest(ears or FakeEars(), "en")
    return Stage(slots, Line(candidates, selftest, emit, anyio.current_time), events)


@asynccontextmanager
async def running(line: Line) -> AsyncIterator[None]:
    async def quiet() -> None:
        await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:
        await group.start(line.run, quiet)
        yield
        group.cancel_scope.cancel()


async def code_of(line: Line, text: str = TEXT) -> str:
    with pytest.raises(EngineError) as caught:
        await everything(line.synthesize(text))
    return caught.value.code


# ── who listens ─────────────────────────────────────────────────────────────────────────────────


@dataclass(eq=False)
class Listener(FakeVoice):
    """Notes what it hears, and what it is told to forget."""

    heard: list[tuple[str, int]] = field(default_factory=list)
    breaks: bool = False

    async def hear(self, text: str, samples: Pcm16) -> None:
        """See `protocols.Listens`."""
        if self.breaks:
            raise ValueError(text)
        self.heard.append((text, len(samples)))


def spoke(seconds: float = 1.0) -> Utterance:
    return Utterance(np.zeros(int(seconds * RATE), np.int16), ended_at=seconds)


ANSWERED = TurnResult("answered", "What time is it?", "It is noon.")
INTERRUPTED = replace(ANSWERED, outcome="interrupted", heard="It is")


@virtual_time
async def test_a_voice_that_listens_hears_what_was_answered_and_nothing_else() -> None:
    voice = Listener("listener")
    at = stage(voice, FakeVoice("other"))
    at.line.candidates = [replace(each, listens=each.name == "listener") for each in at.line.candidates]
    for utterance, result in (
        (spoke(), TurnResult("withdrawn", "What")),
        (spoke(), TurnResult("empty")),
        (spoke(), TurnResult("answered", "Stop.")),
        (spoke(31.0), ANSWERED),
        (Utterance(None, "What time is it?", 0.0, 0.0, "socket"), ANSWERED),
    ):
        await at.line.answered(utterance, result)
    assert voice.heard == []
    await at.line.answered(spoke(), ANSWERED)
    await at.line.answered(spoke(2.0), INTERRUPTED)
    assert voice.heard == [("What time is it?", RATE), ("What time is it?", 2 * RATE)]


@virtual_time
async def test_who_does_not_speak_any_more_forgets_once_and_hears_nothing() -> None:
    voice, other = Listener("listener"), Listener("other")
    at = stage(voice, other, languages=[("en",), ("de",)])
    at.line.candidates = [replace(each, listens=True) for each in at.line.candidates]
    await at.line.answered(spoke(), ANSWERED)
    with speaking("de"):
        await at.line.answered(spoke(), ANSWERED)
        await at.line.answered(spoke(), ANSWERED)
    assert voice.heard == [("What time is it?", RATE), ("", 0)]
    assert len(other.heard) == 2
    with speaking("fr"):  # nobody's
        await at.line.answered(spoke(), ANSWERED)
    assert other.heard[2:] == [("", 0)]


@virtual_time
async def test_a_voice_that_breaks_while_it_listens_breaks_nothing_and_says_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    at = stage(Listener("listener", breaks=True))
    at.line.candidates = [replace(each, listens=True) for each in at.line.candidates]
    with caplog.at_level("DEBUG"):
        await at.line.answered(spoke(), ANSWERED)
        at.slots[0].missing = EVICTED
        await at.line.answered(spoke(), ANSWERED)
    assert "What time" not in caplog.text
    assert "listener has not heard the user: ValueError" in caplog.text


# ── who speaks ──────────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_the_first_voice_speaks_alone_at_its_loudness() -> None:
    first, second = FakeVoice("first"), FakeVoice("second")
    at = stage(first, second)
    await at.line.warm()
    pieces = await everything(at.line.synthesize("Hello."))
    assert [(len(samples), rate) for samples, rate in pieces] == [(4800, RATE)]
    gain = gain_to(SPEECH_LUFS, audio.join(*[speech(0.3)] * len(SENTENCES["en"].split())), RATE)
    assert np.abs(pieces[0][0]).max() == pytest.approx(np.abs(speech(0.3)).max() * gain)
    assert (first.texts, second.texts, at.events) == ([SENTENCES["en"], "Hello."], [], [])


@virtual_time
async def test_a_voice_that_cannot_say_it_hands_it_over_without_ado() -> None:
    nothing = SynthesizerError("nothing-to-say", "There are no words in it.")
    first, second = FakeVoice("first", fails_after=0, failure=nothing), FakeVoice("second")
    at = stage(first, second)
    assert len(await at.say("Привет")) == 1
    assert (first.texts, second.texts, at.events) == (["Привет"], ["Привет"], [])


@virtual_time
@pytest.mark.parametrize("failure", [CRASH, EVICTED])
async def test_who_fails_in_mid_sentence_is_followed_by_the_rest_of_it(failure: EngineError) -> None:
    first, second = FakeVoice("first", fails_after=4, failure=failure), FakeVoice("second")
    at = stage(first, second)
    at.line.fitness["first"] = fitness = at.line._of(at.line.candidates[0])
    fitness.characters_per_second = len(TEXT) / (0.3 * 10)
    assert len(await at.say()) == 4 + 6
    assert second.texts == ["five six seven eight nine ten"]
    assert at.changes == [("second", "first")]
    assert at.events[0].reason == failure.message


@virtual_time
async def test_a_seam_tells_where_another_voice_goes_on() -> None:
    first, second = FakeVoice("first", fails_after=4), FakeVoice("second")
    pieces = await everything(stage(first, second).line.synthesize(TEXT))
    assert [number for number, piece in enumerate(pieces) if piece is SEAM] == [4]
    failing = FakeVoice("first", fails_after=0)
    pieces = await everything(stage(failing, second).line.synthesize(TEXT))
    assert not any(piece is SEAM for piece in pieces)


@virtual_time
async def test_noise_is_not_played_and_the_next_voice_says_it() -> None:
    first, second = FakeVoice("first", sound=np.full(4_000, np.nan, np.float32)), FakeVoice("second")
    at = stage(first, second)
    assert len(await at.say()) == 10
    assert at.changes == [("second", "first")]


@virtual_time
async def test_who_fails_at_the_last_word_is_followed_by_nobody() -> None:
    first, second = FakeVoice("first", per_word=3.0, fails_after=9), FakeVoice("second")
    assert len(await stage(first, second).say()) == 9
    assert second.texts == []


@virtual_time
async def test_when_nobody_can_the_first_says_why() -> None:
    nothing = SynthesizerError("nothing-to-say", "There are no words in it.")
    voices = FakeVoice("first", fails_after=0), FakeVoice("second", fails_after=0, failure=nothing)
    assert await code_of(stage(*voices).line) == "worker-crashed"
    assert await code_of(stage().line) == "voice-missing"


@virtual_time
async def test_whoever_speaks_the_language_comes_first() -> None:
    english, german, any_ = FakeVoice("english"), FakeVoice("german"), FakeVoice("any")
    at = stage(english, german, any_, languages=[("en",), ("de",)])
    for code, voice in (("en", english), ("de", german), ("fr", any_)):
        with speaking(code):  # type: ignore[arg-type]
            await at.say(code)
        assert voice.texts == [code]
    with speaking("fr"):
        at = stage(english, languages=[("en",)])
        assert len(await at.say("fr")) == 1  # better with an accent than not at all


@virtual_time
async def test_a_listener_who_leaves_closes_the_voice_and_wakes_no_other() -> None:
    first, second = FakeVoice("first"), FakeVoice("second")
    async with aclosing(stage(first, second).line.synthesize(TEXT)) as pieces:
        await anext(pieces)
        assert first.closed == 0
    assert (first.closed, second.texts) == (1, [])


# ── tested before they are heard ────────────────────────────────────────────────────────────────


@virtual_time
@pytest.mark.parametrize(
    ("sound", "reason"),
    [
        (np.zeros(4 * RATE, np.float32), "It is silent."),
        (np.random.default_rng(1).normal(0, 0.1, 4 * RATE).astype(np.float32), "It is noise."),
        (np.sign(speech(4.0)), "It is clipped."),
        (np.full(4 * RATE, np.nan, np.float32), "It gives no sound but errors."),
        (speech(0.2), "It takes 0.2 seconds for a sentence of 69 characters."),
    ],
)
async def test_a_voice_that_gives_no_speech_is_refused_and_the_next_serves(sound: Pcm, reason: str) -> None:
    at = stage(FakeVoice("first", sound=sound), FakeVoice("second"))
    await at.line.warm()
    assert at.changes == [("second", "first")]
    assert at.events[0].reason == reason
    assert await at.say()
    assert at.slots[0].voice.texts == [SENTENCES["en"]]
    assert at.line.state()[0] == {"name": "first", "trouble": reason}


@virtual_time
async def test_a_voice_whose_words_nobody_understands_is_refused() -> None:
    at = stage(FakeVoice("only"), ears=FakeEars("The other man is very nice"))
    with pytest.raises(EngineError) as caught:
        await at.line.warm()
    assert caught.value.code == "voice-refused"
    assert caught.value.remedy.startswith("Only 31% of its words can be heard.")
    assert await code_of(at.line) == "voice-missing"


@virtual_time
async def test_deaf_ears_and_ears_for_another_language_refuse_nobody() -> None:
    await stage(FakeVoice("only"), ears=FakeEars(failure=EngineError("ears-broke", "Deaf."))).line.warm()
    await stage(FakeVoice("only"), ears=FakeEars(""), languages=[("de",)]).line.warm()


@virtual_time
async def test_a_voice_that_cannot_be_loaded_is_told_of_and_comes_when_it_can() -> None:
    at = stage(FakeVoice("first"), FakeVoice("second"))
    at.slots[0].missing = EngineError("model-broken", "The file is broken.")
    await at.line.warm()
    assert at.changes == [("second", "first")]
    async with running(at.line):
        await anyio.sleep(LOOK_SECONDS / 2)
        await at.say()
        at.slots[0].missing = None
        await anyio.sleep(LOOK_SECONDS)
        await at.say("Back.")
    assert at.slots[0].voice.texts == [SENTENCES["en"], "Back."]
    assert at.events[-1].reason == "first has passed its self-test."


@virtual_time
async def test_a_crashed_voice_is_tested_before_it_is_heard_again() -> None:
    at = stage(first := FakeVoice("first", fails_after=2), second := FakeVoice("second"))
    first.fails_after = None
    await at.line.warm()
    async with running(at.line):
        first.fails_after = 2
        await at.say()
        await at.say("Still me.")
        assert second.texts[-1] == "Still me."
        first.fails_after = None
        await anyio.sleep(1)
        await at.say("Back.")
    assert first.texts == [SENTENCES["en"], TEXT, SENTENCES["en"], "Back."]
    assert at.changes == [("second", "first"), ("first", "second")]


@virtual_time
async def test_a_voice_that_was_loaded_anew_waits_for_its_test_where_another_is_fit() -> None:
    at = stage(FakeVoice("first"), second := FakeVoice("second"))
    await at.line.warm()
    async with running(at.line):
        await anyio.sleep(LOOK_SECONDS + 1)  # the second has been tested, too
        at.slots[0].engine = again = FakeVoice("first")
        await at.say("One.")
        assert second.texts[-1] == "One."
        await anyio.sleep(1)
        await at.say("Two.")
    assert again.texts == [SENTENCES["en"], "Two."]


@virtual_time
async def test_a_voice_that_was_loaded_anew_and_is_the_only_one_speaks() -> None:
    at = stage(FakeVoice("only"))
    await at.line.warm()
    at.slots[0].engine = again = FakeVoice("only")
    await at.say("One.")
    assert again.texts == ["One."]


@virtual_time
async def test_a_voice_that_passes_its_test_and_then_fails_each_time_is_left_alone_for_a_while() -> None:
    at = stage(first := FakeVoice("first"), FakeVoice("second"))
    await at.line.warm()
    async with running(at.line):
        for _ in range(20):
            await anyio.sleep(10.0)
            first.fails_after = 0
            await at.say()
            first.fails_after = None
    assert first.texts.count(TEXT) == PATIENCE
    assert len(at.events) <= 2 * PATIENCE


@virtual_time
async def test_a_voice_that_cannot_be_had_is_not_asked_for_all_the_time() -> None:
    at = stage(FakeVoice("first"), FakeVoice("second"))
    asked = 0

    @asynccontextmanager
    async def open(how: How) -> AsyncIterator[Any]:
        nonlocal asked
        asked += 1
        if asked:
            raise CRASH
        yield at.slots[0]

    at.line.candidates = [replace(at.line.candidates[0], open=open), at.line.candidates[1]]
    await at.line.warm()
    async with running(at.line):
        await anyio.sleep(2 * RETEST_SECONDS)
    assert asked <= 2 * PATIENCE


@virtual_time
async def test_a_voice_that_hangs_is_followed_by_the_next() -> None:
    at = stage(first := FakeVoice("first"), second := FakeVoice("second"))
    await at.line.warm()
    first.delay = 1e6
    began = anyio.current_time()
    assert len(await at.say()) == 10
    assert anyio.current_time() - began == STALLED_SECONDS
    assert (first.closed, second.texts) == (2, [TEXT])
    assert at.events[-1].reason == "first gives no more sound."


@virtual_time
async def test_a_voice_that_never_ends_is_ended() -> None:
    at = stage(first := FakeVoice("first"), second := FakeVoice("second"))
    await at.line.warm()
    first.endless = True
    assert 10 < len(await at.say()) < 120
    assert (first.closed, second.texts) == (2, [])


@virtual_time
@pytest.mark.parametrize("trouble", ["hangs", "never ends"])
async def test_a_voice_that_hangs_or_never_ends_does_not_pass_its_test(trouble: str) -> None:
    first = FakeVoice("first", delay=1e6 if trouble == "hangs" else 0.0, endless=trouble != "hangs")
    at = stage(first, FakeVoice("second"))
    await at.line.warm()
    assert at.changes == [("second", "first")]
    assert first.closed == 1


# ── made before they are wanted ─────────────────────────────────────────────────────────────────


@virtual_time
async def test_fixed_sentences_are_made_in_quiet_moments_and_a_turn_comes_first(tmp_path: Path) -> None:
    at = stage(voice := FakeVoice("only"))
    at.line.stored = stored = Stored(tmp_path, lambda _language: ("Done.", "One moment.", "Yes."))
    at.line.candidates = [replace(at.line.candidates[0], sound="only")]
    turns = LiveTurns()
    await at.line.warm()
    async with anyio.create_task_group() as group:
        await group.start(at.line.prepare, turns.quiet, turns.yielding)
        await anyio.sleep(PREPARE_SECONDS + PREPARE_PAUSE_SECONDS / 2)
        turns.note(TurnStarted(0.0, 1, "socket", 0.0))
        await anyio.sleep(600)
        assert voice.texts == [SENTENCES["en"]]  # the first of them gave way to the turn
        turns.note(TurnEnded(0.0, 1, "answered", "", ""))
        await anyio.sleep(600)
        group.cancel_scope.cancel()
    assert voice.texts[1:] == ["Done.", "One moment.", "Yes."]
    assert all(stored.get("only", text) is not None for text in stored.texts())
    await at.say("Yes.")
    assert len(voice.texts) == 4


# ── in time ─────────────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_who_is_late_three_times_in_a_row_gives_way_until_the_next_test() -> None:
    at = stage(first := FakeVoice("first"), FakeVoice("second"))
    await at.line.warm()
    async with running(at.line):
        await anyio.sleep(LOOK_SECONDS + 1)
        for delay in (2.0, 2.0, 0.1, 2.0, 2.0):
            first.delay = delay
            await at.say("Late.")
        assert at.events == []
        await at.say("Late.")
        assert at.changes == [("second", "first")]
        assert at.events[0].reason == "first was too slow 3 times in a row."
        heard = len(first.texts)
        await at.say("Quick.")
        assert len(first.texts) == heard
        first.delay = 0.1
        await anyio.sleep(RETEST_SECONDS + 2 * LOOK_SECONDS)
        await at.say("Well again.")
    assert first.texts[heard:] == [SENTENCES["en"], "Well again."]
    assert at.changes[1:] == [("first", "second")]


@virtual_time
async def test_nobody_gives_way_to_a_voice_of_another_language() -> None:
    at = stage(FakeVoice("first", delay=9.0), FakeVoice("second"), languages=[("en",), ("de",)])
    for _ in range(5):
        await at.say("Late.")
    assert at.events == []


# ── what the judge knows ────────────────────────────────────────────────────────────────────────


def test_speech_is_no_trouble() -> None:
    assert trouble_in_sound(speech(4.0), RATE, 69) == ""


@pytest.mark.parametrize(
    ("heard", "share"),
    [
        ("good morning the weather is very nice today and the sun is shining", 0.0),
        ("Good Morning! The weather is very nice.", 6 / 13),
        ("", 1.0),
        ("shining is sun the and today nice very is weather the morning good", 10 / 13),
    ],
)
def test_words_are_missed_that_are_not_heard_in_their_order(heard: str, share: float) -> None:
    assert missed_share(SENTENCES["en"], heard) == pytest.approx(share)
