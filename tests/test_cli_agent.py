"""`voxspark route`: who would answer, without asking anybody."""

from __future__ import annotations

import json

import pytest

from tests.test_cli import home, run
from voxspark.agent.beyond import CANNOT_DO

__all__ = ["home"]


@pytest.mark.parametrize(
    ("profile", "text", "told"),
    [
        ("embedded", "what time is it", "a local intent: A local intent matches the whole sentence."),
        ("embedded", "who wrote Faust", "worker (SmolLM2 135M (bundled)): No rule speaks for anybody else."),
        ("embedded", "make a picture of a fox", "a local intent: A local intent matches the whole sentence."),
        ("embedded", "forget our conversation", "a local intent: A local intent matches the whole sentence."),
        (
            "embedded",
            "turn on the lights",
            f"nobody: It is beyond SmolLM2 135M (bundled), so this is said instead: {CANNOT_DO}",
        ),
        ("ollama", "translate good morning into French", "a local intent: A local intent matches the whole sentence."),
        ("ollama", "turn on the lights", "worker (Qwen3 8B): No rule speaks for anybody else."),
        (
            "embedded",
            "what is on my screen",
            "nobody: It is about something to see. The profile embedded has nobody for eyes.",
        ),
    ],
)
def test_route_says_who_would_answer(profile: str, text: str, told: str) -> None:
    assert run("route", text, VOXSPARK_PROFILE=profile).stdout == f"{told}\n"


def test_route_for_scripts() -> None:
    told = json.loads(run("route", "--json", "what is on my screen", VOXSPARK_PROFILE="embedded").stdout)
    assert (told["who"], told["role"], told["question"]) == ("nobody", "eyes", "what is on my screen")


def test_route_of_nothing() -> None:
    told = run("route", " ")
    assert (told.exit_code, "there is nothing to say" in told.stderr) == (2, True)
