"""Everything the README shows is run as written."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon_process import DaemonProcess, private_env, running_daemon
from tests.ollama_machine import ollama_machine, served
from tests.ollama_server import Pull
from voxspark import events
from voxspark.config import load_config
from voxspark.vram.catalogue import load_catalogue

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
QUIET = {"VOXSPARK_DEVICES__MICROPHONE": "null", "VOXSPARK_DEVICES__SPEAKER": "null"}


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line.strip()]
OURS = [line for line in COMMANDS if line.startswith("voxspark")]
RUNS = [line for line in OURS if line.startswith("voxspark run")]
(TEAM,) = [block.splitlines() for block in blocks("sh") if "models pull" in block]
SERVICE = [line for line in OURS if line.startswith("voxspark service")]
"""Run where there is systemd: see `test_service_setup` and `test_booted`."""
TALKS = [line for line in OURS if line not in (*RUNS, *TEAM, *SERVICE, "voxspark shutdown")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    shutil.copy(ROOT / "voxspark" / "demo_questions" / "question1.wav", folder / "question.wav")
    shutil.copy(ROOT / "voices" / "dashwood" / "reference.wav", folder / "ada.wav")
    return folder


@pytest.fixture(scope="module")
def env(home: Path) -> dict[str, str]:
    env = {**private_env(home), **QUIET}
    return {**env, "PATH": f"{Path(sys.executable).parent}:{env['PATH']}"}


@pytest.fixture(scope="module")
def daemon(env: dict[str, str]) -> Iterator[DaemonProcess]:
    with running_daemon(env) as daemon:
        yield daemon


def shell(line: str, env: dict[str, str], home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(line, shell=True, cwd=home, env=env, capture_output=True, text=True, timeout=90, check=False)


@pytest.mark.real
@pytest.mark.parametrize("line", TALKS)
def test_commands_that_talk_to_the_daemon(line: str, daemon: DaemonProcess, env: dict[str, str], home: Path) -> None:
    done = shell(line, env, home)
    assert done.returncode == 0, done.stderr
    assert not done.stderr


@pytest.mark.real
def test_one_run_over_files(env: dict[str, str], home: Path) -> None:
    (line,) = [line for line in RUNS if "--once" in line]
    done = shell(line, env, home)
    assert done.returncode == 0, done.stderr
    told = [json.loads(each) for each in done.stdout.splitlines()]
    assert [each["outcome"] for each in told if each["event"] == "turn_ended"] == ["answered"]
    assert (home / "answer.wav").stat().st_size > 10_000


@pytest.mark.real
def test_the_ollama_profile_starts_and_says_when_ollama_is_missing(env: dict[str, str]) -> None:
    (line,) = [line for line in RUNS if "--profile" in line]
    nobody = {**env, "VOXSPARK_CHAT__HOST": "http://127.0.0.1:9", "VOXSPARK_CONTROL__SOCKET": f"{env['HOME']}/o.sock"}
    with running_daemon(nobody, *shlex.split(line)[2:]) as daemon:
        assert "ollama" in daemon.wait_for("failed", stage="think")["remedy"].lower()
        assert "144" in daemon.call("ask", "what is 12 times 12?")


@pytest.mark.real
def test_a_team_is_pulled_and_used(tmp_path: Path) -> None:
    """On a simulated DGX Spark with an Ollama that has nothing yet."""
    with ollama_machine(tmp_path) as machine:
        for model in load_catalogue().models.values():
            if model.runner == "ollama":
                machine.server.pulls[model.id] = Pull((1 << 20, 1 << 10), served=served(model))
        env = {**machine.env, "PATH": f"{Path(sys.executable).parent}:{machine.env['PATH']}"}
        with running_daemon(env, "--profile", "everyday") as daemon:
            for line in TEAM:
                done = shell(line, env, tmp_path)
                assert done.returncode == 0, (line, done.stderr)
            assert daemon.wait_for("model_changed", model="qwen3-coder-30b", state="released")


@pytest.mark.real
def test_python_and_json_over_the_socket(daemon: DaemonProcess, env: dict[str, str], home: Path) -> None:
    (program,) = blocks("python")
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "144" in done.stdout
    (request,) = blocks("json")
    with socket.socket(socket.AF_UNIX) as client, client.makefile("rw") as lines:
        client.connect(str(home / "run" / "voxspark" / "voxspark.sock"))
        lines.write(request)
        lines.flush()
        answers = [json.loads(lines.readline()) for _ in range(2)]
    assert answers[-1]["result"]["outcome"] == "answered"


@pytest.mark.real
def test_shutdown(env: dict[str, str], home: Path) -> None:
    other = {**env, "VOXSPARK_CONTROL__SOCKET": str(home / "other.sock")}
    with running_daemon(other) as daemon:
        assert shell("voxspark shutdown", other, home).returncode == 0
        daemon.wait_for("stopping")


def test_every_other_command_names_things_that_exist() -> None:
    """Installing and pulling cannot be repeated here: what these commands name is compared with what CI installs."""
    packages = (ROOT / "tests" / "debian-packages.txt").read_text().split()
    pinned = dict(re.findall(r"^([\w-]+)==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    for line in COMMANDS:
        words = shlex.split(line, comments=True)
        match words:
            case ["make", target]:
                assert (
                    subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, check=False).returncode == 0
                )
            case ["sudo", "apt-get", "install", *names]:
                assert set(names) <= set(packages)
            case ["ollama", "pull", tag]:
                assert load_catalogue().find(tag).id == tag
            case ["pip", "install", "--no-deps", *pins]:
                assert all(pinned[name] == version for name, version in (pin.split("==") for pin in pins))
            case ["pip", "install", "voxspark[embedded,web,calendar,desktop,eyes,documents]"]:
                assert "embedded = [" in (ROOT / "pyproject.toml").read_text()
            case _:
                assert words[0] == "voxspark", f"nothing tests: {line}"


def test_the_configuration_loads(tmp_path: Path) -> None:
    for number, toml in enumerate(blocks("toml")):
        (tmp_path / f"{number}.toml").write_text(toml)
        config = load_config(tmp_path / f"{number}.toml", {})
        assert config.model_fields_set


def test_the_event_table_is_complete() -> None:
    table = README.split("## Events")[1].split("## The socket")[0]
    rows = " ".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))
    classes = [value for value in vars(events).values() if isinstance(value, type) and issubclass(value, events.Event)]
    assert set(re.findall(r"`(\w+)`", rows)) == {kind.name() for kind in classes if kind is not events.Event}
