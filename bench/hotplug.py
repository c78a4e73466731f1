"""Devices that are pulled out and put back, sound servers that die: is the assistant ever deaf, does anything leak?

    python -m bench.hotplug [--cycles 500] [--only server_restarted] [--output bench/results/hotplug.json]

One process listens and speaks as the daemon does (`ReliableMicrophone`, `ReliableSpeaker`, PortAudio) on a PulseAudio
server of the bench's own. Each microphone hears another tone, so that the pitch tells whose sound arrives. How to read
it: bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.sound_card import SoundCard, sound_card

ROOT = Path(__file__).parents[1]

BACK_SECONDS = 2.0
"""Issue 6: back within this of the device being there."""

GIVE_UP_SECONDS = 20.0

WARM_CYCLES = 12
"""Before memory, descriptors and threads are counted for the first time: every kind of trouble twice."""

TONES = {"first": 437.5, "second": 875.0}
"""Microphones and their pitch in Hz: whole waves in a chunk."""

EVERYTHING = ("spare", "speaker", *TONES)
"""In the order of plugging in: the server takes the spare speaker as the default where there is no better one, and
leaves the tones where they are."""

RATES = (16_000, 44_100, 48_000, 96_000)


@dataclass(frozen=True)
class Holdings:
    """What a process holds."""

    resident_mb: float
    descriptors: int
    threads: int


def holdings(pid: int) -> Holdings:
    """Of a process, by /proc."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    resident = int(lines["VmRSS"].split()[0]) * 1024 / 1e6
    return Holdings(round(resident, 1), len(list(Path(f"/proc/{pid}/fd").iterdir())), int(lines["Threads"]))


