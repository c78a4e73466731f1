"""Who interrupts and who only nods: the policy, the sound of speech, and what a turn makes of both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scenario import Result, Scenario, check
from voxspark.audio import tone
from voxspark.config_listening import BargeInSettings, ListeningSettings
from voxspark.events import VolumeDucked
from voxspark.listening.articulation import articulation_db
from voxspark.listening.barge_in import Hearing, Overlap, decide
from voxspark.listening.endpoint import Endpointer
from voxspark.types import CHUNK_SAMPLES, CHUNK_SECONDS, Chunk, Pcm16, SpeechPaused, Transcript

SETTINGS = BargeInSettings()
NOD = Hearing("Mm-hm. Yeah.", 0.5)
WORDS = Hearing("what about", 0.5)
INVENTED = Hearing("And then they come.", 0.5, confidence=-1.1)
GARBLED = Hearing("", 0.5, articulation_db=9.0)
HUM = Hearing("", 0.5, articulation_db=4.0)
LAUGH = Hearing("ha ha what", 0.5, articulation_db=9.0, noise=True)
OWN = Hearing("is the capital of", 0.5, own=True)

# ── the policy ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("seconds", "hearing", "decision"),
    [
        (0.1, None, "duck"),
        (0.21, WORDS, "duck"),
        (0.22, None, "listen"),
        (0.89, None, "listen"),
        (0.9, None, "interrupt"),
        (0.5, WORDS, "interrupt"),
        (0.5, GARBLED, "interrupt"),
        (0.5, replace(GARBLED, voiced_seconds=0.4), "listen"),
        (0.5, replace(INVENTED, articulation_db=9.0), "interrupt"),
        (1.9, NOD, "listen"),
        (1.9, replace(NOD, articulation_db=9.0), "listen"),
        (1.9, INVENTED, "listen"),
        (1.9, HUM, "listen"),
        (1.9, LAUGH, "listen"),
        (2.0, HUM, "interrupt"),
        (9.0, OWN, "listen"),
    ],
)
def test_speech_that_goes_on(seconds: float, hearing: Hearing | None, decision: str) -> None:
    assert decide(Overlap(seconds, hearing), SETTINGS) == decision


@pytest.mark.parametrize(
    ("hearing", "decision"),
    [
        (None, "listen"),
        (NOD, "ignore"),
        (HUM, "ignore"),
        (GARBLED, "ignore"),
        (LAUGH, "ignore"),
        (OWN, "ignore"),
        (INVENTED, "ignore"),
        (replace(INVENTED, articulation_db=9.0), "interrupt"),
        (WORDS, "interrupt"),
        (Hearing("Stop."), "interrupt"),
        (Hearing("Stop.", own=True), "interrupt"),
        (Hearing("Hold on.", confidence=-2.0), "interrupt"),
        (Hearing("One moment.", own=True), "ignore"),
    ],
)
def test_speech_that_paused(hearing: Hearing | None, decision: str) -> None:
    assert decide(Overlap(0.5, hearing, finished=True), SETTINGS) == decision


def test_a_question_that_goes_on_before_anything_is_heard_needs_no_words() -> None:
    more = Overlap(0.16, thinking=True, resumes=True)
    assert decide(more, SETTINGS) == "interrupt"
    assert decide(replace(more, voiced_seconds=0.1), SETTINGS) == "ignore"
    assert decide(replace(more, thinking=False), SETTINGS) == "duck"


def test_settings_while_thinking_are_their_own() -> None:
    thinking = Overlap(0.2, WORDS, thinking=True)
    assert decide(thinking, SETTINGS) == "interrupt"
    assert decide(replace(thinking, thinking=False), SETTINGS) == "duck"
    slower = BargeInSettings.model_validate({"thinking": {"interrupt_seconds": 0.5}})
    assert decide(thinking, slower) == "duck"


def test_barge_in_off_still_obeys_what_is_deliberate() -> None:
    off = BargeInSettings(enabled=False)
    assert decide(Overlap(9.0, WORDS), off) == "ignore"
    assert decide(Overlap(deliberate=True), off) == "interrupt"


@given(st.floats(0, 10), st.floats(0, 10), st.sampled_from([None, NOD, WORDS, INVENTED, GARBLED, HUM, LAUGH]))
def test_longer_is_never_less_of_an_interruption(one: float, other: float, hearing: Hearing | None) -> None:
    order = ["ignore", "duck", "listen", "interrupt"]
    short, long = (decide(Overlap(each, hearing), SETTINGS) for each in sorted((one, other)))
    assert order.index(short) <= order.index(long)


def test_events_that_a_transcriber_names_are_noise() -> None:
    silence = np.zeros(8_000, np.int16)
    assert Hearing.of(Transcript("Ha!", tags=("event:laughter",)), silence, 0.5).noise
    assert not Hearing.of(Transcript("Ha!", tags=("emotion:happy",)), silence, 0.5).noise


# ── the sound of speech ─────────────────────────────────────────────────────────────────────────


def vowels(*formants_hz: float) -> Pcm16:
    """A buzz whose loudest harmonic moves from one to the next, 0.1 s each."""
    at = np.arange(1_600) / 16_000
    harmonics = 120 * np.arange(1, 40)
    weights = (1 / (1 + ((harmonics - formant) / 200) ** 2) for formant in formants_hz)
    buzz = [weight @ np.sin(2 * np.pi * harmonics[:, np.newaxis] * at) for weight in weights]
    return (np.concatenate(buzz) * 2_000).astype(np.int16)


def test_what_moves_is_speech_and_what_hums_is_none() -> None:
    speech, hum = vowels(300, 2_200, 700, 1_500, 400), vowels(300, 300, 300, 300, 300)
    assert articulation_db(speech) > 6.0 > 1.0 > articulation_db(hum)
    assert articulation_db((speech / 50).astype(np.int16)) == pytest.approx(articulation_db(speech), abs=1.0)


@pytest.mark.parametrize("samples", [0, 1, 399, 400, 4_000])
def test_silence_does_not_move(samples: int) -> None:
    assert articulation_db(np.zeros(samples, np.int16)) == 0.0


@given(st.binary(max_size=4_000))
def test_any_sound_has_a_finite_articulation(sound: bytes) -> None:
    assert 0.0 <= articulation_db(np.frombuffer(sound[: len(sound) // 2 * 2], np.int16)) < 60.0


def test_a_steady_tone_does_not_move() -> None:
    assert articulation_db((tone(440, 0.5, 16_000) * 20_000).astype(np.int16)) < 1.0


# ── the latest part of an utterance ─────────────────────────────────────────────────────────────


def test_what_is_said_after_a_pause_is_heard_alone() -> None:
    endpointer, paused = Endpointer(ListeningSettings()), []
    for number, voiced in enumerate([1] * 20 + [0] * 10 + [1] * 15 + [0] * 10):
        chunk = Chunk(np.full(CHUNK_SAMPLES, number, np.int16), number * CHUNK_SECONDS)
        paused += [each for each in endpointer.feed(chunk, float(voiced)) if isinstance(each, SpeechPaused)]
    first, second = paused
    assert first.latest.started_at == first.utterance.started_at == 0.0
    assert second.utterance.started_at == 0.0
    assert second.latest.started_at == pytest.approx(30 * CHUNK_SECONDS)
    assert second.latest.samples is not None
    assert {27, 28, 29, 30, 44} <= set(second.latest.samples) <= set(range(27, 51))


# ── a turn ──────────────────────────────────────────────────────────────────────────────────────

QUESTION = "What is the capital of France?"
ANSWER = (
    "Well, Paris is the capital of France. It lies on the river Seine. It has been so for a long time, and it is big."
)


def speaking(start: float, end: float, text: str) -> Result:
    """Somebody says something during the answer."""
    return check(Scenario().user(1.0, 2.5, QUESTION).user(start, end, text).model(ANSWER, "Madrid.").run(20))


def gains(result: Result) -> list[float]:
    return [event.gain for event in result.of(VolumeDucked)]


@pytest.mark.parametrize("text", ["mmm-hmm yeah right", "yeah yeah okay sure", "uh-huh uh-huh (laughs)"])
@pytest.mark.parametrize("start", [3.3, 6.0])
def test_a_long_nod_ducks_and_nothing_of_the_reply_is_lost(start: float, text: str) -> None:
    """Also right after the question, when it may still go on."""
    result = speaking(start, start + 0.9, text)
    assert gains(result) == [0.25, 1.0]
    assert [turn.heard for turn in result.heard_turns] == [ANSWER]
    assert result.speaker.stopped_at == []


def test_speech_interrupts_at_its_first_words() -> None:
    result = speaking(6.0, 8.0, "Tell me about Spain as well please.")
    assert result.speaker.stopped_at[0] - 6.0 == pytest.approx(0.5, abs=0.1)
    assert result.heard_turns[-1].heard == "Madrid."


@pytest.mark.parametrize(("articulation", "stopped"), [(9.0, 0.43), (4.0, 2.0)])
def test_what_goes_on_without_words_is_judged_by_its_sound_without_another_look(
    monkeypatch: pytest.MonkeyPatch, articulation: float, stopped: float
) -> None:
    monkeypatch.setattr("voxspark.listening.barge_in.articulation_db", lambda _samples: articulation)
    result = speaking(6.0, 9.0, "")
    assert result.speaker.stopped_at[0] - 6.0 == pytest.approx(stopped, abs=0.05)


def test_a_nod_stays_one_however_it_sounds_while_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxspark.listening.barge_in.articulation_db", lambda _samples: 9.0)
    assert speaking(6.0, 6.9, "mmm-hmm yeah right okay sure").speaker.stopped_at == []


def test_a_nod_before_real_words_only_delays() -> None:
    result = speaking(6.0, 8.0, "Yeah but tell me about Spain as well please.")
    assert 6.4 < result.speaker.stopped_at[0] < 7.0
    assert result.heard_turns[-1].heard == "Madrid."


@pytest.mark.parametrize("text", ["Wait.", "Hold on.", "Warte mal.", "Un momento.", "Attends."])
def test_a_call_to_wait_stops_and_says_nothing_more(text: str) -> None:
    result = speaking(6.0, 6.5, text)
    assert result.heard_turns[0].outcome == "interrupted"
    assert [turn.heard for turn in result.heard_turns[1:]] == [""]
    assert len(result.chat.received) == 1


def test_a_click_while_it_thinks_does_not_start_the_turn_again() -> None:
    scenario = Scenario().user(1.0, 2.5, QUESTION).user(3.0, 3.12, "").model(ANSWER)
    scenario.synthesizer.seconds = 1.5
    result = check(scenario.run(20))
    assert [turn.heard for turn in result.ended] == [ANSWER]


def test_a_question_that_goes_on_while_it_thinks_is_answered_as_one() -> None:
    scenario = Scenario().user(1.0, 2.5, QUESTION).user(3.2, 4.2, "And of Spain?").model("Paris.")
    scenario.synthesizer.seconds = 1.5
    result = check(scenario.run(20))
    assert [turn.transcript for turn in result.heard_turns if turn.heard] == [f"{QUESTION} And of Spain?"]
