"""What has to be loaded: the ledger at work on this machine, and the engines and models it lends."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from voxspark.agent.agent import Team
from voxspark.agent.offer import offered
from voxspark.agent.prompt import FOR_SMALL_MODELS, FOR_SPEECH, Prompt
from voxspark.agent.stand_in import StandIn
from voxspark.agent.swarm import LiveTurns, Swarm
from voxspark.config import Config
from voxspark.engines.ollama.chat import OllamaChat
from voxspark.engines.ollama.client import OllamaClient
from voxspark.errors import EngineError
from voxspark.memory.embedding import Embedding
from voxspark.protocols import Chat, Clock, Emit, EndOfTurnModel, Painter, Schema
from voxspark.roster import AUTO, Roster, helpers, make_roster, named_roster
from voxspark.runners.abilities import abilities_of
from voxspark.runners.local import LocalRunner
from voxspark.runners.models import Models
from voxspark.runners.ollama import OllamaRunner, found_in, options_for
from voxspark.runners.priming import Priming
from voxspark.runners.process import ProcessRunner
from voxspark.senses import make_end_of_turn, make_hearing, make_line
from voxspark.speech.spoken import spoken
from voxspark.tools.registry import Toolbox
from voxspark.tools.wall_time import local_now
from voxspark.voicing.hearing import Hearing
from voxspark.voicing.line import Line
from voxspark.vram.catalogue import Model
from voxspark.vram.catalogue import Runner as Place
from voxspark.vram.leased import LeasedChat, LeasedEmbedder, LeasedPainter
from voxspark.vram.ledger import Ledger
from voxspark.vram.measured import MeasuredSizes
from voxspark.vram.probes import Machine, Nvml, ProcFiles, is_scattered, machine
from voxspark.vram.runner import Runner
from voxspark.vram.state import GIB, VOICE, WORK
from voxspark.vram.watchdog import gpu_probe, host_probe

log = logging.getLogger(__name__)

HELP_SECONDS = 120.0
"""Whoever asks for one of the team by role rather waits than takes another: GPT-OSS 120B loads in 22 to 100 s."""


@dataclass(frozen=True, slots=True)
class Engines:
    """Everything that has to be loaded, whoever uses it. The models come by lease from the ledger."""

    hearing: Hearing
    line: Line
    end_of_turn: EndOfTurnModel | None
    chat: Chat
    prompt: Prompt
    context_tokens: int
    """Of the language model that answers."""
    profile: str
    names: dict[str, str]
    models: Models
    team: Team
    aside: Team
    """The same people, as tools ask them: whoever speaks goes first."""
    tools: tuple[Schema, ...]
    """What its language models are offered."""
    embedding: Embedding | None
    """For memory; None where the team has nobody for it."""
    painter: Painter | None
    live_turns: LiveTurns
    swarm: Swarm


def machine_of(config: Config, *, resident_bytes: int = 0) -> Machine:
    """This machine, as far as models may have it. Blocks while NVML starts."""
    floor = config.plan.floor_gib
    return machine(
        ProcFiles(Path(config.plan.proc)),
        resident_bytes=resident_bytes,
        floor_bytes=None if floor is None else round(floor * GIB),
    )


@asynccontextmanager
async def open_engines(config: Config, toolbox: Toolbox, emit: Emit, clock: Clock) -> AsyncGenerator[Engines, None]:
    """The ledger at work, with what the profile wants on its way into memory.

    Raises ConfigError when the profile does not fit, and EngineError for what is unknown or not installed.
    """
    proc = ProcFiles(Path(config.plan.proc))
    client, measured = cache(lambda: OllamaClient(config.ollama_host)), MeasuredSizes()
    named = None if config.profile == AUTO else named_roster(config)
    running, pulled = await found_in(client()) if named is None or named.uses("ollama") else ([], [])
    here = await anyio.to_thread.run_sync(partial(machine_of, config, resident_bytes=sum(row.bytes for row in running)))
    roster = make_roster(config, here, pulled, measured)
    if tag := roster.unknown_tag:
        roster = roster.with_abilities(await abilities_of(tag, client()))
    prompt, tools = make_prompt(config, roster), tuple(offered(toolbox, helpers(roster)))
    async with AsyncExitStack() as afterwards, anyio.create_task_group() as group:
        priming = Priming(prompt.prefix(), tools, StandIn().prompt(prompt.prefix()))
        runners = await _runners(config, roster, priming, client, here, group, afterwards)
        ledger = Ledger(
            machine=here,
            profile=roster.profile,
            catalogue=roster.catalogue,
            runners=runners,
            measured=measured,
            probe=gpu_probe(Nvml()) if here.kind == "discrete" else host_probe(proc),
            emit=emit,
            clock=clock,
            evict_foreign=config.plan.evict_foreign,
            scattered=lambda: is_scattered(proc.free_blocks()),
        )
        for reason in roster.why:
            log.info("%s", reason)
            ledger.book.decide(reason)
        await group.start(ledger.run)
        try:
            models = Models(ledger, client, emit, clock)
            yield _engines(config, roster, prompt, tools, ledger, models, emit, clock)
        finally:
            group.cancel_scope.cancel()


async def _runners(
    config: Config,
    roster: Roster,
    priming: Priming,
    client: Callable[[], OllamaClient],
    here: Machine,
    group: TaskGroup,
    afterwards: AsyncExitStack,
) -> dict[Place, Runner]:
    """One per place that the team is run in; models loaded by hand may still come to the daemon or a worker.

    `afterwards` is left when nothing is loaded or unloaded any more.
    """
    processes = ProcessRunner(config, roster, priming, Nvml())
    await group.start(processes.run)
    runners: dict[Place, Runner] = {"worker": processes, "engine": LocalRunner(config, roster, priming)}
    if roster.uses("ollama"):
        has_gpu = here.kind in ("unified", "discrete")
        runners["ollama"] = ollama = OllamaRunner(client(), config, roster, priming, gpu=has_gpu)
        afterwards.push_async_callback(ollama.leave)
    return runners


def _team(roster: Roster, ledger: Ledger, priority: int) -> Team:
    worker = LeasedChat(ledger, "worker", priority=priority, understudy=StandIn() if priority == VOICE else None)

    def chat(role: str) -> Chat:
        if role == "worker":
            return worker
        return LeasedChat(ledger, role, priority=priority, patience_seconds=HELP_SECONDS)

    return team_of(roster, chat)


def team_of(roster: Roster, chat: Callable[[str], Chat]) -> Team:
    """Who is on it and what they can do; `chat` is the model of a role."""
    others = helpers(roster)
    return Team(
        chat=chat,
        roles=("worker", *others),
        calls_tools=lambda role: role in roster.profile.roles and "tools" in roster.model_of(role).capabilities,
        escalation=next((role for role in others if role != "eyes"), ""),
        small=is_small(roster),
    )


def _engines(
    config: Config,
    roster: Roster,
    prompt: Prompt,
    tools: tuple[Schema, ...],
    ledger: Ledger,
    models: Models,
    emit: Emit,
    clock: Clock,
) -> Engines:
    hearing = make_hearing(config, roster, ledger, emit, clock)
    end_of_turn, live_turns = make_end_of_turn(config), LiveTurns()
    return Engines(
        hearing=hearing,
        line=make_line(config, roster, ledger, hearing, emit, clock),
        end_of_turn=end_of_turn,
        chat=LeasedChat(ledger, "worker"),
        prompt=prompt,
        context_tokens=ledger.team.best_for("worker").context_tokens,
        profile=roster.profile.key,
        names={
            "transcriber": _engine_name(roster.model_of("ears")),
            "end_of_turn": "smart_turn" if end_of_turn else "none",
            "chat": _engine_name(roster.model_of("worker")),
            "voice": _engine_name(roster.model_of("voice")),
        },
        models=models,
        team=_team(roster, ledger, VOICE),
        aside=_team(roster, ledger, WORK),
        tools=tools,
        embedding=_embedding(roster, ledger),
        painter=LeasedPainter(ledger) if "image" in roster.profile.roles else None,
        live_turns=live_turns,
        swarm=Swarm(ledger, live_turns, second=_second(config, roster, ledger)),
    )


def _embedding(roster: Roster, ledger: Ledger) -> Embedding | None:
    if "embedder" not in roster.profile.roles:
        return None
    return Embedding(LeasedEmbedder(ledger), lambda: roster.model_of("embedder").id)


def _second(config: Config, roster: Roster, ledger: Ledger) -> Chat | None:
    """The worker's model on another Ollama, for the swarm alone."""
    model = roster.model_of("worker")
    if not config.plan.swarm_host or model.runner != "ollama":
        return None
    options = options_for(config, roster, ledger.team.best_for("worker"))
    return OllamaChat(OllamaClient(config.plan.swarm_host), options)


