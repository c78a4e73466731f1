"""Questions for confirmation in whole turns: stopped, answered, and never answered by the assistant's own voice."""

from __future__ import annotations

import pytest

from tests.scenario import Result, Scenario, check
from voxspark.agent.mediator import NOTHING_ASKED
from voxspark.events import TurnEnded
from voxspark.tools.desktop.open import Opener

QUESTION = "Shall I open address with address example.org? Say: confirm open."
CALL = '{"name": "open_address", "arguments": {"address": "example.org"}}'


class Browser:
    """Opens addresses by noting them."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.tool = next(each for each in Opener(launch=self._launch).tools if each.name == "open_address")

    async def _launch(self, command: object) -> None:
        self.opened.append(str(command))


def asked(browser: Browser, **settings: object) -> Scenario:
    """The question is heard from about 3 s on, for 4 s; the model has nothing else to say."""
    return Scenario(**settings).offers(browser.tool).user(1.0, 2.5, "Show me the example page").model(CALL, "Fine.")


def heard(result: Result) -> list[str]:
    return [event.heard for event in check(result).of(TurnEnded) if event.heard]


def test_a_question_that_was_heard_is_confirmed() -> None:
    browser = Browser()
    assert heard(asked(browser).user(9.0, 10.0, "Confirm open.").run(15)) == [QUESTION, "Opening example.org."]
    assert len(browser.opened) == 1


@pytest.mark.parametrize("at", [4.0, 8.0])
def test_a_stop_drops_the_question_while_it_is_said_and_while_it_waits(at: float) -> None:
    browser = Browser()
    result = asked(browser).stop(at).user(9.0, 10.0, "Confirm open.").run(15)
    assert heard(result)[-1] == NOTHING_ASKED
    assert browser.opened == []


# ── its own voice ───────────────────────────────────────────────────────────────────────────────

PATIENT = {"barge_in": {"interrupt_seconds": 3.0}}
"""It is not the length of what is heard that interrupts."""


def end_of_question() -> float:
    """When it has been said."""
    return asked(Browser()).run(12).of(TurnEnded)[-1].at


@pytest.mark.parametrize("offset", [-2.0, -0.8, -0.5, -0.3])
@pytest.mark.parametrize("text", ["Confirm open.", "Say, confirm open!"])
def test_its_own_voice_confirms_nothing_and_the_user_s_does(text: str, offset: float) -> None:
    browser, until = Browser(), end_of_question()
    alone = asked(browser, **PATIENT).user(until + offset, until + offset + 0.8, text).run(15)
    assert (heard(alone), browser.opened) == ([QUESTION], [])
    both = asked(browser, **PATIENT).user(until + offset, until + offset + 0.8, text)
    result = both.user(until + 4.0, until + 5.0, "Confirm open.").run(15)
    assert heard(result) == [QUESTION, "Opening example.org."]
    assert len(browser.opened) == 1


@pytest.mark.parametrize("pause", [0.1, 0.3, 2.0])
def test_a_quick_answer_is_the_user_s(pause: float) -> None:
    browser, until = Browser(), end_of_question()
    result = asked(browser).user(until + pause, until + pause + 0.7, "Confirm open.").run(15)
    assert heard(result) == [QUESTION, "Opening example.org."]


def test_an_echo_that_interrupts_a_reply_is_not_answered() -> None:
    result = asked(Browser()).user(4.8, 5.6, "open address with address").run(15)
    assert len(check(result).chat.received) == 1
    assert [event.heard for event in result.of(TurnEnded) if event.outcome == "answered"] == [""]


def test_a_user_who_interrupts_is_answered() -> None:
    result = asked(Browser()).user(4.0, 5.5, "What is the capital of France?").run(15)
    assert heard(result)[-1] == "Fine."
