"""A Wyoming server for tests, on the reader, writer and values of the `wyoming` package itself.

async with wyoming_server() as server:
    server.answers["synthesize"] = [AudioStart(22050, 2, 1), AudioChunk(22050, 2, 1, audio), AudioStop()]
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import anyio
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event, Eventable, async_read_event, async_write_event
from wyoming.info import AsrModel, AsrProgram, Attribution, Info, TtsProgram, TtsVoice

RATE_HZ = 22_050

NOBODY = Attribution("nobody", "")

EARS = AsrProgram("ears", NOBODY, True, None, "1", models=[AsrModel("base", NOBODY, True, None, "1", ["en", "de"])])
VOICES = TtsProgram("voice", NOBODY, True, None, "1", voices=[TtsVoice("joe", NOBODY, True, None, "1", ["en_US"])])

Step = Eventable | bytes | anyio.Event
"""A value of the package, bytes as they are, or something to wait for."""


@dataclass
class WyomingServer:
    """What a test says to the server and sees of it."""

    host: str = ""
    answers: dict[str, list[Step]] = field(default_factory=dict)
    """By the type of the message that ends a request; then the connection is closed."""
    deaf: bool = False
    """It reads nothing."""
    received: list[Event] = field(default_factory=list)
    connections: int = 0
    asked: anyio.Event = field(default_factory=anyio.Event)
    """A request was whole."""
    left: anyio.Event = field(default_factory=anyio.Event)
    """A client closed its connection before the end of an answer."""

    def of(self, type: str) -> list[Event]:
        """What was received of a type."""
        return [event for event in self.received if event.type == type]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            while not self.deaf and (event := await async_read_event(reader)) is not None:
                self.received.append(event)
                if event.type in self.answers:
                    self.asked.set()
                    await self._answer(self.answers[event.type], reader, writer)
                    break
            if self.deaf:
                await anyio.sleep_forever()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, steps: list[Step], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch, reader, group.cancel_scope)
            for step in steps:
                if isinstance(step, anyio.Event):
                    await step.wait()
                elif isinstance(step, bytes):
                    writer.write(step)
                    with suppress(ConnectionError):  # whoever asked has gone
                        await writer.drain()
                else:
                    await async_write_event(step.event(), writer)
            group.cancel_scope.cancel()

    async def _watch(self, reader: asyncio.StreamReader, answering: anyio.CancelScope) -> None:
        if not await reader.read():
            self.left.set()
            answering.cancel()


@asynccontextmanager
async def wyoming_server() -> AsyncIterator[WyomingServer]:
    """A server of ears and voices on a free port of 127.0.0.1, for as long as the block lasts."""
    world = WyomingServer()
    world.answers = {
        "describe": [Info(asr=[EARS], tts=[VOICES])],
        "audio-stop": [Transcript("Hello there.")],
        "synthesize": [AudioStart(RATE_HZ, 2, 1), AudioChunk(RATE_HZ, 2, 1, b"\1\2" * 500), AudioStop()],
    }
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(task := asyncio.create_task(world.serve(reader, writer)))
        task.add_done_callback(tasks.discard)

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        world.host = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield world
        for task in tasks:
            task.cancel()
