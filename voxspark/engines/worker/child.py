"""The worker's side: `python -m voxspark.engines.worker.child TARGET WIRE PARENT`; started by `host` only.

TARGET is `package.module:factory`. The factory gets the config (a dict), returns the engine. A method of the engine
gets a `Task`, yields `Frame`s; it runs on the main thread, one at a time. When its task is cancelled it is closed at
its next yield; between two yields that are far apart it looks at `task.cancelled`.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import queue
import resource
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from voxspark.engines.worker import wire
from voxspark.engines.worker.task import Task
from voxspark.engines.worker.wire import (
    Call,
    Cancel,
    Done,
    Failed,
    Frame,
    Item,
    Load,
    Measure,
    Memory,
    More,
    Ping,
    Pong,
)
from voxspark.errors import EngineError, VoxSparkError
from voxspark.usage import resident_bytes

OOM_SCORE_ADJ = 800
"""The kernel kills a worker before the daemon; CUDA memory is not in its resident size, which is all else it sees."""

PR_SET_PDEATHSIG = 1


class Child:
    """Reads the wire on a thread of its own, so that cancel and ping are heard during a call."""

    def __init__(self, connected: socket.socket, target: str) -> None:
        self._socket = connected
        self._target = target
        self._engine: Any = None
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._tasks: dict[int, Task] = {}
        self._sending = threading.Lock()

    def serve(self) -> None:
        """For ever: the process ends when the daemon closes the wire, or dies."""
        threading.Thread(target=self._listen, daemon=True, name="wire").start()
        while True:
            self._work.get()()

    def _listen(self) -> None:
        try:
            with self._socket.makefile("rb") as source:
                while (received := wire.read(source)) is not None:
                    self._heed(received)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)

    def _heed(self, received: wire.Received) -> None:
        match received.message:
            case Load() as load:
                self._work.put(lambda: self._answer(load.id, lambda: self._load(load.config)))
            case Call() as call:
                task = self._tasks[call.id] = Task(call.params, received.payload)
                self._work.put(lambda: self._answer(call.id, lambda: self._run(call, task)))
            case More(id):
                if id in self._tasks:
                    self._tasks[id].more()
            case Cancel(id):
                if id in self._tasks:
                    self._tasks[id].cancel()
            case Ping(id):
                self._send(Pong(id))
            case Measure(id):
                self._send(Memory(id, resident_bytes(), *_torch_bytes()))

    def _answer(self, id: int, work: Callable[[], None]) -> None:
        """Do it and say how it went. The exception is for the log only, since it may quote what somebody said."""
        try:
            work()
            answer: Done | Failed = Done(id)
        except VoxSparkError as error:
            answer = Failed(id, error.code, error.message, error.remedy)
        except Exception as error:
            traceback.print_exc()
            answer = _failed(id, error)
        self._tasks.pop(id, None)
        self._send(answer)

    def _load(self, config: dict[str, Any]) -> None:
        module, _, attribute = self._target.partition(":")
        self._engine = getattr(importlib.import_module(module), attribute)(config)

    def _run(self, call: Call, task: Task) -> None:
        method = None if call.method.startswith("_") else getattr(self._engine, call.method, None)
        if method is None:
            raise EngineError("worker-method-unknown", f"The {{worker}} cannot {call.method}.")
        frames: Iterable[Frame] = method(task)
        try:
            for frame in frames:
                if not task.wait_for_room():
                    break
                self._send(Item(call.id, frame.values), frame.payload)
        finally:
            getattr(frames, "close", lambda: None)()

    def _send(self, message: wire.Response, payload: bytes = b"") -> None:
        data = wire.encode(message, payload)
        with self._sending:
            self._socket.sendall(data)


def _failed(id: int, error: Exception) -> Failed:
    # torch.OutOfMemoryError is a RuntimeError, and torch may not be there to ask
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return Failed(
            id, "worker-out-of-memory", "The {worker} ran out of memory.", "Choose a smaller model or context."
        )
    return Failed(
        id,
        "worker-call-failed",
        "The {worker} failed.",
        f"It met a {type(error).__name__}; the log at level debug has the details.",
    )


def _torch_bytes() -> tuple[int, int]:
    """(allocated, reserved) on all GPUs; asking must neither import torch nor start CUDA."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    try:
        if cuda is None or not cuda.is_initialized():
            return 0, 0
        devices = range(cuda.device_count())
        return sum(map(cuda.memory_allocated, devices)), sum(map(cuda.memory_reserved, devices))
    except AttributeError:  # torch is being imported just now
        return 0, 0


def _die_with(parent: int) -> None:
    """Be killed when the daemon dies, however it dies, even while a call holds the interpreter.

    The kernel sends the signal when the daemon's thread that started this process ends (prctl(2)).
    """
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os._exit(0)


def _prepare() -> None:
    """Go first when memory runs out, leave no core file of many gigabytes, and end by the daemon's will only.

    systemd sends SIGTERM to the daemon and its workers together, but the daemon may want to finish a reply.
    """
    score = Path("/proc/self/oom_score_adj")
    with suppress(OSError):  # a container may forbid it
        score.write_text(str(max(OOM_SCORE_ADJ, int(score.read_text()))))
    signal.signal(signal.SIGTERM, lambda *_: None)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # expandable segments wedge a DGX Spark (NVIDIA/dgx-spark-playbooks#97)
    os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:False")


def main() -> None:
    """Serve the daemon on the other end of the wire."""
    target, descriptor, parent = sys.argv[1:]
    _die_with(int(parent))
    _prepare()
    connected = socket.socket(fileno=int(descriptor))
    connected.set_inheritable(False)
    Child(connected, target).serve()


if __name__ == "__main__":
    main()
