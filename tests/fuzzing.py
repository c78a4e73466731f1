"""Clients that send a socket what no client should, and among it requests whose every answer is checked.

`python -m tests.fuzzing PATH` is a server to try them on, in a process of its own.
"""

from __future__ import annotations

import json
import logging
import random
import resource
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel

from tests.control_fake import FakeDaemon, call
from voxspark.config_control import ControlSettings
from voxspark.control.rpc import ErrorCode
from voxspark.control.server import Server
from voxspark.control.wire import Wire

BATCH = 50
"""Messages sent before their answers are read."""

PROBES = 5
"""Of them whose answers are checked."""

BATCHES_PER_CONNECTION = 20
ANSWER_SECONDS = 120.0
ALLOWED_ERRORS = {int(code) for code in ErrorCode} - {int(ErrorCode.INTERNAL)}
FREE = ControlSettings(requests_per_second=1e9, user_requests_per_second=1e9, max_clients=512)
"""A busy server notices late who has gone: more places than clients."""

PARAMS: tuple[Any, ...] = (
    {},
    {"text": "What is 12 times 12?", "aloud": False},
    {"limit": 3},
    {"path": "/etc/hostname"},
    {"audio": "UklGRg=="},
    {"name": "qwen3:8b"},
    {"on": False},
    {"text": "x", "images": [{"data": "iVBORw0KGgo="}]},
)
METHODS = ("status", "stop", "history", "ping", "mute", "models.list", "models.load", "transcribe", "nope", "Ping", "")
SLOW_METHODS = ("ask", "say", "swarm", "listen.start")
"""Wanted seldom: a real daemon thinks, and speaks."""

ODD_NUMBERS: tuple[Any, ...] = (None, True, 0, -1, 2**63, 2**64, 1e308, 0.1)
ODD: tuple[Any, ...] = (*ODD_NUMBERS, "", "2.0", "\x00", "ä☕\U0001f642", [], {}, [[]], {"a": {}})
ODD_TEXT = (
    b'{"jsonrpc": "2.0", "id": 1, "id": 2, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": NaN, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": 1e999, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"\\ud800": 1}}',
    b'{"jsonrpc": "2.0", "id": ' + b"9" * 3000 + b', "method": "ping"}',
    b"[" * 5000,
    b'{"a":' * 2000 + b"1" + b"}" * 2000,
    b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]',
    b"\xef\xbb\xbf{}",
    b"\xff\xfe\x00",
    b"{}",
    b"",
    b"\r",
)


