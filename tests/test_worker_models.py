"""Real models in workers: the same answers as in this process, and what a kill, a cancel and an orphan cost."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import anyio
import numpy as np
import pytest

from tests.deltas import said
from tests.test_conventions import ENGINE_PACKAGES
from tests.worker_owner import MEBI, Told, alive
from voxspark.audio import read_speech, silence
from voxspark.config import ChatSettings
from voxspark.config_speech import TranscriberSettings, VoiceSettings
from voxspark.config_tools import Settings
from voxspark.engines.chat.llama_cpp import LlamaCppChat
from voxspark.engines.stt.faster_whisper import WhisperTranscriber
from voxspark.engines.tts.hibari import HibariSynthesizer
from voxspark.engines.worker.host import MemoryUse, Worker
from voxspark.engines.worker.remote import HostedKind, RemoteChat, RemoteSynthesizer, RemoteTranscriber, worker_for
from voxspark.errors import ChatError, SynthesizerError
from voxspark.protocols import Chat, Synthesizer
from voxspark.types import SAMPLE_RATE_HZ, Message, Pcm

pytestmark = [pytest.mark.anyio, pytest.mark.real]

SMOLLM2 = ChatSettings(temperature=0, max_tokens=40)
TALKATIVE = ChatSettings(temperature=0, max_tokens=1500)
SYSTEM = Message("system", "You are a friendly voice assistant. Answer in one short, plain sentence.")
QUESTION = Message("user", "What is the capital of France?")
STORY = Message("user", "Tell me a very long story about a fox.")
LONG = Message("user", "zebra fox " * 400)
"""Takes more than a second to be read."""

SPOKEN = Path(__file__).parent.parent / "voxspark" / "demo_questions" / "question2.wav"


@asynccontextmanager
async def running(kind: HostedKind, settings: Settings, told: Told | None = None) -> AsyncIterator[Worker]:
    """A worker with the engine that the settings name, in a test that takes a minute at most."""
    engine = str(settings.model_dump()["engine"])
    on_change = (told if told is not None else Told()).append
    with anyio.fail_after(60):
        async with worker_for(kind, engine, settings, on_change=on_change).running() as worker:
            yield worker


async def reply(chat: Chat, *messages: Message) -> list[str]:
    return await said(chat.stream(messages))


async def spoken(voice: Synthesizer, text: str) -> list[tuple[Pcm, int]]:
    async with aclosing(voice.synthesize(text)) as pieces:
        return [piece async for piece in pieces]


# ── the same as in this process ─────────────────────────────────────────────────────────────────


async def test_a_language_model_says_the_same() -> None:
    near = LlamaCppChat(SMOLLM2)
    async with running("chat", SMOLLM2) as worker:
        for chat in (far := RemoteChat(worker), near):
            await chat.warm([SYSTEM])
        answer = await reply(far, SYSTEM, QUESTION)
        assert answer == await reply(near, SYSTEM, QUESTION)
        assert "Paris" in "".join(answer)
        with pytest.raises(ChatError) as caught:
            await reply(far, Message("user", "word " * 5000))
        assert caught.value.code == "chat-context-full"
        assert "chat.context_tokens (now 2048)" in caught.value.remedy
        assert await reply(far, SYSTEM, QUESTION) == answer
    near.close()


async def test_a_transcriber_hears_the_same() -> None:
    settings = TranscriberSettings()
    near = WhisperTranscriber(settings)
    async with running("stt", settings) as worker:
        far = RemoteTranscriber(worker)
        for samples in (read_speech(SPOKEN), read_speech(SPOKEN)[:0], np.zeros(SAMPLE_RATE_HZ, np.int16)):
            assert await far.transcribe(samples) == await near.transcribe(samples)
        heard = await far.transcribe(read_speech(SPOKEN))
        assert "capital of france" in heard.text.lower()
        assert -1 < heard.confidence < 0


async def test_a_voice_says_the_same() -> None:
    settings = VoiceSettings()
    near = HibariSynthesizer(settings)
    async with running("tts", settings) as worker:
        far = RemoteSynthesizer(worker)
        pieces, expected = [await spoken(voice, "One is here. Two is there.") for voice in (far, near)]
        assert [rate for _, rate in pieces] == [rate for _, rate in expected] == [24_000] * 2
        for (piece, _), (wanted, _) in zip(pieces, expected, strict=True):
            assert len(piece) == len(wanted)
            assert np.corrcoef(piece, wanted)[0, 1] > 0.999  # it adds noise that nobody seeds, -50 dB
        with pytest.raises(SynthesizerError) as caught:
            await spoken(far, "你好")
        assert caught.value.code == "nothing-to-say"


# ── killed ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_language_model_killed_in_mid_reply_costs_that_reply() -> None:
    told = Told()
    async with running("chat", TALKATIVE, told) as worker:
        chat = RemoteChat(worker)
        async with aclosing(chat.stream([STORY])) as deltas:
            await anext(deltas)
            first = worker.pid
            assert first is not None
            assert (await worker.memory()).resident_bytes > 120 * MEBI
            os.kill(first, signal.SIGKILL)
            with pytest.raises(ChatError) as caught:
                async for _ in deltas:
                    pass
        assert caught.value.code == "worker-crashed"
        assert caught.value.message == "The language model crashed."
        assert caught.value.stage == "think"
        assert await worker.memory() == MemoryUse()
        await told.gone()
        assert not alive(first)
        assert "Paris" in "".join(await reply(chat, SYSTEM, QUESTION))
        assert worker.pid != first
        assert (await worker.memory()).resident_bytes > 120 * MEBI
    assert told.states == ["loading", "ready", "gone worker-crashed", "loading", "ready", "gone worker-unloaded"]


DAEMON = """
import json, sys
from contextlib import aclosing
import anyio
from voxspark.config import ChatSettings
from voxspark.config_speech import TranscriberSettings, VoiceSettings
from voxspark.engines.worker.remote import RemoteChat, worker_for
from voxspark.types import Message

