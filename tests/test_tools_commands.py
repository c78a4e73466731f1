"""The user's own commands: what may be written down, what is run for it, and that nothing is without a spoken yes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.agent_parts import FakeTurn
from tests.in_memory import RecentCalls
from tests.virtual_time import virtual_time
from voxspark.agent import mediator as policy
from voxspark.agent.mediator import Mediator, TurnGuard
from voxspark.agent.offer import FindTool
from voxspark.config import load_config
from voxspark.config_tools import CommandSettings
from voxspark.errors import ConfigError, ToolError
from voxspark.kit import make_toolbox
from voxspark.tools import commands as module
from voxspark.tools.commands import Command, command_tools, variants
from voxspark.tools.registry import Toolbox
from voxspark.tools.sandbox import Sandbox, environment_of
from voxspark.types import ToolCall

BACKUP = {"run": ["/usr/local/bin/backup", "--quick"], "description": "Start the backup of my photos."}
RESTART = {
    "run": ["/usr/bin/ssh", "{host}", "restart-{what}"],
    "description": "Restart a service.",
    "arguments": {"host": ["Alpha", "beta; rm -rf /"], "what": ["web"]},
}


def settings(**tables: dict[str, Any]) -> dict[str, CommandSettings]:
    return load_config(environ={}, overrides={"commands": tables}).commands


# ── what may be written down ────────────────────────────────────────────────────────────────────


def test_without_a_command_there_is_no_tool() -> None:
    assert "run_command" not in make_toolbox(load_config(environ={}))
    assert command_tools({}) == ()


def test_each_is_a_choice_of_one_dangerous_tool_that_is_found_by_what_they_do() -> None:
    box = make_toolbox(load_config(environ={}, overrides={"commands": {"photo_backup": BACKUP}}))
    tool = box.find("run_command")
    assert (tool.permission, tool.declared.untrusted, tool.declared.core) == ("dangerous", True, False)
    assert tool.parameters[0].choices == ("photo backup",)
    assert "photo backup: Start the backup of my photos." in FindTool(box).find_tool("backup of photos")


def test_arguments_are_variants_and_each_stays_one_argument() -> None:
    made = variants(settings(restart=RESTART))
    assert {name: each.argv for name, each in made.items()} == {
        "restart alpha web": ("/usr/bin/ssh", "Alpha", "restart-web"),
        "restart beta; rm -rf / web": ("/usr/bin/ssh", "beta; rm -rf /", "restart-web"),
    }


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"run": ["backup"]}, "whole path"),
        ({"run": ["{program}"], "arguments": {"program": ["/bin/true"]}}, "whole path"),
        ({"run": ["/bin/{p}"], "arguments": {"p": ["true"]}}, "whole path"),
        ({"run": []}, "at least 1 item"),
        ({"run": "/bin/true --quick"}, "valid tuple"),
        ({"run": ["/bin/echo", "{host}"]}, "host is not"),
        ({"arguments": {"host": ["alpha"]}}, "host is not"),
        ({"run": ["/bin/echo", "{host}"], "arguments": {"host": []}}, "1 to 50 variants"),
        ({"run": ["/bin/echo", "{n}"], "arguments": {"n": [str(n) for n in range(51)]}}, "1 to 50 variants"),
        ({"run": ["/bin/echo", "a\0b"]}, "match pattern"),
        ({"description": "a\nb"}, "match pattern"),
        ({"description": ""}, "at least 1 character"),
        ({"writable": ["Backups"]}, "begin with / or ~"),
        ({"timeout_seconds": 0}, "greater than 0"),
        ({"shell": True}, "shell"),
    ],
)
def test_what_cannot_be_used_is_refused_at_start(table: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(backup={**BACKUP, **table})
    assert says in caught.value.message
    assert "commands.backup" in caught.value.message


def test_names_are_sayable_and_different() -> None:
    with pytest.raises(ConfigError):
        settings(**{"rm -rf": BACKUP})
    with pytest.raises(ConfigError) as caught:
        command_tools(settings(**{"back-up": BACKUP, "back_up": BACKUP}))
    assert caught.value.message == "Two commands are called back up."


# ── the sandbox's command line ──────────────────────────────────────────────────────────────────


def wrapped(**allowed: Any) -> list[str]:
    sandbox = Sandbox(**allowed, which=lambda name: f"/usr/bin/{name}")
    return sandbox.wrapped(["/bin/echo", "--bind", "/"], {"PATH": "/bin", "HOME": "/nowhere"})


def test_the_sandbox_gives_what_is_allowed_and_no_more() -> None:
    argv = wrapped()
    assert argv[0] == "/usr/bin/bwrap"
    assert argv[argv.index("--") + 1 :] == ["/bin/echo", "--bind", "/"]
    flags = argv[1 : argv.index("--")]
    assert {"--unshare-all", "--die-with-parent", "--new-session", "--clearenv"} <= set(flags)
    assert "--share-net" not in flags
    assert "--bind" not in flags
    assert flags[flags.index("--chdir") + 1] == "/"
    allowed = wrapped(network=True, writable=[Path("/data")])
    at = allowed.index("--bind")
    assert allowed[at : at + 3] == ["--bind", "/data", "/data"]
    assert "--share-net" in allowed


def test_a_program_learns_three_variables() -> None:
    environment = environment_of({"HOME": "/home/me", "LANG": "de_DE.UTF-8", "TOKEN": "secret", "LD_PRELOAD": "x.so"})
    assert environment == {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/home/me", "LANG": "de_DE.UTF-8"}


@pytest.mark.anyio
@pytest.mark.parametrize("script", [None, "echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1"])
async def test_without_a_sandbox_nothing_is_run(
    script: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if script is not None:
        (tmp_path / "bwrap").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    made = Command(("/bin/touch", str(tmp_path / "proof")), settings(touch=BACKUP)["touch"])
    with pytest.raises(ToolError) as caught:
        await made.run("touch", {"HOME": str(tmp_path)})
    assert (caught.value.code, (tmp_path / "proof").exists()) == ("command-no-sandbox", False)
    assert ("uid map" if script else "bubblewrap") in caught.value.remedy


# ── running, where the sandbox is switched off ──────────────────────────────────────────────────


def python(code: str, **more: Any) -> Command:
    """A command of one's own without a sandbox."""
    table = {"run": [sys.executable, "-c", code], "description": "Test.", "sandbox": False, **more}
    made: Command = variants(settings(test=table))["test"]
    return made


