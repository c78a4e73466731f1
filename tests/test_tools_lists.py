"""Lists as people talk about them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.in_memory import MemoryListStore
from voxspark.errors import ToolError
from voxspark.tools.folding import key
from voxspark.tools.lists import MOST_ITEMS, Lists
from voxspark.tools.undo import Undo

pytestmark = pytest.mark.anyio


class World:
    def __init__(self) -> None:
        self.store = MemoryListStore()
        self.undo = Undo()
        self.lists = Lists(self.store, self.undo)


@pytest.fixture
def world() -> World:
    return World()


async def test_adding_says_what_was_added(world: World) -> None:
    add = world.lists.add_to_list
    assert await add(["milk", "eggs", "bread"]) == "Added milk, eggs and bread to your shopping list."
    assert await add(["Egg"], "my Shopping list") == "Egg is already on your shopping list."
    assert await add(["the eggs", "butter"], "groceries") == (
        "Added butter to your shopping list; the eggs are already on it."
    )
    assert await add([" sugar. ", "Sugar", "sugars"]) == "Added sugar to your shopping list."
    assert await world.store.items("shopping") == ["milk", "eggs", "bread", "butter", "sugar"]
    assert await add(["call the bank"], "to do") == "Added call the bank to your to-do list."
    assert await add(["call the bank"], "To-Do List") == "Call the bank is already on your to-do list."


async def test_reading(world: World) -> None:
    assert await world.lists.read_list() == "Your shopping list is empty."
    assert await world.lists.list_lists() == "All your lists are empty."
    await world.lists.add_to_list(["Käse"])
    assert await world.lists.read_list("groceries") == "The only thing on your shopping list is Käse."
    assert await world.lists.list_lists() == "You have a shopping list."
    await world.lists.add_to_list(["tent", "stove"], "camping")
    assert await world.lists.read_list("Camping list") == "Your camping list has 2 items: tent and stove."
    assert await world.lists.list_lists() == "You have 2 lists: camping and shopping."
    await world.lists.add_to_list([f"thing {number}" for number in range(30)], "long")
    assert (await world.lists.read_list("long")).endswith("thing 19 and 10 more.")


async def test_removing(world: World) -> None:
    await world.lists.add_to_list(["milk", "rye bread", "white wine", "red wine", "eggs"])
    remove = world.lists.remove_from_list
    assert await remove(["egg"]) == "Removed eggs from your shopping list."
    assert await remove(["the bread", "cheese"]) == "Removed rye bread from your shopping list; there was no cheese."
    for items, says in [
        (["wine"], "There is no wine on"),
        (["tea", "rum"], "There is no tea or rum on"),
        ([], "There"),
    ]:
        with pytest.raises(ToolError, match=says):
            await remove(items)
    assert await world.store.items("shopping") == ["milk", "white wine", "red wine"]


async def test_clearing_and_undoing(world: World) -> None:
    with pytest.raises(ToolError, match="nothing to undo"):
        await world.undo.undo()
    assert await world.lists.clear_list() == "Your shopping list is empty already."
    await world.lists.add_to_list(["milk", "eggs"])
    assert await world.lists.clear_list() == "Your shopping list is cleared. Say undo to bring all 2 items back."
    assert await world.undo.undo() == "Your shopping list is as it was before."
    assert await world.store.items("shopping") == ["milk", "eggs"]
    with pytest.raises(ToolError, match="nothing to undo"):
        await world.undo.undo()
    await world.lists.add_to_list(["milk"])
    with pytest.raises(ToolError, match="nothing to undo"):
        await world.undo.undo()


async def test_what_cannot_be_undone_now_can_be_later(world: World) -> None:
    broken = [True]

    async def back() -> str:
        if broken:
            raise ToolError("memory-locked", "Another program has locked my memory.")
        return "Back."

    world.undo.remember(back)
    with pytest.raises(ToolError):
        await world.undo.undo()
    broken.clear()
    assert await world.undo.undo() == "Back."


async def test_bounds(world: World) -> None:
    for items, name, code in [
        ([], "shopping", "list-nothing"),
        (["  ", "."], "shopping", "list-nothing"),
        (["x" * 101], "shopping", "list-item-long"),
        (["x"], "y" * 41, "list-name"),
        ([f"{number} x" for number in range(MOST_ITEMS + 1)], "shopping", "list-full"),
    ]:
        with pytest.raises(ToolError) as raised:
            await world.lists.add_to_list(items, name)
        assert raised.value.code == code
    assert await world.store.names() == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("eggs", "Egg"),
        ("the tomatoes", "tomato"),
        ("berries", "a berry"),
        ("Crème fraîche", "creme fraiche"),
        ("boxes of tea", "box of teas"),
        ("peaches", "some peach"),
        ("the", "The"),
    ],
)
def test_the_same_thing(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(("one", "other"), [("glass", "glas"), ("gas", "ga"), ("bus", "bu"), ("2 eggs", "eggs")])
def test_not_the_same_thing(one: str, other: str) -> None:
    assert key(one) != key(other)


ITEMS = st.lists(st.text("abs ÄE's,", max_size=8), max_size=6)


@given(st.lists(ITEMS, max_size=5))
async def test_nothing_is_on_a_list_twice(rounds: list[list[str]]) -> None:
    world = World()
    for items in rounds:
        if any(item.strip(" ,'") for item in items):
            said = await world.lists.add_to_list(items)
            assert said.endswith("shopping list.") or said.endswith("on it.")
    kept = [key(item) for item in await world.store.items("shopping")]
    assert len(kept) == len(set(kept))
    assert set(kept) == {key(item) for items in rounds for item in items if item.strip(" ,'")}
