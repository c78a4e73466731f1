"""The daemon's side of an engine in a process of its own.

    async with Worker("package.module:factory", config, name="voice").running() as worker:
        async with aclosing(worker.stream("speak", {"text": text})) as frames:
            async for frame in frames: ...

The process starts with the first call (or `load`) and ends with the scope, with `unload`, or with the daemon, however
that ends. A crash or a hang is an EngineError for the call that meets it; the next call starts a new process.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

import anyio
from anyio.abc import TaskGroup

from voxspark.engines.worker.life import (
    CANCEL_IGNORED,
    CRASHED,
    HUNG,
    NONSENSE,
    UNLOADED,
    Ending,
    Exchange,
    Life,
    Limits,
)
from voxspark.engines.worker.spawn import Process
from voxspark.engines.worker.wire import (
    Call,
    Cancel,
    Done,
    Failed,
    Frame,
    Item,
    Measure,
    Memory,
    More,
    Ping,
    Received,
    Request,
)
from voxspark.errors import EngineError

log = logging.getLogger(__name__)

T = TypeVar("T")

LONGEST_REST_SECONDS = 60.0

SILENT = Ending("worker-silent", "The {worker} does not say how it is.")
STUCK = Ending("worker-stuck", "The {worker} was killed and does not die.", "Restart the machine if it stays so.")

State = Literal["loading", "ready", "gone"]


@dataclass(frozen=True, slots=True)
class WorkerChanged:
    """A process began to load, is loaded, or is dead and its memory on the way back."""

    name: str
    state: State
    pid: int
    reason: str = ""
    """Why and how it went: an error code, then a sentence for the log."""
    failed: bool = False
    """It went against the owner's will."""


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """What a worker holds, by its own account; all 0 when there is no process."""

    resident_bytes: int = 0
    gpu_allocated_bytes: int = 0
    gpu_reserved_bytes: int = 0
    """Without the CUDA context, about 0.5 GB."""


@dataclass(slots=True)
class Backoff:
    """After a failure the next start may be at once, after two in a row 1 s later, then 2, 4 … 60 s."""

    failures: int = 0
    until: float = -math.inf

    def failed(self, now: float) -> None:
        """A process failed."""
        self.failures += 1
        if self.failures > 1:
            self.until = now + min(LONGEST_REST_SECONDS, 2.0 ** min(self.failures - 2, 16))

    def succeeded(self) -> None:
        """A call was answered."""
        self.failures = 0

    def resting(self, now: float) -> bool:
        """Whether it is too early for another start."""
        return now < self.until


