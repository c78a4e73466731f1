"""Engines in real processes: what a crash, a hang, a cancel and nonsense cost."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path

import anyio
import pytest

from tests.worker_owner import MEBI, Told, alive, dead, failure, running
from voxspark.engines.worker import wire
from voxspark.engines.worker.host import MemoryUse
from voxspark.engines.worker.life import Limits
from voxspark.errors import EngineError, SynthesizerError

pytestmark = [pytest.mark.anyio, pytest.mark.real]


async def test_a_worker_killed_in_mid_stream_costs_one_reply() -> None:
    told = Told()
    async with running(told) as worker:
        await worker.call("hog", {"bytes": 64 * MEBI})
        assert (await worker.memory()).resident_bytes > 64 * MEBI
        first = worker.pid
        assert first is not None
        async with aclosing(worker.stream("stubborn")) as frames:
            await anext(frames)
            os.kill(first, signal.SIGKILL)
            with pytest.raises(EngineError) as caught:
                await anext(frames)
        assert caught.value.code == "worker-crashed"
        assert str(caught.value) == "The test engine crashed. It starts again with the next request."
        assert await worker.memory() == MemoryUse()
        assert (await worker.call("echo", {"a": 1})).values == {"a": 1}
        assert worker.pid != first
        assert (await worker.memory()).resident_bytes < 64 * MEBI
    assert told.states == ["loading", "ready", "gone worker-crashed", "loading", "ready", "gone worker-unloaded"]
    assert "signal 9" in told[2].reason
    assert [change.failed for change in told if change.state == "gone"] == [True, False]


@pytest.mark.parametrize(("method", "how"), [("die", "was killed by signal 9"), ("exit", "exited with status 3")])
async def test_what_was_sent_before_a_crash_is_delivered(method: str, how: str) -> None:
    told = Told()
    async with running(told) as worker, aclosing(worker.stream(method)) as frames:
        await anext(frames)
        with pytest.raises(EngineError, match="crashed"):
            await anext(frames)
        await told.gone()
    assert told[2].reason == f"worker-crashed: {how}"


async def test_a_worker_that_dies_while_idle_is_replaced() -> None:
    told = Told()
    async with running(told) as worker:
        await worker.load()
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        await told.gone()
        await worker.call("echo")
    assert told.states[:4] == ["loading", "ready", "gone worker-crashed", "loading"]


async def test_the_terminate_signal_is_the_daemons_to_obey() -> None:
    async with running() as worker:
        await worker.load()
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGTERM)
        await worker.call("echo")


async def test_a_cancelled_call_returns_at_once_and_frees_the_worker(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with running() as worker:
        await worker.load()
        pid = worker.pid
        with anyio.move_on_after(0.1):
            await worker.call("count", {"to": 1000, "seconds": 0.01, "log": str(log)})
        with anyio.move_on_after(0.1):
            await worker.call("polite")
        assert (await worker.call("echo", {"next": 1})).values == {"next": 1}
        assert log.read_text().startswith("closed at ")
        assert worker.pid == pid


async def test_a_call_cancelled_in_the_queue_never_starts(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with running() as worker, aclosing(worker.stream("stubborn")) as frames:
        await anext(frames)
        with anyio.move_on_after(0.05):
            await worker.call("count", {"to": 1, "log": str(log)})
        assert not log.exists()


async def test_a_worker_that_ignores_a_cancel_is_killed() -> None:
    told = Told()
    async with running(told, Limits(grace_seconds=0.05)) as worker:
        for _ in range(3):
            async with aclosing(worker.stream("stubborn")) as frames:
                await anext(frames)
        assert (await worker.call("echo", {"next": 1})).values == {"next": 1}
    assert told.states.count("gone worker-cancel-ignored") == 3
    assert not any(change.failed for change in told)


@pytest.mark.parametrize("method", ["stubborn", "in_c"])
async def test_a_deadline_ends_a_hang(method: str) -> None:
    told = Told()
    async with running(told) as worker:
        await worker.load()
        pid = worker.pid
        with pytest.raises(EngineError) as caught:
            await worker.call(method, deadline_seconds=0.1)
        assert caught.value.code == "worker-hung"
        await worker.call("echo")
        assert pid is not None
        assert not alive(pid)
    assert told.states[2] == "gone worker-hung"


async def test_a_slow_reader_does_not_use_up_the_deadline() -> None:
    async with running() as worker:
        await worker.load()
        async with aclosing(worker.stream("count", {"to": 12}, deadline_seconds=0.5)) as frames:
            async for _ in frames:
                await anyio.sleep(0.06)


async def test_a_worker_that_cannot_answer_a_ping_says_so() -> None:
    async with running(limits=Limits(reply_seconds=0.1)) as worker:
        await worker.load()
        async with anyio.create_task_group() as group:
            group.start_soon(worker.call, "in_c")
            await anyio.sleep(0.1)
            with pytest.raises(EngineError) as caught:
                await worker.ping()
            group.cancel_scope.cancel()
        assert caught.value.code == "worker-silent"


ERRORS = [
    ("refuse", "voice-unknown", "There is no voice of that name. Choose another."),
    ("wrong", "worker-call-failed", "The test engine failed. It met a ValueError;"),
    ("no_frames", "worker-call-failed", "TypeError"),
    ("exhaust", "worker-out-of-memory", "The test engine ran out of memory."),
    ("missing", "worker-method-unknown", "cannot missing"),
    ("__init__", "worker-method-unknown", "cannot __init__"),
    ("hoard", "worker-call-failed", "TypeError"),
    ("no_json", "worker-wire", "not ready for JSON"),
]


async def test_an_error_in_the_engine_is_an_error_of_the_call() -> None:
    told = Told()
    async with running(told, error=SynthesizerError) as worker:
        for method, code, said in ERRORS:
            error = await failure(worker, method)
            assert isinstance(error, SynthesizerError)
            assert error.code == code
            assert said in str(error)
            assert "somebody said" not in str(error)
        await worker.call("echo")
    assert told.states == ["loading", "ready", "gone worker-unloaded"]


async def test_what_is_too_large_is_refused_on_either_side() -> None:
    async with running() as worker:
        with pytest.raises(EngineError, match="too large") as caught:
            await worker.call("echo", payload=bytes(100 * MEBI))
        assert caught.value.code == "worker-wire"
        with pytest.raises(EngineError, match="too large"):
            await worker.call("echo", {"text": "x" * wire.HEADER_LIMIT_BYTES})
        with pytest.raises(EngineError, match="not ready for JSON"):
            await worker.call("echo", {"text": b"bytes"})
        assert (await failure(worker, "big", bytes=100 * MEBI)).code == "worker-wire"
        assert len((await worker.call("big", {"bytes": wire.PAYLOAD_LIMIT_BYTES})).payload) == 32 * MEBI


NONSENSE = [
    b"GET / HTTP/1.1\r\n\r\n",
    wire.PREFIX.pack(wire.MAGIC, wire.HEADER_LIMIT_BYTES + 1, 0),
    wire.PREFIX.pack(wire.MAGIC, 2, 0xFFFFFFFF) + b"{}",
    wire.PREFIX.pack(wire.MAGIC, 4, 0) + b"null",
    wire.encode(wire.Ping(1)),
]


async def test_nonsense_from_the_worker_ends_it() -> None:
    told = Told()
    async with running(told) as worker:
        for junk in NONSENSE:
            assert (await failure(worker, "nonsense", hex=junk.hex())).code == "worker-nonsense"
            await worker.call("echo")
    assert told.states[2::3] == ["gone worker-nonsense"] * len(NONSENSE) + ["gone worker-unloaded"]


async def test_a_worker_that_sends_more_than_its_window_is_ended() -> None:
    told = Told()
    async with running(told) as worker, aclosing(worker.stream("flood")) as frames:
        await anext(frames)
        await told.gone()
        with pytest.raises(EngineError) as caught:
            assert len([frame async for frame in frames]) < 2 * wire.WINDOW
    assert caught.value.code == "worker-nonsense"


async def test_helpers_a_worker_forked_die_with_it() -> None:
    async with running() as worker:
        helper = (await worker.call("helper")).values["pid"]
        assert (await failure(worker, "die")).code == "worker-crashed"
        await dead(helper)
        await worker.call("echo")
        helper = (await worker.call("helper")).values["pid"]
        await worker.unload()
        await dead(helper)


@pytest.mark.parametrize("method", ["stubborn", "in_c"])
def test_a_worker_dies_with_a_daemon_that_is_killed(method: str) -> None:
    """Within a second of `kill -9`, even when the worker hangs in C code that holds the interpreter lock."""
    daemon = subprocess.Popen([sys.executable, "-m", "tests.worker_target", method], stdout=subprocess.PIPE)
    with daemon:
        assert daemon.stdout is not None
        worker = json.loads(daemon.stdout.readline())["worker"]
        watched = os.pidfd_open(worker)
        daemon.kill()
        readable, _, _ = select.select([watched], [], [], 1.0)
        os.close(watched)
    assert readable


def test_a_worker_whose_daemon_died_before_it_could_say_so_ends_itself() -> None:
    command = [sys.executable, "-m", "voxspark.engines.worker.child", "tests.worker_target:Engine", "0", "1"]
    assert subprocess.run(command, timeout=10, check=False).returncode == 0
