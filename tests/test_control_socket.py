"""The socket file: who may have it, and who may connect."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from tests.control_fake import FakeDaemon, raw, serving, until
from voxspark.control import server
from voxspark.control.access import Access
from voxspark.control.server import claim
from voxspark.errors import ControlError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a" / "b" / "socket"


def refusal(path: Path) -> ControlError:
    """Why the path cannot be had."""
    with pytest.raises(ControlError) as caught, claim(path):
        pass
    assert caught.value.remedy
    return caught.value


def dead_socket(path: Path) -> None:
    """A socket file that nobody listens to."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(path))


def test_directories_and_socket_are_private(path: Path) -> None:
    old = os.umask(0)
    try:
        with claim(path):
            modes = [place.stat().st_mode & 0o777 for place in (path.parent.parent, path.parent, path)]
    finally:
        os.umask(old)
    assert modes == [0o700, 0o700, 0o600]
    assert not path.exists()


def test_a_dead_socket_is_replaced(path: Path) -> None:
    dead_socket(path)
    with claim(path):
        assert refusal(path).code == "already-running"


def test_a_live_socket_stays_as_it_is(path: Path) -> None:
    with claim(path):
        inode = path.stat().st_ino
        error = refusal(path)
        assert path.stat().st_ino == inode
    assert error.code == "already-running"


def test_a_live_socket_with_a_full_backlog_is_live(path: Path) -> None:
    path.parent.mkdir(parents=True, mode=0o700)
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
        busy.bind(str(path))
        busy.listen(0)
        waiting.connect(str(path))
        assert refusal(path).code == "already-running"


def test_two_daemons_do_not_start_at_once(path: Path) -> None:
    dead_socket(path)
    with server._starting(path):
        assert refusal(path).code == "already-running"


def test_only_our_own_file_is_removed(path: Path) -> None:
    with claim(path):
        path.rename(path.with_name("moved"))
        path.write_text("somebody else's")
    assert path.exists()


def test_what_is_no_socket_is_left_alone(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir(parents=True, mode=0o700)
    path.write_text("precious")
    assert refusal(path).code == "socket-path-taken"
    link = path.with_name("link")
    dead_socket(tmp_path / "dead")
    link.symlink_to(tmp_path / "dead")
    assert refusal(link).code == "socket-path-taken"
    assert path.read_text() == "precious"


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777, 0o1777])
def test_a_directory_that_others_can_write_is_refused(path: Path, mode: int) -> None:
    path.parent.mkdir(parents=True)
    path.parent.chmod(mode)
    assert refusal(path).code == "socket-directory-unsafe"


def test_a_directory_is_not_made_where_others_could_replace_it(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    assert refusal(shared / "voxspark" / "socket").code == "socket-directory-unsafe"
    shared.chmod(0o1777)
    with claim(shared / "voxspark" / "socket"):
        pass


def test_paths_that_cannot_be_made(tmp_path: Path) -> None:
    assert refusal(tmp_path / ("x" * 120)).code == "socket-unusable"
    (tmp_path / "file").touch()
    assert refusal(tmp_path / "file" / "socket").code == "socket-unusable"


# ── who may connect ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_a_user_who_is_not_allowed_is_told_and_closed(path: Path) -> None:
    async with serving(path, access=Access(frozenset({os.geteuid() + 1}))) as running, raw(path) as client:
        message = await client.receive()
        assert message["error"]["code"] == -32000
        assert message["error"]["data"]["code"] == "forbidden"
        assert await client.closed()
        await until(lambda: running.clients == 0)


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory every user can pass, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="voxspark-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


FOREIGNER = """
import os, socket, sys
end = socket.socket(socket.AF_UNIX)
os.setgid(65534)
os.setuid(65534)
end.connect(sys.argv[1])
end.settimeout(10)
print(end.makefile().read())
"""

if os.geteuid() == 0:  # only root can become somebody else
    SENDER = [sys.executable, "-c", FOREIGNER]

    @pytest.mark.anyio
    async def test_another_user_is_told_and_closed(open_directory: Path) -> None:
        path = open_directory / "socket"
        daemon = FakeDaemon()
        async with serving(path, daemon):
            path.chmod(0o666)
            done = await anyio.run_process([*SENDER, str(path)])
        assert json.loads(done.stdout)["error"]["data"]["code"] == "forbidden"
        assert daemon.calls == []

    def test_a_directory_of_another_user_is_refused(path: Path) -> None:
        path.parent.mkdir(parents=True)
        os.chown(path.parent, 65534, 65534)
        assert refusal(path).code == "socket-directory-unsafe"
        path.parent.rmdir()
        os.chown(path.parent.parent, 65534, 65534)
        assert refusal(path).code == "socket-directory-unsafe"


@pytest.mark.anyio
async def test_running_out_of_file_descriptors_is_survived(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Exhausted(socket.socket):
        failures = 0

        def accept(self) -> tuple[socket.socket, object]:
            if Exhausted.failures < 2:
                Exhausted.failures += 1
                raise OSError(errno.EMFILE, "Too many open files")
            return super().accept()

    monkeypatch.setattr(server, "ACCEPT_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(socket, "socket", Exhausted)
    async with serving(path), raw(path) as client:
        assert (await client.ask("ping"))["result"] == "pong"
    assert Exhausted.failures == 2
