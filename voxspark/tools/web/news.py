"""Headlines from feeds (RSS and Atom) that the user has chosen."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Annotated

import anyio
import anyio.to_thread

from voxspark.errors import ToolError
from voxspark.tools.clean import clean
from voxspark.tools.folding import fold
from voxspark.tools.phrases import join
from voxspark.tools.registry import Tool, tool, tools_of
from voxspark.tools.web.http import FEEDS, Fetcher, Page

MOST_HEADLINES = 10
LONGEST_HEADLINE = 160
KEEP_SECONDS = 600
TAG = re.compile(r"</?[a-zA-Z][^<>]*>")


class News:
    """Tells headlines; `feeds` are addresses by name: `{"BBC": "https://feeds.bbci.co.uk/news/rss.xml"}`."""

    def __init__(self, fetcher: Fetcher, feeds: Mapping[str, str]) -> None:
        self._fetcher = fetcher
        self._feeds = dict(feeds)

    @property
    def tools(self) -> tuple[Tool, ...]:
        """get_news."""
        return tools_of(self)

    @tool(permission="read", fate="turn", untrusted=True, timeout_seconds=20.0, filler="Let me see the news.")
    async def get_news(
        self,
        source: Annotated[str, "The name of a news source; empty for all."] = "",
        count: Annotated[int, "How many headlines, 1 to 10."] = 3,
    ) -> str:
        """Tell the latest headlines."""
        wanted = self._choose(source)
        count = min(max(count, 1), MOST_HEADLINES)
        found: dict[str, list[str]] = {}
        failed: dict[str, ToolError] = {}

        async def read(name: str) -> None:
            try:
                found[name] = await self._headlines(self._feeds[name])
            except ToolError as error:
                failed[name] = error

        async with anyio.create_task_group() as group:
            for name in wanted:
                group.start_soon(read, name)
        if not found:
            raise failed[wanted[0]]
        headlines = _take_turns([found[name] for name in wanted if name in found], count)
        missing = f" I could not read {join([name for name in wanted if name in failed])}." if failed else ""
        if not headlines:
            return f"There is no news.{missing}"
        return " ".join(line if line[-1] in ".?!…" else f"{line}." for line in headlines) + missing

    def _choose(self, source: str) -> list[str]:
        if not self._feeds:
            raise ToolError("news-unset", "I know no news sources yet.", "Add feeds to the configuration.")
        wanted = fold(source.strip())
        chosen = [name for name in self._feeds if wanted in fold(name)]
        if not chosen:
            known = join([clean(name, 40) for name in self._feeds])
            raise ToolError("news-unknown", f"I only have news from {known}.")
        return chosen

    async def _headlines(self, url: str) -> list[str]:
        page = await self._fetcher.get(url, accept=FEEDS, trusted=True, keep_seconds=KEEP_SECONDS)
        return await anyio.to_thread.run_sync(headlines, page, abandon_on_cancel=True)


def headlines(page: Page) -> list[str]:
    """The titles in a feed, in its order. Raises ToolError when it is none, or `feedparser` is missing."""
    try:
        import feedparser
    except ImportError as error:
        raise ToolError("news-missing", "The news reader is not installed.", "Install voxspark[web].") from error
    # As a stream: of plain bytes feedparser takes short ones for the name of a file, and opens it.
    feed = feedparser.parse(io.BytesIO(page.body), response_headers={"content-type": page.media_type})
    if not feed.get("version"):
        raise ToolError("news-no-feed", "That news source sends something else than news.", f"Look at {page.url}.")
    titles = (
        clean(TAG.sub("", str(entry.get("title", ""))), LONGEST_HEADLINE)
        for entry in feed.entries[: 2 * MOST_HEADLINES]
    )
    return list(dict.fromkeys(title for title in titles if title))


def _take_turns(sources: list[list[str]], count: int) -> list[str]:
    """The first of each, then the second of each."""
    rows = (source[index] for index in range(max(map(len, sources))) for source in sources if index < len(source))
    return list(dict.fromkeys(rows))[:count]
