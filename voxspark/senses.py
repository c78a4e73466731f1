"""What hears: when somebody speaks, when they have finished, and in which language."""

from __future__ import annotations

import logging

from voxspark.config import Config
from voxspark.ears import Attuned, Linguist
from voxspark.engines.bundled import BUNDLED, locate
from voxspark.engines.registry import find
from voxspark.errors import EngineError
from voxspark.hot_words import HotWords
from voxspark.kit import Kit
from voxspark.listening.listener import Listener
from voxspark.memory.list_store import SqliteListStore
from voxspark.protocols import EndOfTurnModel, Transcriber, WakeWordDetector

log = logging.getLogger(__name__)


def make_ears(config: Config, transcriber: Transcriber, kit: Kit) -> Transcriber:
    """The transcriber, told what may come up; it decides the language of a turn where the configuration leaves that to
    it."""
    settings = config.transcriber
    listed = settings.lists_as_hot_words
    words = HotWords(
        settings.hot_words,
        SqliteListStore(kit.database) if listed else None,
        lambda: (timer.label for timer in kit.timers.running) if listed else (),
    )
    attuned = Attuned(transcriber, words.gather) if listed or settings.hot_words else transcriber
    return Linguist(attuned) if settings.language == "auto" else attuned


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


def make_listener(config: Config) -> Listener:
    """The listening row: gate, judge, wake word."""
    settings = config.listening
    wake: WakeWordDetector | None = None
    if settings.mode == "wake":
        wake = find("wake", "micro_wakeword").create(settings)
    return Listener(settings, find("gate", "webrtc").create(settings), find("vad", "silero").create(settings), wake)
