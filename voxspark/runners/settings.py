"""The settings of an engine for one model: the model's own, below what the user has set for the role."""

from __future__ import annotations

from voxspark.config import ChatSettings, Config
from voxspark.config_speech import TranscriberSettings, VoiceSettings
from voxspark.config_tools import ImageSettings
from voxspark.engines.bundled import locate
from voxspark.errors import EngineError
from voxspark.roster import LEAST_CONTEXT_TOKENS, Roster, own_voice_settings, voice_of_language
from voxspark.voices import shelf
from voxspark.vram.catalogue import Model
from voxspark.vram.team import Rung, Team

BUNDLED = "bundled:"

REPLY_TOKENS = 400
"""Longest spoken answer of a language model, some 90 s; a small bundled one has its own bound in the configuration."""


EngineSettings = ChatSettings | TranscriberSettings | VoiceSettings | ImageSettings


def settings_for(config: Config, roster: Roster, rung: Rung) -> EngineSettings:
    """Ready for the engine. What the user has set holds for the models of the role that the table is about."""
    model = roster.catalogue.models[rung.model]
    if rung.role == "ears":
        own = config.transcriber.model_dump(exclude_unset=True)
        return TranscriberSettings(**{**own, "engine": model.engine, "model": _ears_weights(model)})
    if rung.role == "voice":
        return voice_settings(config.voice, roster, model)
    if rung.role == "image":
        return config.image.model_copy(update={"engine": model.engine, "model": model.id})
    return chat_settings(config, roster, rung)


def voice_settings(voice: VoiceSettings, roster: Roster, model: Model) -> VoiceSettings:
    """Of a voice. The user's [voice] is about the first one; another takes from it what is no engine's own."""
    for code, choice in voice.languages.items():
        if model.key == voice_of_language(code):
            return own_voice_settings(voice, choice)
    own = voice.model_dump(exclude_unset=True)
    if model.engine != roster.model_of("voice").engine:
        own = {key: value for key, value in own.items() if key not in ("model", "host")}
        if voice.voice not in shelf().voices:
            own.pop("voice", None)
    weights = {} if model.id == model.engine else {"model": model.id}
    return VoiceSettings(**{**weights, **own, "engine": model.engine or model.id})


def chat_settings(config: Config, roster: Roster, rung: Rung) -> ChatSettings:
    """Of a language model. The user's [chat] is about the worker's; every other model keeps its own sampling."""
    model = roster.catalogue.models[rung.model]
    worker = roster.profile.roles.get("worker")
    is_worker = worker is not None and model.key in (worker.model, *worker.alternatives)
    own = config.chat.model_dump(exclude_unset=True) if is_worker else {"host": config.ollama_host}
    defaults = {} if model.id.startswith(BUNDLED) else {"max_tokens": REPLY_TOKENS, **model.sampling}
    context = max(rung.context_tokens, LEAST_CONTEXT_TOKENS)
    fixed = {"engine": model.engine or "ollama", "model": model.id, "context_tokens": context}
    return ChatSettings(**{**defaults, **own, **fixed})


def in_force(config: Config, roster: Roster) -> dict[str, EngineSettings]:
    """The tables of the configuration that follow from the profile, as they are without trouble."""
    best = {rung.role: rung for rung in Team(roster.profile, roster.catalogue).best()}
    tables = {"transcriber": "ears", "chat": "worker", "voice": "voice"}
    return {table: settings_for(config, roster, best[role]) for table, role in tables.items() if role in best}


def _ears_weights(model: Model) -> str:
    """What the engine is to load; empty is its own choice."""
    if model.id == model.engine:
        return ""
    return _nearest(model.id) if model.engine == "faster_whisper" else model.id


def _nearest(model: str) -> str:
    """The bundled copy of a Whisper model, where it is installed; else its name, to be downloaded once."""
    try:
        locate(f"whisper-{model}")
    except EngineError:
        return model
    return f"{BUNDLED}{model}"
