"""The ledger when things happen at once: cancelled when it is lent, evicted while it loads, unloaded while wanted."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

import anyio
import pytest

from tests.virtual_time import run_virtual, virtual_time
from tests.vram_world import BROKEN, LOAD_SECONDS, UNLOAD_SECONDS, World, ask
from voxspark.errors import EngineError
from voxspark.events import Event, ModelChanged
from voxspark.vram.ledger import Ledger
from voxspark.vram.state import SWARM, VOICE, WORK

CODER = "qwen3-coder-30b"


async def until(ledger: Ledger, model: str, state: str) -> None:
    """Until it is in this state."""
    while (there := ledger.book.residents.get(model)) is None or there.state != state:
        await anyio.sleep(0.1)


# ── whoever asks ────────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_cancelled_in_the_step_in_which_it_is_lent() -> None:
    world = World()
    gives_up = anyio.CancelScope()

    def witness(_ledger: Ledger, event: Event) -> None:
        if isinstance(event, ModelChanged) and (event.model, event.state) == (CODER, "resident"):
            gives_up.cancel()

    world.witness = witness
    async with world.ledger() as ledger, anyio.create_task_group() as group:

        async def wait() -> None:
            with gives_up:
                await ask(ledger, "coder", 5.0, patience_seconds=60.0)

        group.start_soon(wait)
        await until(ledger, CODER, "resident")
        await anyio.sleep(0.1)
        assert gives_up.cancelled_caught
        assert ledger.book.residents[CODER].leases == 0


@virtual_time
async def test_a_body_that_raises_gives_its_lease_back() -> None:
    async with World().ledger() as ledger:
        with pytest.raises(KeyError):
            async with ledger.lease("worker"):
                raise KeyError
        assert ledger.book.residents["qwen3-8b"].leases == 0


@virtual_time
async def test_a_lease_of_no_time_counts_as_use() -> None:
    async with World().ledger() as ledger:
        await anyio.sleep(100.0)
        async with ledger.lease("worker"):
            pass
        assert ledger.book.residents["qwen3-8b"].last_used_at == anyio.current_time()


@pytest.mark.parametrize(("priority", "outer_cut"), [(SWARM, False), (WORK, False), (VOICE, True)])
def test_a_lease_inside_a_lease_that_needs_its_memory_ends(priority: int, outer_cut: bool) -> None:
    """The inner one waits as long as it is patient and takes less; or it is the more important one."""

    async def live() -> None:
        async with World().ledger() as ledger:
            wants = {"priority": priority, "patience_seconds": 60.0}
            async with ledger.lease("worker", priority=priority) as outer:
                inner = await ask(ledger, "coder", **wants)
                assert inner == (CODER if outer_cut else "qwen3-8b")
                assert await ask(ledger, "worker", **wants) == "qwen3-8b"
                if outer_cut:
                    with pytest.raises(EngineError, match="had to leave"):
                        await outer.guard(anyio.sleep(0.0))
                else:
                    await outer.guard(anyio.sleep(0.0))

    run_virtual(live)


@virtual_time
async def test_whoever_begins_a_load_waits_no_longer_for_it_than_who_came_later() -> None:
    world = World(slow={CODER: 400.0})
    async with world.ledger() as ledger, anyio.create_task_group() as group:
        took: dict[str, tuple[str, float]] = {}

        async def wait(name: str) -> None:
            began = anyio.current_time()
            model = await ask(ledger, "coder", patience_seconds=50.0)
            took[name] = (model, anyio.current_time() - began)

        group.start_soon(wait, "first")
        await anyio.sleep(10.0)
        group.start_soon(wait, "second")
        await anyio.sleep(500.0)
        assert {model for model, _ in took.values()} == {"gpt-oss-120b"}
        assert all(50.0 <= seconds <= 52.0 for _, seconds in took.values())


@virtual_time
async def test_what_was_found_is_not_evicted_in_the_step_that_begins_to_make_it_ready() -> None:
    world = World(present={"qwen3-8b": (7_000_000_000, 8192)})
    async with world.ledger() as ledger, anyio.create_task_group() as group:
        await anyio.sleep(100.0)
        ledger._running = False  # both are planned for at once
        group.start_soon(partial(ask, ledger, "worker", 1.0, priority=VOICE))
        group.start_soon(partial(ask, ledger, "coder", 1.0, priority=VOICE - 1, patience_seconds=60.0))
        await anyio.sleep(0.1)
        ledger._running = True
        ledger.settle()
        await anyio.sleep(60.0)
        assert world.states("qwen3-8b")[:4] == ["resident", "reserved", "loading", "resident"]


@virtual_time
async def test_a_stream_whose_lease_is_revoked_between_two_pieces_ends_cleanly() -> None:
    async def pieces() -> AsyncGenerator[int, None]:
        yield 1
        yield 2

    async with World().ledger() as ledger, ledger.lease("worker") as leased, aclosing(pieces()) as stream:
        assert await leased.guard(anext(stream, None)) == 1
        leased.revoke()
        with pytest.raises(EngineError, match="had to leave"):
            await leased.guard(anext(stream, None))


# ── the end of the ledger ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("after_seconds", [0.1, 1.0, 3.0, 5.0, 70.0])
def test_whoever_waits_is_told_when_the_ledger_stops(after_seconds: float) -> None:
    """While others drain, while their memory comes back, while it loads, and before anything could begin."""

    async def live() -> None:
        codes: list[str] = []

        async def wait(ledger: Ledger) -> None:
            with pytest.raises(EngineError) as raised:
                await ask(ledger, "coder", 1000.0, patience_seconds=600.0)
            codes.append(raised.value.code)

        world = World(late_seconds=2.0, slow={CODER: 100.0})
        with anyio.fail_after(300.0):
            async with anyio.create_task_group() as group, world.ledger() as ledger:
                group.start_soon(wait, ledger)
                group.start_soon(wait, ledger)
                await anyio.sleep(after_seconds)
        assert codes == ["ledger-stopped"] * 2
        with pytest.raises(EngineError, match="stopping"):
            await ask(ledger, "worker")

    run_virtual(live)


# ── evicted while loading ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fails", [False, True])
def test_a_load_that_is_evicted_gives_its_memory_back_at_once(fails: bool) -> None:
    """Also when the runner says that it failed, rather than that it was cancelled."""

    async def live() -> None:
        world = World(stubborn={CODER: BROKEN} if fails else {})
        async with world.ledger() as ledger, anyio.create_task_group() as group:
            with anyio.CancelScope() as asking:
                group.start_soon(ask, ledger, "coder")
                await until(ledger, CODER, "loading")
                began = anyio.current_time()
                assert (await ledger.unload("coder"))[0] == CODER
                assert anyio.current_time() - began < 2.0
                assert world.states(CODER)[:4] == ["reserved", "loading", "draining", "released"]
                assert not ledger.book.failures
                await anyio.sleep(30.0)
                assert world.states(CODER)[4:] == ["reserved", "loading", "resident"]  # somebody still wants it
                asking.cancel()

    run_virtual(live)


@virtual_time
async def test_an_eviction_that_comes_when_the_load_is_as_good_as_done_is_not_lost() -> None:
    """A reading of the GPU is a call in a thread, which a cancellation does not interrupt."""
    world = World(probe_seconds=0.5)
    async with world.ledger() as ledger, anyio.create_task_group() as group:
        group.start_soon(ask, ledger, "eyes", 0.0)
        group.start_soon(ledger.load, "qwen3-vl-2b")
        await until(ledger, "qwen3-vl-2b", "loading")
        await anyio.sleep(LOAD_SECONDS + 0.1)
        await ledger.unload("qwen3-vl-2b")
        assert world.states("qwen3-vl-2b")[:4] == ["reserved", "loading", "draining", "released"]
        group.cancel_scope.cancel()


# ── unloaded while wanted ───────────────────────────────────────────────────────────────────────


@virtual_time
async def test_what_is_wanted_again_while_it_is_unloaded_by_hand_was_unloaded() -> None:
    world = World()
    async with world.ledger() as ledger, anyio.create_task_group() as group:

        async def want() -> None:
            await anyio.sleep(0.1)
            assert await ask(ledger, "worker", patience_seconds=60.0) == "qwen3-8b"

        group.start_soon(want)
        assert (await ledger.unload("worker"))[0] == "qwen3-8b"
        await anyio.sleep(10.0)
        assert world.states("qwen3-8b")[3:] == ["draining", "released", "reserved", "loading", "resident"]


@virtual_time
async def test_whoever_uses_what_is_unloaded_by_hand_may_finish() -> None:
    async with World().ledger() as ledger, anyio.create_task_group() as group:
        group.start_soon(ask, ledger, "worker", 10.0)
        await anyio.sleep(0.1)
        began = anyio.current_time()
        await ledger.unload("worker")
        assert 9.0 < anyio.current_time() - began < 12.0


@virtual_time
async def test_a_model_that_crashes_while_it_drains_is_not_waited_for() -> None:
    world = World()
    async with world.ledger() as ledger, anyio.create_task_group() as group:

        async def use() -> None:
            async with ledger.lease("eyes", model="qwen3-vl-2b"):
                await anyio.sleep(100.0)

        group.start_soon(use)
        await anyio.sleep(20.0)
        group.start_soon(ledger.unload, "qwen3-vl-2b")
        await anyio.sleep(1.0)
        world.crash("qwen3-vl-2b")
        await anyio.sleep(UNLOAD_SECONDS + 2.0)
        assert world.states("qwen3-vl-2b")[-1] == "released"
        group.cancel_scope.cancel()


# ── unloads that go wrong ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("foreign_bytes", [0, 25_000_000_000])
def test_a_model_that_cannot_be_unloaded_is_not_tried_all_the_time(foreign_bytes: int) -> None:
    """Neither for somebody who wants its place, nor when another program has taken the memory."""

    async def live() -> None:
        world = World(stays={"qwen3-8b", "qwen3-vl-8b"})
        async with world.ledger() as ledger:
            world.foreign = {"llama3": foreign_bytes} if foreign_bytes else {}
            with anyio.move_on_after(300.0):
                await ask(ledger, "coder", 300.0, patience_seconds=300.0)
            assert 2 <= len(world.unloads) <= 2 * 300 / 30 + 2

    run_virtual(live)


@virtual_time
async def test_an_engine_that_breaks_while_it_is_closed_costs_nobody_else() -> None:
    world = World(stays={"qwen3-8b"}, stays_with=RuntimeError("CUDA"))
    async with world.ledger() as ledger:
        with pytest.raises(EngineError) as raised:
            await ledger.unload("worker")
        assert (raised.value.code, raised.value.message) == ("model-stays", "Qwen3 8B could not be unloaded.")
        assert await ask(ledger, "worker") == "qwen3-8b"


@virtual_time
async def test_a_load_beside_an_unload_does_not_hold_it_up() -> None:
    """What it takes is not what has not come back."""
    async with World().ledger() as ledger, anyio.create_task_group() as group:

        async def load() -> None:
            await anyio.sleep(UNLOAD_SECONDS / 2)
            await ledger.load("qwen3-vl-2b")

        group.start_soon(load)
        began = anyio.current_time()
        await ledger.unload("worker")
        assert anyio.current_time() - began < 5.0


@virtual_time
async def test_what_leaves_the_processor_is_not_looked_for_on_the_gpu() -> None:
    world = World(team="workstation-24gb", foreign={"game": 18_000_000_000})
    async with world.ledger() as ledger:
        model = await ask(ledger, "worker", patience_seconds=0.0)
        assert ledger.book.residents[model].device == "cpu"
        began = anyio.current_time()
        await ledger.unload(model)
        assert anyio.current_time() - began < 2.0
