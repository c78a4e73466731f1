"""The ledger when memory is short: what others hold, what was found there, what takes more than it should."""

from __future__ import annotations

from contextlib import suppress

import anyio
import pytest

from tests.virtual_time import run_virtual, virtual_time
from tests.vram_teams import SPARK
from tests.vram_world import BROKEN, HELD, World, ask
from voxspark.errors import EngineError
from voxspark.events import MemoryPressed
from voxspark.vram.planner import QUEUE_LIMIT
from voxspark.vram.snapshot import snapshot
from voxspark.vram.state import SWARM

GB = 1_000_000_000
HOUR = 3600.0


# ── others hold memory ──────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_what_the_profile_keeps_takes_no_turns_when_not_all_of_it_fits() -> None:
    world = World(team="full-power")
    async with world.ledger() as ledger:
        free = SPARK.capacity_bytes - snapshot(ledger)["used_bytes"]
        world.foreign = {"llama3:70b": free + 10 * GB}
        await anyio.sleep(60.0)
        loads = len(world.loads)
        await anyio.sleep(HOUR)
        assert world.loads[loads:] == []


@pytest.mark.parametrize("seen", [True, False])
def test_when_the_manager_cannot_be_had_its_place_is_not_kept(seen: bool) -> None:
    """What others hold is a model in the same Ollama, or something that only the machine sees."""

    async def live() -> None:
        world = World(foreign={"llama3:70b": 40 * GB}) if seen else World(extra=40 * GB)
        async with world.ledger() as ledger:
            assert set(world.present) == HELD - {"gpt-oss-120b"}
            assert await ask(ledger, "worker") == "qwen3-8b"
            assert await ask(ledger, "manager", patience_seconds=5.0) in ("gpt-oss-20b", "qwen3-8b")
            loads = len(world.loads)
            await anyio.sleep(HOUR)
            assert world.loads[loads:] == []
            world.foreign, world.extra = {}, 0
            await anyio.sleep(400.0)
            assert set(world.present) >= HELD
            assert world.most_bytes <= SPARK.capacity_bytes

    run_virtual(live)


@virtual_time
async def test_an_emergency_while_memory_comes_back_does_not_wait_for_it() -> None:
    """Who uses what leaves is cut off at once, where it would have had 20 s to finish."""
    world = World()
    async with world.ledger() as ledger, anyio.create_task_group() as group:
        cut: list[float] = []

        async def work() -> None:
            with suppress(EngineError):
                await ask(ledger, "worker", 1000.0)
            cut.append(anyio.current_time())

        group.start_soon(work)
        await anyio.sleep(1.0)
        group.start_soon(ledger.unload, "worker")
        await anyio.sleep(1.0)
        world.greedy, began = True, anyio.current_time()
        await anyio.sleep(3.0)
        assert cut[0] - began < 2.0
        await anyio.sleep(20.0)
        assert world.unloads == ["qwen3-8b", "qwen3-vl-8b"]
        group.cancel_scope.cancel()


@virtual_time
async def test_an_emergency_on_the_gpu_leaves_the_host_alone() -> None:
    world = World(team="laptop-8gb")
    async with world.ledger() as ledger:
        world.greedy = True
        await anyio.sleep(100.0)
        on_host = {r.model for r in ledger.book.residents.values() if r.device == "cpu"}
        assert on_host
        assert not set(world.unloads) & on_host


@virtual_time
async def test_what_is_pressed_for_memory_from_the_start_loads_nothing() -> None:
    world = World(pressure_percent=50.0)
    async with world.ledger():
        assert not world.loads
        (first, *_) = world.of(MemoryPressed)
        assert isinstance(first, MemoryPressed)
        assert first.level == "hard"
        world.pressure_percent = 0.0
        await anyio.sleep(60.0)
        assert set(world.present) == HELD


@virtual_time
async def test_a_machine_that_does_not_tell_is_planned_by_the_book_alone() -> None:
    world = World(blind=True)
    async with world.ledger() as ledger:
        assert set(world.present) == HELD
        assert await ask(ledger, "coder", patience_seconds=60.0) == "qwen3-coder-30b"
        assert world.most_bytes <= SPARK.capacity_bytes


# ── found in memory ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("model", ["gpt-oss-120b", "qwen3-8b"])
def test_what_is_found_too_small_is_loaded_again_in_its_size(model: str) -> None:
    """Somebody tried it at the terminal; pinned or not."""

    async def live() -> None:
        world = World(present={model: (6 * GB, 2048)})
        async with world.ledger() as ledger:
            await anyio.sleep(100.0)
            assert world.present[model][1] == 8192
            assert ledger.book.residents[model].pinned == (model == "gpt-oss-120b")

    run_virtual(live)


@virtual_time
async def test_what_is_found_larger_is_in_the_book_as_it_is_then_used() -> None:
    world = World(present={"qwen3-8b": (12 * GB, 32_768)})
    async with world.ledger(settled=False) as ledger:
        assert await ask(ledger, "worker") == "qwen3-8b"
        assert ledger.book.residents["qwen3-8b"].context_tokens == world.present["qwen3-8b"][1] == 8192
        assert ledger.book.residents["qwen3-8b"].load_seconds > 5.0  # to have it back takes a load


