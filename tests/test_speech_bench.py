"""The bench of what runs on a GPU, in as far as it can be tried without one."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.speech_gpu import obstacle, on_this, parsed
from bench.speech_result import Result, line, verdicts
from voxspark.vram.catalogue import GB, builtin
from voxspark.vram.probes import Machine
from voxspark.vram.state import Budget

F5 = builtin().models["f5-tts"]
FULL = Result("f5-tts", "f5_tts", "full", "cuda", catalogue_weights_gb=1.0, expected_gb=2.0)


def gpu(free_gb: float) -> Machine:
    return Machine("discrete", Budget(total_bytes=80 * GB, floor_bytes=0, usable_bytes=round(free_gb * GB)), "")


@pytest.mark.parametrize(
    ("weights", "memory", "said"),
    [
        (1.09, 1.81, "within 10 %"),
        (1.2, 2.0, "weights_gb = 1.20, not 1"),
        (1.0, 2.3, "weights_gb + overhead_gb = 2.30, not 2.00"),
        (0.5, 1.0, "weights_gb = 0.50, not 1; weights_gb + overhead_gb = 1.00, not 2.00"),
    ],
)
def test_it_says_what_the_catalogue_should_say(weights: float, memory: float, said: str) -> None:
    assert verdicts(replace(FULL, weights_gb=weights, memory_gb=memory)) == [f"f5-tts: {said}"]


def test_there_is_no_verdict_on_what_is_tiny_or_was_not_measured() -> None:
    assert verdicts(replace(FULL, size="tiny")) == []
    assert verdicts(replace(FULL, reason="needs torch")) == []
    assert verdicts(replace(FULL, device="cpu", weights_gb=1.0, memory_gb=9.0)) == ["f5-tts: within 10 %"]
    assert line(replace(FULL, reason="needs torch")) == "| f5-tts | not measured: needs torch |"


def test_what_does_not_fit_is_passed_over_with_the_figures() -> None:
    assert obstacle(F5, "cuda", gpu(8), 80 * GB) == ""
    assert obstacle(F5, "cuda", gpu(1), 80 * GB) == "it needs 2.5 GB of memory, 1.0 are free"
    assert obstacle(F5, "cuda", gpu(8), GB // 10).endswith("GB of disk, 0.1 are free")


def test_engines_or_single_models_are_picked_and_a_gpu_without_torch_for_it_is_none() -> None:
    assert len(parsed([]).models) == 6
    assert [each.key for each in parsed(["--engine", "csm", "whisper-turbo-torch"]).models] == [
        "csm-1b",
        "whisper-turbo-torch",
    ]
    assert on_this("cuda", gpu(8)) == "cuda"
    assert on_this("auto", Machine("host", gpu(8).budget, "")) == "cpu"


@pytest.mark.real
def test_a_tiny_one_goes_all_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads cost small models more than they give."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    command = [sys.executable, "-m", "bench.speech_gpu", "--size", "tiny", "--device", "cpu", "--rounds", "1"]
    command += ["--engine", "whisper-turbo-torch", "--folder", str(tmp_path), "--output", str(tmp_path / "made.json")]
    subprocess.run(command, check=True, capture_output=True)
    (result,) = json.loads((tmp_path / "made.json").read_text())["results"]
    assert result["reason"] == ""
    assert result["parameters"]["float16"] > 100_000
    assert 0.1 < result["memory_gb"] < 2.0
    assert 0 < result["realtime_factor"] < result["first_seconds"] < 10
    assert 0 < result["cancel_seconds"] < 10
    assert [path.name for path in tmp_path.iterdir()] == ["made.json"]
