"""What is said while a tool takes long: once, only when nothing else can be heard, and never part of the reply."""

from __future__ import annotations

from itertools import pairwise

import anyio
import pytest

from tests.agent_parts import DELETE, LOOK_UP, FakeTurn, House, call
from tests.in_memory import RecentCalls
from tests.scenario import FakeSynthesizer, Result, Scenario, check
from tests.test_agent import BIG, Household
from voxspark.agent.mediator import Mediator, TurnGuard
from voxspark.errors import EngineError, SynthesizerError, ToolError
from voxspark.events import FillerSpoken, SpeakingStarted, TurnConfirmed
from voxspark.language import speaking
from voxspark.speech.fillers import Fillers
from voxspark.turn.bridge import PATIENT_SECONDS, SILENCE_SECONDS, STILL_AT_IT

LOOK = "Let me find the switch."


def lamp(seconds: float, filler: str = LOOK, **more: object) -> Scenario:
    return Scenario(**more).lamp(seconds, filler=filler).user(0.5, 2.0, "switch the lamp on")


def fillers(result: Result) -> list[FillerSpoken]:
    return check(result).of(FillerSpoken)


def test_bridges_a_slow_tool_and_is_no_part_of_the_reply() -> None:
    result = lamp(3.0).run()
    [filler] = fillers(result)
    [turn] = result.ended
    assert filler.text == LOOK
    assert filler.at >= 2.0 + SILENCE_SECONDS
    assert turn.timings["filler"] == pytest.approx(SILENCE_SECONDS, abs=0.1)
    assert turn.timings["first_audible"] == pytest.approx(turn.timings["filler"], abs=0.1)
    assert turn.heard == "The lamp is on."
    assert "switch." not in str(result.history.messages())
    assert result.speaker.played == ["", "The lamp is on."]


@pytest.mark.parametrize(("seconds", "filler"), [(0.2, LOOK), (3.0, "")])
def test_nothing_is_bridged_when_the_answer_is_soon_there(seconds: float, filler: str) -> None:
    result = lamp(seconds, filler).run()
    assert fillers(result) == []
    assert result.ended[0].heard == "The lamp is on."


def test_an_answer_that_is_ready_is_not_kept_waiting() -> None:
    """The answer comes while the filler is being synthesized, because nobody had it ready."""
    scenario = lamp(0.45)
    scenario.synthesizer.seconds = 0.4
    result = scenario.run()
    assert fillers(result) == []
    assert result.ended[0].heard == "The lamp is on."


def test_a_long_wait_is_not_silent() -> None:
    result = lamp(60.0).run(seconds=80.0)
    first, *others = fillers(result)
    assert [each.text for each in others] == [STILL_AT_IT] * 2
    gaps = [later.at - earlier.at for earlier, later in pairwise([first, *others])]
    assert PATIENT_SECONDS < gaps[0] < PATIENT_SECONDS + 3
    assert gaps[1] > 1.8 * gaps[0]
    assert result.ended[0].heard == "The lamp is on."


def test_waits_until_the_user_has_certainly_finished() -> None:
    result = lamp(3.0).sounds(0.05).run()
    [filler] = fillers(result)
    assert filler.at >= result.of(TurnConfirmed)[0].at


def test_only_one_sounds_when_the_answer_comes_in_the_middle_of_it() -> None:
    result = lamp(1.0, "Let me go through the whole house to find that switch.").run()
    [filler] = fillers(result)
    assert result.speaker.talked_over == 0
    assert result.ended[0].heard == "The lamp is on."
    assert len(result.of(SpeakingStarted)) == 1
    assert filler.at < result.ended[0].at


def test_who_interrupts_it_has_heard_nothing_of_the_reply() -> None:
    result = lamp(6.0).user(3.2, 4.6, "no, stop that at once").run()
    assert len(fillers(result)) == 1
    first = result.ended[0]
    assert (first.outcome, first.heard) == ("interrupted", "")
    assert result.lamp.switched == 1, "what changes the world is finished"


def test_a_tool_that_fails_is_apologised_for_after_it() -> None:
    result = Scenario().lamp(3.0, ToolError("lamp-broken", "The lamp is broken."), LOOK).user(0.5, 2, "the lamp").run()
    assert len(fillers(result)) == 1
    assert result.ended[0].heard == "Sorry. The lamp is broken."


def test_who_only_reads_the_reply_is_not_bridged() -> None:
    assert fillers(Scenario().lamp(3.0, filler=LOOK).ask(1.0, "switch the lamp on", aloud=False).run()) == []


@pytest.mark.parametrize(
    "error", [SynthesizerError("voice-broke", "x"), EngineError("model-evicted", "x"), RuntimeError("broken")]
)
def test_a_voice_that_cannot_say_it_loses_nothing(error: Exception) -> None:
    scenario = lamp(3.0)
    scenario.synthesizer.error = error
    scenario.synthesizer.fails_on = lambda text: text == LOOK
    result = scenario.run()
    assert fillers(result) == []
    assert result.ended[0].heard == "The lamp is on."


@pytest.mark.anyio
async def test_is_synthesized_once_when_it_is_quiet() -> None:
    voice, quiet, asked = FakeSynthesizer(seconds=0.0), anyio.Event(), 0

    async def when_quiet() -> None:
        nonlocal asked
        asked += 1
        await quiet.wait()

    kept = Fillers(voice, [LOOK, "One moment."], when_quiet)
    async with anyio.create_task_group() as group:
        await group.start(kept.run)
        await anyio.wait_all_tasks_blocked()
        assert (voice.received, asked) == ([], 1)
        quiet.set()
    clip = await kept.clip(LOOK)
    assert clip is not None
    assert clip.text == ""
    assert voice.received == [LOOK, "One moment."]


@pytest.mark.anyio
async def test_the_mediator_tells_what_has_really_begun_and_nothing_else() -> None:
    house, turn = House(), FakeTurn()
    mediator = Mediator(house.box, RecentCalls())
    for each in (DELETE, call("no_such_tool"), call("search_web", query="owls")):
        await mediator.run(each, TurnGuard("go"), turn)
    assert turn.fillers == [LOOK_UP]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Write a Python function that adds.", "Let me ask the coder."),
        ("How is it?", "Let me ask the manager."),
        ("Hi.", ""),
    ],
)
@pytest.mark.anyio
async def test_another_model_is_bridged_once_it_is_really_asked(question: str, said: str) -> None:
    worker = [[BIG]] if "How" in question else [["Hello."]]
    team, turn = Household(worker=worker, coder=[["Done."]], manager=[["Hard."]]), FakeTurn()
    await team.say(question, turn)
    assert [filler for filler in turn.fillers if filler] == ([said] if said else [])


@pytest.mark.anyio
async def test_is_said_in_the_language_of_the_turn() -> None:
    turn = FakeTurn()
    with speaking("de"):
        await Mediator(House().box, RecentCalls()).run(call("search_web", query="Eulen"), TurnGuard("such"), turn)
    assert turn.fillers == ["Ich schlage das nach."]
