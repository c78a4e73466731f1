"""Runs a program with bubblewrap (`bwrap`): it sees the machine, changes nothing, reaches nobody, and leaves nothing
running."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio

from voxspark.errors import ToolError

PROBE_SECONDS = 5.0
MOST_OUTPUT_BYTES = 16_000
"""Kept; what comes after is read and thrown away."""

REST_SECONDS = 0.2
"""For the last of the output: a process that was left behind may hold it open."""

KEPT = ("PATH", "HOME", "LANG")
"""All that a program learns of the daemon's environment."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What a program may do: read, and no more than is said here. `which` finds `bwrap`."""

    network: bool = False
    writable: Sequence[Path] = ()
    which: Callable[[str], str | None] = shutil.which

    def wrapped(self, argv: Sequence[str], environment: Mapping[str, str]) -> list[str]:
        """The command line that runs `argv` inside.

        Sockets of the desktop, of D-Bus and of other daemons live in /run and /tmp: through them a program would get
        out, so it sees neither.
        """
        home = environment.get("HOME", "/")
        flags = ["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
        flags += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/run"]
        if self.network:
            flags += ["--share-net", "--ro-bind-try", "/run/systemd/resolve", "/run/systemd/resolve"]
        for folder in self.writable:
            flags += ["--bind", str(folder), str(folder)]
        flags += ["--chdir", home if Path(home).is_dir() else "/", "--clearenv"]
        for name, value in environment.items():
            flags += ["--setenv", name, value]
        return [self.which("bwrap") or "bwrap", *flags, "--", *argv]

    async def probe(self, environment: Mapping[str, str]) -> None:
        """Raises ToolError when this machine cannot make one."""
        if self.which("bwrap") is None:
            raise _no_sandbox("Install the package bubblewrap.")
        for folder in self.writable:
            if not folder.is_dir():
                raise ToolError("command-folder", "A folder of that command is missing.", f"Make {folder}.")
        command = self.wrapped([self.which("true") or "/bin/true"], environment)
        try:
            with anyio.fail_after(PROBE_SECONDS):
                done = await anyio.run_process(command, check=False, stdin=subprocess.DEVNULL)
        except (TimeoutError, OSError) as error:
            raise _no_sandbox("Does bwrap work?") from error
        if done.returncode:
            why = done.stderr.decode("utf-8", "replace").strip()[:200]
            raise _no_sandbox(f"Let bwrap make user namespaces (AppArmor: bwrap-userns-restrict). It says: {why}")


def environment_of(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that a program gets."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin"} | {name: environ[name] for name in KEPT if name in environ}


async def run_program(argv: Sequence[str], environment: Mapping[str, str], seconds: float) -> tuple[int, bytes]:
    """(exit status, the first of what it wrote). Raises TimeoutError and OSError.

    At the deadline, and when the caller is cancelled, its whole process group is killed.
    """
    output = bytearray()
    read, write = os.pipe()
    try:
        try:
            process = await anyio.open_process(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=write,
                stderr=write,
                cwd=environment.get("HOME"),
                env=environment,
                start_new_session=True,
            )
        finally:
            os.close(write)
        async with process:
            try:
                with anyio.fail_after(seconds):
                    async with anyio.create_task_group() as group:
                        group.start_soon(_read, read, output)
                        status = await process.wait()
                        group.cancel_scope.deadline = anyio.current_time() + REST_SECONDS
            except BaseException:
                if process.returncode is None:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                raise
        return status, bytes(output)
    finally:
        os.close(read)


async def _read(pipe: int, output: bytearray) -> None:
    while True:
        await anyio.wait_readable(pipe)
        if not (piece := os.read(pipe, 65_536)):
            return
        output += piece[: MOST_OUTPUT_BYTES - len(output)]


def _no_sandbox(remedy: str) -> ToolError:
    return ToolError("command-no-sandbox", "I can't run commands safely on this machine, so I did not.", remedy)
