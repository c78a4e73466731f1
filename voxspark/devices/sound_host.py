"""PortAudio, of which a process has one: finding, listing, opening and closing its devices."""

from __future__ import annotations

import asyncio
import difflib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from voxspark.errors import DeviceError

T = TypeVar("T")

Kind = Literal["microphone", "speaker"]

LATENCY_SECONDS = 0.08
"""Buffer of the sound card; a stop is heard this much later. At PortAudio's own "low" (0.009 s) PulseAudio 16 lost a
tenth of the output (measured), and Python on a busy machine needs slack."""

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
    stream: Any = field(default=None)
    closing: bool = False

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
        self._thread = ThreadPoolExecutor(1, "voxspark-portaudio")
        self._open_streams: set[OpenStream] = set()
        self.releases: set[Callable[[], None]] = set()
        """Called to close streams that are idle, when the list of devices must be read again."""

    async def open(self, kind: Kind, name: str, prepare: Prepare, finished: Callable[[], None]) -> OpenStream:
        """Open and start a device. Raises DeviceError: `portaudio-missing`, `KIND-not-found`, `KIND-open-failed`.

        PortAudio lists devices once, when it starts. So after a failure it is started again, if nothing plays.
        """
        try:
            return await self._run(partial(self._open, kind, name, prepare, finished))
        except DeviceError:
            for release in list(self.releases):
                release()
            if not await self._call(self._restart):
                raise
            return await self._run(partial(self._open, kind, name, prepare, finished))

    def close(self, stream: OpenStream) -> None:
        """Close a stream soon."""
        stream.closing = True
        self._thread.submit(self._close, stream)

    async def settled(self) -> None:
        """Return when what was asked so far is done."""
        await self._call(lambda: None)

    async def _run(self, opening: Callable[[], OpenStream]) -> OpenStream:
        """Open in the thread; a stream that nobody waits for any more is closed."""
        pending = self._thread.submit(opening)
        try:
            return await asyncio.wrap_future(pending)
        except asyncio.CancelledError:
            pending.add_done_callback(self._discard)
            raise

    async def _call(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    def _discard(self, opened: Future[OpenStream]) -> None:
        if not opened.cancelled() and opened.exception() is None:
            self.close(opened.result())

    def _open(self, kind: Kind, name: str, prepare: Prepare, finished: Callable[[], None]) -> OpenStream:
        sd = _sounddevice()
        index, info = _find(sd, kind, name)
        most, rate = int(info[f"max_{DIRECTIONS[kind]}_channels"]), int(info["default_samplerate"])
        callback = prepare(rate)
        failure: Exception | None = None
        for channels in dict.fromkeys((min(2, most), 1, most)):
            opened = OpenStream(str(info["name"]), rate, finished)
            try:
                with _native_messages_hidden():
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
        if opened.stream is not None:
            with _native_messages_hidden():
                opened.stream.abort()
                opened.stream.close()
        self._open_streams.discard(opened)

    def _restart(self) -> bool:
        if self._open_streams:
            return False
        sd = _sounddevice()
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


_hiding = threading.Lock()
"""Two at once would restore each other's nothing."""


@contextmanager
def _native_messages_hidden() -> Iterator[None]:
    """Meanwhile nothing written to file descriptor 2 is seen: ALSA and PortAudio say there what their errors say again.

    A daemon's own standard error is another descriptor (`console.start_log`), so that nothing else is lost.
    """
    with _hiding:
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
    return sounddevice


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
