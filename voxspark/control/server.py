"""The Unix socket: who may have it, who may connect, and a task per client."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
from anyio.abc import TaskStatus

from voxspark.config import ControlSettings
from voxspark.control import rpc
from voxspark.control.connection import Connection
from voxspark.control.daemon import Daemon
from voxspark.control.methods import Methods
from voxspark.control.rpc import ErrorCode, RpcError
from voxspark.control.wire import Wire
from voxspark.errors import ControlError

logger = logging.getLogger(__name__)

WRITE_SECONDS = 5.0
"""A client that does not take one message in this time is dropped."""

BACKLOG = 64

ACCEPT_PAUSE_SECONDS = 0.5
"""Wait when the process has no file descriptor left for one more client."""


class Server:
    """Accepts clients and serves each in its own task."""

    def __init__(
        self,
        daemon: Daemon,
        settings: ControlSettings,
        *,
        allowed_uids: frozenset[int] | None = None,
        write_seconds: float = WRITE_SECONDS,
    ) -> None:
        """`allowed_uids` are the users who may connect: ourselves and root when it is None."""
        self._methods = Methods(daemon)
        self.settings = settings
        """Limits; those of a connection are the ones in force when it is made."""
        self._allowed_uids = frozenset({os.geteuid(), 0}) if allowed_uids is None else allowed_uids
        self._write_seconds = write_seconds
        self.clients = 0
        """Connected now."""

    async def run(
        self,
        path: Path,
        inherited: socket.socket | None = None,
        *,
        task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until cancelled; then the socket file is gone, unless the listener is `inherited`: it stays the
        manager's. Raises ControlError when the path cannot be had."""
        with inherited or claim(path) as listener:
            async with anyio.create_task_group() as tasks:
                task_status.started()
                while True:
                    wire = await _accept(listener)
                    self.clients += 1
                    tasks.start_soon(self._attend, wire)

    async def _attend(self, wire: Wire) -> None:
        try:
            with wire:
                if refusal := self._refusal(wire):
                    with anyio.move_on_after(self._write_seconds):
                        await wire.send(rpc.encode(rpc.failure(None, refusal)))
                else:
                    await Connection(wire, self._methods, self.settings, write_seconds=self._write_seconds).run()
        except anyio.BrokenResourceError:
            pass  # refused and gone
        except Exception as error:
            logger.error("a client's connection broke: %s", type(error).__name__)
            logger.debug("a client's connection broke", exc_info=error)
        finally:
            self.clients -= 1

    def _refusal(self, wire: Wire) -> ControlError | None:
        if (uid := wire.peer_uid) not in self._allowed_uids:
            logger.warning("refused a client of user %d", uid)
            return ControlError(
                "forbidden", "This VoxSpark belongs to another user.", "Run the command as the user who runs VoxSpark."
            )
        if self.clients > self.settings.max_clients:
            return RpcError(
                ErrorCode.TOO_MANY, "too-many-clients", "Too many clients are connected.", "Close one of them."
            )
        return None


async def serve(
    daemon: Daemon,
    settings: ControlSettings,
    path: Path,
    *,
    task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """The control socket of a daemon, until cancelled."""
    await Server(daemon, settings).run(path, task_status=task_status)


async def _accept(listener: socket.socket) -> Wire:
    while True:
        await anyio.wait_readable(listener)
        try:
            return Wire(listener.accept()[0])
        except BlockingIOError:
            continue  # the client is gone again
        except OSError as error:
            logger.warning("a client could not be accepted: %s", error.strerror)
            await anyio.sleep(ACCEPT_PAUSE_SECONDS)


# ── the socket file ─────────────────────────────────────────────────────────────────────────────


@contextmanager
def claim(path: Path) -> Iterator[socket.socket]:
    """The listener at `path`, mode 0600, in a directory of ours; its file is removed at the end, if it is still ours.

    A file that nobody listens to is replaced. Raises ControlError: `already-running`, `socket-directory-unsafe`,
    `socket-path-taken`, `socket-unusable`.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with listener:
        listener.setblocking(False)
        try:
            secure_directory(path.parent)
            with _starting(path):
                _make_vacant(path)
                listener.bind(str(path))
                path.chmod(0o600)
                listener.listen(BACKLOG)
                inode = path.lstat().st_ino
        except OSError as error:
            raise ControlError(
                "socket-unusable",
                f"The socket {path} cannot be made: {error.strerror or error}.",
                "Set control.socket to a path in a directory of your own.",
            ) from error
        try:
            yield listener
        finally:
            if path.is_socket() and path.lstat().st_ino == inode:
                path.unlink()


def secure_directory(directory: Path) -> None:
    """Make the socket's directory, 0700, or check the one that is there.

    Ours must be writable by nobody else. The one it is made in may be root's, or sticky like /tmp. Raises ControlError.
    """
    missing = [place for place in (directory, *directory.parents) if not place.exists()]
    existing = missing[-1].parent if missing else directory
    info = existing.stat()
    owners = {os.geteuid(), 0} if missing else {os.geteuid()}
    shared = info.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not (missing and info.st_mode & stat.S_ISVTX)
    if info.st_uid not in owners or shared:
        raise ControlError(
            "socket-directory-unsafe",
            f"Other users can write to {existing}, or own it.",
            f"Run: chmod go-w {existing}, or set control.socket to a path in a directory of your own.",
        )
    for place in reversed(missing):
        place.mkdir(mode=0o700)


@contextmanager
def _starting(path: Path) -> Iterator[None]:
    """Held by one starting daemon at a time: between the look at a stale file and the new one nobody comes in."""
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _already_running(path) from error
        yield
    finally:
        os.close(directory)


def _make_vacant(path: Path) -> None:
    """Remove a dead socket. Raises ControlError when something else is there."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ControlError(
            "socket-path-taken", f"{path} is not a socket.", "Remove it, or set control.socket to another path."
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError:
            pass  # its backlog is full: alive
    raise _already_running(path)


def _already_running(path: Path) -> ControlError:
    return ControlError("already-running", f"VoxSpark already runs on {path}.", "Stop it with: voxspark shutdown")
