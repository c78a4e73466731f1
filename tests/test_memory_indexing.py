"""Indexing: after the turn, again when the model changes, and whatever the embedder does."""

from __future__ import annotations

import anyio

from tests.memory_parts import World, no_threads
from tests.virtual_time import virtual_time
from voxspark.memory.indexing import LOOK_SECONDS, QUEUE, SETTLE_SECONDS, Indexing

__all__ = ["no_threads"]


async def left(world: World) -> int:
    return len(await world.facts.without_vector(world.embedder.model, 1000))


@virtual_time
async def test_it_waits_for_the_end_of_the_turn() -> None:
    world = World()
    async with anyio.create_task_group() as tasks:
        await tasks.start(world.indexing.run)
        await anyio.sleep(1.0)
        await world.told("my cat is called Tom")
        await anyio.sleep(SETTLE_SECONDS - 0.1)
        assert await left(world) == 1
        await anyio.sleep(0.2)
        assert await left(world) == 0
        tasks.cancel_scope.cancel()


@virtual_time
async def test_it_finds_what_was_left_before_a_restart_and_what_others_added() -> None:
    world = World()
    await world.told(*(f"cat {number}" for number in range(40)))
    async with anyio.create_task_group() as tasks:
        await tasks.start(Indexing(world.facts, world.embedding).run)
        await anyio.sleep(1.0)
        assert await left(world) == 0
        await world.facts.put_document("/a.md", [("part 1", "a dog")], world.now)
        await anyio.sleep(LOOK_SECONDS + 1)
        assert await left(world) == 0
        tasks.cancel_scope.cancel()


@virtual_time
async def test_another_model_embeds_everything_again() -> None:
    world = World()
    await world.told("my cat is called Tom", "the car is in the garage")
    await world.indexing.catch_up()
    world.embedder.model = "others"
    assert await left(world) == 2
    assert await world.recall.about("kitten", 5) == []
    await world.indexing.catch_up()
    assert [fact.text for fact in await world.recall.about("kitten", 5)] == ["my cat is called Tom"]
    models = "SELECT DISTINCT model FROM fact_vector"
    assert await world.database.read(lambda sql: [row[0] for row in sql.execute(models)]) == ["others"]


@virtual_time
async def test_an_embedder_that_is_away_is_asked_more_and_more_rarely_until_it_is_back() -> None:
    world = World()
    await world.told("cat 1", "cat 2", "cat 3")
    world.embedder.away = True
    async with anyio.create_task_group() as tasks:
        await tasks.start(world.indexing.run)
        await anyio.sleep(3_600)
        assert len(world.embedder.texts) < 30
        world.embedder.away = False
        await anyio.sleep(600)
        assert await left(world) == 0
        tasks.cancel_scope.cancel()


@virtual_time
async def test_a_text_that_cannot_be_embedded_stops_nothing_else() -> None:
    world = World()
    await world.told("cat 1", "poison", "cat 2")
    world.embedder.poison = "poison"
    async with anyio.create_task_group() as tasks:
        await tasks.start(world.indexing.run)
        await anyio.sleep(60)
        assert await world.facts.without_vector("topics", 5) == [(2, "poison")]
        world.embedder.poison = "\0"
        await anyio.sleep(700)
        assert await left(world) == 0
        tasks.cancel_scope.cancel()


@virtual_time
async def test_what_was_asked_for_is_noted_afterwards() -> None:
    world = World()
    (number,) = await world.told("my cat is called Tom")
    await world.recall.about("cat", 5)
    async with anyio.create_task_group() as tasks:
        await tasks.start(world.indexing.run)
        await anyio.sleep(SETTLE_SECONDS + 1)
        tasks.cancel_scope.cancel()
    assert [fact.used_utc for fact in await world.facts.get([number])] == [world.now]


@virtual_time
async def test_a_full_queue_never_waits() -> None:
    world = World()
    for _ in range(2 * QUEUE):
        world.indexing.nudge([1], 1.0)


@virtual_time
async def test_without_an_embedder_it_idles() -> None:
    world = World()
    await world.told("my cat is called Tom")
    with anyio.move_on_after(1_000):
        await Indexing(world.facts, None).run()
    assert world.embedder.texts == []


@virtual_time
async def test_an_embedder_that_was_late_in_a_turn_is_loaded_after_it() -> None:
    world = World()
    await world.told("my cat is called Tom")
    async with anyio.create_task_group() as tasks:
        await tasks.start(world.indexing.run)
        await anyio.sleep(1.0)
        world.embedder.texts, world.embedder.seconds = [], 5.0
        await world.recall.lines_for("hello cat")
        assert world.embedder.texts == ["hello cat"]
        await anyio.sleep(SETTLE_SECONDS + 6)
        assert len(world.embedder.texts) == 2
        tasks.cancel_scope.cancel()


@virtual_time
async def test_the_model_is_loaded_at_the_start_when_there_is_something_to_find_and_never_without() -> None:
    world = World()
    async with anyio.create_task_group() as tasks:
        await tasks.start(world.indexing.run)
        await world.recall.lines_for("hello cat")
        await anyio.sleep(3 * LOOK_SECONDS)
        assert world.embedder.texts == []
        tasks.cancel_scope.cancel()
    await world.told("my cat is called Tom")
    await world.indexing.catch_up()
    world.embedder.texts = []
    await Indexing(world.facts, world.embedding).catch_up()
    assert len(world.embedder.texts) == 1
