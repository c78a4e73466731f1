"""The ledger at work: leases, loads, evictions, failures, on a machine in virtual time."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from tests.virtual_time import run_virtual, virtual_time
from tests.vram_teams import SPARK
from tests.vram_world import BROKEN, HELD, LOAD_SECONDS, World, ask, people
from voxspark.errors import EngineError
from voxspark.events import Failed, MemoryPressed, ModelDegraded
from voxspark.vram.measured import MeasuredSizes
from voxspark.vram.snapshot import snapshot
from voxspark.vram.state import GIB, WORK

# ── leases ──────────────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_what_the_profile_keeps_is_loaded_once_and_every_step_is_told() -> None:
    world = World()
    async with world.ledger() as ledger:
        assert set(world.present) == HELD
        assert sorted(world.loads) == sorted(HELD)
        assert world.states("qwen3-8b") == ["reserved", "loading", "resident"]
        told = snapshot(ledger)
        assert told["used_bytes"] == sum(size for size, _ in world.present.values())
        assert told["free_bytes"] == SPARK.capacity_bytes - told["used_bytes"]
        assert {row["state"] for row in told["models"]} == {"resident"}
        json.dumps(told)


@virtual_time
async def test_a_lease_of_what_is_in_memory_takes_no_time_and_counts() -> None:
    async with World().ledger() as ledger:
        before = anyio.current_time()
        async with ledger.lease("worker") as leased, ledger.lease("worker"):
            assert (leased.engine.model, leased.rung.context_tokens) == ("qwen3-8b", 8192)
            assert ledger.book.residents["qwen3-8b"].leases == 2
        assert anyio.current_time() == before
        assert ledger.book.residents["qwen3-8b"].leases == 0


@virtual_time
async def test_a_model_that_does_not_fit_takes_the_place_of_others_and_they_come_back() -> None:
    world = World()
    async with world.ledger() as ledger:
        assert await ask(ledger, "coder", patience_seconds=60.0) == "qwen3-coder-30b"
        assert world.states("qwen3-coder-30b") == ["reserved", "loading", "resident"]
        assert "draining" in world.states("qwen3-8b") or "draining" in world.states("qwen3-vl-8b")
        assert world.most_bytes <= SPARK.capacity_bytes
        await anyio.sleep(400.0)
        assert set(world.present) >= HELD
        assert world.most_bytes <= SPARK.capacity_bytes


@virtual_time
async def test_many_who_want_one_model_load_it_once() -> None:
    world = World()
    async with world.ledger() as ledger, anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(ask, ledger, "coder", 1.0)
        await anyio.sleep(40.0)
        assert world.loads.count("qwen3-coder-30b") == 1
        assert ledger.book.residents["qwen3-coder-30b"].leases == 0


@virtual_time
async def test_whoever_gives_up_leaves_no_lease_and_the_load_goes_on() -> None:
    async with World().ledger() as ledger:
        with anyio.move_on_after(3.0):
            await ask(ledger, "coder", patience_seconds=60.0)
        await anyio.sleep(30.0)
        coder = ledger.book.residents["qwen3-coder-30b"]
        assert (coder.state, coder.leases) == ("resident", 0)
        assert not people(ledger)


@virtual_time
async def test_whoever_gives_up_before_anything_began_is_forgotten() -> None:
    world = World()
    world.extra = 100_000_000_000
    async with world.ledger() as ledger:
        with anyio.move_on_after(3.0):
            await ask(ledger, "coder", patience_seconds=600.0)
        assert not people(ledger)


@virtual_time
async def test_a_role_that_nobody_fills_is_an_error_with_a_remedy() -> None:
    async with World().ledger() as ledger:
        with pytest.raises(EngineError, match="has nobody for image") as raised:
            await ask(ledger, "image")
        assert "[roles.image]" in raised.value.remedy


# ── failures ────────────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_a_failed_load_is_told_with_its_remedy_once_and_tried_again() -> None:
    world = World(team="swarm")
    world.fails["nomic-embed-v2"] = [BROKEN, BROKEN, BROKEN]
    async with world.ledger(settled=False) as ledger:
        with pytest.raises(EngineError) as raised:
            await ask(ledger, "embedder")
        assert (raised.value.code, raised.value.remedy) == ("model-broken", "Pull it again.")
        with pytest.raises(EngineError, match="broken"):
            await ask(ledger, "embedder")  # at once, while it cools
        await anyio.sleep(60.0)
        assert await ask(ledger, "embedder") == "nomic-embed-v2"
        assert [event.code for event in world.of(Failed) if isinstance(event, Failed)] == ["model-broken"]


@pytest.mark.parametrize(("scattered", "remedy"), [(True, "compact_memory"), (False, "Choose a smaller one.")])
@virtual_time
async def test_memory_in_small_pieces_has_a_remedy_of_its_own(scattered: bool, remedy: str) -> None:
    world = World(team="swarm", scattered=scattered)
    world.fails["nomic-embed-v2"] = [
        EngineError("ollama-out-of-memory", "There is not enough memory.", "Choose a smaller one.")
    ]
    async with world.ledger(settled=False) as ledger:
        with pytest.raises(EngineError) as raised:
            await ask(ledger, "embedder")
    assert remedy in raised.value.remedy


@virtual_time
async def test_who_cannot_have_the_best_gets_the_next() -> None:
    world = World()
    world.fails["csm-1b"] = [BROKEN] * 100
    async with world.ledger() as ledger:
        assert await ask(ledger, "voice", patience_seconds=0.0) == "hibari"
        (degraded, *_) = world.of(ModelDegraded)
        assert isinstance(degraded, ModelDegraded)
        assert (degraded.role, degraded.model) == ("voice", "hibari")
        assert ledger.book.residents["hibari"].pinned


@virtual_time
async def test_an_engine_that_breaks_in_its_own_way_is_an_error_of_ours() -> None:
    world = World()
    world.fails["qwen3-8b"] = [RuntimeError("CUDA")]  # type: ignore[list-item]
    async with world.ledger() as ledger:
        assert await ask(ledger, "worker") == "qwen3-8b"
        assert [event.code for event in world.of(Failed) if isinstance(event, Failed)] == ["model-load-failed"]


@virtual_time
async def test_a_crash_is_counted_back_and_what_is_kept_is_loaded_again() -> None:
    world = World()
    async with world.ledger() as ledger:
        async with ledger.lease("voice"):
            world.crash("csm-1b")
            assert ledger.book.residents["csm-1b"].state == "draining"
        await anyio.sleep(30.0)
        assert world.states("csm-1b")[3:] == ["draining", "released", "reserved", "loading", "resident"]
        assert ledger.book.residents["csm-1b"].leases == 0


@virtual_time
async def test_what_leaves_without_a_word_is_noticed() -> None:
    world = World()
    async with world.ledger() as ledger:
        del world.present["qwen3-8b"]
        await anyio.sleep(30.0)
        assert await ask(ledger, "worker") == "qwen3-8b"
        assert world.loads.count("qwen3-8b") == 2


@virtual_time
async def test_a_server_that_goes_and_comes_needs_no_restart_of_ours() -> None:
    world = World()
    async with world.ledger() as ledger:
        world.away.add("ollama")
        world.present = {model: held for model, held in world.present.items() if model in ("csm-1b", "whisper-turbo")}
        await anyio.sleep(5.0)
        with pytest.raises(EngineError, match="Ollama does not answer"):
            await ask(ledger, "worker")
        world.away.clear()
        await anyio.sleep(30.0)
        assert await ask(ledger, "worker") == "qwen3-8b"
        assert set(world.present) == HELD


# ── eviction ────────────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_a_model_at_work_is_cut_only_when_its_time_is_up() -> None:
    world = World()
    async with world.ledger() as ledger, anyio.create_task_group() as group:
        cut: list[float] = []

        async def work() -> None:
            with pytest.raises(EngineError) as raised:
                await ask(ledger, "eyes", 1000.0, priority=WORK)
            assert raised.value.code == "model-evicted"
            cut.append(anyio.current_time())

        async def talk() -> None:
            with suppress(EngineError):
                await ask(ledger, "worker", 1000.0)

        group.start_soon(work)
        group.start_soon(talk)
        await anyio.sleep(60.0)
        asked_at = anyio.current_time()
        await ask(ledger, "coder", priority=90, patience_seconds=300.0)
        assert cut
        assert cut[0] - asked_at >= 20.0
        group.cancel_scope.cancel()


@virtual_time
async def test_memory_that_comes_back_late_is_waited_for() -> None:
    world = World(late_seconds=15.0)
    async with world.ledger() as ledger:
        before = anyio.current_time()
        assert await ask(ledger, "coder", patience_seconds=300.0) == "qwen3-coder-30b"
        assert anyio.current_time() - before >= 15.0 + LOAD_SECONDS
        assert world.available() >= SPARK.floor_bytes


@virtual_time
async def test_a_model_that_cannot_be_unloaded_stays_on_the_books() -> None:
    world = World(stays={"qwen3-8b", "qwen3-vl-8b"})
    async with world.ledger() as ledger:
        assert await ask(ledger, "coder", patience_seconds=60.0) != "qwen3-coder-30b"
        assert set(world.unloads) & world.stays
        assert world.most_bytes <= SPARK.capacity_bytes
        assert await ask(ledger, "worker") == "qwen3-8b"


@virtual_time
async def test_unloaded_by_hand_it_stays_out_until_somebody_wants_it() -> None:
    world = World()
    async with world.ledger() as ledger:
        model, freed = await ledger.unload("worker")
        assert (model, freed > 5e9) == ("qwen3-8b", True)
        await anyio.sleep(300.0)
        assert "qwen3-8b" not in world.present
        assert await ask(ledger, "worker", patience_seconds=60.0) == "qwen3-8b"


@pytest.mark.parametrize(
    ("name", "code"),
    [("manager", "model-pinned"), ("coder", "model-not-loaded"), ("gpt-6", "model-unknown"), ("flux", "role-unfilled")],
)
@virtual_time
async def test_what_cannot_be_unloaded_by_hand(name: str, code: str) -> None:
    async with World().ledger() as ledger:
        with pytest.raises(EngineError) as raised:
            await ledger.unload(name)
        assert raised.value.code == code


@virtual_time
async def test_loading_by_hand_takes_roles_tags_and_models_outside_the_profile() -> None:
    async with World().ledger() as ledger:
        assert (await ledger.load("coder")).model == "qwen3-coder-30b"
        assert (await ledger.load("qwen3:14b")).model == "qwen3-14b"


# ── others on the same machine ──────────────────────────────────────────────────────────────────


@virtual_time
async def test_models_of_others_are_counted_and_never_touched() -> None:
    world = World(foreign={"llama3:70b": 40_000_000_000})
    async with world.ledger() as ledger:
        assert snapshot(ledger)["foreign"] == [{"name": "llama3:70b", "bytes": 40_000_000_000}]
        assert "llama3:70b" not in world.unloads
        assert world.most_bytes <= SPARK.capacity_bytes
        assert "gpt-oss-120b" not in world.present  # 66 GB beside 40 do not fit
        world.foreign.clear()
        await anyio.sleep(120.0)
        assert set(world.present) == HELD


@virtual_time
async def test_models_of_others_leave_when_the_configuration_lets_them() -> None:
    world = World(evict_foreign=True, foreign={"llama3:70b": 40_000_000_000})
    async with world.ledger():
        await anyio.sleep(120.0)
        assert world.unloads[0] == "llama3:70b"
        assert set(world.present) == HELD


@virtual_time
async def test_what_an_earlier_life_left_in_memory_is_taken_over() -> None:
    world = World()
    async with world.ledger():
        earlier = dict(world.present)
    again = World(present=earlier)
    async with again.ledger() as ledger:
        assert again.most_bytes <= SPARK.capacity_bytes
        assert not again.unloads
        assert await ask(ledger, "manager") == "gpt-oss-120b"


@virtual_time
async def test_the_hard_mark_unloads_one_after_the_other_the_least_important_first_and_pins_last() -> None:
    """Nothing of what leaves comes back, so nobody waits a minute for it."""
    world = World()
    async with world.ledger():
        world.greedy = True
        await anyio.sleep(75.0)
        assert world.unloads == ["qwen3-vl-8b", "qwen3-8b", "gpt-oss-120b", "nomic-embed-v2"]
        assert len(world.loads) == len(HELD)  # pressed for memory, it loads nothing
        (first, *_) = world.of(MemoryPressed)
        assert isinstance(first, MemoryPressed)
        assert (first.level, first.available_bytes) == ("hard", 4 * GIB)
        world.greedy = False
        await anyio.sleep(300.0)
        assert set(world.present) == HELD


# ── what was read back ──────────────────────────────────────────────────────────────────────────


def test_what_a_model_really_takes_is_remembered_and_planned_with(tmp_path: Path) -> None:
    file = tmp_path / "state" / "measured.json"

    async def live() -> None:
        world = World(measured_file=file, takes={"qwen3-8b": 9_000_000_000})
        async with world.ledger() as ledger:
            assert ledger.book.residents["qwen3-8b"].bytes == 9_000_000_000
            assert [rung.bytes for rung in ledger.team.best() if rung.model == "qwen3-8b"] == [9_000_000_000]

    run_virtual(live)
    assert MeasuredSizes(file)["qwen3-8b", 8192, 1, "f16"] == 9_000_000_000


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": [[1]]}', '{"a": [["m", 1, 1, "f32", 5]]}', '{"a": 3}', "\0"])
def test_a_spoilt_file_costs_the_corrections_only(tmp_path: Path, text: str) -> None:
    file = tmp_path / "measured.json"
    file.write_text(text)
    sizes = MeasuredSizes(file)
    assert not sizes
    sizes.learn(("qwen3-8b", 8192, 1, "f16"), 1000)
    sizes.learn(("qwen3-8b", 8192, 1, "f16"), 2000)
    assert dict(MeasuredSizes(file)) == {("qwen3-8b", 8192, 1, "f16"): 1500}


def test_a_place_that_cannot_be_written_costs_the_corrections_only() -> None:
    sizes = MeasuredSizes(Path("/proc/nothing/measured.json"))
    sizes.learn(("qwen3-8b", 8192, 1, "f16"), 1000)
    assert sizes["qwen3-8b", 8192, 1, "f16"] == 1000


# ── leases by themselves ────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_a_revoked_lease_does_nothing_more() -> None:
    async with World().ledger() as ledger, ledger.lease("worker") as leased:
        leased.revoke()

        async def work() -> None:
            raise AssertionError("it ran")

        with pytest.raises(EngineError, match="had to leave memory"):
            await leased.guard(work())


@virtual_time
async def test_a_cancelled_guard_is_cancelled_and_not_an_eviction() -> None:
    async with World().ledger() as ledger, ledger.lease("worker") as leased:
        with anyio.move_on_after(1.0) as scope:
            await leased.guard(anyio.sleep(10.0))
        assert scope.cancelled_caught
        assert await leased.guard(_seven()) == 7


async def _seven() -> int:
    return 7
