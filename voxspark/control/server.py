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

from voxspark.config import Config
from voxspark.config_control import ControlSettings
from voxspark.control import rpc
from voxspark.control.access import Access
from voxspark.control.connection import Connection
from voxspark.control.daemon import Daemon
from voxspark.control.limits import Account, Accounts
from voxspark.control.methods import Methods
from voxspark.control.rpc import ErrorCode, RpcError
from voxspark.control.wire import Wire
from voxspark.errors import ControlError

logger = logging.getLogger(__name__)

WRITE_SECONDS = 5.0
"""A client that does not take one message in this time is dropped."""

LINE_SECONDS = 30.0
"""A client that says nothing after it connected, or does not finish a line, is dropped then."""

BACKLOG = 256
"""Clients that come at once; the kernel refuses more for the moment."""

ACCEPT_PAUSE_SECONDS = 0.5
"""Wait when the process has no file descriptor left for one more client."""


class Server:
    """Accepts clients and serves each in its own task."""

    def __init__(
        self,
        daemon: Daemon,
        settings: ControlSettings,
        *,
        access: Access | None = None,
        write_seconds: float = WRITE_SECONDS,
        line_seconds: float = LINE_SECONDS,
    ) -> None:
        """Raises ControlError for a user or a group that this machine does not know."""
        self._methods = Methods(daemon, settings.guest_methods)
        self._settings = settings
        self._access = access or Access.of(settings)
        self._accounts = Accounts(settings)
        self._write_seconds = write_seconds
        self._line_seconds = line_seconds
        self._refused: set[int] = set()

    @property
    def clients(self) -> int:
        """Connected now."""
        return self._accounts.clients

    def reconfigure(self, config: Config) -> None:
        """Other limits, for those who connect from now on."""
        self._settings = config.control
        self._accounts.apply(config.control)

    async def run(
        self,
        path: Path,
        inherited: socket.socket | None = None,
        *,
        task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until cancelled; then the socket file is gone, unless the listener is `inherited`: it stays the
        manager's. Raises ControlError when the path cannot be had."""
        with inherited or claim(path, self._access) as listener:
            async with anyio.create_task_group() as tasks:
                task_status.started()
                while True:
                    for wire in await _accept(listener):
                        tasks.start_soon(self._attend, wire)

    async def _attend(self, wire: Wire) -> None:
        try:
            with wire:
                peer = wire.peer
                owner = self._access.is_owner(peer)
                if not (owner or self._access.is_guest(peer)):
                    await self._turn_away(wire, self._forbidden(peer.uid))
                    return
                account = self._accounts.of(peer.uid, guest=not owner)
                if self._accounts.full_for(account):
                    await self._turn_away(wire, _full())
                    return
                account.clients += 1
                try:
                    await self._serve(wire, account)
                finally:
                    account.clients -= 1
        except anyio.BrokenResourceError:
            pass  # refused and gone
        except Exception as error:
            logger.error("a client's connection broke: %s", type(error).__name__)
            logger.debug("a client's connection broke", exc_info=error)

    async def _serve(self, wire: Wire, account: Account) -> None:
        patience = {"write_seconds": self._write_seconds, "line_seconds": self._line_seconds}
        await Connection(wire, self._methods, self._settings, account, **patience).run()

    async def _turn_away(self, wire: Wire, error: ControlError) -> None:
        with anyio.move_on_after(self._write_seconds):
            await wire.send(rpc.encode(rpc.failure(None, error)))

    def _forbidden(self, uid: int) -> ControlError:
        if uid not in self._refused:
            self._refused.add(uid)
            logger.warning("refused clients of user %d", uid)
        return ControlError(
            "forbidden", "This VoxSpark belongs to another user.", "Run the command as the user who runs VoxSpark."
        )


def _full() -> ControlError:
    return RpcError(ErrorCode.TOO_MANY, "too-many-clients", "Too many clients are connected.", "Close one of them.")


async def _accept(listener: socket.socket) -> list[Wire]:
    """Everybody who has come by now: one at each turn of a busy loop would leave the others at the door."""
    await anyio.wait_readable(listener)
    wires: list[Wire] = []
    try:
        while len(wires) < BACKLOG:
            wires.append(Wire(listener.accept()[0]))
    except BlockingIOError:
        pass  # that was all, or the client is gone again
    except OSError as error:
        logger.warning("a client could not be accepted: %s", error.strerror)
        await anyio.sleep(ACCEPT_PAUSE_SECONDS)
    return wires


# ── the socket file ─────────────────────────────────────────────────────────────────────────────


@contextmanager
def claim(path: Path, access: Access | None = None) -> Iterator[socket.socket]:
    """The listener at `path`, in a directory of ours; its file is removed at the end, if it is still ours.

    `access`: for whom the modes are; for nobody else when it is None. A file that nobody listens to is replaced.
    Raises ControlError: `already-running`, `socket-directory-unsafe`, `socket-path-taken`, `socket-unusable`.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with listener:
        listener.setblocking(False)
        try:
            secure_directory(path.parent, access)
            with _starting(path):
                _make_vacant(path)
                listener.bind(str(path))
                _open_to(path, access.socket_mode if access else 0o600, access)
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


def _open_to(place: Path, mode: int, access: Access | None) -> None:
    """Raises OSError, also when the daemon's user is not of the group."""
    if access is not None and access.group is not None:
        os.chown(place, -1, access.group)
    place.chmod(mode)


def secure_directory(directory: Path, access: Access | None = None) -> None:
    """Make the socket's directory, or check the one that is there, whose mode stays as it is.

    Raises ControlError.
    """
    for place in reversed(require_safe(directory)):
        place.mkdir(mode=0o700)
        _open_to(place, access.directory_mode if access else 0o700, access)


def require_safe(directory: Path) -> list[Path]:
    """Look at the socket's directory; what is still missing of it, the innermost first.

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
    return missing


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
