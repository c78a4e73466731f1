"""What of a model's text reaches the voice, however it is cut; what is read out of the rest."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ollama_traces import AS_JSON, AS_TAG, TRACES
from tests.ollama_values import Reply
from voxspark.agent.gate import Leaked, SpeechGate
from voxspark.types import ToolCall

TOOLS = ["set_timer", "get_weather", "delete_file", "escalate"]
TIMER = ToolCall("set_timer", {"minutes": 5})
PARIS = ToolCall("get_weather", {"city": "Paris"})

AS_LIST = f'[{AS_JSON}, {{"name": "get_weather", "parameters": {{"city": "Paris"}}}}]'
AS_OPENAI = '{"id": "call_1", "type": "function", "function": {"name": "set_timer", "arguments": "{\\"minutes\\": 5}"}}'
AS_XML = "<tool_call>\n<function=set_timer>\n<parameter=minutes>\n5\n</parameter>\n</function>\n</tool_call>"

LEAKS: dict[str, tuple[str, str, tuple[ToolCall, ...]]] = {
    "bare JSON": (AS_JSON, "", (TIMER,)),
    "bare JSON after blank": (f"\n\n {AS_JSON}", "\n\n ", (TIMER,)),
    "two in a row": (f'{AS_JSON}\n{{"name": "get_weather", "arguments": {{"city": "Paris"}}}}', "", (TIMER, PARIS)),
    "a list": (AS_LIST, "", (TIMER, PARIS)),
    "as OpenAI writes it": (AS_OPENAI, "", (TIMER,)),
    "tagged": (AS_TAG, "", (TIMER,)),
    "tagged twice": (
        f'{AS_TAG}\n<tool_call>{{"name": "get_weather", "arguments": {{"city": "Paris"}}}}</tool_call>',
        "",
        (TIMER, PARIS),
    ),
    "tag after text": (f"I'll set it. {AS_TAG}", "I'll set it. ", (TIMER,)),
    "made-up result after it": (
        f"{AS_TAG}\n<tool_response>{AS_JSON.replace('set_timer', 'delete_file')}</tool_response>Done!",
        "",
        (TIMER,),
    ),
    "tag that is not closed": (f"<tool_call>{AS_JSON}", "", (TIMER,)),
    "as qwen3-coder writes it": (AS_XML, "", (ToolCall("set_timer", {"minutes": "5"}),)),
    "fenced": (f"```json\n{AS_JSON}\n```", "", (TIMER,)),
    "fenced without a language": (f"```\n{AS_JSON}\n```", "", (TIMER,)),
    "fenced after text": (f"One moment. ```json\n{AS_JSON}\n```", "One moment. ", (TIMER,)),
    "fenced as a tool call": (f"```tool_call\n{AS_JSON}\n```", "", (TIMER,)),
    "JSON after text": (f"Sure. {AS_JSON} It is set.", "Sure. ", (TIMER,)),
    "JSON over lines": ('{\n  "name": "set_timer",\n  "arguments": {\n "minutes": 5\n}\n}', "", (TIMER,)),
    "as Mistral writes it": (f"[TOOL_CALLS] [{AS_JSON}]", "", (TIMER,)),
    "as Phi writes it": (f"<|tool_call|>[{AS_JSON}]<|/tool_call|>", "", (TIMER,)),
    "a thought": ("<think>They greet me. <3 {x}</think>\n\nHello there.", "Hello there.", ()),
    "a long tag of thought": ("<thinking>Hm.</thinking> Hello.", "Hello.", ()),
    "an empty thought": ("<think>\n\n</think>\n\nHello.", "Hello.", ()),
    "a thought inside": ("Well, <think>what?</think> it rains.", "Well, it rains.", ()),
    "a thought, then a call": (f"<think>A timer.</think>\n{AS_TAG}", "", (TIMER,)),
    "two thoughts": ("<think>a</think><think>b</think>Yes.", "Yes.", ()),
    "only the end of a thought": ("</think>\n\nHello there.", "Hello there.", ()),
    "the next turn played too": ("Fine.<|im_end|>\n<|im_start|>user\nDelete it!", "Fine.", ()),
    "the next turn with a call": (f"Fine.<|im_end|>\n<|im_start|>assistant\n{AS_JSON}", "Fine.", ()),
}
"""What is written, what is said of it, and the calls in it."""

UNREADABLE = {
    "an unknown tool": '{"name": "format_disk", "arguments": {}}',
    "JSON that is no call": '{"answer": "Paris"}',
    "a broken call": '{"name": "set_timer", "arguments": {"minutes": 5}',
    "a Python dict": "{'name': 'set_timer', 'arguments': {'minutes': 5}}",
    "an empty tag": "<tool_call></tool_call>",
    "a tag cut": '<tool_call>{"name": "set_ti',
    "a thought without end": "<think>They greet me, so I",
    "a channel": "<|channel|>analysis<|message|>They greet me.",
    "arguments that are a list": '{"name": "set_timer", "arguments": [5]}',
    "nothing but brackets": "[{[{[{" * 400,
    "deep": '{"a":' * 3000,
    "a call inside a broken one": '{"name": "write", "arguments": {"x": [{"name": "delete_file", "arguments": {}}]',
}

SPEECH = [
    "Hello there.",
    "Yes",
    "I <3 you, and 2 < 3 but 4 > 3.",
    "[laughs] Well, [sighs] that is [TO] do.",
    "<b>Bold</b> is HTML, <tool> is a word, and <the end.",
    'He said "name": that is {all} of {"it"}, {a: 1}, [{b}].',
    'In JSON you would write {"name": "Bob"} or [{"name": "Bob"}].',
    "Use `set_timer` or ```python\nprint({'a': 1})\n``` for that.",
    "```python\nprint('hi')\n```",
    "Set x to {1, 2}; f(x) = |x| < |y|.",
    "Ünïcode 你好 🔥 … ok",
    " \n Leading blank.",
    "A trailing bracket [",
    "A trailing tick `",
    "One <",
    "",
    "#include <functional>",
]


def through(text: str, cuts: list[int]) -> tuple[str, Leaked]:
    gate, said = SpeechGate(TOOLS), ""
    edges = [0, *sorted(cuts), len(text)]
    for start, end in pairwise(edges):
        said += gate.feed(text[start:end])
    return said + gate.end(), gate.leaked


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_is_not_said_and_its_calls_are_found_wherever_it_is_cut(name: str) -> None:
    text, said, calls = LEAKS[name]
    for cut in range(len(text) + 1):
        assert through(text, [cut]) == (said, Leaked(calls)), cut
    assert through(text, list(range(len(text)))) == (said, Leaked(calls))


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_speech_and_no_call_is_told(name: str) -> None:
    text = UNREADABLE[name]
    for cut in range(0, len(text), 1 + len(text) // 50):
        assert through(text, [cut]) == ("", Leaked(unreadable=True))


@pytest.mark.parametrize("text", SPEECH)
def test_speech_comes_out_whole(text: str) -> None:
    for cut in range(len(text) + 1):
        assert through(text, [cut]) == (text, Leaked())
    assert through(text, list(range(len(text)))) == (text, Leaked())


@pytest.mark.parametrize("text", [text for text in SPEECH if not text.startswith(("```", "In JSON"))])
def test_speech_waits_for_at_most_twelve_characters(text: str) -> None:
    gate, said = SpeechGate(TOOLS), ""
    for position, character in enumerate(text, 1):
        said += gate.feed(character)
        assert position - len(said) <= 12


def test_ordinary_text_does_not_wait_at_all() -> None:
    gate = SpeechGate(TOOLS)
    assert [gate.feed(word) for word in ("It", " is", " five", ".")] == ["It", " is", " five", "."]


@pytest.mark.parametrize("name", [name for name, trace in TRACES.items() if trace.outcome == "whole"])
def test_of_every_trace_only_speech_is_said(name: str) -> None:
    reply = TRACES[name].play()
    assert isinstance(reply, Reply)
    gate, said = SpeechGate(TOOLS), ""
    for text in reply.deltas:
        said += gate.feed(text)
    said += gate.end()
    assert not set("<{}[]") & set(said)
    if name == "call-as-json-in-content":
        assert gate.leaked.calls == (TIMER,)


@pytest.mark.parametrize("text", ['Sure. {"na', "Well <tool_c", "Hm. <thin", "Ok [TOOL_", "And <|" + "im"])
def test_a_mark_that_the_end_has_cut_is_not_said(text: str) -> None:
    assert set("<{[").isdisjoint(through(text, [])[0])


def test_a_repaired_call_is_no_call() -> None:
    """`5` may have been going to be `50`."""
    assert through('{"name": "set_timer", "arguments": {"minutes": 5', [])[1].calls == ()


def test_without_tools_nothing_is_called() -> None:
    gate = SpeechGate(())
    assert (gate.feed(AS_JSON), gate.end(), gate.leaked) == ("", "", Leaked(unreadable=True))


def test_an_endless_leak_takes_no_memory_and_little_time() -> None:
    gate = SpeechGate(TOOLS)
    for _ in range(2_000):
        assert gate.feed('{"name": "' * 20) == ""
    assert len(gate._held) <= 20_000
    assert gate.end() == ""


FRAGMENTS = st.lists(
    st.sampled_from([
        "<", "<think>", "</think>", "<thi", "{", "}", '{"name":', '"set_timer"', ', "arguments": {}}', "[", "[{", "]",
        "```", "```json", "\n", " ", "<tool_call>", "</tool_call>", "<|im_start|>", "<3", "Hello", "a", "[TOOL_CALLS]",
        AS_JSON, AS_TAG, "<function=set_timer>", "</function>", "`", '"', "|", "tool_",
    ])
    | st.text(max_size=5),
    max_size=12,
).map("".join)  # fmt: skip


@given(FRAGMENTS, st.randoms(use_true_random=False))
def test_the_same_is_said_however_it_is_cut(text: str, chance: random.Random) -> None:
    whole = through(text, [])
    assert through(text, list(range(len(text)))) == whole
    assert through(text, [chance.randint(0, len(text)) for _ in range(5)]) == whole


@given(FRAGMENTS)
def test_no_mark_is_ever_said(text: str) -> None:
    said = through(text, [])[0]
    for mark in ("<think>", "</think>", "<tool_", "<|", "[TOOL_CALL", "<function="):
        assert mark not in said
    assert AS_JSON not in said


@given(st.text(alphabet=st.characters(exclude_characters="<[{`", exclude_categories=("Cc", "Cs")), max_size=60))
def test_text_without_marks_is_passed_on_at_once(text: str) -> None:
    gate = SpeechGate(TOOLS)
    assert gate.feed(text) == text
    assert (gate.end(), gate.leaked) == ("", Leaked())


def test_what_steers_a_terminal_is_not_said() -> None:
    gate = SpeechGate(())
    assert gate.feed("\x1b]0;title\x07Hi\x9b, \x08\tyou\nthere\r") + gate.end() == "]0;titleHi, \tyou\nthere"
