"""Long-term memory: what the user told, and what is in their documents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Annotated, Protocol

from voxspark.errors import ToolError
from voxspark.tools import phrases
from voxspark.tools.clean import clean, shorten
from voxspark.tools.registry import Tool, tool, tools_of
from voxspark.tools.undo import Undo

MOST_FACTS = 10_000
LONGEST_FACT = 500
"""Characters."""

MOST_SAID = 5
"""Facts read out."""

MOST_LISTED = 4
"""Facts named when it is asked which to forget."""

MOST_AT_ONCE = 20
"""Facts that are forgotten by one request."""

MOST_PASSAGES = 3
LONGEST_PASSAGE = 500
LONGEST_QUOTE = 80
LONGEST_SUBJECT = 60


class Remembered(Protocol):
    """A fact or a passage."""

    @property
    def number(self) -> int: ...

    @property
    def text(self) -> str: ...

    @property
    def source(self) -> str: ...

    @property
    def position(self) -> str: ...

    @property
    def created_utc(self) -> float: ...


class Memory(Protocol):
    """Where it is kept and found; all raise ToolError. `about` and `passages` may search by meaning."""

    async def add(self, text: str, created_utc: float) -> tuple[int, bool]:
        """(number, whether it is new)."""
        ...

    async def get(self, number: int) -> Remembered | None:
        """A fact, unless it is gone."""
        ...

    async def newest(self, limit: int) -> Sequence[Remembered]:
        """What the user told last, newest first."""
        ...

    async def about(self, query: str, limit: int) -> Sequence[Remembered]:
        """What the user told about something, best first."""
        ...

    async def with_every_word(self, text: str, limit: int) -> Sequence[Remembered]:
        """What the user told that has every word, newest first."""
        ...

    async def passages(self, query: str, limit: int) -> Sequence[Remembered]:
        """Passages of documents, best first."""
        ...

    async def count(self) -> int:
        """How many facts the user has told."""
        ...

    async def has_documents(self) -> bool:
        """Whether any document is remembered."""
        ...

    async def remove(self, numbers: Sequence[int]) -> None:
        """Forget these."""
        ...


class Remembering:
    """What can be said about memory. `now` gives aware local time."""

    def __init__(self, memory: Memory, undo: Undo, now: Callable[[], datetime]) -> None:
        self._memory = memory
        self._undo = undo
        self._now = now
        self._last: int | None = None

    @property
    def tools(self) -> tuple[Tool, ...]:
        """forget, recall, remember, search_documents."""
        return tools_of(self)

    @tool(permission="act", fate="owner", privileged=True, core=True)
    async def remember(self, fact: Annotated[str, "What to remember, a whole sentence in the user's words."]) -> str:
        """Remember for good something the user tells about themselves, when they ask for it."""
        text = clean(fact, 2 * LONGEST_FACT)
        if not text:
            raise ToolError("fact-empty", "What should I remember?")
        if len(text) > LONGEST_FACT:
            raise ToolError("fact-long", "That is too long to remember.", "Say it in a sentence.")
        if await self._memory.count() >= MOST_FACTS:
            raise ToolError("memory-crowded", f"I can remember {MOST_FACTS:,} things.", "Let me forget some first.")
        number, is_new = await self._memory.add(text, self._now().timestamp())
        self._last = number
        if not is_new:
            return f"I remember that already: {_ended(text)}"

        async def back() -> str:
            await self._memory.remove([number])
            return "I have forgotten it again."

        self._undo.remember(back)
        return f"I will remember: {_ended(text)}"

    @tool(permission="read", fate="turn")
    async def recall(self, about: Annotated[str, "Words to look for; empty for the newest."] = "") -> str:
        """Look up what the user asked to be remembered, such as birthdays, names, places and likes."""
        about = about.strip()
        found = await (self._memory.about(about, MOST_SAID) if about else self._memory.newest(MOST_SAID))
        if not found:
            return _nothing_about(about) if about else "You have not told me anything to remember."
        more = await self._memory.count() - len(found) if not about else 0
        rest = f" And I remember {more:,} more {'thing' if more == 1 else 'things'}." if more > 0 else ""
        return f"{' '.join(map(self._told, found))}{rest}"

    @tool(permission="act", fate="owner")
    async def forget(
        self,
        about: Annotated[str, "Words that tell which; empty with last."] = "",
        last: Annotated[bool, "True for what was remembered last."] = False,
        everything: Annotated[bool, "True only when the user has heard the list and wants all of it gone."] = False,
    ) -> str:
        """Forget something the user asked to be remembered."""
        found = await self._newest() if last else await self._memory.with_every_word(about, MOST_AT_ONCE + 1)
        if not found:
            raise ToolError("fact-unknown", _nothing_about(about.strip()))
        if len(found) > MOST_AT_ONCE:
            raise ToolError("fact-ambiguous", f"More than {MOST_AT_ONCE} things match that. Which do you mean?")
        if len(found) > 1 and not everything:
            raise ToolError("fact-ambiguous", _which(found))
        await self._memory.remove([fact.number for fact in found])

        async def back() -> str:
            for fact in found:
                await self._memory.add(fact.text, fact.created_utc)
            return f"I remember it again: {_list(found)}."

        self._undo.remember(back)
        return f"I have forgotten: {_list(found)}."

    @tool(permission="read", fate="turn", untrusted=True, filler="Let me look in your documents.")
    async def search_documents(self, query: Annotated[str, "What to look for."]) -> str:
        """Search the documents the user has added to memory; quotes them with their source."""
        if not query.strip():
            raise ToolError("query-empty", "What should I look for in your documents?")
        found = await self._memory.passages(query, MOST_PASSAGES)
        if not found and not await self._memory.has_documents():
            raise ToolError("no-documents", "I have no documents.", "Add some with voxspark memory add.")
        if not found:
            return f"I find nothing about {shorten(query.strip(), LONGEST_SUBJECT)} in your documents."
        return "\n".join(map(_quoted, found))

    async def _newest(self) -> Sequence[Remembered]:
        """What was remembered last in this run, else the newest there is."""
        last = await self._memory.get(self._last) if self._last is not None else None
        return [last] if last is not None else await self._memory.newest(1)

    def _told(self, fact: Remembered) -> str:
        now = self._now()
        told = datetime.fromtimestamp(fact.created_utc, UTC).astimezone(now.tzinfo)
        near = {0: "Today", 1: "Yesterday"}.get((now.date() - told.date()).days)
        year = "" if told.year == now.year else f", {told.year}"
        return f"{near or f'On {told:%B} {told.day}{year}'} you told me: {_ended(fact.text)}"


def _nothing_about(about: str) -> str:
    return f"I remember nothing about {shorten(about, LONGEST_SUBJECT)}." if about else "I remember nothing like that."


def _which(found: Sequence[Remembered]) -> str:
    listed = [_quote(fact) for fact in found[:MOST_LISTED]]
    more = f", and {len(found) - MOST_LISTED} more" if len(found) > MOST_LISTED else ""
    return (
        f"I remember {len(found)} things like that: {'; '.join(listed)}{more}. Which should I forget, or all of them?"
    )


def _list(found: Sequence[Remembered]) -> str:
    return phrases.join([_quote(fact) for fact in found])


def _quote(fact: Remembered) -> str:
    return shorten(fact.text, LONGEST_QUOTE).rstrip(".!")


def _quoted(passage: Remembered) -> str:
    """With its source: the text is a stranger's."""
    name = clean(PurePath(passage.source).name, LONGEST_SUBJECT)
    where = f"{name}, {clean(passage.position, LONGEST_SUBJECT)}" if passage.position else name
    return f"From {where}: “{clean(passage.text, LONGEST_PASSAGE)}”"


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
