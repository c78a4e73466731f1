"""The watchdog on the jumping clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.virtual_time import virtual_time
from voxspark.vram.probes import Gpu, GpuMemory, ProcFiles, Unknown
from voxspark.vram.state import GIB, Pressure
from voxspark.vram.watchdog import Marks, Probe, Reading, gpu_probe, host_probe, judge, recovered, watch

SPARK = Marks.above(16 * GIB)


def gib(available: float, pressure: float | None = 0.0) -> Reading:
    return Reading(int(available * GIB), pressure)


def scripted(at: Callable[[float], Reading]) -> Probe:
    """Readings by the time on the clock."""

    async def probe() -> Reading:
        return at(anyio.current_time())

    return probe


def test_the_marks_of_a_spark() -> None:
    assert Marks(16 * GIB, 18 * GIB, 6 * GIB, 20.0) == SPARK


@pytest.mark.parametrize(
    ("reading", "before", "after"),
    [
        (gib(30), "ok", "ok"),
        (gib(16), "ok", "ok"),
        (gib(15.9), "ok", "soft"),
        (gib(17), "soft", "soft"),
        (gib(17), "ok", "ok"),
        (gib(18), "soft", "soft"),
        (gib(18.1), "soft", "ok"),
        (gib(6), "ok", "soft"),
        (gib(5.9), "ok", "hard"),
        (gib(6.1), "hard", "soft"),
        (gib(17), "hard", "soft"),
        (gib(30), "hard", "ok"),
        (gib(30, 20.0), "ok", "ok"),
        (gib(30, 20.1), "ok", "hard"),
        (gib(30, None), "soft", "ok"),
        (Reading(None, 30.0), "ok", "hard"),
        (Reading(None, 0.0), "hard", "ok"),
        (Reading(None, None), "soft", "soft"),
    ],
)
def test_judge(reading: Reading, before: Pressure, after: Pressure) -> None:
    assert judge(reading, SPARK, before) == after


@given(st.lists(st.floats(16.0, 18.0), min_size=1), st.sampled_from(["ok", "soft"]))
def test_between_the_marks_nothing_changes(available: list[float], state: Pressure) -> None:
    for gibibytes in available:
        assert judge(gib(gibibytes), SPARK, state) == state


async def watched(
    at: Callable[[float], Reading], seconds: float, work_seconds: float = 0
) -> list[tuple[float, Pressure]]:
    told: list[tuple[float, Pressure]] = []

    async def on_change(state: Pressure, _reading: Reading) -> None:
        told.append((round(anyio.current_time(), 3), state))
        await anyio.sleep(work_seconds)

    with anyio.move_on_after(seconds):
        await watch(scripted(at), on_change, SPARK)
    return told


def steps(*changes: tuple[float, Reading]) -> Callable[[float], Reading]:
    """From each time on, that reading."""
    return lambda now: [reading for start, reading in changes if start <= now + 1e-6][-1]


@virtual_time
async def test_only_changes_are_told() -> None:
    script = steps((0, gib(60)), (5, gib(15)), (8, gib(17)), (20, gib(40)))
    assert await watched(script, 60) == [(5, "soft"), (20, "ok")]


@virtual_time
async def test_hard_is_told_again_while_it_lasts_but_not_at_once() -> None:
    script = steps((0, gib(60)), (5, gib(3)), (30.5, gib(15)))
    assert await watched(script, 60) == [(5, "hard"), (15, "hard"), (25, "hard"), (31, "soft")]


@virtual_time
async def test_the_pause_between_unloads_counts_from_the_end_of_the_last() -> None:
    assert await watched(steps((0, gib(3))), 60, work_seconds=20) == [(0, "hard"), (30, "hard")]


@virtual_time
async def test_pressure_that_flaps_unloads_once_and_keeps_the_door_shut() -> None:
    script = steps((0, gib(60, 25)), (2, gib(60, 15)), (4, gib(60, 25)), (6, gib(60, 15)))
    assert await watched(script, 30) == [(0, "hard"), (2, "ok"), (4, "soft"), (6, "ok")]


@virtual_time
async def test_pressure_that_comes_back_and_stays_unloads_again() -> None:
    script = steps((0, gib(60, 25)), (2, gib(60, 15)), (4, gib(60, 25)))
    assert await watched(script, 12) == [(0, "hard"), (2, "ok"), (4, "soft"), (10, "hard")]


@virtual_time
async def test_a_machine_that_tells_nothing_is_left_alone() -> None:
    assert await watched(lambda _: Reading(None, None), 60) == []


@virtual_time
async def test_memory_is_waited_for_until_most_of_it_is_back() -> None:
    probe = scripted(lambda now: gib(20 + 2 * now))
    recovery = await recovered(gib(20), 65 * GIB, probe)
    assert recovery.enough
    assert recovery.waited_seconds == pytest.approx(26)
    assert recovery.freed_bytes == 52 * GIB


@virtual_time
async def test_memory_that_stays_away_is_waited_for_a_minute() -> None:
    recovery = await recovered(gib(20), 65 * GIB, scripted(lambda _: gib(30)))
    assert (recovery.enough, recovery.freed_bytes) == (False, 10 * GIB)
    assert recovery.waited_seconds == pytest.approx(60)


@pytest.mark.parametrize(("before", "after"), [(Reading(None), gib(20)), (gib(20), Reading(None))])
def test_where_nothing_is_told_nobody_waits(before: Reading, after: Reading) -> None:
    @virtual_time
    async def ask() -> None:
        recovery = await recovered(before, GIB, scripted(lambda _: after))
        assert (recovery.enough, recovery.waited_seconds) == (False, 0)

    ask()


@pytest.mark.anyio
async def test_readings_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 8 kB\nMemAvailable: 4 kB\nSwapFree: 0 kB\n")
    assert await host_probe(ProcFiles(tmp_path))() == Reading(4096, None)
    assert (await host_probe()()).available_bytes


class Cards:
    def __init__(self, found: Sequence[Gpu] | Unknown) -> None:
        self.found = found

    def read(self) -> tuple[Gpu, ...] | Unknown:
        return self.found if isinstance(self.found, Unknown) else tuple(self.found)


@pytest.mark.anyio
async def test_readings_of_discrete_gpus() -> None:
    card = Gpu(0, "NVIDIA L4", False, GpuMemory(24 * GIB, 5 * GIB, 19 * GIB), ())
    lost = Gpu(1, "NVIDIA L4", False, Unknown("lost"), ())
    assert await gpu_probe(Cards([card, card, lost]))() == Reading(10 * GIB)
    assert await gpu_probe(Cards([lost]))() == Reading(None)
    assert await gpu_probe(Cards(Unknown("no driver")))() == Reading(None)
