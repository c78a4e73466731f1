"""Searches the web: with a SearXNG of one's own, or with DuckDuckGo through the package `ddgs` when that is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import anyio.to_thread

from voxspark.errors import ToolError
from voxspark.tools.clean import clean
from voxspark.tools.registry import Tool, tool, tools_of
from voxspark.tools.web.http import Fetcher, unexpected

MOST_RESULTS = 5
LONGEST_TITLE = 100
LONGEST_SNIPPET = 250
LONGEST_ADDRESS = 200
LONGEST_QUERY = 300
KEEP_SECONDS = 600
TIMEOUT_SECONDS = 8

ANSWER = "Answer: "
_LISTED = re.compile(r"1\. (?P<title>.*) \(\S+\): ?(?P<snippet>.*)")


@dataclass(frozen=True, slots=True)
class Result:
    """One page that was found."""

    title: str
    address: str
    snippet: str


SearchTexts = Callable[[str], list[Result]]
"""The pages for a query; blocks. Raises ToolError."""


def search_duckduckgo(query: str) -> list[Result]:
    """With the package `ddgs`; blocks. Raises ToolError."""
    try:
        from ddgs import DDGS
        from ddgs.exceptions import DDGSException, TimeoutException
    except ImportError as error:
        raise ToolError("search-missing", "The web search is not installed.", "Install voxspark[web].") from error
    try:
        found = DDGS(timeout=TIMEOUT_SECONDS).text(query, max_results=MOST_RESULTS, backend="duckduckgo")
    except TimeoutException as error:
        raise ToolError("web-slow", "The web search takes too long to answer.", "Try again later.") from error
    except DDGSException as error:
        if "no results" in str(error).lower():
            return []
        raise ToolError("search-failed", "The web search does not answer.", "Try again later.") from error
    return [Result(each.get("title", ""), each.get("href", ""), each.get("body", "")) for each in found]


def best_result(listing: str) -> str:
    """What the best of the results says, as a sentence; what is no listing as it is."""
    first = listing.partition("\n")[0]
    if found := _LISTED.fullmatch(first):
        return f"{found['title']} says: {found['snippet']}" if found["snippet"] else f"I found {found['title']}."
    return first.removeprefix(ANSWER)


class Search:
    """Searches the web.

    `searxng_url` is the address of a SearXNG, empty for none. `fallback` is asked when that is not set or fails; None
    keeps every query with one's own server.
    """

    def __init__(self, fetcher: Fetcher, searxng_url: str = "", fallback: SearchTexts | None = None) -> None:
        self._fetcher = fetcher
        self._searxng_url = searxng_url.rstrip("/")
        self._fallback = fallback

    @property
    def tools(self) -> tuple[Tool, ...]:
        """web_search."""
        return tools_of(self)

    @tool(
        permission="read",
        fate="turn",
        untrusted=True,
        core=True,
        timeout_seconds=20.0,
        filler="Let me look that up.",
        aloud=best_result,
    )
    async def web_search(self, query: Annotated[str, "A few words, as for a search engine."]) -> str:
        """Search the web; titles, addresses and snippets of the best pages."""
        query = clean(query, LONGEST_QUERY)
        if not query:
            raise ToolError("search-empty", "What should I search for?")
        answers, results = await self._search(query)
        lines = [*(f"{ANSWER}{clean(answer, LONGEST_SNIPPET)}" for answer in answers[:2])]
        shown = [each for each in results if each.address.startswith(("http://", "https://"))][:MOST_RESULTS]
        lines += [f"{number}. {_line(each)}" for number, each in enumerate(shown, 1)]
        return "\n".join(lines) or f"I found nothing about {clean(query, 80)}."

    async def _search(self, query: str) -> tuple[list[str], list[Result]]:
        """Direct answers, and pages."""
        if self._searxng_url:
            try:
                return await self._searxng(query)
            except ToolError:
                if self._fallback is None:
                    raise
        if self._fallback is None:
            raise ToolError("search-unset", "I have no search engine.", "Set search.searxng_url, or allow DuckDuckGo.")
        return [], await anyio.to_thread.run_sync(self._fallback, query, abandon_on_cancel=True)

    async def _searxng(self, query: str) -> tuple[list[str], list[Result]]:
        url = f"{self._searxng_url}/search"
        try:
            page = await self._fetcher.get(
                url, {"q": query, "format": "json", "safesearch": 1}, trusted=True, keep_seconds=KEEP_SECONDS
            )
        except ToolError as error:
            if error.code == "web-refused":
                remedy = "Add json to search.formats in the settings of SearXNG."
                raise ToolError("search-refused", "The search server refuses to answer.", remedy) from error
            raise
        try:
            body = page.json()
            return list(_answers(body.get("answers") or [])), [_result(each) for each in body["results"]]
        except (AttributeError, KeyError, TypeError) as error:
            raise unexpected(url) from error


def _answers(answers: Iterable[Any]) -> Iterable[str]:
    """Texts; newer servers wrap them."""
    for each in answers:
        text = each.get("answer") if isinstance(each, dict) else each
        if isinstance(text, str) and text:
            yield text


def _result(found: dict[str, Any]) -> Result:
    return Result(str(found.get("title") or ""), str(found.get("url") or ""), str(found.get("content") or ""))


def _line(result: Result) -> str:
    address = clean(result.address, LONGEST_ADDRESS)
    return f"{clean(result.title, LONGEST_TITLE)} ({address}): {clean(result.snippet, LONGEST_SNIPPET)}"
