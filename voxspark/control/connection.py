"""One client of the socket: its lines, its limits, its requests in flight."""

from __future__ import annotations

import logging
from pathlib import Path

import anyio
import anyio.lowlevel

from voxspark.config import ControlSettings
from voxspark.control import rpc
from voxspark.control.methods import Exchange, Method, Methods
from voxspark.control.rpc import ErrorCode, Message, Params, RpcError
from voxspark.control.wire import Wire
from voxspark.errors import VoxSparkError

logger = logging.getLogger(__name__)

MAX_IN_FLIGHT = 16
"""Long requests of one client at once."""

HANGUP_POLL_SECONDS = 0.1

SHORT_LINE_BYTES = 4096
"""Lines over the rate are parsed, to answer with their id, only up to here."""


class TokenBucket:
    """Allows `rate` requests per second on average, and bursts of twice that."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._capacity = max(1.0, 2 * rate)
        self._tokens = self._capacity
        self._at = float("-inf")

    def take(self, now: float) -> bool:
        """Whether one more is allowed; `now` in seconds of any steady clock."""
        self._tokens = min(self._capacity, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Connection:
    """Serves one client until it goes, reads too slowly, or the server ends."""

    def __init__(self, wire: Wire, methods: Methods, settings: ControlSettings, *, write_seconds: float) -> None:
        self._wire = wire
        self._methods = methods
        self._max_line_bytes = settings.max_line_bytes
        self._bucket = TokenBucket(settings.requests_per_second)
        self._write_seconds = write_seconds
        self._writing = anyio.Lock()
        self._in_flight = 0

    async def run(self) -> None:
        """Until the connection ends; then nothing of it is left but the turns it began."""
        async with anyio.create_task_group() as self._tasks:
            try:
                await self._read()
                await self._finish()
            except anyio.BrokenResourceError:
                logger.debug("a client went away")
            self._tasks.cancel_scope.cancel()

    async def _read(self) -> None:
        lines = rpc.LineSplitter(self._max_line_bytes)
        while data := await self._wire.receive():
            for line in lines.feed(data):
                if line is None or line.strip():
                    await self._admit(line)

    async def _finish(self) -> None:
        """A client that only closed its writing side still gets its answers."""
        while self._in_flight and not self._wire.hung_up:
            await anyio.sleep(HANGUP_POLL_SECONDS)  # the loop cannot wait for a hang-up

    async def _admit(self, line: bytes | None) -> None:
        exchange: Exchange | None = None
        try:
            allowed = self._bucket.take(anyio.current_time())
            exchange = Exchange(self._parse(line, allowed), self._send)
            if not allowed:
                raise _rate_limited()
            method = self._methods.find(exchange.request.method)
            params = rpc.check(method.params, exchange.request.params)
            if method.long and self._in_flight >= MAX_IN_FLIGHT:
                raise RpcError(
                    ErrorCode.TOO_MANY, "too-many-requests", "Too many requests are in flight.", "Wait for an answer."
                )
        except RpcError as error:
            if exchange is None:
                await self._send(rpc.failure(error.id, error))
            else:
                await exchange.fail(error)
            return
        if method.long:
            self._in_flight += 1
            self._tasks.start_soon(self._serve_beside, method, params, exchange)
        else:
            await self._serve(method, params, exchange)

    def _parse(self, line: bytes | None, allowed: bool) -> rpc.Request:
        if line is None:
            raise RpcError(
                ErrorCode.INVALID_REQUEST,
                "line-too-long",
                f"A request has at most {self._max_line_bytes} bytes.",
                "Send a shorter one.",
            )
        if not allowed and len(line) > SHORT_LINE_BYTES:
            raise _rate_limited()
        return rpc.parse(line)

    async def _serve_beside(self, method: Method, params: Params, exchange: Exchange) -> None:
        try:
            await self._serve(method, params, exchange)
        finally:
            self._in_flight -= 1

    async def _serve(self, method: Method, params: Params, exchange: Exchange) -> None:
        try:
            result = await method.run(params, exchange)
            if not exchange.answered:
                await exchange.succeed(result)
        except VoxSparkError as error:
            await self._end(exchange, error)
        except Exception as error:
            _log_internal(exchange.request.method, error)
            await self._end(
                exchange,
                RpcError(ErrorCode.INTERNAL, "internal-error", "VoxSpark made a mistake.", "The log says where."),
            )

    async def _end(self, exchange: Exchange, error: VoxSparkError) -> None:
        """An error answer; after the answer, the end of the events and of the connection."""
        if not exchange.answered:
            await exchange.fail(error)
            return
        await exchange.notify("events.closed", {"code": error.code, "reason": error.message})
        self._tasks.cancel_scope.cancel()

    async def _send(self, message: Message) -> None:
        data = rpc.encode(message)
        async with self._writing:
            try:
                with anyio.fail_after(self._write_seconds):
                    await self._wire.send(data)
            except (TimeoutError, anyio.BrokenResourceError):
                logger.debug("a client does not read, or is gone: dropped")
                self._tasks.cancel_scope.cancel()
                await anyio.lowlevel.checkpoint_if_cancelled()


def _rate_limited() -> RpcError:
    return RpcError(ErrorCode.RATE_LIMITED, "rate-limited", "Too many requests per second.", "Send more slowly.")


def _log_internal(method: str, error: Exception) -> None:
    """What broke and where; the error's own words may be personal and stay at DEBUG."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "an unknown place"
    logger.error("request %s broke: %s at %s", method, type(error).__name__, where)
    logger.debug("request %s broke", method, exc_info=error)
