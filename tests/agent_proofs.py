"""What the proofs of the agent are made of: speech in and out, a model that obeys, and what it reads."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import numpy as np

from tests.daemon_process import DaemonProcess
from tests.ollama_machine import OllamaMachine
from tests.ollama_server import Call, Reply
from voxspark import audio
from voxspark.engines.stt.faster_whisper import WhisperTranscriber
from voxspark.types import Pcm

EARS_HZ, PAUSE_SECONDS = 16_000, 0.25


def words_in(ears: WhisperTranscriber, samples: Pcm, rate_hz: int) -> str:
    """What is said, phrase by phrase: after a question Whisper hears nothing more."""
    samples = audio.resample(samples, rate_hz, EARS_HZ)
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    phrases = np.split(loud, np.flatnonzero(np.diff(loud) > PAUSE_SECONDS * EARS_HZ) + 1)
    edge = int(0.1 * EARS_HZ)
    heard = [audio.to_pcm16(samples[max(0, each[0] - edge) : each[-1] + edge]) for each in phrases]
    said = " ".join(anyio.run(ears.transcribe, each).text.lower() for each in heard)
    return said.replace(" dot ", ".")


def speech(path: Path, text: str) -> Path:
    """A question for the microphone, with quiet after it."""
    raw = subprocess.run(["espeak-ng", "--stdout", "-s", "140", text], capture_output=True, check=True).stdout
    samples, rate = audio.read_wav(raw)
    path.write_bytes(audio.wav_bytes(audio.join(samples, audio.silence(1.0, rate)), rate))
    return path


def is_priming(request: dict[str, Any]) -> bool:
    """It only has the model read the beginning of a prompt, or loads or releases it."""
    return not request["messages"] or request["messages"][-1]["role"] == "system"


def obedient(**replies: Reply) -> Callable[[dict[str, Any]], Reply]:
    """A model that answers to a word of the newest message, in their order, and repeats what a tool says."""

    def respond(request: dict[str, Any]) -> Reply:
        newest = request["messages"][-1]
        for word, reply in replies.items():
            if word in newest["content"]:
                return reply
        return Reply((newest["content"],)) if newest["role"] == "tool" else Reply(("I am ", f"{request['model']}."))

    return respond


def calling(*calls: Call) -> Reply:
    return Reply((), calls=calls)


def rendered(request: dict[str, Any]) -> list[str]:
    """What the model reads, in order, byte for byte: the tools, then each message."""
    return [json.dumps(part) for part in (request.get("tools"), *request["messages"])]


def check_prefix(requests: list[dict[str, Any]]) -> None:
    """Each begins like the one before it, up to that one's newest question; further rounds with all of it."""
    for before, after in itertools.pairwise(requests):
        newest = max(n for n, message in enumerate(before["messages"]) if message["role"] in ("system", "user"))
        same_turn = len(after["messages"]) > newest and after["messages"][newest] == before["messages"][newest]
        kept = rendered(before) if same_turn else rendered(before)[: newest + 1]
        assert rendered(after)[: len(kept)] == kept


def clock_shows(hour: int, minute: int, second: int) -> str:
    """A zone in which the clock on the wall shows this now."""
    now = datetime.now(UTC)
    ahead = (now.replace(hour=hour, minute=minute, second=second) - now) % timedelta(days=1)
    hours, seconds = divmod(round(ahead.total_seconds()), 3600)
    return f"VOX-{hours}:{seconds // 60:02}:{seconds % 60:02}"


def ask(daemon: DaemonProcess, *words: str) -> str:
    """The answer, in one line."""
    return " ".join(daemon.call("ask", *words).split())


def asked(machine: OllamaMachine) -> list[dict[str, Any]]:
    """The requests that somebody's question caused, in order."""
    return [chat for chat in machine.server.chats if not is_priming(chat)]


def audited(daemon: DaemonProcess) -> list[tuple[str, str, str]]:
    """(tool, verdict, utterance) of every call so far."""
    entries = [json.loads(line) for line in daemon.call("audit", "--json").splitlines()]
    return [(entry["tool"], entry["verdict"], entry["utterance"]) for entry in entries]


def history(daemon: DaemonProcess) -> list[tuple[str, str]]:
    """(said, heard) of every exchange."""
    entries = [json.loads(line) for line in daemon.call("history", "--json").splitlines()]
    return [(entry["said"], entry["heard"]) for entry in entries]
