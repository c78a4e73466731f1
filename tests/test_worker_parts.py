"""The parts of a worker that need no process: frames, patience, back-off and log lines."""

from __future__ import annotations

import io
import json
import logging
import os
from typing import Any, get_args

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.virtual_time import virtual_time
from voxspark.engines.worker import wire
from voxspark.engines.worker.host import Backoff, Patience
from voxspark.engines.worker.output import LINE_LIMIT_CHARACTERS, LINES_PER_SECOND, Output
from voxspark.errors import EngineError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(),
    "str": st.text(),
    "dict[str, Any]": st.dictionaries(st.text(), JSON, max_size=4),
}
MESSAGES = st.one_of(
    [
        st.builds(kind, **{name: FIELDS[str(field.type)] for name, field in kind.__dataclass_fields__.items()})
        for kind in get_args(wire.Message)
    ]
)


@given(st.lists(st.tuples(MESSAGES, st.binary(max_size=100)), max_size=4))
def test_what_is_sent_is_received(frames: list[tuple[wire.Message, bytes]]) -> None:
    stream = io.BytesIO(b"".join(wire.encode(message, payload) for message, payload in frames))
    received = [wire.read(stream) for _ in range(len(frames) + 1)]
    assert received == [*(wire.Received(*frame) for frame in frames), None]


@given(MESSAGES, st.binary(min_size=1, max_size=10), st.data())
def test_a_stream_that_ends_within_a_frame_is_an_error(
    message: wire.Message, payload: bytes, data: st.DataObject
) -> None:
    whole = wire.encode(message, payload)
    cut = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(EngineError, match="stream ends") as caught:
        wire.read(io.BytesIO(whole[:cut]))
    assert caught.value.code == "worker-wire"


@given(st.binary(min_size=1, max_size=100))
def test_bytes_of_any_kind_are_a_frame_or_an_error(junk: bytes) -> None:
    with pytest.raises(EngineError):
        wire.read(io.BytesIO(junk))


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"kind": "nothing"},
        {"kind": "ping"},
        {"kind": "ping", "id": "1"},
        {"kind": "ping", "id": None},
        {"kind": "ping", "id": 1, "more": 2},
        {"kind": "item", "id": 1, "values": []},
        {"kind": ["ping"], "id": 1},
        [],
        "ping",
        7,
    ],
)
def test_headers_that_make_no_sense(header: object) -> None:
    text = json.dumps(header).encode()
    with pytest.raises(EngineError, match="header"):
        wire.read(io.BytesIO(wire.PREFIX.pack(wire.MAGIC, len(text), 0) + text))


def test_headers_of_endless_depth() -> None:
    text = b"[" * 200_000
    with pytest.raises(EngineError, match="header"):
        wire.read(io.BytesIO(wire.PREFIX.pack(wire.MAGIC, len(text), 0) + text))


def test_lengths_are_refused_before_anything_is_read() -> None:
    class Stream:
        def read(self, count: int) -> bytes:
            assert count == wire.PREFIX.size
            return wire.PREFIX.pack(wire.MAGIC, 2, wire.PAYLOAD_LIMIT_BYTES + 1)

    with pytest.raises(EngineError, match="too large"):
        wire.read(Stream())


def test_the_pause_before_a_start_grows_and_is_bounded() -> None:
    backoff, pauses, now = Backoff(), [], 0.0
    for _ in range(10):
        backoff.failed(now)
        pauses.append(max(0.0, backoff.until - now))
        now += 1000
    assert pauses == [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert backoff.resting(backoff.until - 0.001)
    assert not backoff.resting(backoff.until)


def test_an_answered_call_ends_the_pauses() -> None:
    backoff = Backoff()
    for now in (0, 1, 2):
        backoff.failed(now)
    backoff.succeeded()
    backoff.failed(100)
    assert not backoff.resting(100)


@virtual_time
async def test_patience_counts_waits_only() -> None:
    patience = Patience(10)
    for _ in range(3):
        await patience.of(anyio.sleep(3))
        await anyio.sleep(100)
    with pytest.raises(TimeoutError):
        await patience.of(anyio.sleep(3))
    assert anyio.current_time() == pytest.approx(310)


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def printed(*parts: bytes, seconds: list[float] | None = None) -> list[str]:
    """The log lines of these bytes."""
    read, write = os.pipe()
    times = iter(seconds or [])
    logger, kept = logging.Logger("output", logging.DEBUG), Lines()
    logger.addHandler(kept)
    output = Output(read, logger, lambda: next(times, 0.0))
    for part in parts:
        output.feed(part)
    os.close(write)
    output.finish()
    os.close(read)
    return kept.lines


def test_lines_are_put_together_from_parts() -> None:
    assert printed(b"on", b"e\ntw", "ö\r\n\n  thr".encode()[:-1], b"ree") == ["one", "twö", "  three"]


def test_characters_are_put_together_from_parts() -> None:
    assert printed("ö".encode()[:1], "ö".encode()[1:], b"\xff\n") == ["ö\ufffd"]


def test_a_line_without_end_is_cut() -> None:
    assert printed(*[b"x" * 1000] * 50) == ["x" * LINE_LIMIT_CHARACTERS + "…"]


def test_more_lines_than_anybody_reads_are_counted() -> None:
    many = LINES_PER_SECOND + 7
    lines = printed(b"a\n" * many, b"b\n", seconds=[0.0] * many + [1.0])
    assert lines == ["a"] * LINES_PER_SECOND + ["… 7 more lines", "b"]
    assert printed(b"a\n" * many)[-1] == "… 7 more lines"
