"""Who speaks over a reply: is a nod let pass, and does an interruption interrupt, and when?

    python -m bench.overlaps [--scratch DIR] [--of test|dev] [--real-time] [--output bench/results/NAME.json]

Real ears (gate, Silero, tiny.en) and the real Assistant, while it says a long text on a speaker that is none. The clock
jumps, and a transcript takes what it takes on two quiet cores; or in real time, where the load of the machine counts.
Ends with 1 below 95 % right. How to read it: bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

import anyio
import numpy as np

from bench.latency import busy_loop_spread
from bench.overlap_clips import SCRATCH, Places, Sound, clips, sounds
from tests.scenario_parts import FakeSpeaker, FakeSynthesizer
from tests.virtual_time import run_virtual
from voxspark.assistant import Assistant
from voxspark.bus import EventBus
from voxspark.config import load_config
from voxspark.config_speech import TranscriberSettings
from voxspark.engines.stt.faster_whisper import WhisperTranscriber
from voxspark.events import Event, TurnEnded, VolumeDucked
from voxspark.memory.history import History
from voxspark.parts import AssistantParts
from voxspark.protocols import Clock, Microphone, Speaker, Synthesizer, Transcriber, TurnScope
from voxspark.senses import make_listener
from voxspark.speech.fillers import Fillers
from voxspark.tools.timers import Timers
from voxspark.types import (
    CHUNK_SAMPLES,
    CHUNK_SECONDS,
    SAMPLE_RATE_HZ,
    Chunk,
    Pcm16,
    SayRequested,
    ShutdownRequested,
    Transcript,
)

T = TypeVar("T")

REPLY = "The lighthouse stands on a rock in the sea, and its keeper has lived there alone for forty years. " * 4
BEFORE_SECONDS = 0.3
"""The reply is heard before the clip begins."""

AFTER_SECONDS = 1.0
"""Silence behind the clip, for the verdict."""

TRANSCRIPT_SECONDS = 0.2
"""What tiny.en takes for the beginning of an utterance on two quiet cores of an AMD EPYC, in nine of ten cases."""

LEAST_RIGHT = 0.95
MOST_SECONDS = 0.7
"""From the onset of an interruption to the end of the reply."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a clip led to; seconds from the onset of its sound."""

    name: str
    expected: str
    interrupted_seconds: float | None
    ducked_seconds: float | None
    restored_seconds: float | None
    """From the end of the sound."""

    @property
    def right(self) -> bool:
        return (self.interrupted_seconds is not None) == (self.expected == "interruption")


