"""The fetcher against a server on loopback."""

from __future__ import annotations

import gzip
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.web_server import Answer, WebServer, as_html, as_json, everything_here, moved, open_fetcher, web_server
from voxspark.errors import ToolError
from voxspark.tools.web.addresses import is_public, resolve
from voxspark.tools.web.http import JSON, READABLE, Fetcher, Page, unexpected

pytestmark = pytest.mark.anyio


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[WebServer]:
    async with web_server() as server:
        yield server


async def code_of(fetcher: Fetcher, url: str, *, accept: tuple[str, ...] = JSON, trusted: bool = False) -> str:
    with pytest.raises(ToolError) as raised:
        await fetcher.get(url, accept=accept, trusted=trusted)
    assert raised.value.message.endswith(".")
    return raised.value.code


async def test_json_with_parameters(server: WebServer) -> None:
    server.answers["/v1"] = as_json({"a": [1]})
    page = await Fetcher().get(f"{server.url}/v1", {"q": "käse & wein", "n": 1}, trusted=True)
    assert page.json() == {"a": [1]}
    [request] = server.requests
    assert request.query == {"q": "käse & wein", "n": "1"}
    assert request.headers["user-agent"].startswith("VoxSpark")
    assert "cookie" not in request.headers


async def test_an_untrusted_host_is_called_by_number_and_named(server: WebServer) -> None:
    server.answers["/p"] = as_html("<p>hi</p>")
    port = server.url.rpartition(":")[2]
    page = await open_fetcher().get(f"http://example.org:{port}/p#part", accept=READABLE)
    assert (page.url, page.text) == (f"http://example.org:{port}/p", "<p>hi</p>")
    assert server.requests[0].headers["host"] == f"example.org:{port}"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/",
        "http://localhost/",
        "http://[::1]/",
        "http://0.0.0.0/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://[::ffff:10.0.0.1]/",
        "http://192.168.1.1/admin",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/",
        "http://[64:ff9b::7f00:1]/",
    ],
)
async def test_our_own_network_is_left_alone(url: str) -> None:
    assert await code_of(Fetcher(), url) == "web-private"


@pytest.mark.parametrize(
    "url",
    [
        *("", "oslo", "file:///etc/passwd", "ftp://x.org", "http://", "http://u:p@x.org/", "http://x.org:25/"),
        *("http://a b/", "http://x.org/" + "a" * 3_000, "javascript:alert(1)", "http://x.org:99999999/"),
        "http://\ud800/",
    ],
)
async def test_what_is_no_address_is_refused(url: str) -> None:
    assert await code_of(open_fetcher(), url) == "web-address"


async def test_one_private_address_among_public_ones_is_enough() -> None:
    async def both(host: str, port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.7"]

    assert await code_of(Fetcher(resolve=both), "http://rebind.example/") == "web-private"


async def test_a_trusted_service_cannot_redirect_into_our_network(server: WebServer) -> None:
    server.answers["/a"] = moved("http://localhost:8000/secret")
    server.answers["/b"] = moved("/c")
    server.answers["/c"] = as_json({})
    assert await code_of(Fetcher(), f"{server.url}/a", trusted=True) == "web-private"
    assert (await Fetcher().get(f"{server.url}/b", trusted=True)).url == f"{server.url}/c"


async def test_redirects_end(server: WebServer) -> None:
    server.answers["/a"] = moved("/a")
    server.answers["/f"] = moved("file:///etc/passwd")
    assert await code_of(open_fetcher(), f"{server.url}/a") == "web-refused"
    assert len(server.requests) == 6
    assert await code_of(open_fetcher(), f"{server.url}/f") == "web-address"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(status=404), "web-missing"),
        (Answer(status=429), "web-busy"),
        (Answer(status=500), "web-refused"),
        (Answer(status=304), "web-refused"),
        (Answer(b"x", "image/png"), "web-type"),
        (Answer(b"x", headers={"Content-Encoding": "br"}), "web-type"),
        (Answer(b"xyz", headers={"Content-Encoding": "gzip"}), "web-unexpected"),
        (Answer(gzip.compress(b"{}")[:-9], headers={"Content-Encoding": "gzip"}), "web-unexpected"),
        (Answer(b"x" * 1_001), "web-too-large"),
        (Answer(gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"}), "web-too-large"),
    ],
)
async def test_answers_that_cannot_be_used(server: WebServer, answer: Answer, code: str) -> None:
    server.answers["/x"] = answer
    assert await code_of(open_fetcher(most_bytes=1_000), f"{server.url}/x") == code


