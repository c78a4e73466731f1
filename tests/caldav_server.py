"""A CalDAV server: Radicale, as a process of its own on a loopback port.

with caldav_server(tmp_path, password="secret") as server:
    server.add("work", appointment("Dentist", "20261125T093000"))
"""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

READY_SECONDS = 20.0
USER = "ada"

MAKE_CALENDAR = """<?xml version="1.0" encoding="utf-8"?>
<c:mkcalendar xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><set><prop><displayname>{name}</displayname>
<c:supported-calendar-component-set><c:comp name="{component}"/></c:supported-calendar-component-set>
</prop></set></c:mkcalendar>"""


def appointment(title: str, start: str, *lines: str, uid: str = "") -> str:
    """An iCalendar object; `start` such as `20261125T093000Z`, `;TZID=Europe/Berlin:20261125T093000` or a date."""
    begin = start if start.startswith(";") else f";VALUE=DATE:{start}" if len(start) == 8 else f":{start}"
    event = (f"UID:{uid or uuid.uuid4()}", "DTSTAMP:20260101T000000Z", f"SUMMARY:{title}", f"DTSTART{begin}", *lines)
    return calendar("BEGIN:VEVENT", *event, "END:VEVENT")


def calendar(*lines: str) -> str:
    """Lines as an iCalendar object."""
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN", *lines, "END:VCALENDAR", ""))


class CalDavServer:
    """A running server with one user."""

    def __init__(self, folder: Path, password: str, tls: bool) -> None:
        self._folder = folder
        self.certificate = folder / "certificate.pem"
        """Signed by itself; there with `tls`."""
        self._login = (USER, password)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._port}/"
        self._process = self._start(password, self._make_certificate() if tls else [])

    def _make_certificate(self) -> list[str]:
        key = self._folder / "key.pem"
        options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=127.0.0.1"]
        files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(self.certificate)]
        subprocess.run(["openssl", "req", "-x509", *options, *files], check=True, capture_output=True)
        return ["--server-ssl", f"--server-certificate={self.certificate}", f"--server-key={key}"]

    def _start(self, password: str, tls: list[str]) -> subprocess.Popen[bytes]:
        users = self._folder / "users"
        users.write_text(f"{USER}:{password}\n")
        login = ["--auth-type=htpasswd", f"--auth-htpasswd-filename={users}", "--auth-htpasswd-encryption=plain"]
        login = login if password else ["--auth-type=none"]
        options = [f"--server-hosts=127.0.0.1:{self._port}", f"--storage-filesystem-folder={self._folder / 'store'}"]
        command = [sys.executable, "-m", "radicale", "--config=", "--auth-delay=0", *options]
        with (self._folder / "radicale.log").open("wb") as log:
            return subprocess.Popen(
                [*command, *tls, *(login if password else ["--auth-type=none"])], stdout=log, stderr=log
            )

    def wait_until_ready(self) -> None:
        """Raises RuntimeError when it does not come."""
        end = time.monotonic() + READY_SECONDS
        while self._process.poll() is None and time.monotonic() < end:
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
        raise RuntimeError((self._folder / "radicale.log").read_text()[-2000:])

    def make_calendar(self, name: str, component: str = "VEVENT") -> None:
        """An empty one."""
        self._send("MKCALENDAR", name, MAKE_CALENDAR.format(name=name.title(), component=component))

    def add(self, name: str, ics: str) -> None:
        """Put an object into a calendar."""
        self._send("PUT", f"{name}/{uuid.uuid4()}.ics", ics)

    @property
    def _tls(self) -> ssl.SSLContext | bool:
        return ssl.create_default_context(cafile=self.certificate) if self.certificate.exists() else True

    def _send(self, method: str, path: str, body: str) -> None:
        answer = httpx.request(
            method,
            f"{self.url}{USER}/{path}",
            content=body.encode(),
            headers={"Content-Type": "text/calendar" if method == "PUT" else "application/xml"},
            auth=self._login,
            trust_env=False,
            verify=self._tls,
        )
        assert answer.is_success, answer.text

    def kill(self) -> None:
        """It is gone."""
        self._process.kill()
        self._process.wait()


@contextmanager
def caldav_server(folder: Path, password: str = "", *, tls: bool = False) -> Iterator[CalDavServer]:
    """A server that answers; without a password it lets in everybody."""
    server = CalDavServer(folder, password, tls)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.kill()
