"""Programs that play on a virtual sound card, and how loud they are."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.sound_card import SoundCard


def pactl(card: SoundCard, *words: str) -> str:
    """Standard output of one command."""
    return subprocess.run(["pactl", *words], env=card.env, check=True, capture_output=True, text=True).stdout


def streams(card: SoundCard) -> dict[str, int]:
    """Percent by media name."""
    return {
        each["properties"]["media.name"]: int(next(iter(each["volume"].values()))["value_percent"].rstrip("%"))
        for each in json.loads(pactl(card, "--format=json", "list", "sink-inputs"))
    }


@contextmanager
def playing(card: SoundCard, name: str, percent: int | None = 80, device: str = "speaker") -> Iterator[None]:
    """A program plays silence; with None as loud as the server remembers it."""
    volume = [] if percent is None else [f"--volume={65_536 * percent // 100}"]
    options = ["--raw", f"--device={device}", f"--stream-name={name}", f"--client-name={name}", *volume]
    player = subprocess.Popen(["paplay", *options, "/dev/zero"], env=card.env)
    try:
        while name not in streams(card):
            pass
        yield
    finally:
        player.kill()
        player.wait()
        while name in streams(card):
            pass
