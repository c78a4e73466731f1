"""What hears (when somebody speaks, when they have finished, in which language), and what speaks."""

from __future__ import annotations

import logging
import time
from functools import partial

from voxspark.agent.swarm import LiveTurns
from voxspark.audio import read_speech
from voxspark.bus import HELPER_BOUND, EventBus
from voxspark.config import Config
from voxspark.config_speech import VoiceSettings
from voxspark.devices.echo.duplex import Duplex
from voxspark.devices.echo.far_end import FarEnd
from voxspark.devices.open import between_sound_cards, open_speaker
from voxspark.devices.retry import ReliableSpeaker
from voxspark.ears import Attuned, Linguist, NoEcho
from voxspark.engines.bundled import BUNDLED, locate
from voxspark.engines.registry import find
from voxspark.errors import DeviceError, EngineError
from voxspark.files import cache_folder
from voxspark.hot_words import HotWords
from voxspark.kit import Kit
from voxspark.listening.listener import Listener
from voxspark.memory.list_store import SqliteListStore
from voxspark.protocols import Background, Clock, Echo, Emit, EndOfTurnModel, Speaker, Transcriber, WakeWordDetector
from voxspark.roster import Roster, in_plan, own_voice_settings, voice_of_language
from voxspark.runners.settings import voice_settings
from voxspark.voices import shelf
from voxspark.voicing.fixed import fixed_texts
from voxspark.voicing.hearing import Hearing, KnownSpeech
from voxspark.voicing.line import Line
from voxspark.voicing.selftest import SelfTest
from voxspark.voicing.stored import Stored, sound_of
from voxspark.voicing.succession import Candidate, always
from voxspark.vram.leased import LeasedModel
from voxspark.vram.ledger import Ledger

log = logging.getLogger(__name__)

KNOWN_VOICE = "dashwood"
"""By whose recording ears are tested: a person, read clearly."""


def make_ears(config: Config, transcriber: Transcriber, kit: Kit) -> Transcriber:
    """The transcriber, told what may come up; it decides the language of a turn where the configuration leaves that to
    it."""
    settings = config.transcriber
    listed, named = settings.lists_as_hot_words, settings.names_as_hot_words
    words = HotWords(
        settings.hot_words,
        SqliteListStore(kit.database) if listed else None,
        lambda: (timer.label for timer in kit.timers.running) if listed else (),
        facts=kit.recall.newest if named else None,
        others=(kit.people, kit.servers.names) if named else (),
    )
    attuned = Attuned(transcriber, words.gather) if listed or named or settings.hot_words else transcriber
    return Linguist(attuned) if settings.language == "auto" else attuned


def make_hearing(config: Config, roster: Roster, ledger: Ledger, emit: Emit, clock: Clock) -> Hearing:
    """The ears of the plan, and who hears where they cannot."""
    candidates = [
        Candidate(key=key, name=roster.catalogue.models[key].name, open=LeasedModel(ledger, "ears", key))
        for key in roster.profile.roles["ears"].models
    ]
    return Hearing(candidates, _known_speech(config.transcriber.language), emit, clock)


def _known_speech(language: str) -> KnownSpeech | None:
    """A shipped recording in a language that the ears are set to."""
    voice = shelf().voices.get(KNOWN_VOICE)
    if voice is None or voice.reference is None or voice.recording is None or language not in (voice.language, "auto"):
        return None
    try:
        return KnownSpeech(read_speech(voice.recording), voice.reference.text)
    except DeviceError:  # somebody has put another recording in its place
        return None


def make_line(config: Config, roster: Roster, ledger: Ledger, ears: Transcriber, emit: Emit, clock: Clock) -> Line:
    """Those who are chosen for a language, the voice of the plan, and who stands behind it."""
    voice, post = config.voice, roster.profile.roles["voice"]
    of_language = {voice_of_language(code): code for code in voice.languages}
    keys = sorted(post.models, key=lambda key: key not in of_language)
    candidates = [_planned(config, roster, ledger, key, of_language.get(key, "")) for key in keys]
    outside = [(str(code), own_voice_settings(voice, choice)) for code, choice in voice.languages.items()]
    behind = [engine for engine in voice.fallback if engine != roster.model_of("voice").engine]
    outside += [("", VoiceSettings(engine=engine, speed=voice.speed)) for engine in behind]
    candidates += [
        _unplanned(language, settings)
        for language, settings in outside
        if not in_plan(settings.engine) and not find("tts", settings.engine).missing()
    ]
    understands = config.transcriber.language
    selftest = SelfTest(ears, None if understands == "auto" else understands)
    return Line(candidates, selftest, emit, clock, Stored(cache_folder() / "speech", fixed_texts))


def _planned(config: Config, roster: Roster, ledger: Ledger, key: str, language: str) -> Candidate:
    """A voice that the ledger lends."""
    model = roster.catalogue.models[key]
    open = LeasedModel(ledger, "voice", key)
    if not model.engine:  # the ledger tells why it cannot be lent
        return Candidate(key=key, name=model.name, open=open)
    spec = find("tts", model.engine)
    settings = voice_settings(config.voice, roster, model)
    return Candidate(
        key=key,
        name=model.name,
        open=open,
        languages=(language,) if language else spec.languages(settings),
        sound=sound_of(spec, settings),
        first_audio_seconds=spec.first_audio_seconds,
        listens="listens" in spec.capabilities,
    )


def _unplanned(language: str, settings: VoiceSettings) -> Candidate:
    """A voice that takes no memory here; of a language, where it is chosen for one."""
    spec = find("tts", settings.engine)
    return Candidate(
        key=f"{spec.name} {language}".strip(),
        name=spec.name,
        open=always(lambda: spec.create(settings)),
        languages=(language,) if language else spec.languages(settings),
        sound=sound_of(spec, settings),
        first_audio_seconds=spec.first_audio_seconds,
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


def make_listener(config: Config) -> Listener:
    """The listening row: gate, judge, wake word."""
    settings = config.listening
    wake: WakeWordDetector | None = None
    if settings.mode == "wake":
        wake = find("wake", "micro_wakeword").create(settings)
    return Listener(settings, find("gate", "webrtc").create(settings), find("vad", "silero").create(settings), wake)


def make_speaker(
    config: Config, bus: EventBus, turns: LiveTurns, emit: Emit, clock: Clock, given: Speaker | None = None
) -> tuple[Speaker, Echo, list[Background]]:
    """The speaker given or of the configuration, what keeps its sound out of the ears, and what runs for both."""
    if given is not None:
        return given, NoEcho(), []
    far_end = FarEnd(lambda: clock() - time.monotonic())
    speaker = ReliableSpeaker(lambda: open_speaker(config.devices, clock, far_end.played), emit, clock)
    if config.echo.mode == "off" or not between_sound_cards(config.devices):
        return speaker, NoEcho(), [speaker.run]
    settings = config.echo if config.barge_in.enabled else config.echo.model_copy(update={"mode": "half"})
    subscribe = partial(bus.subscribe, HELPER_BOUND)
    echo = Duplex(settings, far_end, speaker, emit, clock, subscribe=subscribe, yielding=turns.yielding)
    return speaker, echo, [echo.run, speaker.run]
