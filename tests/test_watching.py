"""What events become for an operator: records of turns, counters, lines on disk, metrics, traces. Never any words."""

from __future__ import annotations

import errno
import json
import math
import resource
import socket
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from tests.watched_turns import READY, SECRET, TIMINGS, a_turn
from voxspark.config_watching import MetricsSettings, RecordingSettings
from voxspark.errors import ConfigError
from voxspark.events import (
    AudioDropped,
    DeviceChanged,
    EarsChanged,
    Event,
    Failed,
    ModelChanged,
    TurnStarted,
    VoiceChanged,
    VolumeDucked,
)
from voxspark.watching import prometheus
from voxspark.watching.counters import BOUNDS, Counters, Family
from voxspark.watching.prometheus import exposition
from voxspark.watching.store import TurnStore, turns_since
from voxspark.watching.traces import Traces
from voxspark.watching.turns import MOST_LIVE, Stage, TurnRecord, TurnRecords, stages
from voxspark.watching.watcher import Watcher

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def records(*events: Event) -> list[TurnRecord]:
    collected = TurnRecords()
    return [record for event in events if (record := collected.note(event)) is not None]


def counted(*events: Event) -> Counters:
    counters, collected = Counters(), TurnRecords()
    for event in events:
        counters.note(event)
        if (record := collected.note(event)) is not None:
            counters.note_turn(record)
    return counters


# ── records and stages ──────────────────────────────────────────────────────────────────────────


def test_a_turn_becomes_a_record_without_words() -> None:
    (record,) = records(READY, *a_turn(outcome="failed"))
    assert (record.outcome, record.source, record.model) == ("failed", "microphone", "llama_cpp bundled:smollm2")
    assert [(each.tool, each.ok, round(each.done, 3)) for each in record.tools] == [("find_thing", False, 0.45)]
    assert (record.fillers, record.failures) == (1, ("chat-broke",))
    assert SECRET not in json.dumps(record.to_json())
    assert SECRET not in repr(record)


def test_overlapping_turns_are_kept_apart() -> None:
    first, second = a_turn(1), a_turn(2, "interrupted", "socket", "barge-in")
    mixed = [event for pair in zip(first, second, strict=True) for event in pair]
    assert [(each.turn, each.outcome, each.source) for each in records(*mixed)] == [
        (1, "answered", "microphone"),
        (2, "interrupted", "socket"),
    ]


def test_an_end_without_a_beginning_is_no_record_and_lost_turns_do_not_pile_up() -> None:
    assert records(*a_turn()[1:]) == []
    collected = TurnRecords()
    for number in range(10 * MOST_LIVE):
        collected.note(TurnStarted(0.0, number, "socket", 0.0))
    assert len(collected._open) == MOST_LIVE


def test_stages_of_a_whole_turn() -> None:
    assert list(stages(TIMINGS)) == [
        Stage("transcribe", 0.0, 0.2),
        Stage("wait", 0.0, 0.4),
        Stage("think", 0.2, 0.3),
        Stage("compose", 0.3, 0.5),
        Stage("synthesize", 0.5, 0.55),
        Stage("play", 0.55, 0.6),
        Stage("speak", 0.6, 2.0),
    ]


@given(st.dictionaries(st.sampled_from([*TIMINGS, "filler", "unheard_of"]), st.floats(-5, 100)))
def test_stages_never_run_backwards(timings: dict[str, float]) -> None:
    assert all(stage.start <= stage.end for stage in stages(timings))


# ── counters ────────────────────────────────────────────────────────────────────────────────────


def values(families: Iterable[Family]) -> dict[str, float]:
    parsed = text_string_to_metric_families(exposition(families))
    return {
        sample.name + "".join(f" {key}={value}" for key, value in sorted(sample.labels.items())): sample.value
        for family in parsed
        for sample in family.samples
    }


