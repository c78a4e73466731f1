"""A short soak: what `bench/soak.py` does for two thousand turns and an hour."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.soak import Phase, Sample, judge, run, soaking

GENEROUS_GROWTH = 0.15
"""Sixty turns are still warming up."""


@pytest.mark.real
@pytest.mark.anyio
async def test_a_busy_hour_leaves_nothing_behind(tmp_path: Path) -> None:
    async with soaking(tmp_path, 20) as soak:
        await run(soak, turns=38, seconds=0, pause_seconds=0, show=print)
        phase = soak.phase
    assert phase.outcomes["answered"] >= 20
    assert phase.outcomes["interrupted"] >= 2
    assert phase.sources["microphone"] >= 6
    verdicts = judge(phase, 1, growth=GENEROUS_GROWTH, slower=1.0)
    assert [each for each in verdicts[:1] if each.broken] == []
    assert phase.samples[-1].descriptors <= phase.samples[0].descriptors + 2
    assert phase.samples[-1].threads <= phase.samples[0].threads + 2


def sample(turns: int, **held: int) -> Sample:
    return Sample(turns, float(turns), **({"resident_bytes": 1_000_000, "descriptors": 20, "threads": 20} | held))


def phase(*samples: Sample, late: float = 0.5) -> Phase:
    return Phase(20.0, turns=1000, samples=list(samples), latencies=[0.5] * 500 + [late] * 500)


def broken(phase: Phase) -> list[str]:
    return [each.what for each in judge(phase, 0, growth=0.02, slower=0.1) if each.broken]


def test_what_grows_is_seen() -> None:
    assert broken(phase(*(sample(n) for n in range(10)))) == []
    assert broken(phase(*(sample(n, resident_bytes=1_000_000 + 4000 * n) for n in range(10)))) == [
        "growth of resident memory"
    ]
    assert broken(phase(*(sample(n, descriptors=20 + n // 4) for n in range(10)))) == ["more descriptors"]
    assert broken(phase(*(sample(n, threads=20 + n // 4) for n in range(10)))) == ["more threads"]
    assert broken(phase(sample(1), late=0.6)) == ["p95 of the last hundred turns over the first"]


def test_one_that_comes_and_goes_is_no_growth() -> None:
    assert broken(phase(*(sample(n, threads=20 + n % 2) for n in range(10)))) == []
