"""Who may come in, and what goes out: the socket, keys in the configuration, other machines, the metrics' port."""

from __future__ import annotations

import errno
import os
import socket
import stat
from functools import partial
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import anyio.to_thread

from voxspark.config import Config, daemon_socket, socket_path
from voxspark.control.access import Access
from voxspark.control.server import require_safe
from voxspark.doctor.check import FIX, Check, Finding
from voxspark.files import OTHERS
from voxspark.privacy import elsewhere, readable_secrets
from voxspark.watching.prometheus import HOST

RESTART = "Start the daemon again, or its voxspark.socket."

ANSWER_SECONDS = 2.0

OURS = b"voxspark_"
"""With this the names of our metrics begin."""


def secrets_check(file: Path) -> Check:
    """Of the configuration file: whether others can read passwords and keys in it."""

    def look() -> Finding:
        if readable_secrets(file):
            return Finding("problem", f"other users can read the keys in {file}", FIX)
        return Finding("ok", "no key that others can read")

    def fix() -> str:
        file.chmod(file.stat().st_mode & ~OTHERS)
        return f"{file} is for you only now."

    in_thread = anyio.to_thread.run_sync
    return Check("secrets", partial(in_thread, look), partial(in_thread, fix))


def door_checks(config: Config) -> list[Check]:
    """Of the doors that the settings open."""

    def leaves() -> Finding:
        return leaving(config)

    checks = [
        Check("socket", partial(anyio.to_thread.run_sync, partial(_socket, config))),
        Check("leaves", partial(anyio.to_thread.run_sync, leaves)),
    ]
    if port := config.metrics.port:
        checks.append(Check("metrics", partial(anyio.to_thread.run_sync, partial(port_finding, port))))
    return checks


# ── the socket ──────────────────────────────────────────────────────────────────────────────────


def _socket(config: Config) -> Finding:
    """Makes nothing. Raises ControlError for what would keep the daemon from starting."""
    path = socket_path(config)
    if (system := daemon_socket(config)) != path:
        return Finding("ok", f"{system}, of the system service")
    access = Access.of(config.control)
    require_safe(path.parent)
    if not path.exists():
        return Finding("ok", f"{path}, for {_whom(access, config.control.group)}, once the daemon runs")
    info = path.stat()
    if not stat.S_ISSOCK(info.st_mode):
        return Finding("broken", f"{path} is not a socket", "Remove it, or set control.socket to another path.")
    if info.st_uid != os.geteuid():
        return Finding("problem", f"{path} is user {info.st_uid}'s", "Set control.socket to a path of your own.")
    mode, wanted = stat.S_IMODE(info.st_mode), access.socket_mode
    if mode != wanted or (access.group is not None and info.st_gid != access.group):
        told = f"{path} is not as [control] wants it: mode {mode:o} instead of {wanted:o}, or another group"
        return Finding("problem", told, RESTART)
    return Finding("ok", f"{path}, for {_whom(access, config.control.group)}")


def _whom(access: Access, group: str) -> str:
    owners, guests = len(access.owners - {0, os.geteuid()}), len(access.guests)
    told = [f"{owners} other owners"] * bool(owners) + [f"{guests} guests"] * bool(guests)
    return ", ".join(["you", *told, *[f"members of the group {group}"] * bool(group)])


# ── what goes out ───────────────────────────────────────────────────────────────────────────────


def leaving(config: Config) -> Finding:
    """What is done on other machines; never wrong, but to be known."""
    found = elsewhere(config)
    always, asked = (
        ", ".join(f"{each.what} ({each.host})" for each in found if each.asked is on_request)
        for on_request in (False, True)
    )
    if not found:
        return Finding("ok", "nothing leaves this machine")
    return Finding("ok", f"{always or 'nothing by itself'}{asked and f'; only when asked for: {asked}'}")


def port_finding(port: int) -> Finding:
    """Whether Prometheus finds us there, or would."""
    address = f"http://{HOST}:{port}/metrics"
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            return Finding("problem", f"{address}: {error.strerror}", "Set metrics.port to another one, above 1023.")
        if _is_ours(address):
            return Finding("ok", address)
        return Finding("problem", f"another program has port {port}", "Set metrics.port to another one.")
    return Finding("ok", f"{address}, once the daemon runs")


def _is_ours(address: str) -> bool:
    try:
        with build_opener(ProxyHandler({})).open(address, timeout=ANSWER_SECONDS) as answer:
            return OURS in answer.read(1 << 20)
    except (OSError, ValueError):
        return False
