"""A daemon made by hand, a server around it, and a client that speaks raw lines."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import TaskStatus

from voxspark.config_control import ControlSettings
from voxspark.control.access import Access
from voxspark.control.server import LINE_SECONDS, WRITE_SECONDS, Server
from voxspark.control.wire import Wire
from voxspark.errors import ControlError
from voxspark.events import Event, ModelPulled, Reply, TurnEnded, TurnStarted
from voxspark.types import Pcm16, Transcript

TURN: tuple[Event, ...] = (
    TurnStarted(1.0, turn=7, source="socket", end_of_speech=1.0),
    Reply(1.1, turn=7, text="It is noon. "),
    Reply(1.2, turn=7, text="Enjoy your lunch."),
    TurnEnded(2.0, turn=7, outcome="answered", transcript="", heard="It is noon.", timings={"ended": 1.0}),
)

PULL: tuple[ModelPulled, ...] = (
    ModelPulled(1.0, "qwen3:8b", "pulling manifest", 0, 0),
    ModelPulled(1.1, "qwen3:8b", "pulling 5ee4f07cdb9b", 2_600_000_000, 5_200_000_000),
    ModelPulled(1.2, "qwen3:8b", "pulling 5ee4f07cdb9b", 5_200_000_000, 5_200_000_000),
    ModelPulled(1.3, "qwen3:8b", "success", 5_200_000_000, 5_200_000_000),
)

EVENT_BOUND = 256


class FakeDaemon:
    """Records what it is told; answers every question with `turn`."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.turn = TURN
        self.error: Exception | None = None
        """Raised by whatever is called next."""
        self.pull = PULL
        self.models: list[dict[str, Any]] = []
        """What `models_list` answers."""
        self.memory: dict[str, Any] | None = None
        """The ledger, in `status`."""
        self.profile = "embedded"
        self.hold = anyio.Event()
        self.hold.set()
        """Turns and downloads wait here before their last event."""
        self.abandoned = 0
        self.heard_samples: list[Pcm16] = []
        self.seen: list[bytes] = []
        self.turns: list[dict[str, Any]] = [{"turn": 1, "text": "héllo ☕"}]
        self.on_shutdown: Callable[[], None] = lambda: None
        self._subscribers: list[Subscriber] = []

    def _record(self, call: Any) -> None:
        self.calls.append(call)
        if self.error is not None:
            raise self.error

    async def ask(
        self, text: str, *, aloud: bool, role: str = "", images: tuple[bytes, ...] = (), guest: bool = False
    ) -> AsyncGenerator[Event, None]:
        self._record(("ask", text, aloud, *([role] if role else []), *(["guest"] if guest else [])))
        self.seen += images
        async for event in self._play(text):
            yield event

    async def say(self, text: str) -> AsyncGenerator[Event, None]:
        self._record(("say", text))
        async for event in self._play(text):
            yield event

    async def _play(self, text: str) -> AsyncGenerator[Event, None]:
        try:
            for event in self.turn:
                if isinstance(event, TurnEnded):
                    await self.hold.wait()
                    event = replace(event, transcript=text)
                yield event
        except (GeneratorExit, anyio.get_cancelled_exc_class()):
            self.abandoned += 1
            raise

    def press(self) -> None:
        self._record("press")

    def release(self) -> None:
        self._record("release")

    def toggle(self) -> None:
        self._record("toggle")

    async def mute(self, on: bool | None) -> bool:
        self._record(("mute", on))
        return on is not False

    def stop(self) -> None:
        self._record("stop")

    def shutdown(self, reason: str) -> None:
        self._record(("shutdown", reason))
        self.on_shutdown()

    def status(self) -> dict[str, Any]:
        self._record("status")
        told = {"state": "listening", "uptime_seconds": float("nan"), "socket": Path("/run/x"), "memory": self.memory}
        return {**told, "profile": self.profile}

    def microphone(self) -> dict[str, Any]:
        self._record("microphone")
        return {"device": "fake", "state": "open", "level_dbfs": -40.0, "speech": 0.25}

    def history(self, limit: int) -> list[dict[str, Any]]:
        self._record(("history", limit))
        return self.turns[:limit]

    def record(self, turns: int) -> dict[str, Any]:
        self._record(("record", turns))
        return {"folder": "/state/recordings", "turns": turns, "days": 7}

    async def transcribe(self, samples: Pcm16) -> Transcript:
        self._record("transcribe")
        self.heard_samples.append(samples)
        return Transcript("hello there", "en", -0.25)

    async def swarm(self, questions: Sequence[str]) -> list[dict[str, Any]]:
        self._record(("swarm", list(questions)))
        return [{"question": each, "text": each.upper(), "error": None, "seconds": 0.1} for each in questions]

    async def models_load(self, name: str) -> dict[str, Any]:
        self._record(("load", name))
        return {"model": "qwen3-8b", "name": "Qwen3 8B", "bytes": 7_700_000_000, "seconds": 6.5}

    async def models_unload(self, name: str) -> dict[str, Any]:
        self._record(("unload", name))
        return {"model": "qwen3-8b", "freed_bytes": 7_700_000_000}

    async def models_pull(self, name: str) -> AsyncGenerator[ModelPulled, None]:
        self._record(("pull", name))
        try:
            for step in self.pull:
                if step.status == "success":
                    await self.hold.wait()
                yield step
        except (GeneratorExit, anyio.get_cancelled_exc_class()):
            self.abandoned += 1
            raise

    async def models_list(self) -> list[dict[str, Any]]:
        self._record("list")
        return self.models

    def emit(self, event: Event) -> None:
        for subscriber in self._subscribers:
            subscriber.put(event)

    def subscribe(self) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        return self._subscribe()

    @asynccontextmanager
    async def _subscribe(self) -> AsyncIterator[AsyncIterator[Event]]:
        self._record("subscribe")
        subscriber = Subscriber()
        self._subscribers.append(subscriber)
        try:
            yield subscriber.events()
        finally:
            self._subscribers.remove(subscriber)

    @property
    def subscribers(self) -> int:
        return len(self._subscribers)


