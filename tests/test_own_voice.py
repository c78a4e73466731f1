"""What the microphone hears of the assistant's own voice, and what people say that only resembles it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxspark.ears import ECHO_SECONDS, OwnVoice
from voxspark.events import Failed, FillerSpoken, Reply, SpeakingStarted, TurnEnded
from voxspark.language import speaking
from voxspark.listening.own_voice import is_own_speech
from voxspark.types import Utterance

QUESTION = "Shall I open address with address example.org? Say: confirm open."
ANSWER = "Paris is the capital of France. It has about 2 million people, and it lies on the river Seine."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (QUESTION, QUESTION),
        ("Confirm open.", QUESTION),
        ("say confirm open", QUESTION),
        ("with address example dot org. Say, confirm open!", "shall I open address with address example dot org?"
         " Say: confirm open."),
        ("Paris is a capital of France.", ANSWER),
        ("it lies on the River Sen", ANSWER),
        ("France", ANSWER),
        ("I don't know that.", "I don’t know that. Ask me another."),
        ("Über die Straße", "Wir gehen ÜBER die Straße."),
    ],
)  # fmt: skip
def test_own_words_are_known(text: str, said: str) -> None:
    assert is_own_speech(text, said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", QUESTION),
        ("...", QUESTION),
        ("Yes.", QUESTION),
        ("No, don't.", QUESTION),
        ("Confirm delete.", QUESTION),
        ("Confirm open. Confirm open.", QUESTION),
        ("yes, confirm open please", QUESTION),
        ("What is the capital of Spain?", ANSWER),
        ("Is Lyon on the river, too?", ANSWER),
        ("the river of France", ANSWER),
        ("Paris Seine", ANSWER),
        ("Confirm open.", ""),
    ],
)
def test_other_words_are_not(text: str, said: str) -> None:
    assert not is_own_speech(text, said)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["one", "two", "three", "four", "five"]), min_size=1, max_size=30), st.data())
def test_any_piece_of_what_was_said_is_own_speech(words: list[str], data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(words) - 1))
    end = data.draw(st.integers(begin + 1, len(words)))
    assert is_own_speech(" ".join(words[begin:end]), " ".join(words))


# ── when ────────────────────────────────────────────────────────────────────────────────────────


def voice(*, ended: bool = True, text: str = QUESTION) -> OwnVoice:
    """One that has said the text from 10.0 to 14.0 s."""
    own = OwnVoice()
    own.note(Reply(9.8, 3, text))
    own.note(SpeakingStarted(10.0, 3))
    if ended:
        own.note(TurnEnded(14.0, 3, "answered", "", text, {}, ()))
    return own


def heard(began: float, ended: float, source: str = "microphone") -> Utterance:
    return Utterance(np.zeros(1, np.int16), None, began, ended, source)


@pytest.mark.parametrize(
    ("began", "ended", "own"),
    [
        (8.0, 9.5, False),  # before it
        (9.9, 11.0, True),
        (13.2, 14.0, True),
        (13.6, 14.3, True),  # its end, through a slow speaker
        (13.9, 14.8, False),  # begun a little early
        (14.05, 14.4, True),  # the rest of it, where nothing is heard during a reply
        (14.2, 14.5, False),
        (14.3, 15.1, False),
        (20.0, 21.0, False),
    ],
)
def test_an_echo_begins_in_a_reply_and_is_over_soon_after_it(began: float, ended: float, own: bool) -> None:
    assert voice().says("Confirm open.", heard(began, ended)) is own
    assert ECHO_SECONDS < 0.7  # nobody says "confirm open" faster


def test_a_reply_that_goes_on_is_heard_as_long_as_it_does() -> None:
    assert voice(ended=False).says("Confirm open.", heard(13.9, 14.8))


def test_a_stop_and_a_pressed_key_are_always_the_user_s() -> None:
    assert not voice(text="The stop is near. Stop.").says("Stop.", heard(11.0, 12.0))
    assert not voice().says("Confirm open.", heard(11.0, 12.0, "push_to_talk"))


def test_what_it_says_is_known_as_it_is_said_and_apologies_too() -> None:
    own = voice(text="It is 5 km to the B&B.")
    assert own.says("it is five kilometers to the B and B", heard(11.0, 13.0))
    own.note(Failed(15.0, "think", "x", "I lost my thread.", "", 4))
    own.note(SpeakingStarted(16.0, 4))
    assert own.says("I lost my thread.", heard(16.1, 17.0))


def test_what_it_said_in_another_language_is_known_after_that_turn() -> None:
    with speaking("de"):
        own = voice(text="Der Wecker klingelt um 14:05 Uhr, in 21 Minuten.")
    assert own.says("der wecker klingelt um vierzehn uhr fünf in einundzwanzig minuten", heard(10.5, 12.0))


def test_what_nobody_could_hear_is_nobody_s_voice() -> None:
    own = OwnVoice()
    own.note(Reply(9.8, 3, QUESTION))
    own.note(TurnEnded(14.0, 3, "withdrawn", "", "", {}, ()))
    assert not own.says("Confirm open.", heard(10.0, 11.0))


def test_a_filler_is_its_voice_too() -> None:
    own = OwnVoice()
    own.note(FillerSpoken(9.9, 3, "Let me think about that."))
    own.note(SpeakingStarted(10.0, 3))
    assert own.says("let me think about that", heard(10.2, 11.4))
