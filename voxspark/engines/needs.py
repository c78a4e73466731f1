"""What engines need and can do where that depends on their settings, or takes a look at their files."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from voxspark.config import ChatSettings
from voxspark.config_speech import TranscriberSettings, VoiceSettings
from voxspark.config_tools import ImageSettings
from voxspark.engines.registry import Need
from voxspark.engines.tts.piper_voice import choose_piper, read_piper
from voxspark.errors import SynthesizerError

MIB = 1 << 20

TORCH_BYTES = 700 * MIB
"""Resident memory of a process with torch and transformers (measured)."""

WHISPER_MIB = {"tiny": 150, "base": 260, "small": 640, "medium": 1_900, "large-v3": 4_600, "large-v3-turbo": 2_500}
"""By model size: int8 on a CPU for the small ones (measured), float16 on a GPU for the large (facts/models.csv)."""

CONTEXT_TOKEN_BYTES = 144 << 10
"""Keys and values of one context token in llama.cpp: Qwen3-8B's 36 layers of 8 heads of 128, float16."""

UNKNOWN_GGUF_BYTES = 6_000 * MIB
"""Taken for a GGUF file that is not there yet: about an 8B model in 4 bits, with its context."""

UNKNOWN_PIPELINE_BYTES = 34_000 * MIB
"""Taken for a pipeline that is not in a folder of its own: FLUX.1 in 16 bits."""

PAINTING_BYTES = 3_000 * MIB
"""Activations of a picture of a megapixel and the CUDA context (facts/models.csv)."""

F5_BYTES = 2_500 * MIB
"""F5-TTS: on a CPU 1.9 GB in float32 (measured) and activations; on a GPU half the weights, and the CUDA context."""

CSM_FILE_BYTES = 5_930 * MIB
"""Taken for weights in the hub's cache: the float32 file of sesame/csm-1b (facts/models.csv)."""

CSM_WORKING_BYTES = 1_800 * MIB
"""CUDA context, graphs, caches of 2,048 positions and the codec in float32 (facts/models.csv)."""

UNKNOWN_PIPER_BYTES = 63 * MIB
"""Taken for a Piper voice that is not there: the file of one of medium quality."""

PIPER_BYTES = 380 * MIB
"""Pronunciation and activations of the longest piece, beside the weights (measured)."""


# ── ears ────────────────────────────────────────────────────────────────────────────────────────


def whisper_need(settings: TranscriberSettings) -> Need:
    """By the size in its name."""
    name = settings.model.removeprefix("bundled:").rpartition("faster-whisper-")[2].removesuffix(".en")
    mib = WHISPER_MIB.get(name, 1_000)
    return Need(cpu_bytes=mib * MIB) if settings.device != "cuda" else Need(cpu_bytes=300 * MIB, gpu_bytes=mib * MIB)


def torch_whisper_need(settings: TranscriberSettings) -> Need:
    """By the size in its name."""
    mib = WHISPER_MIB.get(settings.model.rpartition("whisper-")[2].removesuffix(".en"), 2_500)
    if settings.device == "cpu":
        return Need(cpu_bytes=(mib * 3 // 2 + 250) * MIB)  # the large ones in float32: 3.9 and 7.0 GB measured
    return Need(cpu_bytes=TORCH_BYTES, gpu_bytes=mib * MIB)


# ── voices ──────────────────────────────────────────────────────────────────────────────────────


def csm_need(settings: VoiceSettings) -> Need:
    """In float32 on a CPU, as in its file; in half of that on a GPU."""
    weights = weights_bytes(settings.model, "*.safetensors") or CSM_FILE_BYTES
    if settings.device == "cpu":
        return Need(cpu_bytes=weights + TORCH_BYTES)
    return Need(cpu_bytes=TORCH_BYTES, gpu_bytes=weights // 2 + CSM_WORKING_BYTES)


def f5_need(settings: VoiceSettings) -> Need:
    """The same for all of its models, which differ little."""
    on_cpu = settings.device == "cpu"
    return Need(cpu_bytes=F5_BYTES) if on_cpu else Need(cpu_bytes=TORCH_BYTES, gpu_bytes=F5_BYTES)


def piper_need(settings: VoiceSettings) -> Need:
    """By the size of the voice's file."""
    try:
        model, _ = choose_piper(settings)
        weights = model.stat().st_size
    except (OSError, ValueError, SynthesizerError):
        weights = UNKNOWN_PIPER_BYTES
    return Need(cpu_bytes=weights + PIPER_BYTES)


def piper_languages(settings: VoiceSettings) -> Collection[str]:
    """The one its voice speaks; any when that is not known."""
    try:
        model, _ = choose_piper(settings)
        return (read_piper(model).language,)
    except SynthesizerError:
        return ()


# ── other models ────────────────────────────────────────────────────────────────────────────────


def llama_need(settings: ChatSettings) -> Need:
    """The file, and its context."""
    if settings.model.startswith("bundled:"):
        return Need(cpu_bytes=180 * MIB)
    try:
        weights = Path(settings.model).expanduser().stat().st_size
    except (OSError, ValueError):
        return Need(cpu_bytes=UNKNOWN_GGUF_BYTES)
    return Need(cpu_bytes=weights + settings.context_tokens * CONTEXT_TOKEN_BYTES)


def pipeline_need(settings: ImageSettings) -> Need:
    """The files of all its parts, and room to paint."""
    weights = weights_bytes(settings.model, "*/*.safetensors") or UNKNOWN_PIPELINE_BYTES
    return Need(cpu_bytes=TORCH_BYTES, gpu_bytes=weights + PAINTING_BYTES)


def weights_bytes(folder: str, pattern: str) -> int:
    """Of the files in a folder; 0 where there is none."""
    try:
        files = Path(folder).expanduser().glob(pattern) if folder else ()
        return sum(file.stat().st_size for file in files)
    except (OSError, ValueError):
        return 0
