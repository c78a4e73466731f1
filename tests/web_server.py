"""A web server on loopback that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSListener

from voxspark.tools.web.http import Fetcher


@dataclass(frozen=True)
class Request:
    """What the server was asked."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass
class Answer:
    """What it answers. A body of `None` means silence until the client gives up."""

    body: bytes | None = b""
    media_type: str = "application/json"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def as_json(value: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(value).encode(), status=status)


def as_html(text: str) -> Answer:
    return Answer(text.encode(), "text/html; charset=utf-8")


def moved(to: str) -> Answer:
    return Answer(b"", status=302, headers={"Location": to})


class WebServer:
    """Answers by path; 404 for the rest. A function is called with the request."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Callable[[Request], Answer]] = {}
        self.requests: list[Request] = []
        self.url = ""

    async def serve(self, stream: ByteStream) -> None:
        """Answer one request and close."""
        async with stream:
            head = b""
            while b"\r\n\r\n" not in head:
                try:
                    head += await stream.receive()
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    return
            request = _parse(head)
            self.requests.append(request)
            answer = self.answers.get(request.path, Answer(b"nothing here", "text/plain", 404))
            answer = answer(request) if callable(answer) else answer
            if answer.body is None:
                await anyio.sleep_forever()
            else:
                await _send(stream, answer, answer.body)


def _parse(head: bytes) -> Request:
    first, *lines = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    target = urlsplit(first.split()[1])
    query = {name: values[0] for name, values in parse_qs(target.query, keep_blank_values=True).items()}
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Request(target.path, query, headers)


async def _send(stream: ByteStream, answer: Answer, body: bytes) -> None:
    headers = {"Content-Type": answer.media_type, "Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"HTTP/1.1 {answer.status} X", *(f"{k}: {v}" for k, v in {**headers, **answer.headers}.items())]
    try:
        await stream.send("\r\n".join([*lines, "", ""]).encode() + body)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return


@asynccontextmanager
async def web_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[WebServer]:
    """A running server, with `tls` an HTTPS one."""
    server = WebServer()
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        port = listener.extra(SocketAttribute.local_port)
        server.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        group.start_soon(
            (TLSListener(listener, tls, standard_compatible=False) if tls else listener).serve, server.serve
        )
        yield server
        group.cancel_scope.cancel()


def open_fetcher(**settings: Any) -> Fetcher:
    """A fetcher that may reach loopback; every name is there."""
    return Fetcher(**{"resolve": everything_here, "may_reach": lambda _: True, **settings})


async def everything_here(host: str, port: int) -> list[str]:
    """A resolver that knows one machine."""
    return ["127.0.0.1"]
