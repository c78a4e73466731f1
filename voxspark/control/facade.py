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
from voxspark.events import Event, MicrophoneMuted, ModelPulled, Stopping, TurnEnded, TurnStarted
from voxspark.privacy import elsewhere
from voxspark.types import (
    Asked,
    MuteRequested,
    Pcm16,
    Pressed,
    Released,
    SayRequested,
    ShutdownRequested,
    StopRequested,
    Toggled,
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
        self, text: str, *, aloud: bool, role: str = "", images: tuple[bytes, ...] = (), guest: bool = False
    ) -> AsyncGenerator[Event, None]:
        """Events of the turn that answers `text`, to its end."""
        return self._turn_of(Asked(uuid4().hex, text, aloud, role, images, guest))

    def say(self, text: str) -> AsyncGenerator[Event, None]:
        """Events of the turn that says `text`, to its end."""
        return self._turn_of(SayRequested(uuid4().hex, text))

    async def _turn_of(self, signal: Asked | SayRequested) -> AsyncGenerator[Event, None]:
        number: int | None = None
        async with self._parts.bus.subscribe() as events:
            self._assistant.post(signal)
            async for event in events:
                _raise_if_stopping(event)
                if isinstance(event, TurnStarted) and event.request == signal.request:
                    number = event.turn
                if number is not None and getattr(event, "turn", None) == number:
                    yield event
                    if isinstance(event, TurnEnded):
                        return

    def press(self) -> None:
        """Push-to-talk down. Raises ControlError `muted`; the event tells it, too."""
        self._push(Pressed(self._parts.clock()))

    def release(self) -> None:
        """Push-to-talk up."""
        self._assistant.post(Released(self._parts.clock()))

    def toggle(self) -> None:
        """Push-to-talk down, or up where it is down. Raises ControlError `muted`."""
        self._push(Toggled(self._parts.clock()))

    def _push(self, signal: Pressed | Toggled) -> None:
        self._assistant.post(signal)
        if self._parts.mute.on:
            raise ControlError("muted", "The microphone is muted.", "Run: voxspark unmute")

    async def mute(self, on: bool | None) -> bool:
        """Close the microphone, or open it; whether it is closed then."""
        async with self._parts.bus.subscribe() as events:
            self._assistant.post(MuteRequested(on, "socket"))
            async for event in events:
                _raise_if_stopping(event)
                if isinstance(event, MicrophoneMuted):
                    return event.on
        raise ControlError("events-ended", "There are no more events.")

    def stop(self) -> None:
        """Be quiet, and stop what rings."""
        self._assistant.post(StopRequested())

    def shutdown(self, reason: str) -> None:
        """End the daemon."""
        self._assistant.post(ShutdownRequested(reason))

    async def transcribe(self, samples: Pcm16) -> Transcript:
        """Text of a recording."""
        return await self._parts.transcriber.transcribe(samples)

    def microphone(self) -> dict[str, Any]:
        """The microphone now."""
        speech, echo = self._parts.listener.speech_probability, self._parts.echo.state()
        return _report(self._parts.microphone) | {"speech": round(speech, 2), "echo": echo["duplex"]}

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

    def standing(self) -> str:
        """In a few words, for the service manager."""
        microphone = str(getattr(self._parts.microphone, "state", "open"))
        state = self._state().capitalize()
        if state == "Listening" and microphone == "muted":
            return "Muted"
        return f"No microphone; {state.lower()} to the socket" if microphone.startswith("lost") else state

    def starved_seconds(self) -> float:
        """How long the open microphone has given nothing, for the service manager's watchdog."""
        return float(getattr(self._parts.microphone, "starved_seconds", 0.0))

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
            "muted": self._parts.mute.on,
            "microphone": _report(self._parts.microphone),
            "speaker": _report(self._parts.speaker),
            "echo": self._parts.echo.state(),
            "hotkey": self._parts.hotkey(),
            "dropped_audio_seconds": round(self._parts.microphone.dropped_seconds, 3),
            "turns": self._assistant.turns,
            "waiting_requests": self._assistant.waiting,
            "recorded_turns_left": self._recorder.turns_left,
            "timers": [timer.name for timer in self._parts.timers.running],
            "jobs": [job.to_json() for job in self._parts.jobs],
            "mcp": self._servers(),
            "leaves": [
                {"what": each.what, "host": each.host, "asked": each.asked} for each in elsewhere(self._parts.config)
            ],
            "memory": self._models.snapshot(),
            "memory_mb": _resident_mb(),
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1_000_000),
            "last_failure": failure.to_json() if failure else None,
        }


def _report(device: object) -> dict[str, Any]:
    """What a device tells of itself; one that somebody else has opened tells nothing."""
    report = getattr(device, "report", None)
    return {"device": "", "state": "open"} if report is None else report()


def _raise_if_stopping(event: Event) -> None:
    if isinstance(event, Stopping):
        raise ControlError("stopping", "I am going down.", "Start me again with: voxspark run")


def _resident_mb() -> int:
    """Resident set of this process (/proc/self/statm, second field, in pages)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * resource.getpagesize() / 1_000_000)
