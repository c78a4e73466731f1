"""The doctor: every check, every fix, and the command."""

from __future__ import annotations

import io
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner, Result

import voxspark
from tests.daemon_process import private_env
from tests.ollama_machine import OllamaMachine, ollama_machine
from tests.ollama_prompt import Renders, render
from tests.ollama_server import Refusal
from voxspark.cli import cli
from voxspark.config import Config, load_config, socket_path
from voxspark.control.server import claim
from voxspark.doctor import memory as memory_module
from voxspark.doctor.check import Check, Finding, work_through
from voxspark.doctor.check import Result as Line
from voxspark.doctor.memory import memory_checks
from voxspark.doctor.models import PROBE, PROBE_NAME, judged
from voxspark.doctor.report import Progress, line
from voxspark.doctor.speech import incomplete
from voxspark.engines.registry import EngineSpec
from voxspark.errors import ToolError
from voxspark.files import config_folder
from voxspark.kit import database_path
from voxspark.memory.database import Database, open_database
from voxspark.memory.note_store import SqliteNoteStore
from voxspark.memory.schema import MIGRATIONS
from voxspark.roster import make_roster
from voxspark.vram.probes import Machine
from voxspark.vram.state import GIB, Budget


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("VOXSPARK_", "XDG_"))]:
        monkeypatch.delenv(name)
    for name, value in private_env(tmp_path).items():
        monkeypatch.setenv(name, value)
    for device in ("MICROPHONE", "SPEAKER"):
        monkeypatch.setenv(f"VOXSPARK_DEVICES__{device}", "null")
    return tmp_path


def doctor(*words: str) -> Result:
    result = CliRunner().invoke(cli, ["doctor", *words], prog_name="voxspark")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def findings(*words: str) -> dict[str, dict[str, str]]:
    """By name."""
    rows = [json.loads(each) for each in doctor("--json", *words).stdout.splitlines()]
    return {row["check"]: row for row in rows}


async def _results(checks: list[Check], fix: bool) -> list[Line]:
    return [result async for result in work_through(checks, fix=fix)]


def worked(checks: list[Check], *, fix: bool = False) -> dict[str, Line]:
    return {result.name: result for result in anyio.run(_results, checks, fix)}


# ── the frame ───────────────────────────────────────────────────────────────────────────────────


def test_what_is_broken_is_put_right_and_looked_at_again() -> None:
    well: list[str] = []

    async def run() -> Finding:
        return Finding("ok" if well else "problem", "it", "mend it")

    async def fix() -> str:
        well.append("yes")
        return "mended"

    async def breaks() -> Finding:
        raise ToolError("x", "It is gone.", "Look for it.")

    async def cannot() -> str:
        raise ToolError("x", "No.", "Not now.")

    checks = [Check("a", run, fix), Check("b", breaks, cannot), Check("c", breaks)]
    assert worked(checks)["a"] == Line("a", Finding("problem", "it", "mend it"))
    done = worked(checks, fix=True)
    assert done["a"] == Line("a", Finding("ok", "it", "mend it"), "mended")
    assert done["b"].finding == Finding("broken", "It is gone.", "No. Not now.")
    assert done["c"].finding == Finding("broken", "It is gone.", "Look for it.")
    assert done["a"].to_json() == {"check": "a", "state": "ok", "detail": "it", "remedy": "mend it", "fixed": "mended"}


def test_a_line_tells_what_to_do_below_it() -> None:
    told = line(Line("disk", Finding("broken", "full", "Free some.\nNow."), "Tried.")).splitlines()
    assert told[0].split() == ["BROKEN", "disk", "full"]
    assert [each.strip() for each in told[1:]] == ["Tried.", "Free some.", "Now."]


def test_a_long_line_is_wrapped_below_itself_and_a_command_is_not() -> None:
    long, command = "a word and another " * 6, f"Run: {'x ' * 60}y"
    told = line(Line("ollama settings", Finding("problem", long, f"{command}\n{long}")), 80).splitlines()
    assert {len(each) - len(each.lstrip()) for each in told[1:]} == {told[0].index("a word")}
    assert [each.strip() for each in told if len(each) > 80] == [command]
    assert line(Line("disk", Finding("ok", long))).count("\n") == 0


def test_what_cannot_be_looked_at_is_a_finding_and_the_rest_goes_on() -> None:
    async def denied() -> Finding:
        raise PermissionError(13, "Permission denied", "/root/x")

    found = worked([Check("a", denied)])["a"].finding
    assert (found.state, found.detail) == ("problem", "cannot be looked at: [Errno 13] Permission denied: '/root/x'")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_for_terminals() -> None:
    shown, file = Terminal(), io.StringIO()
    for stream in (shown, file):
        with Progress(stream) as progress:
            progress.begin("disk")
    assert "disk" in shown.getvalue()
    assert shown.getvalue().endswith("\r\x1b[K")
    assert file.getvalue() == ""


