"""A voice: a folder with a `voice.toml`, and a recording where it is to be cloned.

title = "Beckett"
language = "en"
licence = "CC0-1.0"
source = "Where the recording is from"
speed = 1.0

[engines]          # what each engine calls it; empty where it clones the recording
hibari = "heart"
f5_tts = ""

[reference]
file = "reference.wav"
text = "Exactly what is said in it."
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voxspark.errors import ConfigError

FILE = "voice.toml"


class Reference(BaseModel):
    """The recording that a voice is cloned from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    """In the voice's folder: a mono WAV of some 3 to 12 s."""
    text: str = Field(min_length=1)
    """What is said in it, word by word."""


class Voice(BaseModel):
    """One voice of the library."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """Of its folder; by which it is chosen."""
    folder: Path
    title: str
    """For people."""
    language: str = "en"
    """ISO 639-1."""
    engines: dict[str, str] = Field(default_factory=dict)
    """What each engine that can speak with it calls it; empty where it is cloned from the reference."""
    speed: float = Field(1.0, ge=0.5, le=2.0)
    """Its pace, on top of the speed in the configuration."""
    licence: str
    """Of the voice or its recording."""
    source: str
    reference: Reference | None = None

    @property
    def recording(self) -> Path | None:
        """The reference WAV."""
        return self.folder / self.reference.file if self.reference else None


def read_voice(folder: Path) -> Voice:
    """The voice in a folder. Raises ConfigError that names the file and the key."""
    path = folder / FILE
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError("voice-unreadable", f"{path} cannot be read ({error}).", "Correct or remove it.") from error
    try:
        voice = Voice.model_validate({**table, "name": folder.name, "folder": folder})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise ConfigError("voice-invalid", f"{path}: {key}: {first['msg']}.", "Correct that key.") from error
    if voice.recording and (voice.recording.parent != folder or not voice.recording.is_file()):
        raise ConfigError(
            "voice-no-recording", f"{path} names a recording that is not in its folder.", "Correct reference.file."
        )
    return voice
