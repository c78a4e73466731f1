"""The client that the command line and scripts use."""

from __future__ import annotations

import socket
from pathlib import Path

import anyio
import pytest

from tests.control_fake import TURN, FakeDaemon, serving, until
from voxspark.config_control import ControlSettings
from voxspark.control import client as client_module
from voxspark.control.access import Access
from voxspark.control.client import Client, connect
from voxspark.errors import ControlError
from voxspark.events import Failed, TimerRang

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "socket"


async def test_calls(path: Path) -> None:
    daemon = FakeDaemon()
    async with serving(path, daemon), connect(path) as client:
        assert (await client.call("status"))["state"] == "listening"
        assert await client.call("history", limit=1) == daemon.turns
        assert await client.call("ping") == "pong"
        assert (await client.call("say", text="Good night."))["outcome"] == "answered"


async def test_ask_streams_and_keeps_the_result(path: Path) -> None:
    daemon = FakeDaemon()
    async with serving(path, daemon), connect(path) as client:
        answer = client.ask("What time is it?", aloud=False)
        assert [text async for text in answer] == ["It is noon. ", "Enjoy your lunch."]
        assert answer.result["reply"] == "It is noon. Enjoy your lunch."
    assert daemon.calls == [("ask", "What time is it?", False)]


async def test_many_calls_wait_at_once(path: Path) -> None:
    daemon = FakeDaemon()
    daemon.hold = anyio.Event()
    answers: dict[str, list[str]] = {}

    async def ask(client: Client, text: str) -> None:
        answer = client.ask(text)
        pieces = [piece async for piece in answer]
        answers[answer.result["transcript"]] = pieces

    async with serving(path, daemon), connect(path) as client, anyio.create_task_group() as tasks:
        for text in ("one", "two", "three"):
            tasks.start_soon(ask, client, text)
        await until(lambda: len(daemon.calls) == 3)
        assert await client.call("ping") == "pong"
        daemon.hold.set()
    assert answers == {text: ["It is noon. ", "Enjoy your lunch."] for text in ("one", "two", "three")}


async def test_a_cancelled_call_harms_no_other(path: Path) -> None:
    daemon = FakeDaemon()
    daemon.hold = anyio.Event()
    async with serving(path, daemon), connect(path) as client:
        with anyio.move_on_after(0.05):
            await client.call("ask", text="x")
        daemon.hold.set()
        assert await client.call("ping") == "pong"


async def test_events(path: Path) -> None:
    daemon = FakeDaemon()
    async with serving(path, daemon), connect(path) as client, anyio.create_task_group() as tasks:

        async def emit() -> None:
            await until(lambda: daemon.subscribers == 1)
            for event in TURN:
                daemon.emit(event)
            await until(lambda: len(got) == len(TURN))
            for n in range(1000):
                daemon.emit(TimerRang(float(n), label="tea"))

        async def collect() -> None:
            async for event in client.events():
                got.append(event)  # noqa: PERF401 - `emit` looks at it

        got: list[object] = []
        tasks.start_soon(emit)
        with pytest.raises(ControlError) as caught:
            await collect()
    assert got[: len(TURN)] == [event.to_json() for event in TURN]
    assert caught.value.code == "subscriber-too-slow"


async def test_errors_of_the_daemon_keep_code_and_remedy(path: Path) -> None:
    daemon = FakeDaemon()
    daemon.error = ControlError("busy", "A turn is running.", "Stop it first.")
    async with serving(path, daemon), connect(path) as client:
        with pytest.raises(ControlError) as caught:
            await client.call("listen.start")
        assert (caught.value.code, caught.value.message, caught.value.remedy) == (
            "busy",
            "A turn is running.",
            "Stop it first.",
        )
        with pytest.raises(ControlError) as caught:
            [_ async for _ in client.ask("x")]
        assert caught.value.code == "busy"
        with pytest.raises(ControlError) as caught:
            await client.call("stat")
        assert (caught.value.code, caught.value.remedy) == ("unknown-method", "Did you mean status?")


