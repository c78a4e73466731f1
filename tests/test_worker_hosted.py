"""Engines of the registry in workers: what goes over the wire and back, and what a cancelled call leaves behind."""

from __future__ import annotations

import gc
import io
import json
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any, cast

import anyio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import hosted_engines
from tests.deltas import everything, said
from tests.hosted_engines import FakeChat, FakePainter, FakeTranscriber, FakeVoice
from tests.worker_owner import Told
from voxspark.config import ChatSettings
from voxspark.config_speech import TranscriberSettings, VoiceSettings
from voxspark.config_tools import ImageSettings, Settings
from voxspark.engines import registry
from voxspark.engines.worker import hosted, remote, wire
from voxspark.engines.worker.host import Worker
from voxspark.engines.worker.hosted import PIECE_SAMPLES
from voxspark.engines.worker.life import Limits
from voxspark.engines.worker.remote import (
    HostedKind,
    RemoteChat,
    RemotePainter,
    RemoteSynthesizer,
    RemoteTranscriber,
    adapter_for,
    worker_for,
)
from voxspark.engines.worker.task import Task
from voxspark.engines.worker.wire import Frame
from voxspark.errors import ChatError, EngineError, PainterError, SynthesizerError, TranscriberError
from voxspark.types import Delta, Message, PaintingStep, Pcm, ReplyStats, ToolCall, Transcript

SETTINGS: dict[HostedKind, Settings] = {
    "chat": ChatSettings(engine="fake", model="echo"),
    "stt": TranscriberSettings(engine="fake"),
    "tts": VoiceSettings(engine="fake"),
    "image": ImageSettings(engine="fake"),
}


class NearWorker(Worker):
    """A worker without a process: the other side runs in a thread, over the same wire."""

    other: Any
    """`Hosted`"""
    task: Task

    async def load(self) -> None:
        """It is loaded."""

    async def stream(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        payload: bytes = b"",
        *,
        deadline_seconds: float | None = None,
    ) -> AsyncGenerator[Frame, None]:
        """See `Worker.stream`."""
        call, payload = over_the_wire(wire.Call(1, method, dict(params or {})), payload)
        self.task = Task(call.params, payload)
        frames: Iterator[Frame] = getattr(self.other, method)(self.task)
        try:
            while (frame := await anyio.to_thread.run_sync(next, frames, None)) is not None:
                item, payload = over_the_wire(wire.Item(1, frame.values), frame.payload)
                yield Frame(item.values, payload)
        finally:
            self.task.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(frames.close)  # type: ignore[attr-defined]


def over_the_wire(message: Any, payload: bytes) -> tuple[Any, bytes]:
    received = wire.read(io.BytesIO(wire.encode(message, payload)))
    assert received is not None
    return received.message, received.payload


Near = Callable[..., NearWorker]


@pytest.fixture(scope="module")
def near() -> Iterator[Near]:
    """Makes near workers of a kind, once for each setting."""
    patch, made = pytest.MonkeyPatch(), dict[Any, NearWorker]()

    def make(kind: HostedKind, **changes: Any) -> NearWorker:
        wanted = SETTINGS[kind].model_copy(update=changes)
        if (key := (kind, repr(wanted))) not in made:
            far = worker_for(kind, "fake", wanted)
            near = NearWorker(far._target, far._config, name=far._name, error=far._error)
            with ThreadPoolExecutor(1) as another:  # where no event loop runs
                near.other = another.submit(hosted.host, json.loads(json.dumps(far._config))).result()
            made[key] = near
        return made[key]

    hosted_engines.register(patch)
    yield make
    for worker in made.values():
        worker.other._loop.close()
    patch.undo()
    registry.registry.cache_clear()
    gc.collect()


def chat_of(worker: NearWorker) -> FakeChat:
    return cast(FakeChat, worker.other._engine)


def run(function: Callable[[], Any]) -> Any:
    """In an event loop of its own; hypothesis knows no async tests."""
    return anyio.run(function)


# ── there and back ──────────────────────────────────────────────────────────────────────────────

ROLES = st.sampled_from(["system", "user", "assistant", "tool"])
ANY_TEXT = st.text(st.characters(), max_size=20)
"""Lone surrogates too: JSON escapes make them."""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(ANY_TEXT, JSON, max_size=3)
CALLS = st.builds(ToolCall, ANY_TEXT, OBJECTS, ANY_TEXT)
STATS = st.builds(ReplyStats, st.integers(0), st.integers(0), st.none() | st.floats(max_value=0), st.booleans())
MESSAGES = st.builds(
    Message,
    ROLES,
    ANY_TEXT,
    tool_calls=st.lists(CALLS, max_size=2).map(tuple),
    tool=ANY_TEXT,
    call_id=ANY_TEXT,
    images=st.lists(st.binary(max_size=20), max_size=2).map(tuple),
)


