"""Turns down what other programs play while somebody speaks with the assistant, through PulseAudio's protocol.

    called ──▶ engaged: a turn is live, or whoever speaks is listened to ──▶ let go: every stream as it was

The sound server remembers a program's volume from one track to the next and beyond its end, so what is quiet is
written down and brought back by the stream, by the program, or in the server's own memory; after a crash, too.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import TaskStatus

from voxspark.errors import ToolError
from voxspark.events import (
    DeviceChanged,
    Event,
    SpeakingStarted,
    SpeechStarted,
    TurnConfirmed,
    TurnEnded,
    TurnStarted,
    WakeWord,
)
from voxspark.files import write_json
from voxspark.tools.desktop.volume import sound_server

log = logging.getLogger(__name__)

SPOKEN = ("microphone", "push_to_talk")
"""Sources of turns that somebody spoke."""

LOOK_AGAIN_SECONDS = 0.5
"""While it is quiet: new streams begin, and the follow-up window closes without an event."""
TRY_AGAIN_SECONDS = 5.0
"""When the sound server did not let go of what is quiet."""
SERVER_SECONDS = 2.0
SAME_VOLUME = 0.01
"""Volumes nearer than this are the same: nobody has changed them meanwhile."""

Subscribe = Callable[[], AbstractAsyncContextManager[AsyncIterator[Event]]]


@dataclass(frozen=True, slots=True)
class Quiet:
    """A stream that is turned down."""

    index: int
    program: str
    """By which the server knows it again."""
    before: float
    """Its volume, 1 is full."""
    now: float


class Engagement:
    """Whether somebody speaks with the assistant, as events tell. `attentive`: whoever speaks now speaks to it."""

    def __init__(self, attentive: Callable[[], bool]) -> None:
        self._attentive = attentive
        self._called = False
        self._spoken: set[int] = set()
        self._live: set[int] = set()

    def note(self, event: Event) -> None:
        """Hear of an event."""
        match event:
            case WakeWord():
                self._called = True
            case SpeechStarted():
                self._called = self._called or self._attentive()
            case TurnStarted() if event.source in SPOKEN:
                self._spoken.add(event.turn)
            case TurnConfirmed() if event.turn in self._spoken:
                self._live.add(event.turn)
            case SpeakingStarted():
                self._live.add(event.turn)
            case TurnEnded():
                self._spoken.discard(event.turn)
                self._live.discard(event.turn)
            case DeviceChanged(device="microphone") if event.state != "open":
                self._called = False  # whoever was listened to is not any more

    def holds(self) -> bool:
        """It lasts until no turn is live and nobody is listened to."""
        self._called = bool(self._live) or (self._called and self._attentive())
        return self._called


class Ducking:
    """Keeps other programs quiet while it is engaged.

    `gain` is what is left of their volume, `notes` the file that outlives a crash, `server` PulseAudio's address, None
    for the session's.
    """

    def __init__(
        self,
        gain: float,
        notes: Path,
        subscribe: Subscribe,
        attentive: Callable[[], bool],
        *,
        server: str | None = None,
    ) -> None:
        self._gain = gain
        self._notes = notes
        self._subscribe = subscribe
        self._engagement = Engagement(attentive)
        self._server = server
        self._changed = anyio.Event()
        self._quiet: list[Quiet] = []

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Follow the events, until cancelled; then everything is as loud as before."""
        async with self._subscribe() as events, anyio.create_task_group() as group:
            group.start_soon(self._follow)
            task_status.started()
            async for event in events:
                self._engagement.note(event)
                self._changed.set()

    async def _follow(self) -> None:
        self._quiet = self._read_notes()
        try:
            while True:
                engaged = self._engagement.holds()
                if engaged:
                    await self._safely(self._turn_down)
                elif self._quiet:
                    await self._safely(self._let_go)
                pause = LOOK_AGAIN_SECONDS if engaged else TRY_AGAIN_SECONDS if self._quiet else None
                with anyio.move_on_after(pause):
                    await self._changed.wait()
                self._changed = anyio.Event()
        finally:
            if self._quiet:
                await self._safely(self._let_go)

    async def _safely(self, change: Callable[[Any], Awaitable[None]]) -> None:
        """Where there is no sound server there is nothing to turn down.

        Runs to its end or its own deadline: pulsectl-asyncio answers a call that was cancelled with an error on the
        loop.
        """
        try:
            with anyio.fail_after(SERVER_SECONDS, shield=True):
                async with sound_server(self._server) as pulse:
                    await change(pulse)
        except (ToolError, TimeoutError, OSError) as error:
            log.debug("the volume of other programs stays: %r", error)
        except Exception:  # the boundary of a comfort: no sound server ends the daemon
            log.exception("the volume of other programs stays")

    # ── down ────────────────────────────────────────────────────────────────────────────────────

    async def _turn_down(self, pulse: Any) -> None:
        """Those on the default output: what plays elsewhere is another virtual device, or another room."""
        output = (await pulse.server_info()).default_sink_name
        sinks = {sink.index for sink in await pulse.sink_list() if sink.name == output}
        new = []
        for stream in await _others(pulse):
            known = self._of(stream)
            if stream.sink in sinks and (known is None or known.index != stream.index):
                new.append((stream, self._noted(stream, known)))
        if not new:
            return
        self._quiet += [quiet for _, quiet in new]
        self._write_notes()
        for stream, quiet in new:
            await _set(pulse, stream, quiet.now)

    def _noted(self, stream: Any, known: Quiet | None) -> Quiet:
        """The next track of a program that is quiet begins as quiet."""
        before = _level(stream)
        if known is not None and _same(before, known.now):
            return replace(known, index=stream.index)
        return Quiet(stream.index, _program(stream), before, before * self._gain)

    def _of(self, stream: Any) -> Quiet | None:
        """The same stream, or another one of the same program."""
        of_program = [quiet for quiet in self._quiet if quiet.program == _program(stream)]
        same = [quiet for quiet in of_program if quiet.index == stream.index]
        return next(iter(same or of_program), None)

    # ── up ──────────────────────────────────────────────────────────────────────────────────────

    async def _let_go(self, pulse: Any) -> None:
        """What somebody has set meanwhile stays as it is."""
        streams = await _others(pulse)
        for stream in streams:
            quiet = self._of(stream)
            if quiet is not None and _same(_level(stream), quiet.now):
                await _set(pulse, stream, quiet.before)
        there = {_program(stream) for stream in streams}
        await _remember(pulse, [quiet for quiet in self._quiet if quiet.program not in there])
        self._quiet = []
        self._write_notes()

    # ── notes ───────────────────────────────────────────────────────────────────────────────────

    def _read_notes(self) -> list[Quiet]:
        try:
            return [Quiet(**each) for each in json.loads(self._notes.read_text())]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError) as error:
            log.warning("the notes about the volume of other programs cannot be read: %r", error)
            return []

    def _write_notes(self) -> None:
        try:
            if not self._quiet:
                self._notes.unlink(missing_ok=True)
                return
            write_json(self._notes, [asdict(quiet) for quiet in self._quiet])
        except OSError as error:
            log.warning("the volume of other programs cannot be noted: %r", error)