# ── the whole ───────────────────────────────────────────────────────────────────────────────────


IN_ORDER = """packages, configuration, secrets, machine, memory, backups, disk, file modes, engines, ears, voice, sound,
microphone, speaker, echo, hotkey, socket, leaves, service, daemon""".replace("\n", " ").split(", ")


def test_all_is_well_on_a_new_machine() -> None:
    result = doctor()
    assert result.exit_code == 0, result.output
    assert {each.split()[0] for each in result.stdout.splitlines()} == {"OK"}
    assert "does not run" in result.stdout
    assert [each[9:25].strip() for each in result.stdout.splitlines()] == IN_ORDER
    assert not database_path().exists()


def test_a_configuration_that_does_not_load_leaves_the_other_checks(home: Path) -> None:
    file = home / "config" / "voxspark" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("[lissening]\n")
    result = doctor()
    assert result.exit_code == 1
    assert "BROKEN   configuration" in result.stdout
    assert "OK       memory" in result.stdout


def test_engines_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXSPARK_VOICE__ENGINE", "f5_tts_nonsense")
    found = findings()["engines"]
    assert found["state"] == "broken"
    assert found["remedy"]


def test_who_hears_and_speaks_is_told() -> None:
    found = findings()
    assert found["ears"]["state"] == found["voice"]["state"] == "ok"
    assert found["ears"]["detail"].startswith(
        "Whisper tiny (bundled) (faster_whisper, licence: MIT), the choice of the"
    )
    assert found["ears"]["detail"].endswith("; on the processor: there is no graphics card")
    assert "Hibari (hibari, licence: " in found["voice"]["detail"]
    assert found["voice"]["detail"].endswith("; made for the processor")


def test_own_choices_are_told_as_such_and_a_folder_is_no_name_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXSPARK_TRANSCRIBER__MODEL", "bundled:base")
    monkeypatch.setenv("VOXSPARK_VOICE__ENGINE", "csm")
    monkeypatch.setenv("VOXSPARK_VOICE__MODEL", "/nowhere/csm")
    found = findings()
    assert ", as configured; " in found["ears"]["detail"]
    assert found["voice"]["remedy"].endswith("there are no weights for it in /nowhere/csm.")


def voices(**voice: object) -> Finding | None:
    """What is missing of these on a machine with much memory."""
    config = Config.model_validate({"voice": voice})
    roster = make_roster(config, Machine("host", Budget(total_bytes=64 * GIB, floor_bytes=GIB), "A machine."))
    return incomplete(config, roster, "voice")


