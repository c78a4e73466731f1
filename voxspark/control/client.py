"""The other end of the socket, for the command line and for scripts.

    async with connect(path) as client:
        print(await client.call("status"))
        answer = client.ask("What time is it?")
        async for text in answer:
            print(text)
        print(answer.result["outcome"])

Several calls may wait at once. Nothing runs in the background: whoever waits reads the socket, for itself and the
others.
"""

from __future__ import annotations

import json
import socket
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio

from voxspark.control import rpc
from voxspark.control.rpc import Message
from voxspark.control.wire import Wire
from voxspark.errors import ControlError

MAX_ANSWER_BYTES = 16 << 20

MAX_UNREAD = 4096
"""Messages kept for one call that does not take them."""

PROGRESS = ("reply", "pull", "mic")
"""Notifications on the way to an answer; they carry the number of its request."""

EVENTS = "events"
"""Where event notifications go; requests have numbers."""


class Client:
    """One connection to the daemon. Every method raises ControlError, with what the daemon said where it did."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._lines = rpc.LineSplitter(MAX_ANSWER_BYTES)
        self._writing = anyio.Lock()
        self._somebody_reads = False
        self._news = anyio.Event()
        """Set after each read; those who did not read look into their inboxes."""
        self._last_id = 0
        self._inboxes: dict[object, deque[Message]] = {}

    async def call(self, method: str, /, **params: Any) -> Any:
        """The result of one method."""
        self._last_id += 1
        id_ = self._last_id
        with self._inbox(id_):
            await self._send(rpc.request(id_, method, params))
            while True:
                message = await self._next(id_)
                if "result" in message:
                    return message["result"]

    def ask(
        self, text: str, *, aloud: bool = True, role: str = "", images: Sequence[Path] = (), agent: bool = False
    ) -> Answer:
        """Ask a question; read the answer's pieces as they come.

        `role`: who of the team answers; `images`: pictures it is about, which the daemon reads itself; `agent`: a
        program asks by itself, not the user.
        """
        self._last_id += 1
        params: Message = {"text": text, "aloud": aloud, "role": role}
        if images:
            params["images"] = [{"path": str(image.absolute())} for image in images]
        if agent:
            params["agent"] = True
        return Answer(self, self._last_id, params)

    async def pull(self, name: str) -> AsyncGenerator[Message, None]:
        """Download a model: `model`, `status`, `completed_bytes` and `total_bytes`, until it is there."""
        self._last_id += 1
        id_ = self._last_id
        with self._inbox(id_):
            await self._send(rpc.request(id_, "models.pull", {"name": name}))
            while "result" not in (message := await self._next(id_)):
                yield message["params"]

    async def microphone(self) -> AsyncGenerator[Message, None]:
        """Ten times a second what the microphone gives, as `status` says it and `speech`. Never ends by itself."""
        self._last_id += 1
        id_ = self._last_id
        with self._inbox(id_):
            await self._send(rpc.request(id_, "mic.watch", {}))
            while True:
                frame = (await self._next(id_))["params"]
                yield {key: value for key, value in frame.items() if key != "id"}

    async def events(self) -> AsyncGenerator[Message, None]:
        """Every event from now on, as JSON objects; once per client. Never ends by itself: it raises ControlError."""
        with self._inbox(EVENTS):
            await self.call("events.subscribe")
            while True:
                message = await self._next(EVENTS)
                if message["method"] == "events.closed":
                    raise ControlError(message["params"]["code"], message["params"]["reason"], "Subscribe again.")
                yield message["params"]

    @contextmanager
    def _inbox(self, key: object) -> Iterator[None]:
        self._inboxes[key] = deque()
        try:
            yield
        finally:
            del self._inboxes[key]

    async def _send(self, message: Message) -> None:
        async with self._writing:
            with suppress(anyio.BrokenResourceError):  # what the daemon said before it closed is still to be read
                await self._wire.send(rpc.encode(message))

    async def _next(self, key: object) -> Message:
        """The next message for this inbox. Raises ControlError when it is an error."""
        inbox = self._inboxes[key]
        while not inbox:
            if self._somebody_reads:
                await self._news.wait()
                continue
            self._somebody_reads = True
            try:
                await self._read()
            finally:
                self._somebody_reads = False
                self._news.set()
                self._news = anyio.Event()
        message = inbox.popleft()
        if error := message.get("error"):
            data = error.get("data", {})
            raise ControlError(data.get("code", "control-error"), error["message"], data.get("remedy", ""))
        return message

    async def _read(self) -> None:
        data = b""
        with suppress(anyio.BrokenResourceError):
            data = await self._wire.receive()
        if not data:
            raise ControlError(
                "connection-lost", "VoxSpark closed the connection.", "See its log: journalctl --user -u voxspark"
            )
        for line in self._lines.feed(data):
            self._route(_message(line))

    def _route(self, message: Message) -> None:
        """Into the inbox it is for; an error without an id (refused, unreadable) concerns everybody."""
        if message.get("method") in PROGRESS:
            key: object = message["params"]["id"]
        elif "method" in message:
            key = EVENTS
        else:
            key = message.get("id")
        chosen = list(self._inboxes) if key is None else [key]
        for inbox in (self._inboxes[each] for each in chosen if each in self._inboxes):
            if len(inbox) >= MAX_UNREAD:
                raise ControlError("client-too-slow", "Too many messages wait unread.", "Read them as they come.")
            inbox.append(message)


class Answer:
    """The pieces of one reply, to be read once; then the result of the turn."""

    def __init__(self, client: Client, id_: int, params: Message) -> None:
        self._client = client
        self._id = id_
        self._params = params
        self.result: Message = {}
        """`turn`, `outcome`, `transcript`, `reply`, `heard`, `timings`, and `error` if it failed; empty until then."""

    async def __aiter__(self) -> AsyncGenerator[str, None]:
        client = self._client
        with client._inbox(self._id):
            await client._send(rpc.request(self._id, "ask", self._params))
            while "result" not in (message := await client._next(self._id)):
                yield message["params"]["text"]
        self.result = message["result"]


def _message(line: bytes | None) -> Message:
    try:
        message = json.loads(line or b"")
    except (ValueError, RecursionError) as error:
        raise ControlError(
            "answer-unreadable", "The answer is not what VoxSpark would say.", "Is the socket VoxSpark's?"
        ) from error
    return message if isinstance(message, dict) else {}


@asynccontextmanager
async def connect(path: Path) -> AsyncIterator[Client]:
    """A connection to the daemon that listens at `path`. Raises ControlError: `daemon-not-running`,
    `daemon-hangs`, `forbidden`."""
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with Wire(end) as wire:
        try:
            end.connect(str(path))
        except PermissionError as error:
            raise ControlError(
                "forbidden", "This VoxSpark belongs to another user.", "Run the command as the user who runs VoxSpark."
            ) from error
        except BlockingIOError as error:  # its backlog is full
            raise ControlError("daemon-hangs", "VoxSpark does not take connections.", "Try again soon.") from error
        except OSError as error:
            raise ControlError(
                "daemon-not-running", "VoxSpark is not running.", "Start it with: voxspark run"
            ) from error
        yield Client(wire)