@given(st.lists(MESSAGES, max_size=4), st.lists(OBJECTS, max_size=2), st.lists(ANY_TEXT | CALLS | STATS, max_size=4))
@settings(max_examples=50)
def test_messages_and_tools_go_there_and_a_reply_comes_back(
    near: Near, messages: list[Message], tools: list[dict[str, Any]], more: list[Delta]
) -> None:
    worker = near("chat")
    engine = chat_of(worker)
    engine.more = more
    contents = [message.content for message in messages]
    assert run(lambda: everything(RemoteChat(worker).stream(messages, tools=tools))) == [*contents, *more]
    assert (engine.read, engine.tools) == (messages, tools)
    engine.read, engine.tools = [], []
    run(lambda: RemoteChat(worker).warm(messages, tools=tools))
    assert (engine.read, engine.tools) == (messages, tools)


@given(st.lists(st.integers(-32_768, 32_767)), st.booleans())
@settings(max_examples=25)
def test_speech_goes_there_and_a_transcript_comes_back(near: Near, values: list[int], strided: bool) -> None:
    worker = near("stt")
    samples = np.array(values, np.int16)[:: -2 if strided else 1]
    before = samples.copy()
    heard = run(lambda: RemoteTranscriber(worker).transcribe(samples, hot_words=("Käthe", "quinoa")))
    assert heard == Transcript(f"{len(samples)} Stück", "de", -0.25)
    engine = cast(FakeTranscriber, worker.other._engine)
    assert engine.hot_words == ["Käthe", "quinoa"]
    assert engine.heard.dtype == np.int16
    assert np.array_equal(engine.heard, before)
    assert np.array_equal(samples, before)


async def spoken(worker: NearWorker, text: str) -> list[tuple[Pcm, int]]:
    async with aclosing(RemoteSynthesizer(worker).synthesize(text)) as pieces:
        return [piece async for piece in pieces]


@given(ANY_TEXT, st.lists(st.tuples(st.lists(st.floats(width=32), min_size=1), st.sampled_from([16_000, 24_000]))))
@settings(max_examples=25)
def test_text_goes_there_and_samples_come_back_bit_for_bit(
    near: Near, text: str, said: list[tuple[list[float], int]]
) -> None:
    worker = near("tts")
    engine = cast(FakeVoice, worker.other._engine)
    engine.pieces = [(np.array(values, np.float32), rate) for values, rate in said]
    got = run(lambda: spoken(worker, text))
    assert [(piece.tobytes(), rate) for piece, rate in got] == [(p.tobytes(), rate) for p, rate in engine.pieces]
    assert all(piece.dtype == np.float32 and piece.flags.writeable for piece, _ in got)
    assert engine.asked == text


@pytest.mark.anyio
async def test_speech_of_any_length_fits_the_wire(near: Near) -> None:
    worker = near("tts")
    long = np.arange(wire.PAYLOAD_LIMIT_BYTES // 4 + 5, dtype=np.float32)
    cast(FakeVoice, worker.other._engine).pieces = [(long[:0], 24_000), (long, 24_000)]
    pieces = await spoken(worker, "a very long story")
    assert max(len(piece) for piece, _ in pieces) == PIECE_SAMPLES
    assert {rate for _, rate in pieces} == {24_000}
    assert np.array_equal(np.concatenate([piece for piece, _ in pieces]), long)


@pytest.mark.anyio
async def test_a_picture_comes_step_by_step(near: Near) -> None:
    worker = near("image", steps=12)
    painter, engine = RemotePainter(worker), cast(FakePainter, worker.other._engine)
    async with aclosing(painter.paint("Füchse 🦊", width=64, height=32, seed=(1 << 32) - 1)) as strokes:
        *steps, picture = [stroke async for stroke in strokes]
    assert steps == [PaintingStep(number, 12) for number in range(1, 13)]
    assert picture == "PNG Füchse 🦊".encode()
    assert engine.asked == ("Füchse 🦊", 64, 32, (1 << 32) - 1)
    async with aclosing(painter.paint("Another.", width=64, height=32, seed=0)) as strokes:
        await anext(strokes)
    assert engine.log == ["closed", "closed"]


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("chat", ChatSettings(model="/a/mödel.gguf", context_tokens=512, temperature=0, tell_time=True)),
        ("stt", TranscriberSettings(language="auto", device="cuda", min_confidence=-0.3)),
        ("tts", VoiceSettings(voice="\ud800", speed=1.25)),
        ("image", ImageSettings(model="/a/mödel", steps=7)),
    ],
)
def test_settings_arrive_as_they_are(near: Near, kind: HostedKind, changed: Settings) -> None:
    assert near(kind, **dict(changed)).other._engine.settings == changed


@pytest.mark.anyio
async def test_all_but_language_models_are_warm_once_they_are_loaded(near: Near) -> None:
    await RemoteTranscriber(near("stt")).warm()
    await RemoteSynthesizer(near("tts")).warm()
    await RemotePainter(near("image")).warm()


