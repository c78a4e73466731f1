"""One run of the daemon: load, open the doors, live, go down in order."""

from __future__ import annotations

import logging
import math
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress

import anyio
import anyio.lowlevel

from voxspark.bus import EventBus, failed
from voxspark.compose import make_assistant, open_engines, warm
from voxspark.config import Config, socket_path
from voxspark.control.facade import AssistantDaemon
from voxspark.control.server import Server, claim
from voxspark.errors import (
    ChatError,
    ControlError,
    DeviceError,
    EngineError,
    SynthesizerError,
    TranscriberError,
    VoxSparkError,
)
from voxspark.events import Event, Failed, TurnEnded
from voxspark.kit import open_kit
from voxspark.language import speak
from voxspark.protocols import Clock, Emit, Microphone, Speaker
from voxspark.tools.wall_time import local_now
from voxspark.types import ShutdownRequested
from voxspark.watching.watcher import Watcher

log = logging.getLogger(__name__)

WATCHER_BOUND = 65_536
"""Events the watcher of a run may fall behind: it lives in this process and writes each at once."""

STAGES = {kind.stage: kind for kind in (DeviceError, EngineError, TranscriberError, ChatError, SynthesizerError)}


def error_of(event: Failed) -> VoxSparkError:
    """The error that an event tells of."""
    return STAGES.get(event.stage, VoxSparkError)(event.code, event.message, event.remedy)


async def run_daemon(
    config: Config,
    *,
    once: bool = False,
    serve: bool = True,
    tell: Callable[[str], None] = lambda _: None,
    watch: Callable[[Event], None] | None = None,
    devices: Callable[[Clock], Awaitable[tuple[Microphone, Speaker]]] | None = None,
) -> None:
    """Run until a shutdown is requested, SIGINT or SIGTERM comes, or `once` is over.

    `tell` hears about the loading, `watch` sees every event, `devices` replaces those of the configuration (given the
    clock). Raises VoxSparkError when the daemon cannot start; with `once` also when a device fails, or when the last
    thing that happened was a failure.
    """
    speak(config.language)
    watcher = Watcher(config.metrics, config.recording, local_now)
    if serve:
        with claim(socket_path(config)):
            pass  # another daemon, or a path that cannot be used: better told before the loading than after it
    bus = EventBus()
    begun = math.inf
    early: list[Event] = []
    emit: Emit = early.append

    def clock() -> float:
        return max(0.0, anyio.current_time() - begun)

    async with open_kit(config) as kit, open_engines(config, kit.toolbox, lambda event: emit(event), clock) as engines:
        if kit.database.failure is not None:
            emit(failed(kit.database.failure, 0.0))
        kit.database.tell = lambda error: emit(failed(error, clock()))
        await warm(engines, tell)
        begun = anyio.current_time()
        microphone, speaker = await devices(clock) if devices else (None, None)
        assistant = make_assistant(config, kit, engines, bus, clock, once=once, microphone=microphone, speaker=speaker)
        assistant.tap(watcher.recorder.attend(assistant.emit, clock))
        verdict = _Verdict()
        async with bus.subscribe(WATCHER_BOUND) as events, anyio.create_task_group() as group:
            watchers = [watcher.note, *([watch] if watch else []), *([verdict.judge] if once else [])]
            group.start_soon(_watch, events, watchers)
            await group.start(watcher.run)
            group.start_soon(_stop_on_signals, assistant.post)
            if serve:
                server = Server(
                    AssistantDaemon(assistant, engines.models, engines.swarm, kit.servers.snapshot, watcher.recorder),
                    config.control,
                )
                await group.start(server.run, socket_path(config))
                log.info("listening on %s", socket_path(config))
            emit = assistant.emit
            for event in early:
                assistant.emit(event)
            await assistant.run()
            await anyio.lowlevel.checkpoint()  # the watcher sees the last events
            group.cancel_scope.cancel()
    if verdict.failed is not None:
        raise error_of(verdict.failed)


class _Verdict:
    """How a run `once` went."""

    failed: Failed | None = None
    """What failed since the last answer."""

    def judge(self, event: Event) -> None:
        """Raises DeviceError when a device is missing: a script does not wait for it to come."""
        if isinstance(event, Failed):
            self.failed = event
            if event.stage == DeviceError.stage and event.turn is None:
                raise error_of(event)
        elif isinstance(event, TurnEnded) and event.outcome == "answered":
            self.failed = None


async def _watch(events: AsyncIterator[Event], watchers: Sequence[Callable[[Event], None]]) -> None:
    async for event in events:
        for watch in watchers:
            watch(event)


async def _stop_on_signals(post: Callable[[ShutdownRequested], None]) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for number in signals:
            with suppress(ControlError):
                post(ShutdownRequested(signal.Signals(number).name))
