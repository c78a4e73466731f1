"""Commands in a real sandbox (bubblewrap): what they can see, change, reach, and leave behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from voxspark.config_tools import CommandSettings
from voxspark.errors import ToolError
from voxspark.tools.commands import variants

pytestmark = [pytest.mark.anyio, pytest.mark.real]


@pytest.fixture
def home() -> Iterator[Path]:
    """A home that is not below /tmp, which a sandbox does not see."""
    folder = Path("/var/tmp") / f"voxspark-{os.getpid()}"
    folder.mkdir()
    yield folder
    subprocess.run(["rm", "-rf", str(folder)], check=True)


async def run(script: str, home: Path, *arguments: str, **settings: Any) -> str:
    """What a shell script says in its sandbox."""
    table = {"run": ["/bin/sh", "-c", script, "sh", *arguments], "description": "Test.", **settings}
    command = variants({"test": CommandSettings.model_validate(table)})["test"]
    environ = {**os.environ, "HOME": str(home), "LANG": "C.UTF-8", "SECRET": "4711", "LD_LIBRARY_PATH": "/x"}
    said = await command.run("test", environ)
    return said.removeprefix("The test is done.").removeprefix(" It says: ").removesuffix(".")


async def test_it_changes_nothing_outside(home: Path) -> None:
    paths = [home, "/etc", "/usr/bin", "/var/tmp", "/proc/sys/kernel", "/sys/kernel", "/root"]
    script = 'for path in "$@"; do (echo x > "$path/voxspark-proof") 2>/dev/null && echo "wrote to $path"; done; true'
    assert await run(script, home, *map(str, paths)) == ""
    assert await run('touch /tmp/mine && ls /tmp && rm -f "$HOME/kept" 2>&1', home) == "mine"
    assert not Path("/tmp/mine").exists()


async def test_it_reads_its_home_and_writes_where_it_may(home: Path) -> None:
    (home / "list.txt").write_text("milk")
    (home / "backups").mkdir()
    script = 'cat list.txt && cp list.txt backups/ && (cp list.txt other.txt 2>/dev/null || echo " only there")'
    assert await run(script, home, writable=[str(home / "backups")]) == "milk only there"
    assert [path.name for path in sorted(home.rglob("*.txt"))] == ["list.txt", "list.txt"]
    with pytest.raises(ToolError) as caught:
        await run("true", home, writable=[str(home / "missing")])
    assert caught.value.code == "command-folder"


@pytest.mark.parametrize("network", [False, True])
async def test_the_network_is_there_when_it_is_allowed(network: bool, home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2); print('connected')"
        python = str(Path(sys.executable).resolve())  # a virtual environment may be in /tmp
        run_it = run(f'"$1" -c "{code}" 2>&1 | tail -n 1', home, python, network=network)
        assert ("connected" in await run_it) == network


async def test_no_socket_of_the_desktop_or_another_daemon_is_seen(home: Path) -> None:
    assert await run("ls -A /run /tmp", home) == "/run: /tmp:"


async def test_its_environment_is_clean_and_it_has_no_rights(home: Path) -> None:
    said = await run("env | sort | cut -d= -f1 | tr '\\n' ' '; grep -E 'NoNewPrivs|CapEff' /proc/self/status", home)
    assert said == "HOME LANG PATH PWD CapEff: 0000000000000000 NoNewPrivs: 1"


async def gone(command: str) -> None:
    """No such process runs any more, soon."""
    wanted = command.replace(" ", "\0").encode() + b"\0"
    with anyio.fail_after(5):
        while any(_command_line(folder) == wanted for folder in Path("/proc").glob("[0-9]*")):
            await anyio.sleep(0.02)


def _command_line(folder: Path) -> bytes:
    try:
        return (folder / "cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("waits", ["sleep 98765", "setsid sleep 98765 &\nsleep 98765"])
async def test_at_its_deadline_nothing_of_it_goes_on(waits: str, home: Path) -> None:
    with pytest.raises(ToolError) as caught:
        await run(waits, home, timeout_seconds=1)
    assert caught.value.code == "command-slow"
    await gone("sleep 98765")


async def test_neither_does_what_it_left_behind(home: Path) -> None:
    assert await run("setsid sleep 98764 & echo started", home) == "started"
    await gone("sleep 98764")


async def test_it_dies_with_a_call_that_is_cut(home: Path) -> None:
    with anyio.move_on_after(0.5) as cut:
        await run("sleep 98763", home)
    assert cut.cancelled_caught
    await gone("sleep 98763")
