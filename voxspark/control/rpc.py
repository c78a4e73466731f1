"""JSON-RPC 2.0, one JSON object per line: lines, requests, parameters, answers. Pure: no socket, no clock, no daemon.

Differences from https://www.jsonrpc.org/specification: parameters are named, and batches are refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, TypeVar

import pydantic_core
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from voxspark.control.limits import Room
from voxspark.errors import ControlError, VoxSparkError

Id = str | int | float | None
Message = dict[str, Any]

MAX_ID_LENGTH = 128
MAX_IMAGES = 4
"""Of a question: each costs a model a thousand tokens."""
MAX_INTEGER = 2**63 - 1
MAX_NAME_LENGTH = 256
MAX_TEXT_LENGTH = 16_000
"""Characters of a question or of a text to say: about a quarter of an hour of speech."""


class ErrorCode(IntEnum):
    """The numbers on the wire; up to -32600 by the specification, from -32000 on ours."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    UNKNOWN_METHOD = -32601
    INVALID_PARAMS = -32602
    INTERNAL = -32603
    REFUSED = -32000
    """A VoxSparkError; `data` carries its code and remedy."""
    RATE_LIMITED = -32001
    TOO_MANY = -32002
    """Clients, or requests in flight."""
    NOT_PERMITTED = -32003
    """A guest wants what only the owner may do."""


class RpcError(ControlError):
    """A request that does not reach the daemon, or broke there."""

    def __init__(self, number: ErrorCode, code: str, message: str, remedy: str = "", *, id_: Id = None) -> None:
        super().__init__(code, message, remedy)
        self.number = number
        self.id = id_


# ── lines ───────────────────────────────────────────────────────────────────────────────────────


class LineSplitter:
    """Cuts a byte stream into lines, holding at most one line of `max_bytes`, and that in `room`."""

    def __init__(self, max_bytes: int, room: Room | None = None) -> None:
        self._max_bytes = max_bytes
        self._room = room or Room(max_bytes)
        self._begun = bytearray()
        self._skipping = False

    @property
    def begun(self) -> bool:
        """Whether a line has begun that has not ended."""
        return self._skipping or bool(self._begun)

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """Whole lines without their newline; None, once, for a line that is too long, or finds no room, and is
        skipped. A line's bytes stay held until the next one is taken."""
        *ends, rest = data.split(b"\n")
        for end in ends:
            if self._overflows(end):
                yield None
            elif not self._skipping:
                yield bytes(self._begun)
            self.clear()
        if self._overflows(rest):
            yield None

    def clear(self) -> None:
        """Forget the line that has begun."""
        self._room.give(len(self._begun))
        self._begun.clear()
        self._skipping = False

    def _overflows(self, piece: bytes) -> bool:
        if self._skipping:
            return False
        fits = len(self._begun) + len(piece) <= self._max_bytes and self._room.take(len(piece))
        if fits:
            self._begun += piece
        else:
            self.clear()
            self._skipping = True
        return not fits


# ── requests ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Request:
    """One call; a notification when `wants_answer` is false."""

    method: str
    params: Mapping[str, Any]
    id: Id
    wants_answer: bool


def parse(line: bytes) -> Request:
    """A line as a request. Raises RpcError, with the request's id where it is known."""
    message = _load(line)
    if isinstance(message, list):
        raise _invalid("batch-refused", "Batches are not served.", "Send one request per line.")
    if not isinstance(message, dict):
        raise _invalid("not-an-object", "A request is a JSON object.")
    id_ = message.get("id")
    if isinstance(id_, bool) or not isinstance(id_, Id) or (isinstance(id_, str) and len(id_) > MAX_ID_LENGTH):
        raise _invalid("invalid-id", f"The id must be a number or a string of at most {MAX_ID_LENGTH} characters.")
    if message.get("jsonrpc") != "2.0":
        raise _invalid("not-json-rpc", 'The request lacks "jsonrpc": "2.0".', id_=id_)
    if not isinstance(method := message.get("method"), str):
        raise _invalid("no-method", "The method must be a string.", id_=id_)
    if not isinstance(params := message.get("params", {}), dict):
        raise RpcError(
            ErrorCode.INVALID_PARAMS, "invalid-params", "params: must be an object.", "Name the parameters.", id_=id_
        )
    return Request(method, params, id_, wants_answer="id" in message)


def _invalid(code: str, message: str, remedy: str = "", *, id_: Id = None) -> RpcError:
    return RpcError(ErrorCode.INVALID_REQUEST, code, message, remedy, id_=id_)


