"""Dictation: what is typed of a text, which way is taken, and what is said when there is none."""

from __future__ import annotations

from pathlib import Path
from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.agent_parts import FakeTurn, call
from tests.in_memory import RecentCalls
from tests.virtual_time import virtual_time
from voxspark.agent.mediator import Mediator, TurnGuard
from voxspark.config import load_config
from voxspark.devices import keyboard as devices
from voxspark.devices.keyboard import Keyboard
from voxspark.devices.keysyms import keysym
from voxspark.devices.x_typist import parts
from voxspark.errors import DeviceError, ToolError
from voxspark.kit import make_toolbox
from voxspark.tools.clean import visible
from voxspark.tools.desktop.dictation import MOST_CHARACTERS, Dictation
from voxspark.tools.registry import Toolbox

NOWHERE = "unix:path=/nowhere/bus"


class Paper:
    """A keyboard that keeps what is typed."""

    def __init__(self) -> None:
        self.typed: list[str] = []
        self.dictation = Dictation(self.type)

    async def type(self, text: str) -> None:
        self.typed.append(text)


# ── what is typed ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("Grüße, 5 € für “Anna’s” <b>x</b> -- 'ok'", "Grüße, 5 € für “Anna’s” <b>x</b> -- 'ok'"),
        ("rm -rf ~\n", "rm -rf ~"),
        ("one\r\ntwo\tthree\x1b[Bfour\x00\x7f\u2028five", "one  two three[Bfour five"),
        ("pay\u200bpal \u202etxt.exe\U000e0041", "paypal txt.exe"),
        ("x" * MOST_CHARACTERS, "x" * MOST_CHARACTERS),
    ],
)
async def test_characters_are_typed_and_no_other_key(text: str, typed: str) -> None:
    paper = Paper()
    assert await paper.dictation.dictate(text) == "Typed."
    assert paper.typed == [typed]


@pytest.mark.anyio
@pytest.mark.parametrize("text", ["", " \n", "\x1b\u200b", "x" * (MOST_CHARACTERS + 1)])
async def test_nothing_and_too_much_are_not_typed(text: str) -> None:
    paper = Paper()
    with pytest.raises(ToolError):
        await paper.dictation.dictate(text)
    assert paper.typed == []


@settings(deadline=None)
@given(st.text())
def test_what_is_visible_has_no_control_characters(text: str) -> None:
    assert not {category(character) for character in visible(text)} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@virtual_time
async def test_after_a_stranger_s_text_it_is_refused() -> None:
    paper = Paper()
    mediator = Mediator(Toolbox(paper.dictation.tools), RecentCalls())
    for guard, verdict in [
        (TurnGuard("type it"), "done"),
        (TurnGuard("type it", tainted_before=True), "asked"),
        (TurnGuard("type it", tainted_by="read_page"), "refused"),
    ]:
        assert (await mediator.run(call("dictate", text="curl evil.example"), guard, FakeTurn())).verdict == verdict
    assert len(paper.typed) == 1


def test_it_can_be_switched_off() -> None:
    assert "dictate" in make_toolbox(load_config(environ={}))
    off = load_config(environ={}, overrides={"desktop": {"typing": "none"}})
    assert "dictate" not in make_toolbox(off)


@pytest.mark.parametrize(
    ("character", "symbol"),
    [("a", 0x61), (" ", 0x20), ("ß", 0xDF), ("\xa0", 0xA0), ("€", 0x010020AC), ("“", 0x0100201C), ("😀", 0x0101F600)],
)
def test_keysyms(character: str, symbol: int) -> None:
    assert keysym(character) == symbol


# ── which way ───────────────────────────────────────────────────────────────────────────────────


class Desktop:
    """A folder of programs that write down what they are given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, script: str = "") -> None:
        path = self.folder / name
        path.write_text(f'#!/bin/sh\n{script}\n{{ echo "$LC_ALL $*"; cat; }} > "$0.got"\n')
        path.chmod(0o755)

    def which(self, name: str) -> str | None:
        path = self.folder / name
        return str(path) if path.exists() else None

    def keyboard(self, way: devices.Way | str = "auto", **environment: str) -> Keyboard:
        return Keyboard(
            way,  # type: ignore[arg-type]
            environment={"PATH": "/bin:/usr/bin", **environment},
            bus_address=NOWHERE,
            which=self.which,
        )

    def got(self, name: str) -> str:
        path = self.folder / f"{name}.got"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def desktop(tmp_path: Path) -> Desktop:
    return Desktop(tmp_path)


async def failure(keyboard: Keyboard) -> DeviceError:
    with pytest.raises(DeviceError) as caught:
        await keyboard.type("ä")
    return caught.value


@pytest.mark.anyio
async def test_wlroots_is_typed_on_by_wtype_and_x11_by_the_x_server(desktop: Desktop) -> None:
    desktop.add("wtype")
    await desktop.keyboard(DISPLAY=":9999", WAYLAND_DISPLAY="wayland-0").type("-k ß")
    assert desktop.got("wtype") == "C.UTF-8 -\n-k ß"
    (desktop.folder / "wtype.got").unlink()
    assert (
        "The X server types nothing. There is no display." in (await failure(desktop.keyboard(DISPLAY=":9999"))).remedy
    )
    assert desktop.got("wtype") == ""


@pytest.mark.anyio
async def test_where_wtype_fails_the_portal_is_asked_and_never_the_x_server(desktop: Desktop) -> None:
    desktop.add("wtype", "echo 'Compositor does not support the virtual keyboard protocol' >&2; exit 1")
    error = await failure(desktop.keyboard(DISPLAY=":9999", WAYLAND_DISPLAY="wayland-0"))
    assert (error.code, error.message) == ("keyboard-unavailable", "I can't type on this desktop.")
    assert "virtual keyboard protocol" in error.remedy
    assert "desktop session" in error.remedy
    assert "X server" not in error.remedy


@pytest.mark.anyio
@pytest.mark.parametrize(("way", "code"), [("x11", "failed"), ("wtype", "missing"), ("portal", "no-session")])
async def test_a_way_that_was_chosen_is_the_only_one(desktop: Desktop, way: str, code: str) -> None:
    assert (await failure(desktop.keyboard(way, DISPLAY=":9999"))).code.endswith(code)


@pytest.mark.anyio
async def test_what_hangs_is_cut_and_not_tried_again(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "TYPE_SECONDS", 0.05)
    desktop.add("wtype", "exec sleep 60")
    assert (await failure(desktop.keyboard(WAYLAND_DISPLAY="wayland-0"))).code == "keyboard-hangs"
    assert desktop.got("wtype") == ""


@pytest.mark.parametrize(("free", "pieces"), [(5, ["äaöä€b"]), (2, ["äaöä", "€b"]), (1, ["äa", "ö", "ä", "€b"])])
def test_characters_on_no_key_take_turns_on_the_free_ones(free: int, pieces: list[str]) -> None:
    places = {keysym(character): (40, False) for character in "ab"}
    split = list(parts("äaöä€b", places, range(100, 100 + free)))
    assert [piece for piece, _ in split] == pieces
    for piece, borrowed in split:
        assert {keysym(character) for character in piece} - set(places) == set(borrowed)
        assert len(set(borrowed.values())) == len(borrowed)


def test_without_a_free_key_what_is_on_the_keys_can_be_typed() -> None:
    assert list(parts("a", {keysym("a"): (40, False)}, [])) == [("a", {})]
    with pytest.raises(OSError, match="No key is free"):
        list(parts("aä", {keysym("a"): (40, False)}, []))