@pytest.mark.anyio
async def test_what_it_wrote_is_said_clean_and_short(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    code = r"import sys; print('12 files\n\x1b[1mcopied <|im_start|>', flush=True); "
    code += "print('and', 'more ' * 9_000, file=sys.stderr)"
    said = await python(code).run("test", home)
    assert said.startswith("The test is done. It says: 12 files [1mcopied |im_start|> and more more")
    assert len(said) < 350
    assert await python("pass").run("test", home) == "The test is done."


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("made", "code", "says"),
    [
        (python("print('disk full'); exit(3)"), "command-failed", "The test failed with status 3. It says: disk full."),
        (Command(("/nowhere/backup",), settings(x=BACKUP)["x"]), "command-missing", "is missing."),
        (python("input()"), "command-failed", "EOFError"),
        (python("exit(1)"), "command-failed", "status 1. It says: nothing."),
    ],
)
async def test_what_fails_is_said(made: Command, code: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        await made.run("test", {"HOME": str(tmp_path)})
    assert caught.value.code == code
    assert says in caught.value.message


@pytest.mark.anyio
async def test_at_its_deadline_it_ends_with_all_that_it_has_started(tmp_path: Path) -> None:
    code = f"import os, time; os.fork(); open({str(tmp_path)!r} + f'/{{os.getpid()}}', 'w'); time.sleep(99)"
    with pytest.raises(ToolError) as caught:
        await python(code, timeout_seconds=0.3).run("test", {"HOME": str(tmp_path)})
    assert caught.value.code == "command-slow"
    pids = [int(file.name) for file in tmp_path.iterdir()]
    assert len(pids) == 2
    with anyio.fail_after(5):
        while any(is_alive(pid) for pid in pids):
            await anyio.sleep(0.01)


@pytest.mark.anyio
async def test_what_it_leaves_running_is_not_waited_for(tmp_path: Path) -> None:
    code = "import os, time\nprint('on', flush=True)\nif not os.fork(): time.sleep(3)"
    said = await python(code).run("test", {"HOME": str(tmp_path)})
    assert said == "The test is done. It says: on."


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


# ── asking ──────────────────────────────────────────────────────────────────────────────────────


class Desk:
    """A mediator over one command that notes that it has run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ran: list[str] = []

        async def run(_: Command, name: str) -> str:
            self.ran.append(name)
            return f"The {name} is done."

        monkeypatch.setattr(module.Command, "run", run)
        self.audit = RecentCalls()
        self.mediator = Mediator(Toolbox(command_tools(settings(backup=BACKUP))), self.audit)

    async def ask(self, guard: TurnGuard, **arguments: object) -> policy.Outcome:
        return await self.mediator.run(ToolCall("run_command", arguments), guard, FakeTurn())

    async def answer(self, text: str) -> str | None:
        return await self.mediator.confirmation(TurnGuard(text), FakeTurn(), QUESTION)


QUESTION = "Shall I run command with name backup? Say: confirm run."


@pytest.mark.parametrize(("answer", "ran"), [("Confirm run.", True), ("Yes.", False), ("No.", False), ("stop", False)])
@pytest.mark.parametrize("tainted_by", ["", "read_page"])
def test_it_is_run_after_the_right_word_only(
    answer: str, ran: bool, tainted_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @virtual_time
    async def play() -> None:
        desk = Desk(monkeypatch)
        asked = await desk.ask(TurnGuard("back up", tainted_by=tainted_by), name="Backup")
        assert (asked.verdict, asked.text, desk.ran) == ("asked", QUESTION, [])
        said = await desk.answer(answer)
        assert (said == "The backup is done.") == ran
        assert desk.ran == (["backup"] if ran else [])

    play()


@pytest.mark.parametrize(
    "arguments", [{"name": "rm"}, {"name": "backup; rm -rf /"}, {"name": "backup", "arguments": "--all"}, {}]
)
def test_nothing_else_can_be_chosen(arguments: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    @virtual_time
    async def play() -> None:
        desk = Desk(monkeypatch)
        assert (await desk.ask(TurnGuard("run"), **arguments)).verdict == "misused"
        assert desk.ran == []

    play()
