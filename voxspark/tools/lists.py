"""Lists: shopping, to-do, or any name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Protocol

from voxspark.errors import ToolError
from voxspark.tools import phrases
from voxspark.tools.folding import key
from voxspark.tools.registry import Tool, tool, tools_of
from voxspark.tools.undo import Undo

MOST_ITEMS = 200
LONGEST_ITEM = 100
LONGEST_NAME = 40
MOST_SAID = 20
"""Items read out; of the rest, only the number."""

_SAME = {"grocery": "shopping", "task": "to-do", "todo": "to-do", "to do": "to-do", "list": "shopping", "": "shopping"}
"""Other words for the two lists everybody has."""

Name = Annotated[str, "Which list, such as shopping, to-do or packing."]
Items = Annotated[list[str], "One entry per thing."]


class ListStore(Protocol):
    """Where lists are kept; all raise ToolError."""

    async def names(self) -> list[str]:
        """Lists that are not empty, by name."""
        ...

    async def items(self, name: str) -> list[str]:
        """The items of a list; none when there is no such list."""
        ...

    async def update(self, name: str, change: Callable[[list[str]], Sequence[str]]) -> list[str]:
        """Replace the items by what `change` makes of them, all or nothing; what they were before.

        `change` may run in a thread.
        """
        ...


class MemoryListStore:
    """Lists that end with the process."""

    def __init__(self) -> None:
        self._lists: dict[str, list[str]] = {}

    async def names(self) -> list[str]:
        """See ListStore."""
        return sorted(name for name, items in self._lists.items() if items)

    async def items(self, name: str) -> list[str]:
        """See ListStore."""
        return list(self._lists.get(name, []))

    async def update(self, name: str, change: Callable[[list[str]], Sequence[str]]) -> list[str]:
        """See ListStore."""
        before = await self.items(name)
        self._lists[name] = list(change(list(before)))
        return before


class Lists:
    """What can be said to lists."""

    def __init__(self, store: ListStore, undo: Undo) -> None:
        self._store = store
        self._undo = undo

    @property
    def tools(self) -> tuple[Tool, ...]:
        """add_to_list, clear_list, list_lists, read_list, remove_from_list."""
        return tools_of(self)

    @tool(permission="act", fate="owner", core=True)
    async def add_to_list(self, items: Items, name: Name = "shopping") -> str:
        """Add one or more things to a list."""
        which = _list_name(name)
        wanted = _distinct(items)
        if not wanted:
            raise ToolError("list-nothing", f"What should I put on your {which} list?")
        known: list[str] = []
        new: list[str] = []

        def add(before: list[str]) -> list[str]:
            keys = {key(item) for item in before}
            known[:] = [item for item in wanted if key(item) in keys]
            new[:] = [item for item in wanted if key(item) not in keys]
            if len(before) + len(new) > MOST_ITEMS:
                raise ToolError("list-full", f"Your {which} list is full.", "Remove something first.")
            return [*before, *new]

        await self._change(which, add)
        already = f"{phrases.join(known)} {_is(known)} already on" if known else ""
        if not new:
            return _sentence(f"{already} your {which} list")
        said = f"added {phrases.join(new)} to your {which} list"
        return _sentence(f"{said}; {already} it" if known else said)

    @tool(permission="act", fate="owner")
    async def remove_from_list(self, items: Items, name: Name = "shopping") -> str:
        """Take one or more things off a list."""
        which = _list_name(name)
        wanted = _distinct(items)
        gone: list[str] = []
        missing: list[str] = []

        def remove(before: list[str]) -> list[str]:
            found = {item: _found(item, before) for item in wanted}
            gone[:] = [item for item in found.values() if item is not None]
            missing[:] = [item for item, there in found.items() if there is None]
            if not gone:
                raise ToolError("list-item-unknown", f"There is no {phrases.join(wanted, 'or')} on your {which} list.")
            return [item for item in before if item not in gone]

        await self._change(which, remove)
        rest = f"; there was no {phrases.join(missing, 'or')}" if missing else ""
        return _sentence(f"removed {phrases.join(gone)} from your {which} list{rest}")

    @tool(permission="read", fate="turn", core=True)
    async def read_list(self, name: Name = "shopping") -> str:
        """Tell what is on a list."""
        which = _list_name(name)
        items = await self._store.items(which)
        if not items:
            return f"Your {which} list is empty."
        if len(items) == 1:
            return f"The only thing on your {which} list is {items[0]}."
        said = items[:MOST_SAID]
        if (more := len(items) - MOST_SAID) > 0:
            said = [*said, f"{more} more"]
        return f"Your {which} list has {len(items)} items: {phrases.join(said)}."

    @tool(permission="read", fate="turn")
    async def list_lists(self) -> str:
        """Tell which lists there are."""
        names = await self._store.names()
        if not names:
            return "All your lists are empty."
        return (
            f"You have a {phrases.join(names)} list."
            if len(names) == 1
            else f"You have {len(names)} lists: {phrases.join(names)}."
        )

    @tool(permission="act", fate="owner")
    async def clear_list(self, name: Name = "shopping") -> str:
        """Take everything off a list."""
        which = _list_name(name)
        count = len(await self._change(which, lambda _: []))
        if not count:
            return f"Your {which} list is empty already."
        return f"Your {which} list is cleared. Say undo to bring {'it' if count == 1 else f'all {count} items'} back."

    async def _change(self, name: str, change: Callable[[list[str]], list[str]]) -> list[str]:
        """The items before; remembers how to bring them back."""
        after: list[str] = []

        def noted(items: list[str]) -> list[str]:
            after[:] = change(items)
            return after

        before = await self._store.update(name, noted)

        async def back() -> str:
            await self._store.update(name, lambda _: before)
            return f"Your {name} list is as it was before."

        if before != after:
            self._undo.remember(back)
        return before


def _list_name(text: str) -> str:
    """`My Groceries list` -> `shopping`. Raises ToolError."""
    words = [word for word in text[: 2 * LONGEST_NAME].casefold().split() if word not in ("list", "the", "my", "a")]
    name = " ".join(words)
    name = _SAME.get(key(name.replace("-", " ")), name)
    if len(name) > LONGEST_NAME:
        raise ToolError("list-name", "That name is too long for a list.")
    return name


def _distinct(items: Sequence[str]) -> list[str]:
    """Cleaned, each once, in order. Raises ToolError when one is too long."""
    cleaned = [" ".join(item.strip(" .,;!?'\"").split()) for item in items]
    if any(len(item) > LONGEST_ITEM for item in cleaned):
        raise ToolError("list-item-long", "That is too long for a list.")
    return list({key(item): item for item in reversed(cleaned) if item}.values())[::-1]


def _found(item: str, among: Sequence[str]) -> str | None:
    """The item that is meant: the same, or the only one with all its words (`bread` finds `rye bread`)."""
    wanted = key(item)
    same = [each for each in among if key(each) == wanted]
    near = same or [each for each in among if set(wanted.split()) <= set(key(each).split())]
    return near[0] if len(near) == 1 or same else None


def _is(items: Sequence[str]) -> str:
    return "are" if len(items) > 1 or (items[0].endswith("s") and not items[0].endswith("ss")) else "is"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
