"""The thread that calls PortAudio, and what to do when PortAudio never returns.

PortAudio 19.6 on ALSA has two ways never to come back when a sound server dies while a stream starts (both seen with
gdb): the stream's own thread runs in a circle between two labels of `PaAlsaStream_WaitForFrames`, and stopping the
stream waits for that thread for ever; or that thread ends and keeps a mutex that starting the stream waits for.
"""

from __future__ import annotations

import os
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

TASKS = Path("/proc/self/task")

BUSY_SECONDS = 0.5
BUSY_TICKS = 5
"""Of 10 ms in so long: a thread that runs in a circle has fifty on a free processor, one that plays has one."""


class SoundThread:
    """One call after another, on a thread of its own that does not hold up the end of the process."""

    _made = 0

    def __init__(self) -> None:
        SoundThread._made += 1
        self._name = f"vs-sound-{SoundThread._made}"
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._began_at: float | None = None
        self._native_id = 0
        threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Do this after all before it."""
        future: Future[T] = Future()
        self._calls.put((future, call))
        return future

    def leave(self, error: Exception) -> None:
        """End after the call that is being made, if that ever ends; what waits behind it fails with this."""
        while not self._calls.empty():
            if (entry := self._calls.get()) is not None:
                entry[0].set_exception(error)
        self.end()

    def end(self) -> None:
        """End when all that was asked is done."""
        self._calls.put(None)

    @property
    def busy_seconds(self) -> float:
        """How long the call lasts that is being made."""
        began_at = self._began_at
        return 0.0 if began_at is None else time.monotonic() - began_at

    def quiet_circling(self) -> None:
        """Let threads PortAudio made here that run in a circle have only what no other program wants of the processor.

        They cannot be ended: PortAudio reads a result from what its threads return, and `pthread_exit` in a signal
        handler returns the number of the signal (a segmentation fault, seen). Blocks for half a second.
        """
        before = self._ticks()
        time.sleep(BUSY_SECONDS)
        for thread, ticks in self._ticks().items():
            if ticks - before.get(thread, ticks) >= BUSY_TICKS:
                with suppress(OSError):  # it has ended
                    os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))

    def _ticks(self) -> dict[int, int]:
        """Processor time of the threads that were begun by this one: they have its name, until they take another."""
        found = {}
        for task in TASKS.iterdir():
            try:
                name, thread = (task / "comm").read_text().strip(), int(task.name)
                fields = (task / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has ended
                continue
            if name == self._name and thread != self._native_id:
                found[thread] = int(fields[11]) + int(fields[12])
        return found

    def _work(self) -> None:
        self._native_id = threading.get_native_id()
        (TASKS / str(self._native_id) / "comm").write_text(self._name)
        while (entry := self._calls.get()) is not None:
            future, call = entry
            if not future.set_running_or_notify_cancel():
                continue
            self._began_at = time.monotonic()
            try:
                result = call()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
            finally:
                self._began_at = None
            del entry, future, call


def fresh_portaudio(sounddevice: Any) -> None:
    """Have `sounddevice` use another copy of the library, which knows nothing of the one that hangs, and is to be
    initialised before use: that may hang, too.

    The loader tells libraries apart by their file, so it is given a copy. Raises OSError.
    """
    lines = Path("/proc/self/maps").read_text().splitlines()
    mapped = (Path("/" + line.partition("/")[2]) for line in lines if "libportaudio" in line)
    library = next((path for path in mapped if path.exists()), None)  # copies that were left behind are deleted
    if library is None:
        raise FileNotFoundError("libportaudio")
    with tempfile.TemporaryDirectory(prefix="voxspark-") as folder:
        copy = Path(shutil.copy(library, Path(folder, "libportaudio.so")))
        sounddevice._lib = sounddevice._ffi.dlopen(str(copy))
    sounddevice._initialized = 0
