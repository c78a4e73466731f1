"""The MCP servers of the configuration: connected in the background, and their tools in the toolbox while they are."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, Literal

import anyio
from anyio.abc import TaskStatus

from voxspark.config_tools import McpServer
from voxspark.errors import ToolError, VoxSparkError, root_cause
from voxspark.mcp.names import names_of
from voxspark.mcp.offers import Offer, name_of, tool_of
from voxspark.mcp.session import Connect, Session, connect
from voxspark.tools.clean import clean
from voxspark.tools.registry import Toolbox

log = logging.getLogger(__name__)

CONNECT_SECONDS = 30.0
"""How long a server may take to start or to list its tools: `npx` and `uvx` may have to install it first."""

REFRESH_SECONDS = 30.0
"""How often it is asked whether it lives and what it can do."""

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 60.0
"""Before a server is connected again; each wait is twice as long as the one before."""

STEADY_SECONDS = 60.0
"""A connection that lasted as long as this was a good one: the waits begin anew."""

MOST_TOOLS = 100
"""Of one server."""

MOST_NAMES = 100
"""Of rooms and things, of one server."""

State = Literal["connecting", "ready", "waiting", "off"]


class Server:
    """One server: its connection, its health, its tools."""

    def __init__(
        self,
        name: str,
        settings: McpServer,
        toolbox: Toolbox,
        reserved: Collection[str],
        owners: dict[str, str],
        connect: Connect,
    ) -> None:
        """`owners`: names of tools to the servers that have had them; nobody else gets one while its server is away."""
        self.name = name
        self.title = name.replace("_", " ")
        self.state: State = "connecting"
        self.error: VoxSparkError | None = None
        """Why the last connection ended, or could not be made."""
        self.tools: list[str] = []
        """As they are called in the toolbox."""
        self.names: list[str] = []
        """Of the rooms and things that they can be asked for: a stranger's text."""
        self.unusable = 0
        """Tools that could not be taken over: no usable name or arguments."""
        self._settings = settings
        self._toolbox = toolbox
        self._reserved = reserved
        self._owners = owners
        self._connect = connect
        self._session: Session | None = None
        self._lost = anyio.Event()

    async def run(self) -> None:
        """Connect, and again whenever the connection is lost, until cancelled."""
        wait_seconds = FIRST_WAIT_SECONDS
        while True:
            began = anyio.current_time()
            self.state = "connecting"
            try:
                await self._live()
            except Exception as error:  # the boundary of a program that anybody may have written
                self.error = self._described(error)
            if self.error is not None and self.error.code == "mcp-missing":
                self.state = "off"
                log.warning("%s", self.error)
                return
            if anyio.current_time() - began > STEADY_SECONDS:
                wait_seconds = FIRST_WAIT_SECONDS
            log.info("MCP server %s: %s, again in %.0f s", self.name, self.error and self.error.code, wait_seconds)
            self.state = "waiting"
            await anyio.sleep(wait_seconds)
            wait_seconds = min(2 * wait_seconds, LONGEST_WAIT_SECONDS)

    async def _live(self) -> None:
        """One connection, to its end. Raises whatever ends it."""
        with anyio.CancelScope(deadline=anyio.current_time() + CONNECT_SECONDS) as answering:
            try:
                async with self._connect(self._settings) as session:
                    await self._follow(session, answering)
            finally:
                self._session = None
                self._publish([])
        raise ToolError("mcp-slow", f"{self._subject} does not answer.")

    async def _follow(self, session: Session, answering: anyio.CancelScope) -> None:
        """Keep the toolbox as the server is. Raises when it is gone; is cancelled when it does not answer."""
        while True:
            offers = await session.offers()
            answering.deadline = math.inf
            self._session, self._lost = session, anyio.Event()
            self._publish(offers)
            self.state, self.error = "ready", None
            with anyio.move_on_after(REFRESH_SECONDS):
                await self._lost.wait()
                raise self._gone()
            answering.deadline = anyio.current_time() + CONNECT_SECONDS

    def _publish(self, offers: Sequence[Offer]) -> None:
        """These tools, and no others of this server."""
        for old in self.tools:
            self._toolbox.remove(old)
        self.tools, self.unusable = [], max(0, len(offers) - MOST_TOOLS)
        if offers:
            for mine in [each for each, owner in self._owners.items() if owner == self.name]:
                del self._owners[mine]
        for offer in offers[:MOST_TOOLS]:
            try:
                others = (each for each, owner in self._owners.items() if owner != self.name)
                name = name_of(offer, self.name, {*self._reserved, *others, *(tool.name for tool in self._toolbox)})
                if name is None:
                    raise ToolError("mcp-name", "Its name is taken.")
                declared = tool_of(offer, name, self._settings, partial(self.call, offer.name), self.name)
                self._toolbox.add(declared)
            except ToolError as error:
                self.unusable += 1
                log.debug("MCP server %s: %r cannot be used: %s", self.name, offer.name, error)
            else:
                self.tools.append(name)
                self._owners[name] = self.name
        arguments = (each for name in self.tools for each in self._toolbox.find(name).parameters)
        self.names = list(dict.fromkeys(islice(names_of(arguments), MOST_NAMES)))

    async def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """The answer of the server's tool of that name. Raises ToolError."""
        if (session := self._session) is None:
            raise self._gone()
        try:
            return await session.call(name, arguments)
        except VoxSparkError:
            raise
        except Exception as error:  # the boundary of a program that anybody may have written
            self._lost.set()
            raise ToolError("mcp-lost", f"{self._subject} went away before it answered.") from error

    def _gone(self) -> ToolError:
        return ToolError("mcp-gone", f"{self._subject} is not there right now.", "I keep trying to reach it.")

    @property
    def _subject(self) -> str:
        return f"The server {self.title}"

    def _described(self, error: Exception) -> VoxSparkError:
        cause = root_cause(error)
        if isinstance(cause, VoxSparkError):
            return cause
        said = clean(getattr(cause, "strerror", None) or str(cause), 200).rstrip(".") or type(cause).__name__
        return ToolError("mcp-failed", f"{self._subject} cannot be used: {said}.", "I keep trying to reach it.")

    def snapshot(self) -> dict[str, Any]:
        """JSON-ready, for `status`."""
        return {
            "name": self.name,
            "state": self.state,
            "tools": list(self.tools),
            "unusable_tools": self.unusable,
            "error": None if self.error is None else {"code": self.error.code, "message": self.error.message},
        }


class McpServers:
    """All of them."""

    def __init__(
        self,
        settings: Mapping[str, McpServer],
        toolbox: Toolbox,
        reserved: Collection[str] = (),
        connect: Connect = connect,
    ) -> None:
        """`reserved`: names that no tool of theirs may have, besides those in the toolbox."""
        owners: dict[str, str] = {}
        self._servers = [Server(name, each, toolbox, reserved, owners, connect) for name, each in settings.items()]

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Keep them connected, until cancelled; started at once, whatever they do."""
        task_status.started()
        async with anyio.create_task_group() as group:
            for server in self._servers:
                group.start_soon(server.run)

    def names(self) -> Iterator[str]:
        """Of the rooms and things that the servers which are there know: strangers' texts."""
        return (name for server in self._servers for name in server.names)

    def snapshot(self) -> list[dict[str, Any]]:
        """Name, state, tools and last error of each, JSON-ready."""
        return [server.snapshot() for server in self._servers]
