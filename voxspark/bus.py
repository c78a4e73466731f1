"""Events from the daemon to everybody who listens. Publishing never waits."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from voxspark.errors import (
    ChatError,
    ControlError,
    EngineError,
    SynthesizerError,
    ToolError,
    TranscriberError,
    VoxSparkError,
    root_cause,
    trace,
)
from voxspark.events import Event, Failed

log = logging.getLogger(__name__)

ENGINES = {kind.stage for kind in (EngineError, TranscriberError, ChatError, SynthesizerError)}

BOUND = 256
"""Events a subscriber may fall behind before it is let go."""

HELPER_BOUND = 65_536
"""The same for one that lives in this process and takes each event at once."""


def known(error: BaseException, doing: str) -> VoxSparkError:
    """An error of our own tree: the cause itself, or one that stands for it while the log keeps its trace."""
    cause = root_cause(error)
    if isinstance(cause, VoxSparkError):
        return cause
    log.error("%s failed: %s", doing, trace(cause))
    log.debug("%s failed", doing, exc_info=cause)
    return VoxSparkError("internal", "Something went wrong inside.", "See the log.")


def failed(error: VoxSparkError, at: float, turn: int | None = None) -> Failed:
    """The event that tells of an error."""
    return Failed(at, error.stage, error.code, error.message, error.remedy, turn)


def for_log(event: Failed) -> str:
    """A failure in a line of the log. What a tool, or the server of an engine, says about it may repeat what somebody
    has said; `voxspark status` shows it whole."""
    if event.stage == ToolError.stage:
        return event.code
    line = f"{event.code}: {event.message} {event.remedy}".rstrip()
    ours, says, _ = line.partition(" says: ")
    return f"{ours}{' says: …' * bool(says)}" if event.stage in ENGINES else line


class EventBus:
    """Fans events out to bounded subscribers."""

    def __init__(self) -> None:
        self._subscribers: set[MemoryObjectSendStream[Event]] = set()

    def publish(self, event: Event) -> None:
        """Hand the event to all; a subscriber that is full is let go."""
        for stream in tuple(self._subscribers):
            try:
                stream.send_nowait(event)
            except anyio.WouldBlock:
                self._subscribers.discard(stream)
                stream.close()
            except anyio.BrokenResourceError:
                self._subscribers.discard(stream)

    @asynccontextmanager
    async def subscribe(self, bound: int = BOUND) -> AsyncIterator[AsyncIterator[Event]]:
        """Events from now on. The iterator raises ControlError `subscriber-too-slow` when it fell `bound` behind."""
        send, receive = anyio.create_memory_object_stream[Event](bound)
        self._subscribers.add(send)
        try:
            async with receive:
                yield self._events(send, receive)
        finally:
            self._subscribers.discard(send)
            send.close()

    async def _events(
        self, send: MemoryObjectSendStream[Event], receive: MemoryObjectReceiveStream[Event]
    ) -> AsyncIterator[Event]:
        async for event in receive:
            yield event
        if send not in self._subscribers:
            raise ControlError("subscriber-too-slow", f"You fell {BOUND} events behind.", "Subscribe again.")
