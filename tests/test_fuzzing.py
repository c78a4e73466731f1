"""The short form of `bench/fuzz_socket.py`: 20,000 messages at a server in a process of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import anyio
import pytest

from bench.fuzz_socket import faults, run, server

MOST_BYTES = 160 << 20
"""The server takes 70 MB, and up to 97 in a run of a million: so short a run is over before that is steady, and its
growth says nothing."""

pytestmark = pytest.mark.real


def test_a_server_survives_what_it_is_sent(tmp_path: Path) -> None:
    with server(tmp_path) as (path, pid):
        result = anyio.run(partial(run, path, pid, 20_000, 1))
    assert result["messages"] >= 20_000
    assert result["clients_at_once"] == 200
    assert [fault for fault in faults(result) if "memory" not in fault] == []
    assert result["peak_resident_bytes"] < MOST_BYTES
