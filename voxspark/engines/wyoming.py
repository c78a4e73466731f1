"""The Wyoming protocol, in which servers of ears and voices are spoken to (github.com/OHF-Voice/wyoming).

A message is a line of JSON; where the line gives their lengths, more JSON and a payload follow it. It is read here and
not by the `wyoming` package, which takes a garbled message for the end of the connection and has no bounds. The tests
speak to that package.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urlsplit

import anyio
import anyio.lowlevel
from anyio.abc import ByteStream
from anyio.streams.buffered import BufferedByteReceiveStream

from voxspark.errors import EngineError, SynthesizerError, TranscriberError

CONNECT_SECONDS = 2.0

DESCRIBE_SECONDS = 5.0
"""Until a server has told what it is."""

WARM_SECONDS = 60.0
"""For what is asked of a server first, which may load its model only then."""

MOST_LINE_BYTES = 1 << 20

MOST_PART_BYTES = 4 << 20
"""Of more JSON, or of a payload: 43 s of sound at 24 kHz in 32 bits, where servers send some 0.05 s."""

REASON_CHARACTERS = 300
"""Of what the server says, in a remedy."""

Part = Literal["ears", "voice"]

PARTS: Mapping[Part, tuple[type[EngineError], str, str]] = MappingProxyType(
    {"ears": (TranscriberError, "transcriber.host", "asr"), "voice": (SynthesizerError, "voice.host", "tts")}
)
"""The error of each, the setting of its address, and its name in what a server tells of itself."""


@dataclass(frozen=True, slots=True)
class Message:
    """What the protocol calls an event."""

    type: str
    data: Mapping[str, Any] = field(default_factory=dict)
    payload: bytes = b""


class Connection:
    """One request, and what is answered. Raises EngineError."""

    def __init__(self, server: Server, stream: ByteStream, seconds: float) -> None:
        self._server = server
        self._stream = stream
        self._buffered = BufferedByteReceiveStream(stream)
        self._seconds = seconds

    async def send(self, type: str, data: Mapping[str, Any] | None = None, payload: bytes = b"") -> None:
        """A message."""
        body = json.dumps(dict(data or {}), ensure_ascii=False).encode(errors="replace")
        head = {"type": type, "data_length": len(body), "payload_length": len(payload)}
        with self._server.told(), anyio.fail_after(self._seconds):
            await self._stream.send(b"%s\n%s%s" % (json.dumps(head).encode(), body, payload))

    async def receive(self) -> Message:
        """The next message."""
        with self._server.told():
            with anyio.fail_after(self._seconds):
                head = json.loads(await self._buffered.receive_until(b"\n", MOST_LINE_BYTES))
                data = dict(head.get("data") or {})
                if more := await self._part(head.get("data_length")):
                    data |= json.loads(more)
                message = Message(head["type"], data, await self._part(head.get("payload_length")))
            if message.type == "error":
                raise self._server.refusal(str(data.get("text", "")))
            return message

    async def until(self, *types: str) -> Message:
        """The next message of these types, in the time of one; those before it are left out."""
        with self._server.told(), anyio.fail_after(self._seconds):
            while (message := await self.receive()).type not in types:
                await anyio.lowlevel.checkpoint()  # a flood of them is read without waiting
            return message

    async def _part(self, length: int | None) -> bytes:
        if not 0 <= (length or 0) <= MOST_PART_BYTES:
            raise ValueError("the length of a part")
        return await self._buffered.receive_exactly(length or 0)


class Server:
    """Where one is, and how its failures are told."""

    def __init__(self, host: str, part: Part) -> None:
        """Raises EngineError when that is no address."""
        self._error, self._setting, self._domain = PARTS[part]
        self._part = part
        self._place = host
        try:
            address = urlsplit(host)
            if address.scheme != "tcp" or not (address.hostname and address.port):
                raise ValueError("no such address")
            self._host, self._port = address.hostname, address.port
        except ValueError as error:
            raise self._error(
                "wyoming-address",
                f"I do not know where the server of my {part} is.",
                f"Set {self._setting} to an address like tcp://192.168.1.20:10300 (now {host or 'empty'}).",
            ) from error

    @asynccontextmanager
    async def connected(self, *, seconds: float) -> AsyncIterator[Connection]:
        """A connection as long as the block lasts; `seconds` is what each message may take. Raises EngineError."""
        try:
            with anyio.fail_after(CONNECT_SECONDS):
                stream = await anyio.connect_tcp(self._host, self._port)
        except (OSError, UnicodeError) as error:  # TimeoutError is an OSError; idna does not take every name
            raise self._error(
                "wyoming-unreachable",
                f"The server of my {self._part} does not answer.",
                f"Is it running, and is {self._setting} its address ({self._place})?",
            ) from error
        async with stream:
            yield Connection(self, stream, seconds)

    async def check(self) -> None:
        """It is there, and is one for us. Raises EngineError."""
        async with self.connected(seconds=DESCRIBE_SECONDS) as connection:
            await connection.send("describe")
            info = await connection.until("info")
        if not info.data.get(self._domain):
            raise self._error(
                "wyoming-wrong-server",
                f"The server of my {self._part} is one for something else.",
                f"Correct {self._setting} (now {self._place}).",
            )

    def refusal(self, reason: str) -> EngineError:
        """The server says that it cannot do it."""
        return self._error(
            "wyoming-refused",
            f"The server of my {self._part} failed.",
            f"The server at {self._place} says: {reason[:REASON_CHARACTERS]}",
        )

    @contextmanager
    def told(self) -> Iterator[None]:
        """What goes wrong with what is sent and received, as EngineError."""
        try:
            yield
        except TimeoutError as error:
            raise self._error(
                "wyoming-timeout",
                f"The server of my {self._part} takes too long.",
                f"Look at the server at {self._place}.",
            ) from error
        except (anyio.IncompleteRead, anyio.EndOfStream, anyio.BrokenResourceError) as error:
            raise self._error(
                "wyoming-interrupted",
                f"The server of my {self._part} broke off.",
                f"Look at the log of the server at {self._place}.",
            ) from error
        except (
            *(ValueError, OverflowError, TypeError, AttributeError, KeyError, RecursionError),
            anyio.DelimiterNotFound,
        ) as error:
            raise self._error(
                "wyoming-garbled",
                f"The server of my {self._part} sent something that cannot be understood.",
                f"Is {self._place} a Wyoming server?",
            ) from error
