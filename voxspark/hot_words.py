"""Words that may come up in what is said next: names the user has set, and what is on lists and timers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, zip_longest

from voxspark.errors import ToolError
from voxspark.tools.lists import ListStore

MOST_WORDS = 40
MOST_CHARACTERS = 200
"""About 60 of the 224 tokens that Whisper reads as what was said before; each costs time (bench/README.md)."""

LONGEST_WORD = 40
"""What is longer is a sentence."""


class HotWords:
    """Gathered anew for each utterance; never in a log."""

    def __init__(self, own: Sequence[str], lists: ListStore | None, labels: Callable[[], Iterable[str]]) -> None:
        """`own` come first. `lists`: whose names and items; `labels`: of timers and reminders."""
        self._own = own
        self._lists = lists
        self._labels = labels

    async def gather(self) -> list[str]:
        """Within the bounds, the likeliest first."""
        return list(bounded([*self._own, *self._labels(), *await self._listed()]))

    async def _listed(self) -> list[str]:
        if self._lists is None:
            return []
        try:
            names = await self._lists.names()
            items = [await self._lists.items(name) for name in names]
        except ToolError:  # said by whoever is asked for a list
            return []
        in_turns = chain.from_iterable(zip_longest(*map(reversed, items), fillvalue=""))
        return [*names, *in_turns]


def bounded(words: Iterable[str]) -> Iterator[str]:
    """Each once, without line breaks and Whisper's own tokens, until they are too many or too long."""
    seen: set[str] = set()
    characters = 0
    for word in words:
        plain = " ".join(word.split())
        if not plain or len(plain) > LONGEST_WORD or "<|" in plain or plain.casefold() in seen:
            continue
        characters += len(plain) + 2
        if len(seen) == MOST_WORDS or characters > MOST_CHARACTERS:
            return
        seen.add(plain.casefold())
        yield plain