class Messages:
    """What is sent, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def odd(self) -> bytes:
        """One line that need not mean anything."""
        kind = self.random.random()
        if kind < 0.3:
            line = self._mutated()
        elif kind < 0.6:
            line = json.dumps(self._wrong()).encode()
        elif kind < 0.8:
            line = self.random.choice(ODD_TEXT)
        elif kind < 0.9999:
            line = self.random.randbytes(self.random.randrange(200))
        else:
            line = b"x" * 1_100_000
        return line.replace(b"\n", b" ")

    def _method(self) -> str:
        return self.random.choice(SLOW_METHODS if self.random.random() < 0.002 else METHODS)

    def _mutated(self) -> bytes:
        line = bytearray(json.dumps(call(self._method(), self.random.choice(PARAMS))).encode())
        for _ in range(self.random.randrange(1, 5)):
            at = self.random.randrange(len(line))
            line[at : at + self.random.randrange(4)] = self.random.randbytes(self.random.randrange(4))
            line = line or bytearray(b" ")
        return bytes(line)

    def _wrong(self) -> Any:
        message = call(self._method(), self.random.choice(PARAMS), self.random.randrange(100))
        for _ in range(self.random.randrange(3)):
            message[self.random.choice(("jsonrpc", "id", "method", "params", "more"))] = self.random.choice(ODD)
        if self.random.random() < 0.1:
            message.pop("id", None)
        if isinstance(message.get("params"), dict) and self.random.random() < 0.3:
            message["params"] = {**message["params"], self.random.choice(("text", "on", "x")): self.random.choice(ODD)}
        return message

    def probe(self, id_: str) -> tuple[dict[str, Any], Callable[[Any], bool]]:
        """A request, and whether its answer is right."""
        probes: tuple[tuple[dict[str, Any], Callable[[Any], bool]], ...] = (
            (call("ping", id_=id_), lambda answer: bool(answer.get("result") == "pong")),
            (call("status", id_=id_), lambda answer: "state" in answer.get("result", {})),
            (call("history", {"limit": 1}, id_), lambda answer: isinstance(answer.get("result"), list)),
            (call("listen.stop", id_=id_), lambda answer: answer.get("result") is True),
            (call("no.such", id_=id_), lambda answer: answer.get("error", {}).get("code") == ErrorCode.UNKNOWN_METHOD),
            (
                call("history", {"limit": 0}, id_),
                lambda answer: answer.get("error", {}).get("code") == ErrorCode.INVALID_PARAMS,
            ),
        )
        return self.random.choice(probes)


def _fails(code: ErrorCode, answer: Any) -> bool:
    return bool(answer.get("error", {}).get("code") == code)


@dataclass
class Count:
    """What came of it."""

    messages: int = 0
    probes: int = 0
    answered: int = 0
    busy: int = 0
    """Of them: a daemon that has too much to do says so."""
    connections: int = 0
    dropped: int = 0
    """Of them: the server closed, which loses what was not answered yet."""
    wrong: list[str] = field(default_factory=list)


async def fuzz(path: Path, seed: int, messages: int, count: Count) -> None:
    """One client after the other, until so many messages are sent. Raises TimeoutError for what is not answered."""
    made, sent = Messages(seed), 0
    while sent < messages:
        count.dropped += 1
        with suppress(BlockingIOError, anyio.BrokenResourceError, anyio.EndOfStream), connection(path) as wire:
            count.connections += 1
            received = Lines(wire)
            for number in range(BATCHES_PER_CONNECTION):
                if sent >= messages:
                    break
                sent += BATCH
                await _batch(received, made, f"{seed}-{number}", count)
            count.dropped -= 1
        await anyio.lowlevel.checkpoint()


async def _batch(received: Lines, made: Messages, name: str, count: Count) -> None:
    lines = [made.odd() for _ in range(BATCH - PROBES)]
    waiting: dict[str, Callable[[Any], bool]] = {}
    for number in range(PROBES):
        request, waiting[id_] = made.probe(id_ := f"probe {name}-{number}")
        lines.insert(made.random.randrange(len(lines)), json.dumps(request).encode())
    count.messages += len(lines)
    count.probes += len(waiting)
    with anyio.fail_after(ANSWER_SECONDS):
        await received.wire.send(b"".join(line + b"\n" for line in lines))
        while waiting:
            message = json.loads(await received.next())
            if (error := message.get("error")) and error["code"] not in ALLOWED_ERRORS:
                count.wrong.append(f"{name}: {error}")
            if (right := waiting.pop(str(message.get("id")), None)) is not None:
                count.answered += 1
                if error and error["data"]["code"] == "busy":
                    count.busy += 1
                elif not right(message):
                    count.wrong.append(f"{name}: {message}")


class Lines:
    """What comes over a connection, line by line."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._received = b""

    async def next(self) -> bytes:
        while b"\n" not in self._received:
            data = await self.wire.receive()
            if not data:
                raise anyio.EndOfStream
            self._received += data
        line, _, self._received = self._received.partition(b"\n")
        return line


async def read_slowly(path: Path, seed: int) -> None:
    """Asks for much and reads a few bytes now and then, for ever."""
    chance = random.Random(seed)
    while True:
        await anyio.sleep(0.1)
        with suppress(anyio.BrokenResourceError, OSError), connection(path) as wire:
            asks = b"".join(json.dumps(call("history", {"limit": 1000})).encode() + b"\n" for _ in range(200))
            subscribes = json.dumps(call("events.subscribe")).encode() + b"\n"
            with anyio.move_on_after(chance.uniform(1.0, 8.0)):
                while True:
                    await wire.send(subscribes + asks)
            await wire.receive()


async def stay_half_open(path: Path, seed: int) -> None:
    """Connects and says nothing, or half of something, or closes one side only, for ever."""
    chance = random.Random(seed)
    while True:
        await anyio.sleep(0.1)
        with suppress(anyio.BrokenResourceError, OSError), connection(path) as wire:
            match chance.randrange(3):
                case 0:
                    await wire.send(b'{"jsonrpc": "2.0", "id": 1, "meth')
                case 1:
                    await wire.send(json.dumps(call("events.subscribe")).encode() + b"\n" + b"x" * 100_000)
                    wire._socket.shutdown(socket.SHUT_WR)
            await anyio.sleep(chance.uniform(0.0, 5.0))


@contextmanager
def connection(path: Path) -> Iterator[Wire]:
    """A connection."""
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with Wire(end) as wire:
        end.connect(str(path))
        yield wire


@dataclass(frozen=True)
class Size:
    """A process as the kernel counts it."""

    resident_bytes: int
    descriptors: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> Size:
        fields = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
        )
        resident = int(fields["VmRSS"].split()[0]) * 1024
        return cls(resident, len(list(Path(f"/proc/{pid}/fd").iterdir())), int(fields["Threads"]))


class Forgetful(FakeDaemon):
    """A daemon that remembers nothing of a million calls."""

    def _record(self, call: Any) -> None:
        return None


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(relativeCreated)d %(message)s")
    logging.getLogger("voxspark.control").setLevel(logging.INFO)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
    daemon = Forgetful()
    daemon.turns = [{"turn": number, "said": "x" * 200, "heard": "y" * 200} for number in range(1000)]
    anyio.run(Server(daemon, FREE).run, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
