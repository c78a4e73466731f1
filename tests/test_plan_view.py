"""What `voxspark plan` and `voxspark models` show."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from voxspark.cli import cli

SPARK = ("--memory", "121.69")
PROFILES = ("embedded", "everyday", "full-power", "laptop-8gb", "swarm", "workstation-24gb")


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def test_all_profiles_fit_a_spark_and_big_ones_no_laptop() -> None:
    spark = run("plan", *SPARK).stdout
    assert all(profile in spark for profile in PROFILES)
    assert "DOES NOT FIT" not in spark
    laptop = {
        line.split()[0]: "DOES NOT FIT" not in line for line in run("plan", "--memory", "8").stdout.splitlines()[2:]
    }
    assert laptop["laptop-8gb"]
    assert not laptop["everyday"]


@pytest.mark.parametrize("profile", PROFILES)
def test_the_arithmetic_adds_up_and_the_bar_has_its_length(profile: str) -> None:
    told = json.loads(run("plan", profile, *SPARK, "--json").stdout)
    assert sum(model["total_bytes"] for model in told["models"]) == told["total_bytes"] <= told["capacity_bytes"]
    shown = run("plan", profile, *SPARK).stdout
    (bar,) = [line for line in shown.splitlines() if line.startswith("[")]
    assert len(bar) == 62
    assert told["reason"] in shown


def test_a_profile_that_does_not_fit_shows_by_how_much() -> None:
    shown = run("plan", "everyday", "--memory", "64").stdout
    (bar,) = [line for line in shown.splitlines() if line.startswith("[")]
    assert "!" in bar
    assert len(bar) == 62


def test_more_context_takes_more() -> None:
    small, large = (
        json.loads(run("plan", "everyday", *SPARK, "--json", "--context", str(tokens)).stdout)["total_bytes"]
        for tokens in (8192, 32768)
    )
    assert small < large


@pytest.mark.parametrize("profile", PROFILES)
def test_the_picture_is_valid_and_names_every_model(profile: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.svg"
    assert run("plan", profile, *SPARK, "--svg", str(file)).exit_code == 0
    text = " ".join(ElementTree.fromstring(file.read_text()).itertext())
    told = json.loads(run("plan", profile, *SPARK, "--json").stdout)
    assert all(" ".join(model["roles"][:1]) in text for model in told["models"] if model["total_bytes"])


def test_a_picture_is_of_one_profile() -> None:
    done = run("plan", "--svg", "x.svg")
    assert done.exit_code == 2
    assert "name it" in done.stderr


def test_unknown_names_are_answered_with_near_ones() -> None:
    assert "everyday" in run("plan", "everday").stderr
    assert "qwen3" in run("models", "why", "qwen3-8").output


def test_models_say_what_they_take_and_where_that_comes_from() -> None:
    told = [json.loads(line) for line in run("models", "list", "--json").stdout.splitlines()]
    assert len(told) > 30
    assert all(model["licence"] and model["bytes_at_8k"] > 0 for model in told if model["runner"] != "engine")
    shown = run("models", "why", "DeepSeek-Coder-V3").stdout
    assert "There is no DeepSeek-Coder-V3" in shown
    assert "weights" in shown
