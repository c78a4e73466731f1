"""The life of one worker process, from start to death, as the daemon sees it."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import anyio

from voxspark.engines.worker.output import Output
from voxspark.engines.worker.spawn import Process
from voxspark.engines.worker.wire import WINDOW, Done, Failed, Load, Parsing, Received, Request, Response, encode
from voxspark.errors import EngineError

LAST_WORDS_SECONDS = 0.2
"""Between the end of the wire and the end of the process, whichever comes first; then it is made to end. A helper that
a dead worker forked may hold the wire open for ever."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take."""

    load_seconds: float = 300.0
    """A model of 65 GB takes up to 100 s on a DGX Spark."""
    call_seconds: float = 60.0
    """That a worker may keep its caller waiting, all waits of one call together."""
    grace_seconds: float = 2.0
    """For a cancelled call to end; then the process is killed."""
    reply_seconds: float = 5.0
    """For the answer to a ping or a question for memory."""
    death_seconds: float = 10.0
    """For a killed process to be gone; a driver may hold on to it."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a process ends: what its callers are told."""

    code: str
    message: str
    """`{worker}` stands for the worker's name."""
    remedy: str = ""
    failure: bool = True
    """It was not the owner's will, so the next start may have to wait."""

    def of(self, name: str) -> Ending:
        """With the name filled in."""
        return replace(self, message=self.message.replace("{worker}", name))


AGAIN = "It starts again with the next request."
CRASHED = Ending("worker-crashed", "The {worker} crashed.", AGAIN)
HUNG = Ending("worker-hung", "The {worker} did not answer in time and was stopped.", AGAIN)
NONSENSE = Ending("worker-nonsense", "The {worker} sent something that makes no sense and was stopped.", AGAIN)
CANCEL_IGNORED = Ending("worker-cancel-ignored", "The {worker} did not stop and was ended.", AGAIN, failure=False)
UNLOADED = Ending("worker-unloaded", "The {worker} was unloaded.", AGAIN, failure=False)


class Exchange:
    """One request and its answers."""

    def __init__(self, id: int) -> None:
        self.id = id
        self.busy = False
        """The call is posted; Done or Failed has not come yet."""
        self.answered = False
        """Done or Failed has come."""
        self._sender, self._receiver = anyio.create_memory_object_stream[Received](WINDOW + 1)

    def deliver(self, received: Received) -> None:
        """An answer has come. Raises anyio.WouldBlock when the worker sends more than it may."""
        with suppress(anyio.BrokenResourceError):
            self._sender.send_nowait(received)

    def end(self) -> None:
        """No more answers will come."""
        self._sender.close()

    async def answer(self) -> Received | None:
        """The next answer, or None when the process has ended."""
        try:
            received = await self._receiver.receive()
        except anyio.EndOfStream:
            self.busy = False
            return None
        if isinstance(received.message, Done | Failed):
            self.busy, self.answered = False, True
        return received

    def close(self) -> None:
        """Answers are not read any more."""
        self._sender.close()
        self._receiver.close()


class Life:
    """One process: load once, then answer; `ending` is set as soon as it has no future, `gone` when it is dead."""

    def __init__(self, name: str, process: Process, limits: Limits, on_ready: Callable[[], None]) -> None:
        self.process = process
        self.ending: Ending | None = None
        self.connected = anyio.Event()
        self.settled = anyio.Event()
        """Loaded, or ending."""
        self.gone = anyio.Event()
        self.how = "does not die"
        """What became of the process, for the log."""
        self._name = name
        self._limits = limits
        self._on_ready = on_ready
        self._output = Output(process.output, logging.getLogger(f"voxspark.worker.{name.replace(' ', '_')}"))
        self._deaf = anyio.Event()
        self._exchanges: dict[int, Exchange] = {}
        self._ids = itertools.count(1)
        self._writer: asyncio.StreamWriter

    async def run(self, config: Mapping[str, Any]) -> None:
        """Until the process is dead and reaped."""
        with self.process as process:
            with anyio.CancelScope(shield=True):
                reader, self._writer = await asyncio.open_unix_connection(sock=process.wire)
            self.connected.set()
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._output.run)
                    tasks.start_soon(self._listen, reader)
                    tasks.start_soon(self._load, config)
                    await process.ended()
                    with anyio.move_on_after(LAST_WORDS_SECONDS):
                        await self._deaf.wait()
                    self.end(CRASHED)
                    tasks.cancel_scope.cancel()
            finally:
                self.end(UNLOADED)
                self._writer.transport.abort()
                with anyio.move_on_after(self._limits.death_seconds, shield=True):
                    await process.ended()
                    self.how = process.reap()
                    self._output.finish()
                self.gone.set()

    def end(self, ending: Ending) -> None:
        """Kill the process; the first reason counts."""
        self._give_up(ending)
        self.process.kill()

    def _give_up(self, ending: Ending) -> None:
        self.ending = self.ending or ending.of(self._name)
        self.settled.set()

    def open(self) -> Exchange:
        """A place for answers to a request."""
        exchange = Exchange(next(self._ids))
        if self.ending is None:
            self._exchanges[exchange.id] = exchange
        else:
            exchange.end()
        return exchange

    def close(self, exchange: Exchange) -> None:
        """Answers that still come are dropped."""
        self._exchanges.pop(exchange.id, None)
        exchange.close()

    def post(self, request: Request, payload: bytes = b"") -> None:
        """Send soon, whole, whatever happens to the caller. Raises EngineError `worker-wire` when it cannot be sent."""
        self._writer.write(encode(request, payload))

    async def flush(self) -> None:
        """Return when most of what was posted is sent."""
        with suppress(OSError):  # it crashed, which the answer will say
            await self._writer.drain()

    async def _load(self, config: Mapping[str, Any]) -> None:
        exchange = self.open()
        answer: Received | None = None
        try:
            self.post(Load(exchange.id, dict(config)))
            with anyio.fail_after(self._limits.load_seconds):
                answer = await exchange.answer()
        except TimeoutError:
            self.end(HUNG)
        except EngineError as error:
            self.end(Ending(error.code, error.message, error.remedy))
        finally:
            self.close(exchange)
        match answer.message if answer else None:
            case Done():
                self._on_ready()
                self.settled.set()
            case Failed(_, code, message, remedy):
                self.end(Ending(code, message, remedy))
            case _:
                self.end(NONSENSE if answer else CRASHED)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while (received := await receive(reader)) is not None:
                self._deliver(received)
            self._give_up(CRASHED)
        except (EngineError, anyio.WouldBlock):
            self.end(NONSENSE)
        finally:
            for exchange in self._exchanges.values():
                exchange.end()
            self._deaf.set()
        await anyio.sleep(LAST_WORDS_SECONDS)  # so that it can die by itself and its status tells why
        self.process.kill()

    def _deliver(self, received: Received) -> None:
        if not isinstance(received.message, Response):
            raise EngineError("worker-wire", "A worker makes a request.")
        if (exchange := self._exchanges.get(received.message.id)) is not None:
            exchange.deliver(received)


async def receive(reader: asyncio.StreamReader) -> Received | None:
    """The next frame, or None when the worker has closed the wire. Raises EngineError `worker-wire`."""
    parsing = Parsing()
    while parsing.count:
        try:
            parsing.feed(await reader.readexactly(parsing.count))
        except asyncio.IncompleteReadError as error:
            parsing.feed(error.partial)
        except OSError:
            parsing.feed(b"")
    return parsing.received