@virtual_time
async def test_what_is_found_and_wanted_by_many_is_made_ready_once() -> None:
    world = World(present={"qwen3-8b": (7 * GB, 8192)})
    async with world.ledger(settled=False) as ledger, anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(ask, ledger, "worker", 1.0)
        await anyio.sleep(3.0)
        assert world.loads.count("qwen3-8b") == 1
        assert ledger.book.residents["qwen3-8b"].leases == 0


@virtual_time
async def test_what_is_found_and_cannot_be_used_stays_in_the_book_and_is_left_alone_for_a_while() -> None:
    world = World(present={"qwen3-8b": (7 * GB, 8192)})
    world.fails["qwen3-8b"] = [BROKEN] * 100
    async with world.ledger() as ledger:
        for _ in range(20):
            assert await ask(ledger, "worker", patience_seconds=0.0) == "gpt-oss-120b"
            assert ledger.book.residents["qwen3-8b"].state == "resident"
            assert ledger.book.residents["qwen3-8b"].bytes == 7 * GB
            await anyio.sleep(0.2)
        assert world.loads.count("qwen3-8b") == 1


# ── more than they should take ──────────────────────────────────────────────────────────────────


@virtual_time
async def test_a_pinned_model_that_turns_out_too_large_stays_and_answers_for_the_others() -> None:
    world = World(takes={"gpt-oss-120b": 95 * GB})
    async with world.ledger() as ledger:
        await anyio.sleep(HOUR)
        assert len(world.loads) == len(HELD)
        assert "gpt-oss-120b" in world.present
        assert await ask(ledger, "worker", patience_seconds=5.0) == "gpt-oss-120b"


@virtual_time
async def test_a_pinned_model_that_the_machine_cannot_hold_is_given_up_for_the_others() -> None:
    world = World(takes={"gpt-oss-120b": 110 * GB})
    async with world.ledger():
        await anyio.sleep(HOUR)
        assert set(world.present) == HELD - {"gpt-oss-120b"}
        assert world.loads.count("gpt-oss-120b") <= 3


@virtual_time
async def test_a_pinned_model_that_drives_the_machine_to_the_hard_mark_each_time_is_tried_ever_less_often() -> None:
    """It never arrives, so what it takes is never read back."""
    world = World(takes={"gpt-oss-120b": 110 * GB}, slow={"gpt-oss-120b": 60.0})
    async with world.ledger():
        await anyio.sleep(HOUR)
        assert world.loads.count("gpt-oss-120b") <= 20


# ── many ────────────────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_requests_that_alternate_reload_a_bounded_number_of_times_in_half_an_hour() -> None:
    world = World()
    async with world.ledger() as ledger, anyio.create_task_group() as group:
        loads = len(world.loads)
        for turn in range(360):
            group.start_soon(ask, ledger, ["worker", "coder", "eyes", "coder"][turn % 4], 1.0)
            await anyio.sleep(5.0)
        assert 10 < len(world.loads) - loads <= 1800 / (3 * 4.0 + 0.5)  # residency: three loads of 4 s


@virtual_time
async def test_a_thousand_at_once_share_what_is_there_and_a_full_queue_keeps_nobody_from_it() -> None:
    async with World().ledger() as ledger, anyio.create_task_group() as group:
        answers: list[str] = []

        async def question(role: str) -> None:
            try:
                answers.append(await ask(ledger, role, 1.0, priority=SWARM, patience_seconds=60.0))
            except EngineError as error:
                answers.append(error.code)

        for _ in range(1000):
            group.start_soon(question, "worker")
        await anyio.sleep(2.0)
        assert answers == [await ask(ledger, "worker")] * 1000
        answers.clear()
        for _ in range(QUEUE_LIMIT + 10):
            group.start_soon(question, "coder")
        await anyio.sleep(1.0)
        assert answers == ["memory-short"] * 10
        assert await ask(ledger, "ears", priority=1) == "whisper-turbo"


@virtual_time
async def test_a_refusal_gives_no_failure_of_long_ago_as_its_reason() -> None:
    world = World(team="full-power", fails={"flux1-dev": [BROKEN]})
    async with world.ledger() as ledger:
        with pytest.raises(EngineError, match="broken"):
            await ask(ledger, "image", patience_seconds=0.0)
        await anyio.sleep(HOUR)
        world.foreign = {"llama3:70b": 90 * GB}
        await anyio.sleep(60.0)
        with pytest.raises(EngineError) as raised:
            await ask(ledger, "image", patience_seconds=0.0)
        assert raised.value.code == "memory-short"


@virtual_time
async def test_a_voice_loaded_by_hand_can_be_unloaded_by_hand() -> None:
    async with World().ledger() as ledger:
        assert not (await ledger.load("hibari")).pinned
        assert (await ledger.unload("hibari"))[0] == "hibari"
