"""Fetches small things from the web: quickly or not at all, never more than fits, and never from inside our network."""

from __future__ import annotations

import errno
import json
import re
import socket
import ssl
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import anyio

from voxspark.errors import ToolError
from voxspark.tools.web.addresses import Resolve, is_public, resolve

if TYPE_CHECKING:
    import httpx

JSON = ("application/json",)
READABLE = ("text/html", "application/xhtml+xml", "text/plain")
FEEDS = ("application/rss+xml", "application/atom+xml", "application/xml", "text/xml", "application/rdf+xml")

MOST_REDIRECTS = 5
MOST_ADDRESSES = 4
"""Of one host, tried one after the other."""
MOST_CACHED_BYTES = 8_000_000
LONGEST_URL = 2_000
CONNECT_SECONDS = 2.5
"""For one address of a host."""
HOST = re.compile(rb"[\w.:-]+")
NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}


@dataclass(frozen=True, slots=True)
class Page:
    """What was fetched."""

    url: str
    """After redirects."""
    media_type: str
    """Lower case, without parameters."""
    body: bytes
    charset: str = "utf-8"

    @property
    def text(self) -> str:
        """The body in its declared encoding, UTF-8 when that is unknown."""
        try:
            return self.body.decode(self.charset, "replace")
        except (LookupError, UnicodeError, ValueError):
            return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. Raises ToolError."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise unexpected(self.url) from error


def unexpected(url: str) -> ToolError:
    """The error of an answer that is not what the service promises."""
    where = re.sub(r"//[^/@]*@", "//", url.partition("?")[0])[:200]
    return ToolError("web-unexpected", "I don't understand what the service answers.", f"Look at {where}.")