async def main():
    chat = worker_for("chat", "llama_cpp", ChatSettings(max_tokens=1500))
    stt = worker_for("stt", "faster_whisper", TranscriberSettings())
    tts = worker_for("tts", "hibari", VoiceSettings())
    async with chat.running(), stt.running(), tts.running():
        await stt.load()
        await tts.load()
        async with aclosing(RemoteChat(chat).stream([Message("user", "Tell me a very long story.")])) as deltas:
            await anext(deltas)
            print(json.dumps({"pids": [chat.pid, stt.pid, tts.pid], "modules": list(sys.modules)}), flush=True)
            async for _ in deltas:
                pass
        await anyio.sleep_forever()

anyio.run(main)
"""


def test_models_die_with_a_daemon_that_is_killed_and_that_never_imported_them() -> None:
    with subprocess.Popen([sys.executable, "-c", DAEMON], stdout=subprocess.PIPE) as daemon:
        assert daemon.stdout is not None
        said = json.loads(daemon.stdout.readline())
        watched = [os.pidfd_open(pid) for pid in said["pids"]]
        daemon.kill()
        for worker in watched:
            readable, _, _ = select.select([worker], [], [], 2.0)
            os.close(worker)
            assert readable
    assert len(watched) == 3
    assert ENGINE_PACKAGES.isdisjoint(said["modules"])


# ── cancelled ───────────────────────────────────────────────────────────────────────────────────


async def test_a_cancelled_reply_stops_the_model_and_keeps_the_worker() -> None:
    """Amid the answer, and amid a long prompt, before there is anything to close between."""
    told = Told()
    async with running("chat", TALKATIVE, told) as worker:
        chat = RemoteChat(worker)
        await chat.warm([SYSTEM])
        pid = worker.pid
        async with aclosing(chat.stream([STORY])) as deltas:
            for _ in range(5):
                await anext(deltas)
        assert "Paris" in "".join(await reply(chat, SYSTEM, QUESTION))
        with anyio.move_on_after(0.1) as turn:
            await reply(chat, LONG)
        assert turn.cancelled_caught
        assert "Paris" in "".join(await reply(chat, SYSTEM, QUESTION))
        assert worker.pid == pid
    assert told.states == ["loading", "ready", "gone worker-unloaded"]


async def test_a_cancelled_transcript_and_sentence_keep_their_workers() -> None:
    speech = read_speech(SPOKEN)
    long = np.concatenate([speech, np.asarray(silence(20.0, SAMPLE_RATE_HZ), np.int16), speech])
    async with running("stt", TranscriberSettings()) as ears, running("tts", VoiceSettings()) as mouth:
        transcriber, voice = RemoteTranscriber(ears), RemoteSynthesizer(mouth)
        await transcriber.warm()
        await voice.warm()
        pids = ears.pid, mouth.pid
        with anyio.move_on_after(0.02) as turn:
            await transcriber.transcribe(long)
        assert turn.cancelled_caught
        assert "capital of france" in (await transcriber.transcribe(speech)).text.lower()
        async with aclosing(voice.synthesize("The ship went down the river. " * 40)) as pieces:
            await anext(pieces)
        assert len(await spoken(voice, "Hello.")) == 1
        assert (ears.pid, mouth.pid) == pids