def test_what_is_counted() -> None:
    counters = counted(
        READY,
        *a_turn(1),
        *a_turn(2, "failed"),
        *a_turn(3, "interrupted", reason="barge-in"),
        *a_turn(4, "interrupted", reason="stopped"),
        *[VolumeDucked(1.0, 3, 0.25), VolumeDucked(1.5, 3, 1.0)],
        *[AudioDropped(1.0, 0.5), AudioDropped(2.0, 0.25)],
        *[DeviceChanged(1.0, "microphone", "lost"), DeviceChanged(1.0, "microphone", "open")],
        ModelChanged(1.0, "qwen3-8b", "worker", "resident", 1, "wanted"),
        *[VoiceChanged(1.0, "a", "b", "late"), EarsChanged(1.0, "a", "b", "deaf")],
        Failed(1.0, "control", 'odd "code"\\\n', "x"),
    )
    seen = values(counters.families())
    expected = {
        "turns_total outcome=answered source=microphone": 1,
        "turns_total outcome=interrupted source=microphone": 2,
        "failures_total code=chat-broke stage=think": 1,
        'failures_total code=odd "code"\\\n stage=control': 1,
        "tool_calls_total ok=true tool=find_thing": 3,
        "barge_ins_total": 1,
        "false_alarms_total": 1,
        "dropped_audio_seconds_total": 0.75,
        "devices_lost_total device=microphone": 1,
        "model_changes_total state=resident": 1,
        "voice_changes_total": 1,
        "ears_changes_total": 1,
        "answer_seconds_count source=microphone": 1,
        "answer_seconds_sum source=microphone": 0.6,
        "answer_seconds_bucket le=0.5 source=microphone": 0,
        "answer_seconds_bucket le=0.75 source=microphone": 1,
        "answer_seconds_bucket le=+Inf source=microphone": 1,
        "stage_seconds_count stage=transcribe": 4,
    }
    assert {name: seen[f"voxspark_{name}"] for name in expected} == expected
    assert SECRET not in exposition(counters.families())


@given(st.lists(st.floats(0, 100)))
def test_buckets_grow_to_the_count(seconds: list[float]) -> None:
    counters = Counters()
    for value in seconds:
        counters.note_turn(
            TurnRecord(turn=1, source="s", end_of_speech=0, outcome="answered", timings={"first_audible": value})
        )
    seen = values(counters.families())
    buckets = [seen.get(f"voxspark_answer_seconds_bucket le={bound} source=s", 0) for bound in (*BOUNDS, "+Inf")]
    assert buckets == [*(sum(value <= bound for value in seconds) for bound in BOUNDS), len(seconds)]


# ── on disk ─────────────────────────────────────────────────────────────────────────────────────


def test_turns_are_kept_for_their_owner_and_so_many_days(tmp_path: Path) -> None:
    path, now = tmp_path / "state" / "turns.jsonl", NOW
    store = TurnStore(path, 3, lambda: now)
    for _ in range(6):
        for record in records(*a_turn(1), *a_turn(2, "empty"), *a_turn(3, "withdrawn")):
            store.keep(record)
        now += timedelta(days=1)
    days = [datetime.fromisoformat(each["time"]).day for each in turns_since(path, NOW)]
    assert days == [26, 27, 28, 29]
    assert len(path.read_text().splitlines()) == 4
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert SECRET not in path.read_text()


def test_cut_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "turns.jsonl"
    (record,) = records(*a_turn())
    whole = {"time": NOW.isoformat(), **record.to_json()}
    good = json.dumps(whole)
    wrongs: list[dict[str, object]] = [{"outcome": []}, {"tools": 3}, {"failures": [1]}]
    wrongs += [{"timings": {"ended": seconds}} for seconds in ("x", math.nan, math.inf, 10**400)]
    odd = [{**whole, **wrong} for wrong in wrongs]
    cut = ["{", "[]", "5", '{"time": 3}', '{"time": "2026-01-01T00:00:00"}', "\udcff", "[" * 100_000, '{"time": ""}']
    cut += [json.dumps({"time": NOW.isoformat()}), *map(json.dumps, odd)]
    path.write_bytes("\n".join([good, *cut, good]).encode(errors="surrogateescape"))
    assert len(list(turns_since(path, NOW))) == 2


