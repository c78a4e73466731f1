"""Devices that come back: whatever is unplugged or restarted, the daemon goes on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, Literal, Protocol

import anyio
from anyio.abc import TaskStatus

from voxspark.devices.level import Doubts, Level
from voxspark.devices.next_microphone import NOTHING_SECONDS, Choice, Open
from voxspark.errors import DeviceError
from voxspark.events import DeviceChanged, Failed
from voxspark.protocols import Clock, Emit, Microphone, Speaker
from voxspark.types import Chunk, Clip

FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 1.0
"""A device is to be open again 2 s after it is there; a try that fails takes about 1 ms of a processor (measured)."""

LASTING_SECONDS = 5.0
"""A device that stayed so long does not flap."""


class OpenMicrophone(Microphone, Protocol):
    """A microphone that says which device it is."""

    description: str

    real: bool
    """A device, of which digital silence and full scale mean that something is wrong with it."""

    async def aclose(self) -> None:
        """Let the device go; returns when it has really gone."""
        ...


class OpenSpeaker(Speaker, Protocol):
    """A speaker that can go away."""

    description: str

    async def lost(self) -> DeviceError:
        """Return when the device goes away, with the reason."""
        ...

    def close(self) -> None:
        """Let the device go, without waiting."""
        ...


class _Link:
    """Whether a device is there, told once per change; and how long to wait before the next try."""

    def __init__(self, device: Literal["microphone", "speaker"], emit: Emit, clock: Clock) -> None:
        self.device = device
        self.state = "opening"
        self._emit = emit
        self._clock = clock
        self._opened_at = 0.0
        self._description = ""
        self._wait_seconds = FIRST_WAIT_SECONDS

    def opened(self, description: str, at: float | None = None) -> None:
        if (self.state, self._description) != ("open", description):
            self.state, self._description = "open", description
            self._opened_at = self._clock() if at is None else at
            self._emit(DeviceChanged(self._opened_at, self.device, "open", description))

    def ended(self, description: str) -> None:
        self.state = "ended"
        self._emit(DeviceChanged(self._clock(), self.device, "ended", description))

    def muted(self) -> None:
        if self.state != "muted":
            self.state = "muted"
            self._emit(DeviceChanged(self._clock(), self.device, "muted"))

    def doubted(self, error: DeviceError) -> None:
        self._emit(Failed(self._clock(), error.stage, error.code, error.message, error.remedy))

    def lost(self, error: DeviceError) -> None:
        now, was = self._clock(), self.state
        if was == "open" and now - self._opened_at > LASTING_SECONDS:
            self._wait_seconds = FIRST_WAIT_SECONDS
        self.state = f"lost: {error.message}"
        if not was.startswith("lost"):
            self._emit(Failed(now, error.stage, error.code, error.message, error.remedy))
            self._emit(DeviceChanged(now, self.device, "lost", error.message))

    async def wait(self) -> None:
        """Before the next try: 0.25 s, then twice as long each time up to 1 s, until a device lasts."""
        await anyio.sleep(self._wait_seconds)
        self._wait_seconds = min(2 * self._wait_seconds, LONGEST_WAIT_SECONDS)


async def _no_others() -> Sequence[Open]:
    return ()


class ReliableMicrophone:
    """A Microphone that opens its source again when it is lost, or another one when it gives nothing, and ends when
    its source ends."""

    def __init__(
        self, open: Open, emit: Emit, clock: Clock, others: Callable[[], Awaitable[Sequence[Open]]] = _no_others
    ) -> None:
        self._choice = Choice(open, others, clock)
        self._clock = clock
        self._link = _Link("microphone", emit, clock)
        self._source: OpenMicrophone | None = None
        self._waiting = anyio.CancelScope()
        self._muted = False
        self._fed_at = 0.0
        self._hungry_since: float | None = None
        self._doubts = Doubts()
        self._useless = False
        """The source gives zeros alone, in spite of reopening."""
        self.dropped_seconds = 0.0

    @property
    def state(self) -> str:
        """`opening`, `open`, `muted` (once the device is really closed), `lost: MESSAGE` or `ended`."""
        return self._link.state

    @property
    def starved_seconds(self) -> float:
        """How long a device that can be opened has given nothing, in spite of reopening, or the sound system has been
        given up; 0 when it is missing, muted or well."""
        return 0.0 if self._muted or self._hungry_since is None else self._clock() - self._hungry_since

    def report(self) -> dict[str, Any]:
        """For `status`: `device`, `in_place` (of the one in the settings, which gives nothing), `state`, `muted`,
        `silent` (only zeros come), and the level, null unless open."""
        device = self._source.description if self._source is not None and self.state == "open" else ""
        level = self._doubts.meter.level.to_json() if device else dict.fromkeys(Level.__slots__)
        doubts = {"muted": self._muted, "silent": bool(device) and self._doubts.silent}
        return {"device": device, "in_place": self._choice.in_place, "state": self.state, **doubts, **level}

    def mute(self, on: bool) -> None:
        """Let the device go soon, or take it again; `chunks()` goes on when it is there again. A file starts anew."""
        if on != self._muted:
            self._muted, self._hungry_since = on, None
            self._waiting.cancel()

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        """Every chunk of every source, until one ends by itself. Raises no DeviceError."""
        while True:
            if self._muted:
                await self._rest()
            try:
                async with aclosing(self._chunks_of_one()) as chunks:
                    async for chunk in chunks:
                        yield chunk
            except DeviceError as error:
                if not self._choice.on_trial:
                    self._link.lost(error)
                    with self._until_mute():
                        await self._link.wait()
                if self._choice.on_trial or self.starved_seconds >= NOTHING_SECONDS:
                    await self._give_up(silent=False)
            else:
                if self._link.state == "ended":
                    return
                if self._useless:
                    await self._give_up(silent=True)

    async def _give_up(self, *, silent: bool) -> None:
        """Choose another source, if one may be heard in place of the one that gives nothing."""
        with self._until_mute():
            await self._choice.give_up(self._source.description if self._source else "", silent=silent)
        self._useless = False

    async def _chunks_of_one(self) -> AsyncGenerator[Chunk, None]:
        """The chunks of a source, until it ends or this is muted. Raises DeviceError."""
        self._source = None
        try:
            with self._until_mute():
                self._source = await self._choice.open()
        except DeviceError as error:
            given_up = error.code == "sound-given-up"
            self._hungry_since = (self._hungry_since or self._clock()) if given_up else None
            raise
        if (source := self._source) is None:
            return
        self._fed_at, dropped_before = self._clock(), self.dropped_seconds
        self._doubts.opened(self._choice.patience_seconds if self._choice.changed() else None)
        try:
            async with aclosing(source.chunks()) as chunks:
                while not self._muted:
                    with self._until_mute() as scope:
                        chunk = await anext(chunks, None)
                    if scope.cancelled_caught:
                        return
                    if chunk is None:
                        self._link.ended(source.description)
                        return
                    self._fed_at, self._hungry_since = self._clock(), None
                    self.dropped_seconds = dropped_before + source.dropped_seconds
                    anew = self._doubt(source, chunk)
                    if not self._choice.on_trial:
                        self._link.opened(source.description, chunk.at)
                    yield chunk
                    if anew:
                        return
        except DeviceError:
            self._hungry_since = self._fed_at if self._hungry_since is None else self._hungry_since
            raise

    def _doubt(self, source: OpenMicrophone, chunk: Chunk) -> bool:
        """Tell what is newly wrong with what comes; whether a source is to be opened anew for it, this or another."""
        if not source.real:
            self._doubts.meter.feed(chunk.samples)
            return False
        was_silent, on_trial = self._doubts.silent, self._choice.on_trial
        if (error := self._doubts.feed(chunk.samples)) is not None and not on_trial:
            self._link.doubted(error)
        if self._doubts.sounds:
            self._choice.sounds(source.description)
            if self._choice.returns and self._doubts.pause:
                self._choice.go_back()
                return True
        if anew := self._doubts.open_anew:
            self._useless = was_silent or on_trial
            self._doubts.opens_anew()
        return anew

    async def _rest(self) -> None:
        """Until this is not muted any more; told when the device is really closed."""
        while self._muted:
            with self._until_mute():
                if self._source is not None:
                    await self._source.aclose()
                self._link.muted()
                await anyio.sleep_forever()
        self._link.state = "opening"

    def _until_mute(self) -> anyio.CancelScope:
        """A scope that ends when `mute` changes something; never held over a yield."""
        self._waiting = anyio.CancelScope()
        return self._waiting


class ReliableSpeaker:
    """A Speaker that fails quickly while its device is missing, and gets it back in `run()`."""

    def __init__(self, open: Callable[[], Awaitable[OpenSpeaker]], emit: Emit, clock: Clock) -> None:
        self._open = open
        self._link = _Link("speaker", emit, clock)
        self._speaker: OpenSpeaker | None = None
        self._missing: DeviceError | None = DeviceError(
            "speaker-not-open", "The speaker is not open yet.", "Wait a moment and ask again."
        )

    @property
    def state(self) -> str:
        """`opening`, `open` or `lost: MESSAGE`."""
        return self._link.state

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Keep the device open until cancelled; started when the first try is over."""
        started = False
        try:
            while True:
                try:
                    self._speaker = speaker = await self._open()
                except DeviceError as error:
                    self._lose(error)
                else:
                    self._missing = None
                    self._link.opened(speaker.description)
                if not started:
                    task_status.started()
                    started = True
                if self._missing is None:
                    self._lose(await speaker.lost())
                    speaker.close()
                await self._link.wait()
        finally:
            if self._speaker is not None:
                self._speaker.close()

    def report(self) -> dict[str, Any]:
        """For `status`: `device` and `state`."""
        there = self._speaker is not None and self.state == "open"
        return {"device": self._speaker.description if self._speaker and there else "", "state": self.state}

    def begin(self) -> None:
        """A new reply."""
        if self._speaker is not None:
            self._speaker.begin()

    async def play(self, clip: Clip) -> None:
        """Queue one clip. Raises DeviceError, at once when the device is missing."""
        await self._there().play(clip)

    async def drain(self) -> None:
        """Return when everything queued has been heard. Raises DeviceError when the device goes away meanwhile."""
        await self._there().drain()

    def stop(self) -> float:
        """Drop what is queued; the seconds of this reply that were heard, also on a device that is gone since."""
        return 0.0 if self._speaker is None else self._speaker.stop()

    def duck(self, gain: float) -> None:
        """Play on at this gain."""
        if self._speaker is not None:
            self._speaker.duck(gain)

    @property
    def audible_since(self) -> float | None:
        """Audio clock of the first audible sample of this reply."""
        return None if self._speaker is None else self._speaker.audible_since

    def _there(self) -> OpenSpeaker:
        if self._missing is not None:
            raise DeviceError(self._missing.code, self._missing.message, self._missing.remedy)
        assert self._speaker is not None
        return self._speaker

    def _lose(self, error: DeviceError) -> None:
        self._missing = error
        self._link.lost(error)
