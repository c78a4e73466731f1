"""`voxspark voices` as people and scripts meet it."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

from tests.daemon_process import VOXSPARK, private_env
from tests.sound_card import sound_card
from voxspark.audio import dbfs, read_wav, wav_bytes
from voxspark.cli import cli
from voxspark.cli_voices import adding
from voxspark.voices import shelf

VOICES = Path(__file__).parents[1] / "voices"
SPEECH, RATE_HZ = read_wav(VOICES / "dashwood" / "reference.wav")
TEXT = (
    "He was not an ill-disposed young man, unless to be rather cold-hearted and rather selfish is to be ill-disposed."
)
ADD = ("add", "ada", "--from", "take.wav", "--text", TEXT, "--speaker-consents")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No voices but the shipped ones, and a recording to make one of."""
    for name, value in private_env(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    Path("take.wav").write_bytes(wav_bytes(SPEECH, RATE_HZ))
    return tmp_path


def run(*words: str, answers: str = "", **env: str) -> Result:
    result = CliRunner(env=env).invoke(cli, ("voices", *words), prog_name="voxspark", input=answers)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody is there to be asked."""
    monkeypatch.setattr(adding, "somebody_is_there", lambda: True)


# ── list ────────────────────────────────────────────────────────────────────────────────────────


def test_list_shows_the_shipped_and_marks_the_one_in_force() -> None:
    lines = run("list").stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["catherine", "Catherine"],
        ["dashwood", "Dashwood"],
        ["*", "heart"],
    ]
    assert "hibari" in lines[3]
    assert "(kokoro)" in lines[3] or "kokoro" in lines[3]
    assert "Public domain" in lines[2]


def test_list_for_scripts(home: Path) -> None:
    run(*ADD)
    broken_home = home / ".local" / "share" / "voxspark" / "voices" / "broken"
    broken_home.mkdir()
    (broken_home / "voice.toml").write_text('title = "Broken"')
    *rows, failure = [json.loads(line) for line in run("list", "--json").stdout.splitlines()]
    by_name = {row["name"]: row for row in rows}
    assert set(by_name) == {"ada", "catherine", "dashwood", "heart"}
    assert by_name["heart"]["engines"]["hibari"] is True
    assert [by_name[name]["own"] for name in ("ada", "heart")] == [True, False]
    assert [by_name[name]["in_force"] for name in ("ada", "heart")] == [False, True]
    assert failure["error"]["code"] == "voice-invalid"
    shown = run("list").stdout
    assert "Left out:" in shown
    assert failure["error"]["remedy"] in shown


def test_what_may_not_be_sold_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from voxspark.engines import registry
    from voxspark.engines.registry import EngineSpec

    spec = EngineSpec(name="f5_tts", kind="tts", target="nowhere:nothing", licence="MIT; weights CC-BY-NC-4.0")
    monkeypatch.setattr(registry, "registry", lambda: {("tts", "f5_tts"): spec})
    monkeypatch.setattr("voxspark.checks.values_in_force", lambda config, pulled: {})
    shown = run("list").stdout
    assert "f5_tts is not for commercial use: MIT; weights CC-BY-NC-4.0." in shown
    assert "  f5_tts, (csm)" in shown


def test_names_are_completed() -> None:
    complete = ShellComplete(cli, {}, "voxspark", "_VOXSPARK_COMPLETE").get_completions
    assert [item.value for item in complete(["voices", "try"], "h")] == ["heart"]


# ── add ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_voice_is_added_and_said_how_to_use() -> None:
    done = run(*ADD, "--title", "Ada Lovelace", "--source", "Herself", "--licence", "CC0-1.0", "--engine", "f5_tts")
    assert done.exit_code == 0, done.output
    assert '[voice]\nengine = "f5_tts"\nvoice = "ada"\n' in done.stdout
    voice = shelf().voices["ada"]
    assert (voice.title, voice.licence, voice.language, voice.engines) == (
        "Ada Lovelace",
        "CC0-1.0",
        "en",
        {"f5_tts": ""},
    )
    assert voice.source.startswith("Herself, ")
    assert voice.reference
    assert voice.reference.text == TEXT
    assert voice.recording
    clip, rate = read_wav(voice.recording)
    assert rate == 24_000
    assert dbfs(clip) == pytest.approx(-21, abs=2)


def test_without_consent_nothing_is_cloned() -> None:
    done = run(*ADD[:-1])
    assert done.exit_code == 1
    assert "consent" in done.stderr
    assert "--speaker-consents" in done.stderr
    assert "ada" not in shelf().voices


@pytest.mark.usefixtures("terminal")
def test_consent_is_asked_for() -> None:
    assert run(*ADD[:-1], answers="n\n").exit_code == 1
    assert "ada" not in shelf().voices
    done = run(*ADD[:-1], answers="y\n")
    assert "Is this your own voice" in done.output
    assert "ada" in shelf().voices


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(("answers", "kept"), [("y\n", "what was heard"), ("n\nWhat I said.\n", "What I said.")])
def test_what_is_heard_is_asked_about(answers: str, kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hear(*_: object) -> list[str]:
        return ["what was heard"]

    monkeypatch.setattr(adding, "hear", hear)
    assert run("add", "ada", "--from", "take.wav", "--speaker-consents", answers=answers).exit_code == 0
    reference = shelf().voices["ada"].reference
    assert reference
    assert reference.text == kept


def test_without_words_nothing_is_cloned(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hear(*_: object) -> list[str]:
        return [""]

    monkeypatch.setattr(adding, "hear", hear)
    done = run("add", "ada", "--from", "take.wav", "--speaker-consents")
    assert (done.exit_code, "--text" in done.stderr) == (1, True)


TAKES = {
    "clipped": np.clip(SPEECH * 6, -1, 1),
    "silent": np.zeros(5 * RATE_HZ, np.float32),
    "0.4 s": SPEECH[: RATE_HZ * 4 // 10],
    "600": np.tile(SPEECH, 75)[: 600 * RATE_HZ],
}


@pytest.mark.parametrize(
    ("take", "says"),
    [
        ("clipped", "It is clipped: the loudest parts are cut off. Record again with the microphone turned down"),
        ("silent", "There is no sound in it, or hardly any. Check the microphone"),
        ("0.4 s", "There are 0.3 s of speech in it, and it takes 3 to 12 s of speech. Read a whole sentence"),
        ("600", "It is 600.0 s long, and it takes 3 to 12 s of speech. Cut out one or two sentences"),
    ],
)
def test_a_bad_recording_is_refused_with_the_reason(take: str, says: str) -> None:
    Path("take.wav").write_bytes(wav_bytes(TAKES[take], RATE_HZ))
    done = run(*ADD)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"voxspark: {says}")
    assert "ada" not in shelf().voices


def test_a_file_of_floats_is_refused_with_a_way_out() -> None:
    header = bytearray(wav_bytes(SPEECH, RATE_HZ))
    header[20:22] = (3).to_bytes(2, "little")
    Path("take.wav").write_bytes(bytes(header))
    done = run(*ADD)
    assert done.exit_code == 4
    assert "Convert it: sox" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("add", "ada"), "Name a recording with --from, or make one with --record."),
        (("add", "ada", "--from", "take.wav", "--record"), "Name a recording with --from"),
        (("add", "ada", "--from", "missing.wav"), "does not exist"),
        (("add", "../ada", *ADD[2:]), "A voice cannot be called '../ada'."),
        (("add", "heart", *ADD[2:]), "There is a voice heart already."),
        (("add", "ada", "--record", "1"), "3<=x<=30"),
        ((*ADD, "--language", "German"), "take a code like en or de"),
        (("try", "haert"), "Did you mean heart?"),
        (("try", "heart", "--text", "…"), "there is nothing to say"),
        (("check", "nobody"), "There is no voice nobody"),
    ],
)
def test_wrong_usage_is_told(words: tuple[str, ...], says: str) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert says in done.stderr


def test_force_puts_another_in_its_place() -> None:
    run(*ADD)
    assert run(*ADD, "--title", "Another").exit_code == 2
    assert run(*ADD, "--title", "Another", "--force").exit_code == 0
    assert shelf().voices["ada"].title == "Another"


def test_a_voice_is_recorded() -> None:
    source = {"VOXSPARK_DEVICES__MICROPHONE": "file:take.wav", "VOXSPARK_DEVICES__FAST": "true"}
    done = run("add", "ada", "--record", "--text", TEXT, "--speaker-consents", **source)
    assert done.exit_code == 0, done.output
    assert "The north wind and the sun" in done.stdout
    assert "ada" in shelf().voices


# ── check, try ──────────────────────────────────────────────────────────────────────────────────


def test_check_says_what_is_wrong_and_fails(home: Path) -> None:
    run(*ADD)
    (home / ".local" / "share" / "voxspark" / "voices" / "ada" / "reference.wav").write_bytes(b"")
    (home / ".local" / "share" / "voxspark" / "voices" / "other").mkdir()
    (home / ".local" / "share" / "voxspark" / "voices" / "other" / "voice.toml").write_text("?")
    done = run("check", "heart", "ada")
    assert done.exit_code == 1
    assert "heart: good" in done.stdout
    assert "ada: " in done.stdout
    assert "is not a PCM WAV file" in done.stdout


def test_try_says_who_could_speak_as_it() -> None:
    done = run("try", "heart", "--engine", "espeak")
    assert done.exit_code == 5
    assert done.stderr == "voxspark: espeak cannot speak as Heart. It is a voice for hibari, kokoro.\n"


@pytest.mark.real
def test_a_voice_is_heard_and_cloned_and_checked(home: Path) -> None:
    """From one engine's speech to a voice of one's own, with Whisper for what is said."""
    said = "Good morning. The kettle is on, the bread is fresh, and there is honey on the table for everybody."
    done = run("try", "heart", "--text", said, "--output", "take.wav")
    assert done.exit_code == 0, done.output
    done = run("add", "ada", "--from", "take.wav", "--speaker-consents")
    assert done.exit_code == 0, done.output
    reference = shelf().voices["ada"].reference
    assert reference
    assert "honey on the table" in reference.text
    assert run("check").stdout.splitlines() == ["ada: good", "catherine: good", "dashwood: good", "heart: good"]
    toml = home / ".local" / "share" / "voxspark" / "voices" / "ada" / "voice.toml"
    toml.write_text(toml.read_text().replace(reference.text, "Quite another sentence stands here."))
    wrong = run("check", "ada")
    assert wrong.exit_code == 1
    assert "What is heard in it is rather: Good morning" in wrong.stdout


@pytest.mark.real
def test_a_voice_is_recorded_from_a_sound_card_and_played_on_it(home: Path) -> None:
    with sound_card() as card:
        env = {**private_env(home), **card.env, "HOME": str(home), "XDG_RUNTIME_DIR": card.env["XDG_RUNTIME_DIR"]}
        words = ("voices", "add", "ada", "--record", "4", "--text", TEXT, "--speaker-consents")
        recording = subprocess.Popen([*VOXSPARK, *words], env=env, stdout=subprocess.PIPE, text=True)
        assert recording.stdout
        assert recording.stdout.readline() == "Read this aloud:\n"
        speaking = threading.Thread(target=card.play_into_microphone, args=(home / "take.wav",))
        speaking.start()
        told, _ = recording.communicate(timeout=60)
        speaking.join()
        assert recording.returncode == 0, told
        recorder = card.start_recording()
        subprocess.run([*VOXSPARK, "voices", "try", "heart", "--text", "Hello there."], env=env, check=True, timeout=60)
        assert recorder.stop().loud_seconds() > 0.4