class ClipMicrophone:
    """A clip in real time, and silence after it until the reply is over."""

    dropped_seconds = 0.0

    def __init__(self, samples: Pcm16) -> None:
        self._samples = samples

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        """See `protocols.Microphone`."""
        begun = anyio.current_time()
        for number in range(len(self._samples) // CHUNK_SAMPLES):
            await anyio.sleep_until(begun + (number + 1) * CHUNK_SECONDS)
            yield Chunk(self._samples[number * CHUNK_SAMPLES :][:CHUNK_SAMPLES], number * CHUNK_SECONDS)
        await anyio.sleep_until(begun + len(self._samples) / CHUNK_SAMPLES * CHUNK_SECONDS + AFTER_SECONDS)


async def in_no_time(work: Callable[[], Awaitable[T]]) -> T:
    """The result of work in a thread, during which the jumping clock stands still."""
    done: list[T] = []

    async def do() -> None:
        done.append(await work())

    async with anyio.create_task_group() as group:
        group.start_soon(do)
        while not done:
            await anyio.lowlevel.checkpoint()  # the clock only jumps when there is nothing to do
    return done[0]


class PacedTranscriber:
    """On the jumping clock: every transcript takes the same time, however long it really takes."""

    def __init__(self, ears: Transcriber) -> None:
        self._ears = ears

    async def transcribe(self, samples: Pcm16, *, hot_words: Sequence[str] = ()) -> Transcript:
        """See `protocols.Transcriber`."""
        heard = await in_no_time(partial(self._ears.transcribe, samples, hot_words=hot_words))
        await anyio.sleep(TRANSCRIPT_SECONDS)
        return heard

    async def warm(self) -> None:
        """See `protocols.Transcriber`."""
        await self.transcribe(np.zeros(SAMPLE_RATE_HZ, np.int16))


class Silent:
    """An agent that has nothing to say: only the reply that is read out counts."""

    async def reply(self, text: str, turn: TurnScope) -> AsyncGenerator[str, None]:
        """See `protocols.Agent.reply`."""
        await anyio.lowlevel.checkpoint()
        for nothing in list[str]():
            yield nothing


async def judge(sound: Sound, transcriber: Transcriber) -> Verdict:
    """One clip over one reply."""
    parts = parts_of(ClipMicrophone(sound.samples), FakeSpeaker(), FakeSynthesizer(), transcriber, clock_from_now())
    seen: list[Event] = []
    async with anyio.create_task_group() as group, parts.bus.subscribe(10_000) as events:
        assistant = Assistant(parts)
        group.start_soon(assistant.run)
        assistant.post(SayRequested("reply", REPLY))
        with anyio.move_on_after(len(sound.samples) / CHUNK_SAMPLES * CHUNK_SECONDS + AFTER_SECONDS):
            async for event in events:
                seen.append(event)
                if isinstance(event, TurnEnded):
                    break
        assistant.post(ShutdownRequested("the clip is over"))
    return _verdict(sound, seen)


def clock_from_now() -> Clock:
    """An audio clock that begins at 0."""
    begun = anyio.current_time()
    return lambda: anyio.current_time() - begun


def parts_of(
    microphone: Microphone, speaker: Speaker, synthesizer: Synthesizer, transcriber: Transcriber, clock: Clock
) -> AssistantParts:
    """Real ears with the settings of the box, and nothing to say but what it is told to."""
    timers, silent, config = Timers(anyio.current_time), Silent(), load_config(environ={})
    return AssistantParts(
        config=config,
        clock=clock,
        bus=EventBus(),
        microphone=microphone,
        speaker=speaker,
        listener=make_listener(config),
        transcriber=transcriber,
        synthesizer=synthesizer,
        fillers=Fillers(synthesizer),
        end_of_turn=None,
        agent=silent,
        history=History(2_000),
        timers=timers,
        expert=lambda *_: silent,
        guest=silent,
        on_stop=timers.dismiss,
    )


def _verdict(sound: Sound, seen: Sequence[Event]) -> Verdict:
    def since(moment: float, found: Sequence[Event]) -> float | None:
        return round(found[0].at - moment, 3) if found else None

    ends = [event for event in seen if isinstance(event, TurnEnded) and event.outcome == "interrupted"]
    ducks = [event for event in seen if isinstance(event, VolumeDucked) and event.gain < 1]
    restored = [event for event in seen if isinstance(event, VolumeDucked) and event.gain == 1]
    return Verdict(
        sound.clip.name,
        sound.clip.expected,
        since(sound.onset, ends),
        since(sound.onset, ducks),
        since(sound.end, restored[-1:]),
    )


def _row(verdict: Verdict) -> str:
    times = (verdict.ducked_seconds, verdict.interrupted_seconds, verdict.restored_seconds)
    cells = " ".join("     –" if each is None else f"{each:6.2f}" for each in times)
    return f"{'right' if verdict.right else 'WRONG'}  {verdict.expected:12}  {cells}  {verdict.name}"


def summarized(verdicts: Sequence[Verdict]) -> dict[str, float]:
    """Shares and seconds over all clips."""
    cut = [each.interrupted_seconds for each in verdicts if each.right and each.interrupted_seconds is not None]
    ducked = [each.ducked_seconds for each in verdicts if each.ducked_seconds is not None]
    return {
        "clips": len(verdicts),
        "right": sum(each.right for each in verdicts) / len(verdicts),
        "interrupt_median_seconds": round(median(cut), 3),
        "interrupt_most_seconds": max(cut),
        "interrupt_in_time": sum(each <= MOST_SECONDS for each in cut) / len(cut),
        "duck_median_seconds": round(median(ducked), 3),
    }


async def measure(found: Sequence[Sound], ears: Transcriber) -> list[Verdict]:
    """One clip after the other."""
    await ears.warm()
    print("       expected        duck    cut   back")
    verdicts = []
    for sound in found:
        verdicts.append(await judge(sound, ears))
        print(_row(verdicts[-1]), flush=True)
    return verdicts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--of", choices=["test", "dev"], default="test", help="which clips")
    parser.add_argument("--scratch", type=Path, default=SCRATCH, help="the Media/Sounds of Debian's scratch")
    parser.add_argument("--real-time", action="store_true", help="wait for the clips and the transcripts")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    noise = busy_loop_spread()
    found = anyio.run(sounds, clips(options.of), Places(scratch=options.scratch))
    ears = WhisperTranscriber(TranscriberSettings())
    if options.real_time:
        verdicts = anyio.run(measure, found, ears)
    else:
        verdicts = run_virtual(measure, found, PacedTranscriber(ears))
    summary = summarized(verdicts)
    machine = {"cpus": os.cpu_count(), "arch": platform.machine(), "load_average": os.getloadavg()[0]}
    machine["noise_of_equal_work"] = noise
    print(json.dumps(machine), json.dumps(summary), sep="\n")
    if options.output:
        rows = [asdict(each) | {"right": each.right} for each in verdicts]
        options.output.write_text(json.dumps({"machine": machine, "summary": summary, "clips": rows}, indent=1) + "\n")
    return int(summary["right"] < LEAST_RIGHT)


if __name__ == "__main__":
    sys.exit(main())
