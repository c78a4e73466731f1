"""Counters as Prometheus reads them (text format 0.0.4), on a port of this machine.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

import anyio
from anyio.abc import SocketListener, SocketStream, TaskStatus

from voxspark.watching.counters import BOUNDS, Family, Histogram, Labels

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
MOST_REQUEST_BYTES = 8192
CLIENT_SECONDS = 5.0
"""A client that has not asked and taken its answer by then is dropped."""

MOST_CLIENTS = 8
"""At once; more wait in the kernel, where they cost no descriptor."""

BACKLOG = 64
ACCEPT_PAUSE_SECONDS = 0.5
"""Wait when the process has no file descriptor left for a client."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(families: Iterable[Family]) -> str:
    """The text format."""
    return "".join(f"{line}\n" for family in families for line in _family(family))


def _family(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.help}"
    yield f"# TYPE {family.name} {family.kind}"
    for labels, value in family.values.items():
        if isinstance(value, Histogram):
            counts = list(accumulate(value.counts))
            for bound, count in zip([*map(str, BOUNDS), "+Inf"], counts, strict=True):
                yield f"{family.name}_bucket{_labels((*labels, ('le', bound)))} {count}"
            yield f"{family.name}_sum{_labels(labels)} {value.sum:.6g}"
            yield f"{family.name}_count{_labels(labels)} {counts[-1]}"
        else:
            yield f"{family.name}{_labels(labels)} {value:.15g}"


def _labels(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


async def serve(
    port: int, families: Callable[[], Iterable[Family]], *, task_status: TaskStatus[int] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Answer `GET /metrics` on 127.0.0.1 until cancelled; tells the port. Raises OSError when it is taken."""
    places = anyio.Semaphore(MOST_CLIENTS)

    async def attend(client: SocketStream) -> None:
        try:
            async with client:
                with anyio.move_on_after(CLIENT_SECONDS):
                    await _answer(client, families)
        finally:
            places.release()

    async with await anyio.create_tcp_listener(local_host=HOST, local_port=port, backlog=BACKLOG) as several:
        (listener,) = several.listeners
        assert isinstance(listener, SocketListener)
        task_status.started(listener.extra(anyio.abc.SocketAttribute.local_port))
        async with anyio.create_task_group() as group:
            while True:
                await places.acquire()
                try:
                    group.start_soon(attend, await listener.accept())
                except OSError as error:
                    places.release()
                    log.warning("nobody could be let in to the metrics: %s", error.strerror)
                    await anyio.sleep(ACCEPT_PAUSE_SECONDS)


async def _answer(client: SocketStream, families: Callable[[], Iterable[Family]]) -> None:
    request = b""
    try:
        while b"\r\n\r\n" not in request and len(request) <= MOST_REQUEST_BYTES:
            request += await client.receive()
        status, body = _respond(request, families)
        kind = CONTENT_TYPE if status.startswith("200") else "text/plain"
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        await client.send(head.encode() + body)
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        pass  # gone without having asked, or without its answer
    except OSError as error:
        log.warning("the metrics cannot be read: %s", error.strerror)  # no descriptor left for /proc


def _respond(request: bytes, families: Callable[[], Iterable[Family]]) -> tuple[str, bytes]:
    """A page in a browser must not come in under another name, so the host has to be this machine."""
    head, _, _ = request.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    if len(request) > MOST_REQUEST_BYTES:
        return "431 Request Header Fields Too Large", b""
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("host", HOST).rsplit(":", 1)[0] not in (HOST, "localhost"):
        return "403 Forbidden", b"Only as 127.0.0.1 or localhost.\n"
    match first.split(" "):
        case ["GET", target, "HTTP/1.0" | "HTTP/1.1"] if target.partition("?")[0] == "/metrics":
            return "200 OK", exposition(families()).encode()
        case ["GET", _, _]:
            return "404 Not Found", b"Ask for /metrics.\n"
    return "405 Method Not Allowed", b"Only GET.\n"
