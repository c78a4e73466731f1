"""PortAudio, of which a process has one: finding, listing, opening and closing its devices."""

from __future__ import annotations

import asyncio
import atexit
import difflib
import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import anyio
import anyio.to_thread

from voxspark.devices.presence import presence
from voxspark.devices.sound_thread import SoundThread, fresh_portaudio
from voxspark.errors import DeviceError

log = logging.getLogger(__name__)

T = TypeVar("T")

Kind = Literal["microphone", "speaker"]

LATENCY_SECONDS = 0.08
"""Buffer of the sound card; a stop is heard this much later. At PortAudio's own "low" (0.009 s) PulseAudio 16 lost a
tenth of the output (measured), and Python on a busy machine needs slack."""

SETTLING_SECONDS = 5.0
"""After something was plugged in or a sound server began: so long its devices may still be on their way."""

RELIST_SECONDS = 10.0
"""Between two starts of PortAudio where nothing seems to have changed: one takes some 25 ms of a processor with four
devices (measured), which is 0.3 % of it."""

HANG_SECONDS = 2.0
"""A call into PortAudio takes a tenth of that on a machine that is not overrun; to be too early costs a reopening."""

LONGEST_HANG_SECONDS = 300.0
"""The patience doubles up to this while nothing answers: a sound server that is stopped stops every copy."""

MOST_COPIES = 12
COPIES_SECONDS = 3600.0
"""Each copy that is left behind keeps threads, descriptors and some memory; after so many within so long the watchdog
is to have the daemon started anew."""

LOOK_SECONDS = 0.25

DIRECTIONS: dict[Kind, Literal["input", "output"]] = {"microphone": "input", "speaker": "output"}


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """One microphone or speaker that PortAudio knows; a headset is both."""

    name: str
    kind: Kind
    channels: int
    rate_hz: int
    """Its own sample rate."""
    default: bool


@dataclass(slots=True, eq=False)
class OpenStream:
    """A running stream."""

    name: str
    sample_rate_hz: int
    finished: Callable[[], None]
    """Called from a PortAudio thread when the stream ends by itself."""
    library: Any = None
    """The copy of PortAudio that it belongs to."""
    stream: Any = field(default=None)
    closing: bool = False
    claimed: bool = False
    """Some thread closes it, or hangs in that: twice would free it twice."""

    @property
    def latency_seconds(self) -> float:
        """The device's delay, as promised when it was opened."""
        return float(self.stream.latency)

    def ended(self) -> None:
        """PortAudio's finished callback."""
        if not self.closing:
            self.finished()


Prepare = Callable[[int], Callable[[Any, int, Any, Any], None]]
"""From the device's rate to the audio callback `(data, frames, time_info, status)`; runs before the stream starts."""


