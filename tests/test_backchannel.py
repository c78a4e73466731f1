"""What counts as a stop and what as a nod."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.listening.backchannel import is_backchannel, is_stop, is_wait

STOPS = """
Stop. | stop | STOP! | Stop, stop, stop! | Stop it. | Please stop. | Okay, stop please. | Hey Jarvis, stop. | Alexa stop
No, stop. | Stop talking. | Can you stop? | Never mind. | Nevermind! | Oh, never mind. | Cancel. | Cancel that.
Be quiet. | Quiet, please. | Could you be quiet, please? | Shut up! | Silence. | Shush. | Enough. | Enough!
That’s enough, thanks. | Forget it. | Forget about it. | What is the capital of France? Stop.
The capital of France is... never mind.
"""
NO_STOPS = """
Don't stop. | The bus stop. | Stop the timer. | Cancel the timer. | Cancel my subscription. | Never mind the gap.
How do I stop smoking? | I told him to be quiet. | Stop. What time is it? | Full stop.
Forget it, Jake, it's Chinatown.
What is the opposite of go? | Okay. | Yes. | ... | (coughs) | Sto | unstoppable | That's enough sugar for me.
"""
NODS = """
Mm-hm. | mm-hmm | Mhm. | Uh-huh. | uh huh | Yeah. | Yeah, yeah. | Yeah, okay. | Okay. | OK. | Right. | Right, I see.
I see. | Hmm. | Hm... | Oh. | Ah! | Aha. | Wow. | Got it. | All right. | Ha ha ha! | Hahaha. | (coughs) | [laughs]
*sighs* | [BLANK_AUDIO] | ♪♪ | (laughs) Yeah. | Thank you. | Sure. | ... | Really?
"""
NO_NODS = """
Stop. | Okay, stop. | No. | What? | Wait. | I see a dog. | Right now? | Yeah, but what about Rome? | Okay, and in Tokyo?
Turn right. | Sure thing, set a timer. | Howdy | Omar | Uh, what was that? | (coughs) Stop. | Hello. | Hey Jarvis.
"""

WAITS = """
Wait. | Wait, wait! | Hold on. | Hold on a second. | Hang on a minute. | Just a moment. | One moment, please.
No, wait. | Okay, wait a second. | Wait for a moment. | Warte. | Warte mal! | Moment mal. | Einen Moment bitte.
Wart kurz. | Augenblick.
Espera. | Espere un momento, por favor. | Un momento. | Attends ! | Attendez une seconde. | Un instant, s'il te plaît.
"""
NO_WAITS = """
Wait for her. | Wait until it rings. | Hold on to it. | I can't wait. | What is a moment of inertia?
A minute has how many seconds?
Wait, what about Rome? | Set a timer for one minute. | Ich warte auf den Bus. | Moment of truth. | Stop. | Okay. | ... |
"""


def rows(table: str) -> list[str]:
    return [cell.strip() for cell in table.replace("\n", "|").split("|") if cell.strip()]


@pytest.mark.parametrize("text", rows(STOPS))
def test_stops(text: str) -> None:
    assert is_stop(text)
    assert not is_backchannel(text)


@pytest.mark.parametrize("text", rows(NO_STOPS))
def test_no_stops(text: str) -> None:
    assert not is_stop(text)


@pytest.mark.parametrize("text", rows(NODS))
def test_nods(text: str) -> None:
    assert is_backchannel(text)
    assert not is_stop(text)


@pytest.mark.parametrize("text", rows(NO_NODS))
def test_no_nods(text: str) -> None:
    assert not is_backchannel(text)


@pytest.mark.parametrize("text", rows(WAITS))
def test_waits(text: str) -> None:
    assert is_wait(text)
    assert not is_backchannel(text)


@pytest.mark.parametrize("text", rows(NO_WAITS))
def test_no_waits(text: str) -> None:
    assert not is_wait(text)


def test_nothing_said_is_no_reason_to_interrupt() -> None:
    assert is_backchannel("")
    assert not is_stop("")


@given(st.text())
def test_never_both(text: str) -> None:
    assert not ((is_stop(text) or is_wait(text)) and is_backchannel(text))


@pytest.mark.parametrize(
    "piece", ["stop now ", "stop ", "hm ", "mm-hm ", "uh-huh ", "haha", "can you ", "m", "(", "*", "ok ", "aha "]
)
def test_repetition_costs_nothing(piece: str) -> None:
    """Catastrophic backtracking would hang here."""
    for text in (piece * 60 + "x", (piece * 60)[:190] + "x", piece * 20_000):
        is_stop(text)
        is_backchannel(text)
