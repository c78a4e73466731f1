"""The agent's surroundings, written by hand: a turn, a scripted model, a history, and tools that record their calls."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Annotated

import anyio

from tests.in_memory import RecentCalls
from voxspark.agent.mediator import Mediator, Outcome, TurnGuard
from voxspark.errors import ToolError
from voxspark.protocols import Schema
from voxspark.tools.registry import Tool, Toolbox, tool, tools_of
from voxspark.types import Delta, Message, ToolCall

Script = Sequence[Delta | Exception] | Callable[[Sequence[Message]], Sequence[Delta | Exception]]
"""One reply of a model, or what makes it of the prompt."""


class FakeTurn:
    """A turn that is confirmed from the beginning unless told otherwise."""

    def __init__(self, confirmed: bool = True) -> None:
        self.gate = anyio.Event()
        if confirmed:
            self.gate.set()
        self.acted: list[tuple[str, dict[str, object]]] = []
        self.read: list[tuple[str, dict[str, object]]] = []
        self.fillers: list[str] = []
        self.strangers = False

    async def until_confirmed(self) -> None:
        await self.gate.wait()

    async def act(self, tool: str, arguments: dict[str, object], call: Callable[[], Awaitable[str]]) -> str:
        await self.gate.wait()
        result = await call()
        self.acted.append((tool, arguments))
        return result

    def used(self, tool: str, arguments: dict[str, object], result: str) -> None:
        self.read.append((tool, arguments))

    def by_strangers(self) -> None:
        self.strangers = True

    def begun(self, filler: str) -> None:
        self.fillers.append(filler)


@dataclass
class ScriptedChat:
    """A model that answers as written down, round after round; the last reply again and again."""

    replies: Sequence[Script]
    prompts: list[list[Message]] = field(default_factory=list)
    offered: list[list[str]] = field(default_factory=list)
    open: int = 0
    """Streams that were begun and not closed."""

    async def warm(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> None:
        return None

    async def stream(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> AsyncGenerator[Delta, None]:
        reply = self.replies[min(len(self.prompts), len(self.replies) - 1)]
        self.prompts.append(list(messages))
        self.offered.append([schema["function"]["name"] for schema in tools])
        self.open += 1
        try:
            for delta in reply(messages) if callable(reply) else reply:
                await anyio.lowlevel.checkpoint()
                if isinstance(delta, Exception):
                    raise delta
                yield delta
        finally:
            self.open -= 1


@dataclass
class FakeHistory:
    """What was said before."""

    said: list[Message] = field(default_factory=list)
    last_heard: str = ""
    by_strangers: bool = False

    def messages(self) -> list[Message]:
        return list(self.said)

    def add(self, text: str, heard: str, turn: FakeTurn | None = None) -> None:
        self.said += [Message("user", text), Message("assistant", heard)]
        self.last_heard = heard
        self.by_strangers |= turn is not None and turn.strangers


LOOK_UP = "Let me look that up."


class House:
    """A tool of every kind; `done` is what really happened, in order."""

    def __init__(self) -> None:
        self.done: list[tuple[str, dict[str, object]]] = []
        self.page = "A page about nothing."
        self.began: list[str] = []
        self.hang = False
        self.error: Exception | None = None

    @property
    def box(self) -> Toolbox:
        return Toolbox(self.tools)

    @property
    def tools(self) -> tuple[Tool, ...]:
        return tools_of(self)

    @property
    def schemas(self) -> list[Schema]:
        return [each.schema for each in self.tools]

    async def _do(self, name: str, **arguments: object) -> None:
        self.began.append(name)
        if self.hang:
            await anyio.sleep_forever()
        await anyio.lowlevel.checkpoint()
        if self.error is not None:
            raise self.error
        self.done.append((name, arguments))

    @tool(permission="act", fate="owner", core=True)
    async def set_lamp(self, brightness: Annotated[int, "0 to 100."], room: str = "kitchen") -> str:
        """Set a lamp."""
        await self._do("set_lamp", brightness=brightness, room=room)
        return f"The {room} lamp is at {brightness}."

    @tool(permission="act", fate="owner", privileged=True)
    async def remember(self, text: str) -> str:
        """Keep a fact about the user."""
        await self._do("remember", text=text)
        return "I will remember that."

    @tool(permission="dangerous", fate="owner")
    async def delete_file(self, path: str) -> str:
        """Delete a file."""
        await self._do("delete_file", path=path)
        return "The file is deleted."

    @tool(permission="dangerous", fate="owner")
    async def send_message(self, to: str, text: str, copies: int = 1) -> str:
        """Send a message."""
        await self._do("send_message", to=to, text=text)
        return "It is sent."

    @tool(permission="dangerous", fate="owner")
    async def run_command(self, command: str) -> str:
        """Run a command."""
        await self._do("run_command", command=command)
        return "The command has run."

    @tool(permission="read", fate="turn", core=True)
    async def get_weather(self, city: str) -> str:
        """Say the weather."""
        await self._do("get_weather", city=city)
        return f"It is sunny in {city}."

    @tool(permission="read", fate="turn", untrusted=True, core=True, timeout_seconds=5.0, filler=LOOK_UP)
    async def search_web(self, query: str) -> str:
        """Search the web."""
        await self._do("search_web", query=query)
        return self.page

    @tool(permission="read", fate="turn", untrusted=True)
    async def read_calendar(self) -> str:
        """Read the calendar."""
        await self._do("read_calendar")
        return self.page

    @tool(permission="read", fate="turn", untrusted=True, privileged=True)
    async def read_page(self, address: str) -> str:
        """Read a web page."""
        await self._do("read_page", address=address)
        return self.page

    @tool(permission="read", fate="turn")
    async def break_down(self) -> str:
        """Fail."""
        raise ToolError("no-network", "I cannot reach the network.", "Check the cable.")


def call(name: str, **arguments: object) -> ToolCall:
    """A call as a model makes it."""
    return ToolCall(name, arguments)


async def spoken_text(reply: AsyncGenerator[str, None]) -> str:
    """All of a reply."""
    async with aclosing(reply) as texts:
        return "".join([text async for text in texts])


DELETE = call("delete_file", path="/tmp/a.txt")
DELETE_QUESTION = "Shall I delete file with path slash tmp slash a.txt? Say: confirm delete."


class Desk:
    """A mediator over a house full of tools."""

    def __init__(self) -> None:
        self.house = House()
        self.audit = RecentCalls()
        self.mediator = Mediator(self.house.box, self.audit)
        self.turn = FakeTurn()

    async def run(self, call: ToolCall, guard: TurnGuard | None = None) -> Outcome:
        return await self.mediator.run(call, guard or TurnGuard("do it"), self.turn)

    async def answer(self, text: str, heard: str = DELETE_QUESTION) -> str | None:
        return await self.mediator.confirmation(TurnGuard(text), self.turn, heard)

    @property
    def done(self) -> list[str]:
        return [name for name, _ in self.house.done]

    @property
    def verdicts(self) -> list[object]:
        return [line["verdict"] for line in self.audit.lines]
