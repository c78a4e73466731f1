"""Compares the book with what the runners really hold: what has gone, what was there before, what is others'."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import anyio

from voxspark.vram.book import Book
from voxspark.vram.catalogue import Runner as Place
from voxspark.vram.hands import Hands
from voxspark.vram.runner import Look, Runner, Seen
from voxspark.vram.state import Foreign, Resident
from voxspark.vram.team import Team


class Survey:
    """`look` now and then, and once before the first plan."""

    def __init__(
        self,
        book: Book,
        hands: Hands,
        runners: Mapping[Place, Runner],
        team: Callable[[], Team],
        *,
        evict_foreign: bool,
    ) -> None:
        self._book = book
        self._hands = hands
        self._runners = runners
        self._team = team
        self._evict_foreign = evict_foreign
        self._foreign: dict[Place, tuple[Foreign, ...]] = {}
        self._away: set[Place] = set()

    async def look(self) -> None:
        """Correct the book. What a runner does not tell stays as it was."""
        for place, runner in self._runners.items():
            steps = self._hands.steps
            look = await runner.look()
            if look is not None and steps == self._hands.steps:  # else it is out of date already
                self._compare(place, look)
        self._book.foreign = tuple(each for some in self._foreign.values() for each in some)

    def _compare(self, place: Place, look: Look) -> None:
        present = dict(look.present)
        if self._evict_foreign:
            present |= {each.name: Seen(each.bytes, 0) for each in look.foreign}
        else:
            self._foreign[place] = look.foreign
        for resident in list(self._book.residents.values()):
            if self._hands.place(resident.model) == place and resident.model not in present:
                self._hands.lost(resident.model, f"{resident.name} is gone from memory.")
        for model, seen in present.items():
            if model not in self._book.residents:
                self._book.adopt(self._found(model, seen), "It was in memory already.")
        if place in self._away and not look.away:
            for model in [each for each in self._book.failures if self._hands.place(each) == place]:
                del self._book.failures[model]
        (self._away.add if look.away else self._away.discard)(place)

    def _found(self, model: str, seen: Seen) -> Resident:
        """A model that somebody else loaded, or this daemon in an earlier life; without a role it is the least."""
        now = anyio.current_time()
        known = next((rung for rung in self._team().best() if rung.model == model), None)
        if known is None:
            return Resident(
                model=model,
                name=model,
                role="",
                state="resident",
                bytes=seen.bytes,
                context_tokens=seen.context_tokens,
                loaded_at=now,
                last_used_at=now,
            )
        found = known.reserve(now)
        found = replace(found, state="resident", bytes=seen.bytes or known.bytes, context_tokens=seen.context_tokens)
        if known.served_by(found):
            return found
        return replace(found, pinned=False, load_seconds=0.0)  # of no use as it is: to be loaded again
