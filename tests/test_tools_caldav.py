"""What servers do that Radicale does not: redirects, other hosts, digests, pages, floods."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import anyio
import httpx
import pytest

from tests.virtual_time import virtual_time
from voxspark.errors import ToolError
from voxspark.tools.calendar import caldav
from voxspark.tools.calendar.caldav import Collection, Login, Session, read_login

pytestmark = pytest.mark.anyio

Handler = Callable[[httpx.Request], httpx.Response] | Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]

LOGIN = Login("ada", "secret")
CALENDAR = "<resourcetype><collection/><c:calendar/></resourcetype><displayname>Home</displayname>"
WHERE = Collection("https://cal.example/home/", "Home")
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)


def multistatus(href: str, properties: str, status: str = "HTTP/1.1 200 OK") -> httpx.Response:
    return httpx.Response(
        207,
        text=f'<?xml version="1.0"?><multistatus xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><response>'
        f"<href>{href}</href><propstat><prop>{properties}</prop><status>{status}</status></propstat>"
        "</response></multistatus>",
    )


@asynccontextmanager
async def session(handler: Handler, url: str = "https://cal.example/") -> AsyncIterator[Session]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
        yield Session(client, url, LOGIN)


async def failure(handler: Handler, url: str = "https://cal.example/") -> ToolError:
    async with session(handler, url) as server:
        with pytest.raises(ToolError) as raised:
            await server.collections()
    return raised.value


async def test_from_the_well_known_address_to_another_host() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url}")
        assert request.headers["authorization"].startswith("Basic ")
        match str(request.url):
            case "https://cal.example/":
                return httpx.Response(200, text="<html>Welcome</html>")
            case "https://cal.example/.well-known/caldav":
                return httpx.Response(302, headers={"location": "/dav/"})
            case "https://cal.example/dav/":
                me = "<current-user-principal><href>/dav/ada/</href></current-user-principal>"
                return multistatus("/dav/", me)
            case "https://cal.example/dav/ada/":
                home = "<c:calendar-home-set><href>https://p1.example/ada</href></c:calendar-home-set>"
                return multistatus("/dav/ada/", home)
            case _:
                return multistatus("/ada/home", CALENDAR)

    async with session(answer) as server:
        assert await server.collections() == [Collection("https://p1.example/ada/home/", "Home")]
    assert asked[-1] == "PROPFIND https://p1.example/ada"


async def test_the_password_is_never_sent_in_the_clear() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.scheme)
        return multistatus("/", "<c:calendar-home-set><href>http://cal.example/ada/</href></c:calendar-home-set>")

    assert (await failure(answer)).message == "Your calendar's server wants the password without encryption."
    assert asked == ["https"]


@pytest.mark.parametrize("url", ["https://", "https://cal.example:x/", "http://a b/", f"https://{'x' * 300}"])
async def test_an_address_that_is_none(url: str) -> None:
    assert (await failure(lambda _: httpx.Response(404), url)).code == "calendar-not-found"


async def test_only_calendars_of_appointments_count() -> None:
    tasks = f'{CALENDAR}<c:supported-calendar-component-set><c:comp name="VTODO"/></c:supported-calendar-component-set>'
    assert (await failure(lambda _: multistatus("/", tasks))).code == "calendar-not-found"
    assert (await failure(lambda _: multistatus("/", CALENDAR, "HTTP/1.1 403 Forbidden"))).code == "calendar-not-found"


async def test_a_server_that_wants_a_digest() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if not request.headers.get("authorization", "").startswith("Digest "):
            return httpx.Response(401, headers={"www-authenticate": 'Digest realm="x", nonce="n", qop="auth"'})
        return multistatus("/home/", CALENDAR)

    async with session(answer) as server:
        assert await server.collections() == [WHERE]


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (httpx.Response(401), "calendar-password"),
        (httpx.Response(403), "calendar-password"),
        (httpx.Response(404), "calendar-not-found"),
        (httpx.Response(405), "calendar-not-found"),
        (httpx.Response(503), "calendar-broken"),
        (httpx.Response(200, text="<html>"), "calendar-not-found"),
        (httpx.Response(207, text="not XML"), "calendar-not-found"),
        (httpx.Response(301, headers={"location": "http://cal.example/"}), "calendar-not-found"),
        (httpx.Response(301, headers={"location": "/"}), "calendar-not-found"),
    ],
)
async def test_what_is_no_calendar(response: httpx.Response, code: str) -> None:
    assert (await failure(lambda _: response)).code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('<!DOCTYPE x [<!ENTITY a "aaaa">]><multistatus xmlns="DAV:">&a;</multistatus>', "calendar-unexpected"),
        ("\x00", "calendar-unexpected"),
        ("<multistatus>" + "x" * 2000, "calendar-unexpected"),
    ],
)
async def test_an_answer_that_cannot_be_read(text: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caldav, "MOST_BYTES", 1_000)
    async with session(lambda _: httpx.Response(207, text=text)) as server:
        with pytest.raises(ToolError) as raised:
            await server.events(WHERE, NOVEMBER, NOVEMBER)
    assert raised.value.code == code


async def test_what_must_not_be_changed() -> None:
    async with session(lambda _: httpx.Response(403)) as server:
        with pytest.raises(ToolError, match="refuses to let me change it"):
            await server.put("https://cal.example/home/1.ics", "BEGIN:VCALENDAR")


@virtual_time
async def test_a_server_that_hangs_is_given_up_and_can_be_left_at_once() -> None:
    async def hang(request: httpx.Request) -> httpx.Response:
        await anyio.sleep_forever()
        raise AssertionError

    assert (await failure(hang)).code == "calendar-slow"
    async with session(hang) as server:
        with anyio.move_on_after(0.5) as scope:
            await server.collections()
    assert scope.cancelled_caught


async def test_a_certificate_nobody_vouches_for() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("certificate") from ssl.SSLCertVerificationError("self-signed")

    assert (await failure(refuse)).code == "calendar-certificate"


async def test_no_network() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route") from OSError(101, "Network is unreachable")

    assert (await failure(refuse)).code == "no-network"


def test_the_login(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    assert read_login("ada", "", str(tmp_path / "password")) == LOGIN
    assert read_login("ada", "secret", "") == LOGIN
    assert read_login("", "", "") is None
    with pytest.raises(ToolError, match="password of your calendar"):
        read_login("ada", "", str(tmp_path / "none"))
