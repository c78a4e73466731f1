"""A toolbox with every tool that local intents know, for tests that only match."""

from __future__ import annotations

from datetime import UTC, datetime

from anyio.lowlevel import checkpoint

from tests.in_memory import MemoryListStore, MemoryNoteStore
from voxspark.memory.database import open_in_memory
from voxspark.memory.facts import Facts
from voxspark.memory.indexing import Indexing
from voxspark.memory.recall import Recall
from voxspark.memory.schema import MIGRATIONS
from voxspark.tools.arithmetic import arithmetic_tools
from voxspark.tools.clock import clock_tools
from voxspark.tools.conversation import Conversation
from voxspark.tools.desktop.clipboard import Clipboard
from voxspark.tools.desktop.media import Media
from voxspark.tools.desktop.open import Opener
from voxspark.tools.desktop.volume import Volume
from voxspark.tools.jobs import Jobs
from voxspark.tools.lists import Lists
from voxspark.tools.notes import Notes
from voxspark.tools.registry import Tool, Toolbox, tool
from voxspark.tools.remembering import Remembering
from voxspark.tools.skills import Skills
from voxspark.tools.system import System
from voxspark.tools.timers import Timers
from voxspark.tools.undo import Undo
from voxspark.tools.units import unit_tools
from voxspark.tools.web.http import Fetcher
from voxspark.tools.web.news import News
from voxspark.tools.web.search import Search
from voxspark.tools.web.weather import Weather
from voxspark.tools.web.wikipedia import Wikipedia


def NOW() -> datetime:
    return datetime(2026, 11, 24, 9, 10, tzinfo=UTC)


@tool(permission="act", fate="owner")
def dictate(text: str) -> str:
    """Type."""
    return text


@tool(permission="act", fate="owner")
def make_image(description: str) -> str:
    """Paint."""
    return description


@tool(permission="read", fate="turn")
def translate(text: str, language: str) -> str:
    """Translate."""
    return f"{text} {language}"


@tool(permission="read", fate="turn")
def read_calendar(when: str = "today") -> str:
    """Read the calendar."""
    return when


def every_tool() -> Toolbox:
    """All of them, over nothing."""
    undo, fetcher, facts = Undo(), Fetcher(), Facts(open_in_memory(MIGRATIONS))
    recall = Recall(facts, None, Indexing(facts, None))
    return Toolbox(
        [
            *clock_tools(NOW),
            *Timers(lambda: 0.0).tools,
            *Lists(MemoryListStore(), undo).tools,
            *Notes(MemoryNoteStore(), undo, NOW).tools,
            *undo.tools,
            *arithmetic_tools(),
            *unit_tools(),
            *(*Volume().tools, *Media().tools, *Opener(None).tools, *Clipboard().tools, *System().tools),
            *Remembering(recall, undo, NOW).tools,
            *(
                *Weather(fetcher, forecast_url="", geocoding_url="").tools,
                *News(fetcher, {"bbc": "https://example.org"}).tools,
            ),
            *(*Search(fetcher, "", None).tools, *Wikipedia(fetcher, "https://en.wikipedia.org").tools),
            *(Tool.of(each) for each in (dictate, make_image, translate, read_calendar)),
            *(*Jobs().tools, *Conversation(checkpoint).tools, *Skills(Toolbox()).tools),
        ]
    )
