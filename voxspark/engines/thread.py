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
from contextlib import suppress
from itertools import islice
from typing import TypeVar

import anyio
from anyio.streams.memory import MemoryObjectSendStream

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
        """Items the function hands to its argument, as they come; at most `bound` wait to be read.

        Closing the generator makes every hand-over from then on raise Abandoned in the thread, to end the work there.
        """
        loop = asyncio.get_running_loop()
        send, receive = anyio.create_memory_object_stream[T](bound)
        room = threading.Semaphore(bound)
        gone = threading.Event()

        def deliver(item: T) -> None:
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                send.send_nowait(item)

        def put(item: T) -> None:
            if not gone.is_set():
                room.acquire()
            if gone.is_set():
                raise Abandoned
            try:
                loop.call_soon_threadsafe(deliver, item)
            except RuntimeError:  # the loop is closed
                raise Abandoned from None

        def work() -> None:
            with suppress(Abandoned):
                function(put)

        running = loop.run_in_executor(self._executor, work)
        running.add_done_callback(lambda done: _end(done, send))
        try:
            async with receive:
                async for item in receive:
                    room.release()
                    yield item
            await running
        finally:
            gone.set()
            room.release()
            running.cancel()
            send.close()

    async def each(self, function: Callable[[], Iterator[T]]) -> AsyncGenerator[T, None]:
        """Items of a blocking iterator made in the thread, pulled one call at a time, and closed there."""
        made: list[Iterator[T]] = []

        def step() -> list[T]:
            if not made:
                made.append(function())
            return list(islice(made[0], 1))

        def close() -> None:
            for iterator in made:
                getattr(iterator, "close", lambda: None)()

        try:
            while item := await self.call(step):
                yield item[0]
        finally:
            with suppress(RuntimeError):  # the thread has ended already
                self._executor.submit(close)

    def close(self) -> None:
        """Let the thread end after its current call."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _end(done: asyncio.Future[None], send: MemoryObjectSendStream[T]) -> None:
    """Tell the reader that nothing follows, and look at the error in case no reader is left to do so."""
    send.close()
    if not done.cancelled():
        done.exception()
