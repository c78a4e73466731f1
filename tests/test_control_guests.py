"""Who may connect as what, and what a guest may not do: by the kernel's word for who is at the other end."""

from __future__ import annotations

import base64
import grp
import json
import os
import pwd
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import anyio
import pytest
from pydantic import ValidationError

from tests.control_fake import SETTINGS, FakeDaemon, RawClient, call, raw, serving, until
from voxspark.audio import tone, wav_bytes
from voxspark.config_control import ControlSettings, GuestMethod
from voxspark.control.access import Access
from voxspark.control.limits import MOST_HELD_GUEST_BYTES, Room
from voxspark.control.methods import PUBLIC_STATUS, Methods
from voxspark.control.rpc import ErrorCode, LineSplitter
from voxspark.control.server import claim
from voxspark.control.wire import Peer
from voxspark.errors import ControlError

pytestmark = pytest.mark.anyio

ME = os.geteuid()
AS_GUEST = Access(owners=frozenset({ME + 1}), guests=frozenset({ME}))
EVERY_GUEST_METHOD = ControlSettings(guest_methods=get_args(GuestMethod), requests_per_second=1e6)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control" / "socket"


async def refused(client: RawClient, method: str, params: Any = None) -> bool:
    """Whether a guest is told that it is not his to do."""
    answer = await client.ask(method, params)
    return bool(answer.get("error", {}).get("code") == ErrorCode.NOT_PERMITTED)


OWNERS_ONLY = {
    "history": {},
    "shutdown": {},
    "events.subscribe": {},
    "mic.watch": {},
    "record": {"turns": 1},
    "swarm": {"questions": ["x"]},
    "models.load": {"name": "x"},
    "models.unload": {"name": "x"},
    "models.pull": {"name": "x"},
}


async def test_a_guest_never_gets_what_is_the_owners(path: Path) -> None:
    daemon = FakeDaemon()
    async with serving(path, daemon, EVERY_GUEST_METHOD, access=AS_GUEST), raw(path) as guest:
        for method, params in OWNERS_ONLY.items():
            assert await refused(guest, method, params), method
        assert (await guest.ask("ping"))["result"] == "pong"
    assert daemon.calls == []


def test_every_method_is_the_owners_or_can_be_allowed_by_name() -> None:
    """The table and the setting say the same: nothing new is a guest's by accident."""
    table = Methods(FakeDaemon())._table
    assert {name for name, method in table.items() if method.permission == "guest"} == set(get_args(GuestMethod))
    assert {name for name, method in table.items() if method.permission == "everybody"} == {"ping"}
    assert {name for name, method in table.items() if method.permission == "owner"} == set(OWNERS_ONLY)
    with pytest.raises(ValidationError):
        ControlSettings.model_validate({"guest_methods": ("history",)})


async def test_a_guest_gets_what_the_settings_allow(path: Path) -> None:
    daemon = FakeDaemon()
    settings = ControlSettings(guest_methods=("say",))
    async with serving(path, daemon, settings, access=AS_GUEST), raw(path) as guest:
        assert await refused(guest, "ask", {"text": "x"})
        assert (await guest.ask("say", {"text": "x"}))["result"]["outcome"] == "answered"
    assert daemon.calls == [("say", "x")]


async def test_a_guests_question_is_known_as_one(path: Path) -> None:
    daemon = FakeDaemon()
    async with serving(path, daemon, access=AS_GUEST), raw(path) as guest:
        assert (await guest.ask("ask", {"text": "x", "stream": False}))["result"]["outcome"] == "answered"
        assert await refused(guest, "ask", {"text": "x", "role": "coder"})
        assert await refused(guest, "ask", {"text": "x", "images": [{"path": "/etc/shadow"}]})
        assert await refused(guest, "ask", {"text": "x", "images": [{"data": ""}]})
    assert daemon.calls == [("ask", "x", True, "guest")]


async def test_a_guest_has_no_file_of_the_owner_read(path: Path, tmp_path: Path) -> None:
    wav = wav_bytes(tone(440.0, 0.1, 16_000), 16_000)
    (tmp_path / "private.wav").write_bytes(wav)
    daemon = FakeDaemon()
    async with serving(path, daemon, EVERY_GUEST_METHOD, access=AS_GUEST), raw(path) as guest:
        assert await refused(guest, "transcribe", {"path": str(tmp_path / "private.wav")})
        sent = await guest.ask("transcribe", {"audio": base64.b64encode(wav).decode()})
        assert sent["result"]["text"] == "hello there"
    assert daemon.calls == ["transcribe"]