class Listener:
    """The process that listens and speaks."""

    def __init__(self, card: SoundCard) -> None:
        self._log = (card.folder / "listener.log").open("ab")
        command = [sys.executable, "-m", "tests.device_process", "watch"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=card.env, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        self._news = threading.Condition()
        self.heard: dict[float, float] = {}
        """Pitch in Hz to when a chunk of it last arrived, on the monotonic clock."""
        self.played_at = 0.0
        """When the last reply that was heard to its end began."""
        self.told: Counter[str] = Counter()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said: dict[str, Any] = json.loads(line)
            with self._news:
                if "pitch" in said:
                    self.heard[said["pitch"]] = said["arrived"]
                elif "began" in said:
                    self.played_at = said["began"]
                elif "event" in said:
                    self.told[said.get("code") or f"{said['device']} {said['state']}"] += 1
                self._news.notify_all()

    def wait(self, condition: Callable[[], bool]) -> bool:
        """Whether it came true in time."""
        with self._news:
            return (
                self._news.wait_for(lambda: self.process.poll() is not None or condition(), GIVE_UP_SECONDS)
                and self.process.poll() is None
            )

    def end(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()


@dataclass
class Room:
    """A sound card whose microphones and speaker can be pulled out."""

    card: SoundCard
    listener: Listener
    chance: random.Random
    modules: dict[str, list[str]] = field(default_factory=dict)
    using: str = "first"

    def plug(self, name: str, rate_hz: int = 48_000) -> None:
        """Plug a microphone or the speaker in."""
        sink = ["module-null-sink", f"sink_name={name}", f"rate={rate_hz}", "norewinds=1"]
        self.modules[name] = [self.card.pactl("load-module", *sink).strip()]
        if name in TONES:
            sine = ["module-sine", f"sink={name}", f"frequency={TONES[name]:.0f}"]
            self.modules[name].insert(0, self.card.pactl("load-module", *sine).strip())
        if name == "speaker":
            self.card.pactl("set-default-sink", name)
        elif name == self.using:
            self.card.pactl("set-default-source", f"{name}.monitor")

    def unplug(self, *names: str) -> None:
        """Pull them out, for a moment."""
        for name in names:
            for module in self.modules.pop(name):
                self.card.pactl("unload-module", module)
        time.sleep(self.chance.uniform(0.02, 0.8))

    def equip(self) -> None:
        """After the server began: everything in its place."""
        for line in self.card.pactl("list", "short", "modules").splitlines():
            number, module = line.split("\t")[:2]
            if module == "module-null-sink":
                self.card.pactl("unload-module", number)
        for name in EVERYTHING:
            self.plug(name)

    # ── what happens ────────────────────────────────────────────────────────────────────────────

    def microphone_replugged(self) -> None:
        """The microphone in use; the server may lend another meanwhile."""
        self.unplug(self.using)
        self.plug(self.using)

    def speaker_replugged(self) -> None:
        """The speaker, often in the middle of a reply."""
        self.unplug("speaker")
        self.plug("speaker")

    def all_replugged(self) -> None:
        """A dock: nothing is left meanwhile."""
        self.unplug(*reversed(EVERYTHING))
        for name in EVERYTHING:
            self.plug(name)

    def default_changed(self) -> None:
        """The user chooses the other microphone on the desktop."""
        self.using = next(name for name in TONES if name != self.using)
        self.card.pactl("set-default-source", f"{self.using}.monitor")

    def rate_changed(self) -> None:
        """Both come back with another sample rate."""
        rate = self.chance.choice(RATES)
        self.unplug("speaker", self.using)
        self.plug(self.using, rate)
        self.plug("speaker", rate)

    def server_restarted(self) -> None:
        """The sound server dies and is started again."""
        self.card.kill()
        time.sleep(self.chance.uniform(0.02, 0.8))
        self.card.start()
        self.equip()

    def server_hung(self) -> None:
        """The sound server does nothing for a while."""
        with self.card.frozen():
            time.sleep(self.chance.uniform(0.5, 1.5))


Kind = Callable[[Room], None]

KINDS: tuple[Kind, ...] = (
    Room.microphone_replugged,
    Room.speaker_replugged,
    Room.all_replugged,
    Room.default_changed,
    Room.rate_changed,
    Room.server_restarted,
    Room.server_hung,
)


@contextmanager
def open_room(seed: int) -> Iterator[Room]:
    """A room in which everything works."""
    with sound_card() as card:
        listener = Listener(card)
        try:
            yield Room(card, listener, random.Random(seed))
        finally:
            listener.end()


def recovery(room: Room) -> tuple[float | None, float | None]:
    """Seconds until the right microphone is heard, and a whole reply is; None for never."""
    listener, there, pitch = room.listener, time.monotonic(), TONES[room.using]
    ears = listener.wait(lambda: listener.heard.get(pitch, 0.0) > there)
    heard = listener.heard.get(pitch, 0.0) - there if ears else None
    mouth = listener.wait(lambda: listener.played_at > there)
    return heard, listener.played_at - there if mouth else None


def run(
    cycles: int, seed: int = 1, tell: Callable[[str], None] = lambda _: None, kinds: Sequence[Kind] = KINDS
) -> dict[str, Any]:
    """All cycles; what came of them."""
    ears: dict[str, list[float]] = {}
    mouth: dict[str, list[float]] = {}
    deaf: list[str] = []
    before: Holdings | None = None
    with open_room(seed) as room:
        room.equip()
        recovery(room)
        begun = time.monotonic()
        for cycle in range(cycles):
            kind = kinds[cycle % len(kinds)] if cycle < WARM_CYCLES else room.chance.choice(kinds)
            if cycle == min(WARM_CYCLES, cycles // 2):
                before = holdings(room.listener.process.pid)
            kind(room)
            heard, spoke = recovery(room)
            name = kind.__name__
            if heard is None or spoke is None:
                deaf.append(f"{cycle} {name}")
                now, streams = time.monotonic(), room.card.pactl("list", "short", "source-outputs")
                pitches = {pitch: round(now - at, 1) for pitch, at in room.listener.heard.items()}
                tell(f"cycle {cycle}: {name}: heard {heard}, spoke {spoke}; pitches {pitches} s ago; {streams}")
                tell(room.card.pactl("list", "short", "sink-inputs") + room.card.pactl("list", "short", "sources"))
                if room.listener.process.poll() is not None:
                    break
                continue
            ears.setdefault(name, []).append(heard)
            mouth.setdefault(name, []).append(spoke)
            if cycle % 25 == 24:
                tell(f"{cycle + 1} of {cycles}: {holdings(room.listener.process.pid)}")
        recovery(room)
        time.sleep(1.0)
        alive = room.listener.process.poll() is None
        after = holdings(room.listener.process.pid) if alive else None
        return {
            "cycles": cycles,
            "seconds": round(time.monotonic() - begun),
            "deaf": deaf,
            "down": not alive,
            "ears_back_seconds": _figures(ears),
            "mouth_back_seconds": _figures(mouth),
            "ears_late": sum(value > BACK_SECONDS for values in ears.values() for value in values),
            "before": before and asdict(before),
            "after": after and asdict(after),
            "told": dict(room.listener.told.most_common()),
            "load": os.getloadavg()[0],
        }


def _figures(by_kind: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    rows = {**by_kind, "all": [value for values in by_kind.values() for value in values]}
    return {
        kind: {
            "n": len(values),
            "p50": round(float(np.percentile(values, 50)), 2),
            "p95": round(float(np.percentile(values, 95)), 2),
            "max": round(max(values), 2),
        }
        for kind, values in rows.items()
        if values
    }


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=500)
    parser.add_argument("--only", choices=sorted(kind.__name__ for kind in KINDS), help="this trouble again and again")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=ROOT / "bench" / "results" / "hotplug.json")
    options = parser.parse_args()
    kinds = [kind for kind in KINDS if options.only in (None, kind.__name__)]
    result = run(options.cycles, options.seed, lambda line: print(line, flush=True), kinds)
    options.output.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    sys.exit(bool(result["deaf"] or result["down"]))


if __name__ == "__main__":
    main()
