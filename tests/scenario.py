"""Scenarios on a jumping clock: a timeline of what people and models do, and the events that follow.

    result = Scenario().user(0.5, 2.5, "what is the capital of France").model("Paris.").run()

Everything but the outermost parts is real: listener, endpointer, judges, turn, assistant, agent, intents, timers. The
outermost (`scenario_parts.py`) are written by hand and record what they received. Voiced chunks are filled with the
number of the speech segment they belong to, so that the fake transcriber knows by content what it was given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import anyio

from tests.in_memory import RecentCalls
from tests.scenario_parts import (
    FakeActivity,
    FakeChat,
    FakeEndOfTurn,
    FakeGate,
    FakeMicrophone,
    FakeModels,
    FakeSpeaker,
    FakeSynthesizer,
    FakeTranscriber,
    FakeWake,
    LampAgent,
    NobodyLends,
    Segment,
)
from tests.virtual_time import run_virtual
from voxspark.agent.agent import LocalFirstAgent, Team
from voxspark.agent.guest import Receptionist
from voxspark.agent.intents import Intents
from voxspark.agent.loop import ToolLoop
from voxspark.agent.mediator import Mediator
from voxspark.agent.prompt import Prompt
from voxspark.agent.swarm import LiveTurns, Swarm
from voxspark.assistant import Assistant
from voxspark.bus import EventBus
from voxspark.config import Config, load_config
from voxspark.control.facade import AssistantDaemon
from voxspark.ears import Linguist
from voxspark.errors import ControlError
from voxspark.events import DeviceChanged, Event, TurnConfirmed, TurnEnded, TurnStarted
from voxspark.language import speak
from voxspark.listening.listener import Listener
from voxspark.memory.history import History
from voxspark.muting import Mute
from voxspark.parts import AssistantParts
from voxspark.speech.fillers import Fillers
from voxspark.tools.arithmetic import arithmetic_tools
from voxspark.tools.clock import clock_tools
from voxspark.tools.jobs import Jobs, Progress
from voxspark.tools.registry import Tool, Toolbox
from voxspark.tools.timers import Timers
from voxspark.tools.units import unit_tools
from voxspark.types import (
    Asked,
    MuteRequested,
    Pressed,
    Released,
    SayRequested,
    ShutdownRequested,
    StopRequested,
    Toggled,
    TurnResult,
    Utterance,
)

__all__ = ["FakeSpeaker", "FakeSynthesizer", "Result", "Scenario", "check"]

E = TypeVar("E", bound=Event)


@dataclass
class Result:
    """What a scenario led to."""

    events: list[Event]
    history: History
    chat: FakeChat
    speaker: FakeSpeaker
    synthesizer: FakeSynthesizer
    transcriber: FakeTranscriber
    timers: Timers
    jobs: Jobs
    lamp: LampAgent
    state: str
    """What the daemon said it was doing just before the end."""
    tasks_left: int
    """Tasks that still ran when the daemon had ended."""
    quiet: bool
    """Nothing could be heard any more then."""

    def of(self, kind: type[E]) -> list[E]:
        """The events of one class, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def ended(self) -> list[TurnEnded]:
        return self.of(TurnEnded)

    @property
    def heard_turns(self) -> list[TurnEnded]:
        """Turns that were not thrown away unheard."""
        return [event for event in self.ended if event.outcome not in ("withdrawn", "empty")]


