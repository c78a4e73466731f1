"""The daemon for a long time: does it grow, does it leak, does it slow down?

    python -m bench.soak [--turns 2000] [--speed 20] [--hours 1] [--output bench/results/NAME.json]

One daemon (`bench/soak_daemon.py`: the real one, embedded engines in its own process) answers `--turns` turns at
`--speed` times life, and then goes on at the speed of life for `--hours`. What is asked, and how to read the figures:
bench/README.md. Ends with 1 when a bound is broken.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import anyio
import anyio.abc

from bench.latency import busy_loop_spread, percentile
from voxspark.control.client import Client, connect
from voxspark.errors import ControlError

CHECKOUT = Path(__file__).parent.parent
READY_SECONDS = 90.0
STEP_SECONDS = 120.0
"""A step that takes longer has hung; the run ends."""

REAL_PAUSE_SECONDS = 6.0
"""Quiet between two steps at the speed of life."""

LONG = "The river runs past the mill, under the bridge and on to the sea. " * 6
STRANGE = "Wie heißt «Zoë» auf 日本語? 🦊 \u202eabc\u202c e\u0301\u0301\u0301 \x07 ¿Qué?"

MEMORY_GROWTH = 0.02
SLOWER = 0.10


@dataclass
class Sample:
    """What the daemon holds, with its workers."""

    turns: int
    seconds: float
    """Since the first question, on the machine's clock."""
    resident_bytes: int
    descriptors: int
    threads: int


@dataclass
class Phase:
    """A part of the run at one speed."""

    speed: float
    seconds: float = 0.0
    turns: int = 0
    outcomes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    sources: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    latencies: list[float] = field(default_factory=list)
    """Seconds of the daemon's clock from the end of a question to the first audible sample, of answered turns."""
    samples: list[Sample] = field(default_factory=list)


def holdings(pid: int) -> tuple[int, int, int]:
    """Resident bytes, descriptors and threads of a process and all below it."""
    total = [0, 0, 0]
    waiting = [pid]
    while waiting:
        process = Path("/proc") / str(waiting.pop())
        with suppress(OSError):  # it may just have ended
            total[0] += int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            total[1] += len(list((process / "fd").iterdir()))
            for task in (process / "task").iterdir():
                total[2] += 1
                waiting += map(int, (task / "children").read_text().split())
    return total[0], total[1], total[2]