async def test_compressed_answers(server: WebServer) -> None:
    server.answers["/x"] = Answer(gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"})
    assert (await open_fetcher().get(f"{server.url}/x")).json() == {"a": 1}


async def test_silence_is_cut(server: WebServer) -> None:
    server.answers["/x"] = Answer(None)
    assert await code_of(open_fetcher(timeout_seconds=0.05), f"{server.url}/x") == "web-slow"


async def test_a_cancelled_fetch_ends(server: WebServer) -> None:
    server.answers["/x"] = Answer(None)
    with anyio.move_on_after(0.05) as scope:
        await open_fetcher().get(f"{server.url}/x")
    assert scope.cancelled_caught


async def test_nobody_there() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        assert await code_of(Fetcher(), url, trusted=True) == "web-unreachable"


@pytest.mark.parametrize(
    ("number", "code"), [(socket.EAI_AGAIN, "no-network"), (socket.EAI_NONAME, "web-host-unknown")]
)
async def test_names_that_cannot_be_resolved(number: int, code: str) -> None:
    async def fail(host: str, port: int) -> list[str]:
        raise socket.gaierror(number, "no")

    assert await code_of(Fetcher(resolve=fail), "http://example.org/") == code


async def test_a_service_whose_name_is_unknown_means_no_network() -> None:
    async def fail(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no")

    assert await code_of(Fetcher(resolve=fail), "http://api.example/", trusted=True) == "no-network"


async def test_the_next_address_is_tried(server: WebServer) -> None:
    async def two(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    server.answers["/x"] = as_json({})
    port = server.url.rpartition(":")[2]
    assert (await open_fetcher(resolve=two).get(f"http://example.org:{port}/x")).json() == {}


async def test_copies_are_kept_for_a_while(server: WebServer) -> None:
    clock = iter([0.0, 599.0, 600.0, 600.0, 601.0, 601.0])
    server.answers["/x"] = as_json({})
    fetcher = open_fetcher(now=lambda: next(clock))
    for _ in range(3):
        await fetcher.get(f"{server.url}/x", {"q": 1}, keep_seconds=600)
    assert len(server.requests) == 2
    await fetcher.get(f"{server.url}/x", {"q": 2}, keep_seconds=600)
    assert len(server.requests) == 3


async def test_the_cache_is_bounded(server: WebServer) -> None:
    server.answers["/x"] = Answer(b" " * 1_500_000)
    fetcher = open_fetcher()
    for number in [*range(8), 7, 0]:
        await fetcher.get(f"{server.url}/x", {"q": number}, keep_seconds=600)
    assert [request.query["q"] for request in server.requests] == [*"01234567", "0"]


async def test_a_trusted_copy_is_no_answer_to_a_stranger(server: WebServer) -> None:
    server.answers["/x"] = as_json({})
    fetcher = Fetcher()
    await fetcher.get(f"{server.url}/x", trusted=True, keep_seconds=600)
    assert await code_of(fetcher, f"{server.url}/x") == "web-private"


@pytest.mark.real
async def test_a_certificate_must_be_the_hosts(tmp_path: Path) -> None:
    certificate = await certificate_of("spark.example", tmp_path)
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(certificate)
    fetcher = open_fetcher(tls=ssl.create_default_context(cafile=str(certificate)))
    async with web_server(serving) as server:
        server.answers["/x"] = as_json({})
        port = server.url.rpartition(":")[2]
        assert (await fetcher.get(f"https://spark.example:{port}/x")).json() == {}
        assert await code_of(fetcher, f"https://other.example:{port}/x") == "web-unreachable"
        assert await code_of(open_fetcher(), f"https://spark.example:{port}/x") == "web-unreachable"
        assert len(server.requests) == 1


async def certificate_of(host: str, folder: Path) -> Path:
    """Certificate and key in one file, signed by itself."""
    options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={host}"]
    files = ["-keyout", f"{folder}/key", "-out", f"{folder}/certificate", "-addext", f"subjectAltName=DNS:{host}"]
    await anyio.run_process(["openssl", "req", "-x509", "-days", "2", *options, *files])
    both = folder / "both.pem"
    both.write_bytes((folder / "key").read_bytes() + (folder / "certificate").read_bytes())
    return both


def test_pages_in_odd_encodings() -> None:
    assert Page("", "", "käse".encode("latin-1"), "latin-1").text == "käse"
    assert Page("", "", "käse".encode(), "klingon").text == "käse"
    with pytest.raises(ToolError, match="don't understand"):
        Page("", "", b"[" * 100_000).json()
    assert unexpected("https://u:p@x.org/a?q=secret").remedy == "Look at https://x.org/a."


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:4700:4700::1111", True),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("2002:7f00:1::", False),
        ("fd00::1", False),
        ("::ffff:8.8.8.8", True),
        ("not a number", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public


async def test_resolving() -> None:
    assert await resolve("127.1", 80) == ["127.0.0.1"]
    assert await everything_here("anything", 80) == ["127.0.0.1"]