class Fetcher:
    """Fetches with GET, without cookies and without the environment's proxies.

    `timeout_seconds` is for a whole fetch, `most_bytes` for its body after decompression; `tls` trusts the public
    authorities when it is None. `now` gives seconds that never go back; `resolve` and `may_reach` are the network's,
    replaced in tests.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float = 8.0,
        most_bytes: int = 2_000_000,
        user_agent: str = "VoxSpark/1 (voice assistant)",
        tls: ssl.SSLContext | None = None,
        now: Callable[[], float] = time.monotonic,
        resolve: Resolve = resolve,
        may_reach: Callable[[str], bool] = is_public,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._most_bytes = most_bytes
        self._user_agent = user_agent
        self._now = now
        self._resolve = resolve
        self._may_reach = may_reach
        self._cache: OrderedDict[tuple[str, bool], tuple[float, Page]] = OrderedDict()
        self._tls = tls

    async def get(
        self,
        url: str,
        params: Mapping[str, str | int | float] | None = None,
        *,
        accept: tuple[str, ...] = JSON,
        trusted: bool = False,
        keep_seconds: float = 0.0,
    ) -> Page:
        """What is at the address; a copy no older than `keep_seconds` will do.

        `trusted` addresses come from the configuration and may be anywhere; those of pages and models, and every
        redirect to another server, must be on the public internet. Raises ToolError: no-network, web-address,
        web-private, web-host-unknown, web-unreachable, web-slow, web-missing, web-busy, web-refused, web-type,
        web-too-large.
        """
        address = _parse(f"{url}?{urlencode(params)}" if params else url)
        key = (str(address), trusted)
        if (kept := self._cache.get(key)) and kept[0] > self._now() and kept[1].media_type in accept:
            return kept[1]
        try:
            with anyio.fail_after(self._timeout_seconds):
                page = await self._follow(address, accept, trusted)
        except TimeoutError as error:
            raise ToolError("web-slow", f"{_name(address)} takes too long to answer.", "Try again later.") from error
        if keep_seconds > 0:
            self._keep(key, self._now() + keep_seconds, page)
        return page

    def _keep(self, key: tuple[str, bool], until: float, page: Page) -> None:
        self._cache.pop(key, None)
        self._cache[key] = (until, page)
        while sum(len(kept.body) + 1_000 for _, kept in self._cache.values()) > MOST_CACHED_BYTES:
            self._cache.popitem(last=False)

    async def _follow(self, address: httpx.URL, accept: tuple[str, ...], trusted: bool) -> Page:
        """The page behind the redirects."""
        origin = _origin(address)
        for _ in range(MOST_REDIRECTS + 1):
            found = await self._fetch(address, accept, trusted and _origin(address) == origin)
            if isinstance(found, Page):
                return found
            address = found
        raise ToolError("web-refused", f"{_name(address)} sends me around in circles.")

    async def _fetch(self, address: httpx.URL, accept: tuple[str, ...], trusted: bool) -> Page | httpx.URL:
        """The page, or where it has moved. The host is resolved once, checked, and called by its number."""
        import httpx

        if self._tls is None:
            self._tls = httpx.create_ssl_context(trust_env=False)
        host = address.raw_host.decode("ascii")
        headers = {
            "User-Agent": self._user_agent,
            "Accept": ", ".join(accept),
            "Accept-Encoding": "gzip",
            "Host": address.netloc.decode("ascii"),
        }
        timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
        failure: ToolError | None = None
        async with httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=timeout) as client:
            for number in await self._numbers(address, trusted):
                target = address.copy_with(host=number)
                try:
                    request = client.build_request("GET", target, headers=headers, extensions={"sni_hostname": host})
                    response = await client.send(request, stream=True)
                    async with aclosing(response):
                        return await self._read(response, address, accept)
                except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                    failure = unreachable(address, error)
                    failure.__cause__ = error
                except httpx.HTTPError as error:
                    raise unreachable(address, error) from error
        raise failure or _unknown(address)

    async def _numbers(self, address: httpx.URL, trusted: bool) -> list[str]:
        """The numeric addresses of a host, public ones unless it is trusted."""
        if not trusted:
            _check_form(address)
        port = address.port or (443 if address.scheme == "https" else 80)
        try:
            found = await self._resolve(address.raw_host.decode("ascii"), port)
        except (OSError, UnicodeError) as error:
            is_offline = isinstance(error, socket.gaierror) and error.errno in (socket.EAI_AGAIN, socket.EAI_SYSTEM)
            raise (no_network() if trusted or is_offline else _unknown(address)) from error
        if not trusted and not all(self._may_reach(number) for number in found):
            raise ToolError("web-private", "That address is inside your own network, so I left it alone.")
        return found[:MOST_ADDRESSES]

    async def _read(self, response: httpx.Response, address: httpx.URL, accept: tuple[str, ...]) -> Page | httpx.URL:
        if response.is_redirect and response.has_redirect_location:
            return _parse(response.headers["location"], base=address)
        _check_status(response.status_code, address)
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if media_type not in accept or encoding not in ("identity", "gzip", "x-gzip"):
            kind = media_type[:60] or "of no kind"
            raise ToolError("web-type", "What is there is nothing I can read.", f"It is {kind}.")
        inflate = None if encoding == "identity" else zlib.decompressobj(wbits=31)
        body = bytearray()
        async for piece in response.aiter_raw():
            try:
                body += inflate.decompress(piece, self._most_bytes + 1 - len(body)) if inflate else piece
            except zlib.error as error:
                raise unexpected(str(address)) from error
            if len(body) > self._most_bytes:
                raise ToolError("web-too-large", f"What {_name(address)} sends is too large for me.")
        if inflate and not inflate.eof:
            raise unexpected(str(address))
        return Page(str(address), media_type, bytes(body), response.charset_encoding or "utf-8")


def no_network() -> ToolError:
    """The error of a machine that is offline."""
    return ToolError("no-network", "I can't reach the internet right now.", "Check the network connection.")


def _parse(url: str, base: httpx.URL | None = None) -> httpx.URL:
    import httpx

    try:
        parsed = base.join(url) if base else httpx.URL(url)
        parsed.raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise _not_an_address() from error
    is_web = parsed.scheme in ("http", "https") and HOST.fullmatch(parsed.raw_host)
    if not is_web or (parsed.port or 0) > 65_535 or len(str(parsed)) > LONGEST_URL:
        raise _not_an_address()
    return parsed.copy_with(fragment=None)


def _unknown(address: httpx.URL) -> ToolError:
    return ToolError("web-host-unknown", f"I can't find {_name(address)} on the internet.")


def _not_an_address() -> ToolError:
    return ToolError("web-address", "That is not an address of a web page.")


def _check_form(address: httpx.URL) -> None:
    """Raises ToolError for a password, or a port that belongs to some other service such as mail."""
    if address.userinfo or (address.port not in (None, 80, 443) and address.port < 1024):
        raise _not_an_address()


def _origin(address: httpx.URL) -> tuple[str, str, int | None]:
    return address.scheme, address.host, address.port


def _name(address: httpx.URL) -> str:
    return address.host[:60].removeprefix("www.")


def _check_status(status: int, address: httpx.URL) -> None:
    if 200 <= status < 300:
        return
    if status in (404, 410):
        raise ToolError("web-missing", f"{_name(address)} has nothing at that address.")
    if status in (429, 503):
        raise ToolError("web-busy", f"{_name(address)} is too busy to answer.", "Try again in a few minutes.")
    raise ToolError("web-refused", f"{_name(address)} refuses to answer.", f"It answers with status {status}.")


def unreachable(address: httpx.URL, error: BaseException) -> ToolError:
    """Offline, or only this server does not answer."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror) or (isinstance(cause, OSError) and cause.errno in NO_ROUTE):
            return no_network()
        cause = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else cause.__cause__ or cause.__context__
    return ToolError("web-unreachable", f"{_name(address)} does not answer.", "Try again later.")
