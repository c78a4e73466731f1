"""A connection to an MCP server by the official `mcp` package: the only module that knows it."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from voxspark.config_tools import McpServer
from voxspark.errors import ToolError
from voxspark.mcp.offers import Offer

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult, Tool

log = logging.getLogger(__name__)

MOST_PAGES = 20
"""Of a list of tools."""


class Session(Protocol):
    """A live connection."""

    async def offers(self) -> list[Offer]:
        """What there is now. Raises any error when the server is gone."""
        ...

    async def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """The answer as text. Raises ToolError where the server says no, and any other error when it is gone.

        A call that is cancelled here is cancelled at the server.
        """
        ...


class Connect(Protocol):
    """How a connection is made."""

    def __call__(self, settings: McpServer) -> AbstractAsyncContextManager[Session]:
        """Raises any error when it cannot be made; errors at the end are those of the connection."""
        ...


@asynccontextmanager
async def connect(settings: McpServer) -> AsyncGenerator[Session, None]:
    """Over the command's standard input and output, or to the address. Raises ToolError `mcp-missing` without the
    package."""
    try:
        from mcp import Client, StdioServerParameters
        from mcp.client.stdio import stdio_client
        from mcp.client.streamable_http import streamable_http_client
        from mcp.shared._httpx_utils import create_mcp_http_client
    except ImportError as error:
        remedy = "Run: pip install 'voxspark[mcp]'"
        raise ToolError("mcp-missing", "The package for MCP servers is not installed.", remedy) from error
    _quieten()
    async with AsyncExitStack() as stack:
        if settings.url:
            http = await stack.enter_async_context(create_mcp_http_client(settings.headers))
            transport = streamable_http_client(settings.url, http_client=http)
        else:
            command = StdioServerParameters(command=settings.command, args=list(settings.args), env=settings.env)
            transport = stdio_client(command, stack.enter_context(_error_output()))
        yield SdkSession(await stack.enter_async_context(Client(transport)))


class SdkSession:
    """A Session on the client of the package."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def offers(self) -> list[Offer]:
        """All pages."""
        found: list[Offer] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._client.list_tools(cursor=cursor, cache_mode="refresh")
            found += map(_offer, page.tools)
            if (cursor := page.next_cursor) is None:
                break
        return found

    async def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """The text of the answer."""
        from mcp import MCPError
        from mcp.types import CONNECTION_CLOSED

        try:
            result = await self._client.call_tool(name, dict(arguments))
        except MCPError as error:
            if error.code == CONNECTION_CLOSED:
                raise
            raise ToolError("mcp-refused", _sentence(error.message)) from error
        except (RuntimeError, ValueError) as error:  # an answer that is not what the server itself has promised
            raise ToolError("mcp-answer", "The answer was not in the form that was promised.") from error
        if result.is_error:
            raise ToolError("mcp-refused", _sentence(_text(result)))
        return _text(result)


def _offer(tool: Tool) -> Offer:
    from mcp.types import ToolAnnotations

    hints = tool.annotations or ToolAnnotations()
    return Offer(
        tool.name,
        tool.description or tool.title or "",
        tool.input_schema,
        hints.read_only_hint,
        hints.destructive_hint,
        hints.open_world_hint,
    )


def _text(result: CallToolResult) -> str:
    """What of the answer can be read."""
    parts = [getattr(getattr(each, "resource", each), "text", "") for each in result.content]
    text = "\n".join(part for part in parts if part)
    return text or (json.dumps(result.structured_content, ensure_ascii=False) if result.structured_content else "")


def _sentence(message: str) -> str:
    """Why it did not work, as a server says it."""
    return f"That did not work: {message[:1_000].strip().rstrip('.') or 'no reason was given'}."


def _error_output() -> Any:
    """Where servers complain: nowhere, as it may be about what was said; at the level `debug` the log."""
    return open(os.devnull if not log.isEnabledFor(logging.DEBUG) else os.dup(sys.stderr.fileno()), "w")  # noqa: PTH123


def _quieten() -> None:
    """The packages log addresses, and messages that they cannot read, as they are."""
    level = logging.NOTSET if log.isEnabledFor(logging.DEBUG) else logging.CRITICAL
    for name in ("mcp", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(level)
