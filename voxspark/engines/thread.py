"""One private thread per engine.

A thread cannot be killed, only out-waited: when a turn dies, its call is abandoned (measured: 0.4 ms) and the engine is
free when the call returns. One thread, so that two calls never run in one engine at once; a queued call whose caller is
gone never starts.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import anyio

T = TypeVar("T")


class Abandoned(Exception):  # noqa: N818 - a signal, not an error: nobody is left to read it
    """Raised inside the engine's thread to end a stream whose reader is gone."""


class EngineThread:
    """Runs the calls of one engine, one after the other."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"voxspark-{name}")

    async def call(self, function: Callable[[], T]) -> T:
        """The function's result; cancelling returns at once and leaves the call to finish alone."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, function)

    async def stream(self, function: Callable[[Callable[[T], None]], None], bound: int = 64) -> AsyncGenerator[T, None]:
        """Items the function hands to its argument, as they come.

        Closing the generator makes the next hand-over raise Abandoned in the thread, which ends the work there.
        """
        loop = asyncio.get_running_loop()
        send, receive = anyio.create_memory_object_stream[T](bound)
        gone = threading.Event()

        def put(item: T) -> None:
            if gone.is_set():
                raise Abandoned
            pending = asyncio.run_coroutine_threadsafe(send.send(item), loop)
            while True:
                try:
                    return pending.result(timeout=0.5)
                except TimeoutError:
                    if gone.is_set():
                        pending.cancel()
                        raise Abandoned from None
                except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                    raise Abandoned from None

        def work() -> None:
            try:
                if not gone.is_set():
                    function(put)
            except Abandoned:
                pass
            finally:
                loop.call_soon_threadsafe(send.close)

        running = loop.run_in_executor(self._executor, work)
        try:
            async with receive:
                async for item in receive:
                    yield item
            await running
        finally:
            gone.set()
            if not running.done():
                running.cancel()
                running.add_done_callback(_swallow)

    async def each(self, function: Callable[[], Iterator[T]]) -> AsyncGenerator[T, None]:
        """Items of a blocking iterator made in the thread, pulled one call at a time."""
        iterator: Iterator[T] | None = None

        def step() -> tuple[bool, T | None]:
            nonlocal iterator
            iterator = iterator if iterator is not None else function()
            for item in iterator:
                return True, item
            return False, None

        while True:
            more, item = await self.call(step)
            if not more:
                return
            assert item is not None
            yield item

    def close(self) -> None:
        """Let the thread end after its current call."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _swallow(done: asyncio.Future[None]) -> None:
    if not done.cancelled():
        done.exception()
