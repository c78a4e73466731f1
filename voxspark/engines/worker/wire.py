"""What a daemon and its worker say to each other: a prefix, a JSON header, then raw bytes for audio and images.

    magic "VSW1" | header bytes, u32 | payload bytes, u32 | header | payload        (big endian)

Both lengths are bounded and read before anything is allocated. The connection is a private socket pair: what an engine
writes to its standard output cannot come between.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Protocol, get_args

from voxspark.errors import EngineError

PREFIX = struct.Struct("!4sII")
MAGIC = b"VSW1"

HEADER_LIMIT_BYTES = 4 << 20
"""A chat prompt of 128 k tokens fits."""

PAYLOAD_LIMIT_BYTES = 32 << 20
"""More than five minutes of float samples at 24 kHz, or a raw picture of 8 megapixels."""

WINDOW = 8
"""Items a worker may send ahead of its reader."""


@dataclass(frozen=True, slots=True)
class Load:
    """Make the engine. Answer: Done or Failed."""

    id: int
    config: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """Run a method on the payload. Answers: Items, then Done or Failed."""

    id: int
    method: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class More:
    """The reader has taken an item: one more may be sent."""

    id: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Nobody reads on: end the call soon. Its Done or Failed still comes."""

    id: int


@dataclass(frozen=True, slots=True)
class Ping:
    """Answer at once with Pong, even during a call."""

    id: int


@dataclass(frozen=True, slots=True)
class Measure:
    """Answer at once with Memory, even during a call."""

    id: int


@dataclass(frozen=True, slots=True)
class Item:
    """One streamed result, with a payload."""

    id: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """The request has ended well, or as cancelled."""

    id: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The request has failed; the worker is ready for the next."""

    id: int
    code: str
    message: str
    """`{worker}` stands for the worker's name, which the daemon knows."""
    remedy: str


@dataclass(frozen=True, slots=True)
class Pong:
    """The worker is there."""

    id: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What the worker's process holds."""

    id: int
    resident_bytes: int
    gpu_allocated_bytes: int
    """In torch's tensors; 0 where torch is not loaded."""
    gpu_reserved_bytes: int
    """Taken by torch from the driver; what comes back when the process ends, but for the CUDA context."""


Request = Load | Call | More | Cancel | Ping | Measure
Response = Item | Done | Failed | Pong | Memory
Message = Request | Response

KINDS: dict[str, type[Message]] = {kind.__name__.lower(): kind for kind in get_args(Message)}
FIELD_TYPES = {"int": int, "str": str, "dict[str, Any]": dict}


@dataclass(frozen=True, slots=True)
class Frame:
    """One piece of an engine's answer."""

    values: dict[str, Any] = field(default_factory=dict)
    """Ready for JSON."""
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Received:
    """A message with its payload."""

    message: Message
    payload: bytes


class Readable(Protocol):
    """A blocking source of bytes, such as `socket.makefile("rb")`."""

    def read(self, count: int, /) -> bytes | None:
        """Exactly so many bytes; fewer only at the end."""
        ...


def encode(message: Message, payload: bytes = b"") -> bytes:
    """One frame. Raises EngineError `worker-wire` when it is too large or not ready for JSON; nothing is sent then."""
    fields = {f.name: getattr(message, f.name) for f in dataclasses.fields(message)}
    try:
        header = json.dumps({"kind": type(message).__name__.lower(), **fields}).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise _wire_error(f"Values that are not ready for JSON cannot be sent: {type(error).__name__}.") from error
    _check_lengths(len(header), len(payload))
    return b"".join((PREFIX.pack(MAGIC, len(header), len(payload)), header, payload))


def read(source: Readable) -> Received | None:
    """The next frame, or None when the other end has closed between two; blocks. Raises EngineError `worker-wire`."""
    parsing = Parsing()
    while parsing.count:
        parsing.feed(source.read(parsing.count) or b"")
    return parsing.received


class Parsing:
    """One frame from bytes that the caller reads as it likes."""

    def __init__(self) -> None:
        self.received: Received | None = None
        """Once `count` is 0; None when there was no frame."""
        self._steps = self._parse()
        self.count = next(self._steps)
        """How many bytes are wanted next."""

    def feed(self, data: bytes) -> None:
        """So many bytes, or fewer at the end of the stream. Raises EngineError `worker-wire`."""
        self.count = self._steps.send(data)

    def _parse(self) -> Generator[int, bytes, None]:
        prefix = yield PREFIX.size
        if prefix:
            if len(prefix) < PREFIX.size:
                raise _wire_error("The stream ends within a prefix.")
            magic, header_bytes, payload_bytes = PREFIX.unpack(prefix)
            if magic != MAGIC:
                raise _wire_error("The stream is out of step.")
            _check_lengths(header_bytes, payload_bytes)
            header = yield header_bytes
            payload = (yield payload_bytes) if payload_bytes else b""
            if (len(header), len(payload)) != (header_bytes, payload_bytes):
                raise _wire_error("The stream ends within a frame.")
            self.received = Received(_decode(header), payload)
        yield 0


def _decode(header: bytes) -> Message:
    try:
        values = json.loads(header)
        message = KINDS[values.pop("kind")](**values)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _wire_error("A header cannot be understood.") from error
    for f in dataclasses.fields(message):
        if not isinstance(getattr(message, f.name), FIELD_TYPES[str(f.type)]):
            raise _wire_error(f"A header has the wrong type of {f.name}.")
    return message


def _check_lengths(header_bytes: int, payload_bytes: int) -> None:
    if header_bytes > HEADER_LIMIT_BYTES or payload_bytes > PAYLOAD_LIMIT_BYTES:
        raise _wire_error(
            f"A message of {header_bytes:,} + {payload_bytes:,} bytes is too large; "
            f"the limits are {HEADER_LIMIT_BYTES:,} + {PAYLOAD_LIMIT_BYTES:,}."
        )


def _wire_error(message: str) -> EngineError:
    return EngineError("worker-wire", message)
