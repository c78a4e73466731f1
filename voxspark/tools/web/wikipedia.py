"""What Wikipedia says about something, in a few sentences."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from voxspark.errors import ToolError
from voxspark.tools.clean import clean, shorten
from voxspark.tools.registry import Tool, tool, tools_of
from voxspark.tools.web.http import Fetcher, unexpected

MOST_CHARACTERS = 700
LONGEST_TOPIC = 200
KEEP_SECONDS = 24 * 3600


class Wikipedia:
    """Looks things up; `url` is the edition, such as https://de.wikipedia.org."""

    def __init__(self, fetcher: Fetcher, url: str = "https://en.wikipedia.org") -> None:
        self._fetcher = fetcher
        self._url = url.rstrip("/")

    @property
    def tools(self) -> tuple[Tool, ...]:
        """search_wikipedia."""
        return tools_of(self)

    @tool(permission="read", fate="turn", untrusted=True, timeout_seconds=20.0, filler="Let me look that up.")
    async def search_wikipedia(self, topic: Annotated[str, "A person, place, thing or event."]) -> str:
        """Tell what Wikipedia says about a topic."""
        topic = clean(topic, LONGEST_TOPIC)
        if not topic:
            raise ToolError("wikipedia-topic", "What should I look up?")
        try:
            page = await self._json("/w/rest.php/v1/search/page", {"q": topic, "limit": 1})
            if not page["pages"]:
                raise ToolError("wikipedia-unknown", f"Wikipedia has nothing about {clean(topic, 60)}.")
            key = quote(str(page["pages"][0]["key"]), safe="")
            summary = await self._json(f"/api/rest_v1/page/summary/{key}", {})
            title, text = clean(str(summary["title"]), 100), _first_sentences(clean(str(summary["extract"]), 5_000))
        except (KeyError, TypeError, IndexError) as error:
            raise unexpected(self._url) from error
        if summary.get("type") == "disambiguation":
            return f"{title} can mean several things: {text}"
        return f"{title}: {text}" if text else f"Wikipedia has no summary of {title}."

    async def _json(self, path: str, params: dict[str, str | int | float]) -> dict[str, Any]:
        page = await self._fetcher.get(f"{self._url}{path}", params, trusted=True, keep_seconds=KEEP_SECONDS)
        body = page.json()
        if not isinstance(body, dict):
            raise unexpected(self._url)
        return body


def _first_sentences(text: str) -> str:
    """As many whole sentences as fit."""
    if len(text) <= MOST_CHARACTERS:
        return text
    whole, end, _ = text[:MOST_CHARACTERS].rpartition(". ")
    return f"{whole}." if end else shorten(text, MOST_CHARACTERS)