@pytest.mark.parametrize(
    ("engine", "files", "fallback", "state", "remedy"),
    [
        ("csm", (), [], "broken", "a config.json"),
        ("f5_tts", (), [], "broken", "a vocab.txt"),
        ("f5_tts", ("vocab.txt",), [], "broken", "Run: hf download charactr/vocos-mel-24khz"),
        ("f5_tts", ("vocab.txt",), ["hibari"], "problem", "Run: hf download charactr/vocos-mel-24khz"),
    ],
)
def test_weights_that_are_missing_are_told_before_the_daemon_runs(
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
    engine: str,
    files: tuple[str, ...],
    fallback: list[str],
    state: str,
    remedy: str,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(EngineSpec, "missing", lambda _spec: [])
    for file in files:
        (home / file).touch()
    found = voices(engine=engine, model=str(home), voice="dashwood", fallback=fallback)
    assert found is not None
    assert (found.state, remedy in found.remedy) == (state, True)


def test_ears_without_weights_are_told_with_what_brings_them(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setenv("VOXSPARK_TRANSCRIBER__ENGINE", "sense_voice")
    found = findings()["ears"]
    assert (found["state"], found["detail"]) == ("problem", "The SenseVoice model is not on this machine.")
    assert "Run: hf download csukuangfj/" in found["remedy"]


def test_a_voice_of_a_language_without_weights_is_told() -> None:
    assert voices() is None
    found = voices(languages={"de": {"engine": "piper", "model": "/nowhere/thorsten.onnx"}})
    assert found is not None
    assert (found.state, found.detail) == ("problem", "for de: There is no Piper voice /nowhere/thorsten.onnx.")
    assert ".onnx.json beside it" in found.remedy


def test_a_mistake_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXSPARK_VOICE__ENGINE", "hibary")
    found = findings()
    assert [name for name, each in found.items() if each["state"] == "broken"] == ["engines"]


def test_better_ears_are_named_with_what_keeps_them_away(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("VOXSPARK_PROFILE", "mine")
    embedded = (Path(voxspark.__file__).parent / "vram" / "profiles" / "embedded.toml").read_text()
    large = 'model = "whisper-turbo"\nalternatives = ["whisper-tiny"]'
    (config_folder() / "profiles").mkdir(parents=True)
    (config_folder() / "profiles" / "mine.toml").write_text(embedded.replace('model = "whisper-tiny"', large))
    found = findings()["ears"]
    assert found["state"] == "problem"
    assert found["detail"].startswith("Whisper tiny")
    assert found["remedy"] == "Better would be Whisper large-v3-turbo: it needs a graphics card."


def test_a_daemon_that_hangs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxspark.doctor.running.ANSWER_SECONDS", 0.05)
    with claim(socket_path(load_config())):
        found = findings()
    assert found["daemon"]["state"] == "broken"
    assert "does not answer" in found["daemon"]["detail"]


# ── the memory ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def path() -> Path:
    return database_path()


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    with closing(open_database(path, MIGRATIONS)) as database:
        yield database


async def _take(database: Database, number: int) -> None:
    for each in range(number):
        await SqliteNoteStore(database).put(float(each), f"note {each} {'x' * 60}")


def with_notes(database: Database, number: int = 300) -> None:
    anyio.run(_take, database, number)
    database.close()


def damage(path: Path) -> None:
    at = path.read_bytes().index(b"note 150 ") // 4096 * 4096
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\0" * 4096)


def test_a_sound_memory_also_while_it_is_used(path: Path, database: Database) -> None:
    anyio.run(database.back_up, date.today())
    found = findings()
    assert {name: row["state"] for name, row in found.items()} == dict.fromkeys(found, "ok")
    assert "MB, meanings compared by numpy" in found["memory"]["detail"]
    assert found["backups"]["detail"].startswith("1, the newest of ")


def test_what_compares_meanings_is_told(path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def distance(one: bytes, other: bytes) -> float:
        return 0.4

    def prepare(connection: sqlite3.Connection) -> None:
        connection.create_function("vec_distance_cosine", 2, distance)

    monkeypatch.setattr(memory_module, "load_extension", prepare)
    assert worked(memory_checks(path))["memory"].finding.detail.endswith("by numpy and sqlite-vec")
    monkeypatch.setattr(memory_module, "load_extension", lambda _: None)
    assert worked(memory_checks(path))["memory"].finding.detail.endswith("by numpy")


def test_a_damaged_memory_is_repaired_and_the_file_kept(path: Path, database: Database) -> None:
    with_notes(database)
    damage(path)
    result = doctor()
    assert result.exit_code == 1
    assert "My memory is damaged" in result.stdout
    assert "doctor --fix" in result.stdout
    assert not list(path.parent.glob("*.corrupt-*")), "looking changes nothing"
    result = doctor("--fix")
    assert result.exit_code == 0
    assert "I saved what could be read" in result.stdout
    assert len(list(path.parent.glob("*.corrupt-*"))) == 1
    with closing(open_database(path, MIGRATIONS)) as again:
        assert again.failure is None
        assert len(anyio.run(SqliteNoteStore(again).all)) > 200
    assert doctor().exit_code == 0


def test_a_damaged_memory_that_is_in_use_is_left_alone(path: Path, database: Database) -> None:
    anyio.run(_take, database, 300)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage(path)
    found = findings("--fix")["memory"]
    assert found["state"] == "broken"
    assert "voxspark shutdown" in found["remedy"]
    assert not list(path.parent.glob("*.corrupt-*"))


def test_an_emptied_memory_and_one_of_the_future(path: Path, database: Database) -> None:
    anyio.run(database.back_up, date.today())
    with_notes(database)
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version=99")
    found = findings("--fix")["memory"]
    assert (found["state"], "newer version" in found["detail"]) == ("broken", True)
    path.write_bytes(b"")
    assert findings()["memory"]["state"] == "broken"
    assert "went back to" in findings("--fix")["memory"]["fixed"]


def test_a_memory_that_cannot_be_written_or_is_locked(path: Path, database: Database) -> None:
    with_notes(database)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=DELETE")
        assert worked(memory_checks(path))["memory"].finding.state == "problem"
        assert worked(memory_checks(path), fix=True)["memory"].finding.state == "ok"


def test_backups_that_are_missing_old_or_damaged(path: Path, database: Database) -> None:
    assert findings()["backups"]["detail"] == "there is no backup"
    anyio.run(database.back_up, date.today() - timedelta(9))
    assert findings()["backups"]["state"] == "problem"
    found = findings("--fix")["backups"]
    assert (found["state"], found["fixed"]) == ("ok", "There is a backup of today.")
    for backup in path.parent.glob("*.backup-*"):
        backup.write_bytes(b"garbage" * 999)
    assert findings()["backups"]["detail"] == "there is no sound backup"


def test_files_that_others_may_read(path: Path, database: Database, home: Path) -> None:
    path.chmod(0o644)
    path.parent.chmod(0o755)
    found = findings()["file modes"]
    assert (found["state"], found["detail"]) == ("problem", f"others may use {path.parent} and 1 more")
    assert findings("--fix")["file modes"]["state"] == "ok"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("free", "state"), [(None, "ok"), (10 << 30, "ok"), (10 << 20, "problem"), (10, "broken")])
def test_room_on_the_disk(path: Path, monkeypatch: pytest.MonkeyPatch, free: int | None, state: str) -> None:
    monkeypatch.setattr(memory_module, "free_bytes", lambda _: free)
    assert worked(memory_checks(path))["disk"].finding.state == state


# ── Ollama ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaMachine]:
    (tmp_path / "spark").mkdir()
    with ollama_machine(tmp_path / "spark") as machine:
        for name in ("VOXSPARK_CHAT__HOST", "VOXSPARK_PLAN__PROC"):
            monkeypatch.setenv(name, machine.env[name])
        monkeypatch.setenv("VOXSPARK_PROFILE", "ollama")
        yield machine


def test_ollama_that_has_everything(machine: OllamaMachine) -> None:
    machine.pull("qwen3-8b")
    found = findings()
    assert {name: row["state"] for name, row in found.items()} == dict.fromkeys(found, "ok"), found
    assert found["ollama"]["detail"].startswith("version 0.33.0 at ")
    assert found["models"]["detail"] == "qwen3:8b"
    assert found["tools"]["detail"] == "Qwen3 8B sees tools as JSON"
    (asked,) = machine.server.chats
    assert asked["keep_alive"] == "5m"
    findings()
    assert machine.server.loads == 1, "the same options"


@pytest.mark.parametrize(
    ("how", "state", "words"),
    [
        ("go", "problem", "as Go prints a struct"),
        ("nothing", "problem", "does not see tools"),
        ("own", "ok", "in its own way"),
        ("unknown", "ok", "cannot be told"),
    ],
)
def test_how_tools_reach_the_model(machine: OllamaMachine, how: Renders, state: str, words: str) -> None:
    machine.pull("qwen3-8b")
    machine.server.renders = how
    found = findings()["tools"]
    assert found["state"] == state
    assert words in found["detail"]
    assert ("OLLAMA_GO_TEMPLATE=0" in found["remedy"]) == (state == "problem")
    assert doctor().exit_code == 0


def test_ollama_that_lacks_the_model_fails_or_is_away(machine: OllamaMachine) -> None:
    found = findings()
    assert (found["models"]["state"], found["models"]["detail"]) == ("broken", "not pulled: qwen3:8b")
    assert found["models"]["remedy"] == "Run: voxspark models pull --profile ollama"
    assert found["tools"]["detail"].startswith("cannot be told")
    machine.pull("qwen3-8b")
    machine.server.script.append(Refusal(500, "broken"))
    machine.server.renders = "unknown"
    assert findings()["tools"]["state"] == "ok"
    machine.call(machine.server.stop)
    found = findings()
    assert (found["ollama"]["state"], found["models"]["state"]) == ("broken", "ok")
    assert doctor().exit_code == 1


def test_the_automatic_profile_does_without_ollama(machine: OllamaMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.call(machine.server.stop)
    monkeypatch.setenv("VOXSPARK_PROFILE", "auto")
    found = findings()
    assert found["ollama"]["state"] == "ok"
    assert "does without" in found["ollama"]["detail"]


def test_a_prompt_is_judged_by_what_is_in_it() -> None:
    request = {"messages": [], "tools": [PROBE]}
    assert judged(render(request, "json"), "M").state == "ok"
    assert judged(json.dumps(PROBE["function"]), "M").detail == "M sees tools as JSON"
    assert judged(f'{{"name": "{PROBE_NAME}", "arguments": {{}}}}', "M").detail == "M sees tools in its own way"
    assert judged("{ {{ broken", "M").state == "problem"
    assert judged("", "M").state == "ok"