class Patience:
    """A bound on the sum of several waits; what the caller does between them is free."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    async def of(self, waiting: Awaitable[T]) -> T:
        """The result. Raises TimeoutError."""
        began = anyio.current_time()
        with anyio.fail_after(self._left):
            result = await waiting
        self._left -= anyio.current_time() - began
        return result


class Worker:
    """One engine in a process of its own; calls run one at a time, in the order they come."""

    def __init__(
        self,
        target: str,
        config: Mapping[str, Any],
        *,
        name: str,
        error: type[EngineError] = EngineError,
        on_change: Callable[[WorkerChanged], None] = lambda _: None,
        limits: Limits | None = None,
    ) -> None:
        """`target` is `package.module:factory` and is imported in the worker only; `config` is ready for JSON.

        `name` is spoken: "The {name} crashed." `error` is what every failure is raised as.
        """
        self._target = target
        self._config = config
        self._name = name
        self._error = error
        self._on_change = on_change
        self._limits = limits or Limits()
        self._backoff = Backoff()
        self._last_failure = CRASHED.of(name)
        self._calls = anyio.Semaphore(1, max_value=1)
        self._life: Life | None = None
        self._scope: TaskGroup | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Worker]:
        """The scope that processes live in; nothing is started yet."""
        try:
            async with anyio.create_task_group() as scope:
                self._scope = scope
                try:
                    yield self
                finally:
                    self._scope = None
                    scope.cancel_scope.cancel()
        except BaseExceptionGroup as group:  # a task group wraps what its body raises
            if len(group.exceptions) == 1:
                raise group.exceptions[0] from group.exceptions[0].__cause__
            raise

    @property
    def pid(self) -> int | None:
        """Of the process, or None while there is none."""
        return None if self._life is None or self._life.gone.is_set() else self._life.process.pid

    async def load(self) -> None:
        """Start the process and load the engine, unless it is loaded; cancelled, the loading goes on.

        Raises EngineError. After repeated failures nothing is started for a while: the last failure is raised again.
        """
        await self._loaded()

    async def unload(self) -> None:
        """Kill the process; returns when it is dead. Raises EngineError `worker-stuck` when it does not die."""
        if self._life is not None:
            self._life.end(UNLOADED)
            await self._death_of(self._life)

    async def call(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        payload: bytes = b"",
        *,
        deadline_seconds: float | None = None,
    ) -> Frame:
        """The last frame that the method yields, or an empty one. Raises EngineError."""
        last = Frame()
        async with aclosing(self.stream(method, params, payload, deadline_seconds=deadline_seconds)) as frames:
            async for frame in frames:
                last = frame
        return last

    async def stream(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        payload: bytes = b"",
        *,
        deadline_seconds: float | None = None,
    ) -> AsyncGenerator[Frame, None]:
        """What the method yields, as it comes. Raises EngineError.

        Closing the generator returns at once and cancels the call; a worker that does not stop in time is killed.
        The deadline bounds the time that the worker keeps the caller waiting, without queueing and loading.
        """
        await self._calls.acquire()
        life: Life | None = None
        exchange: Exchange | None = None
        patience = Patience(self._limits.call_seconds if deadline_seconds is None else deadline_seconds)
        try:
            life = await self._loaded()
            exchange = life.open()
            self._post(life, exchange, Call(exchange.id, method, dict(params or {})), payload)
            await patience.of(life.flush())
            while (frame := self._frame(life, await patience.of(exchange.answer()))) is not None:
                life.post(More(exchange.id))
                yield frame
        except TimeoutError:
            assert life is not None
            life.end(HUNG)
            raise self._raised(life.ending) from None
        finally:
            self._leave(life, exchange)

    async def ping(self) -> float:
        """Seconds until the worker answers, even during a call. Raises EngineError when it does not answer."""
        began = anyio.current_time()
        await self._ask(Ping)
        return anyio.current_time() - began

    async def memory(self) -> MemoryUse:
        """What the worker holds, asked even during a call. Raises EngineError when it does not answer."""
        if self._life is None or self._life.ending is not None:
            return MemoryUse()
        match await self._ask(Measure):
            case Memory(_, resident, allocated, reserved):
                return MemoryUse(resident, allocated, reserved)
            case _:
                raise self._raised(NONSENSE.of(self._name))

    async def _ask(self, request: Callable[[int], Request]) -> object:
        life = self._life
        if life is None:
            raise self._raised(UNLOADED.of(self._name))
        exchange = life.open()
        try:
            with anyio.fail_after(self._limits.reply_seconds):
                await life.connected.wait()
                life.post(request(exchange.id))
                received = await exchange.answer()
        except TimeoutError:
            raise self._raised(SILENT.of(self._name)) from None
        finally:
            life.close(exchange)
        if received is None:
            raise self._raised(life.ending)
        return received.message

    async def _loaded(self) -> Life:
        """A process that is loaded, a new one if need be, once the memory of the last one is free."""
        while (life := self._life) is None or life.ending is not None:
            if life is None or life.gone.is_set():
                life = self._start()
                break
            await self._death_of(life)
        await life.settled.wait()
        if life.ending is not None:
            raise self._raised(life.ending)
        return life

    def _start(self) -> Life:
        if self._scope is None:
            raise self._error("worker-not-running", f"The {self._name} is not running.")
        if self._backoff.resting(anyio.current_time()):
            raise self._raised(self._last_failure)
        try:
            process = Process(self._target)
        except OSError as error:
            raise self._error(
                "worker-not-started", f"The {self._name} could not be started.", f"The system's reason: {error}."
            ) from error
        ready = partial(self._tell, "ready", process.pid)
        self._life = life = Life(self._name, process, self._limits, ready)
        self._tell("loading", process.pid)
        self._scope.start_soon(self._live, life)
        return life

    async def _live(self, life: Life) -> None:
        try:
            await life.run(self._config)
        finally:
            ending = life.ending or UNLOADED
            if ending.failure:
                self._backoff.failed(anyio.current_time())
                self._last_failure = ending
                log.warning("worker %s (process %d) %s: %s", self._name, life.process.pid, life.how, ending.code)
            self._tell("gone", life.process.pid, f"{ending.code}: {life.how}", failed=ending.failure)

    async def _death_of(self, life: Life) -> None:
        try:
            with anyio.fail_after(self._limits.death_seconds):
                await life.gone.wait()
        except TimeoutError:
            raise self._raised(STUCK.of(self._name)) from None

    def _post(self, life: Life, exchange: Exchange, call: Call, payload: bytes) -> None:
        try:
            life.post(call, payload)
        except EngineError as error:
            raise self._error(error.code, error.message, error.remedy) from error
        exchange.busy = True

    def _frame(self, life: Life, received: Received | None) -> Frame | None:
        """The next frame, or None at the end."""
        match received.message if received else None:
            case Item(_, values):
                assert received is not None
                return Frame(values, received.payload)
            case Done():
                return None
            case Failed(_, code, message, remedy):
                raise self._raised(Ending(code, message, remedy).of(self._name))
            case None:
                raise self._raised(life.ending)
            case _:
                life.end(NONSENSE)
                raise self._raised(life.ending)

    def _leave(self, life: Life | None, exchange: Exchange | None) -> None:
        """The caller is done; when the worker is not, the next call waits until it is, and this one does not."""
        if life is None or exchange is None:
            self._calls.release()
        elif exchange.busy and life.ending is None and self._scope is not None:
            life.post(Cancel(exchange.id))
            self._scope.start_soon(self._settle, life, exchange)
        else:
            self._finish(life, exchange)

    async def _settle(self, life: Life, exchange: Exchange) -> None:
        try:
            with anyio.move_on_after(self._limits.grace_seconds):
                while exchange.busy:
                    await exchange.answer()
            if exchange.busy:
                life.end(CANCEL_IGNORED)
        finally:
            self._finish(life, exchange)

    def _finish(self, life: Life, exchange: Exchange) -> None:
        if exchange.answered:
            self._backoff.succeeded()
        life.close(exchange)
        self._calls.release()

    def _raised(self, ending: Ending | None) -> EngineError:
        ending = ending or CRASHED.of(self._name)
        return self._error(ending.code, ending.message, ending.remedy)

    def _tell(self, state: State, pid: int, reason: str = "", *, failed: bool = False) -> None:
        self._on_change(WorkerChanged(self._name, state, pid, reason, failed))
