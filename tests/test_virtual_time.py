"""The jumping clock itself."""

from __future__ import annotations

import anyio
import anyio.to_thread
import pytest

from tests.virtual_time import run_virtual, virtual_time


@virtual_time
async def test_an_hour_takes_no_time() -> None:
    await anyio.sleep(3600)
    assert anyio.current_time() == pytest.approx(3600)


@virtual_time
async def test_timers_fire_in_order_at_their_times() -> None:
    seen: list[tuple[str, float]] = []

    async def wake(name: str, seconds: float) -> None:
        await anyio.sleep(seconds)
        seen.append((name, round(anyio.current_time(), 6)))

    async with anyio.create_task_group() as group:
        group.start_soon(wake, "late", 2.5)
        group.start_soon(wake, "early", 0.1)
    assert seen == [("early", 0.1), ("late", 2.5)]


def test_a_thread_is_waited_for() -> None:
    async def ask() -> int:
        return await anyio.to_thread.run_sync(lambda: 42)

    assert run_virtual(ask) == 42


@virtual_time
async def test_a_timeout_cancels() -> None:
    with anyio.move_on_after(5) as scope:
        await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert anyio.current_time() == pytest.approx(5)
