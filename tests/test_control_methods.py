"""Every method, over a real socket."""

from __future__ import annotations

import base64
import os
import struct
from pathlib import Path

import anyio
import numpy as np
import pytest

from tests.control_fake import SETTINGS, FakeDaemon, call, raw, serving, until
from voxspark.audio import tone, wav_bytes
from voxspark.control import methods
from voxspark.control.client import connect
from voxspark.control.server import Server
from voxspark.errors import ControlError
from voxspark.events import Failed, TurnEnded
from voxspark.tools.registry import StrangersText
from voxspark.types import SAMPLE_RATE_HZ

pytestmark = pytest.mark.anyio

RESULT = {
    "turn": 7,
    "outcome": "answered",
    "transcript": "What time is it?",
    "reply": "It is noon. Enjoy your lunch.",
    "heard": "It is noon.",
    "timings": {"ended": 1.0},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control" / "socket"


async def test_ask_streams_the_reply_and_then_the_result(path: Path) -> None:
    daemon = FakeDaemon()
    async with serving(path, daemon), raw(path) as client:
        await client.send(call("ask", {"text": " What time is it? "}, "a"))
        got = [await client.receive() for _ in range(3)]
    assert [message.get("params") for message in got[:2]] == [
        {"id": "a", "text": "It is noon. "},
        {"id": "a", "text": "Enjoy your lunch."},
    ]
    assert got[2] == {"jsonrpc": "2.0", "id": "a", "result": RESULT}
    assert daemon.calls == [("ask", "What time is it?", True)]


async def test_ask_silent_and_in_one_piece(path: Path) -> None:
    daemon = FakeDaemon()
    async with serving(path, daemon), raw(path) as client:
        answer = await client.ask("ask", {"text": "What time is it?", "aloud": False, "stream": False})
    assert answer["result"] == RESULT
    assert daemon.calls == [("ask", "What time is it?", False)]


async def test_ask_that_fails_says_why(path: Path) -> None:
    daemon = FakeDaemon()
    daemon.turn = (
        Failed(1.0, stage="think", code="chat-gone", message="The model is gone.", remedy="Start it.", turn=7),
        TurnEnded(1.1, turn=7, outcome="failed", transcript="", heard=""),
    )
    async with serving(path, daemon), raw(path) as client:
        result = (await client.ask("ask", {"text": "x"}))["result"]
    assert (result["outcome"], result["reply"]) == ("failed", "")
    assert result["error"] == {"code": "chat-gone", "message": "The model is gone.", "remedy": "Start it."}


async def test_a_turn_without_an_end_is_an_error(path: Path) -> None:
    daemon = FakeDaemon()
    daemon.turn = daemon.turn[:1]
    async with serving(path, daemon), raw(path) as client:
        assert (await client.ask("ask", {"text": "x"}))["error"]["data"]["code"] == "turn-lost"


async def test_say_does_not_stream(path: Path) -> None:
    daemon = FakeDaemon()
    async with serving(path, daemon), raw(path) as client:
        assert (await client.ask("say", {"text": "Good night."}))["result"]["outcome"] == "answered"
    assert daemon.calls == [("say", "Good night.")]


async def test_short_methods_run_in_the_order_they_come(path: Path) -> None:
    daemon = FakeDaemon()
    methods = ["listen.start", "listen.stop", "stop", "listen.toggle", "ping"]
    async with serving(path, daemon), raw(path) as client:
        await client.send(*(call(method, id_=n) for n, method in enumerate(methods)))
        answers = [await client.receive() for _ in methods]
    assert [(a["id"], a["result"]) for a in answers] == [(0, True), (1, True), (2, True), (3, True), (4, "pong")]
    assert daemon.calls == ["press", "release", "stop", "toggle"]


async def test_status_and_history_are_json(path: Path) -> None:
    daemon = FakeDaemon()
    async with serving(path, daemon), raw(path) as client:
        status = await client.ask("status")
        assert status["result"] == {
            "state": "listening",
            "uptime_seconds": None,
            "socket": "/run/x",
            "memory": None,
            "profile": "embedded",
        }
        assert (await client.ask("history", {"limit": 5}))["result"] == [{"turn": 1, "text": "héllo ☕"}]
        await client.ask("history")
    assert daemon.calls[1:] == [("history", 5), ("history", 20)]


async def test_a_question_for_one_of_the_team_and_many_for_the_swarm(path: Path) -> None:
    daemon = FakeDaemon()
    async with serving(path, daemon), raw(path) as client:
        await client.ask("ask", {"text": "Sort this.", "role": "coder", "stream": False})
        answers = (await client.ask("swarm", {"questions": ["one?", "two?"]}))["result"]
        none = (await client.ask("swarm", {"questions": []}))["error"]
    assert daemon.calls == [("ask", "Sort this.", True, "coder"), ("swarm", ["one?", "two?"])]
    assert [answer["text"] for answer in answers] == ["ONE?", "TWO?"]
    assert none["data"]["code"] == "invalid-params"


async def test_models_are_listed_loaded_and_unloaded(path: Path) -> None:
    daemon = FakeDaemon()
    daemon.models = [{"model": "qwen3-8b", "pulled": None}]
    async with serving(path, daemon), raw(path) as client:
        assert (await client.ask("models.list"))["result"] == daemon.models
        loaded = await client.ask("models.load", {"name": " worker "})
        unloaded = await client.ask("models.unload", {"name": "qwen3:8b"})
    assert loaded["result"] == {"model": "qwen3-8b", "name": "Qwen3 8B", "bytes": 7_700_000_000, "seconds": 6.5}
    assert unloaded["result"] == {"model": "qwen3-8b", "freed_bytes": 7_700_000_000}
    assert daemon.calls == ["list", ("load", "worker"), ("unload", "qwen3:8b")]


async def test_a_download_tells_how_far_it_is(path: Path) -> None:
    async with serving(path), raw(path) as client:
        await client.send(call("models.pull", {"name": "qwen3-8b"}, "p"))
        *steps, answer = [await client.receive() for _ in range(5)]
    assert [(step["method"], step["params"]["status"]) for step in steps] == [
        ("pull", status) for status in ("pulling manifest", "pulling 5ee4f07cdb9b", "pulling 5ee4f07cdb9b", "success")
    ]
    assert steps[1]["params"] == {
        "id": "p",
        "model": "qwen3:8b",
        "status": "pulling 5ee4f07cdb9b",
        "completed_bytes": 2_600_000_000,
        "total_bytes": 5_200_000_000,
    }
    assert answer == {"jsonrpc": "2.0", "id": "p", "result": {"model": "qwen3:8b", "status": "success"}}


async def test_a_download_leaves_the_connection_free_and_ends_with_it(path: Path) -> None:
    daemon = FakeDaemon()
    daemon.hold = anyio.Event()
    async with serving(path, daemon):
        async with raw(path) as client:
            await client.send(call("models.pull", {"name": "qwen3-8b"}, "p"))
            assert [(await client.receive())["method"] for _ in range(3)] == ["pull"] * 3
            assert (await client.ask("ping"))["result"] == "pong"
        await until(lambda: daemon.abandoned == 1)


async def test_a_download_that_breaks_off_or_is_refused_is_an_error(path: Path) -> None:
    daemon = FakeDaemon()
    daemon.pull = daemon.pull[:1]
    async with serving(path, daemon), connect(path) as client:
        steps = client.pull("qwen3-8b")
        assert (await anext(steps))["status"] == "pulling manifest"
        with pytest.raises(ControlError, match="ended without a result") as lost:
            await anext(steps)
        daemon.error = ControlError("model-unknown", "There is no model called qwen.", "Did you mean qwen3:8b?")
        with pytest.raises(ControlError) as refused:
            await anext(client.pull("qwen"))
    assert (lost.value.code, refused.value.code) == ("pull-lost", "model-unknown")


@pytest.mark.parametrize("params", [{}, {"name": ""}, {"name": "  "}, {"name": 3}, {"name": "x" * 257}, {"names": "x"}])
@pytest.mark.parametrize("method", ["load", "unload", "pull"])
async def test_a_model_must_be_named(path: Path, method: str, params: dict[str, object]) -> None:
    daemon = FakeDaemon()
    async with serving(path, daemon), raw(path) as client:
        error = (await client.ask(f"models.{method}", params))["error"]
    assert error["code"] == -32602
    assert error["message"].startswith("name")
    assert daemon.calls == []


async def test_shutdown_is_answered_although_the_server_dies_of_it(path: Path) -> None:
    daemon = FakeDaemon()
    with anyio.fail_after(10), anyio.CancelScope() as life:
        daemon.on_shutdown = life.cancel
        async with anyio.create_task_group() as tasks:
            await tasks.start(Server(daemon, SETTINGS).run, path)
            with anyio.CancelScope(shield=True):
                async with raw(path) as client:
                    assert (await client.ask("shutdown"))["result"] is True
    assert daemon.calls == [("shutdown", "asked on the socket")]
    assert not path.exists()


async def test_notifications_are_served_and_not_answered(path: Path) -> None:
    daemon = FakeDaemon()
    async with serving(path, daemon), raw(path) as client:
        await client.send(
            {"jsonrpc": "2.0", "method": "stop"},
            {"jsonrpc": "2.0", "method": "ask", "params": {"text": "x"}},
            {"jsonrpc": "2.0", "method": "nonsense"},
            {"jsonrpc": "2.0", "method": "ask", "params": {}},
        )
        assert (await client.ask("ping"))["result"] == "pong"
    assert daemon.calls == ["stop", ("ask", "x", True)]


async def test_an_unknown_method_names_the_nearest(path: Path) -> None:
    async with serving(path), raw(path) as client:
        error = (await client.ask("listen.strat"))["error"]
        assert (error["code"], error["data"]["remedy"]) == (-32601, "Did you mean listen.start?")
        assert "events.subscribe" in (await client.ask("☕" * 1000))["error"]["data"]["remedy"]


async def test_invalid_parameters_name_the_field(path: Path) -> None:
    async with serving(path), raw(path) as client:
        error = (await client.ask("history", {"limit": "all"}))["error"]
    assert error["code"] == -32602
    assert error["message"].startswith("limit: ")


async def test_a_refusal_of_the_daemon_keeps_code_and_remedy(path: Path) -> None:
    daemon = FakeDaemon()
    daemon.error = ControlError("busy", "A turn is running.", "Stop it first.")
    async with serving(path, daemon), raw(path) as client:
        for method, params in [("listen.start", None), ("ask", {"text": "x"}), ("events.subscribe", None)]:
            error = (await client.ask(method, params))["error"]
            assert error == {
                "code": -32000,
                "message": "A turn is running.",
                "data": {"code": "busy", "remedy": "Stop it first."},
            }


async def test_a_bug_is_answered_and_its_words_stay_out_of_the_log(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    daemon = FakeDaemon()
    daemon.error = ValueError("my secret question")
    with caplog.at_level("INFO"):
        async with serving(path, daemon), raw(path) as client:
            answer = await client.ask("ask", {"text": "my secret question"})
            assert answer["error"]["code"] == -32603
            daemon.error = None
            assert (await client.ask("ping"))["result"] == "pong"
    assert "secret" not in caplog.text + str(answer)
    assert "request ask broke: ValueError at control_fake.py" in caplog.text


# ── transcribe ──────────────────────────────────────────────────────────────────────────────────

SOUND = wav_bytes(tone(440, 0.5, 48_000), 48_000)


async def test_transcribe_a_file_or_audio(path: Path, tmp_path: Path) -> None:
    daemon = FakeDaemon()
    file = tmp_path / "ü ☕.wav"
    file.write_bytes(SOUND)
    async with serving(path, daemon), raw(path) as client:
        by_path = await client.ask("transcribe", {"path": str(file)})
        by_value = await client.ask("transcribe", {"audio": base64.b64encode(SOUND).decode()})
    assert by_path["result"] == {"text": "hello there", "language": "en", "confidence": -0.25}
    assert by_value == by_path
    first, second = daemon.heard_samples
    assert first.dtype == np.int16
    assert abs(len(first) - SAMPLE_RATE_HZ // 2) < 10
    assert np.array_equal(first, second)


def wav_claiming(rate_hz: int) -> bytes:
    """A WAV file whose header has this rate."""
    return SOUND[:24] + struct.pack("<I", rate_hz) + SOUND[28:]


async def test_audio_that_cannot_be_used(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "MAX_AUDIO_BYTES", 100_000)
    monkeypatch.setattr(methods, "MAX_AUDIO_SECONDS", 2.0)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * 100_001)
    (tmp_path / "text").write_text("hello")
    sounds = [b"", b"RIFF", wav_claiming(0), wav_claiming(1), wav_claiming(8_000)]
    requests = [{"path": str(tmp_path / name)} for name in ("missing", "pipe", "large", "text", ".", "a\0b")]
    requests += [{"path": "/dev/zero"}, {"audio": "no base64!"}, {"audio": "ü"}]
    requests += [{"audio": base64.b64encode(sound).decode()} for sound in sounds]
    daemon = FakeDaemon()
    async with serving(path, daemon), raw(path) as client:
        for request in requests:
            error = (await client.ask("transcribe", request))["error"]
            assert error["code"] == -32000, (str(request)[:80], error)
            assert error["data"]["remedy"]
    assert daemon.calls == []


async def test_a_program_that_asks_by_itself_is_a_stranger(path: Path) -> None:
    async with serving(path, daemon := FakeDaemon()), raw(path) as client:
        await client.ask("ask", {"text": "Hello.", "stream": False})
        await client.ask("ask", {"text": "Hello.", "agent": True, "stream": False})
    assert [type(text) for _, text, _ in daemon.calls] == [str, StrangersText]
