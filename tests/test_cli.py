"""The command line as people and scripts meet it, where it needs no daemon."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import anyio
import click
import numpy as np
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from tests.daemon_process import VOXSPARK, private_env
from tests.memory_sample import everyday
from voxspark import events
from voxspark.cli import Commands, cli
from voxspark.cli_plan.session import run_async
from voxspark.config import Config, load_config
from voxspark.config_text import as_toml
from voxspark.console import describe, log_level, status_table
from voxspark.daemon import error_of
from voxspark.devices import sound_host
from voxspark.devices.sound_host import DeviceInfo
from voxspark.devices.tee import TeeSpeaker
from voxspark.errors import (
    ChatError,
    ConfigError,
    ControlError,
    DeviceError,
    EngineError,
    SynthesizerError,
    VoxSparkError,
)
from voxspark.types import Clip
from voxspark.waterfall import waterfall

QUESTION = Path(__file__).parent.parent / "voxspark" / "demo_questions" / "question4.wav"
NOT_RUNNING = "voxspark: VoxSpark is not running. Start it with: voxspark run\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No configuration and no daemon but the test's."""
    for name in [name for name in os.environ if name.startswith("VOXSPARK_")]:
        monkeypatch.delenv(name)
    for name, value in private_env(tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path


def run(*words: str, **env: str) -> Result:
    """One command in this process; an unexpected error is raised."""
    result = CliRunner(env=env).invoke(cli, words, prog_name="voxspark")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


# ── help and usage ──────────────────────────────────────────────────────────────────────────────


def commands(group: click.Group = cli, *above: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command, with the words that name it."""
    for name, command in group.commands.items():
        yield (*above, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)


@pytest.mark.parametrize(("words", "command"), [pytest.param(*each, id=" ".join(each[0])) for each in commands()])
def test_every_command_has_help_that_fits_its_line(words: tuple[str, ...], command: click.Command) -> None:
    assert run(*words, "--help").exit_code == 0
    assert not command.get_short_help_str(62).endswith("...")
    assert all(param.help for param in command.params if isinstance(param, click.Option))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("statu",), "Did you mean 'status'?"),
        (("ask",), "Missing argument 'TEXT...'"),
        (("ask", "  "), "there is nothing to say"),
        (("say", ""), "there is nothing to say"),
        (("history", "--limit", "0"), "1<=x<=1000"),
        (("transcribe", "missing.wav"), "does not exist"),
        (("transcribe", "."), "is a directory"),
        (("demo", "--output", "."), "is a directory"),
        (("listen",), "use --press, and later --release, or --toggle"),
        (("hotkey", "test"), "voxspark hotkey test --key ctrl+alt+space"),
        (("hotkey", "test", "--key", "ctrl+spcae"), "did you mean 'space'?"),
    ],
)
def test_wrong_usage_is_told_without_asking_the_daemon(words: tuple[str, ...], says: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert says in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("status", "--json"),
        ("ask", 'what\'s "that" 🎉'),
        ("say", "hi"),
        ("listen", "--press"),
        ("listen", "--toggle"),
        ("transcribe", str(QUESTION)),
        ("stop",),
        ("history",),
        ("events",),
        ("shutdown",),
    ],
    ids=lambda words: words[0],
)
def test_without_a_daemon_every_command_says_so(words: tuple[str, ...]) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout, result.stderr) == (3, "", NOT_RUNNING)


def test_completion_offers_devices_that_can_be_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        DeviceInfo("pulse", "microphone", 2, 44_100, True),
        DeviceInfo("HDA Intel: ALC257 (hw:0,0)", "microphone", 2, 44_100, False),
        DeviceInfo("hdmi", "speaker", 2, 44_100, False),
    ]
    monkeypatch.setattr(sound_host, "list_devices", lambda: found)
    complete = ShellComplete(cli, {}, "voxspark", "_VOXSPARK_COMPLETE").get_completions
    assert [item.value for item in complete(["run", "--microphone"], "")] == ["default", "null", "file:", "pulse"]
    assert [item.value for item in complete(["run", "--speaker"], "h")] == ["hdmi"]

    def missing() -> list[DeviceInfo]:
        raise DeviceError("portaudio-missing", "The sound library PortAudio is not installed.")

    monkeypatch.setattr(sound_host, "list_devices", missing)
    assert [item.value for item in complete(["run", "--speaker"], "d")] == ["default"]


def test_the_documented_line_completes_in_bash(tmp_path: Path) -> None:
    (tmp_path / "voxspark").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m voxspark "$@"\n')
    (tmp_path / "voxspark").chmod(0o755)
    line = next(
        part for part in run("--help").stdout.split("\n  ") if part.startswith('Completion, in ~/.bashrc: eval "$(')
    )
    script = f"""{line.partition(": ")[2]}
COMP_WORDS=(voxspark run --pro) COMP_CWORD=2
_voxspark_completion voxspark --pro run
printf '%s\\n' "${{COMPREPLY[@]}}" """
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, env=env)
    assert (done.stdout, done.stderr) == ("--profile\n", "")


# ── configuration ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"[listening]\nmod = 1\n", "Did you mean listening.mode?"),
        (b"[listening]\nmode = 3\n", "Input should be 'open', 'push_to_talk' or 'wake'. Correct it in {}."),
        (b"[patience]\nsure_seconds = 5\n", "open_seconds must not decrease. Correct it in {}."),
        (b"[listening]\nwake_words = ['bob']\n", "listening.wake_words.0 = 'bob' cannot be used"),
        (b"\xff\xfe", "{} is not valid TOML"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(home: Path, text: bytes, says: str) -> None:
    file = home / "wrong.toml"
    file.write_bytes(text)
    result = run("--config", str(file), "config", "check")
    assert result.exit_code == 2
    assert result.stderr.startswith("voxspark: ")
    assert result.stderr.count("\n") == 1
    assert says.format(file) in result.stderr


@pytest.mark.parametrize("where", ["option", "variable"])
def test_a_file_that_was_named_must_be_readable(home: Path, where: str) -> None:
    option, variable = (["--config", str(home)], "") if where == "option" else ([], str(home))
    result = run(*option, "config", "check", VOXSPARK_CONFIG=variable)
    assert (result.exit_code, result.stderr) == (
        2,
        f"voxspark: {home} cannot be read: Is a directory. Check the path.\n",
    )


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"VOXSPARK_VOICE__SPEED": "fast"}, "voice.speed = 'fast' cannot be used"),
        ({"VOXSPARK_VOICE__SPEED": "9"}, "Correct it in the environment."),
        ({"VOXSPARK_VOICE": "x"}, "voice must be a table"),
        ({"VOXSPARK_VOICE": "x", "VOXSPARK_VOICE__SPEED": "1"}, "exclude each other"),
        ({"VOXSPARK_LISTENING__WAKE_WORDS": "[alexa"}, "listening.wake_words"),
    ],
)
def test_a_wrong_variable_is_told_in_one_line(env: Mapping[str, str], says: str) -> None:
    result = run("config", "check", **env)
    assert result.exit_code == 2
    assert says in result.stderr


def test_a_language_that_the_transcriber_does_not_know_is_told_before_it_is_loaded() -> None:
    result = run("config", "check", VOXSPARK_LANGUAGE="de", VOXSPARK_PROFILE="embedded")
    assert (result.exit_code, "does not know the language de" in result.stderr) == (5, True)
    assert run("config", "check", VOXSPARK_LANGUAGE="de", VOXSPARK_TRANSCRIBER__MODEL="bundled:base").exit_code == 0


def test_a_mistake_in_a_file_of_sentences_is_told(home: Path) -> None:
    folder = home / "config" / "voxspark" / "intents"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("language: en\nintents:\n  undo: 3\n")
    result = run("config", "check", XDG_CONFIG_HOME=str(home / "config"))
    assert result.exit_code == 2
    assert "mine.yaml, line 3: undo needs a list of blocks" in result.stderr


def test_variables_are_read_as_their_key_wants_them() -> None:
    env = {
        "VOXSPARK_CHAT__KEEP_ALIVE": "-1",
        "VOXSPARK_CHAT__MODEL": "123",
        "VOXSPARK_CHAT__MAX_TOKENS": "7",
        "VOXSPARK_CHAT__SYSTEM_PROMPT": '"quoted"',
        "VOXSPARK_BARGE_IN__ENABLED": "false",
        "VOXSPARK_LISTENING__WAKE_WORDS": '["alexa", "hey_jarvis"]',
    }
    config = load_config(environ=env)
    chat = config.chat
    assert (chat.keep_alive, chat.model, chat.max_tokens, chat.system_prompt) == ("-1", "123", 7, "quoted")
    assert config.barge_in.enabled is False
    assert config.listening.wake_words == ("alexa", "hey_jarvis")


@given(prompt=st.text(st.characters(exclude_categories=["Cs"])), seconds=st.floats(0.001, 1e30))
def test_any_configuration_shown_loads_to_itself(
    tmp_path_factory: pytest.TempPathFactory, prompt: str, seconds: float
) -> None:
    config = Config.model_validate({"chat": {"system_prompt": prompt}, "listening": {"hangover_seconds": seconds}})
    file = tmp_path_factory.getbasetemp() / "shown.toml"
    file.write_text(as_toml(config), "utf-8")
    assert load_config(file, {}) == config


def test_show_writes_a_file_that_works(home: Path) -> None:
    shown = run("config", "show", VOXSPARK_PROFILE="ollama", VOXSPARK_CHAT__SYSTEM_PROMPT="Hé 🎉\n")
    (home / "config" / "voxspark").mkdir(parents=True)
    place = Path(run("config", "path").stdout.strip())
    place.write_text(shown.stdout, "utf-8")
    assert run("config", "show").stdout == shown.stdout
    assert json.loads(run("config", "show", "--json").stdout)["chat"]["system_prompt"] == "Hé 🎉\n"
    assert run("config", "show", "--json").stdout.count("\n") == 1


# ── errors and output ───────────────────────────────────────────────────────────────────────────


def failing(error: BaseException) -> Result:
    """A command whose innermost task raises this."""

    async def work() -> None:
        async def inner() -> None:
            raise error

        async with anyio.create_task_group() as outer, anyio.create_task_group() as tasks:
            outer.start_soon(anyio.sleep_forever)
            tasks.start_soon(inner)

    group = Commands("voxspark")
    group.command("fail")(lambda: run_async(work))
    return CliRunner().invoke(group, ["fail"])


@pytest.mark.parametrize(
    ("kind", "code", "exit_code"),
    [
        (VoxSparkError, "any", 1),
        (ConfigError, "config-value", 2),
        (ControlError, "daemon-not-running", 3),
        (ControlError, "already-running", 1),
        (DeviceError, "microphone-lost", 4),
        (EngineError, "engine-unknown", 5),
        (ChatError, "ollama-unreachable", 5),
    ],
)
def test_our_errors_are_one_line_and_an_exit_code(kind: type[VoxSparkError], code: str, exit_code: int) -> None:
    result = failing(kind(code, "It broke.", "Mend it."))
    assert (result.exit_code, result.stderr) == (exit_code, "voxspark: It broke. Mend it.\n")


def test_what_nobody_expected_keeps_its_traceback() -> None:
    assert isinstance(failing(ZeroDivisionError()).exception, ExceptionGroup)


def test_a_closed_pipe_is_the_end_and_no_error() -> None:
    result = failing(BrokenPipeError(32, "Broken pipe"))
    assert (result.exit_code, result.stderr) == (1, "")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*VOXSPARK, "config", "show"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_ctrl_c_ends_with_130() -> None:
    assert failing(KeyboardInterrupt()).exit_code == 130


@pytest.mark.parametrize(
    ("level", "as_json", "at_terminal", "expected"),
    [
        ("info", False, False, "INFO"),
        ("info", True, False, "WARNING"),
        ("info", False, True, "ERROR"),
        ("error", True, False, "ERROR"),
        ("debug", True, True, "DEBUG"),
    ],
)
def test_the_log_does_not_repeat_what_is_shown(level: str, as_json: bool, at_terminal: bool, expected: str) -> None:
    assert logging.getLevelName(log_level(level, as_json=as_json, at_terminal=at_terminal)) == expected


def test_a_missing_microphone_is_told_with_the_next_step() -> None:
    assert "voxspark ask" in describe(events.DeviceChanged(1.0, "microphone", "lost", "None."))
    assert "voxspark ask" not in describe(events.DeviceChanged(1.0, "speaker", "lost", "None."))
    assert "default, 44100 Hz" in describe(events.DeviceChanged(1.0, "speaker", "open", "default, 44100 Hz"))


def test_the_status_says_what_is_wrong() -> None:
    failure = events.Failed(1.0, "device", "microphone-lost", "The microphone has gone.", "Check its cable.")
    voices = [{"name": "csm-1b", "trouble": "It is noise."}, {"name": "hibari", "trouble": ""}]
    status = {"engines": {"chat": "ollama qwen3:8b"}, "timers": [], "last_failure": failure.to_json(), "memory_mb": 9}
    status |= {"voices": voices, "uptime_seconds": 181.0}
    rows = [row.split(maxsplit=2) for row in status_table(status).splitlines()]
    assert rows[0] == ["chat", "ollama", "qwen3:8b"]
    assert rows[1] == ["timers", "none"]
    assert rows[2] == ["last", "failure", "3 min ago: The microphone has gone. Check its cable. (microphone-lost)"]
    assert rows[3] == ["memory", "mb", "9"]
    assert rows[4] == ["voices", "csm-1b", "(It is noise.), hibari"]


def test_the_status_names_voices_and_what_is_wrong_with_them() -> None:
    voices = [{"name": "csm", "trouble": "It is noise."}, {"name": "hibari", "trouble": ""}]
    assert status_table({"voices": voices}).split(maxsplit=1)[1] == "csm (It is noise.), hibari"


def test_the_status_has_one_line_about_the_hotkey() -> None:
    hotkey = {"engine": "x11", "key": "f13", "state": "open"}
    rows = status_table({"state": "listening", "hotkey": hotkey}).splitlines()
    assert [row.split(maxsplit=1)[1] for row in rows] == ["listening", "f13 by x11 (open)"]
    assert status_table({"hotkey": {"engine": "auto", "key": "", "state": "off"}}).split() == ["hotkey", "off"]


def test_the_status_has_one_line_about_memory() -> None:
    rows = status_table({"memory": everyday(), "memory_mb": 9}).splitlines()
    assert [row.split(maxsplit=2) for row in rows] == [
        ["memory", "plan", "everyday: 101.1 of 113.5 GB, 5 models"],
        ["memory", "mb", "9"],
    ]
    assert status_table({"memory": None}).split() == ["memory", "none"]


def test_devices_are_listed_for_people_and_for_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [DeviceInfo("hdmi", "speaker", 8, 48_000, True), DeviceInfo("usb", "microphone", 1, 16_000, False)]
    monkeypatch.setattr(sound_host, "list_devices", lambda: found)
    lines = run("devices").stdout.splitlines()
    assert (lines[0].split()[-1], lines[1].split()[0], lines[1].split()[-1]) == ("usb", "*", "hdmi")
    assert [json.loads(line)["name"] for line in run("devices", "--json").stdout.splitlines()] == ["hdmi", "usb"]
    found.clear()
    assert "--microphone file:" in run("devices").stdout
    assert run("devices", "--json").stdout == ""


def test_the_waterfall_is_in_the_order_of_time() -> None:
    picture = waterfall({"transcript": 0.4, "first_audio": 0.5, "confirmed": 0.3})
    assert [line.split()[0] for line in picture.splitlines()] == ["turn", "transcript", "audio"]


def test_an_error_event_is_the_error_it_came_from() -> None:
    error = error_of(events.Failed(1.0, "synthesize", "voice-broke", "The voice broke.", "Restart."))
    assert (type(error), error.code, str(error)) == (SynthesizerError, "voice-broke", "The voice broke. Restart.")


class BrokenSpeaker:
    """Cannot play."""

    audible_since = None

    def begin(self) -> None: ...

    async def play(self, clip: Clip) -> None:
        raise DeviceError("speaker-file-failed", "The disk is full.")

    async def drain(self) -> None: ...

    def stop(self) -> float:
        return 0.0

    def duck(self, gain: float) -> None: ...


@pytest.mark.anyio
async def test_a_recording_that_fails_is_a_device_error() -> None:
    speaker = TeeSpeaker(BrokenSpeaker(), BrokenSpeaker())
    with pytest.raises(DeviceError, match="disk is full"):
        await speaker.play(Clip(np.zeros(10, np.float32), 24_000, "hi"))