class SoundHost:
    """All calls into PortAudio, on one thread: they block, may hang, and are not safe on two."""

    def __init__(self) -> None:
        self._thread = SoundThread()
        self._hiding = threading.Lock()
        self._patience_seconds = HANG_SECONDS
        self._open_streams: set[OpenStream] = set()
        self._listed = self._seen = presence()
        self._listed_at = self._changed_at = -math.inf
        self._rescuing = threading.Lock()
        self._copied_at: deque[float] = deque(maxlen=MOST_COPIES)
        self.releases: set[Callable[[bool], None]] = set()
        """Called to close streams when the list of devices must be read again: those that are idle, or (true: there
        are others now) all that can be opened again without harm."""

    async def open(self, kind: Kind, name: str, prepare: Prepare, finished: Callable[[], None]) -> OpenStream:
        """Open and start a device. Raises DeviceError: `portaudio-missing`, `KIND-not-found`, `KIND-open-failed`.

        PortAudio lists devices once, when it starts. So after a failure it is started again, if nothing plays.
        """
        try:
            return await self._run(partial(self._open, kind, name, prepare, finished))
        except DeviceError:
            if not await self._list_again():
                raise
            return await self._run(partial(self._open, kind, name, prepare, finished))

    async def _list_again(self) -> bool:
        """Start PortAudio again, where that may find something; false where it may not, or a reply is being spoken."""
        seen, now = presence(), time.monotonic()
        if seen != self._seen:
            self._seen, self._changed_at = seen, now
        others, settling = seen != self._listed, now - self._changed_at < SETTLING_SECONDS
        if not (others or settling) and now - self._listed_at < RELIST_SECONDS:
            return False
        for release in list(self.releases):
            release(others)
        return await self._call(self._restart)

    def close(self, stream: OpenStream) -> None:
        """Close a stream soon."""
        stream.closing = True
        self._thread.submit(partial(self._close, stream))

    async def devices(self) -> list[DeviceInfo]:
        """See `list_devices`."""
        return await self._call(list_devices)

    async def settled(self) -> None:
        """Return when what was asked so far is done."""
        await self._call(lambda: None)

    async def _run(self, opening: Callable[[], OpenStream]) -> OpenStream:
        """Open in the thread; a stream that nobody waits for any more is closed."""
        pending = self._thread.submit(opening)
        try:
            return await self._answer(pending)
        except (asyncio.CancelledError, DeviceError):
            pending.add_done_callback(self._discard)
            raise

    async def _call(self, function: Callable[[], T]) -> T:
        return await self._answer(self._thread.submit(function))

    async def _answer(self, pending: Future[T]) -> T:
        """What a call returns. Raises DeviceError: `sound-hangs` when PortAudio had to be left behind meanwhile,
        `sound-given-up` when that was so too often."""
        thread, answer = self._thread, asyncio.wrap_future(pending)
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may wait for it any more
        while not answer.done():
            with anyio.move_on_after(LOOK_SECONDS):
                await asyncio.shield(answer)
            if not answer.done() and thread is self._thread and thread.busy_seconds > self._patience_seconds:
                await anyio.to_thread.run_sync(self._rescue, thread)
            if not answer.done() and thread is not self._thread:
                raise _hangs()
        self._patience_seconds = HANG_SECONDS
        return answer.result()

    def _rescue(self, thread: SoundThread) -> None:
        """Go on with another thread and another copy of PortAudio, unless it comes back meanwhile."""
        with self._rescuing:
            thread.quiet_circling()
            if thread is not self._thread or thread.busy_seconds <= self._patience_seconds:
                return
            now = time.monotonic()
            if len(self._copied_at) == MOST_COPIES and now - self._copied_at[0] < COPIES_SECONDS:
                raise _hangs("sound-given-up")
            self._copied_at.append(now)
            log.warning("PortAudio hangs: going on with another copy of it")
            self._patience_seconds = min(2 * self._patience_seconds, LONGEST_HANG_SECONDS)
            try:
                fresh_portaudio(sd := _sounddevice())
            except OSError as error:
                log.warning("PortAudio cannot be copied: %s", error)
                return
            self._thread, self._hiding = SoundThread(), threading.Lock()
            self._thread.submit(sd._initialize)
            left, self._open_streams = self._open_streams, set()
            thread.leave(_hangs())
        closer = SoundThread()  # it may hang like the one before
        for opened in left:
            opened.ended()
            opened.closing = True
            closer.submit(partial(self._close, opened))
        closer.end()

    def _discard(self, opened: Future[OpenStream]) -> None:
        if not opened.cancelled() and opened.exception() is None:
            self.close(opened.result())

    def _open(self, kind: Kind, name: str, prepare: Prepare, finished: Callable[[], None]) -> OpenStream:
        sd = _sounddevice()
        index, info = _find(sd, kind, name)
        most, rate = int(info[f"max_{DIRECTIONS[kind]}_channels"]), int(info["default_samplerate"])
        callback = prepare(rate)
        failure: Exception | None = None
        hiding = self._hiding
        for channels in dict.fromkeys((min(2, most), 1, most)):
            opened = OpenStream(str(info["name"]), rate, finished, sd._lib)
            try:
                with _native_messages_hidden(hiding):
                    opened.stream = (sd.InputStream if kind == "microphone" else sd.OutputStream)(
                        samplerate=rate,
                        device=index,
                        channels=channels,
                        dtype="float32",
                        latency=LATENCY_SECONDS,
                        callback=callback,
                        finished_callback=opened.ended,
                    )
                    opened.stream.start()
            except sd.PortAudioError as error:
                failure = error
                self._close(opened)
            else:
                self._open_streams.add(opened)
                return opened
        raise DeviceError(
            f"{kind}-open-failed",
            f"The {kind} {info['name']} cannot be opened.",
            "Check that no other program holds it, and that this user may use sound (group audio).",
        ) from failure

    def _close(self, opened: OpenStream) -> None:
        opened.closing = True
        if opened.stream is not None and not opened.claimed:
            opened.claimed = True
            library = opened.library  # `opened.stream` itself would call the copy that is used by then
            left = library is not _sounddevice()._lib
            with nullcontext() if left else _native_messages_hidden(self._hiding):
                library.Pa_AbortStream(opened.stream._ptr)
                library.Pa_CloseStream(opened.stream._ptr)
        self._open_streams.discard(opened)

    def end(self, sounddevice: Any) -> None:
        """At the end of the process: close what is open, in the thread that may, then end PortAudio (which hangs while
        a stream is being closed), but do not wait for ever."""
        for opened in self._open_streams.copy():
            self.close(opened)
        with suppress(TimeoutError, sounddevice.PortAudioError):
            self._thread.submit(sounddevice._exit_handler).result(HANG_SECONDS)

    def _restart(self) -> bool:
        if self._open_streams:
            return False
        sd = _sounddevice()
        self._listed, self._listed_at = presence(), time.monotonic()
        sd._terminate()
        sd._initialize()
        return True


