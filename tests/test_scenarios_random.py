"""Whatever happens in a minute: what begins ends once, one voice at a time, and then it listens again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.scenario import Scenario, check
from voxspark.assistant import Assistant
from voxspark.errors import ChatError, DeviceError
from voxspark.events import TurnStarted

MINUTE = 60.0
LONG = "Well, it lies on the river Seine. It has been there for a very long time. Many people come to visit it."

times = st.floats(0.5, MINUTE).map(lambda at: round(at, 2))
texts = st.sampled_from(
    [
        "What is the capital of France?",
        "mm-hm",
        "Stop.",
        "Set a timer for five seconds.",
        "Set a timer for",
        "Switch the lamp on.",
        "What time is it?",
        "Repeat that.",
        "and then the other one too please",
    ]
)
replies: st.SearchStrategy[str | Exception] = st.sampled_from(
    ["Paris.", LONG, "", "🙂", "```\nx\n```", ChatError("down", "It is down."), RuntimeError("x"), "word " * 20]
)
errors = st.sampled_from([DeviceError("gone", "It is gone."), RuntimeError("broken")])
Fault = Callable[[Scenario], object]
faults: st.SearchStrategy[tuple[Fault, Fault]] = st.one_of(
    st.sampled_from(["begin", "play", "drain", "stop", "duck"]).map(
        lambda call: (lambda s: s.speaker.broken_calls.add(call), lambda s: s.speaker.broken_calls.discard(call))
    ),
    st.just((lambda s: setattr(s.activity, "broken", True), lambda s: setattr(s.activity, "broken", False))),
    st.just((lambda s: setattr(s.transcriber, "fails", 2), lambda s: setattr(s.transcriber, "fails", 0))),
    st.just((lambda s: setattr(s.transcriber, "seconds", 1.5), lambda s: setattr(s.transcriber, "seconds", 0.15))),
    st.just((lambda s: setattr(s.synthesizer, "fails_on", bool), lambda s: setattr(s.synthesizer, "fails_on", _never))),
    st.just((lambda s: setattr(s.synthesizer, "seconds", 2.0), lambda s: setattr(s.synthesizer, "seconds", 0.03))),
)


def _never(text: str) -> bool:
    return False


def _apply(fault: Fault, scenario: Scenario, _: Assistant) -> None:
    fault(scenario)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    mode = draw(st.sampled_from(["open", "open", "open", "wake", "push_to_talk"]))
    scenario = Scenario(listening={"mode": mode}, barge_in={"enabled": draw(st.booleans())})
    error = draw(errors)
    scenario.speaker.error = scenario.transcriber.error = scenario.synthesizer.error = error
    scenario.sounds(draw(st.sampled_from([0.1, 0.5, 0.95]))).lamp(draw(st.sampled_from([0.0, 0.5, 3.0])))
    scenario.model(*draw(st.lists(replies, min_size=1, max_size=6)))
    at = 0.5
    while (at := round(at + draw(st.floats(0.1, 8.0)), 2)) < MINUTE:
        end = round(at + draw(st.sampled_from([0.1, 0.3, 0.6, 1.2, 3.0])), 2)
        if mode == "wake" and draw(st.booleans()):
            scenario.wake(at, end)
        else:
            scenario.user(at, end, draw(texts))
        at = end
    for press in draw(st.lists(times, max_size=5)):
        scenario.press(press)
    for release in draw(st.lists(times, max_size=5)):
        scenario.release(release)
    for number, (ask, text, aloud) in enumerate(draw(st.lists(st.tuples(times, texts, st.booleans()), max_size=5))):
        scenario.ask(ask + number / 1000, text, aloud)
    for number, say in enumerate(draw(st.lists(times, max_size=3))):
        scenario.say(say + number / 1000 + 0.0005, draw(st.sampled_from([LONG, "Hi.", "🙂"])))
    for stop in draw(st.lists(times, max_size=3)):
        scenario.stop(stop)
    for gone in draw(st.lists(times, max_size=1)):
        scenario.lost(gone, gone + draw(st.floats(0.1, 5.0)))
    for begin, (breaks, mends) in draw(st.lists(st.tuples(times, faults), max_size=4)):
        scenario.probe(begin, partial(_apply, breaks, scenario))
        scenario.probe(begin + draw(st.floats(0.05, 0.9)) * 4, partial(_apply, mends, scenario))
    for stop in (20, 70, 80):  # what waited has been answered by then, and may have set timers
        scenario.stop(MINUTE + stop)
    return scenario.release(MINUTE + 5)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(scenarios())
def test_whatever_happens_what_begins_ends_and_then_it_listens(scenario: Scenario) -> None:
    result = check(scenario.run(MINUTE + 85))
    assert result.state == "listening"
    assert result.speaker.broken_calls == set()
    asked = [event.request for event in result.ended if event.request]
    assert sorted(asked) == sorted(scenario.requests)
    rings = {event.turn for event in result.of(TurnStarted) if event.source == "timer"}
    written = Counter(exchange["heard"] for exchange in result.history.to_json(1000) if exchange["heard"])
    assert Counter(t.heard for t in result.ended if t.heard and t.turn not in rings) <= written
    assert written <= Counter(t.heard for t in result.ended if t.heard)
    done = sum(action["tool"] == "switch_lamp" for e in result.history.to_json(1000) for action in e["actions"])
    assert done == result.lamp.switched
