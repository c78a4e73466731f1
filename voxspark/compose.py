"""The wiring: from a configuration to the parts of a daemon, with the tools of `kit` and `outfit`."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial

from voxspark.agent.agent import Expert, LocalFirstAgent
from voxspark.agent.audit import AuditLog, audit_path
from voxspark.agent.eyes import Eyes
from voxspark.agent.guest import Receptionist
from voxspark.agent.intents import Intents, user_folder
from voxspark.agent.loop import ToolLoop
from voxspark.agent.mediator import Audit, Mediator
from voxspark.agent.offer import extras
from voxspark.assistant import Assistant
from voxspark.bus import EventBus
from voxspark.config import Config
from voxspark.devices.open import open_microphone, other_microphones
from voxspark.devices.retry import ReliableMicrophone
from voxspark.engine_room import Engines
from voxspark.events import Event
from voxspark.kit import Kit, ducking, make_eyes
from voxspark.memory.history import History
from voxspark.outfit import add_consulting, add_history, add_meaning, add_pictures, make_fillers
from voxspark.parts import AssistantParts
from voxspark.protocols import Background, Clock, Conversation, Emit, Microphone, Speaker
from voxspark.push_to_talk import PushToTalk
from voxspark.senses import make_ears, make_listener, make_speaker
from voxspark.tools.wall_time import local_now

log = logging.getLogger(__name__)

HISTORY_SHARE = 0.5
"""Share of the model's context that history may take; the rest is prompt, question and answer."""


def make_assistant(
    config: Config,
    kit: Kit,
    engines: Engines,
    bus: EventBus,
    clock: Clock,
    given: tuple[Microphone | None, Speaker | None] = (None, None),
    *,
    once: bool = False,
) -> Assistant:
    """A daemon ready to run. Devices are those of the configuration unless `given`."""

    def emit(event: Event) -> None:
        assistant.emit(event)

    microphone = given[0] or _reliable_microphone(config, emit, clock, lambda: assistant.hold())
    speaker, echo, background = make_speaker(config, bus, engines.live_turns, emit, clock, given[1])
    history, agent, thinking = _thinking(config, kit, engines, speaker)
    fillers = make_fillers(kit, engines.line, engines.team, engines.live_turns)
    background += ducking(config.desktop, bus, listener := make_listener(config))
    push_to_talk = PushToTalk(config.hotkey, lambda signal: assistant.post(signal), emit, clock)
    background += [push_to_talk.run, *thinking, fillers.run, *_between_turns(engines)]
    assistant = Assistant(
        AssistantParts(
            config=config,
            clock=clock,
            bus=bus,
            microphone=microphone,
            speaker=speaker,
            echo=echo,
            listener=listener,
            transcriber=make_ears(config, engines.hearing, kit),
            synthesizer=engines.line,
            fillers=fillers,
            end_of_turn=engines.end_of_turn,
            agent=agent,
            history=history,
            timers=kit.timers,
            jobs=kit.jobs,
            notify=kit.notify,
            expert=partial(Expert, agent),
            guest=Receptionist(agent),
            mute=kit.mute,
            on_stop=agent.stop,
            live_turns=engines.live_turns,
            profile=engines.profile,
            engines=engines.names,
            ears=engines.hearing.state,
            voices=engines.line.state,
            answered=engines.line.answered,
            hotkey=push_to_talk.state,
            background=(*background, *kit.background),
        ),
        once=once,
    )
    return assistant


def _thinking(
    config: Config, kit: Kit, engines: Engines, speaker: Speaker
) -> tuple[History, LocalFirstAgent, list[Background]]:
    """What was said, who answers, and what runs for both; the kit gets the tools that need models."""
    history = add_history(kit, config.memory, int(engines.context_tokens * HISTORY_SHARE))
    indexing = add_meaning(kit, engines.embedding)
    add_consulting(kit, config.code, engines.aside, engines.live_turns, engines.swarm)
    add_pictures(kit, config.image, engines.painter)
    agent = make_agent(kit, engines, history, partial(make_eyes, config.eyes, speaker))
    return history, agent, [history.run, indexing.run]


def _between_turns(engines: Engines) -> list[Background]:
    """What ears and voices do when nobody speaks."""
    turns, line = engines.live_turns, engines.line
    tests = [partial(each.run, turns.quiet) for each in (engines.hearing, line)]
    return [*tests, partial(line.prepare, turns.quiet, turns.yielding)]


def _reliable_microphone(config: Config, emit: Emit, clock: Clock, hold: Callable[[], Awaitable[None]]) -> Microphone:
    """The microphone of the configuration."""
    return ReliableMicrophone(
        lambda: open_microphone(config.devices, clock, hold),
        emit,
        clock,
        lambda: other_microphones(config.devices, clock),
    )


def make_agent(kit: Kit, engines: Engines, history: Conversation, eyes: Callable[[Audit], Eyes]) -> LocalFirstAgent:
    """Who answers: intents, and the language models of the team."""
    toolbox, audit = kit.toolbox, AuditLog(audit_path(), local_now)
    intents = Intents(toolbox, user_folder(), model_reads=engines.team.calls_tools("worker"))
    mediator = Mediator(toolbox, audit)
    for error in intents.failures:
        log.warning("%s: %s %s", error.code, error.message, error.remedy)
    intents.match("what time is it")  # the first match expands the templates
    return LocalFirstAgent(
        intents=intents,
        mediator=mediator,
        loop=ToolLoop(toolbox, mediator),
        team=engines.team,
        tools=engines.tools,
        extras=extras(toolbox),
        prompt=engines.prompt,
        history=history,
        on_stop=kit.dismiss,
        eyes=eyes(audit),
        recall=kit.recall.lines_for,
    )
