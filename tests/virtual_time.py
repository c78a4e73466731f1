"""An event loop whose clock jumps: tests of minutes run in milliseconds, with exact times.

    @virtual_time
    async def test_waits() -> None:
        await anyio.sleep(3600)

Whenever nothing is ready, the clock moves to the next timer. Work in threads and sockets is seen when it is ready, but
takes no virtual time: a timer may overtake it.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, ParamSpec, TypeVar

import anyio

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE_SECONDS = 10.0
"""Real seconds after which a loop with nothing to wait for but threads or sockets counts as stuck."""


class _JumpingSelector(selectors.DefaultSelector):
    """Never sleeps towards a timer: it says how far the clock must jump."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            ready = super().select(PATIENCE_SECONDS)
            if not ready:
                raise RuntimeError("virtual time: every task waits and nothing will wake one")
            return ready
        ready = super().select(0)
        if not ready:
            self.now += max(0.0, timeout)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Starts at 0.0 s."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run_virtual(function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """`anyio.run` on a jumping clock."""
    options: Mapping[str, Any] = {"loop_factory": VirtualTimeLoop}
    return anyio.run(functools.partial(function, *args, **kwargs), backend="asyncio", backend_options=dict(options))


def virtual_time(test: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Decorator: an async test that runs on a jumping clock, without any fixture."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return run_virtual(test, *args, **kwargs)

    return run
