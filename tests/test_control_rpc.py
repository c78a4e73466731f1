"""The pure half of the socket: lines, requests, parameters, answers, and the token bucket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.control import rpc
from voxspark.control.limits import TokenBucket
from voxspark.control.rpc import ErrorCode, LineSplitter, RpcError
from voxspark.errors import EngineError

REQUEST = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'


@given(st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b" "))), st.integers(1, 9))
def test_lines_do_not_depend_on_how_they_arrive(lines: list[bytes], step: int) -> None:
    splitter = LineSplitter(8)
    data = b"".join(line + b"\n" for line in lines)
    got = [line for at in range(0, len(data), step) for line in splitter.feed(data[at : at + step])]
    assert got == [line if len(line) <= 8 else None for line in lines]


def test_too_long_is_told_at_once_and_once() -> None:
    splitter = LineSplitter(8)
    assert list(splitter.feed(b"123456789")) == [None]
    assert list(splitter.feed(b"0" * 100)) == []
    assert list(splitter.feed(b"end\nnext\n")) == [b"next"]


@pytest.mark.parametrize(
    ("line", "number", "code"),
    [
        (b"", ErrorCode.PARSE_ERROR, "parse-error"),
        (b"\xff\xfe{}", ErrorCode.PARSE_ERROR, "parse-error"),
        (b"\xef\xbb\xbf" + REQUEST, ErrorCode.PARSE_ERROR, "parse-error"),
        (b"[" * 500_000, ErrorCode.PARSE_ERROR, "parse-error"),
        (b'{"a":' * 100_000, ErrorCode.PARSE_ERROR, "parse-error"),
        (b'{"id": NaN}', ErrorCode.PARSE_ERROR, "parse-error"),
        (b'{"id": -Infinity}', ErrorCode.PARSE_ERROR, "parse-error"),
        (b'{"id": 1e999}', ErrorCode.PARSE_ERROR, "parse-error"),
        (b'{"id": 9223372036854775808}', ErrorCode.PARSE_ERROR, "parse-error"),
        (b'{"id": ' + b"9" * 100_000 + b"}", ErrorCode.PARSE_ERROR, "parse-error"),
        (b'{"id": "\\uD800"}', ErrorCode.PARSE_ERROR, "parse-error"),
        (b'{"id": "\xed\xa0\x80"}', ErrorCode.PARSE_ERROR, "parse-error"),
        (b"[" + REQUEST + b"]", ErrorCode.INVALID_REQUEST, "batch-refused"),
        (b"[]", ErrorCode.INVALID_REQUEST, "batch-refused"),
        (b"null", ErrorCode.INVALID_REQUEST, "not-an-object"),
        (b"{}", ErrorCode.INVALID_REQUEST, "not-json-rpc"),
        (b'{"jsonrpc":2.0,"id":1,"method":"ping"}', ErrorCode.INVALID_REQUEST, "not-json-rpc"),
        (b'{"jsonrpc":"2.0","id":1,"result":1}', ErrorCode.INVALID_REQUEST, "no-method"),
        (b'{"jsonrpc":"2.0","id":1,"method":["ping"]}', ErrorCode.INVALID_REQUEST, "no-method"),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', ErrorCode.INVALID_REQUEST, "invalid-id"),
        (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', ErrorCode.INVALID_REQUEST, "invalid-id"),
        (b'{"jsonrpc":"2.0","id":"' + b"x" * 129 + b'","method":"ping"}', ErrorCode.INVALID_REQUEST, "invalid-id"),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}', ErrorCode.INVALID_PARAMS, "invalid-params"),
    ],
)
def test_what_is_no_request(line: bytes, number: ErrorCode, code: str) -> None:
    with pytest.raises(RpcError) as caught:
        rpc.parse(line)
    assert (caught.value.number, caught.value.code) == (number, code)


@pytest.mark.parametrize("id_", [0, -1, 2**63 - 1, 1.5, "", "ü☕", None])
def test_ids_come_back_as_they_are(id_: rpc.Id) -> None:
    request = rpc.parse(json.dumps({"jsonrpc": "2.0", "id": id_, "method": "ping"}).encode())
    assert (request.id, request.wants_answer) == (id_, True)


def test_a_known_id_is_in_the_error() -> None:
    with pytest.raises(RpcError) as caught:
        rpc.parse(b'{"id":"a","method":"ping"}')
    assert caught.value.id == "a"


def test_without_an_id_no_answer_is_wanted() -> None:
    assert not rpc.parse(b'{"jsonrpc":"2.0","method":"ping"}').wants_answer


@pytest.mark.parametrize(
    ("model", "params", "says"),
    [
        (rpc.AskParams, {}, "text: "),
        (rpc.AskParams, {"text": " \n"}, "text: "),
        (rpc.AskParams, {"text": 5}, "text: "),
        (rpc.AskParams, {"text": "x" * 16_001}, "text: "),
        (rpc.AskParams, {"text": "x", "aloud": "yes"}, "aloud: "),
        (rpc.NoParams, {"x": 1}, "x: "),
        (rpc.HistoryParams, {"limit": 0}, "limit: "),
        (rpc.HistoryParams, {"limit": True}, "limit: "),
        (rpc.HistoryParams, {"limit": 10**18}, "limit: "),
        (rpc.TranscribeParams, {}, "params: give either path or audio"),
        (rpc.TranscribeParams, {"path": "/a", "audio": ""}, "params: give either path or audio"),
        (rpc.TranscribeParams, {"path": "a.wav"}, "params: path must be absolute"),
    ],
)
def test_wrong_parameters_name_the_field(model: type[rpc.Params], params: dict[str, Any], says: str) -> None:
    with pytest.raises(RpcError) as caught:
        rpc.check(model, params)
    assert caught.value.number == ErrorCode.INVALID_PARAMS
    assert caught.value.message.startswith(says)


def test_errors_carry_code_and_remedy() -> None:
    message = rpc.failure(3, EngineError("engine-gone", "The engine is gone.", "Start it."))
    assert message["error"] == {
        "code": -32000,
        "message": "The engine is gone.",
        "data": {"code": "engine-gone", "remedy": "Start it."},
    }


@given(st.recursive(st.none() | st.floats() | st.text(st.characters()) | st.integers(), st.lists, max_leaves=5))
def test_an_answer_is_always_one_line_of_json(result: Any) -> None:
    line = rpc.encode(rpc.success(1, result))
    assert line.count(b"\n") == 1
    assert json.loads(line)["id"] == 1


def test_bad_values_of_the_daemon_become_json() -> None:
    line = rpc.encode(rpc.success(1, [float("nan"), {1}, object, "\ud800"]))
    assert json.loads(line)["id"] == 1
    assert json.loads(rpc.encode(rpc.success(1, float("inf"))))["result"] is None


def test_bucket_allows_a_burst_of_twice_the_rate_then_the_rate() -> None:
    bucket = TokenBucket(2.0)
    assert [bucket.take(10.0) for _ in range(6)] == [True] * 4 + [False] * 2
    assert [bucket.take(10.5) for _ in range(2)] == [True, False]
    assert [bucket.take(100.0) for _ in range(5)] == [True] * 4 + [False]
