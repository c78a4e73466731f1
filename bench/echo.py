"""What is left of its own voice, whether it takes it for somebody's, and how soon somebody is noticed over it.

    python -m bench.echo [--minutes 10] [--output bench/results/NAME.json]

A simulated room (`tests/echo_room.py`): 80 ms, 250 ms of reverberation, an overdriven loudspeaker, noise of -65 dBFS.
Ends with 1 when something is over its budget. How to read it: bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import anyio
import numpy as np

from bench.echo_turns import ReadyVoice, Scene, alone, interrupted
from bench.overlap_clips import ONSET_DB
from bench.overlaps import PacedTranscriber
from tests.echo_room import SPEAKER_HZ, Cards, Room, faster
from tests.virtual_time import run_virtual
from voxspark.audio import read_speech, resample, to_float
from voxspark.config import Config
from voxspark.config_speech import TranscriberSettings, VoiceSettings
from voxspark.devices.echo.aec3 import Aec3
from voxspark.devices.echo.canceller import Canceller
from voxspark.devices.echo.far_end import FarEnd
from voxspark.engines.registry import find
from voxspark.engines.stt.faster_whisper import WhisperTranscriber
from voxspark.protocols import Synthesizer
from voxspark.senses import make_listener
from voxspark.speech.spoken import spoken
from voxspark.types import SAMPLE_RATE_HZ, Chunk, Pcm, SpeechBegan

VOICES = Path(__file__).parents[1] / "voices"
PEOPLE = [VOICES / name / "reference.wav" for name in ("dashwood", "catherine")]
SENTENCES: list[str] = tomllib.loads((Path(__file__).parent / "sentences.toml").read_text("utf-8"))["sentences"]

LEAST_LOSS_DB = 25.0
LONGEST_BARGE_IN_SECONDS = 0.7
WARM_UP_SECONDS = 4.0
"""Of every recording that is left out, as the canceller learns."""
PAUSE_SECONDS = 0.5
INTERRUPTIONS = 24


@dataclass(frozen=True)
class Loss:
    """Echo return loss enhancement, dB, of one scene."""

    scene: str
    detection: float
    """What voice detection hears."""
    transcriber: float
    """What a transcriber hears while something is played."""
    first_seconds: float
    delay_ms: int | None
    cpu_share: float
    """Of one core, per second of sound."""


def embedded_voice() -> Synthesizer:
    """The voice that needs nothing else."""
    settings = VoiceSettings()
    voice: Synthesizer = find("tts", settings.engine).create(settings)
    return voice


def own_speech(seconds: float) -> Pcm:
    """The embedded voice says the sentences of the benches, 48 kHz, at the level at which it speaks."""
    voice = embedded_voice()

    async def say(text: str) -> Pcm:
        pieces: list[Pcm] = []
        async with aclosing(voice.synthesize(spoken(text))) as stream:
            async for samples, rate in stream:
                pieces.append(resample(samples, rate, SPEAKER_HZ))
        return np.concatenate(pieces)

    sentences = [anyio.run(say, text) for text in SENTENCES]
    pause = np.zeros(round(PAUSE_SECONDS * SPEAKER_HZ), np.float32)
    parts: list[Pcm] = [pause, pause]
    while sum(map(len, parts)) < seconds * SPEAKER_HZ:
        parts += [sentences[len(parts) // 2 % len(sentences)], pause]
    return np.concatenate(parts)[: round(seconds * SPEAKER_HZ)]


def recording(path: Path, seconds: float) -> Pcm:
    """Somebody speaks, 48 kHz, again and again."""
    once = resample(to_float(read_speech(path)), SAMPLE_RATE_HZ, SPEAKER_HZ)
    return np.tile(once, math.ceil(seconds * SPEAKER_HZ / len(once)))[: round(seconds * SPEAKER_HZ)]


def cleaned(far: Pcm, near: Pcm, *, drift_ppm: float = 0.0) -> tuple[Iterator[Chunk], Canceller]:
    """The microphone's chunks without the echo, as they come."""
    far_end = FarEnd()
    canceller = Canceller(far_end, Aec3())
    return map(canceller.clean, Cards(far_end.played, drift_ppm).chunks(far, near)), canceller