def _engine_name(model: Model) -> str:
    return f"{model.engine or model.runner} {model.id}"


def is_small(roster: Roster) -> bool:
    """Whether the worker's model is the bundled one."""
    return roster.model_of("worker").id.startswith("bundled:")


def make_prompt(config: Config, roster: Roster) -> Prompt:
    """The prompt that suits the worker's model."""
    small = is_small(roster)
    built_in = FOR_SMALL_MODELS if small else FOR_SPEECH
    tell_time = config.chat.tell_time if "tell_time" in config.chat.model_fields_set else not small
    return Prompt(config.chat.system_prompt or built_in, local_now if tell_time else None)


async def warm(engines: Engines, tell: Callable[[str], None]) -> None:
    """Wait until what a conversation needs is in memory, telling what is being waited for.

    Without ears or a voice the daemon is none, so their errors are raised. Without a language model it still answers
    what it can by itself, so that is only an event, and the ledger tries again.
    """
    tell(f"Loading the transcriber ({engines.names['transcriber']})")
    await engines.hearing.warm()
    tell(f"Loading the voice ({engines.names['voice']})")
    spoken("1")
    await engines.line.warm()
    if engines.end_of_turn is not None:
        tell("Loading the end-of-turn model (smart_turn)")
        await engines.end_of_turn.warm()
    tell(f"Loading the language model ({engines.names['chat']})")
    tools = engines.tools if engines.team.calls_tools("worker") else ()
    with suppress(EngineError):
        await engines.chat.warm(engines.prompt.prefix(), tools=tools)
