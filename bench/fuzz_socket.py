"""What a socket survives: a million messages of which few are right, 200 clients at once, slow readers, half-open ones.

    nice python -m bench.fuzz_socket                                # the server in a process of its own
    nice python -m bench.fuzz_socket --daemon --messages 50000      # a whole daemon, with the embedded profile

Ends with 1 when a well-formed request was not answered, or wrongly, or memory or descriptors grew. The same seed sends
the same messages.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from tests.daemon_process import private_env, running_daemon
from tests.fuzzing import Count, Size, fuzz, read_slowly, stay_half_open

CLIENTS, SLOW, HALF_OPEN = 160, 20, 20
SAMPLE_SECONDS = 1.0
MOST_GROWTH = 1.25
"""Of resident memory, from a tenth of the messages to the end: the buffers of 200 clients come and go."""


@contextmanager
def server(folder: Path) -> Iterator[tuple[Path, int]]:
    """The server with a daemon that is none: (socket, process)."""
    path = folder / "run" / "socket"
    process = subprocess.Popen([sys.executable, "-m", "tests.fuzzing", str(path)])
    try:
        while not path.exists():
            time.sleep(0.05)
        yield path, process.pid
    finally:
        process.terminate()
        process.wait()


@contextmanager
def daemon(folder: Path) -> Iterator[tuple[Path, int]]:
    """A whole one: (socket, process)."""
    many = {f"VOXSPARK_CONTROL__{name}": "1e9" for name in ("REQUESTS_PER_SECOND", "USER_REQUESTS_PER_SECOND")}
    many["VOXSPARK_CONTROL__MAX_CLIENTS"] = "512"
    with running_daemon({**private_env(folder), **many}, "--microphone", "null", "--speaker", "null") as running:
        yield folder / "run" / "voxspark" / "voxspark.sock", running.pid


async def run(path: Path, pid: int, messages: int, seed: int) -> dict[str, Any]:
    """The whole of it."""
    count, sizes, began = Count(), [Size.of(pid)], time.monotonic()
    async with anyio.create_task_group() as others:
        for number in range(SLOW):
            others.start_soon(read_slowly, path, seed + 10_000 + number)
        for number in range(HALF_OPEN):
            others.start_soon(stay_half_open, path, seed + 20_000 + number)
        others.start_soon(_watch, pid, sizes, count, messages)
        async with anyio.create_task_group() as group:
            for number in range(CLIENTS):
                group.start_soon(fuzz, path, seed + number, messages // CLIENTS, count)
        others.cancel_scope.cancel()
    seconds = time.monotonic() - began
    after = await _settled(pid, sizes[0])
    early = sizes[max(1, len(sizes) // 10)]
    return {
        "seed": seed,
        "messages": count.messages,
        "seconds": round(seconds, 1),
        "messages_per_second": round(count.messages / seconds),
        "clients_at_once": CLIENTS + SLOW + HALF_OPEN,
        "connections": count.connections,
        "dropped_connections": count.dropped,
        "well_formed": count.probes,
        "well_formed_answered": count.answered,
        "of_them_busy": count.busy,
        "wrong_answers": count.wrong[:20],
        "begin": asdict(sizes[0]),
        "early": asdict(early),
        "peak_resident_bytes": max(each.resident_bytes for each in sizes),
        "after": asdict(after),
    }


async def _settled(pid: int, before: Size) -> Size:
    """When everybody has gone, and what was being written to those who did not read is given up."""
    with anyio.move_on_after(12.0):
        while Size.of(pid).descriptors > before.descriptors:
            await anyio.sleep(0.1)
    return Size.of(pid)


async def _watch(pid: int, sizes: list[Size], count: Count, messages: int) -> None:
    while True:
        await anyio.sleep(SAMPLE_SECONDS)
        sizes.append(size := Size.of(pid))
        if len(sizes) % 10 == 0:
            print(
                f"{count.messages:>9,} of {messages:,} messages, {count.answered:,} of {count.probes:,} answered, "
                f"{size.resident_bytes / 1e6:.0f} MB, {size.descriptors} descriptors",
                flush=True,
            )


def faults(result: dict[str, Any]) -> list[str]:
    """What is wrong; empty when nothing is."""
    grew = result["after"]["resident_bytes"] / result["early"]["resident_bytes"]
    found = {
        "requests unanswered": result["well_formed_answered"] != result["well_formed"],
        "wrong answers": bool(result["wrong_answers"]),
        f"memory grew by {grew:.2f}": grew > MOST_GROWTH,
        "descriptors left": result["after"]["descriptors"] > result["begin"]["descriptors"] + 4,
    }
    return [name for name, is_so in found.items() if is_so]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--daemon", action="store_true")
    parser.add_argument("--output", type=Path, default=Path("bench/results/fuzz_socket.json"))
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder, (daemon if chosen.daemon else server)(Path(folder)) as (path, pid):
        result = anyio.run(partial(run, path, pid, chosen.messages, chosen.seed))
    kept = json.loads(chosen.output.read_text()) if chosen.output.exists() else {}
    kept["daemon" if chosen.daemon else "server"] = result
    chosen.output.write_text(json.dumps(kept, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    if found := faults(result):
        sys.exit(f"not as it should be: {', '.join(found)}")


if __name__ == "__main__":
    main()
