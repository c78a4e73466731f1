"""Words that may come up in what is said next: names the user has set, and those of lists, timers, people and rooms."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import chain, zip_longest
from typing import Protocol

from voxspark.errors import ToolError
from voxspark.memory.facts import STOP_WORDS
from voxspark.tools.clean import visible
from voxspark.tools.lists import ListStore

MOST_WORDS = 40
MOST_CHARACTERS = 200
"""About 60 of the 224 tokens that Whisper reads as what was said before; each costs time (bench/README.md)."""

LONGEST_WORD = 40
"""What is longer is a sentence."""

MOST_FACTS = 30
"""Of what the user told last."""

LEAST_NAME = 3
"""Letters of a name in a fact."""

Names = Callable[[], Iterable[str]]


class Told(Protocol):
    """What the user once said."""

    @property
    def text(self) -> str: ...


class HotWords:
    """Gathered anew for each utterance; never in a log."""

    def __init__(
        self,
        own: Sequence[str],
        lists: ListStore | None,
        labels: Names,
        *,
        facts: Callable[[int], Awaitable[Sequence[Told]]] | None = None,
        others: Sequence[Names] = (),
    ) -> None:
        """`own` come first. `lists`: whose names and items; `labels`: of timers and reminders; `facts`: so many of the
        newest; `others`: people and rooms, which strangers may have named."""
        self._own = own
        self._lists = lists
        self._labels = labels
        self._facts = facts
        self._others = others

    async def gather(self) -> list[str]:
        """Within the bounds, the likeliest first; each source has its turn."""
        sources = [await self._listed(), *(each() for each in self._others), await self._remembered()]
        return list(bounded([*self._own, *self._labels(), *_in_turns(sources)]))

    async def _listed(self) -> list[str]:
        if self._lists is None:
            return []
        try:
            names = await self._lists.names()
            items = [await self._lists.items(name) for name in names]
        except ToolError:  # said by whoever is asked for a list
            return []
        return [*names, *_in_turns(map(reversed, items))]

    async def _remembered(self) -> list[str]:
        try:
            facts = await self._facts(MOST_FACTS) if self._facts else ()
        except ToolError:  # said by whoever asks what is remembered
            return []
        return [name for fact in facts for name in names_in(fact.text)]


def names_in(text: str) -> Iterator[str]:
    """Words that are written like names: `My sister is Siobhan's friend` has `Siobhan`."""
    for word in re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", text):
        if word[0].isupper() and len(word) >= LEAST_NAME and word.casefold() not in STOP_WORDS:
            yield word


def bounded(words: Iterable[str]) -> Iterator[str]:
    """Each once, without what cannot be seen and Whisper's own tokens, until they are too many or too long."""
    seen: set[str] = set()
    characters = 0
    for word in words:
        plain = " ".join(visible(word[: 2 * LONGEST_WORD]).split())
        if not plain or len(plain) > LONGEST_WORD or "<|" in plain or plain.casefold() in seen:
            continue
        characters += len(plain) + 2
        if len(seen) == MOST_WORDS or characters > MOST_CHARACTERS:
            return
        seen.add(plain.casefold())
        yield plain


def _in_turns(sources: Iterable[Iterable[str]]) -> Iterator[str]:
    """The first of each, then the second of each."""
    return chain.from_iterable(zip_longest(*sources, fillvalue=""))
