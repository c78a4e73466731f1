"""What was done in the background is reported when nobody speaks, on the jumping clock."""

from __future__ import annotations

import pytest

from tests.scenario import Result, Scenario, check, daemon_of
from voxspark.agent.announcing import IDLE_SECONDS
from voxspark.agent.confirmation import CONFIRM_SECONDS
from voxspark.assistant import Assistant
from voxspark.console import status_table
from voxspark.errors import ToolError
from voxspark.events import JobChanged, TurnEnded, TurnStarted
from voxspark.tools.registry import StrangersText
from voxspark.types import ShutdownRequested

REPORT = "Your cake is baked. It smells of vanilla and has three layers."
QUESTION = "What is the capital of France?"
LONG_ANSWER = "Well, Paris is the capital of France. It lies on the river Seine. Many people live there, as you know."


def reports(result: Result) -> list[TurnEnded]:
    """Turns that reported a job, in order."""
    turns = {event.turn for event in result.of(TurnStarted) if event.source == "job"}
    return [event for event in result.ended if event.turn in turns]


def begun(result: Result) -> list[float]:
    return [event.at for event in result.of(TurnStarted) if event.source == "job"]


def test_a_report_is_said_once_in_the_quiet_and_can_be_asked_about() -> None:
    result = check(Scenario().job(1.0, 3.0, REPORT).run(40))
    (report,) = reports(result)
    assert (report.outcome, report.heard) == ("answered", REPORT)
    assert 4.0 <= begun(result)[0] < 4.6
    assert [(e["said"], e["heard"]) for e in result.history.to_json(9)] == [("", REPORT)]
    assert [(e.state, e.fraction, e.note) for e in result.of(JobChanged)] == [
        ("waiting", None, ""), ("running", None, ""), ("running", 0.25, "mixing"), ("done", 1.0, REPORT),
    ]  # fmt: skip


@pytest.mark.parametrize("report", [REPORT, StrangersText(REPORT)])
def test_a_report_that_may_repeat_a_stranger_is_remembered_as_such(report: str) -> None:
    assert check(Scenario().job(1.0, 3.0, report).run(40)).history.by_strangers is isinstance(report, StrangersText)


def test_it_waits_while_a_turn_is_live_and_until_nothing_was_said_for_a_while() -> None:
    result = check(Scenario().job(1.0, 2.0, REPORT).ask(2.5, QUESTION).model(LONG_ANSWER).run(40))
    answer, report = result.ended
    assert (answer.heard, report.heard) == (LONG_ANSWER, REPORT)
    assert IDLE_SECONDS <= begun(result)[0] - answer.at < IDLE_SECONDS + 0.6


def test_it_waits_while_the_user_speaks() -> None:
    scenario = Scenario().job(1.0, 2.0, REPORT).user(2.5, 9.5, f"{QUESTION} And of Spain?").model("Paris and Madrid.")
    result = check(scenario.run(40))
    answer, report = result.heard_turns
    assert (answer.heard, report.heard) == ("Paris and Madrid.", REPORT)
    assert begun(result)[0] >= answer.at + IDLE_SECONDS


def test_it_leaves_the_floor_to_whoever_was_asked() -> None:
    result = check(Scenario().job(1.0, 2.0, REPORT).ask(2.5, QUESTION).model("Which one do you mean?").run(60))
    answer, report = result.ended
    assert report.heard == REPORT
    assert begun(result)[0] >= answer.at + CONFIRM_SECONDS


def test_a_report_that_was_interrupted_is_repeated_once() -> None:
    result = check(Scenario().job(1.0, 1.0, REPORT).ask(3.5, QUESTION).model("Paris.").run(60))
    first, answer, second = result.ended
    assert (first.outcome, answer.heard, second.outcome, second.heard) == ("interrupted", "Paris.", "answered", REPORT)
    assert REPORT.startswith(first.heard)
    assert begun(result)[1] >= answer.at + IDLE_SECONDS


def test_it_is_not_repeated_twice() -> None:
    scenario = Scenario().job(1.0, 1.0, REPORT).model("Paris.")
    result = check(scenario.ask(3.5, QUESTION).ask(8.0, QUESTION).run(60))
    assert [report.outcome for report in reports(result)] == ["interrupted", "interrupted"]


@pytest.mark.parametrize("aloud", [True, False])
def test_who_says_stop_does_not_hear_it_again(aloud: bool) -> None:
    scenario = Scenario().job(1.0, 1.0, REPORT)
    result = check((scenario.user(3.5, 4.0, "Stop.") if aloud else scenario.stop(3.5)).run(60))
    assert [report.outcome for report in reports(result)] == ["interrupted"]


def test_a_stop_before_it_was_said_takes_nothing_away() -> None:
    assert [turn.heard for turn in reports(check(Scenario().job(1.0, 2.0, REPORT).stop(2.0).run(30)))] == [REPORT]


def test_several_are_said_one_after_the_other() -> None:
    scenario = Scenario().job(1.0, 1.0, REPORT).job(1.1, 1.0, ToolError("no-flour", "There is no flour."), "bread")
    result = check(scenario.run(60))
    assert [turn.heard for turn in reports(result)] == [REPORT, "I could not finish your bread. There is no flour."]


def test_a_voice_that_breaks_is_tried_twice() -> None:
    scenario = Scenario().job(1.0, 1.0, REPORT)
    scenario.synthesizer.fails_on = lambda text: "cake" in text
    result = check(scenario.run(60))
    assert [turn.outcome for turn in reports(result)] == ["failed", "failed"]


def test_the_status_shows_it() -> None:
    def show(assistant: Assistant) -> None:
        status = daemon_of(assistant).status()
        assert status["jobs"] == [{"title": "cake", "state": "running", "fraction": 0.25, "note": "mixing"}]
        assert status_table({"jobs": status["jobs"]}).split(maxsplit=1)[1] == "cake (25%)"

    check(Scenario().job(1.0, 30.0, REPORT).probe(2.0, show).run(5))


def test_going_down_with_a_job_loses_nothing_else() -> None:
    scenario = Scenario().lamp(1.0).job(1.0, 30.0, REPORT).ask(2.0, "Switch the lamp on.", aloud=False)
    scenario.probe(2.5, lambda it: it.post(ShutdownRequested("now")))
    result = check(scenario.run(20))
    assert result.lamp.switched == 1
    assert [event.state for event in result.of(JobChanged)][-1] == "cancelled"
    (action,) = result.history.to_json(9)[-1]["actions"]
    assert action["tool"] == "switch_lamp"


def test_a_ring_goes_before_a_report() -> None:
    scenario = Scenario().ask(1.0, "Set a timer for ten seconds.", aloud=False).job(2.0, 9.0, REPORT).stop(14.0)
    result = check(scenario.run(60))
    sources = [event.source for event in result.of(TurnStarted)]
    assert sources == ["socket", "timer", "job"]
