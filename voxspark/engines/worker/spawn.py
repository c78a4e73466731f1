"""One process: started, killed with all it has started, and reaped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from types import TracebackType

import anyio

COMMAND = (sys.executable, "-u", "-P", "-X", "faulthandler", "-m", "voxspark.engines.worker.child")


class Process:
    """A worker's process and the descriptors that lead to it. Raises OSError when it cannot be started.

    It sees the modules that this process sees. `start_new_session` gives it a process group, so that helpers it forks
    are killed with it, and keeps a terminal's Ctrl-C from it. The parent-death signal counts from the thread that
    starts it: let that be the one that lives longest.
    """

    def __init__(self, target: str) -> None:
        with ExitStack() as on_failure:
            self.wire, theirs = socket.socketpair()
            on_failure.callback(self.wire.close)
            self.output, printed = os.pipe()
            on_failure.callback(os.close, self.output)
            try:
                self._popen = subprocess.Popen(
                    [*COMMAND, target, str(theirs.fileno()), str(os.getpid())],
                    stdin=subprocess.DEVNULL,
                    stdout=printed,
                    stderr=printed,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                )
            finally:
                theirs.close()
                os.close(printed)
            on_failure.callback(self.reap)
            self._pidfd = os.pidfd_open(self.pid)
            on_failure.pop_all()

    @property
    def pid(self) -> int:
        """Of the process, and of its group."""
        return self._popen.pid

    async def ended(self) -> None:
        """Return when it is dead, though not yet reaped."""
        await anyio.wait_readable(self._pidfd)

    def kill(self) -> None:
        """At once, with everything in its group."""
        if self._popen.returncode is None:  # once reaped, the number may be somebody else's
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def reap(self) -> str:
        """How it ended, for a log; blocks unless it is dead. Helpers that outlived it are killed: they hold memory."""
        self.kill()
        status = self._popen.wait()
        return f"exited with status {status}" if status >= 0 else f"was killed by signal {-status}"

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wire.close()
        os.close(self.output)
        os.close(self._pidfd)
