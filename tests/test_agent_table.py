"""Utterances by the hundred through intents, router, loop and mediator, with a model that calls what is right."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime

import pytest

from tests.agent_parts import FakeHistory, FakeTurn, House, ScriptedChat, spoken_text
from tests.agent_table import ROWS, Row
from tests.in_memory import RecentCalls
from tests.virtual_time import virtual_time
from voxspark.agent.agent import LocalFirstAgent, Team
from voxspark.agent.intents import Intents
from voxspark.agent.loop import ToolLoop
from voxspark.agent.mediator import Mediator
from voxspark.agent.offer import offered
from voxspark.agent.prompt import Prompt
from voxspark.tools.arithmetic import arithmetic_tools
from voxspark.tools.clock import clock_tools
from voxspark.tools.registry import Toolbox
from voxspark.tools.timers import Timers
from voxspark.tools.units import unit_tools
from voxspark.types import ToolCall

DANGEROUS = ("delete_file", "send_message", "run_command")
ROLES = ["worker", "manager", "coder", "eyes"]
CASES = [(text, row) for row in ROWS for text in row.texts]
COMMON = ("get_time", "get_date", "get_weekday", "set_timer", "set_alarm", "set_reminder", "cancel_timer",
          "list_timers", "change_timer", "calculate", "convert_units")  # fmt: skip
"""Tools that local intents know."""


def toolbox(house: House) -> Toolbox:
    return Toolbox(
        [
            *clock_tools(lambda: datetime(2026, 11, 24, 9, 10, tzinfo=UTC)),
            *Timers(lambda: 0.0).tools,
            *arithmetic_tools(),
            *unit_tools(),
            *house.tools,
        ]
    )


INTENTS = Intents(toolbox(House()))


class Table:
    """An agent whose models call what the row says."""

    def __init__(self, row: Row) -> None:
        self.house, self.audit, self.turn = House(), RecentCalls(), FakeTurn()
        box = toolbox(self.house)
        mediator = Mediator(box, self.audit)
        first = [ToolCall(row.tool, row.arguments)] if row.tool else ["Well, ", "I see."]
        self.chats = {role: ScriptedChat([first, ["Here it is."]]) for role in ROLES}
        self.agent = LocalFirstAgent(
            intents=INTENTS,
            mediator=mediator,
            loop=ToolLoop(box, mediator),
            team=Team(self.chats.__getitem__, ROLES, lambda role: True, "manager"),
            tools=offered(box, ROLES),
            prompt=Prompt("Be brief.", None),
            history=FakeHistory(),
            on_stop=lambda: None,
        )

    async def say(self, text: str) -> str:
        return await spoken_text(self.agent.reply(text, self.turn))

    @property
    def called(self) -> list[object]:
        return [line["tool"] for line in self.audit.lines if line["verdict"] != "misused"]

    @property
    def asked(self) -> list[str]:
        """The roles whose models were asked."""
        return [role for role, chat in self.chats.items() if chat.prompts]


@pytest.mark.parametrize(("text", "row"), CASES, ids=[text for text, _ in CASES])
def test_the_right_thing_happens_and_nothing_else(text: str, row: Row) -> None:
    @virtual_time
    async def play() -> None:
        table = Table(row)
        await table.say(text)
        assert table.called == ([row.tool] if row.tool else [])
        assert table.asked in ([], [row.role])
        assert not set(DANGEROUS) & {name for name, _ in table.house.done}
        if row.tool in DANGEROUS:
            assert table.audit.lines[-1]["verdict"] == "asked"

    play()


def test_local_intents_are_never_wrong_and_often_enough_there(capsys: pytest.CaptureFixture[str]) -> None:
    found: Counter[str] = Counter()
    for text, row in CASES:
        if (intent := INTENTS.match(text)) is not None:
            assert intent.tool == row.tool, text
            found[row.tool] += 1
    total = Counter(row.tool for _, row in CASES if row.tool in COMMON)
    recall = found.total() / total.total()
    with capsys.disabled():
        sys.stdout.write(f"\nlocal intents: recall {recall:.2f}; ")
        sys.stdout.write(", ".join(f"{tool} {found[tool]}/{count}" for tool, count in total.items()) + "\n")
    assert recall > 0.5


def test_the_table_is_large_enough_to_mean_something() -> None:
    assert len(CASES) >= 200
    assert len({text for text, _ in CASES}) == len(CASES)
    assert all(len(row.texts) >= 8 for row in ROWS if row.tool)
    assert sum(not row.tool for _, row in CASES) >= 50
