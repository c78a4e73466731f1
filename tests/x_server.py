"""An X server without a screen (Xvfb), for tests: 1600 × 900, in one colour."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


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