def _load(line: bytes) -> Any:
    """Strict JSON: UTF-8, no NaN or infinity, no integer beyond 64 bits, no lone surrogates, no name twice."""
    try:
        message = json.loads(
            line.decode(), parse_int=_int, parse_float=_float, parse_constant=_float, object_pairs_hook=_object
        )
        if b"\\ud" in line.lower():
            json.dumps(message, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise RpcError(
            ErrorCode.PARSE_ERROR, "parse-error", "The line is not valid JSON.", "Send one JSON object per line."
        ) from error
    return message


def _object(pairs: list[tuple[str, Any]]) -> Message:
    if len(message := dict(pairs)) < len(pairs):
        raise ValueError("a name twice")  # readers differ in which of the two they take
    return message


def _int(digits: str) -> int:
    if abs(number := int(digits)) > MAX_INTEGER:
        raise ValueError("integer beyond 64 bits")
    return number


def _float(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError("not a finite number")
    return number


# ── parameters ──────────────────────────────────────────────────────────────────────────────────

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT_LENGTH)]


class Params(BaseModel):
    """Base of every method's parameters; an unknown name is an error."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class NoParams(Params):
    """For methods without parameters."""


class ImageParams(Params):
    """A picture (PNG, JPEG or WebP), by path or by value."""

    path: str | None = None
    """Absolute, readable by the daemon."""
    data: str | None = None
    """Base64 of the file."""

    @model_validator(mode="after")
    def _one_source(self) -> ImageParams:
        _check_source(self.path, self.data, "data")
        return self


class AskParams(Params):
    """A question."""

    text: Text
    aloud: bool = True
    """Speak the reply."""
    stream: bool = True
    """Send the reply piece by piece, as `reply` notifications, before the result."""
    role: Annotated[str, Field(max_length=64)] = ""
    """Who of the team answers: `coder`, `manager`, …; empty is whoever the agent finds right."""
    agent: bool = False
    """A program asks by itself, not the user: it confirms nothing, and what it wants remembered is asked for."""
    images: Annotated[list[ImageParams], Field(max_length=MAX_IMAGES)] = []
    """What the question is about. Large ones come by path: a request is one line of bounded length."""


class SayParams(Params):
    """A text to be spoken as it is."""

    text: Text


class MuteParams(Params):
    """Close the microphone, or open it again."""

    on: bool | None = None
    """Null is the other of the two."""


class TranscribeParams(Params):
    """A PCM WAV file, by path or by value."""

    path: str | None = None
    """Absolute, readable by the daemon."""
    audio: str | None = None
    """Base64 of the file."""

    @model_validator(mode="after")
    def _one_source(self) -> TranscribeParams:
        _check_source(self.path, self.audio, "audio")
        return self


class SwarmParams(Params):
    """Questions for the swarm."""

    questions: Annotated[list[Text], Field(min_length=1, max_length=64)]
    """Each is answered by itself, in the background."""


class ModelParams(Params):
    """A model."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME_LENGTH)]
    """Its key in the catalogue, its tag, or an alias."""


class HistoryParams(Params):
    """How far back."""

    limit: int = Field(20, ge=1, le=1000)
    """Turns."""


class RecordParams(Params):
    """How much of what follows is kept."""

    turns: int = Field(1, ge=0, le=100)
    """The next ones; none ends it."""


def _check_source(path: str | None, value: str | None, name: str) -> None:
    if (path is None) == (value is None):
        raise ValueError(f"give either path or {name}")
    if path is not None and not path.startswith("/"):
        raise ValueError("path must be absolute")


P = TypeVar("P", bound=Params)


def check(model: type[P], params: Mapping[str, Any]) -> P:
    """The parameters as the method's model. Raises RpcError that names the field."""
    try:
        return model.model_validate(params)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])[:64] or "params"
        reason = first["msg"].removeprefix("Value error, ")
        known = ", ".join(model.model_fields) or "none"
        raise RpcError(
            ErrorCode.INVALID_PARAMS, "invalid-params", f"{field}: {reason}.", f"Parameters: {known}."
        ) from error


# ── answers ─────────────────────────────────────────────────────────────────────────────────────


def request(id_: Id, method: str, params: Mapping[str, Any]) -> Message:
    """A call that wants an answer."""
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}


def notification(method: str, params: Mapping[str, Any]) -> Message:
    """A call that wants none."""
    return {"jsonrpc": "2.0", "method": method, "params": params}


def success(id_: Id, result: Any) -> Message:
    """The answer to a request that was served."""
    return {"jsonrpc": "2.0", "id": id_, "result": result}


def failure(id_: Id, error: VoxSparkError) -> Message:
    """The answer to a request that was not."""
    number = error.number if isinstance(error, RpcError) else ErrorCode.REFUSED
    data = {"code": error.code, "remedy": error.remedy}
    return {"jsonrpc": "2.0", "id": id_, "error": {"code": int(number), "message": error.message, "data": data}}


def encode(message: Message) -> bytes:
    """One line. NaN becomes null and a foreign value its text, so that an answer is always JSON."""
    try:
        return pydantic_core.to_json(message, inf_nan_mode="null", fallback=str) + b"\n"
    except pydantic_core.PydanticSerializationError:  # lone surrogates, from a file name for example
        return json.dumps(message, default=str).encode() + b"\n"
