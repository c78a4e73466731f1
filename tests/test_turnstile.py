"""Who loads first."""

from __future__ import annotations

import anyio

from tests.virtual_time import virtual_time
from voxspark.runners.turnstile import Turnstile


@virtual_time
async def test_one_at_a_time_and_the_quickest_first() -> None:
    turnstile, order, inside = Turnstile(), list[float](), 0

    async def load(seconds: float) -> None:
        nonlocal inside
        async with turnstile.passing(seconds):
            inside += 1
            assert inside == 1
            await anyio.sleep(seconds)
            order.append(seconds)
            inside -= 1

    async with anyio.create_task_group() as group:
        for seconds in (67.0, 8.0, 2.0, 8.0):
            group.start_soon(load, seconds)
    assert order == [2.0, 8.0, 8.0, 67.0]


@virtual_time
async def test_who_gives_up_waiting_or_within_lets_the_next_in() -> None:
    turnstile, done = Turnstile(), list[str]()

    async def load(name: str, seconds: float, patience: float) -> None:
        with anyio.move_on_after(patience):
            async with turnstile.passing(seconds):
                await anyio.sleep(seconds)
                done.append(name)

    async with anyio.create_task_group() as group:
        group.start_soon(load, "cut off within", 1.0, 0.5)
        group.start_soon(load, "gives up waiting", 2.0, 0.2)
        group.start_soon(load, "patient", 3.0, 100.0)
    assert done == ["patient"]
