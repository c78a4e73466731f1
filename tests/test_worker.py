"""Engines in real processes: calls, streams, memory, loading and unloading."""

from __future__ import annotations

import logging
import os
import signal
from contextlib import aclosing
from pathlib import Path

import anyio
import pytest

from tests.worker_owner import MEBI, Told, alive, descriptors, failure, running
from voxspark.engines.worker import wire
from voxspark.engines.worker.host import MemoryUse, Worker
from voxspark.engines.worker.life import Limits
from voxspark.errors import EngineError

pytestmark = [pytest.mark.anyio, pytest.mark.real]


async def test_values_and_payload_go_there_and_back() -> None:
    values = {"text": "Grüße 👋 \u2028 \ud800", "numbers": [1, 2.5, None, True], "kind": "call", "": {}}
    async with running() as worker:
        for payload in (b"", bytes(range(256)), os.urandom(3 * MEBI)):
            frame = await worker.call("echo", values, payload)
            assert (frame.values, frame.payload) == (values, payload)


async def test_the_child_is_alone_light_and_first_to_die() -> None:
    async with running() as worker:
        facts = (await worker.call("facts")).values
        assert facts["pid"] == facts["group"] == worker.pid
        assert facts["oom_score_adj"] >= 800
        assert facts["core_limit"] == 0
        assert facts["allocator"] == "expandable_segments:False"
        assert (facts["sockets"], facts["threads"]) == (1, 2)
        assert not [name for name in facts["modules"] if name.startswith(("numpy", "anyio"))]


async def test_a_stream_comes_as_it_is_made_and_waits_for_its_reader(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with running() as worker:
        params = {"to": 1000, "log": str(log)}
        async with aclosing(worker.stream("count", params)) as frames:
            async for frame in frames:
                await worker.ping()
                if frame.values["number"] == 5:
                    break
        await worker.ping()
        await worker.call("echo")
        assert int(log.read_text().removeprefix("closed at ")) <= 6 + wire.WINDOW + 1


async def test_all_of_a_long_stream_arrives_in_order() -> None:
    async with running() as worker, aclosing(worker.stream("count", {"to": 500, "bytes": 10_000})) as frames:
        assert [frame.values["number"] async for frame in frames] == list(range(500))


async def test_calls_take_turns() -> None:
    order: list[str] = []

    async def count(name: str) -> None:
        async with aclosing(worker.stream("count", {"to": 3, "seconds": 0.005})) as frames:
            order.extend([name async for _ in frames])

    async with running() as worker:
        async with anyio.create_task_group() as group:
            for name in "abc":
                group.start_soon(count, name)
        assert order == list("aaabbbccc")


async def test_ping_and_memory_are_answered_during_a_call() -> None:
    async with running() as worker, aclosing(worker.stream("stubborn")) as frames:
        await anext(frames)
        assert await worker.ping() < 5
        assert (await worker.memory()).resident_bytes > MEBI


async def test_memory_is_what_the_child_and_its_torch_hold() -> None:
    async with running() as worker:
        assert await worker.memory() == MemoryUse()
        await worker.load()
        use = await worker.memory()
        assert use == MemoryUse(use.resident_bytes, 0, 0)
        for initialized, whole, expected in ((False, True, (0, 0)), (True, False, (0, 0)), (True, True, (201, 2001))):
            await worker.call("pretend_torch", {"initialized": initialized, "whole": whole})
            use = await worker.memory()
            assert (use.gpu_allocated_bytes, use.gpu_reserved_bytes) == expected


async def test_unloading_gives_the_memory_back_and_the_next_call_loads_again() -> None:
    told = Told()
    async with running(told) as worker:
        await worker.unload()
        await worker.load()
        pid = worker.pid
        async with aclosing(worker.stream("stubborn")) as frames:
            await anext(frames)
            await worker.unload()
            assert pid is not None
            assert not alive(pid)
            assert worker.pid is None
            with pytest.raises(EngineError) as caught:
                await anext(frames)
        assert caught.value.code == "worker-unloaded"
        await worker.call("echo")
    assert told.states == ["loading", "ready", "gone worker-unloaded"] * 2


async def test_loading_once_for_all_who_wait_and_on_when_one_gives_up(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with running(load=0.3, log=str(log)) as worker:
        async with anyio.create_task_group() as group:
            group.start_soon(worker.load)
            group.start_soon(worker.call, "echo")
            with anyio.move_on_after(0.1):
                await worker.load()
        await worker.call("echo")
    assert len(log.read_text().split()) == 1


@pytest.mark.parametrize(
    ("load", "code"), [("refuse", "model-missing"), ("crash", "worker-crashed"), ("hang", "worker-hung")]
)
async def test_a_load_that_fails_is_tried_again_once_then_less_often(load: str, code: str, tmp_path: Path) -> None:
    log, told = tmp_path / "log", Told()
    async with running(told, Limits(load_seconds=0.3 if load == "hang" else 300), load=load, log=str(log)) as worker:
        for _ in range(5):
            with pytest.raises(EngineError) as caught:
                await worker.load()
            assert caught.value.code == code
    assert len(log.read_text().split()) == 2
    assert told.states == ["loading", f"gone {code}"] * 2


async def test_an_engine_in_no_module_is_an_error() -> None:
    async with Worker("tests.nowhere:Engine", {}, name="test").running() as worker:
        with pytest.raises(EngineError, match="ModuleNotFoundError"):
            await worker.load()


async def test_a_config_that_is_not_ready_for_json_is_an_error() -> None:
    async with running(path=Path("/")) as worker:
        with pytest.raises(EngineError, match="not ready for JSON"):
            await worker.load()


async def test_a_system_that_starts_no_process_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxspark.engines.worker.spawn.COMMAND", ("/nowhere/python",))
    before = descriptors()
    async with running() as worker:
        assert (await failure(worker, "echo")).code == "worker-not-started"
    assert descriptors() == before


async def test_outside_its_scope_nothing_starts() -> None:
    async with running() as worker:
        stream = worker.stream("stubborn")
        await anext(stream)
        pid = worker.pid
    assert pid is not None
    assert not alive(pid)
    with pytest.raises(EngineError) as caught:
        await anext(stream)
    assert caught.value.code == "worker-unloaded"
    assert (await failure(worker, "echo")).code == "worker-not-running"


async def test_errors_of_the_owner_pass_through_bare() -> None:
    async def use() -> None:
        async with running() as worker:
            await worker.call("echo")
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await use()


async def test_what_a_worker_prints_goes_to_the_log_at_level_debug(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "voxspark.worker"):
        async with running() as worker:
            await worker.call("chatter")
            await failure(worker, "wrong")
            await failure(worker, "die", signal=signal.SIGSEGV)
    records = [record for record in caplog.records if record.name == "voxspark.worker.test_engine"]
    lines = [record.getMessage() for record in records]
    assert {record.levelno for record in records} == {logging.DEBUG}
    assert lines[:3] == ["from Python", "from C, \ufffd", "x" * 2000 + "…"]
    assert max(map(len, lines)) <= 2001
    assert sum(line.startswith("many") for line in lines) < 250


async def test_a_thousand_calls_and_twenty_processes_leak_no_descriptor() -> None:
    async with running() as worker:
        await worker.call("echo")
        before = descriptors()
        for number in range(1000):
            assert (await worker.call("echo", {"n": number}, b"x" * number)).values == {"n": number}
        assert descriptors() == before
        for _ in range(5):
            await worker.unload()
            await worker.load()
        assert descriptors() == before
    assert descriptors() < before