async def test_a_guest_closes_the_microphone_and_does_not_open_it(path: Path) -> None:
    daemon = FakeDaemon()
    async with serving(path, daemon, EVERY_GUEST_METHOD, access=AS_GUEST), raw(path) as guest:
        assert await refused(guest, "mute", {"on": False})
        assert await refused(guest, "mute")
        assert (await guest.ask("mute", {"on": True}))["result"] == {"muted": True}
    assert daemon.calls == [("mute", True)]


async def test_a_guest_sees_nothing_personal_in_the_status(path: Path) -> None:
    daemon = FakeDaemon()
    daemon.memory = {"models": []}
    async with serving(path, daemon, access=AS_GUEST), raw(path) as guest:
        status = (await guest.ask("status"))["result"]
    assert set(status) <= set(PUBLIC_STATUS)
    assert {"timers", "jobs", "mcp", "last_failure", "memory", "pid"}.isdisjoint(PUBLIC_STATUS)


# ── who is who ──────────────────────────────────────────────────────────────────────────────────


def test_the_settings_name_users_and_a_group() -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    group = grp.getgrgid(os.getgid())
    access = Access.of(ControlSettings(owners=("nobody",), guests=("12345",), group=group.gr_name))
    assert access == Access(frozenset({ME, 0, nobody}), frozenset({12345}), group.gr_gid)
    assert access.is_owner(Peer(nobody, frozenset()))
    assert access.is_guest(Peer(12345, frozenset()))
    assert access.is_guest(Peer(77, frozenset({5, group.gr_gid})))
    stranger = Peer(77, frozenset({group.gr_gid + 1}))
    assert not access.is_owner(stranger)
    assert not access.is_guest(stranger)


@pytest.mark.parametrize("wrong", [{"owners": ("no-such-user",)}, {"guests": ("no-such-user",)}, {"group": "no-such"}])
def test_a_name_that_nobody_has_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ControlError) as caught:
        Access.of(ControlSettings(**wrong))
    assert caught.value.code.startswith("control-unknown-")
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("access", "modes"),
    [
        (Access(frozenset({ME})), (0o700, 0o600)),
        (Access(frozenset({ME}), group=os.getgid()), (0o710, 0o660)),
        (Access(frozenset({ME}), guests=frozenset({12345})), (0o711, 0o666)),
        (Access(frozenset({ME, 12345})), (0o711, 0o666)),
    ],
)
def test_the_modes_are_for_those_who_may_connect(path: Path, access: Access, modes: tuple[int, int]) -> None:
    old = os.umask(0o077)
    try:
        with claim(path, access):
            assert (path.parent.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == modes
            assert path.stat().st_gid == os.getgid()
    finally:
        os.umask(old)


VISITOR = """
import json, os, socket, sys
end = socket.socket(socket.AF_UNIX)
os.setgroups([int(group) for group in sys.argv[2].split(",")])
os.setgid(65534)
os.setuid(65534)
try:
    end.connect(sys.argv[1])
except PermissionError:
    sys.exit("cannot connect")
end.settimeout(10)
try:
    end.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "history"}).encode() + b"\\n")
except BrokenPipeError:
    pass  # refused already; why is still to be read
print(end.makefile().readline())
"""

if ME == 0:  # only root can become somebody else

    @pytest.fixture
    def open_directory() -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="voxspark-test-") as name:
            Path(name).chmod(0o755)
            yield Path(name)

    async def visit(path: Path, groups: str) -> str:
        done = await anyio.run_process([sys.executable, "-c", VISITOR, str(path), groups], check=False)
        return str(json.loads(done.stdout)["error"]["data"]["code"]) if done.stdout else done.stderr.decode().strip()

    async def test_a_member_of_the_group_is_a_guest_and_others_stay_outside(open_directory: Path) -> None:
        """Root's primary group is 0; a second one by number is enough for the kernel."""
        path = open_directory / "voxspark" / "socket"
        async with serving(path, access=Access(frozenset({0}), group=54321)):
            assert await visit(path, "54320,54321") == "not-permitted"
            assert await visit(path, "54320") == "cannot connect"

    async def test_a_single_guest_comes_in_and_every_other_user_is_told(open_directory: Path) -> None:
        path = open_directory / "voxspark" / "socket"
        async with serving(path, access=Access(frozenset({0}), guests=frozenset({65534}))):
            assert await visit(path, "54320") == "not-permitted"
        async with serving(path, access=Access(frozenset({0}), guests=frozenset({65533}))):
            assert await visit(path, "54320") == "forbidden"


# ── how much ────────────────────────────────────────────────────────────────────────────────────


async def test_all_clients_of_one_user_share_a_rate(path: Path) -> None:
    limits = ControlSettings(requests_per_second=1000, user_requests_per_second=0.001)
    async with serving(path, settings=limits), raw(path) as one, raw(path) as other:
        assert (await one.ask("ping"))["result"] == "pong"
        assert (await other.ask("ping"))["error"]["data"]["code"] == "rate-limited"
        async with raw(path) as third:
            assert (await third.ask("ping"))["error"]["data"]["code"] == "rate-limited"