async def _others(pulse: Any) -> list[Any]:
    """The streams of other programs."""
    mine = str(os.getpid())
    return [each for each in await pulse.sink_input_list() if each.proplist.get("application.process.id") != mine]


async def _set(pulse: Any, stream: Any, level: float) -> None:
    from pulsectl import PulseOperationFailed, PulseVolumeInfo

    with suppress(PulseOperationFailed):  # it has ended, or its volume is fixed
        await pulse.sink_input_volume_set(stream.index, PulseVolumeInfo(_scaled(stream.volume, level)))


def _scaled(volume: Any, level: float) -> list[float]:
    """All channels by the same factor, so that the balance stays."""
    was = float(volume.value_flat)
    return [value * level / was if was else level for value in volume.values]


async def _remember(pulse: Any, gone: list[Quiet]) -> None:
    """Programs that play nothing any more begin as loud as they were, where the server remembers them."""
    if not gone:
        return
    from pulsectl import PulseOperationFailed, PulseOperationInvalid

    with suppress(PulseOperationFailed, PulseOperationInvalid):
        for entry in await pulse.stream_restore_read():
            for quiet in gone:
                if entry.name == quiet.program and _same(entry.volume.value_flat, quiet.now):
                    entry.volume.values = _scaled(entry.volume, quiet.before)
                    await pulse.stream_restore_write(entry, mode="replace")


def _program(stream: Any) -> str:
    properties = stream.proplist
    name = properties.get("application.name") or properties.get("application.process.binary") or stream.name
    return str(properties.get("module-stream-restore.id") or name)


def _level(stream: Any) -> float:
    return float(stream.volume.value_flat)


def _same(level: float, other: float) -> bool:
    return abs(level - other) < SAME_VOLUME
