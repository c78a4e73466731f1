"""The endpointer, fed with seconds of audio that cost nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.config_listening import ListeningSettings
from voxspark.listening.endpoint import TAIL_SECONDS, Endpointer
from voxspark.types import (
    CHUNK_SAMPLES,
    CHUNK_SECONDS,
    Chunk,
    ListeningSignal,
    SilenceGrew,
    SpeechBegan,
    SpeechDropped,
    SpeechGrew,
    SpeechPaused,
    UtteranceEnded,
)

SETTINGS = ListeningSettings()


class Driver:
    """Feeds stretches of speech and silence; speech chunks are filled with 1, silent ones with 0."""

    def __init__(self, settings: ListeningSettings = SETTINGS) -> None:
        self.endpointer = Endpointer(settings)
        self.position = 0
        self.signals: list[ListeningSignal] = []

    @property
    def now(self) -> float:
        return self.position * CHUNK_SECONDS

    def feed(self, seconds: float, probability: float) -> Driver:
        for _ in range(round(seconds / CHUNK_SECONDS)):
            samples = np.full(CHUNK_SAMPLES, int(probability > 0.5), np.int16)
            self.signals += self.endpointer.feed(Chunk(samples, self.now), probability)
            self.position += 1
        return self

    def speech(self, seconds: float) -> Driver:
        return self.feed(seconds, 0.9)

    def silence(self, seconds: float) -> Driver:
        return self.feed(seconds, 0.05)

    def kinds(self) -> list[str]:
        """Signal names in order, runs of growth left out."""
        return [type(s).__name__ for s in self.signals if not isinstance(s, SpeechGrew | SilenceGrew)]


def test_an_utterance_begins_pauses_and_ends() -> None:
    driver = Driver().silence(1.0).speech(1.0).silence(2.2)
    assert driver.kinds() == ["SpeechBegan", "SpeechPaused", "UtteranceEnded"]
    ended = driver.signals[-1]
    assert isinstance(ended, UtteranceEnded)
    assert ended.reason == "hangover"
    assert ended.utterance.started_at == pytest.approx(31 * CHUNK_SECONDS)
    assert ended.utterance.ended_at == pytest.approx((31 + 31) * CHUNK_SECONDS)


def test_it_begins_after_96_ms_and_pauses_after_96_ms() -> None:
    driver = Driver().silence(0.32).speech(0.96).silence(0.64)
    began = next(s for s in driver.signals if isinstance(s, SpeechBegan))
    paused = next(s for s in driver.signals if isinstance(s, SpeechPaused))
    assert began.at + CHUNK_SECONDS - 0.32 == pytest.approx(0.096)
    assert paused.at + CHUNK_SECONDS - paused.utterance.ended_at == pytest.approx(0.096)


def test_the_utterance_keeps_its_pre_roll_and_a_short_tail() -> None:
    driver = Driver().silence(2.0).speech(0.64).silence(2.2)
    ended = driver.signals[-1]
    assert isinstance(ended, UtteranceEnded)
    assert ended.utterance.samples is not None
    voiced = np.flatnonzero(ended.utterance.samples)
    before, after = voiced[0] / 16_000, (len(ended.utterance.samples) - 1 - voiced[-1]) / 16_000
    assert before == pytest.approx(SETTINGS.pre_roll_seconds, abs=CHUNK_SECONDS)
    assert after == pytest.approx(TAIL_SECONDS, abs=CHUNK_SECONDS)


def test_speech_resumed_in_the_hangover_belongs_to_the_same_utterance() -> None:
    driver = Driver().silence(0.5).speech(0.64).silence(1.0).speech(0.64).silence(0.2)
    assert driver.kinds() == ["SpeechBegan", "SpeechPaused", "SpeechResumed", "SpeechPaused"]
    last = [s for s in driver.signals if isinstance(s, SpeechPaused)][-1]
    assert last.utterance.samples is not None
    assert np.count_nonzero(last.utterance.samples) == 40 * CHUNK_SAMPLES


def test_one_voiced_chunk_does_not_resume() -> None:
    driver = Driver().speech(0.64).silence(0.32).speech(CHUNK_SECONDS).silence(0.32)
    assert "SpeechResumed" not in driver.kinds()
    silences = [s.silence_seconds for s in driver.signals if isinstance(s, SilenceGrew)]
    assert silences == sorted(silences)


def test_voiced_seconds_count_from_the_resumption() -> None:
    driver = Driver().speech(0.64).silence(0.32).speech(0.32)
    assert [s.voiced_seconds for s in driver.signals if isinstance(s, SpeechGrew)][-1] == pytest.approx(0.32)


def test_a_click_is_nothing_and_a_short_sound_is_dropped() -> None:
    assert Driver().silence(0.5).speech(0.064).silence(1.0).kinds() == []
    assert Driver().silence(0.5).speech(0.128).silence(1.0).kinds() == ["SpeechBegan", "SpeechDropped"]


def test_endless_speech_is_cut_at_the_maximum() -> None:
    driver = Driver(ListeningSettings(max_utterance_seconds=2.0)).speech(2.1)
    assert [s.reason for s in driver.signals if isinstance(s, UtteranceEnded)] == ["maximum"]


def test_push_to_talk_takes_everything_between_press_and_release() -> None:
    driver = Driver().silence(0.5)
    driver.signals += driver.endpointer.press(driver.now)
    driver.silence(0.32).speech(0.64).silence(3.0).speech(0.64)
    driver.signals += driver.endpointer.release(driver.now)
    assert driver.kinds() == ["SpeechBegan", "UtteranceEnded"]
    ended = driver.signals[-1]
    assert isinstance(ended, UtteranceEnded)
    assert (ended.reason, ended.utterance.source) == ("release", "push_to_talk")
    assert ended.utterance.samples is not None
    assert np.count_nonzero(ended.utterance.samples) == 40 * CHUNK_SAMPLES


def test_push_to_talk_without_speech_is_dropped_and_a_stray_release_is_nothing() -> None:
    driver = Driver()
    assert driver.endpointer.release(0.0) == []
    driver.endpointer.press(0.0)
    driver.silence(1.0)
    assert isinstance(driver.endpointer.release(driver.now)[0], SpeechDropped)
    assert not driver.endpointer.active


def test_closing_makes_what_follows_a_new_utterance() -> None:
    driver = Driver().speech(0.64).silence(0.5)
    driver.endpointer.close()
    driver.speech(0.64).silence(0.2)
    assert driver.kinds() == ["SpeechBegan", "SpeechPaused", "SpeechBegan", "SpeechPaused"]


def test_flush_ends_what_is_open() -> None:
    driver = Driver().speech(0.64)
    (signal,) = driver.endpointer.flush(driver.now)
    assert isinstance(signal, UtteranceEnded)
    assert signal.reason == "end"
    assert driver.endpointer.flush(driver.now) == []


@given(st.lists(st.tuples(st.floats(0.03, 3.0), st.booleans()), max_size=30))
def test_signals_always_come_in_a_legal_order(stretches: list[tuple[float, bool]]) -> None:
    """Began first; paused only while speaking; resumed only after a pause; ended or dropped closes."""
    driver = Driver(ListeningSettings(max_utterance_seconds=10.0))
    for seconds, speaking in stretches:
        driver.feed(seconds, 0.9 if speaking else 0.1)
    driver.signals += driver.endpointer.flush(driver.now)
    legal = {
        "idle": {"SpeechBegan": "speech"},
        "speech": {"SpeechPaused": "paused", "SpeechDropped": "idle", "UtteranceEnded": "idle"},
        "paused": {"SpeechResumed": "speech", "UtteranceEnded": "idle", "SpeechDropped": "idle"},
    }
    state = "idle"
    for kind in driver.kinds():
        assert kind in legal[state], (state, driver.kinds())
        state = legal[state][kind]
    assert state == "idle"


@given(st.lists(st.tuples(st.floats(0.03, 2.5), st.booleans()), max_size=20))
def test_the_utterance_never_exceeds_its_maximum(stretches: list[tuple[float, bool]]) -> None:
    settings = ListeningSettings(max_utterance_seconds=5.0)
    driver = Driver(settings)
    for seconds, speaking in stretches:
        driver.feed(seconds, 0.9 if speaking else 0.1)
    for signal in driver.signals:
        if isinstance(signal, SpeechPaused | UtteranceEnded):
            assert signal.utterance.samples is not None
            assert len(signal.utterance.samples) / 16_000 <= 5.0 + CHUNK_SECONDS