async def test_guests_leave_room_for_the_owner(path: Path) -> None:
    settings = ControlSettings(max_clients=4)
    async with serving(path, settings=settings, access=AS_GUEST), raw(path) as first:
        assert (await first.ask("ping"))["result"] == "pong"
        async with raw(path) as second:
            assert (await second.receive())["error"]["data"]["code"] == "too-many-clients"


async def test_two_hundred_clients_at_once(path: Path) -> None:
    answers: list[Any] = []

    async def one(number: int) -> None:
        async with raw(path) as client:
            answers.append((await client.ask("ping", id_=number))["result"])
            await until(lambda: len(answers) == 200)

    async with serving(path), anyio.create_task_group() as group:
        for number in range(200):
            group.start_soon(one, number)
    assert answers == ["pong"] * 200


@pytest.mark.parametrize("sent", [b"", b'{"jsonrpc": "2.0", "id": 1, "meth', b" ", b"x" * 100])
async def test_a_client_that_never_finishes_a_line_is_dropped(path: Path, sent: bytes) -> None:
    async with serving(path, line_seconds=0.1) as server, raw(path) as client:
        if sent:
            await client.wire.send(sent)
        assert (await client.receive())["error"]["data"]["code"] == "line-unfinished"
        assert await client.closed()
        await until(lambda: server.clients == 0)


async def drip(client: RawClient) -> None:
    while True:
        await client.wire.send(b"x")
        await anyio.sleep(0.05)


async def test_drops_of_a_line_do_not_make_it_last(path: Path) -> None:
    async with serving(path, line_seconds=0.2) as server, raw(path) as client:
        await client.ask("ping")
        with pytest.raises(anyio.BrokenResourceError):
            await drip(client)
        await until(lambda: server.clients == 0)


async def test_a_line_that_was_there_in_time_is_not_late(path: Path) -> None:
    """Whatever keeps the server from reading it."""
    async with serving(path, line_seconds=0.0), raw(path) as client:
        assert (await client.ask("ping"))["result"] == "pong"


async def test_a_client_that_has_asked_may_wait_as_long_as_it_likes(path: Path) -> None:
    async with serving(path, line_seconds=0.1), raw(path) as client:
        await client.ask("ping")
        await anyio.sleep(0.3)
        assert (await client.ask("ping"))["result"] == "pong"


async def test_half_a_line_ends_with_what_was_asked_before(path: Path) -> None:
    daemon = FakeDaemon()
    async with serving(path, daemon, line_seconds=0.1), raw(path) as client:
        assert (await client.ask("events.subscribe"))["result"] is True
        await client.wire.send(b"{")
        assert (await client.receive())["error"]["data"]["code"] == "line-unfinished"
        assert await client.closed()
        await until(lambda: daemon.subscribers == 0)


def test_the_memory_for_lines_is_one_for_all() -> None:
    room = Room(10)
    one, other = LineSplitter(8, room), LineSplitter(8, room)
    assert list(one.feed(b"123456")) == []
    assert list(other.feed(b"12345")) == [None]
    assert list(one.feed(b"\n")) == [b"123456"]
    assert room.held_bytes == 0
    assert list(other.feed(b"67\n12345678\n")) == [b"12345678"]
    list(one.feed(b"12"))
    one.clear()
    assert room.held_bytes == 0


async def test_half_lines_of_many_guests_take_no_more_than_their_share(path: Path) -> None:
    settings = SETTINGS.model_copy(update={"max_clients": 256})
    half = b"x" * 1_000_000
    async with serving(path, settings=settings, access=AS_GUEST) as server:
        room = server._accounts.of(ME, guest=True).room
        told: list[str] = []
        async with anyio.create_task_group() as group:

            async def one() -> None:
                async with raw(path) as client:
                    await client.wire.send(half)
                    told.append((await client.receive())["error"]["data"]["code"])
                    await anyio.sleep_forever()

            for _ in range(30):
                group.start_soon(one)
            await until(lambda: len(told) > 10)
            assert set(told) == {"line-too-long"}
            assert room.held_bytes <= MOST_HELD_GUEST_BYTES
            group.cancel_scope.cancel()
        await until(lambda: room.held_bytes == 0)


async def test_a_name_twice_is_no_request(path: Path) -> None:
    """Readers differ in which of the two they take."""
    line = b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "method": "shutdown"}'
    async with serving(path), raw(path) as client:
        await client.send(line, call("ping", id_=2))
        assert (await client.receive())["error"]["code"] == ErrorCode.PARSE_ERROR
        assert (await client.receive())["result"] == "pong"
