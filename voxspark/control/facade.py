"""The running assistant as the socket sees it."""

from __future__ import annotations

import os
import resource
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

from voxspark import __version__
from voxspark.agent.swarm import Swarm
from voxspark.assistant import Assistant
from voxspark.control.daemon import Models, Recorder
from voxspark.errors import ControlError
from voxspark.events import Event, ModelPulled, Stopping, TurnEnded, TurnStarted
from voxspark.types import (
    Asked,
    Pcm16,
    Pressed,
    Released,
    SayRequested,
    ShutdownRequested,
    StopRequested,
    Transcript,
)


class AssistantDaemon:
    """Implements `control.daemon.Daemon` on an Assistant."""

    def __init__(
        self,
        assistant: Assistant,
        models: Models,
        swarm: Swarm,
        servers: Callable[[], list[dict[str, Any]]],
        recorder: Recorder,
    ) -> None:
        """`servers`: how the MCP servers are."""
        self._recorder = recorder
        self._assistant = assistant
        self._swarm = swarm
        self._servers = servers
        self._models = models
        self._parts = assistant.parts

    def ask(
        self, text: str, *, aloud: bool, role: str = "", images: tuple[bytes, ...] = ()
    ) -> AsyncGenerator[Event, None]:
        """Events of the turn that answers `text`, to its end."""
        return self._turn_of(Asked(uuid4().hex, text, aloud, role, images))

    def say(self, text: str) -> AsyncGenerator[Event, None]:
        """Events of the turn that says `text`, to its end."""
        return self._turn_of(SayRequested(uuid4().hex, text))

    async def _turn_of(self, signal: Asked | SayRequested) -> AsyncGenerator[Event, None]:
        number: int | None = None
        async with self._parts.bus.subscribe() as events:
            self._assistant.post(signal)
            async for event in events:
                if isinstance(event, Stopping):
                    raise ControlError("stopping", "I am going down.", "Start me again with: voxspark run")
                if isinstance(event, TurnStarted) and event.request == signal.request:
                    number = event.turn
                if number is not None and getattr(event, "turn", None) == number:
                    yield event
                    if isinstance(event, TurnEnded):
                        return

    def press(self) -> None:
        """Push-to-talk down."""
        self._assistant.post(Pressed(self._parts.clock()))

    def release(self) -> None:
        """Push-to-talk up."""
        self._assistant.post(Released(self._parts.clock()))

    def stop(self) -> None:
        """Be quiet, and stop what rings."""
        self._assistant.post(StopRequested())

    def shutdown(self, reason: str) -> None:
        """End the daemon."""
        self._assistant.post(ShutdownRequested(reason))

    async def transcribe(self, samples: Pcm16) -> Transcript:
        """Text of a recording."""
        return await self._parts.transcriber.transcribe(samples)

    def history(self, limit: int) -> list[dict[str, Any]]:
        """The newest exchanges, oldest first."""
        return self._parts.history.to_json(limit)

    def record(self, turns: int) -> dict[str, Any]:
        """Keep some of the next turns."""
        return self._recorder.begin(turns)

    def subscribe(self) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        """All events from now on."""
        return self._parts.bus.subscribe()

    def _state(self) -> str:
        """`speaking`, `thinking`, `hearing` or `listening`: a projection, nobody sets it."""
        if (turn := self._assistant.live) is not None and turn.confirmed:
            return "speaking" if turn.audible else "thinking"
        return "hearing" if self._parts.listener.active else "listening"

    async def swarm(self, questions: Sequence[str]) -> list[dict[str, Any]]:
        """Answers made in the background."""
        return [
            {
                "question": answer.question,
                "text": answer.text,
                "error": None if answer.error is None else {"code": answer.error.code, "message": answer.error.message},
                "seconds": round(answer.seconds, 2),
            }
            for answer in await self._swarm.map(questions)
        ]

    async def models_load(self, name: str) -> dict[str, Any]:
        """Bring a model into memory."""
        return await self._models.load(name)

    async def models_unload(self, name: str) -> dict[str, Any]:
        """Take a model out of memory."""
        return await self._models.unload(name)

    def models_pull(self, name: str) -> AsyncGenerator[ModelPulled, None]:
        """Download a model."""
        return self._models.pull(name)

    async def models_list(self) -> list[dict[str, Any]]:
        """The catalogue."""
        return await self._models.list()

    def status(self) -> dict[str, Any]:
        """What the daemon is doing, with what, and what is wrong."""
        failure = self._assistant.last_failure
        return {
            "state": self._state(),
            "version": __version__,
            "pid": os.getpid(),
            "uptime_seconds": round(self._parts.clock(), 1),
            "profile": self._parts.profile,
            "mode": self._parts.config.listening.mode,
            "engines": self._parts.engines,
            "ears": self._parts.ears(),
            "voices": self._parts.voices(),
            "microphone": getattr(self._parts.microphone, "state", "open"),
            "speaker": getattr(self._parts.speaker, "state", "open"),
            "dropped_audio_seconds": round(self._parts.microphone.dropped_seconds, 3),
            "turns": self._assistant.turns,
            "waiting_requests": self._assistant.waiting,
            "recorded_turns_left": self._recorder.turns_left,
            "timers": [timer.name for timer in self._parts.timers.running],
            "jobs": [job.to_json() for job in self._parts.jobs],
            "mcp": self._servers(),
            "memory": self._models.snapshot(),
            "memory_mb": _resident_mb(),
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1_000_000),
            "last_failure": failure.to_json() if failure else None,
        }


def _resident_mb() -> int:
    """Resident set of this process (/proc/self/statm, second field, in pages)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * resource.getpagesize() / 1_000_000)
