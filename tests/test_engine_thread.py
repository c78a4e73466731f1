"""EngineThread: streams end when their reader goes, whatever the thread is doing, and leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing

import anyio
import pytest

from voxspark.engines.thread import Abandoned, EngineThread

pytestmark = pytest.mark.anyio

Put = Callable[[int], None]


@pytest.fixture
async def thread() -> AsyncIterator[EngineThread]:
    """An engine thread; what its streams leave behind shows as a warning, which is an error."""
    engine = EngineThread("test")
    yield engine
    engine.close()
    gc.collect()


async def idle(thread: EngineThread) -> None:
    """Return when the thread has nothing left to do."""
    await thread.call(lambda: None)


async def test_call_returns_and_raises(thread: EngineThread) -> None:
    assert await thread.call(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await thread.call(lambda: 1 // 0)


async def test_items_come_in_order_through_a_small_buffer(thread: EngineThread) -> None:
    def count(put: Put) -> None:
        for number in range(500):
            put(number)

    async with aclosing(thread.stream(count, bound=2)) as items:
        assert [item async for item in items] == list(range(500))


async def test_a_slow_reader_holds_the_thread_back(thread: EngineThread) -> None:
    made: list[int] = []

    def count(put: Put) -> None:
        for number in range(100):
            made.append(number)
            put(number)

    async with aclosing(thread.stream(count, bound=4)) as items:
        async for item in items:
            assert len(made) - item <= 4 + 2  # in the buffer, one in the reader's hand, one waiting for room
            await asyncio.sleep(0)


async def test_an_error_comes_after_the_items(thread: EngineThread) -> None:
    def fail(put: Put) -> None:
        put(1)
        raise ValueError("broken")

    async with aclosing(thread.stream(fail)) as items:
        assert await anext(items) == 1
        with pytest.raises(ValueError, match="broken"):
            await anext(items)


@pytest.mark.parametrize("bound", [1, 64])
async def test_closing_stops_the_thread_at_its_next_item(thread: EngineThread, bound: int) -> None:
    made: list[int] = []

    def forever(put: Put) -> None:
        while True:
            put(len(made))
            made.append(1)

    items = thread.stream(forever, bound=bound)
    async for item in items:
        if item == 10:
            break
    await items.aclose()
    await idle(thread)
    assert len(made) <= 10 + bound + 2


async def test_a_function_that_swallows_the_signal_is_told_again(thread: EngineThread) -> None:
    signals: list[Abandoned] = []

    def stubborn(put: Put) -> None:
        while len(signals) < 3:
            try:
                put(0)
            except Abandoned as signal:
                signals.append(signal)

    items = thread.stream(stubborn, bound=1)
    await anext(items)
    await items.aclose()
    await idle(thread)
    assert len(signals) == 3


async def test_cancelling_the_reader_frees_the_thread(thread: EngineThread) -> None:
    waiting = threading.Event()
    release = threading.Event()

    def stuck(put: Put) -> None:
        waiting.set()
        release.wait()
        put(1)
        raise AssertionError("nobody reads this")

    async def read() -> None:
        async with aclosing(thread.stream(stuck)) as items:
            async for _ in items:
                raise AssertionError("nothing was put")

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        await anyio.to_thread.run_sync(waiting.wait)
        group.cancel_scope.cancel()
    release.set()
    await idle(thread)


async def test_a_queued_stream_whose_reader_is_gone_never_starts(thread: EngineThread) -> None:
    release = threading.Event()
    started: list[str] = []

    def work(put: Put) -> None:
        started.append("second")

    async def read() -> None:
        async with aclosing(thread.stream(work)) as items:
            async for _ in items:
                pass

    async with anyio.create_task_group() as group:
        group.start_soon(thread.call, release.wait)
        async with anyio.create_task_group() as readers:
            readers.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            readers.cancel_scope.cancel()
        release.set()
    await idle(thread)
    assert started == []


async def test_an_error_after_the_reader_has_gone_is_nobodys(thread: EngineThread) -> None:
    release = threading.Event()

    def fail_late(put: Put) -> None:
        put(1)
        release.wait()
        raise ValueError("nobody hears this")

    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    items: AsyncGenerator[int, None] = thread.stream(fail_late)
    await anext(items)
    await items.aclose()
    release.set()
    await idle(thread)
    gc.collect()
    assert complaints == []


async def test_closing_the_thread_ends_a_stream_that_waits_for_it(thread: EngineThread) -> None:
    release = threading.Event()

    def nothing(put: Put) -> None:
        raise AssertionError("never runs")

    async def read() -> None:
        async with aclosing(thread.stream(nothing)) as items:
            async for _ in items:
                pass

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(thread.call, release.wait)
            await anyio.wait_all_tasks_blocked()
            group.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            thread.close()
            release.set()


async def test_an_unstarted_stream_leaves_nothing(thread: EngineThread) -> None:
    def one(put: Put) -> None:
        put(1)

    await thread.stream(one).aclose()


async def test_each_pulls_and_closes_in_the_thread(thread: EngineThread) -> None:
    places: list[str] = []

    def numbers() -> Iterator[int]:
        try:
            yield from range(10)
        finally:
            places.append(threading.current_thread().name)

    async with aclosing(thread.each(numbers)) as items:
        async for item in items:
            if item == 3:
                break
    await idle(thread)
    assert len(places) == 1
    assert places[0].startswith("voxspark-test")


async def test_each_gives_everything_even_none(thread: EngineThread) -> None:
    async with aclosing(thread.each(lambda: iter([None, 0, "", None]))) as items:
        assert [item async for item in items] == [None, 0, "", None]


async def test_each_raises_what_the_iterator_raises(thread: EngineThread) -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    async with aclosing(thread.each(numbers)) as items:
        assert await anext(items) == 1
        with pytest.raises(ValueError, match="broken"):
            await anext(items)


def test_a_loop_that_closes_under_a_stream_does_not_hold_the_thread() -> None:
    thread = EngineThread("test")
    ended = threading.Event()

    def forever(put: Put) -> None:
        try:
            while True:
                put(1)
        finally:
            ended.set()

    async def leave() -> None:
        await anext(thread.stream(forever, bound=1))

    asyncio.run(leave())
    assert ended.wait(10)
    thread.close()
