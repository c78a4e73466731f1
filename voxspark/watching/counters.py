"""From events to counters and histograms, with names as Prometheus likes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from voxspark.events import (
    AudioDropped,
    DeviceChanged,
    EarsChanged,
    Event,
    Failed,
    ModelChanged,
    ToolUsed,
    VoiceChanged,
    VolumeDucked,
)
from voxspark.watching.turns import TurnRecord, stages

BOUNDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
"""Seconds: fine where an answer feels immediate (below 0.5) or late (above 1)."""

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Family:
    """One name, what it means, and its values by label."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    values: Mapping[Labels, float | Histogram]


@dataclass(slots=True)
class Histogram:
    """How many observations fell below each bound, not cumulated; the last place is for those above all."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    sum: float = 0.0

    def observe(self, value: float) -> None:
        """One more."""
        place = next((n for n, bound in enumerate(BOUNDS) if value <= bound), len(BOUNDS))
        self.counts[place] += 1
        self.sum += value


HELP = {
    "turns": "Turns that ended, by outcome and where the question came from.",
    "failures": "Failures, by stage and code.",
    "tool_calls": "Tools that finished.",
    "barge_ins": "Replies that somebody interrupted by speaking.",
    "false_alarms": "Replies that were made quiet for somebody who did not interrupt.",
    "dropped_audio_seconds": "Sound of the microphone that the daemon had no time for.",
    "devices_lost": "Microphones and speakers that went away.",
    "model_changes": "Models of the memory plan that moved on, by state.",
    "voice_changes": "Times another voice took over.",
    "ears_changes": "Times other ears took over.",
}


class Counters:
    """Everything since the daemon began."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[Labels, float]] = {name: defaultdict(float) for name in HELP}
        for name in ("barge_ins", "false_alarms", "dropped_audio_seconds", "voice_changes", "ears_changes"):
            self._counts[name][()] = 0.0
        self._stages: dict[Labels, Histogram] = defaultdict(Histogram)
        self._latencies: dict[Labels, Histogram] = defaultdict(Histogram)

    def note(self, event: Event) -> None:
        """Something happened."""
        match event:
            case Failed(stage=stage, code=code):
                self._add("failures", stage=stage, code=code)
            case ToolUsed(tool=tool, ok=ok):
                self._add("tool_calls", tool=tool, ok=str(ok).lower())
            case VolumeDucked(gain=1.0):
                self._add("false_alarms")
            case AudioDropped(seconds=seconds):
                self._add("dropped_audio_seconds", seconds)
            case DeviceChanged(device=device, state="lost"):
                self._add("devices_lost", device=device)
            case ModelChanged(state=state):
                self._add("model_changes", state=state)
            case VoiceChanged():
                self._add("voice_changes")
            case EarsChanged():
                self._add("ears_changes")

    def note_turn(self, record: TurnRecord) -> None:
        """A turn is over."""
        self._add("turns", outcome=record.outcome, source=record.source)
        if record.outcome == "interrupted" and record.reason == "barge-in":
            self._add("barge_ins")
        for stage in stages(record.timings):
            self._stages[("stage", stage.name),].observe(stage.end - stage.start)
        if record.outcome == "answered" and "first_audible" in record.timings:
            self._latencies[("source", record.source),].observe(record.timings["first_audible"])

    def _add(self, name: str, amount: float = 1.0, **labels: str) -> None:
        self._counts[name][tuple(labels.items())] += amount

    def families(self) -> Iterator[Family]:
        """All of it."""
        for name, text in HELP.items():
            yield Family(f"voxspark_{name}_total", "counter", text, self._counts[name])
        yield Family("voxspark_stage_seconds", "histogram", "How long each stage of a turn takes.", self._stages)
        yield Family(
            "voxspark_answer_seconds",
            "histogram",
            "From the end of a question to the first sound of its answer.",
            self._latencies,
        )
