"""What others wrote does not steer the terminal."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from voxspark import cli_mic
from voxspark.cli import Commands
from voxspark.errors import DeviceError
from voxspark.plain import plain

EVIL = "Head\x1b]0;mine\x07set\x9b2J\x7f\u202e"


@given(st.text())
def test_only_lines_and_tabs_are_left_of_control_characters(text: str) -> None:
    told = plain(text)
    assert len(told) == len(text)
    assert {each for each in told if unicodedata.category(each) == "Cc"} <= {"\n", "\t"}


def test_words_and_pictures_stay() -> None:
    assert plain("Grüße, 日本 👩\u200d🚀\n") == "Grüße, 日本 👩\u200d🚀\n"
    assert plain(EVIL) == "Head?]0;mine?set?2J??"


def test_an_error_is_plain() -> None:
    commands = Commands()

    @commands.command()
    def break_it() -> None:
        raise DeviceError("device-gone", f"{EVIL} is gone.")

    assert "\x1b" not in CliRunner().invoke(commands, ["break-it"], color=True).output


@pytest.mark.parametrize("frame", [{"level_dbfs": None, "state": EVIL}, {"level_dbfs": -30.0, "device": EVIL}])
def test_the_microphone_is_plain(frame: dict[str, Any]) -> None:
    line = cli_mic.line({"peak_dbfs": -20.0, "silent": False, "clipped": 0.0, "state": "open", **frame}, 100)
    assert line.isprintable()