async def test_a_failed_turn_is_a_result(path: Path) -> None:
    daemon = FakeDaemon()
    daemon.turn = (Failed(1.0, stage="think", code="chat-gone", message="Gone.", turn=7), TURN[-1])
    async with serving(path, daemon), connect(path) as client:
        answer = client.ask("x")
        assert [text async for text in answer] == []
        assert answer.result["error"]["code"] == "chat-gone"


# ── no daemon, or one that goes ─────────────────────────────────────────────────────────────────


async def failure(path: Path) -> ControlError:
    with pytest.raises(ControlError) as caught:
        async with connect(path) as client:
            await client.call("ping")
    assert caught.value.remedy
    return caught.value


async def test_no_daemon(path: Path) -> None:
    error = await failure(path)
    assert (error.code, error.remedy) == ("daemon-not-running", "Start it with: voxspark run")
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(path))
        assert (await failure(path)).code == "daemon-not-running"
    assert (await failure(path / "deeper")).code == "daemon-not-running"
    assert (await failure(path.with_name("x" * 200))).code == "daemon-not-running"


async def test_a_daemon_that_hangs(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
        busy.bind(str(path))
        busy.listen(0)
        waiting.connect(str(path))
        assert (await failure(path)).code == "daemon-hangs"


async def test_refused_at_the_door(path: Path) -> None:
    async with serving(path, access=Access(frozenset())):
        assert (await failure(path)).code == "forbidden"
    async with serving(path, settings=ControlSettings(max_clients=1)), connect(path) as first:
        await first.call("ping")
        assert (await failure(path)).code == "too-many-clients"


async def test_a_request_that_is_too_long(path: Path) -> None:
    async with serving(path, settings=ControlSettings(max_line_bytes=1024)), connect(path) as client:
        with pytest.raises(ControlError) as caught:
            await client.call("ask", text="x" * 2000)
        assert caught.value.code == "line-too-long"
        assert await client.call("ping") == "pong"


async def test_the_daemon_ends_while_a_call_waits(path: Path) -> None:
    daemon = FakeDaemon()
    daemon.hold = anyio.Event()
    with anyio.CancelScope(shield=True):
        async with anyio.create_task_group() as tasks:
            codes: list[str] = []

            async def ask(client: Client) -> None:
                with pytest.raises(ControlError) as caught:
                    await client.call("ask", text="x")
                codes.append(caught.value.code)

            async with serving(path, daemon):
                context = connect(path)
                client = await context.__aenter__()
                tasks.start_soon(ask, client)
                await until(lambda: bool(daemon.calls))
            await until(lambda: bool(codes))
            await context.__aexit__(None, None, None)
    assert codes == ["connection-lost"]


@pytest.mark.parametrize("line", [b"hello\n", b"[" * 100_000 + b"\n", b"\xff\n"])
async def test_something_else_listens_there(path: Path, line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        async with connect(path) as client:
            peer, _ = other.accept()
            with peer:
                peer.sendall(line)
                with pytest.raises(ControlError) as caught:
                    await client.call("ping")
    assert caught.value.code == "answer-unreadable"


async def test_messages_nobody_reads_are_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MAX_UNREAD", 100)
    daemon = FakeDaemon()
    async with serving(path, daemon), connect(path) as client:
        events = client.events()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(emit_when_subscribed, daemon)
            await anext(events)
        for n in range(200):
            daemon.emit(TimerRang(float(n), label="tea"))
        with pytest.raises(ControlError) as caught:
            [await client.call("ping") for _ in range(1000)]
        assert caught.value.code == "client-too-slow"
        await events.aclose()


async def emit_when_subscribed(daemon: FakeDaemon) -> None:
    await until(lambda: daemon.subscribers == 1)
    daemon.emit(TimerRang(0.0, label="tea"))
