"""Lists: shopping, to-do, or any name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Protocol

from voxspark.errors import ToolError
from voxspark.tools.folding import key
from voxspark.tools.phrases import Listing, ListName, say
from voxspark.tools.registry import Tool, tool, tools_of
from voxspark.tools.undo import Undo

MOST_ITEMS = 200
LONGEST_ITEM = 100
LONGEST_NAME = 40
MOST_SAID = 20
"""Items read out; of the rest, only the number."""

_SAME = {
    **dict.fromkeys(["grocery", "list", "", "einkauf", "einkaufs", "compra", "course"], "shopping"),
    **dict.fromkeys(["task", "todo", "to do", "aufgaben", "tarea", "tache"], "to-do"),
}
"""Other words for the two lists everybody has, as `key` folds them."""

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
            raise ToolError("list-nothing", say("What should I put on your {list}?", list=ListName(which)))
        known: list[str] = []
        new: list[str] = []

        def add(before: list[str]) -> list[str]:
            keys = {key(item) for item in before}
            known[:] = [item for item in wanted if key(item) in keys]
            new[:] = [item for item in wanted if key(item) not in keys]
            if len(before) + len(new) > MOST_ITEMS:
                full = say("Your {list} is full.", list=ListName(which))
                raise ToolError("list-full", full, "Remove something first.")
            return [*before, *new]

        await self._change(which, add)
        several = bool(known) and _are(known)
        if not new:
            told = "{known:cap} are already on your {list}." if several else "{known:cap} is already on your {list}."
        elif known:
            told = "Added {new} to your {list}; {known} is already on it."
            if several:
                told = "Added {new} to your {list}; {known} are already on it."
        else:
            told = "Added {new} to your {list}."
        return say(told, new=Listing(new), known=Listing(known), list=ListName(which))

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
                none = say("There is no {items} on your {list}.", items=Listing(wanted, "or"), list=ListName(which))
                raise ToolError("list-item-unknown", none)
            return [item for item in before if item not in gone]

        await self._change(which, remove)
        told = "Removed {gone} from your {list}."
        if missing:
            told = "Removed {gone} from your {list}; there was no {missing}."
        return say(told, gone=Listing(gone), missing=Listing(missing, "or"), list=ListName(which))

    @tool(permission="read", fate="turn", core=True)
    async def read_list(self, name: Name = "shopping") -> str:
        """Tell what is on a list."""
        which = _list_name(name)
        items = await self._store.items(which)
        if not items:
            return say("Your {list} is empty.", list=ListName(which))
        if len(items) == 1:
            return say("The only thing on your {list} is {item}.", list=ListName(which), item=items[0])
        said = items[:MOST_SAID]
        if (more := len(items) - MOST_SAID) > 0:
            said = [*said, say("{count} more", count=more)]
        told = "Your {list} has {count} items: {items}."
        return say(told, list=ListName(which), count=len(items), items=Listing(said))

    @tool(permission="read", fate="turn")
    async def list_lists(self) -> str:
        """Tell which lists there are."""
        names = await self._store.names()
        if not names:
            return say("All your lists are empty.")
        if len(names) == 1:
            return say("You have a {list}.", list=ListName(names[0]))
        return say("You have {count} lists: {lists:name}.", count=len(names), lists=Listing([*map(ListName, names)]))

    @tool(permission="act", fate="owner")
    async def clear_list(self, name: Name = "shopping") -> str:
        """Take everything off a list."""
        which = _list_name(name)
        count = len(await self._change(which, lambda _: []))
        if not count:
            return say("Your {list} is empty already.", list=ListName(which))
        told = "Your {list} is cleared. Say undo to bring all {count} items back."
        if count == 1:
            told = "Your {list} is cleared. Say undo to bring it back."
        return say(told, list=ListName(which), count=count)

    async def _change(self, name: str, change: Callable[[list[str]], list[str]]) -> list[str]:
        """The items before; remembers how to bring them back."""
        after: list[str] = []

        def noted(items: list[str]) -> list[str]:
            after[:] = change(items)
            return after

        before = await self._store.update(name, noted)

        async def back() -> str:
            await self._store.update(name, lambda _: before)
            return say("Your {list} is as it was before.", list=ListName(name))

        if before != after:
            self._undo.remember(back)
        return before


def _list_name(text: str) -> str:
    """`My Groceries list` -> `shopping`. Raises ToolError."""
    words = [word for word in text[: 2 * LONGEST_NAME].casefold().split() if word not in ("list", "the", "my", "a")]
    name = " ".join(words)
    name = _SAME.get(key(name.replace("-", " ")), name)
    if len(name) > LONGEST_NAME:
        raise ToolError("list-name", say("That name is too long for a list."))
    return name


def _distinct(items: Sequence[str]) -> list[str]:
    """Cleaned, each once, in order. Raises ToolError when one is too long."""
    cleaned = [" ".join(item.strip(" .,;!?'\"").split()) for item in items]
    if any(len(item) > LONGEST_ITEM for item in cleaned):
        raise ToolError("list-item-long", say("That is too long for a list."))
    return list({key(item): item for item in reversed(cleaned) if item}.values())[::-1]


def _found(item: str, among: Sequence[str]) -> str | None:
    """The item that is meant: the same, or the only one with all its words (`bread` finds `rye bread`)."""
    wanted = key(item)
    same = [each for each in among if key(each) == wanted]
    near = same or [each for each in among if set(wanted.split()) <= set(key(each).split())]
    return near[0] if len(near) == 1 or same else None


def _are(items: Sequence[str]) -> bool:
    return len(items) > 1 or (items[0].endswith("s") and not items[0].endswith("ss"))