# ── who is spoken of ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "adapter", "error", "said"),
    [
        ("chat", RemoteChat, ChatError, "The language model crashed."),
        ("stt", RemoteTranscriber, TranscriberError, "The transcriber crashed."),
        ("tts", RemoteSynthesizer, SynthesizerError, "The voice crashed."),
        ("image", RemotePainter, PainterError, "The painter crashed."),
    ],
)
def test_each_kind_fails_in_its_own_name(kind: HostedKind, adapter: type, error: type[EngineError], said: str) -> None:
    worker = worker_for(kind, "fake", SETTINGS[kind])
    assert isinstance(adapter_for(kind, worker), adapter)
    raised = worker._raised(None)
    assert type(raised) is error
    assert (raised.code, raised.message) == ("worker-crashed", said)


# ── cancelling ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_closing_a_stream_closes_the_engines(near: Near) -> None:
    worker = near("chat", max_tokens=1)
    async with aclosing(RemoteChat(worker).stream([Message("user", "One"), Message("user", "Two")])) as deltas:
        assert await anext(deltas) == "One"
        assert chat_of(worker).log == []
    assert chat_of(worker).log == ["closed"]


def test_cancelling_interrupts_an_engine_that_waits(near: Near) -> None:
    worker = near("chat", model="wait")
    engine, task = chat_of(worker), Task({"messages": [], "tools": []}, b"")

    def cancel() -> None:
        engine.busy.wait()
        task.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    assert list(worker.other.stream(task)) == []
    canceller.join()
    assert engine.log == ["closed"]


def test_a_call_that_was_cancelled_before_it_began_does_not_begin(near: Near) -> None:
    worker = near("chat", model="wait", max_tokens=1)
    task = Task(remote._params([Message("user", "Hello")], []), b"")
    task.cancel()
    assert list(worker.other.stream(task)) == []
    assert chat_of(worker).log == []


def test_a_cancelled_call_ends_when_what_it_left_in_a_thread_has_ended(near: Near) -> None:
    worker = near("chat", model="work")
    engine, task, ended = chat_of(worker), Task({"messages": [], "tools": []}, b""), threading.Event()

    def cancel() -> None:
        engine.busy.wait()
        task.cancel()
        engine.left.wait()
        ended.wait(0.05)  # as long as a call that does not wait needs to end
        engine.release.set()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    frames = list(worker.other.stream(task))
    engine.log.append("free")
    ended.set()
    canceller.join()
    assert (frames, engine.log) == ([], ["closed", "worked", "free"])


# ── in processes ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Worker]:
    """Makes workers with processes, in which `fake` is registered."""
    monkeypatch.setattr(remote, "TARGET", "tests.hosted_engines:host")

    def make(model: str, engine: str = "fake", **more: Any) -> Worker:
        return worker_for("chat", engine, ChatSettings(engine=engine, model=model), **more)

    return make


async def reply(worker: Worker, *texts: str) -> list[str]:
    return await said(RemoteChat(worker).stream([Message("user", text) for text in texts]))


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("model", "engine", "code", "said"),
    [
        ("refuse", "fake", "chat-model-missing", "There is no such model. Pull it."),
        ("cold", "fake", "chat-load-failed", "It could not be loaded. Is there memory for it?"),
        ("echo", "fack", "engine-unknown", "There is no chat engine fack. Did you mean fake? Known: fake."),
    ],
)
async def test_an_engine_that_cannot_be_loaded_says_why(
    far: Callable[..., Worker], model: str, engine: str, code: str, said: str
) -> None:
    async with far(model, engine).running() as worker:
        with pytest.raises(ChatError) as caught:
            await reply(worker, "Hello")
    assert (caught.value.code, str(caught.value)) == (code, said)


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("model", "code", "said"),
    [
        ("break", "chat-failed", "It failed: \ud800? Try again."),
        ("wrong", "worker-call-failed", "The language model failed. It met a ValueError; the log at level debug"),
    ],
)
async def test_an_error_amid_a_reply_comes_as_it_is(
    far: Callable[..., Worker], model: str, code: str, said: str
) -> None:
    async with far(model).running() as worker, aclosing(RemoteChat(worker).stream([Message("user", "Hi")])) as deltas:
        assert await anext(deltas) == "Hi"
        pid = worker.pid
        with pytest.raises(ChatError) as caught:
            await anext(deltas)
        assert (caught.value.code, worker.pid) == (code, pid)
        assert str(caught.value).startswith(said)


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("model", "states"),
    [
        ("wait", ["loading", "ready", "gone worker-unloaded"]),
        ("stuck", ["loading", "ready", "gone worker-cancel-ignored", "loading", "ready", "gone worker-unloaded"]),
    ],
)
async def test_a_cancelled_call_is_interrupted_and_one_that_hangs_ends_with_its_process(
    far: Callable[..., Worker], model: str, states: list[str]
) -> None:
    told = Told()
    with anyio.fail_after(20):
        async with far(model, on_change=told.append, limits=Limits(grace_seconds=0.3)).running() as worker:
            for _ in range(2):
                async with aclosing(RemoteChat(worker).stream([Message("user", "Hi")])) as deltas:
                    assert await anext(deltas) == "Hi"
                    with anyio.move_on_after(0.05):
                        await anext(deltas)
            await worker.unload()
    assert told.states == states
