"""What leaves this machine, what its other users can read, and the file that says what is defended."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from voxspark.config import load_config
from voxspark.files import make_private, write_json
from voxspark.privacy import elsewhere, keep_private, readable_secrets

CHECKOUT = Path(__file__).parent.parent
SECURITY = (CHECKOUT / "SECURITY.md").read_text()


def leaving(**settings: Any) -> dict[str, tuple[str, bool]]:
    found = elsewhere(load_config(environ={}, overrides=settings))
    return {each.what: (each.host, each.asked) for each in found}


def test_as_it_comes_only_tools_that_are_asked_leave_the_machine() -> None:
    found = leaving()
    assert set(found) == {"a search", "an encyclopedia", "reading a page", "the weather", "places"}
    assert all(asked for _, asked in found.values())
    assert leaving(web={"enabled": False}) == {}


@pytest.mark.parametrize(
    ("settings", "what", "host"),
    [
        ({"chat": {"host": "http://192.168.1.9:11434"}}, "the language model", "http://192.168.1.9:11434"),
        ({"plan": {"ollama_host": "http://gpu:11434"}}, "Ollama", "http://gpu:11434"),
        ({"plan": {"swarm_host": "http://[fe80::1]:11434"}}, "questions in the background", "http://[fe80::1]:11434"),
        ({"transcriber": {"host": "tcp://10.0.0.1:10300"}}, "hearing", "tcp://10.0.0.1:10300"),
        ({"voice": {"host": "tcp://ears.lan:10200"}}, "speaking", "tcp://ears.lan:10200"),
        ({"voice": {"languages": {"de": {"engine": "wyoming", "host": "tcp://x:1"}}}}, "speaking de", "tcp://x:1"),
    ],
)
def test_what_is_always_done_elsewhere_is_told_as_such(settings: dict[str, Any], what: str, host: str) -> None:
    assert leaving(web={"enabled": False}, **settings) == {what: (host, False)}


def test_what_is_done_elsewhere_when_asked_for() -> None:
    found = leaving(
        web={
            "searxng_url": "http://127.0.0.1:8888",
            "weather_url": "http://localhost:1",
            "feeds": {"a": "https://a.example"},
        },
        calendar={"url": "https://dav.example/"},
        mcp={"time": {"command": "/usr/bin/mcp-time"}, "far": {"url": "https://mcp.example"}},
        commands={"up": {"run": ["/usr/bin/true"], "description": "Go up.", "network": True}},
    )
    assert {"a search", "the weather"}.isdisjoint(found)
    assert found["the calendar"] == ("https://dav.example/", True)
    assert found["tools of time"] == ("wherever mcp-time connects", True)
    assert found["tools of far"] == ("https://mcp.example", True)
    assert found["news of a"] == ("https://a.example", True)
    assert "the command up" in found


@pytest.mark.parametrize("host", ["http://127.0.0.1:1", "http://127.8.9.1:1", "http://[::1]:1", "tcp://localhost:1"])
def test_this_machine_is_not_elsewhere(host: str) -> None:
    assert leaving(web={"enabled": False}, chat={"host": host}) == {}


# ── files ───────────────────────────────────────────────────────────────────────────────────────


def test_folders_are_made_private_and_put_right(tmp_path: Path) -> None:
    there, new = tmp_path / "there", tmp_path / "a" / "new"
    there.mkdir(mode=0o755)
    make_private(there, new)
    assert {each.stat().st_mode & 0o777 for each in (there, new)} == {0o700}


def test_what_is_written_is_for_its_owner(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"a": 1})
    write_json(tmp_path / "x.json", {"a": 2})
    assert (tmp_path / "x.json").stat().st_mode & 0o777 == 0o600


def test_a_daemon_makes_its_folders_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
    for name in places:
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("DO_NOT_TRACK", "0")
    (tmp_path / "XDG_STATE_HOME" / "voxspark").mkdir(parents=True)
    keep_private()
    assert {(tmp_path / name / "voxspark").stat().st_mode & 0o777 for name in places} == {0o700}


@pytest.mark.parametrize(
    ("text", "mode", "warned"),
    [
        ('[chat]\napi_key = "k"', 0o644, True),
        ('[chat]\napi_key = "k"', 0o600, False),
        ('[chat]\nmodel = "m"', 0o644, False),
        ('[chat]\napi_key = ""', 0o644, False),
        ('[mcp.x]\nurl = "https://x"\nheaders = { A = "b" }', 0o640, True),
        ('[calendar]\npassword = "p"', 0o604, True),
    ],
)
def test_keys_that_others_can_read_are_warned_of(tmp_path: Path, text: str, mode: int, warned: bool) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    file.chmod(mode)
    warning = readable_secrets(file)
    assert bool(warning) == warned
    assert warning == "" or "chmod 600" in warning


def test_no_configuration_has_no_keys(tmp_path: Path) -> None:
    assert readable_secrets(tmp_path / "none.toml") == ""


# ── SECURITY.md ─────────────────────────────────────────────────────────────────────────────────

NAMED_TEST = re.compile(r"`(test_\w+)::(test_\w+)`")
NAMED_PLACE = re.compile(r"`([\w/]+\.py)(?:::([\w.]+))?`")


def functions_of(file: Path) -> set[str]:
    """Names of functions, classes and variables at the top, and of methods."""
    tree = ast.parse(file.read_text())
    assigned = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return assigned | {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_every_test_that_the_security_file_names_is_there() -> None:
    named = NAMED_TEST.findall(SECURITY)
    assert len(named) > 40
    missing = [f"{file}::{name}" for file, name in named if name not in functions_of(CHECKOUT / f"tests/{file}.py")]
    assert missing == []


def test_every_place_that_the_security_file_names_is_there() -> None:
    for place, name in NAMED_PLACE.findall(SECURITY):
        found = functions_of(CHECKOUT / "voxspark" / place)
        assert not name or set(name.split(".")) <= found, (place, name)


def test_every_line_of_what_is_enforced_names_a_place_and_a_test() -> None:
    enforced = SECURITY.partition("## The microphone")[2].splitlines()
    rows = [line for line in enforced if line.startswith("| ") and not line.startswith("| what is enforced")]
    assert len(rows) > 25
    assert [row for row in rows if not (NAMED_PLACE.search(row) and NAMED_TEST.search(row))] == []