def power_db(samples: Pcm) -> float:
    return 10 * math.log10(float(np.mean(samples**2)) + 1e-12)


def loss(scene: str, far: Pcm, room: Room, *, drift_ppm: float = 0.0, moved: Room | None = None) -> Loss:
    """ERLE; with `moved`, the room is another one from the middle on, and the second half counts."""
    heard = faster(resample(far, SPEAKER_HZ, SAMPLE_RATE_HZ), drift_ppm)
    echo = room.echo(heard)
    start = round(WARM_UP_SECONDS * SAMPLE_RATE_HZ)
    if moved is not None:
        middle = len(echo) // 2
        echo = np.concatenate((echo[:middle], moved.echo(heard)[middle:]))
        start += middle
    near = echo + room.noise(len(echo))
    began = time.process_time()
    chunks, canceller = cleaned(far, near, drift_ppm=drift_ppm)
    out = list(chunks)
    seconds = time.process_time() - began
    detection = to_float(np.concatenate([each.samples for each in out]))
    transcriber = to_float(np.concatenate([each.samples if each.heard is None else each.heard for each in out]))
    begin, end = SAMPLE_RATE_HZ, 3 * SAMPLE_RATE_HZ
    return Loss(
        scene,
        detection=round(power_db(near[start:]) - power_db(detection[start:]), 1),
        transcriber=round(power_db(near[start:]) - power_db(transcriber[start:]), 1),
        first_seconds=round(power_db(near[begin:end]) - power_db(detection[begin:end]), 1),
        delay_ms=None if canceller.delay is None else round(canceller.delay.seconds * 1000),
        cpu_share=round(seconds / (len(near) / SAMPLE_RATE_HZ), 4),
    )


def false_alarms(far: Pcm, room: Room, *, cancel: bool = True) -> int:
    """How often the listener takes its own speech for somebody's. Each might become a turn."""
    near = room.echo(resample(far, SPEAKER_HZ, SAMPLE_RATE_HZ))
    near = near + room.noise(len(near))
    listener = make_listener(Config())
    chunks = cleaned(far, near)[0] if cancel else Cards(lambda *_: None).chunks(far, near)
    return sum(isinstance(signal, SpeechBegan) for chunk in chunks for signal in listener.feed(chunk))


def words_over(room: Room, above_echo_db: float, speech: Pcm) -> list[Pcm]:
    """What people say, by so much louder than the echo of this speech (48 kHz)."""
    echo = room.echo(resample(speech, SPEAKER_HZ, SAMPLE_RATE_HZ))
    level = power_db(echo[np.abs(echo) > 0.003]) + above_echo_db
    return [words * np.float32(10 ** ((level - power_db(words)) / 20)) for words in map(_words, range(INTERRUPTIONS))]