class Soak:
    """One daemon, and those who talk to it."""

    def __init__(self, home: Path, child: subprocess.Popen[bytes]) -> None:
        self._socket = home / "run" / "voxspark" / "voxspark.sock"
        self._child = child
        self.phase = Phase(1.0)
        self._begun = time.monotonic()
        self._news = anyio.Event()
        self.spoke = 0
        """Turns that began to be heard, so far."""
        self.ended = 0
        """Turns that ended, those thrown away unheard left out."""
        self._sources: dict[int, str] = {}

    # ── what happens ────────────────────────────────────────────────────────────────────────────

    async def watch(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        """Read the daemon's events."""
        async with connect(self._socket) as client:
            task_status.started()
            async for event in client.events():
                self._note(event)
                self._news.set()
                self._news = anyio.Event()

    def _note(self, event: dict[str, Any]) -> None:
        phase = self.phase
        match event:
            case {"event": "turn_started", "turn": turn, "source": source}:
                self._sources[turn] = source
            case {"event": "speaking_started"}:
                self.spoke += 1
            case {"event": "turn_ended", "turn": turn, "outcome": outcome, "timings": timings}:
                source = self._sources.pop(turn, "")
                phase.outcomes[outcome] += 1
                if outcome in ("withdrawn", "empty"):
                    return
                self.ended += 1
                phase.turns += 1
                phase.sources[source] += 1
                if outcome == "answered" and "first_audible" in timings:
                    phase.latencies.append(timings["first_audible"])

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what events tell."""
        while not condition():
            await self._news.wait()

    def hold(self) -> None:
        """Write down what the daemon holds now."""
        self.phase.seconds = time.monotonic() - self._begun
        self.phase.samples.append(Sample(self.phase.turns, round(self.phase.seconds, 1), *holdings(self._child.pid)))

    def begin(self, speed: float) -> None:
        """Another phase."""
        self.phase, self._begun = Phase(speed), time.monotonic()
        self._tell(f"speed {speed}")

    # ── what is done ────────────────────────────────────────────────────────────────────────────

    def _tell(self, line: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(f"{line}\n".encode())
        self._child.stdin.flush()

    def _client(self) -> AbstractAsyncContextManager[Client]:
        """Everybody comes over a connection of their own."""
        return connect(self._socket)

    async def ask(self, text: str, *, aloud: bool = True) -> None:
        """A typed question, to its end."""
        async with self._client() as client:
            async for _ in client.ask(text, aloud=aloud):
                pass

    async def say(self, text: str) -> None:
        """A text to be read out, to its end."""
        async with self._client() as client:
            await client.call("say", text=text)

    async def order(self, method: str) -> None:
        """A method without parameters."""
        async with self._client() as client:
            await client.call(method)

    async def speak(self, number: int) -> None:
        """A spoken question, until it has been answered."""
        ended = self.ended
        self._tell(f"question{number}.wav")
        await self.until(lambda: self.ended > ended)

    async def barge_in(self, number: int) -> None:
        """A question in the middle of a long reply."""
        spoke, ended = self.spoke, self.ended
        async with anyio.create_task_group() as group:
            group.start_soon(self.say, LONG)
            await self.until(lambda: self.spoke > spoke)
            self._tell(f"question{number}.wav")
            await self.until(lambda: self.ended >= ended + 2)

    async def silence(self) -> None:
        """`stop` in the middle of a long reply."""
        spoke = self.spoke
        async with anyio.create_task_group() as group:
            group.start_soon(self.say, LONG)
            await self.until(lambda: self.spoke > spoke)
            await self.order("stop")

    async def leave(self, text: str) -> None:
        """A client that asks and is gone; the turn goes on by itself."""
        ended = self.ended
        with anyio.move_on_after(0.02):
            await self.ask(text)
        await self.order("status")
        with anyio.move_on_after(10):  # it may have gone before its question was read
            await self.until(lambda: self.ended > ended)

    async def refuse(self) -> None:
        """Requests that fail, and one that is read out as it is."""
        async with self._client() as client:
            for method, params in (
                ("transcribe", {"audio": "bm8gc291bmQ="}),
                ("ask", {"text": "What is this?", "role": "nobody"}),
                ("nonsense", {}),
                ("say", {"text": ""}),
            ):
                with suppress(ControlError):
                    await client.call(method, **params)

    def steps(self) -> list[Callable[[], Awaitable[None]]]:
        """One round of what people do."""
        return [
            partial(self.ask, "What time is it?"),
            partial(self.speak, 4),
            partial(self.ask, "Set a tea timer for three seconds."),
            partial(self.ask, "What is the capital of France?"),
            partial(self.ask, "Add milk to the shopping list."),
            partial(self.barge_in, 4),
            partial(self.ask, "What is on my shopping list?", aloud=False),
            partial(self.speak, 2),
            partial(self.ask, STRANGE),
            self.silence,
            partial(self.ask, "What is 17 divided by 0?"),
            partial(self.speak, 1),
            partial(self.ask, "Remove milk from the shopping list."),
            partial(self.leave, "How many legs has a spider?"),
            self.refuse,
            partial(self.say, LONG),
            partial(self.ask, "Cancel all timers."),
            partial(self.ask, "Why is the sky blue?", aloud=False),
        ]


async def run(soak: Soak, *, turns: int, seconds: float, pause_seconds: float, show: Callable[[str], None]) -> None:
    """Rounds until so many turns or seconds are over, whichever is later."""
    until = time.monotonic() + seconds
    while soak.phase.turns < turns or time.monotonic() < until:
        for step in soak.steps():
            try:
                with anyio.fail_after(STEP_SECONDS):
                    await step()
            except TimeoutError:
                raise SystemExit(f"A step hung: {step}") from None
            await anyio.sleep(pause_seconds)
        soak.hold()
        last = soak.phase.samples[-1]
        show(
            f"{last.turns:>6} turns {last.seconds:>7.0f} s  {last.resident_bytes / 1e6:7.1f} MB  "
            f"{last.descriptors} descriptors  {last.threads} threads"
        )


@dataclass(frozen=True)
class Verdict:
    """A bound, and what was seen."""

    what: str
    seen: float
    bound: float

    @property
    def broken(self) -> bool:
        return self.seen > self.bound


def judge(phase: Phase, warm_up: int, *, growth: float, slower: float) -> list[Verdict]:
    """What the bounds of the soak say to a phase; the turns of the warm-up do not count."""
    samples = [each for each in phase.samples if each.turns >= warm_up]
    share = max(1, len(samples) // 5)
    first, last = samples[:share], samples[-share:]
    resident = [median(each.resident_bytes for each in part) for part in (first, last)]
    skipped = round(warm_up * len(phase.latencies) / max(1, phase.turns))
    latencies = phase.latencies[skipped:]
    early, late = (percentile(part, 0.95) or 0.0 for part in (latencies[:100], latencies[-100:]))
    return [
        Verdict("growth of resident memory", round(resident[1] / resident[0] - 1, 4), growth),
        Verdict("more descriptors", min(s.descriptors for s in last) - min(s.descriptors for s in first), 0),
        Verdict("more threads", min(s.threads for s in last) - min(s.threads for s in first), 0),
        Verdict("p95 of the last hundred turns over the first", round(late / early - 1, 3) if early else 0.0, slower),
    ]


@asynccontextmanager
async def soaking(home: Path, speed: float) -> AsyncIterator[Soak]:
    """A daemon at that speed in a home of its own; it is shut down afterwards."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "VOXSPARK_"))}
    (home / "run").mkdir(mode=0o700, exist_ok=True)
    env = {**kept, "HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "bench.soak_daemon", str(speed)]
    with (home / "log").open("wb") as errors:
        child = subprocess.Popen(  # noqa: ASYNC220 - what is slow here is the daemon
            command, stdin=subprocess.PIPE, stderr=errors, env=env, cwd=CHECKOUT
        )
    soak = Soak(home, child)
    try:
        await ready(soak, child, home)
        async with anyio.create_task_group() as group:
            await group.start(soak.watch)
            soak.begin(speed)
            yield soak
            group.cancel_scope.cancel()
        await soak.order("shutdown")
        child.wait(30)
    finally:
        child.kill()
        child.wait()
        assert child.stdin is not None
        child.stdin.close()


async def ready(soak: Soak, child: subprocess.Popen[bytes], home: Path) -> None:
    """Wait for its socket."""
    until = time.monotonic() + READY_SECONDS
    while True:
        with suppress(ControlError):
            await soak.refuse()
            return
        if child.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"The daemon does not come up:\n{(home / 'log').read_text()}")
        await anyio.sleep(0.3)


async def whole(options: argparse.Namespace, home: Path) -> list[Phase]:
    """The two phases."""
    phases = []
    show = partial(print, flush=True)
    async with soaking(home, options.speed) as soak:
        if options.turns:
            await run(soak, turns=options.turns, seconds=0, pause_seconds=0, show=show)
            phases.append(soak.phase)
        if options.hours:
            soak.begin(1.0)
            await run(soak, turns=0, seconds=options.hours * 3600, pause_seconds=REAL_PAUSE_SECONDS, show=show)
            phases.append(soak.phase)
    return phases


def main() -> None:
    """Run, print the verdicts, write the series."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=2000, help="at the high speed")
    parser.add_argument("--speed", type=float, default=20.0, help="times life")
    parser.add_argument("--hours", type=float, default=1.0, help="afterwards, at the speed of life")
    parser.add_argument("--warm-up", type=int, default=200, help="turns before the first measure of each phase")
    parser.add_argument("--output", type=Path, help="write figures and series here (JSON)")
    options = parser.parse_args()
    noise = busy_loop_spread()
    with tempfile.TemporaryDirectory() as home:
        phases = anyio.run(whole, options, Path(home))
    verdicts = {}
    for phase in phases:
        warm_up = min(options.warm_up, phase.turns // 4)
        verdicts[f"at {phase.speed:g} times life"] = judged = judge(phase, warm_up, growth=MEMORY_GROWTH, slower=SLOWER)
        rate = phase.turns / phase.seconds
        print(f"\n{phase.turns} turns in {phase.seconds:.0f} s ({rate:.2f} a second), {dict(phase.sources)}")
        print(f"outcomes: {dict(phase.outcomes)}")
        for verdict in judged:
            print(f"{verdict.what:<48}{verdict.seen:>9.4g}  {'OVER' if verdict.broken else 'ok'} ({verdict.bound:g})")
    print(f"noise of equal work: x{noise:.2f} before, x{busy_loop_spread():.2f} after")
    if options.output:
        found = {name: [asdict(each) for each in judged] for name, judged in verdicts.items()}
        options.output.write_text(
            json.dumps({"verdicts": found, "phases": [vars(phase) for phase in phases]}, default=asdict) + "\n"
        )
    if any(each.broken for judged in verdicts.values() for each in judged):
        sys.exit(1)


if __name__ == "__main__":
    main()
