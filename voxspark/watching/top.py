"""One frame of `voxspark top`: what the daemon does, its last turns, its memory, its devices and engines."""

from __future__ import annotations

import dataclasses
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from voxspark.devices.level import in_words
from voxspark.events import Event, Failed
from voxspark.plan_view.chart import span
from voxspark.plan_view.live import headline, ledger
from voxspark.watching.report import percentile
from voxspark.watching.turns import UNNOTICED, TurnRecords
from voxspark.waterfall import waterfall

LAST_TURNS = 50
SHOWN_TURNS = 8
FAILURES = 3
KINDS = {kind.name(): kind for kind in Event.__subclasses__()}

COLOURS = {"listening": 32, "hearing": 36, "thinking": 33, "speaking": 34}
"""ANSI, of a state."""

Turn = Mapping[str, Any]
"""As a line of `turns.jsonl`."""


def event_of(message: Mapping[str, Any]) -> Event | None:
    """An event from its JSON; None when this version does not know it."""
    if (kind := KINDS.get(message.get("event", ""))) is None:
        return None
    known = {each.name for each in dataclasses.fields(kind)}
    try:
        return kind(**{key: value for key, value in message.items() if key in known})
    except TypeError:
        return None


class Lately:
    """The last turns and failures, from the events of a running daemon."""

    def __init__(self, before: Iterable[Turn] = ()) -> None:
        """`before`: turns of which there are no events any more."""
        self.turns: deque[Turn] = deque(before, maxlen=LAST_TURNS)
        self.failures: deque[tuple[datetime, Failed]] = deque(maxlen=FAILURES)
        self._records = TurnRecords()

    def note(self, message: Mapping[str, Any], now: datetime) -> None:
        """One event, as the socket tells it."""
        if (event := event_of(message)) is None:
            return
        if isinstance(event, Failed):
            self.failures.append((now, event))
        record = self._records.note(event)
        if record is not None and record.outcome not in UNNOTICED:
            self.turns.append({"time": now.isoformat(), **record.to_json()})


def frame(
    status: Mapping[str, Any], lately: Lately, now: datetime, *, width: int, height: int | None = None, colour: bool
) -> str:
    """As many lines as fit, none wider than `width`."""
    lines = list(_lines(status, lately, now, width))[:height]
    cut = [_clean(line)[:width].rstrip() for line in lines]
    if colour and cut:
        cut[0] = _painted(cut[0], str(status["state"]))
    return "\n".join(cut)


def _clean(line: str) -> str:
    """Names of devices and messages of engines come from elsewhere: no escape sequence reaches the terminal."""
    return "".join(character if character.isprintable() else "?" for character in line)


def _painted(line: str, state: str) -> str:
    return line.replace(state, f"\x1b[1;{COLOURS.get(state, 0)}m{state}\x1b[0m", 1)


def _lines(status: Mapping[str, Any], lately: Lately, now: datetime, width: int) -> Iterator[str]:
    up, memory = span(status["uptime_seconds"]), f"{status['memory_mb']} MB (at most {status['peak_memory_mb']})"
    yield f"VoxSpark {status['version']}   {status['state']}   up {up}   {memory}"
    yield f"microphone  {in_words(status['microphone'])}"
    yield f"speaker     {in_words(status['speaker'])}   {_lost(status)}"
    for name in ("ears", "voices"):
        yield f"{name:<12}{', '.join(map(_engine, status[name])) or 'none'}"
    yield f"model       {status['engines'].get('chat', '')}   profile {status['profile']}"
    yield from _waiting(status)
    yield ""
    yield from _turns(lately.turns, now, width)
    yield from _failures(lately.failures, status, now)
    if status.get("memory"):
        yield ""
        yield f"Memory plan, {headline(status['memory'])}"
        yield from "\n".join(ledger(status["memory"])).split("\n")


def _lost(status: Mapping[str, Any]) -> str:
    seconds = status["dropped_audio_seconds"]
    return f"{seconds:.1f} s of sound lost" if seconds else "no sound lost"


def _engine(engine: Mapping[str, str]) -> str:
    trouble = engine.get("trouble", "")
    return f"{engine['name']} ({trouble})" if trouble else engine["name"]


def _waiting(status: Mapping[str, Any]) -> Iterator[str]:
    kept = status.get("recorded_turns_left")
    parts = [f"RECORDING the next {kept} turns"] * bool(kept)
    parts += [f"{status['waiting_requests']} questions wait"] * bool(status["waiting_requests"])
    parts += [f"timers: {', '.join(status['timers'])}"] * bool(status["timers"])
    parts += [f"{job['title']}: {job['state']}" for job in status["jobs"]]
    if parts:
        yield "   ".join(parts)


def _turns(turns: Sequence[Turn], now: datetime, width: int) -> Iterator[str]:
    if not turns:
        yield "No turn yet."
        return
    outcomes = Counter(str(turn["outcome"]) for turn in turns)
    told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    yield f"Last {len(turns)} turns: {told}{_middle(turns)}"
    for turn in list(turns)[: -SHOWN_TURNS - 1 : -1]:
        yield f"  {_turn(turn, now)}"
    bars = waterfall(turns[-1]["timings"], max(10, min(60, width - 30)))
    if bars:
        yield ""
        yield "The last one, after the end of the question:"
        yield from bars.split("\n")


def _middle(turns: Iterable[Turn]) -> str:
    """The median until an answer is heard, where there is one."""
    heard = [t["timings"]["first_audible"] for t in turns if "first_audible" in t["timings"]]
    return f"; heard after {percentile(heard, 0.5):.2f} s (median)" if heard else ""


def _turn(turn: Turn, now: datetime) -> str:
    ago = span((now - datetime.fromisoformat(turn["time"])).total_seconds())
    heard = turn["timings"].get("first_audible")
    latency = f"{heard:6.2f} s" if heard is not None else " " * 8
    tools = ", ".join(each["tool"] for each in turn["tools"])
    notes = "; ".join(filter(None, [tools, turn["reason"], ", ".join(turn["failures"])]))
    return f"{ago:>7} ago  {turn['outcome']:<12}{latency}  {turn['source']:<13}{notes}"


def _failures(failures: Sequence[tuple[datetime, Failed]], status: Mapping[str, Any], now: datetime) -> Iterator[str]:
    told = [
        f"{span((now - at).total_seconds()):>7} ago  {failure.message} {failure.remedy} ({failure.code})"
        for at, failure in reversed(failures)
    ]
    if not told and (last := status["last_failure"]):
        age = span(status["uptime_seconds"] - last["at"])
        told = [f"{age:>7} ago  {last['message']} {last['remedy']} ({last['code']})"]
    if told:
        yield ""
        yield "Failures"
        yield from (f"  {line}" for line in told)
