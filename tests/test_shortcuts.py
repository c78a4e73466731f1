"""Keys by name, as people write them, and as the settings take them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.config import load_config
from voxspark.config_listening import HotkeySettings
from voxspark.devices.hotkey.ways import shortcuts_of
from voxspark.errors import ConfigError
from voxspark.shortcuts import KEYS, MODIFIERS, Shortcut, parse_shortcut


@pytest.mark.parametrize(
    ("text", "means", "trigger"),
    [
        ("ctrl+alt+space", "ctrl+alt+space", "CTRL+ALT+space"),
        (" Alt + CONTROL + Space ", "ctrl+alt+space", "CTRL+ALT+space"),
        ("pause", "pause", "Pause"),
        ("F13", "f13", "F13"),
        ("rightctrl", "rightctrl", "Control_R"),
        ("win+pgup", "super+pageup", "LOGO+Page_Up"),
        ("altgr", "rightalt", "Alt_R"),
        ("shift+[".replace("[", "leftbracket"), "shift+leftbracket", "SHIFT+bracketleft"),
    ],
)
def test_keys_by_name(text: str, means: str, trigger: str) -> None:
    shortcut = parse_shortcut(text)
    assert (str(shortcut), shortcut.trigger) == (means, trigger)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ctrl+spcae", "did you mean 'space'"),
        ("alt", "leftalt or rightalt"),
        ("hyper+a", "'hyper' is no modifier: these are ctrl, alt, shift, super"),
        ("a+b", "'a' is no modifier"),
        ("ctrl+", "'nothing' is no key"),
        ("+", "no modifier"),
        ("ß🎉", "f1 to f24"),
    ],
)
def test_what_is_no_key_says_which_there_are(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("+", "\\+")):
        parse_shortcut(text)


@given(st.sets(st.sampled_from(MODIFIERS)), st.sampled_from(sorted(KEYS)))
def test_what_is_written_is_read_again(modifiers: set[str], name: str) -> None:
    shortcut = Shortcut(frozenset(each for each in MODIFIERS if each in modifiers), KEYS[name])
    assert parse_shortcut(str(shortcut)) == shortcut


def test_no_two_keys_are_the_same() -> None:
    assert len({key.code for key in KEYS.values()}) == len({key.keysym for key in KEYS.values()}) == len(KEYS)


def test_nothing_is_taken_unasked() -> None:
    assert shortcuts_of(HotkeySettings()) == {}
    assert shortcuts_of(HotkeySettings(engine="none", key="f13")) == {}
    both = shortcuts_of(HotkeySettings(key="F13", mute_key="f14"))
    assert {action: str(shortcut) for action, shortcut in both.items()} == {"talk": "f13", "mute": "f14"}


@pytest.mark.parametrize(
    ("table", "says"),
    [("key = 'ctrl+spcae'", "did you mean 'space'"), ("key = 'F13'\nmute_key = 'f13'", "are the same")],
)
def test_a_wrong_key_in_the_file_is_told(tmp_path: Path, table: str, says: str) -> None:
    (tmp_path / "config.toml").write_text(f"[hotkey]\n{table}\n")
    with pytest.raises(ConfigError, match=says):
        load_config(tmp_path / "config.toml", {})
