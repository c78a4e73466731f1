"""What a client may do to the daemon and to the other clients: nothing much."""

from __future__ import annotations

import json
import socket
import tracemalloc
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.control_fake import SETTINGS, TURN, FakeDaemon, RawClient, call, raw, serving, until
from voxspark.config_control import ControlSettings
from voxspark.control.connection import MAX_IN_FLIGHT
from voxspark.control.rpc import ErrorCode
from voxspark.events import TimerRang

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control" / "socket"


# ── malformed input ─────────────────────────────────────────────────────────────────────────────

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
METHODS = st.sampled_from(["ask", "say", "transcribe", "history", "status", "stop", "listen.start", "ping", "nope"])
VALID = st.builds(
    lambda method, params: json.dumps(call(method, params)).encode(),
    METHODS,
    st.sampled_from([{}, {"text": "hällo"}, {"limit": 3}, {"path": "/x"}, {"audio": "UklGRg=="}]),
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid request with some bytes replaced, removed, doubled or put in."""
    line = draw(VALID)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(line)))
        cut = draw(st.integers(0, 3))
        line = line[:at] + draw(st.binary(max_size=3)) + line[at + cut :]
    return line


WRONG = st.fixed_dictionaries(
    {},
    optional={"jsonrpc": st.just("2.0") | ANYTHING, "id": ANYTHING, "method": METHODS | ANYTHING, "params": ANYTHING},
).map(lambda message: json.dumps(message).encode())

LINES = (st.binary(max_size=40) | mutated() | WRONG | st.binary(max_size=20).map(lambda junk: b'{"id":' + junk)).map(
    lambda line: line.replace(b"\n", b" ")
)

PER_BATCH = 50
KNOWN_CODES = {int(code) for code in ErrorCode} - {int(ErrorCode.INTERNAL)}


@settings(max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(lines=st.lists(LINES, min_size=PER_BATCH, max_size=PER_BATCH))
async def test_ten_thousand_malformed_messages(tmp_path: Path, lines: list[bytes]) -> None:
    async with serving(tmp_path / "socket"), raw(tmp_path / "socket") as client:
        await client.send(*lines)
        await client.send(call("ping", id_="the end"))
        while (message := await client.receive()).get("id") != "the end":
            if "error" in message:
                assert message["error"]["code"] in KNOWN_CODES, lines
                assert message["error"]["message"]
            else:
                assert "result" in message or message["method"] == "reply"
        assert message["result"] == "pong"


async def test_a_line_of_64_megabytes_is_not_kept(path: Path) -> None:
    megabyte = b"x" * (1 << 20)
    async with serving(path), raw(path) as client:
        tracemalloc.start()
        for _ in range(64):
            await client.wire.send(megabyte)
        await client.send(b"the end of it", call("ping"))
        error, pong = await client.receive(), await client.receive()
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (error["id"], error["error"]["data"]["code"]) == (None, "line-too-long")
    assert pong["result"] == "pong"
    assert peak_bytes < 4 * SETTINGS.max_line_bytes


async def test_a_line_may_be_as_long_as_the_limit_and_no_longer(path: Path) -> None:
    limits = ControlSettings(max_line_bytes=1024)
    line = json.dumps(call("ping")).encode()
    async with serving(path, settings=limits), raw(path) as client:
        await client.send(line.ljust(1024), line.ljust(1025), line)
        got = [await client.receive() for _ in range(3)]
    assert ["result" in message for message in got] == [True, False, True]


async def test_empty_lines_and_carriage_returns_are_nothing(path: Path) -> None:
    async with serving(path), raw(path) as client:
        await client.send(b"", b"\r", b"  ", json.dumps(call("ping")).encode() + b"\r")
        assert (await client.receive())["result"] == "pong"


# ── limits ──────────────────────────────────────────────────────────────────────────────────────


async def test_requests_over_the_rate_are_refused_with_their_id(path: Path) -> None:
    daemon = FakeDaemon()
    limits = ControlSettings(requests_per_second=0.001)
    long = call("ask", {"text": "x" * 5000}, 3)
    async with serving(path, daemon, limits), raw(path) as client, raw(path) as other:
        await client.send(call("stop", id_=1), call("stop", id_=2), {"jsonrpc": "2.0", "method": "stop"}, long)
        first, second, third = [await client.receive() for _ in range(3)]
        assert (await other.ask("ping"))["result"] == "pong"
    assert first["result"] is True
    assert (second["id"], second["error"]["code"]) == (2, -32001)
    assert (third["id"], third["error"]["code"]) == (None, -32001)
    assert daemon.calls == ["stop"]


async def test_long_requests_run_at_once_up_to_the_bound(path: Path) -> None:
    daemon = FakeDaemon()
    daemon.hold = anyio.Event()
    asks = [call("ask", {"text": "x", "stream": False}, n) for n in range(MAX_IN_FLIGHT + 1)]
    async with serving(path, daemon), raw(path) as client:
        await client.send(*asks)
        refused = await client.receive()
        assert (refused["id"], refused["error"]["code"]) == (MAX_IN_FLIGHT, -32002)
        assert (await client.ask("ping"))["result"] == "pong"
        daemon.hold.set()
        answered = {(await client.receive())["id"] for _ in range(MAX_IN_FLIGHT)}
        assert answered == set(range(MAX_IN_FLIGHT))
        assert "result" in await client.ask("ask", {"text": "x", "stream": False})


async def test_one_client_too_many_is_told_so(path: Path) -> None:
    async with serving(path, settings=ControlSettings(max_clients=1)) as server:
        async with raw(path) as first:
            await first.ask("ping")
            async with raw(path) as second:
                assert (await second.receive())["error"]["code"] == -32002
                assert await second.closed()
            assert (await first.ask("ping"))["result"] == "pong"
        await until(lambda: server.clients == 0)
        async with raw(path) as third:
            assert (await third.ask("ping"))["result"] == "pong"


# ── clients that go, and clients that do not read ───────────────────────────────────────────────


async def test_a_client_that_goes_during_ask_does_not_stop_the_turn(path: Path) -> None:
    daemon = FakeDaemon()
    daemon.hold = anyio.Event()
    async with serving(path, daemon) as server:
        async with raw(path) as client:
            assert (await client.ask("ask", {"text": "x"}))["method"] == "reply"
        await until(lambda: daemon.abandoned == 1 and server.clients == 0)
        async with raw(path) as other:
            assert (await other.ask("ping"))["result"] == "pong"
    assert daemon.calls == [("ask", "x", True)]


async def test_a_client_that_only_ends_its_input_gets_its_answers(path: Path) -> None:
    daemon = FakeDaemon()
    daemon.hold = anyio.Event()
    async with serving(path, daemon), raw(path) as client:
        await client.send(call("ask", {"text": "x", "stream": False}), call("ping", id_=2))
        client.end.shutdown(socket.SHUT_WR)
        assert (await client.receive())["id"] == 2
        daemon.hold.set()
        assert (await client.receive())["id"] == 1
        assert await client.closed()


async def test_a_client_that_goes_in_the_middle_of_a_line(path: Path) -> None:
    async with serving(path) as server:
        async with raw(path) as client:
            await client.ask("ping")
            await client.wire.send(b'{"jsonrpc"')
        await until(lambda: server.clients == 0)


async def test_a_client_that_does_not_read_is_dropped_and_harms_nobody(path: Path) -> None:
    daemon = FakeDaemon()
    daemon.turns = [{"text": "x" * 1_000_000}]
    async with serving(path, daemon, write_seconds=0.2) as server, raw(path) as slow, raw(path) as other:
        await slow.send(*(call("history", id_=n) for n in range(5)))
        await until(lambda: bool(daemon.calls))
        assert (await other.ask("ping"))["result"] == "pong"
        await until(lambda: server.clients == 1)
        assert (await other.ask("ping"))["result"] == "pong"
        assert await slow.closed()
    assert daemon.calls == [("history", 20)]


async def test_a_stuck_client_does_not_hold_up_the_end(path: Path) -> None:
    daemon = FakeDaemon()
    daemon.turns = [{"text": "x" * 1_000_000}]
    async with serving(path, daemon, write_seconds=60.0), raw(path) as slow:
        await slow.send(call("history"))
        await until(lambda: bool(daemon.calls))


# ── events ──────────────────────────────────────────────────────────────────────────────────────


async def subscribe(client: RawClient) -> None:
    assert (await client.ask("events.subscribe"))["result"] is True


async def test_events_come_to_every_subscriber_until_it_goes(path: Path) -> None:
    daemon = FakeDaemon()
    async with serving(path, daemon):
        async with raw(path) as one, raw(path) as two:
            await subscribe(one)
            await subscribe(two)
            for event in TURN:
                daemon.emit(event)
            for client in (one, two):
                for event in TURN:
                    message = await client.receive()
                    assert (message["method"], message["params"]) == ("event", event.to_json())
            assert (await one.ask("ping"))["result"] == "pong"
        await until(lambda: daemon.subscribers == 0)


async def test_a_subscriber_that_falls_behind_is_told_and_closed(path: Path) -> None:
    daemon = FakeDaemon()
    async with serving(path, daemon), raw(path) as client:
        await subscribe(client)
        for n in range(1000):
            daemon.emit(TimerRang(float(n), label="tea"))
        last = await client.receive()
        while last["method"] == "event":
            last = await client.receive()
        assert last["method"] == "events.closed"
        assert last["params"] == {"code": "subscriber-too-slow", "reason": "The reader of the events is too slow."}
        assert await client.closed()
        await until(lambda: daemon.subscribers == 0)
