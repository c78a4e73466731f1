"""Opening applications and addresses, with a desktop of files and a launcher that only remembers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.errors import ToolError
from voxspark.tools.desktop.applications import folders
from voxspark.tools.desktop.open import Opener, launch, was_said, web_address

pytestmark = pytest.mark.anyio


class Desktop:
    """Folders of .desktop files, and what was launched."""

    def __init__(self, folder: Path) -> None:
        self.home, self.system = folder / "home", folder / "system"
        self.launched: list[list[str]] = []
        self.add("firefox", Name="Firefox", **{"Name[de]": "Feuerfuchs", "GenericName": "Web Browser"})
        self.add("firefox-dev", Name="Firefox Developer Edition")
        self.add("org.gnome.Calculator", Name="Calculator", **{"Name[de]": "Taschenrechner"})
        self.add("libreoffice-writer", Name="LibreOffice Writer")

    def add(self, id: str, where: str = "system", **entry: str) -> Path:
        folder = self.home if where == "home" else self.system
        folder.mkdir(exist_ok=True)
        lines = ["# a comment", "[Desktop Entry]", *(f"{k}={v}" for k, v in {**BASE, **entry}.items())]
        path = folder / f"{id}.desktop"
        path.write_text("\n".join([*lines, "[Desktop Action new]", "Name=New Window"]), "utf-8")
        return path

    def opener(self, allowed: Collection[str] | None = None) -> Opener:
        return Opener(allowed, folders=[self.home, self.system], launch=self._launch)

    async def _launch(self, command: Sequence[str]) -> None:
        self.launched.append(list(command))

    async def refuses(self, name: str, allowed: Collection[str] | None = None) -> str:
        with pytest.raises(ToolError) as raised:
            await self.opener(allowed).open_application(name)
        assert self.launched == []
        return raised.value.message


BASE = {"Type": "Application", "Exec": "true %U"}


@pytest.fixture
def desktop(tmp_path: Path) -> Desktop:
    return Desktop(tmp_path)


@pytest.mark.parametrize(
    ("said", "name", "id"),
    [
        ("Firefox", "Firefox", "firefox"),
        ("the calculator app", "Calculator", "org.gnome.Calculator"),
        ("writer", "LibreOffice Writer", "libreoffice-writer"),
        ("Libre Office Writer", "LibreOffice Writer", "libreoffice-writer"),
        ("fire fox", "Firefox", "firefox"),
        ("taschenrechner", "Calculator", "org.gnome.Calculator"),
        ("calculater", "Calculator", "org.gnome.Calculator"),
        ("web browser", "Firefox", "firefox"),
        ("firefox developer", "Firefox Developer Edition", "firefox-dev"),
    ],
)
async def test_what_is_meant(desktop: Desktop, said: str, name: str, id: str) -> None:
    assert await desktop.opener().open_application(said) == f"Opening {name}."
    assert desktop.launched == [["gio", "launch", str(desktop.system / f"{id}.desktop")]]


async def test_what_is_not_there(desktop: Desktop) -> None:
    assert await desktop.refuses("Photoshop") == "I can't find an application called Photoshop."
    assert await desktop.refuses("new window") == "I can't find an application called new window."
    for nothing in ("", "  ", "../../bin/sh", "-rf", "\x00"):
        await desktop.refuses(nothing)


async def test_an_unclear_name_asks(desktop: Desktop) -> None:
    desktop.add("a", Name="Text Editor")
    desktop.add("b", Name="Photo Editor")
    assert await desktop.refuses("editor") == "Which one: Photo Editor or Text Editor?"


async def test_only_what_is_allowed_and_in_the_menu(desktop: Desktop) -> None:
    assert "can't find" in await desktop.refuses("calculator", ["firefox"])
    assert "can't find" in await desktop.refuses("calculator", [])
    desktop.add("firefox", where="home", Name="Firefox", Hidden="true")
    assert "can't find" in await desktop.refuses("feuerfuchs")
    for id, entry in {"x": {"NoDisplay": "true"}, "y": {"Type": "Link"}, "z": {"Terminal": "true"}}.items():
        desktop.add(id, Name="Zork", **entry)
    assert "can't find" in await desktop.refuses("zork")
    assert await desktop.opener(["org.gnome.Calculator"]).open_application("calculator") == "Opening Calculator."


async def test_the_users_own_file_comes_first(desktop: Desktop) -> None:
    path = desktop.add("firefox", where="home", Name="Firefox")
    await desktop.opener().open_application("firefox")
    assert desktop.launched == [["gio", "launch", str(path)]]


def test_folders_of_the_desktop() -> None:
    found = folders({"HOME": "/home/ann", "XDG_DATA_DIRS": "/usr/share:relative::/var/lib/flatpak/exports/share"})
    assert list(map(str, found)) == [
        "/home/ann/.local/share/applications",
        "/usr/share/applications",
        "/var/lib/flatpak/exports/share/applications",
    ]


@pytest.mark.parametrize(
    ("address", "opened"),
    [
        ("example.org", "https://example.org"),
        ("HTTP://Example.org/A b?q=ä#x", "http://example.org/A%20b?q=%C3%A4#x"),
        ("https://bücher.example:8443/%20", "https://xn--bcher-kva.example:8443/%20"),
    ],
)
async def test_addresses(desktop: Desktop, address: str, opened: str) -> None:
    assert (await desktop.opener().open_address(address)).startswith("Opening ")
    assert desktop.launched == [["xdg-open", opened]]


@pytest.mark.parametrize(
    "address",
    [
        *("", "file:///etc/passwd", "javascript:alert(1)", "--help", "http://bank.com@evil.org/", "mailto:a@b.c"),
        *("https://", "https://localhost/", "https://x.org/\n--y", "https://x.org/\u202e", "smb://x.org/"),
        "https://x.org:99999/",
    ],
)
async def test_what_is_no_web_address(desktop: Desktop, address: str) -> None:
    with pytest.raises(ToolError) as raised:
        await desktop.opener().open_address(address)
    assert raised.value.code == "open-address"
    assert desktop.launched == []


@given(st.text())
def test_every_text_is_an_ascii_web_address_or_refused(text: str) -> None:
    try:
        parts = web_address(text)
    except ToolError:
        return
    assert parts.scheme in ("http", "https")
    assert parts.geturl().isascii()
    assert " " not in parts.geturl()


@pytest.mark.parametrize(
    ("utterance", "address", "said"),
    [
        ("open github dot com", "https://github.com/", True),
        ("Open www.github.com.", "https://www.github.com", True),
        ("go to github dot com slash explore", "https://github.com/explore", True),
        ("open github dot com", "https://github.com/evil", False),
        ("open github dot com", "https://github.com.evil.org", False),
        ("open github dot com", "https://github.com/?q=secret", False),
        ("open my page", "https://example.org", False),
        ("open notgithub.com", "https://github.com", False),
        ("", "", False),
    ],
)
def test_what_the_user_said(utterance: str, address: str, said: bool) -> None:
    assert was_said(address, utterance) is said


@pytest.mark.parametrize(
    ("command", "code"), [(["false"], "open-failed"), (["voxspark-no-such-program"], "open-missing")]
)
async def test_launching_that_fails(command: list[str], code: str) -> None:
    with pytest.raises(ToolError) as raised:
        await launch(command)
    assert raised.value.code == code
    await launch(["true"])


def test_an_address_is_confirmed_first() -> None:
    assert {each.name: each.permission for each in Opener().tools} == {
        "open_address": "dangerous",
        "open_application": "act",
    }
