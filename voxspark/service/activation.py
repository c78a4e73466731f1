"""The socket that the manager opened for us before we were started (sd_listen_fds(3))."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress

log = logging.getLogger(__name__)

FIRST_DESCRIPTOR = 3
"""Where inherited descriptors begin (SD_LISTEN_FDS_START)."""

MOST_DESCRIPTORS = 64
"""More are not ours."""

NAME = "control"
"""`FileDescriptorName=` in voxspark.socket."""


def take_listener(
    environ: MutableMapping[str, str] = os.environ, first: int = FIRST_DESCRIPTOR
) -> socket.socket | None:
    """The listening Unix socket that is ours, not blocking; None where there is none.

    The variables are taken out of the environment and no descriptor goes on to the programs we start.
    """
    process, count, names = (environ.pop(f"LISTEN_{name}", "") for name in ("PID", "FDS", "FDNAMES"))
    if process != str(os.getpid()) or not (count.isdecimal() and len(count) < 10):
        return None
    descriptors = range(first, first + min(int(count), MOST_DESCRIPTORS))
    for descriptor in descriptors:
        with suppress(OSError):  # the variable promises more than is open
            os.set_inheritable(descriptor, False)
    named = dict(zip(names.split(":"), descriptors, strict=False))
    ordered = sorted(descriptors, key=lambda descriptor: descriptor != named.get(NAME))
    return next((found for found in map(_listener, ordered) if found is not None), None)


def _listener(descriptor: int) -> socket.socket | None:
    try:
        inherited = socket.socket(fileno=descriptor)
    except OSError:
        return None  # no socket
    kind = (inherited.family, inherited.type, inherited.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    if kind != (socket.AF_UNIX, socket.SOCK_STREAM, 1):
        log.warning("descriptor %d is no listening Unix socket", inherited.detach())
        return None
    inherited.setblocking(False)
    return inherited