class Scenario:
    """A timeline, built by chaining; times are seconds on the audio clock."""

    def __init__(self, **settings: Any) -> None:
        self._config: Config = load_config(environ={}, overrides={"profile": "embedded", **settings})
        self._segments: list[Segment] = []
        self._signals: list[tuple[float, Any]] = []
        self._replies: list[str | Exception] = []
        self._completeness = 0.95
        self._lamp: tuple[float, Exception | None, str] = (0.0, None, "")
        self._gaps: list[tuple[float, float]] = []
        self._state = ""
        self._probes: list[tuple[float, Callable[[Assistant], None]]] = []
        self._offered: list[Tool] = []
        self.transcriber = FakeTranscriber(self._segments)
        self.activity = FakeActivity()
        self.synthesizer = FakeSynthesizer()
        self.speaker = FakeSpeaker()
        self.mute = Mute()
        self.shown: list[str] = []
        self.answered: list[tuple[Utterance, TurnResult]] = []
        """Notifications on the desktop."""

    def user(self, start: float, end: float, text: str) -> Scenario:
        """Somebody speaks."""
        self._segments.append(Segment(start, end, text))
        return self

    def wake(self, start: float, end: float) -> Scenario:
        """Somebody says the wake word."""
        self._segments.append(Segment(start, end, "Hey Jarvis", wake=True))
        return self

    def lost(self, start: float, end: float) -> Scenario:
        """The microphone is away."""
        self._gaps.append((start, end))
        return self.probe(start, lambda it: it.emit(DeviceChanged(start, "microphone", "lost", "unplugged")))

    def lamp(self, seconds: float = 0.0, error: Exception | None = None, filler: str = "") -> Scenario:
        """How long it takes to switch the lamp, what goes wrong, and what may be said meanwhile."""
        self._lamp = (seconds, error, filler)
        return self

    def model(self, *replies: str | Exception) -> Scenario:
        """What the language model answers, turn by turn; the last one again and again."""
        self._replies += replies
        return self

    def offers(self, *tools: Tool) -> Scenario:
        """Tools that the language model may call, as small models do: in JSON."""
        self._offered += tools
        return self

    def sounds(self, completeness: float) -> Scenario:
        """What the end-of-turn model says."""
        self._completeness = completeness
        return self

    def press(self, at: float) -> Scenario:
        """Push-to-talk goes down."""
        return self._signal(at, Pressed(at))

    def release(self, at: float) -> Scenario:
        """Push-to-talk comes up."""
        return self._signal(at, Released(at))

    def toggle(self, at: float) -> Scenario:
        """Push-to-talk goes down, or up where it is down."""
        return self._signal(at, Toggled(at))

    def ask(self, at: float, text: str, aloud: bool = True, guest: bool = False) -> Scenario:
        """A question from the socket."""
        return self._signal(at, Asked(f"r{at}", text, aloud, guest=guest))

    def say(self, at: float, text: str) -> Scenario:
        """A text to be spoken."""
        return self._signal(at, SayRequested(f"r{at}", text))

    def stop(self, at: float) -> Scenario:
        """Stop, from the socket or the hotkey."""
        return self._signal(at, StopRequested())

    def muted(self, at: float, on: bool | None = True) -> Scenario:
        """Mute, from the socket or the hotkey; None is the other of on and off."""
        return self._signal(at, MuteRequested(on))

    def probe(self, at: float, look: Callable[[Assistant], None]) -> Scenario:
        """Look at the assistant at some moment."""
        self._probes.append((at, look))
        return self

    def job(self, at: float, seconds: float, outcome: str | Exception, title: str = "cake") -> Scenario:
        """Work in the background, and its report or what goes wrong."""

        async def work(progress: Progress) -> str:
            progress(0.25, "mixing")
            await anyio.sleep(seconds)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        def start(assistant: Assistant) -> None:
            assistant.parts.jobs.start(title, work)

        return self.probe(at, start)

    @property
    def requests(self) -> list[str]:
        """Ids of what is asked or said over the socket."""
        return [signal.request for _, signal in self._signals if isinstance(signal, Asked | SayRequested)]

    def _signal(self, at: float, signal: Any) -> Scenario:
        self._signals.append((at, signal))
        return self

    def run(self, seconds: float = 20.0) -> Result:
        """Play the timeline to its end."""
        result: Result = run_virtual(self._run, seconds)
        return result

    async def _run(self, seconds: float) -> Result:
        begun = anyio.current_time()
        speak(self._config.language)

        def clock() -> float:
            return anyio.current_time() - begun

        bus, history, timers, jobs = EventBus(), History(2_000), Timers(clock), Jobs()

        def dismiss() -> None:
            timers.dismiss()
            jobs.dismiss()

        chat = FakeChat(self._replies or ["I do not know."])
        clock_of = clock_tools(lambda: datetime(2026, 11, 24, 10, 5, tzinfo=UTC))
        known = (*clock_of, *timers.tools, *jobs.tools, *arithmetic_tools(), *unit_tools(), *self.mute.tools)
        toolbox = Toolbox([*known, *self._offered])
        mediator = Mediator(toolbox, RecentCalls())
        local = LocalFirstAgent(
            intents=Intents(toolbox),
            mediator=mediator,
            loop=ToolLoop(toolbox, mediator),
            team=Team(lambda _: chat, ["worker"], lambda _: bool(self._offered)),
            tools=[each.schema for each in self._offered],
            prompt=Prompt("You are brief.", None),
            history=history,
            on_stop=dismiss,
        )
        lamp = LampAgent(local, *self._lamp)
        wake = FakeWake(self._segments) if self._config.listening.mode == "wake" else None
        parts = AssistantParts(
            config=self._config,
            clock=clock,
            bus=bus,
            microphone=FakeMicrophone(self._segments, seconds, self._gaps),
            speaker=self.speaker,
            listener=Listener(self._config.listening, FakeGate(), self.activity, wake),
            transcriber=Linguist(self.transcriber) if self._config.transcriber.language == "auto" else self.transcriber,
            synthesizer=self.synthesizer,
            fillers=Fillers(self.synthesizer),
            end_of_turn=FakeEndOfTurn(self._completeness),
            agent=lamp,
            history=history,
            timers=timers,
            jobs=jobs,
            background=(jobs.run,),
            notify=self._show,
            answered=self._answered,
            expert=lambda *_: lamp,
            guest=Receptionist(local),
            mute=self.mute,
            on_stop=local.stop,
        )
        assistant = Assistant(parts)
        seen: list[Event] = []
        async with anyio.create_task_group() as group, bus.subscribe(100_000) as events:
            group.start_soon(_collect, events, seen)
            group.start_soon(self._play, assistant, begun)
            group.start_soon(self._end, assistant, begun + seconds)
            await assistant.run()
            await anyio.sleep(0.01)
            group.cancel_scope.cancel()
        left = len(asyncio.all_tasks()) - 1
        return Result(
            seen,
            history,
            chat,
            self.speaker,
            self.synthesizer,
            self.transcriber,
            timers,
            jobs,
            lamp,
            self._state,
            left,
            self.speaker.quiet,
        )

    async def _play(self, assistant: Assistant, begun: float) -> None:
        timeline = [(at, partial(assistant.post, signal)) for at, signal in self._signals]
        timeline += [(at, partial(look, assistant)) for at, look in self._probes]
        for at, do in sorted(timeline, key=lambda entry: entry[0]):
            await anyio.sleep_until(begun + at)
            with suppress(ControlError):  # a client that is told "busy"
                do()

    async def _answered(self, utterance: Utterance, result: TurnResult) -> None:
        self.answered.append((utterance, result))

    async def _show(self, text: str) -> None:
        self.shown.append(text)

    async def _end(self, assistant: Assistant, at: float) -> None:
        await anyio.sleep_until(at)
        self._state = str(daemon_of(assistant).status()["state"])
        assistant.post(ShutdownRequested("the scenario is over"))


class NoRecorder:
    """Keeps nothing."""

    turns_left = 0

    def begin(self, turns: int) -> dict[str, Any]:
        return {"turns": turns}


def daemon_of(assistant: Assistant) -> AssistantDaemon:
    """The assistant of a scenario as the socket sees it."""
    return AssistantDaemon(assistant, FakeModels(), Swarm(NobodyLends(), LiveTurns()), list, NoRecorder())


async def _collect(events: Any, seen: list[Event]) -> None:
    async for event in events:
        seen.append(event)  # noqa: PERF401 - what was seen must be there when this is cancelled


def check(result: Result) -> Result:
    """What holds after every scenario."""
    started = [event.turn for event in result.of(TurnStarted)]
    assert sorted(started) == sorted(event.turn for event in result.ended)
    assert len(started) == len(set(started))
    assert result.speaker.talked_over == 0
    assert result.tasks_left == 0
    assert result.quiet
    for turn in started:
        kinds = [type(event) for event in result.events if getattr(event, "turn", None) == turn]
        assert kinds[0] is TurnStarted
        assert kinds[-1] is TurnEnded
        assert kinds.count(TurnConfirmed) <= 1
    return result
