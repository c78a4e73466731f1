"""A model, its tools and the loop between them, with a model that answers as written down."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

import anyio
import pytest

from tests.agent_parts import FakeTurn, House, Script, ScriptedChat, call, spoken_text
from tests.in_memory import RecentCalls
from tests.virtual_time import virtual_time
from voxspark.agent import loop as words
from voxspark.agent import mediator as policy
from voxspark.agent.loop import ESCALATE, Limits, ToolLoop
from voxspark.agent.mediator import Mediator, TurnGuard
from voxspark.errors import ChatError
from voxspark.types import Delta, Message, ReplyStats, ToolCall

LAMP = call("set_lamp", brightness=1)
PARIS = call("get_weather", city="Paris")
ROME = call("get_weather", city="Rome")
SEARCH = call("search_web", query="x")
DELETE = call("delete_file", path="/tmp/a")
LEAK = '{"name": "get_weather", "arguments": {"city": "Paris"}}'
QUESTION = [Message("system", "Be brief."), Message("user", "How is it?")]


class Stage:
    """A loop over a house full of tools and a scripted model."""

    def __init__(self, *replies: Script, limits: Limits | None = None) -> None:
        self.house = House()
        self.chat = ScriptedChat(replies)
        self.turn = FakeTurn()
        self.guard = TurnGuard("How is it?")
        self.loop = ToolLoop(self.house.box, Mediator(self.house.box, RecentCalls()), limits)

    async def reply(self, escalate: words.Escalate | None = None) -> str:
        tools = self.house.schemas
        text = await spoken_text(self.loop.reply(self.chat, QUESTION, tools, self.guard, self.turn, escalate))
        assert self.chat.open == 0
        return text

    @property
    def done(self) -> list[tuple[str, dict[str, object]]]:
        return self.house.done


Step = tuple[str, Sequence[Script], str, list[str]]

STEPS: list[Step] = [
    ("text alone", [["It is", " fine."]], "It is fine.", []),
    ("a read, then its answer", [[PARIS], ["It is sunny."]], "It is sunny.", ["get_weather"]),
    ("an act is answered by itself", [[LAMP]], "The kitchen lamp is at 1.", ["set_lamp"]),
    ("text before an act", [["I'll do", " that.", LAMP]], "I'll do that. The kitchen lamp is at 1.", ["set_lamp"]),
    ("text before a read", [["Let me look.", PARIS], ["Sunny."]], "Let me look. Sunny.", ["get_weather"]),
    ("two acts", [[LAMP, call("set_lamp", brightness=2)]], "The kitchen lamp is at 1. The kitchen lamp is at 2.",
     ["set_lamp", "set_lamp"]),
    ("a read and an act", [[PARIS, LAMP], ["Sunny, and the lamp is on."]], "Sunny, and the lamp is on.",
     ["get_weather", "set_lamp"]),
    ("a leaked call", [[LEAK[:9], LEAK[9:]], ["Sunny."]], "Sunny.", ["get_weather"]),
    ("text and a leaked call", [["Hm. ", LEAK], ["Sunny."]], "Hm.  Sunny.", ["get_weather"]),
    ("a call and the same leaked", [[PARIS, LEAK], ["Sunny."]], "Sunny.", ["get_weather"]),
    ("the same leaked twice", [[LEAK, LEAK], ["Sunny."]], "Sunny.", ["get_weather"]),
    ("an unreadable leak, then better", [['{"nam'], ["It is fine."]], "It is fine.", []),
    ("unreadable twice", [['{"nam']], words.NO_SENSE, []),
    ("text and an unreadable leak", [["It is fine. ", '<tool_call>{"nam']], "It is fine. ", []),
    ("a thought alone, twice", [["<think>Hm"]], words.NO_SENSE, []),
    ("nothing", [[]], words.NO_ANSWER, []),
    ("blank", [[" ", "\n"]], f" \n{words.NO_ANSWER}", []),
    ("only figures", [[ReplyStats(5, 0)]], words.NO_ANSWER, []),
    ("a wrong argument, then the right one", [[call("set_lamp", brightness="x")], [LAMP]], "The kitchen lamp is at 1.",
     ["set_lamp"]),
    ("a wrong argument twice", [[call("set_lamp", brightness="x")]], policy.NO_SENSE, []),
    ("an unknown tool, then text", [[call("set_lamps")], ["I cannot do that."]], "I cannot do that.", []),
    ("two wrong in one reply are told together", [[call("set_lamp"), call("set_lamp", x=1)], [LAMP]],
     "The kitchen lamp is at 1.", ["set_lamp"]),
    ("a question for confirmation ends it", [[LAMP, DELETE, call("remember", text="x")]],
     "The kitchen lamp is at 1. Shall I delete file with path slash tmp slash a? Say: confirm delete.", ["set_lamp"]),
    ("a tool that fails", [[call("break_down")]], "I cannot reach the network.", []),
    ("one of two reads fails", [[call("break_down"), PARIS], ["Paris is sunny."]], "Paris is sunny.", ["get_weather"]),
    ("escalation where there is nobody", [[call(ESCALATE, role="manager", question="x")], ["No."]], "No.", []),
    ("reading, then acting", [[SEARCH], [LAMP]],
     "Shall I set lamp with brightness 1? Say: confirm set.", ["search_web"]),
    ("reading, then remembering", [[SEARCH], [call("remember", text="x")]],
     "I do not do that after reading from search web. Please ask for it again.", ["search_web"]),
]  # fmt: skip


@pytest.mark.parametrize(("replies", "said", "done"), [step[1:] for step in STEPS], ids=[step[0] for step in STEPS])
def test_steps(replies: Sequence[Script], said: str, done: list[str]) -> None:
    @virtual_time
    async def play() -> None:
        stage = Stage(*replies)
        assert await stage.reply() == said
        assert [name for name, _ in stage.done] == done

    play()


@virtual_time
async def test_results_are_told_in_the_order_of_the_calls() -> None:
    first = ToolCall("get_weather", {"city": "Paris"}, "a")
    stage = Stage(["Hm.", first, ToolCall("get_weather", {"city": "Rome"}, "b")], ["Both sunny."])
    assert await stage.reply() == "Hm. Both sunny."
    assert stage.chat.prompts[1] == [
        *QUESTION,
        Message("assistant", "Hm.", tool_calls=(first, ToolCall("get_weather", {"city": "Rome"}, "b"))),
        Message("tool", "It is sunny in Paris.", tool="get_weather", call_id="a"),
        Message("tool", "It is sunny in Rome.", tool="get_weather", call_id="b"),
    ]


@virtual_time
async def test_reads_run_together_and_are_told_in_order() -> None:
    stage = Stage([SEARCH, PARIS], ["Well."])
    began: list[tuple[str, float]] = []

    async def slow(name: str, **arguments: object) -> None:
        began.append((name, anyio.current_time()))
        await anyio.sleep(2 if name == "search_web" else 1)

    stage.house._do = slow  # type: ignore[method-assign]
    assert await stage.reply() == "Well."
    assert began == [("search_web", 0.0), ("get_weather", 0.0)]
    assert anyio.current_time() == 2.0
    assert [message.tool for message in stage.chat.prompts[1][3:]] == ["search_web", "get_weather"]


@virtual_time
async def test_acts_run_one_after_the_other() -> None:
    stage = Stage([LAMP, call("set_lamp", brightness=2)])
    seen: list[tuple[object, float]] = []

    async def slow(name: str, **arguments: object) -> None:
        await anyio.sleep(1)
        seen.append((arguments["brightness"], anyio.current_time()))

    stage.house._do = slow  # type: ignore[method-assign]
    await stage.reply()
    assert seen == [(1, 1.0), (2, 2.0)]


@virtual_time
async def test_the_schema_error_reaches_the_model() -> None:
    stage = Stage([call("set_lamp", brightness="dark")], ["Then not."])
    await stage.reply()
    assert stage.chat.prompts[1][-1].content == "The argument brightness must be a whole number, not 'dark'."


@virtual_time
async def test_a_retry_has_the_same_prompt() -> None:
    stage = Stage(["<tool_call>"], ["Fine."])
    assert await stage.reply() == "Fine."
    assert stage.chat.prompts[0] == stage.chat.prompts[1]


@virtual_time
async def test_the_last_round_has_no_tools_and_calls_nothing() -> None:
    cities = iter("ABCDEFGH")

    def another(prompt: Sequence[Message]) -> Sequence[Delta]:
        return [call("get_weather", city=next(cities))]

    stage = Stage(another)
    assert await stage.reply() == words.NO_ANSWER
    assert [bool(names) for names in stage.chat.offered] == [True, True, True, False]
    assert len(stage.done) == 3


@virtual_time
async def test_a_leak_in_the_last_round_is_not_called_either() -> None:
    stage = Stage([LEAK], limits=Limits(rounds=1))
    assert await stage.reply() == words.NO_SENSE
    assert stage.done == []


@virtual_time
async def test_a_model_without_tools_cannot_call_any() -> None:
    stage = Stage([LAMP, LEAK], ["Fine."])
    text = await spoken_text(stage.loop.reply(stage.chat, QUESTION, (), stage.guard, stage.turn))
    assert (text, stage.done) == ("Fine.", [])


@virtual_time
async def test_the_time_is_bounded() -> None:
    stage = Stage(["Hm.", PARIS], limits=Limits(seconds=5))

    async def slow(name: str, **arguments: object) -> None:
        await anyio.sleep(6)

    stage.house._do = slow  # type: ignore[method-assign]
    assert await stage.reply() == f"Hm. {words.TOO_LONG}"


@virtual_time
async def test_the_same_call_again_and_again_ends() -> None:
    stage = Stage([PARIS])
    assert await stage.reply() == policy.ENOUGH
    assert len(stage.done) == 2


@virtual_time
async def test_text_is_passed_on_as_it_comes() -> None:
    stage = Stage(["One.", " Two."])
    async with aclosing(stage.loop.reply(stage.chat, QUESTION, (), stage.guard, stage.turn)) as texts:
        assert await anext(texts) == "One."
        assert stage.chat.open == 1


# ── failures and closing ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("before", [[], ["Hello"], [LAMP], ['{"na']])
def test_a_stream_that_fails_raises_and_does_nothing(before: list[Delta]) -> None:
    @virtual_time
    async def play() -> None:
        stage = Stage([*before, ChatError("chat-broke", "It broke.")])
        with pytest.raises(ChatError):
            await stage.reply()
        assert (stage.done, stage.chat.open) == ([], 0)

    play()


@virtual_time
async def test_it_fails_in_the_second_round_too() -> None:
    stage = Stage([PARIS], ["It", ChatError("chat-broke", "It broke.")])
    with pytest.raises(ChatError):
        await stage.reply()
    assert stage.chat.open == 0


@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_closing_the_reply_closes_the_stream_of_every_phase(pieces: int) -> None:
    @virtual_time
    async def play() -> None:
        stage = Stage(["a", "b", PARIS], ["c", "d"])
        async with aclosing(
            stage.loop.reply(stage.chat, QUESTION, stage.house.schemas, stage.guard, stage.turn)
        ) as texts:
            for _ in range(pieces):
                await anext(texts)
            assert stage.chat.open == 1
        assert stage.chat.open == 0

    play()


@virtual_time
async def test_cancelling_in_a_tool_ends_it() -> None:
    stage = Stage([SEARCH])
    stage.house.hang = True
    with anyio.move_on_after(1) as waiting:
        await stage.reply()
    assert waiting.cancelled_caught
    assert (stage.chat.open, stage.house.began, stage.done) == (0, ["search_web"], [])


@virtual_time
async def test_a_turn_that_is_withdrawn_does_nothing_and_the_next_does_it_once() -> None:
    stage = Stage([LAMP])
    stage.turn = FakeTurn(confirmed=False)
    for _ in range(3):
        with anyio.move_on_after(1):
            await stage.reply()
    assert stage.house.began == []
    stage.turn, stage.guard = FakeTurn(), TurnGuard("x")
    await stage.reply()
    assert stage.done == [("set_lamp", {"brightness": 1, "room": "kitchen"})]


@virtual_time
async def test_an_act_waits_for_the_turn() -> None:
    stage = Stage(["On it.", LAMP])
    stage.turn = FakeTurn(confirmed=False)
    texts: list[str] = []

    async def read() -> None:
        async with aclosing(
            stage.loop.reply(stage.chat, QUESTION, stage.house.schemas, stage.guard, stage.turn)
        ) as reply:
            texts.extend([text async for text in reply])

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        await anyio.sleep(5)
        assert stage.house.began == []
        stage.turn.gate.set()
    assert [name for name, _ in stage.done] == ["set_lamp"]
