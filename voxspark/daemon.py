"""One run of the daemon: load, open the doors, live, go down in order."""

from __future__ import annotations

import logging
import math
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial

import anyio
import anyio.lowlevel

from voxspark.bus import HELPER_BOUND, EventBus, failed
from voxspark.compose import make_assistant
from voxspark.config import Config, socket_path
from voxspark.control.access import Access
from voxspark.control.facade import AssistantDaemon
from voxspark.control.server import Server, claim
from voxspark.engine_room import open_engines, warm
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
from voxspark.privacy import keep_private
from voxspark.protocols import Clock, Emit, Microphone, Speaker
from voxspark.service.activation import take_listener
from voxspark.service.notify import take_notifier
from voxspark.service.reload import Reloading
from voxspark.service.supervision import Supervision
from voxspark.tools.wall_time import local_now
from voxspark.types import ShutdownRequested
from voxspark.watching.watcher import Watcher

log = logging.getLogger(__name__)

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
    read: Callable[[], Config] | None = None,
) -> None:
    """Run until a shutdown is requested, SIGINT or SIGTERM comes, or `once` is over.

    `tell` hears about the loading, `watch` sees every event, `devices` replaces those of the configuration (given the
    clock), `read` gives the configuration anew at SIGHUP. Raises VoxSparkError when the daemon cannot start; with
    `once` also when a device fails, or when the last thing that happened was a failure.
    """
    speak(config.language)
    keep_private()
    supervision, listener = Supervision(take_notifier()), _door(config) if serve else None
    watcher = Watcher(config.metrics, config.recording, local_now)
    if read is not None:
        signal.signal(signal.SIGHUP, lambda *_: None)  # while it loads there is nothing to change
    bus, begun = EventBus(), math.inf
    early: list[Event] = []
    emit: Emit = early.append

    def clock() -> float:
        return max(0.0, anyio.current_time() - begun)

    async with open_kit(config) as kit, open_engines(config, kit.toolbox, lambda event: emit(event), clock) as engines:
        if kit.database.failure is not None:
            emit(failed(kit.database.failure, 0.0))
        kit.database.tell = lambda error: emit(failed(error, clock()))
        async with supervision.loading(tell) as told:
            await warm(engines, told)
        begun = anyio.current_time()
        given = await devices(clock) if devices else (None, None)
        assistant = make_assistant(config, kit, engines, bus, clock, given, once=once)
        assistant.tap(watcher.recorder.attend(assistant.emit, clock))
        door = AssistantDaemon(assistant, engines.models, engines.swarm, kit.servers.snapshot, watcher.recorder)
        server, verdict = Server(door, config.control), _Verdict()
        changing = (assistant.reconfigure, server.reconfigure)
        again = Reloading(config, read, changing, supervision.notifier, assistant.emit, clock) if read else None
        async with bus.subscribe(HELPER_BOUND) as events, anyio.create_task_group() as group:
            tell_manager = partial(supervision.note, standing=door.standing)
            group.start_soon(_watch, events, watcher.note, tell_manager, watch, verdict.judge if once else None)
            await group.start(watcher.run)
            group.start_soon(_obey_signals, assistant.post, again)
            group.start_soon(supervision.pulse, door.starved_seconds)
            if serve:
                await group.start(server.run, socket_path(config), listener)
                log.info("listening on %s", socket_path(config))
            emit = assistant.emit
            while early:
                emit(early.pop(0))
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


async def _watch(events: AsyncIterator[Event], *watchers: Callable[[Event], None] | None) -> None:
    async for event in events:
        for watch in filter(None, watchers):
            watch(event)


def _door(config: Config) -> socket.socket | None:
    """The socket that the manager opened for us; otherwise our own must be free.

    Another daemon, or a path that cannot be used, is better told before the loading than after it.
    """
    if (listener := take_listener()) is None:
        with claim(socket_path(config), Access.of(config.control)):
            pass
    return listener


async def _obey_signals(post: Callable[[ShutdownRequested], None], again: Callable[[], None] | None) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if again else ()))
    with anyio.open_signal_receiver(*numbers) as signals:
        async for number in signals:
            if number != signal.SIGHUP or again is None:
                break
            again()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the second one ends at once, as SIGTERM does
    with suppress(ControlError):
        post(ShutdownRequested(signal.Signals(number).name))
