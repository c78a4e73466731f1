"""An X server without a screen (Xvfb), for tests: 1600 × 900, in one colour."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def x_server(color: str) -> Iterator[str]:
    """The display of a running server of one's own."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1600x900x24", "-noreset", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as numbers:
            display = f":{numbers.readline().strip()}"
        subprocess.run(["xsetroot", "-solid", color], env={**os.environ, "DISPLAY": display}, check=True, timeout=10)
        yield display
    finally:
        server.terminate()
        server.wait()


@contextmanager
def window(display: str, picture: Path, place: str) -> Iterator[None]:
    """A window without a frame that shows a picture; `place` is an X geometry, such as 800x450+400+225."""
    options = ["--no-config", "--no-terminal", "--vo=x11", "--image-display-duration=inf", "--no-border", "--no-osc"]
    program = subprocess.Popen(
        ["mpv", *options, "--osd-level=0", f"--geometry={place}", str(picture)], env={**os.environ, "DISPLAY": display}
    )
    try:
        yield
    finally:
        program.terminate()
        program.wait()
