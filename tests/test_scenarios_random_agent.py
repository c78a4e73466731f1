"""Whatever happens in a minute of slow tools, fillers, jobs, rings and stops: each is done, told and ended once."""

from __future__ import annotations

from collections import Counter

import anyio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.scenario import Result, Scenario, check
from tests.test_scenarios_random import MINUTE, scenarios, times
from voxspark.assistant import Assistant
from voxspark.errors import ToolError
from voxspark.events import FillerSpoken, TurnStarted
from voxspark.tools.jobs import MOST_TOLD
from voxspark.tools.registry import tool, tools_of
from voxspark.types import ShutdownRequested

LAMP, SEARCH, KETTLE = "Let me find the switch.", "Let me look that up.", "The kettle takes a moment."
LAST_QUESTION = MINUTE + 105


class Kitchen:
    """Slow tools that count how often they were used to their end."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()

    @tool(permission="read", fate="turn", filler=SEARCH)
    async def look_up(self, seconds: float) -> str:
        """Look something up."""
        await anyio.sleep(seconds)
        return "Paris."

    @tool(permission="act", fate="owner", filler=KETTLE)
    async def boil_water(self, seconds: float) -> str:
        """Boil water."""
        return await self._do("boil_water", seconds)

    @tool(permission="dangerous", fate="owner", filler=KETTLE)
    async def delete_cake(self, seconds: float) -> str:
        """Throw the cake away."""
        return await self._do("delete_cake", seconds)

    async def _do(self, name: str, seconds: float) -> str:
        await anyio.sleep(seconds)
        self.done[name] += 1
        return "It is done."


calls = st.builds(
    '{{"name": "{}", "arguments": {{"seconds": {}}}}}'.format,
    st.sampled_from(["look_up", "boil_water", "delete_cake"]),
    st.sampled_from([0.1, 1.0, 3.0, 8.0, 30.0]),
)
said = st.sampled_from(["Confirm delete.", "Switch the lamp on.", "Put the kettle on, please.", "Yes.", "Stop."])
lengths = st.sampled_from([0.1, 1.0, 3.0])
outcomes: st.SearchStrategy[str | Exception] = st.sampled_from(
    ["", ToolError("no-flour", "There is no flour."), RuntimeError("broken")]
)


@st.composite
def busy_scenarios(draw: st.DrawFn) -> tuple[Scenario, Kitchen]:
    scenario, kitchen = draw(scenarios()), Kitchen()
    scenario.offers(*tools_of(kitchen)).lamp(draw(st.sampled_from([0.0, 1.5, 9.0])), filler=LAMP)
    scenario.model(*draw(st.lists(calls, min_size=1, max_size=8)))
    for at, length, text in draw(st.lists(st.tuples(times, lengths, said), max_size=6)):
        scenario.user(at, at + length, text)
    for number, (at, text) in enumerate(draw(st.lists(st.tuples(times, said), max_size=4))):
        scenario.ask(at + 0.0001 + number / 10_000, text)
    for number, (at, seconds, outcome) in enumerate(draw(st.lists(st.tuples(times, lengths, outcomes), max_size=4))):
        cake = f"cake number {number}"
        scenario.job(at, seconds * 3, outcome or f"Your {cake} is baked. It smells of vanilla.", cake)
    return scenario, kitchen


def check_all(result: Result, kitchen: Kitchen) -> None:
    history = result.history.to_json(1000)
    fillers = [event.text for event in result.of(FillerSpoken)]
    everything = " ".join(str(exchange["heard"]) for exchange in history)
    assert not any(filler in everything for filler in fillers)
    done = Counter(action["tool"] for exchange in history for action in exchange["actions"])
    assert {name: done[name] for name in kitchen.done} == dict(kitchen.done)
    assert done["switch_lamp"] == result.lamp.switched
    ended = {event.turn: event for event in result.ended}
    reports = [ended[event.turn] for event in result.of(TurnStarted) if event.source == "job"]
    for number in range(4):
        told = [each.outcome for each in reports if f"cake number {number}" in each.heard]
        assert len(told) <= MOST_TOLD
        assert told.count("answered") <= 1


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(busy_scenarios())
def test_whatever_happens_each_is_done_and_told_once(busy: tuple[Scenario, Kitchen]) -> None:
    scenario, kitchen = busy
    scenario.stop(MINUTE + 100).ask(LAST_QUESTION, "What time is it?", aloud=False)
    result = check(scenario.run(MINUTE + 110))
    check_all(result, kitchen)
    assert result.state == "listening"
    begun = {event.request: event.at for event in result.of(TurnStarted)}
    assert begun[f"r{LAST_QUESTION}"] < LAST_QUESTION + 1.0
    assert not result.timers.ringing
    assert not list(result.jobs)
    assert not result.jobs.untold
    assert not [e for e in result.of(TurnStarted) if e.source == "timer" and e.at > MINUTE + 100]


def shut_down(assistant: Assistant) -> None:
    assistant.post(ShutdownRequested("now"))


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(busy_scenarios(), times)
def test_it_goes_down_at_any_moment(busy: tuple[Scenario, Kitchen], at: float) -> None:
    scenario, kitchen = busy
    check_all(check(scenario.probe(at, shut_down).run(at + 10)), kitchen)
