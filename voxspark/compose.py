"""The wiring: from a configuration to the parts of a daemon. The only place that names concrete classes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from voxspark.agent.agent import LocalFirstAgent
from voxspark.agent.intents import Intents
from voxspark.agent.prompt import FOR_SMALL_MODELS, FOR_SPEECH, Prompt
from voxspark.assistant import Assistant
from voxspark.bus import EventBus
from voxspark.config import Config
from voxspark.devices.open import open_microphone, open_speaker
from voxspark.devices.retry import ReliableMicrophone, ReliableSpeaker
from voxspark.engines.bundled import BUNDLED, locate
from voxspark.engines.registry import find
from voxspark.engines.tts.fallback import FallbackSynthesizer
from voxspark.errors import EngineError
from voxspark.events import Event, Failed
from voxspark.listening.listener import Listener
from voxspark.memory.history import History
from voxspark.parts import AssistantParts
from voxspark.protocols import Clock, EndOfTurnModel, Microphone, Speaker, Synthesizer, Transcriber, WakeWordDetector
from voxspark.speech.spoken import spoken
from voxspark.tools.arithmetic import arithmetic_tools
from voxspark.tools.clock import clock_tools
from voxspark.tools.registry import Toolbox
from voxspark.tools.timers import Timers
from voxspark.tools.units import unit_tools

log = logging.getLogger(__name__)

HISTORY_SHARE = 0.5
"""Share of the model's context that history may take; the rest is prompt, question and answer."""


def make_toolbox(timers: Timers, now: Callable[[], datetime]) -> Toolbox:
    """All tools of this daemon."""
    return Toolbox([*clock_tools(now), *timers.tools, *arithmetic_tools(), *unit_tools()])


@dataclass(frozen=True, slots=True)
class Engines:
    """Everything that has to be loaded, loaded once, whoever uses it."""

    transcriber: Transcriber
    synthesizer: Synthesizer
    end_of_turn: EndOfTurnModel | None
    chat: Any
    names: dict[str, str]


def make_engines(config: Config) -> Engines:
    """Engine objects, nothing loaded yet. Raises EngineError for what is unknown or not installed."""
    voices = [find("tts", config.voice.engine).create(config.voice)]
    if config.voice.fallback and config.voice.fallback != config.voice.engine:
        voices.append(find("tts", config.voice.fallback).create(config.voice))
    end_of_turn = make_end_of_turn(config)
    return Engines(
        transcriber=find("stt", config.transcriber.engine).create(config.transcriber),
        synthesizer=FallbackSynthesizer(voices),
        end_of_turn=end_of_turn,
        chat=find("chat", config.chat.engine).create(config.chat),
        names={
            "transcriber": f"{config.transcriber.engine} {config.transcriber.model}",
            "end_of_turn": "smart_turn" if end_of_turn else "none",
            "chat": f"{config.chat.engine} {config.chat.model}",
            "voice": f"{config.voice.engine} {config.voice.voice}",
        },
    )


def make_end_of_turn(config: Config) -> EndOfTurnModel | None:
    """The end-of-turn model; with `auto`, None when it is not installed."""
    wanted = config.patience.end_of_turn
    if wanted == "none":
        return None
    try:
        model: EndOfTurnModel = find("end_of_turn", "smart_turn").create(locate("smart-turn"))
    except EngineError:
        if wanted == "auto":
            log.info("no end-of-turn model: %s", BUNDLED["smart-turn"].install)
            return None
        raise
    return model


def make_prompt(config: Config) -> Prompt:
    """The prompt that suits the model."""
    built_in = FOR_SMALL_MODELS if config.chat.model.startswith("bundled:") else FOR_SPEECH
    return Prompt(config.chat.system_prompt or built_in, _local_now if config.chat.tell_time else None)


def make_listener(config: Config) -> Listener:
    """The listening row: gate, judge, wake word."""
    settings = config.listening
    wake: WakeWordDetector | None = None
    if settings.mode == "wake":
        wake = find("wake", "micro_wakeword").create(settings)
    return Listener(settings, find("gate", "webrtc").create(settings), find("vad", "silero").create(settings), wake)


def make_assistant(
    config: Config,
    engines: Engines,
    bus: EventBus,
    clock: Clock,
    *,
    once: bool = False,
    microphone: Microphone | None = None,
    speaker: Speaker | None = None,
) -> Assistant:
    """A daemon ready to run. Devices are those of the configuration unless given."""

    async def hold() -> None:
        await assistant.hold()

    def emit(event: Event) -> None:
        assistant.emit(event)

    background: list[Callable[..., Coroutine[Any, Any, None]]] = []
    if microphone is None:
        microphone = ReliableMicrophone(lambda: open_microphone(config.devices, clock, hold), emit, clock)
    if speaker is None:
        speaker = ReliableSpeaker(lambda: open_speaker(config.devices, clock), emit, clock)
        background.append(speaker.run)
    timers = Timers(clock)
    history = History(int(config.chat.context_tokens * HISTORY_SHARE))
    toolbox = make_toolbox(timers, _local_now)
    intents = Intents(toolbox)
    intents.match("what time is it")  # the first match expands the templates
    agent = LocalFirstAgent(intents, toolbox, engines.chat, make_prompt(config), history, timers.dismiss)
    assistant = Assistant(
        AssistantParts(
            config=config,
            clock=clock,
            bus=bus,
            microphone=microphone,
            speaker=speaker,
            listener=make_listener(config),
            transcriber=engines.transcriber,
            synthesizer=engines.synthesizer,
            end_of_turn=engines.end_of_turn,
            agent=agent,
            history=history,
            timers=timers,
            engines=engines.names,
            background=tuple(background),
        ),
        once=once,
    )
    return assistant


async def warm(config: Config, engines: Engines, tell: Callable[[str], None]) -> list[Failed]:
    """Load everything, one after the other, telling what is being done.

    Without ears or a voice the daemon is none, so their errors are raised; without a language model it still answers
    what it can by itself, so that is returned as an event to publish.
    """
    tell(f"Loading the transcriber ({engines.names['transcriber']})")
    await engines.transcriber.warm()
    tell(f"Loading the voice ({engines.names['voice']})")
    spoken("1")
    await engines.synthesizer.warm()
    if engines.end_of_turn is not None:
        tell("Loading the end-of-turn model (smart_turn)")
        await engines.end_of_turn.warm()
    tell(f"Loading the language model ({engines.names['chat']})")
    try:
        await engines.chat.warm(make_prompt(config).prefix())
    except EngineError as error:
        return [Failed(0.0, error.stage, error.code, error.message, error.remedy)]
    return []


def _local_now() -> datetime:
    return datetime.now().astimezone()
