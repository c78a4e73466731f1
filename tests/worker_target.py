"""A tiny engine for the tests of workers, with every bad habit. It is imported in worker processes only.

`python -m tests.worker_target METHOD` is a daemon: it starts a worker, prints the pids, and waits to be killed.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from voxspark.engines.worker import wire
from voxspark.engines.worker.task import Task
from voxspark.engines.worker.wire import Frame
from voxspark.errors import EngineError


def wait(seconds: float) -> None:
    threading.Event().wait(seconds)


def wire_descriptor() -> int:
    """The only socket of this process."""
    return next(fd for fd in range(3, 100) if Path(f"/proc/self/fd/{fd}").is_socket())


class Engine:
    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.hoard = b""
        if "log" in config:
            with Path(config["log"]).open("a") as log:
                log.write(f"{os.getpid()}\n")
        match config.get("load"):
            case "refuse":
                raise EngineError("model-missing", "The model is not there.", "Pull it.")
            case "crash":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hang":
                wait(1000)
            case float(seconds):
                wait(seconds)

    def echo(self, task: Task) -> Iterator[Frame]:
        yield Frame(task.params, task.payload)

    def count(self, task: Task) -> Iterator[Frame]:
        """`to` numbers, `seconds` apart; how far it came is in the file `log`, and whether it was closed."""
        sent = 0
        try:
            for number in range(task.params["to"]):
                sent = number
                yield Frame({"number": number}, bytes(task.params.get("bytes", 0)))
                wait(task.params.get("seconds", 0))
        finally:
            if "log" in task.params:
                Path(task.params["log"]).write_text(f"closed at {sent}")

    def stubborn(self, task: Task) -> Iterator[Frame]:
        """Yields once, then hangs and does not look at cancel."""
        yield Frame()
        wait(1000)

    def in_c(self, task: Task) -> Iterator[Frame]:
        """Hangs in C code that holds the interpreter lock."""
        ctypes.PyDLL(None).sleep(1000)
        yield Frame()

    def polite(self, task: Task) -> Iterator[Frame]:
        """Never yields, but looks at cancel."""
        while not task.cancelled:
            wait(0.005)
        yield Frame()

    def die(self, task: Task) -> Iterator[Frame]:
        yield Frame({"last": "words"})
        os.kill(os.getpid(), task.params.get("signal", signal.SIGKILL))
        wait(1000)

    def exit(self, task: Task) -> Iterator[Frame]:
        yield Frame()
        sys.exit(3)

    def hog(self, task: Task) -> Iterator[Frame]:
        self.hoard = b"x" * task.params["bytes"]
        yield Frame()

    def pretend_torch(self, task: Task) -> Iterator[Frame]:
        cuda = SimpleNamespace(
            is_initialized=lambda: task.params["initialized"],
            device_count=lambda: 2,
            memory_allocated=lambda index: 100 + index,
            memory_reserved=lambda index: 1000 + index,
        )
        sys.modules["torch"] = SimpleNamespace(cuda=cuda) if task.params["whole"] else SimpleNamespace()  # type: ignore[assignment]
        yield Frame()

    def chatter(self, task: Task) -> Iterator[Frame]:
        print("from Python")  # noqa: T201
        os.write(1, b"from C, \xff\n")
        os.write(2, b"x" * 5000 + b"\n")
        for number in range(500):
            print("many", number)  # noqa: T201
        yield Frame()

    def nonsense(self, task: Task) -> Iterator[Frame]:
        os.write(wire_descriptor(), bytes.fromhex(task.params["hex"]))
        wait(1000)
        yield Frame()

    def flood(self, task: Task) -> Iterator[Frame]:
        """Sends to everybody, more than it may."""
        yield Frame()
        for number in range(1, 100):
            for _ in range(3 * wire.WINDOW):
                os.write(wire_descriptor(), wire.encode(wire.Item(number, {})))
        wait(1000)

    def big(self, task: Task) -> Iterator[Frame]:
        yield Frame(payload=bytes(task.params["bytes"]))

    def no_json(self, task: Task) -> Iterator[Frame]:
        yield Frame({"engine": self})

    def wrong(self, task: Task) -> Iterator[Frame]:
        raise ValueError("what somebody said")

    def no_frames(self, task: Task) -> None:
        pass

    def refuse(self, task: Task) -> Iterator[Frame]:
        raise EngineError("voice-unknown", "There is no voice of that name.", "Choose another.")

    def exhaust(self, task: Task) -> Iterator[Frame]:
        raise MemoryError

    def helper(self, task: Task) -> Iterator[Frame]:
        """A process of its own, which would outlive it and keeps the wire and the output open."""
        descriptor = wire_descriptor()
        yield Frame({"pid": subprocess.Popen(["sleep", "1000"], pass_fds=[descriptor]).pid})

    def facts(self, task: Task) -> Iterator[Frame]:
        status = Path("/proc/self/status").read_text()
        yield Frame(
            {
                "pid": os.getpid(),
                "oom_score_adj": int(Path("/proc/self/oom_score_adj").read_text()),
                "core_limit": resource.getrlimit(resource.RLIMIT_CORE)[0],
                "group": os.getpgid(0),
                "modules": sorted(name for name in sys.modules if name.startswith(("voxspark", "numpy", "anyio"))),
                "allocator": os.environ["PYTORCH_CUDA_ALLOC_CONF"],
                "sockets": sum(Path(f"/proc/self/fd/{fd}").is_socket() for fd in range(100)),
                "threads": int(re.findall(r"Threads:\s+(\d+)", status)[0]),
            }
        )


async def daemon(method: str) -> None:
    import anyio

    from voxspark.engines.worker.host import Worker

    async with Worker("tests.worker_target:Engine", {}, name="test").running() as worker:
        await worker.load()
        async with anyio.create_task_group() as group:
            group.start_soon(worker.call, method)
            await anyio.sleep(0.2)
            print(json.dumps({"worker": worker.pid}), flush=True)  # noqa: T201


if __name__ == "__main__":
    import anyio

    anyio.run(daemon, sys.argv[1])
