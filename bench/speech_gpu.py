"""What models of the catalogue that run in workers take and how fast they are here: random weights of the true size, in
the real engine, in a real worker.

    python -m bench.speech_gpu [--engine csm f5_tts] [--size tiny] [--device cpu] [--output bench/results/NAME.json]

Fetches nothing; weights are deleted as soon as they are measured. How to read it: bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any, cast

import anyio
import numpy as np

from bench.random_weights import WRITERS, Counts
from bench.speech_result import COLUMNS, Result, line, verdicts
from voxspark.config_speech import TranscriberSettings, VoiceSettings
from voxspark.config_tools import ImageSettings, Settings
from voxspark.engines.acceleration import acceleration
from voxspark.engines.registry import find
from voxspark.engines.worker.host import Worker
from voxspark.engines.worker.life import Limits
from voxspark.engines.worker.remote import HostedKind, adapter_for, worker_for
from voxspark.errors import EngineError, VoxSparkError
from voxspark.protocols import Painter, Synthesizer, Transcriber
from voxspark.roster import kind_of
from voxspark.runners.process import total_bytes
from voxspark.types import SAMPLE_RATE_HZ
from voxspark.vram.catalogue import GB, Model, builtin, need
from voxspark.vram.probes import Gpu, GpuMemory, HostMemory, Machine, Nvml, ProcFiles, Unknown, machine

CLAUSE = "The timer is set now."
"""What the first audio is timed with."""

SENTENCES = (
    "It is ten past nine, and it will rain until noon.",
    "Your next meeting is with Anna at half past two.",
    "I have added milk, eggs and bread to the shopping list, and moved the reminder to tomorrow morning.",
)
CLIP_SECONDS = (2.0, 5.0, 10.0)
"""Of noise, for ears."""

VALUE_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
LIMITS = Limits(load_seconds=3_600.0, call_seconds=3_600.0, grace_seconds=600.0)
"""So that a slow machine is measured, not given up."""

HOST_BYTES = 2 * GB
"""Left for all else when weights are loaded on a CPU."""


# ── what can be measured here ───────────────────────────────────────────────────────────────────


def on_this(device: str, here: Machine) -> str:
    """`cpu` or `cuda`; `auto` is a GPU that torch can use."""
    if device != "auto":
        return device
    gpu = here.kind in ("unified", "discrete")
    return "cuda" if gpu and acceleration(gpu=gpu).torch else "cpu"


def disk_bytes(model: Model) -> int:
    """Of its weights as they are published: two of the engines have float32 in their files."""
    return model.weights_bytes * (2 if model.engine in ("f5_tts", "csm") else 1)


def obstacle(model: Model, device: str, here: Machine, free_disk_bytes: int) -> str:
    """Why it cannot be measured at full size; empty for nothing."""
    if disk_bytes(model) > free_disk_bytes:
        return f"its weights need {disk_bytes(model) / GB:.1f} GB of disk, {free_disk_bytes / GB:.1f} are free"
    if device == "cuda":
        wanted, there = expected_bytes(model, device), here.budget.usable_bytes
    else:
        wanted = 2 * model.weights_bytes + HOST_BYTES
        memory = ProcFiles().memory()
        there = memory.available_bytes if isinstance(memory, HostMemory) else 0
    if wanted > there:
        return f"it needs {wanted / GB:.1f} GB of memory, {there / GB:.1f} are free"
    return ""


def expected_bytes(model: Model, device: str) -> int:
    """Of the catalogue, which is about a GPU; elsewhere of the engine's spec."""
    if device == "cuda":
        return need(model, model.max_context_tokens).total_bytes
    settings = settings_of(model, Path(), device, full=True)
    return find(kind(model), model.engine).memory(settings).cpu_bytes


def kind(model: Model) -> HostedKind:
    """Of its engine."""
    return cast(HostedKind, kind_of(model.roles[0]))


def settings_of(model: Model, folder: Path, device: str, *, full: bool) -> Settings:
    """The engine's own, but for where weights are, and that random ones are never sure."""
    common: dict[str, Any] = {"engine": model.engine, "model": str(folder)}
    if kind(model) == "stt":
        return TranscriberSettings(**common, device=device, min_confidence=-100.0, no_speech_threshold=1.0)
    if kind(model) == "image":
        return ImageSettings(**common) if full else ImageSettings(**common, steps=2, side=64)
    if model.engine == "f5_tts":
        common |= {"model": str(folder / "weights"), "f5_tts": {"vocoder": str(folder / "vocos")}}
    return VoiceSettings(**common, device=device, voice="catherine")


# ── speed ───────────────────────────────────────────────────────────────────────────────────────