def _words(n: int) -> Pcm:
    """1.5 s of a person, from the first 10 ms that are no further than ONSET_DB below the loudest."""
    samples = to_float(read_speech(PEOPLE[n % len(PEOPLE)]))
    frames = np.abs(samples[: len(samples) // 160 * 160]).reshape(-1, 160).max(1)
    quiet = np.convolve(frames < 0.02, np.ones(12), "full")[: len(frames)] >= 12
    onsets = [k for k in range(1, len(frames) - 150) if quiet[k - 1] and frames[k] >= 0.04]
    begin = onsets[n // len(PEOPLE) % len(onsets)] if onsets else 0
    power = (samples[: len(frames) * 160].reshape(-1, 160) ** 2).mean(axis=1)[begin : begin + 150]
    begin += int(np.flatnonzero(power >= power.max() * 10 ** (-ONSET_DB / 10))[0])
    return samples[begin * 160 : begin * 160 + round(1.5 * SAMPLE_RATE_HZ)].copy()


def interruptions(found: list[float]) -> dict[str, float]:
    """How many were noticed, and when."""
    noticed = sorted(each for each in found if each < math.inf)
    return {
        "of": len(found),
        "noticed": len(noticed),
        "in_time": sum(each <= LONGEST_BARGE_IN_SECONDS for each in noticed),
        "median_seconds": round(median(noticed), 3),
        "p90_seconds": round(noticed[int(0.9 * len(noticed))], 3),
    }


def losses(seconds: float) -> list[Loss]:
    """ERLE of people and of the own voice."""
    near_by, far_off = Room(), Room(delay_seconds=0.25)
    people = [recording(path, seconds) for path in PEOPLE]
    return [
        *(loss(f"80 ms, {path.parent.name}", far, near_by) for path, far in zip(PEOPLE, people, strict=True)),
        loss("80 ms, its own voice", own_speech(seconds), near_by),
        loss("80 ms, noise at -80 dBFS", people[0], Room(noise_dbfs=-80.0)),
        loss("250 ms", people[0], far_off),
        *(loss(f"{ppm:+d} ppm", people[0], near_by, drift_ppm=ppm) for ppm in (50, -50, 200, -200)),
        loss("after somebody moved", people[0], near_by, moved=Room(delay_seconds=0.09, seed=9)),
    ]


def measure(minutes: float) -> dict[str, Any]:
    results: dict[str, Any] = {"machine": platform.machine(), "minutes": minutes}
    results["loss"] = [asdict(each) for each in losses(24.0)]
    for row in results["loss"]:
        print(f"{row['scene']:26} {row['detection']:5.1f} dB  (transcriber {row['transcriber']:.1f} dB)", flush=True)
    at_10_db = Room(echo_db=-10.0)
    speech = own_speech(minutes * 60)
    results["false_alarms"] = false_alarms(speech, at_10_db)
    results["false_alarms_without"] = false_alarms(speech[: 60 * SPEAKER_HZ], at_10_db, cancel=False)
    print(f"{minutes:g} minutes of its own speech: {results['false_alarms']} false alarms", flush=True)
    voice, ears = ReadyVoice(embedded_voice()), PacedTranscriber(WhisperTranscriber(TranscriberSettings()))
    own = run_virtual(alone, Scene(at_10_db, voice, ears), SENTENCES, minutes * 60)
    results["own_speech"] = asdict(own)
    print(f"through the assistant: {own}", flush=True)
    results["barge_in"] = {}
    for name, room, above in (
        ("no echo", Room(echo_db=-120.0), 0.0),
        ("as loud as the echo", at_10_db, 0.0),
        ("6 dB louder", at_10_db, 6.0),
    ):
        words = words_over(at_10_db, above, speech[: 20 * SPEAKER_HZ])
        row = interruptions(run_virtual(interrupted, Scene(room, voice, ears), SENTENCES, words))
        results["barge_in"][name] = row
        print(f"interrupted, {name}: {row}", flush=True)
    return results


def over_budget(results: dict[str, Any]) -> list[str]:
    """What is not as it must be."""
    over = [f"{row['scene']}: {row['detection']} dB" for row in results["loss"] if row["detection"] < LEAST_LOSS_DB]
    own = results["own_speech"]
    if own["turns"] > own["said"] or own["interrupted"]:
        over.append(f"it has interrupted itself: {own}")
    if results["false_alarms"]:
        over.append(f"{results['false_alarms']} false alarms")
    for name, row in results["barge_in"].items():
        if row["median_seconds"] > LONGEST_BARGE_IN_SECONDS or row["noticed"] < row["of"]:
            over.append(f"barge-in, {name}: {row}")
    return over


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="of its own speech (10)")
    parser.add_argument("--output", type=Path, help="where to write the figures")
    options = parser.parse_args()
    results = measure(options.minutes)
    if options.output:
        options.output.write_text(json.dumps(results, indent=2) + "\n")
    for line in (over := over_budget(results)):
        print(f"over budget: {line}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
