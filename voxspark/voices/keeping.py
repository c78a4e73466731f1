"""A voice of the user's own is written, whole or not at all; and one that is there is looked over."""

from __future__ import annotations

import difflib
import json
import re
import tempfile
from pathlib import Path

from voxspark.audio import read_wav, wav_bytes
from voxspark.errors import ConfigError, DeviceError
from voxspark.types import Pcm
from voxspark.voices.recording import Problem, examine
from voxspark.voices.shelf import own_folder, shelf
from voxspark.voices.voice import FILE, Voice, read_voice

CLONERS = ("f5_tts", "csm", "cosyvoice")
"""Engines of ours that speak like a recording."""

RECORDING = "reference.wav"

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")

LEAST_AGREEMENT = 0.7
"""Of the words of a transcript with those that a small Whisper hears. It mishears one in ten, and most names."""


def place_for(name: str, *, replace: bool = False) -> Path:
    """The folder of a voice to be. Raises ConfigError for a name that is taken, or cannot be one."""
    if not NAME.fullmatch(name):
        raise ConfigError(
            "voice-name",
            f"A voice cannot be called {name!r}.",
            "Take small letters, digits, - and _, at most 40, a letter or digit first.",
        )
    folder = own_folder() / name
    if not replace and (folder.exists() or name in shelf().voices):
        raise ConfigError("voice-exists", f"There is a voice {name} already.", "Use another name, or --force.")
    return folder


def keep(voice: Voice, clip: Pcm, sample_rate_hz: int) -> Voice:
    """Write its folder, in the place of one that is there, and read it back. Raises ConfigError."""
    home = voice.folder.parent
    try:
        for folder in (home.parent, home):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent, prefix="voice-") as place:
            new = Path(place) / "new"
            new.mkdir(mode=0o700)
            for name in (RECORDING, FILE):
                (new / name).touch(0o600)
            (new / RECORDING).write_bytes(wav_bytes(clip, sample_rate_hz))
            (new / FILE).write_text(as_toml(voice), "utf-8")
            _swap(new, voice.folder, Path(place) / "old")
    except OSError as error:
        raise ConfigError(
            "voice-not-kept", f"{voice.folder} cannot be written.", f"Check the disk and who owns it ({error})."
        ) from error
    return read_voice(voice.folder)


def _swap(new: Path, folder: Path, old: Path) -> None:
    """Put one folder in the place of another, which stays if that fails."""
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise


def as_toml(voice: Voice) -> str:
    """Its `voice.toml`."""
    lines = [f"{key} = {_quoted(getattr(voice, key))}" for key in ("title", "language", "licence", "source")]
    lines += ["", "[engines]", *(f"{_quoted(engine)} = {_quoted(name)}" for engine, name in voice.engines.items())]
    if voice.reference:
        lines += ["", "[reference]"]
        lines += [f"file = {_quoted(voice.reference.file)}", f"text = {_quoted(voice.reference.text)}"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """TOML's strings are JSON's, but for one control character, and for bytes that are no text."""
    return json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")


# ── looking over ────────────────────────────────────────────────────────────────────────────────


def problems_of(voice: Voice, heard: str | None = None) -> list[Problem]:
    """Why it should not be used; `heard` is what Whisper makes of its recording, to compare its transcript with."""
    found = []
    if not voice.engines:
        found.append(
            Problem("voice-no-engine", "It names no engine.", f"Add one to [engines] in {voice.folder / FILE}.")
        )
    if not voice.licence.strip() or not voice.source.strip():
        found.append(
            Problem(
                "voice-no-licence", "It does not say whose it is.", f"Add licence and source to {voice.folder / FILE}."
            )
        )
    if (recording := voice.recording) is None:
        return found
    try:
        found += examine(*read_wav(recording)).problems
    except DeviceError as error:
        return [*found, Problem(error.code, error.message, error.remedy)]
    if heard is not None and voice.reference and agreement(voice.reference.text, heard) < LEAST_AGREEMENT:
        remedy = f"Correct reference.text in {voice.folder / FILE}; an engine that is told other words speaks badly."
        found.append(Problem("voice-other-words", f"What is heard in it is rather: {heard or 'nothing'}", remedy))
    return found


def agreement(text: str, heard: str) -> float:
    """0..1: how many words of two texts are the same, in the same order."""
    return difflib.SequenceMatcher(None, _words(text), _words(heard), autojunk=False).ratio()


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