async def free_again(worker: Worker) -> float:
    """Seconds until it takes another call; what it does not know is answered at once."""
    begun = time.perf_counter()
    with suppress(EngineError):
        await worker.call("nothing")
    return time.perf_counter() - begun


async def time_voice(voice: Synthesizer, worker: Worker, result: Result, rounds: int) -> None:
    """First audio, real-time factor, cancelling."""

    async def say(text: str) -> tuple[float, float, float]:
        begun, first, sound = time.perf_counter(), 0.0, 0.0
        async with aclosing(voice.synthesize(text)) as pieces:
            async for samples, rate in pieces:
                first = first or time.perf_counter() - begun
                sound += len(samples) / rate
        return first, time.perf_counter() - begun, sound

    result.first_seconds = median([(await say(CLAUSE))[0] for _ in range(rounds)])
    said = [await say(sentence) for sentence in SENTENCES for _ in range(rounds)]
    result.realtime_factor = sum(work for _, work, _ in said) / sum(sound for *_, sound in said)
    async with aclosing(voice.synthesize(SENTENCES[-1])) as pieces:
        await anext(pieces)
    result.cancel_seconds = await free_again(worker)


async def time_ears(ears: Transcriber, worker: Worker, result: Result, rounds: int) -> None:
    """Transcripts of noise: as long as speech of that length can have, for random weights find no end."""
    random = np.random.default_rng(0)
    taken: dict[float, float] = {}
    for seconds in CLIP_SECONDS:
        noise = random.normal(0, 3_000, int(seconds * SAMPLE_RATE_HZ)).astype(np.int16)
        times = []
        for _ in range(rounds):
            begun = time.perf_counter()
            await ears.transcribe(noise)
            times.append(time.perf_counter() - begun)
        taken[seconds] = median(times)
    result.first_seconds = taken[CLIP_SECONDS[0]]
    result.realtime_factor = sum(taken.values()) / sum(taken)
    with anyio.move_on_after(result.first_seconds / 2):
        await ears.transcribe(noise)
    result.cancel_seconds = await free_again(worker)


async def time_painter(painter: Painter, worker: Worker, result: Result, side: int) -> None:
    """One picture, then one that is not wanted after its first step."""
    begun = time.perf_counter()
    async with aclosing(painter.paint("A red fox.", width=side, height=side, seed=0)) as strokes:
        async for _ in strokes:
            result.first_seconds = result.first_seconds or time.perf_counter() - begun
    result.realtime_factor = time.perf_counter() - begun
    async with aclosing(painter.paint("A red fox.", width=side, height=side, seed=0)) as strokes:
        await anext(strokes)
    result.cancel_seconds = await free_again(worker)


async def time_engine(worker: Worker, settings: Settings, result: Result, rounds: int) -> None:
    """By what kind of engine it is."""
    match settings:
        case VoiceSettings():
            await time_voice(cast(Synthesizer, adapter_for("tts", worker)), worker, result, rounds)
        case TranscriberSettings():
            await time_ears(cast(Transcriber, adapter_for("stt", worker)), worker, result, rounds)
        case ImageSettings():
            await time_painter(cast(Painter, adapter_for("image", worker)), worker, result, settings.side)


# ── memory ──────────────────────────────────────────────────────────────────────────────────────


def gpus(nvml: Nvml) -> Sequence[Gpu]:
    """As NVML sees them; none where it sees nothing."""
    found = nvml.read()
    return () if isinstance(found, Unknown) else found


def used_bytes(cards: Sequence[Gpu]) -> int:
    """By everybody: of GPUs with memory of their own, else of the host."""
    own = [card.memory.used_bytes for card in cards if isinstance(card.memory, GpuMemory) and not card.integrated]
    memory = ProcFiles().memory()
    host = memory.total_bytes - memory.available_bytes if isinstance(memory, HostMemory) else 0
    return sum(own) if own else host


async def look(worker: Worker, nvml: Nvml, result: Result) -> None:
    """Keep the most that it takes."""
    use = await worker.memory()
    result.resident_gb = max(result.resident_gb, use.resident_bytes / GB)
    result.gpu_allocated_gb = max(result.gpu_allocated_gb, use.gpu_allocated_bytes / GB)
    result.gpu_reserved_gb = max(result.gpu_reserved_gb, use.gpu_reserved_bytes / GB)
    result.memory_gb = max(result.memory_gb, total_bytes(use, gpus(nvml), worker.pid) / GB)