@pytest.mark.parametrize("spoil", [Path.mkdir, lambda path: path.write_text("[" * 100_000)])
def test_a_file_that_cannot_be_used_ends_nothing(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    (record,) = records(*a_turn())
    spoil(tmp_path / "turns.jsonl")
    TurnStore(tmp_path / "turns.jsonl", 3, lambda: NOW).keep(record)


def test_no_days_and_no_room_write_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (record,) = records(*a_turn())
    TurnStore(tmp_path / "turns.jsonl", 0, lambda: NOW).keep(record)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    TurnStore(tmp_path / "file" / "turns.jsonl", 3, lambda: NOW).keep(record)
    assert "cannot be written" in caplog.text


# ── Prometheus ──────────────────────────────────────────────────────────────────────────────────


async def fetch(request: bytes) -> bytes:
    """What the server says to it."""
    counters = counted(*a_turn())
    async with anyio.create_task_group() as group:
        port = await group.start(prometheus.serve, 0, counters.families)
        async with await anyio.connect_tcp("127.0.0.1", port) as client:
            await client.send(request)
            answer = b""
            try:
                while True:
                    answer += await client.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                pass
        group.cancel_scope.cancel()
    return answer


@pytest.mark.anyio
async def test_metrics_are_served() -> None:
    head, _, body = (await fetch(b"GET /metrics HTTP/1.1\r\nHost: localhost:9100\r\n\r\n")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert b"text/plain; version=0.0.4" in head
    assert f"Content-Length: {len(body)}".encode() in head
    names = {family.name for family in text_string_to_metric_families(body.decode())}
    assert {"voxspark_turns", "voxspark_stage_seconds", "voxspark_answer_seconds"} <= names


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 404),
        (b"POST /metrics HTTP/1.1\r\n\r\n", 405),
        (b"\x00\xff\r\n\r\n", 405),
        (b"GET /metrics HTTP/1.1\r\nHost: evil.example:9100\r\n\r\n", 403),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 9000, 431),
    ],
)
async def test_nothing_else_is(request_: bytes, status: int) -> None:
    assert (await fetch(request_)).startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.anyio
async def test_who_asks_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "CLIENT_SECONDS", 0.02)
    assert await fetch(b"GET /metr") == b""


@pytest.mark.anyio
async def test_a_flood_of_clients_takes_few_descriptors() -> None:
    async with anyio.create_task_group() as group, AsyncExitStack() as clients:
        port = await group.start(prometheus.serve, 0, Counters().families)
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(40):
            await clients.enter_async_context(await anyio.connect_tcp("127.0.0.1", port))
        await anyio.wait_all_tasks_blocked()
        assert len(list(Path("/proc/self/fd").iterdir())) - before - 40 <= prometheus.MOST_CLIENTS
        group.cancel_scope.cancel()


@pytest.mark.anyio
async def test_no_descriptor_left_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none_left() -> Iterator[Family]:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(prometheus, "ACCEPT_PAUSE_SECONDS", 0.01)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with anyio.create_task_group() as group:
        port = await group.start(prometheus.serve, 0, none_left)
        async with await anyio.connect_tcp("127.0.0.1", port) as client:
            await client.send(b"GET /metrics HTTP/1.1\r\n\r\n")
            with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                await client.receive()
        with socket.socket() as late:
            resource.setrlimit(resource.RLIMIT_NOFILE, (late.fileno() + 1, limits[1]))
            try:
                late.connect(("127.0.0.1", port))
                while "let in" not in caplog.text:
                    await anyio.sleep(0.001)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert not group.cancel_scope.cancel_called
        group.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_port_that_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        with pytest.raises(BaseExceptionGroup) as raised:
            async with anyio.create_task_group() as group:
                await group.start(Watcher(MetricsSettings(port=port), RecordingSettings(), lambda: NOW).run)
    assert raised.group_contains(ConfigError, match=f"Port {port}")


# ── traces ──────────────────────────────────────────────────────────────────────────────────────


def exported(*events: Event) -> list[ReadableSpan]:
    exporter = InMemorySpanExporter()
    traces = Traces(exporter, lambda: 1000.0)
    for record in records(*events):
        traces.keep(record)
    traces.close()
    return list(exporter.get_finished_spans())


def test_a_turn_becomes_a_trace() -> None:
    spans = {span.name: span for span in exported(READY, *a_turn())}
    turn = spans["turn"]
    assert set(spans) == {"turn", "execute_tool find_thing", *(stage.name for stage in stages(TIMINGS))}
    assert (turn.start_time, turn.end_time) == (998_000_000_000, 1_000_000_000_000)
    assert turn.attributes is not None
    assert turn.attributes["gen_ai.request.model"] == "llama_cpp bundled:smollm2"
    assert turn.context is not None
    assert {span.parent.span_id for span in spans.values() if span.parent} == {turn.context.span_id}
    assert spans["think"].start_time == 998_200_000_000
    assert SECRET not in "".join(span.to_json() for span in spans.values())


def test_a_failed_turn_is_an_error() -> None:
    spans = {span.name: span for span in exported(*a_turn(outcome="failed"))}
    assert not spans["turn"].status.is_ok
    assert not spans["execute_tool find_thing"].status.is_ok
    assert spans["turn"].attributes is not None
    assert spans["turn"].attributes["error.type"] == "chat-broke"
