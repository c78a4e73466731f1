"""Another microphone in place of one that gives nothing, on a jumping clock."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

import anyio
import numpy as np
import pytest

from tests.test_devices_retry import GONE, Source
from tests.virtual_time import virtual_time
from voxspark.devices.next_microphone import real_microphones
from voxspark.devices.retry import OpenMicrophone, ReliableMicrophone
from voxspark.events import DeviceChanged, Event, Failed

Open = Callable[[], Awaitable[OpenMicrophone]]


@dataclass
class Desk:
    """Microphones by name, and what each gives: a sample value, nothing (None), or it cannot be opened (-1)."""

    gives: dict[str, int | None]
    muted: bool = False
    opened: list[tuple[float, str]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    now: Source = field(default_factory=lambda: Source(0))

    async def open(self, name: str) -> OpenMicrophone:
        self.opened.append((round(anyio.current_time()), name))
        value = self.gives[name]
        if value == -1:
            raise GONE
        source = Source(0 if value is None else math.inf, value=value or 0)
        source.description = name
        self.now = source
        return source

    async def others(self) -> Sequence[Open]:
        return [] if self.muted else [partial(self.open, name) for name in list(self.gives)[1:]]

    async def listen(self, until: float, change: Callable[[float], None] = lambda _: None) -> ReliableMicrophone:
        first = next(iter(self.gives))
        microphone = ReliableMicrophone(lambda: self.open(first), self.events.append, anyio.current_time, self.others)
        with anyio.move_on_at(anyio.current_time() + until):
            async with aclosing(microphone.chunks()) as chunks:
                async for chunk in chunks:
                    change(chunk.at)
        return microphone

    @property
    def told(self) -> list[str]:
        return [e.detail if e.state == "open" else e.state for e in self.events if isinstance(e, DeviceChanged)]

    @property
    def codes(self) -> list[str]:
        return [e.code for e in self.events if isinstance(e, Failed)]


@virtual_time
async def test_zeros_alone_in_spite_of_reopening_lead_to_the_next_microphone_that_gives_sound() -> None:
    desk = Desk({"default": 0, "dead": 0, "busy": -1, "good": 9})
    microphone = await desk.listen(55)
    assert desk.opened == [(0, "default"), (5, "default"), (15, "dead"), (20, "busy"), (20, "good")]
    assert desk.told == ["default", "dead", "good"]
    assert desk.codes == ["microphone-silent"]
    report = microphone.report()
    assert (report["device"], report["in_place"], report["silent"]) == ("good", True, False)


@virtual_time
async def test_the_first_choice_is_tried_again_more_and_more_seldom_and_taken_when_it_sounds() -> None:
    desk = Desk({"default": 0, "good": 9})

    def change(at: float) -> None:
        desk.gives["default"] = 0 if at < 300 else 7

    await desk.listen(440, change)
    tried = [at for at, name in desk.opened if name == "default"]
    assert tried == pytest.approx([0, 5, 75, 195, 435], abs=5)
    assert desk.told == ["default", "good", "default"], "tries that find nothing are not told"


@virtual_time
async def test_a_microphone_that_gives_no_samples_at_all_is_replaced_too() -> None:
    desk = Desk({"default": None, "good": 9})
    microphone = await desk.listen(30)
    assert desk.told[-1] == "good"
    assert microphone.starved_seconds == 0


@virtual_time
async def test_who_mutes_a_microphone_is_not_heard_by_another() -> None:
    switch = Desk({"default": 9, "good": 9})

    def press(at: float) -> None:
        source.value = 9 if at < 10 else 0

    source = Source(math.inf, value=9)

    async def open_first() -> OpenMicrophone:
        source.closed = False
        return source

    microphone = ReliableMicrophone(open_first, switch.events.append, anyio.current_time, switch.others)
    with anyio.move_on_at(anyio.current_time() + 200):
        async with aclosing(microphone.chunks()) as chunks:
            async for chunk in chunks:
                press(chunk.at)
    assert switch.opened == []
    desktop = Desk({"default": 0, "good": 9}, muted=True)
    await desktop.listen(100)
    assert {name for _, name in desktop.opened} == {"default"}


@virtual_time
async def test_where_none_gives_sound_nothing_goes_round_fast() -> None:
    desk = Desk({"default": 0, "a": 0, "b": 0})
    await desk.listen(600)
    assert len(desk.opened) < 30
    assert desk.codes == ["microphone-silent"]


@virtual_time
async def test_nobody_is_interrupted_by_a_try_of_the_first_choice() -> None:
    desk = Desk({"default": 0, "good": 100})

    def speak(at: float) -> None:
        if 70 < at < 80:
            desk.now.value = 5000
        elif desk.now.description == "good":
            desk.now.value = 100

    await desk.listen(100, speak)
    assert [at for at, name in desk.opened if name == "default"] == pytest.approx([0, 5, 80.5], abs=1)


def test_what_is_played_and_other_names_of_the_same_are_no_microphones() -> None:
    names = ["pulse", "default", "sysdefault", "samplerate", "Monitor of HDMI", "Loopback: PCM (hw:1,0)", "Jack mic"]
    assert real_microphones([*names, "USB Audio: - (hw:2,0)"]) == ["Jack mic", "USB Audio: - (hw:2,0)"]
    assert np.all([not real_microphones([name]) for name in names[:-1]])
