"""What is needed of CalDAV (RFC 4791) over httpx: finding calendars, reading a span of time, putting and deleting.

No CalDAV package: `caldav` 3.6 blocks, so a turn could not end it, and brings a second HTTP stack that takes the place
of urllib3 in the environment.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree

import anyio
import anyio.to_thread

from voxspark.errors import ToolError
from voxspark.tools.clean import clean
from voxspark.tools.web.http import unreachable

if TYPE_CHECKING:
    import httpx

DAV, CALDAV = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
WELL_KNOWN = "/.well-known/caldav"
"""Where a server says where its CalDAV is (RFC 6764)."""

MOST_REDIRECTS = 5
MOST_BYTES = 10_000_000
"""Of one answer."""
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 10.0
"""For one request, with its redirects."""

PROPERTIES = """<?xml version="1.0" encoding="utf-8"?>
<propfind xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><prop>
<resourcetype/><displayname/><current-user-principal/><c:calendar-home-set/><c:supported-calendar-component-set/>
</prop></propfind>"""

EVENTS = """<?xml version="1.0" encoding="utf-8"?>
<c:calendar-query xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><prop><c:calendar-data/></prop>
<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">
<c:time-range start="{begin:%Y%m%dT%H%M%SZ}" end="{end:%Y%m%dT%H%M%SZ}"/>
</c:comp-filter></c:comp-filter></c:filter></c:calendar-query>"""


@dataclass(frozen=True, slots=True)
class Collection:
    """A calendar."""

    url: str
    """Ends in a slash."""
    name: str


@dataclass(frozen=True, slots=True)
class Login:
    """Who asks."""

    username: str
    password: str


def read_login(username: str, password: str, password_file: str) -> Login | None:
    """None where nobody logs in. Raises ToolError when the file cannot be read."""
    if not password_file:
        return Login(username, password) if username else None
    try:
        return Login(username, Path(password_file).expanduser().read_text().strip())
    except (OSError, UnicodeError) as error:
        raise ToolError(
            "calendar-password-file", "I can't read the password of your calendar.", f"Look at {password_file}."
        ) from error


@asynccontextmanager
async def open_session(url: str, login: Login | None) -> AsyncIterator[Session]:
    """A connection to the server at `url`; certificates are those that this machine trusts."""
    import httpx

    tls = await anyio.to_thread.run_sync(ssl.create_default_context) if url.startswith("https:") else False
    timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    async with httpx.AsyncClient(verify=tls, trust_env=False, timeout=timeout) as client:
        yield Session(client, url, login)


class Session:
    """Requests to one server.

    All raise ToolError: no-network, web-unreachable, calendar-slow, calendar-certificate, calendar-password,
    calendar-not-found, calendar-refused, calendar-broken, calendar-unexpected.
    """

    def __init__(self, client: httpx.AsyncClient, url: str, login: Login | None) -> None:
        import httpx

        self._client = client
        self._url = url
        self._login = login
        self._auth: httpx.Auth | None = httpx.BasicAuth(login.username, login.password) if login else None

    async def collections(self) -> list[Collection]:
        """Those that hold appointments, by name. `url` may be one, the folder of them, a user's or the server's."""
        here = await self._resource(self._url)
        if here is None or not here.leads_on:
            here = await self._resource(urljoin(self._url, WELL_KNOWN))
        if here is not None and here.principal and not here.home and not here.holds_events:
            here = await self._resource(here.principal)
        if here is not None and here.holds_events:
            return [here.collection]
        if here is None or not here.home:
            raise _not_a_calendar(self._url)
        inside = await self._describe(here.home, depth=1)
        return sorted((each.collection for each in inside if each.holds_events), key=lambda each: each.name)

    async def events(self, collection: Collection, begin: datetime, end: datetime) -> list[str]:
        """The iCalendar objects with an appointment, or a repetition of one, between two (aware) moments."""
        query = EVENTS.format(begin=begin.astimezone(UTC), end=end.astimezone(UTC))
        response = await self._ask("REPORT", collection.url, query, {"Depth": "1"})
        _check(response)
        data = (each.text for each in _parse(response).iter(f"{CALDAV}calendar-data"))
        return [text for text in data if text]

    async def put(self, address: str, ics: str) -> None:
        """A new object. Raises ToolError when there is one."""
        headers = {"Content-Type": "text/calendar; charset=utf-8", "If-None-Match": "*"}
        _check(await self._ask("PUT", address, ics, headers))

    async def delete(self, address: str) -> None:
        """An object that goes."""
        _check(await self._ask("DELETE", address))

    async def _resource(self, url: str) -> _Resource | None:
        """What is at an address; None when that is nothing of CalDAV's."""
        try:
            return next(iter(await self._describe(url, depth=0)), None)
        except ToolError as error:
            if error.code in ("calendar-not-found", "calendar-refused", "calendar-unexpected"):
                return None
            raise

    async def _describe(self, url: str, *, depth: int) -> list[_Resource]:
        response = await self._ask("PROPFIND", url, PROPERTIES, {"Depth": str(depth)})
        _check(response)
        return [_Resource(each, str(response.url)) for each in _parse(response).iter(f"{DAV}response")]

    async def _ask(
        self, method: str, url: str, body: str = "", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """The answer behind the redirects, whatever it says; with the kind of login that the server wants."""
        import httpx

        try:
            with anyio.fail_after(ANSWER_SECONDS):
                response = await self._follow(method, url, body, headers)
                wants = response.headers.get("www-authenticate", "").lower()
                if response.status_code == 401 and self._login and "digest" in wants and "basic" not in wants:
                    self._auth = httpx.DigestAuth(self._login.username, self._login.password)
                    response = await self._follow(method, url, body, headers)
                return response
        except (TimeoutError, httpx.ReadTimeout) as error:
            raise ToolError("calendar-slow", "Your calendar takes too long to answer.", "Try again later.") from error
        except httpx.HTTPError as error:
            raise _unreachable(url, error) from error
        except (httpx.InvalidURL, ValueError) as error:
            raise _not_a_calendar(url) from error

    async def _follow(self, method: str, url: str, body: str, headers: Mapping[str, str] | None) -> httpx.Response:
        content_type = {"Content-Type": "application/xml; charset=utf-8"} if body else {}
        for _ in range(MOST_REDIRECTS + 1):
            if self._url.startswith("https:") and not url.startswith("https:"):
                raise ToolError("calendar-refused", "Your calendar's server wants the password without encryption.")
            request = self._client.build_request(
                method, url, content=body.encode(), headers={**content_type, **(headers or {})}
            )
            response = await self._client.send(request, auth=self._auth, stream=True)
            async with aclosing(response):
                if not response.has_redirect_location:
                    return await _read(response)
            url = urljoin(url, response.headers["location"])
        raise ToolError("calendar-refused", "Your calendar's server sends me around in circles.")


async def _read(response: httpx.Response) -> httpx.Response:
    """With its body. Raises ToolError when that is too large."""
    import httpx

    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > MOST_BYTES:
            raise ToolError("calendar-unexpected", "Your calendar is too large for me.")
    headers = {name: response.headers[name] for name in ("www-authenticate",) if name in response.headers}
    return httpx.Response(response.status_code, headers=headers, content=bytes(body), request=response.request)


class _Resource:
    """One `response` of a `multistatus`."""

    def __init__(self, element: ElementTree.Element, asked: str) -> None:
        self._found = [
            prop
            for propstat in element.iter(f"{DAV}propstat")
            if " 200" in propstat.findtext(f"{DAV}status", "")
            for prop in propstat.iterfind(f"{DAV}prop/*")
        ]
        self._asked = asked
        url = urljoin(asked, element.findtext(f"{DAV}href", "").strip())
        self.collection = Collection(f"{url.rstrip('/')}/", clean(self._text(f"{DAV}displayname"), 60) or "calendar")
        self.home = self._address(f"{CALDAV}calendar-home-set")
        self.principal = self._address(f"{DAV}current-user-principal")

    @property
    def holds_events(self) -> bool:
        kinds = [kind.tag for prop in self._found if prop.tag == f"{DAV}resourcetype" for kind in prop]
        names = [
            component.get("name")
            for prop in self._found
            if prop.tag == f"{CALDAV}supported-calendar-component-set"
            for component in prop
        ]
        return f"{CALDAV}calendar" in kinds and (not names or "VEVENT" in names)

    @property
    def leads_on(self) -> bool:
        return bool(self.holds_events or self.home or self.principal)

    def _text(self, tag: str) -> str:
        return next((prop.text or "" for prop in self._found if prop.tag == tag), "")

    def _address(self, tag: str) -> str:
        hrefs = (prop.findtext(f"{DAV}href", "").strip() for prop in self._found if prop.tag == tag)
        return next((urljoin(self._asked, href) for href in hrefs if href), "")


def _parse(response: httpx.Response) -> ElementTree.Element:
    """The answer's XML. Raises ToolError for anything else."""
    try:
        if b"<!DOCTYPE" in response.content or b"<!ENTITY" in response.content:
            raise ValueError("a document type declares what could grow without end")
        return ElementTree.fromstring(response.content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ToolError("calendar-unexpected", "I don't understand what your calendar answers.") from error


def _check(response: httpx.Response) -> None:
    status, sent = response.status_code, response.request.method
    if status == 401 or (status == 403 and sent not in ("PUT", "DELETE")):
        raise ToolError(
            "calendar-password",
            "Your calendar's server does not accept the password.",
            "Set calendar.username, and calendar.password or calendar.password_file.",
        )
    if status in (404, 405, 410, 501):
        raise _not_a_calendar(str(response.url))
    if status >= 500:
        raise ToolError("calendar-broken", "Your calendar's server has a problem of its own.", "Try again later.")
    if not 200 <= status < 300:
        what = "let me change it" if sent in ("PUT", "DELETE") else "answer"
        raise ToolError("calendar-refused", f"Your calendar's server refuses to {what}.", f"It says {status}.")
    if sent in ("PROPFIND", "REPORT") and status != 207:
        raise _not_a_calendar(str(response.url))


def _not_a_calendar(url: str) -> ToolError:
    return ToolError(
        "calendar-not-found",
        "There is no calendar at the address that I was given.",
        f"Set calendar.url to a CalDAV address; {urlsplit(url).netloc} answers, but has none there.",
    )


def _unreachable(url: str, error: httpx.HTTPError) -> ToolError:
    import httpx

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ToolError(
                "calendar-certificate",
                "I don't trust the certificate of your calendar's server.",
                "Add its authority to those of this machine, or name it in SSL_CERT_FILE.",
            )
        cause = cause.__cause__ or cause.__context__
    return unreachable(httpx.URL(url), error)
