"""A Piper voice as it lies on the disk: `NAME.onnx`, and `NAME.onnx.json` that says what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voxspark.config_speech import VoiceSettings
from voxspark.errors import SynthesizerError
from voxspark.voices import shelf
from voxspark.voices.shelf import Chosen


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Audio(_Table):
    sample_rate: int = Field(ge=8_000, le=192_000)


class _Espeak(_Table):
    voice: str = Field("en-us", pattern=r"^[A-Za-z0-9][\w+-]*$")


class _Inference(_Table):
    noise_scale: float = 0.667
    length_scale: float = 1.0
    noise_w: float = 0.8


class PiperConfig(_Table):
    """The keys that matter of a voice's JSON file (rhasspy/piper, OHF-Voice/piper1-gpl)."""

    audio: _Audio
    phoneme_id_map: dict[str, list[int]]
    espeak: _Espeak = _Espeak()
    inference: _Inference = _Inference()
    phoneme_type: Literal["espeak", "text"] = "espeak"
    num_speakers: int = 1
    speaker_id_map: dict[str, int] = Field(default_factory=dict)

    @property
    def language(self) -> str:
        """ISO 639-1."""
        return self.espeak.voice.partition("-")[0]


def choose_piper(settings: VoiceSettings) -> tuple[Path, Chosen]:
    """The model, and how the library knows the voice. Raises SynthesizerError `piper-no-voice`.

    `voice.model` names it; else it lies in the folder of a voice of the library, which names the file as its `piper`.
    """
    chosen = shelf().choose("piper", settings.voice)
    if settings.model:
        path = Path(settings.model).expanduser()
    elif chosen.voice and chosen.name.endswith(".onnx"):
        path, chosen = chosen.voice.folder / chosen.name, Chosen("", chosen.voice)
    else:
        raise _no_voice("Piper has no voice of its own.")
    if path.is_dir():
        path = min(path.glob("*.onnx"), default=path)
    if not path.is_file():
        raise _no_voice(f"There is no Piper voice {path}.")
    return path, chosen


def read_piper(model: Path) -> PiperConfig:
    """What the file beside the model says. Raises SynthesizerError `piper-no-voice` and `piper-unreadable`."""
    file = model.with_name(f"{model.name}.json")
    try:
        return PiperConfig.model_validate_json(file.read_bytes())
    except OSError as error:
        raise _no_voice(f"The Piper voice {model.name} has no {file.name} beside it.") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise SynthesizerError(
            "piper-unreadable", f"The Piper voice {model.name} cannot be used.", f"{file}: {key}: {first['msg']}."
        ) from error


def find_piper(settings: VoiceSettings) -> tuple[Path, PiperConfig]:
    """The model and what is said of it. Raises SynthesizerError `piper-no-voice` and `piper-unreadable`."""
    model, _ = choose_piper(settings)
    return model, read_piper(model)


def _no_voice(message: str) -> SynthesizerError:
    return SynthesizerError(
        "piper-no-voice", message, "Set voice.model to an .onnx file that has its .onnx.json beside it."
    )
