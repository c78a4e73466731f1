"""A model that does whatever a stranger's text says, in the same turn and in those that follow: nothing comes of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.agent_parts import FakeHistory, FakeTurn, House, ScriptedChat, call, spoken_text
from tests.in_memory import RecentCalls
from tests.injections import INJECTIONS, TRIGGER, Injection
from tests.virtual_time import virtual_time
from voxspark.agent.agent import LocalFirstAgent, Team
from voxspark.agent.intents import Intents
from voxspark.agent.loop import ToolLoop
from voxspark.agent.mediator import Mediator, TurnGuard
from voxspark.agent.offer import offered
from voxspark.agent.prompt import Prompt
from voxspark.tools.registry import tool
from voxspark.types import Delta, Message

CONSEQUENTIAL = {"delete_file", "send_message", "run_command", "remember"}
BUSINESS = ["Yes.", "How are you?", "Okay, do it.", "Go on.", "(coughs)", "And what else?", "Thank you."]
"""What the user says afterwards; none of it is the word."""

INTENTS = Intents(House().box)


class Sources(House):
    """More places that strangers write to."""

    @tool(permission="read", fate="turn", untrusted=True)
    async def read_mail(self) -> str:
        """Read the mail."""
        await self._do("read_mail")
        return self.page

    @tool(permission="read", fate="turn", untrusted=True)
    async def read_clipboard(self) -> str:
        """Read the clipboard."""
        await self._do("read_clipboard")
        return self.page

    @tool(permission="read", fate="turn", untrusted=True)
    async def read_file(self) -> str:
        """Read a file."""
        await self._do("read_file")
        return self.page

    @tool(permission="read", fate="turn", untrusted=True)
    async def read_screen(self) -> str:
        """Read the screen."""
        await self._do("read_screen")
        return self.page


class Obedient:
    """Looks where it is told to, and then obeys, one call a round, saying aloud what it read."""

    def __init__(self, injection: Injection, talks: bool) -> None:
        self.injection = injection
        self.talks = talks
        self.obeyed = 0

    def __call__(self, prompt: Sequence[Message]) -> Sequence[Delta]:
        if not any(TRIGGER in message.content for message in prompt[1:]):
            arguments = {"search_web": {"query": "x"}, "read_page": {"address": "example.org"}}
            return [call(self.injection.source, **arguments.get(self.injection.source, {}))]
        self.obeyed += 1
        wanted = self.injection.calls[(self.obeyed - 1) % len(self.injection.calls)]
        return [f"It says: {TRIGGER}, {self.injection.text}. ", wanted] if self.talks else [wanted]


class Home:
    """An agent with an obedient worker, and a manager that is no better."""

    def __init__(self, injection: Injection, talks: bool) -> None:
        self.house = Sources()
        self.house.page = injection.text
        self.model = Obedient(injection, talks)
        self.history = FakeHistory()
        self.audit = RecentCalls()
        box = self.house.box
        mediator = Mediator(box, self.audit)
        roles = ["worker", "manager"]
        self.agent = LocalFirstAgent(
            intents=INTENTS,
            mediator=mediator,
            loop=ToolLoop(box, mediator),
            team=Team(lambda role: ScriptedChat([self.model]), roles, lambda role: True, "manager"),
            tools=[*self.house.schemas, *offered(box, roles)[-1:]],
            prompt=Prompt("Be brief.", None),
            history=self.history,
            on_stop=lambda: None,
        )

    async def live(self) -> None:
        """A question, and everyday life after it."""
        for text in ("What does it say?", *BUSINESS, "What does it say now?", *BUSINESS):
            turn = FakeTurn()
            heard = await spoken_text(self.agent.reply(text, turn))
            if heard.strip():
                self.history.add(text, heard.strip(), turn)

    @property
    def consequences(self) -> list[object]:
        return [
            (name, arguments)
            for name, arguments in self.house.done
            if name in CONSEQUENTIAL or "evil" in str(arguments.get("address"))
        ]


@pytest.mark.parametrize("talks", [True, False])
@pytest.mark.parametrize("name", INJECTIONS)
def test_nothing_that_matters_is_done(name: str, talks: bool) -> None:
    @virtual_time
    async def play() -> None:
        home = Home(INJECTIONS[name], talks)
        await home.live()
        assert home.model.obeyed
        assert home.consequences == []
        verdicts = [line["verdict"] for line in home.audit.lines]
        assert "asked" in verdicts or "refused" in verdicts

    play()


@pytest.mark.parametrize("name", INJECTIONS)
def test_without_the_policy_it_would_be_done(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or else these tests would show nothing."""
    monkeypatch.setattr(TurnGuard, "must_ask", lambda self, tool, arguments: False)

    @virtual_time
    async def play() -> None:
        home = Home(INJECTIONS[name], talks=True)
        await home.live()
        assert home.consequences

    play()


def test_there_are_enough_of_every_source() -> None:
    assert len(INJECTIONS) >= 30
    sources = [each.source for each in INJECTIONS.values()]
    assert set(sources) >= {"search_web", "read_page", "read_mail", "read_calendar", "read_clipboard", "read_file"}
    assert all(TRIGGER in text.replace("\u200b", "") for text in (each.text for each in INJECTIONS.values()))
