"""What engines need and can do where that takes a look at their files."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from voxspark.config_speech import VoiceSettings
from voxspark.engines.registry import Need
from voxspark.engines.tts.piper_voice import choose_piper, read_piper
from voxspark.errors import SynthesizerError

MIB = 1 << 20

TORCH_MIB = 700
"""Resident memory of a process with torch and transformers (measured)."""

CSM_FILE_MIB = 5_930
"""Taken for weights in the hub's cache: the float32 file of sesame/csm-1b (facts/models.csv)."""

CSM_WORKING_MIB = 1_800
"""CUDA context, graphs, caches of 2,048 positions and the codec in float32 (facts/models.csv)."""

UNKNOWN_PIPER_BYTES = 63 << 20
"""Taken for a Piper voice that is not there: the file of one of medium quality."""

PIPER_BYTES = 380 << 20
"""Pronunciation and activations of the longest piece, beside the weights (measured)."""


def csm_need(settings: VoiceSettings) -> Need:
    """In float32 on a CPU, as in its file; in half of that on a GPU."""
    weights = weights_bytes(settings.model, "*.safetensors") or CSM_FILE_MIB * MIB
    if settings.device == "cpu":
        return Need(cpu_bytes=weights + TORCH_MIB * MIB)
    return Need(cpu_bytes=TORCH_MIB * MIB, gpu_bytes=weights // 2 + CSM_WORKING_MIB * MIB)


def weights_bytes(folder: str, pattern: str) -> int:
    """Of the files in a folder; 0 where there is none."""
    try:
        files = Path(folder).expanduser().glob(pattern) if folder else ()
        return sum(file.stat().st_size for file in files)
    except (OSError, ValueError):
        return 0


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
