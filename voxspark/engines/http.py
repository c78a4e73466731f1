"""What engines behind an HTTP server have in common."""

from __future__ import annotations

import json
import re
from typing import Any

CONNECT_SECONDS = 2.0

REASON_BYTES = 64 << 10

MOST_PORT = 65_535
"""Above it asyncio fails in a way of its own."""


def connect(host: str, *, read_seconds: float, key: str = "") -> Any:
    """An httpx client of a server; `key` is a printable one of ASCII. Raises httpx.InvalidURL."""
    import httpx

    url = httpx.URL(host.rstrip("/").removesuffix("/v1"))
    if (url.port or 0) > MOST_PORT:
        raise httpx.InvalidURL("no such port")
    return httpx.AsyncClient(
        base_url=url.copy_with(userinfo=b""),  # httpx logs all of the address
        auth=(url.username, url.password) if url.userinfo and not key else None,
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=patience(read_seconds),
        trust_env=False,  # a proxy of the session must not see what is said at home
    )


def patience(read_seconds: float) -> Any:
    """How long to wait for a server, and for each part of its answer."""
    import httpx

    return httpx.Timeout(read_seconds, connect=CONNECT_SECONDS)


def shown(host: str) -> str:
    """The address, without a password that may stand in it."""
    return re.sub(r"//[^/]*@", "//", host)


async def beginning(response: Any) -> bytes:
    """Of what it holds, as much as a reason takes: a broken server may have no end."""
    read = b""
    async for part in response.aiter_bytes(REASON_BYTES):
        read += part
        if len(read) >= REASON_BYTES:
            break
    return read


def reason_in(raw: bytes) -> str:
    """What an error says: `{"error": {"message": …}}`, `{"error": …}`, `{"message": …}`, `{"detail": …}`, or text."""
    text = raw.decode(errors="replace")
    try:
        told = json.loads(text)
        told = told.get("error", told)
        return str(told.get("message", told.get("detail", told)) if isinstance(told, dict) else told)
    except (ValueError, AttributeError):
        return text