@cache
def sound_host() -> SoundHost:
    """The one of this process."""
    return SoundHost()


def list_devices() -> list[DeviceInfo]:
    """Every microphone and speaker, in PortAudio's order. Raises DeviceError when PortAudio is missing."""
    sd = _sounddevice()
    defaults = {kind: _default_index(sd, kind) for kind in DIRECTIONS}
    return [
        DeviceInfo(str(info["name"]), kind, channels, int(info["default_samplerate"]), index == defaults[kind])
        for index, info in enumerate(sd.query_devices())
        for kind, direction in DIRECTIONS.items()
        if (channels := int(info[f"max_{direction}_channels"]))
    ]


@contextmanager
def _native_messages_hidden(hiding: threading.Lock) -> Iterator[None]:
    """Meanwhile nothing written to file descriptor 2 is seen: ALSA and PortAudio say there what their errors say again.

    A daemon's own standard error is another descriptor (`console.start_log`), so that nothing else is lost. Two at
    once would restore each other's nothing.
    """
    with hiding:
        shown = os.dup(2)
        try:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            os.dup2(shown, 2)
            os.close(shown)


def _sounddevice() -> Any:
    try:
        import sounddevice
    except OSError as error:
        raise DeviceError(
            "portaudio-missing",
            "The sound library PortAudio is not installed.",
            "Run: sudo apt-get install libportaudio2",
        ) from error
    _end_in_time(sounddevice)
    return sounddevice


@cache
def _end_in_time(sounddevice: Any) -> None:
    """Its own way to end PortAudio may hang, and the end of the process with it."""
    atexit.unregister(sounddevice._exit_handler)
    atexit.register(sound_host().end, sounddevice)


def _hangs(code: str = "sound-hangs") -> DeviceError:
    return DeviceError(code, "The sound system does not answer.", "Check the sound server.")


def _default_index(sd: Any, kind: Kind) -> int:
    return int(sd.default.device[kind == "speaker"])


def _find(sd: Any, kind: Kind, name: str) -> tuple[int, Any]:
    """Index and description of `default`, of the device of that name, or of the first whose name contains it."""
    usable = {index: info for index, info in enumerate(sd.query_devices()) if info[f"max_{DIRECTIONS[kind]}_channels"]}
    if name == "default":
        if (index := _default_index(sd, kind)) in usable:
            return index, usable[index]
        raise DeviceError(
            f"{kind}-not-found",
            f"This machine has no default {kind}.",
            f"Connect one, check that the sound server runs for this user, or set devices.{kind}.",
        )
    wanted = name.casefold()
    for matches in (str.__eq__, str.__contains__):
        for index, info in usable.items():
            if matches(str(info["name"]).casefold(), wanted):
                return index, info
    raise _not_found(kind, name, [str(info["name"]) for info in usable.values()])


def _not_found(kind: Kind, name: str, known: list[str]) -> DeviceError:
    nearest = difflib.get_close_matches(name, known, n=8, cutoff=0.0)
    hint = (
        f"Known, the nearest first: {', '.join(nearest)}." if known else "No device is connected, or the server is off."
    )
    return DeviceError(f"{kind}-not-found", f"There is no {kind} called {name}.", f"Set devices.{kind}. {hint}")
