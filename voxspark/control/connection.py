"""One client of the socket: its lines, its limits, its requests in flight."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import anyio
import anyio.lowlevel

from voxspark.config_control import ControlSettings
from voxspark.control import rpc
from voxspark.control.limits import Account, TokenBucket
from voxspark.control.methods import Exchange, Method, Methods
from voxspark.control.rpc import ErrorCode, Message, Params, RpcError
from voxspark.control.wire import Wire
from voxspark.errors import VoxSparkError

logger = logging.getLogger(__name__)

MAX_IN_FLIGHT = 16
"""Long requests of one client at once."""

HANGUP_POLL_SECONDS = 0.1

REFUSAL_SECONDS = 0.02
"""After a line over the rate nothing more is read for so long: a flood waits at its own end of the socket."""

SHORT_LINE_BYTES = 4096
"""Lines over the rate are parsed, to answer with their id, only up to here."""


class Connection:
    """Serves one client until it goes, reads too slowly, leaves a line unfinished, or the server ends."""

    def __init__(
        self,
        wire: Wire,
        methods: Methods,
        settings: ControlSettings,
        account: Account,
        *,
        write_seconds: float,
        line_seconds: float,
    ) -> None:
        """`line_seconds`: from the connection to the first line, and from the beginning of a line to its end."""
        self._wire = wire
        self._methods = methods
        self._account = account
        self._lines = rpc.LineSplitter(settings.max_line_bytes, account.room)
        self._max_line_bytes = settings.max_line_bytes
        self._bucket = TokenBucket(settings.requests_per_second)
        self._write_seconds = write_seconds
        self._line_seconds = line_seconds
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
            finally:
                self._lines.clear()
            self._tasks.cancel_scope.cancel()

    async def _read(self) -> None:
        until = anyio.current_time() + self._line_seconds
        while True:
            with anyio.CancelScope(deadline=until) as scope:
                data = await self._wire.receive()
            if scope.cancelled_caught:
                if not self._wire.readable:
                    await self._give_up()
                    return
                data = await self._wire.receive()  # it was sent in time: we are the slow ones
            if not data:
                return
            began = not self._lines.begun
            for line in self._lines.feed(data):
                await self._admit(line)
                began = True
            if not self._lines.begun:
                until = math.inf
            elif began:
                until = anyio.current_time() + self._line_seconds

    async def _give_up(self) -> None:
        """Half a line keeps no place."""
        logger.info("a client did not finish a request in time: dropped")
        message = f"A request must be complete within {self._line_seconds:.0f} seconds."
        error = RpcError(ErrorCode.INVALID_REQUEST, "line-unfinished", message, "Connect again, and send a line.")
        await self._send(rpc.failure(None, error))
        self._tasks.cancel_scope.cancel()

    async def _finish(self) -> None:
        """A client that only closed its writing side still gets its answers."""
        while self._in_flight and not self._wire.hung_up:
            await anyio.sleep(HANGUP_POLL_SECONDS)  # the loop cannot wait for a hang-up

    async def _admit(self, line: bytes | None) -> None:
        now = anyio.current_time()
        allowed = self._bucket.take(now) and self._account.bucket.take(now)
        if line is None or line.strip():
            await self._take(line, allowed)
        if not allowed:
            await anyio.sleep(REFUSAL_SECONDS)

    async def _take(self, line: bytes | None, allowed: bool) -> None:
        exchange: Exchange | None = None
        try:
            exchange = Exchange(self._parse(line, allowed), self._send, guest=self._account.guest)
            if not allowed:
                raise _rate_limited()
            method = self._methods.find(exchange.request.method, guest=exchange.guest)
            params = rpc.check(method.params, exchange.request.params)
            size_bytes = len(line or b"")
            if method.long and (self._in_flight >= MAX_IN_FLIGHT or not self._account.room.take(size_bytes)):
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
            self._tasks.start_soon(self._serve_beside, method, params, exchange, size_bytes)
        else:
            await self._serve(method, params, exchange)

    def _parse(self, line: bytes | None, allowed: bool) -> rpc.Request:
        if line is None:
            raise RpcError(
                ErrorCode.INVALID_REQUEST,
                "line-too-long",
                f"A request has at most {self._max_line_bytes} bytes, and less while many are sent.",
                "Send a shorter one.",
            )
        if not allowed and len(line) > SHORT_LINE_BYTES:
            raise _rate_limited()
        return rpc.parse(line)

    async def _serve_beside(self, method: Method, params: Params, exchange: Exchange, size_bytes: int) -> None:
        try:
            await self._serve(method, params, exchange)
        finally:
            self._in_flight -= 1
            self._account.room.give(size_bytes)

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
                logger.info("a client does not read, or is gone: dropped")
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
