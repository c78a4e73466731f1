"""A Unix stream socket on the event loop.

Not `anyio`'s own stream: cancelling its `receive` in the moment data arrives makes the loop report InvalidStateError
(seen with anyio 4.16; https://github.com/agronholm/anyio/issues/1267 is its neighbour). `wait_readable` has no such
race.
"""

from __future__ import annotations

import select
import socket
import struct
from dataclasses import dataclass
from types import TracebackType

import anyio

RECEIVE_BYTES = 65_536

SO_PEERGROUPS = 59
"""Of asm-generic/socket.h, which the `socket` module lacks; Linux 4.13."""

MOST_GROUPS_BYTES = 1024
"""256 groups: what `getsockopt` of Python takes at most."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end."""

    uid: int
    gids: frozenset[int]


class Wire:
    """One end of a connection. Raises anyio.BrokenResourceError when the other end is gone."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        self._socket = connected
        self._hangup = select.poll()
        self._hangup.register(connected, 0)

    async def receive(self) -> bytes:
        """Some bytes, or none at the end of the stream. One reader at a time."""
        while True:
            await anyio.wait_readable(self._socket)
            try:
                return self._socket.recv(RECEIVE_BYTES)
            except BlockingIOError:
                continue
            except OSError as error:
                raise anyio.BrokenResourceError from error

    async def send(self, data: bytes) -> None:
        """All of it, in order. One writer at a time; cancelled, it leaves a part sent."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                await anyio.wait_writable(self._socket)
            except OSError as error:
                raise anyio.BrokenResourceError from error

    @property
    def hung_up(self) -> bool:
        """Whether the other end is closed in both directions."""
        return bool(self._hangup.poll(0))

    @property
    def readable(self) -> bool:
        """Whether `receive` would return at once."""
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        return bool(waiting.poll(0))

    @property
    def peer(self) -> Peer:
        """The other end as it was when it connected: effective user and group (SO_PEERCRED), and the groups beside it
        (SO_PEERGROUPS), all by the kernel's word (unix(7))."""
        credentials = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _pid, uid, gid = struct.unpack("3i", credentials)
        try:
            beside = self._socket.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, MOST_GROUPS_BYTES)
        except OSError:  # more groups than that
            beside = b""
        return Peer(uid, frozenset({gid, *struct.unpack(f"{len(beside) // 4}I", beside)}))

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