class Subscriber:
    """A queue of 256 events that breaks when it is full."""

    def __init__(self) -> None:
        self._send, self._receive = anyio.create_memory_object_stream[Event](EVENT_BOUND)
        self._late = False

    def put(self, event: Event) -> None:
        try:
            self._send.send_nowait(event)
        except anyio.WouldBlock:
            self._late = True

    async def events(self) -> AsyncGenerator[Event, None]:
        with self._send, self._receive:
            while True:
                if self._late:
                    raise ControlError("subscriber-too-slow", "The reader of the events is too slow.")
                yield await self._receive.receive()


SETTINGS = ControlSettings(requests_per_second=1_000_000, user_requests_per_second=1_000_000)


@asynccontextmanager
async def serving(
    path: Path,
    daemon: FakeDaemon | None = None,
    settings: ControlSettings = SETTINGS,
    *,
    access: Access | None = None,
    write_seconds: float = WRITE_SECONDS,
    line_seconds: float = LINE_SECONDS,
) -> AsyncIterator[Server]:
    """A server at `path` for the length of the block, at most half a minute."""
    server = Server(
        daemon or FakeDaemon(), settings, access=access, write_seconds=write_seconds, line_seconds=line_seconds
    )
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:

            async def run(*, task_status: TaskStatus[None]) -> None:
                await server.run(path, task_status=task_status)

            await tasks.start(run)
            yield server
            tasks.cancel_scope.cancel()


class RawClient:
    """Sends bytes and requests as they are, receives one JSON object at a time."""

    def __init__(self, end: socket.socket, wire: Wire) -> None:
        self.end = end
        self.wire = wire
        self._received = b""

    async def send(self, *lines: bytes | dict[str, Any]) -> None:
        """All in one write."""
        encoded = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        await self.wire.send(b"".join(line + b"\n" for line in encoded))

    async def receive(self) -> dict[str, Any]:
        while b"\n" not in self._received:
            data = await self.wire.receive()
            if not data:
                raise anyio.EndOfStream
            self._received += data
        line, _, self._received = self._received.partition(b"\n")
        message = json.loads(line)
        assert isinstance(message, dict)
        assert message["jsonrpc"] == "2.0"
        return message

    async def ask(self, method: str, params: Any = None, id_: Any = 1) -> dict[str, Any]:
        """Send one request and take the next message."""
        await self.send(call(method, params, id_))
        return await self.receive()

    async def closed(self) -> bool:
        """Whether the server has nothing more to say and is gone."""
        try:
            await self.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return True
        return False


def call(method: str, params: Any = None, id_: Any = 1) -> dict[str, Any]:
    """A request."""
    return {"jsonrpc": "2.0", "id": id_, "method": method} | ({} if params is None else {"params": params})


@asynccontextmanager
async def raw(path: Path) -> AsyncIterator[RawClient]:
    """A raw connection."""
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with Wire(end) as wire:
        end.connect(str(path))
        yield RawClient(end, wire)


async def until(condition: Callable[[], bool]) -> None:
    """Return when the condition holds."""
    while not condition():
        await anyio.sleep(0.01)
