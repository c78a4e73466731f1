"""From events to one record per turn: when each stage was done, which tools ran, how it ended. No text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from voxspark.events import Event, Failed, FillerSpoken, Ready, ToolUsed, TurnEnded, TurnStarted

MOST_LIVE = 64
"""Turns that may be open at once before the oldest counts as lost; two are, at most, in a daemon that is well."""

UNNOTICED = ("withdrawn", "empty")
"""Outcomes of turns that nobody heard: guesses of where a sentence ends."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a turn, in seconds after the end of speech."""

    name: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class ToolTime:
    """A tool that finished."""

    tool: str
    ok: bool
    done: float
    """Seconds after the end of speech."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRecord:
    """What is known of a turn when it is over."""

    turn: int
    source: str
    end_of_speech: float
    """On the audio clock."""
    outcome: str
    reason: str = ""
    """Why it was interrupted or withdrawn."""
    model: str = ""
    """The language model that the daemon has; who answers may be another of the team."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """As in `events.TurnEnded`."""
    tools: tuple[ToolTime, ...] = ()
    fillers: int = 0
    failures: tuple[str, ...] = ()
    """Codes."""

    def to_json(self) -> dict[str, Any]:
        """JSON-ready, times rounded to the millisecond."""
        return {
            "turn": self.turn,
            "source": self.source,
            "outcome": self.outcome,
            "reason": self.reason,
            "model": self.model,
            "timings": {name: round(seconds, 3) for name, seconds in self.timings.items()},
            "tools": [{"tool": each.tool, "ok": each.ok, "done": round(each.done, 3)} for each in self.tools],
            "fillers": self.fillers,
            "failures": list(self.failures),
        }


STAGES = (
    ("transcribe", "transcript", ()),
    ("wait", "confirmed", ()),
    ("think", "first_token", ("transcript",)),
    ("compose", "first_clause", ("first_token",)),
    ("synthesize", "first_audio", ("first_clause",)),
    ("play", "first_audible", ("first_audio", "confirmed")),
    ("speak", "ended", ("first_audible",)),
)
"""A stage, the timing of its end, and those of which the last is its beginning (none: the end of speech)."""


def stages(timings: Mapping[str, float]) -> Iterator[Stage]:
    """The stages that happened. A speculative turn has some of them before the end of speech is certain."""
    for name, done, begins in STAGES:
        if done not in timings or not all(each in timings for each in begins[:1]):
            continue
        start = max((timings[each] for each in begins if each in timings), default=0.0)
        yield Stage(name, min(start, timings[done]), timings[done])


@dataclass(slots=True)
class _Open:
    started: TurnStarted
    tools: list[ToolTime] = field(default_factory=list)
    fillers: int = 0
    failures: list[str] = field(default_factory=list)


class TurnRecords:
    """Collects events until a turn is over."""

    def __init__(self) -> None:
        self._open: dict[int, _Open] = {}
        self._model = ""

    def note(self, event: Event) -> TurnRecord | None:
        """The record of the turn that this event ends, if it does."""
        match event:
            case Ready(engines=engines):
                self._model = engines.get("chat", "")
            case TurnStarted():
                self._open[event.turn] = _Open(event)
                while len(self._open) > MOST_LIVE:
                    del self._open[next(iter(self._open))]
            case ToolUsed(at, turn, tool, ok=ok) if turn in self._open:
                known = self._open[turn]
                known.tools.append(ToolTime(tool, ok, at - known.started.end_of_speech))
            case FillerSpoken(turn=turn) if turn in self._open:
                self._open[turn].fillers += 1
            case Failed(turn=int(turn), code=code) if turn in self._open:
                self._open[turn].failures.append(code)
            case TurnEnded(turn=turn) if turn in self._open:
                return self._over(self._open.pop(turn), event)
        return None

    def _over(self, known: _Open, ended: TurnEnded) -> TurnRecord:
        return TurnRecord(
            turn=ended.turn,
            source=known.started.source,
            end_of_speech=known.started.end_of_speech,
            outcome=ended.outcome,
            reason=ended.reason or "",
            model=self._model,
            timings=ended.timings,
            tools=tuple(known.tools),
            fillers=known.fillers,
            failures=tuple(known.failures),
        )