async def measure(model: Model, settings: Settings, result: Result, rounds: int) -> None:
    """Load, use, cancel, unload. Raises EngineError."""
    nvml = Nvml()
    before = used_bytes(gpus(nvml))
    async with worker_for(kind(model), model.engine, settings, limits=LIMITS).running() as worker:
        begun = time.perf_counter()
        await worker.load()
        result.load_seconds = time.perf_counter() - begun
        await look(worker, nvml, result)
        if rounds:
            await time_engine(worker, settings, result, rounds)
            await look(worker, nvml, result)
        await worker.unload()
    result.left_gb = max(0, used_bytes(gpus(nvml)) - before) / GB


# ── one model after the other ───────────────────────────────────────────────────────────────────


def write_weights(key: str, size: str, folder: Path) -> Counts:
    """In a process of its own, which gives its memory back."""
    command = [sys.executable, "-m", "bench.random_weights", key, size, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    counts: Counts = json.loads(done.stdout.splitlines()[-1])
    return counts


class Notes(logging.Handler):
    """Keeps the word of a worker that it goes without CUDA graphs."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler.emit`."""
        line = record.getMessage()
        if "without CUDA graphs" in line and line not in self.lines:
            self.lines.append(line)


def bench(model: Model, options: argparse.Namespace, device: str, here: Machine) -> Result:
    """One model, whose weights are gone afterwards."""
    full = options.size == "full"
    result = Result(model.key, model.engine, options.size, device, catalogue_weights_gb=model.weights_gb)
    missing = find(kind(model), model.engine).missing()
    if missing:
        result.reason = f"needs {', '.join(missing)}"
    elif full:
        result.reason = obstacle(model, device, here, shutil.disk_usage(options.folder).free)
    if result.reason:
        return result
    result.expected_gb = expected_bytes(model, device) / GB
    notes, log = Notes(), logging.getLogger("voxspark.worker")
    log.addHandler(notes)
    try:
        with tempfile.TemporaryDirectory(prefix="voxspark-bench-", dir=options.folder) as place:
            result.parameters = write_weights(model.key, options.size, Path(place))
            result.weights_gb = sum(n * VALUE_BYTES[name] for name, n in result.parameters.items()) / GB
            settings = settings_of(model, Path(place), device, full=full)
            timed = device == "cuda" or not full
            anyio.run(measure, model, settings, result, options.rounds if timed else 0)
            if not timed:
                result.load_seconds = 0.0
    except (VoxSparkError, subprocess.CalledProcessError) as error:
        result.reason = f"{error} {getattr(error, 'remedy', '')}".strip()
    finally:
        log.removeHandler(notes)
    result.notes = notes.lines
    return result


def figures(here: Machine, results: Sequence[Result]) -> dict[str, Any]:
    """All of it, and where it was measured."""
    names = [gpu.name for gpu in gpus(Nvml())]
    where = {"cpus": os.cpu_count(), "arch": platform.machine(), "gpus": names, "memory": here.why}
    said = [each for result in results for each in verdicts(result)]
    return {"machine": where, "results": [asdict(result) for result in results], "verdicts": said}


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    models = [builtin().models[key] for key in WRITERS]
    names = sorted({model.engine for model in models} | WRITERS.keys())
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", nargs="*", choices=names, default=[], help="these engines or models of them")
    parser.add_argument("--size", choices=("full", "tiny"), default="full", help="tiny only tries the bench itself")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where the engines run")
    parser.add_argument("--rounds", type=int, default=5, help="each sentence this often")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where weights may be")
    parser.add_argument("--output", type=Path, help="write the figures there, too")
    options = parser.parse_args(arguments)
    options.models = [m for m in models if not options.engine or {m.engine, m.key} & set(options.engine)]
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table and the verdicts; 1 when a model failed or the catalogue is off."""
    options, here = parsed(arguments), machine()
    device = on_this(options.device, here)
    os.environ |= {"HF_HUB_OFFLINE": "1"} | ({"CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {})
    most, free = max(map(disk_bytes, options.models)), shutil.disk_usage(options.folder).free
    if options.size == "full":
        print(f"Takes up to {most / GB:.1f} GB in {options.folder}, where {free / GB:.1f} are free, one at a time.")
    logging.getLogger("voxspark.worker").setLevel(logging.DEBUG)
    print(f"| {' | '.join(name for name, _ in COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    results = []
    for model in options.models:
        results.append(bench(model, options, device, here))
        print(line(results[-1]), flush=True)
    made = figures(here, results)
    print("\n".join([*made["verdicts"], *(f"{r.model}: {note}" for r in results for note in r.notes)]))
    if options.output:
        options.output.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    return 1 if any(not verdict.endswith("within 10 %") for verdict in made["verdicts"]) else 0


if __name__ == "__main__":
    sys.exit(main())
