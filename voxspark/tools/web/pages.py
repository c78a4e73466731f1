"""Reads web pages: what a person would read of them, without menus and advertisements."""

from __future__ import annotations

from typing import Annotated

import anyio.to_thread

from voxspark.errors import ToolError
from voxspark.tools.clean import clean
from voxspark.tools.registry import Tool, tool, tools_of
from voxspark.tools.web.http import READABLE, Fetcher, Page

MOST_CHARACTERS = 2_000
LONGEST_TITLE = 150
KEEP_SECONDS = 600


class Pages:
    """Reads web pages on the public internet."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    @property
    def tools(self) -> tuple[Tool, ...]:
        """read_page."""
        return tools_of(self)

    @tool(
        permission="read",
        fate="turn",
        untrusted=True,
        privileged=True,
        timeout_seconds=20.0,
        filler="Let me read that.",
    )
    async def read_page(self, address: Annotated[str, "The whole address, such as https://example.org/news."]) -> str:
        """Read the main text of a web page."""
        address = address.strip()
        if "://" not in address:
            address = f"https://{address}"
        page = await self._fetcher.get(address, accept=READABLE, keep_seconds=KEEP_SECONDS)
        title, text = await anyio.to_thread.run_sync(readable, page, abandon_on_cancel=True)
        heading = clean(title, LONGEST_TITLE)
        body = clean(text, MOST_CHARACTERS - len(heading) - 1)
        if not body:
            raise ToolError("page-empty", "I find no text on that page.")
        return f"{heading}\n{body}" if heading else body


def readable(page: Page) -> tuple[str, str]:
    """(title, main text) of a page; takes up to a second. Raises ToolError when `trafilatura` is missing."""
    if page.media_type == "text/plain":
        return "", page.text
    try:
        from trafilatura import bare_extraction
    except ImportError as error:
        raise ToolError("page-reader-missing", "The page reader is not installed.", "Install voxspark[web].") from error
    found = bare_extraction(page.text, url=page.url, include_comments=False, with_metadata=True)
    if found is None or isinstance(found, dict):
        return "", ""
    return found.title or "", found.text or ""
