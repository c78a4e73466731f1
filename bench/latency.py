"""Latency, accuracy and idle cost of the daemon over spoken cases, in real time, from outside.

    python bench/latency.py ../shared/cases [--only joe] [--profile embedded] [--output bench/results/NAME.json]

Each case is one `voxspark run --microphone file:… --speaker file:… --once --json`. How to read it: bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import wave
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from voxspark.speech.spoken import spoken

AUDIBLE_DBFS = -50.0
IDLE_FROM_SECONDS, IDLE_UNTIL_SECONDS = 5.0, 25.0


@dataclass
class Case:
    """What one case gave; milliseconds after the true end of speech."""

    id: str
    kind: str
    """`intent` when a tool answered, `model` otherwise."""
    transcript_ms: float | None = None
    first_token_ms: float | None = None
    audible_ms: float | None = None
    """From the daemon's own event."""
    audible_in_wav_ms: float | None = None
    """From the output file: the first sample above -50 dBFS; the two must agree."""
    words: int = 0
    errors: int = 0
    cut_off: bool = False
    """Something was audible before the true end of speech."""
    mended: bool = False
    """A cut off case whose last turn carries the whole text."""
    text: str = ""
    reply: str = ""
    resident_mb: float = 0.0


def run_voxspark(microphone: Path, speaker: Path, profile: str) -> tuple[list[dict[str, Any]], float, float | None]:
    """Events of one run, its peak resident megabytes, and idle CPU as a share of a core (when it ran long enough)."""
    command = [sys.executable, "-m", "voxspark", "run", "--once", "--json", "--profile", profile]
    command += ["--microphone", f"file:{microphone}", "--speaker", f"file:{speaker}"]
    alone = {f"XDG_{kind}_HOME": str(speaker.parent / kind.lower()) for kind in ("DATA", "STATE")}
    env = {**os.environ, **alone, "VOXSPARK_MEMORY__CONVERSATION_DAYS": "0"}  # no case hears of another, or your timers
    shutil.rmtree(alone["XDG_DATA_HOME"], ignore_errors=True)
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    assert child.stdout is not None
    events: list[dict[str, Any]] = []
    peak, first, last = 0.0, None, None
    os.set_blocking(child.stdout.fileno(), False)
    buffered = b""
    ready_at = None
    while child.poll() is None:
        time.sleep(0.25)
        buffered += child.stdout.read() or b""
        *lines, buffered = buffered.split(b"\n")
        events += [json.loads(line) for line in lines]
        peak = max(peak, resident_mb(child.pid))
        if ready_at is None and any(event["event"] == "ready" for event in events):
            ready_at = time.monotonic()
        if ready_at is not None:
            elapsed = time.monotonic() - ready_at
            if first is None and elapsed > IDLE_FROM_SECONDS:
                first = (time.monotonic(), cpu_seconds(child.pid))
            if elapsed < IDLE_UNTIL_SECONDS:
                last = (time.monotonic(), cpu_seconds(child.pid))
    os.set_blocking(child.stdout.fileno(), True)
    rest, errors = child.communicate()
    events += [json.loads(line) for line in (buffered + rest).splitlines()]
    if child.returncode:
        raise SystemExit(f"voxspark run failed ({child.returncode}):\n{errors.decode()}")
    cpu = (last[1] - first[1]) / (last[0] - first[0]) if first and last and last[0] - first[0] > 10 else None
    return events, peak, cpu


def resident_mb(pid: int) -> float:
    """Resident set of a process and nothing else, from /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) * 1024 / 1e6 if found else 0.0


def cpu_seconds(pid: int) -> float:
    """User and system time so far."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(case: dict[str, Any], folder: Path, profile: str, scratch: Path) -> Case:
    """Run one case and compare what came out with what was said."""
    speaker = scratch / f"{case['id']}.wav"
    events, peak, _ = run_voxspark(folder / case["wav"], speaker, profile)
    opened = next((e["at"] for e in events if e["event"] == "device_changed" and e["device"] == "microphone"), 0.0)
    end_of_speech = opened + case["end_of_speech"] / 16_000
    ended = [e for e in events if e["event"] == "turn_ended" and e["outcome"] not in ("withdrawn", "empty")]
    result = Case(case["id"], "none", words=len(normal(case["text"])), errors=len(normal(case["text"])))
    result.resident_mb = peak
    if not ended:
        return result
    turn = ended[-1]["turn"]
    audible = [e["at"] for e in events if e["event"] == "speaking_started"]
    result.kind = "intent" if any(e["event"] == "tool_used" and e["turn"] == turn for e in events) else "model"
    result.transcript_ms = after(events, "transcribed", turn, end_of_speech)
    result.first_token_ms = after(events, "first_token", turn, end_of_speech)
    result.audible_ms = after(events, "speaking_started", turn, end_of_speech)
    result.audible_in_wav_ms = onset_ms(speaker, end_of_speech)
    result.errors = word_errors(case["text"], ended[-1]["transcript"])
    result.cut_off = any(at < end_of_speech for at in audible)
    result.mended = result.cut_off and result.errors <= result.words * 0.2
    result.text, result.reply = ended[-1]["transcript"], ended[-1]["heard"]
    return result


def after(events: list[dict[str, Any]], name: str, turn: int, moment: float) -> float | None:
    """Milliseconds from `moment` to the first such event of a turn."""
    return next((round((e["at"] - moment) * 1000, 1) for e in events if e["event"] == name and e["turn"] == turn), None)


def onset_ms(path: Path, moment: float) -> float | None:
    """Milliseconds from `moment` to the next audible sample in a WAV that lies on the daemon's clock."""
    with wave.open(str(path)) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
    start = int(moment * rate)
    loud = np.flatnonzero(np.abs(samples[start:]) > 10 ** (AUDIBLE_DBFS / 20))
    return round(float(loud[0]) / rate * 1000, 1) if len(loud) else None


def normal(text: str) -> list[str]:
    """Words as they are spoken: lower case, no punctuation, numbers in words, `6:30` and `630` as a time."""
    text = re.sub(r"\b(\d{1,2})(\d\d)\b(?! ?(dollars|percent))", r"\1:\2", text)
    return re.sub(r"[^a-z' ]+", " ", spoken(text).lower().replace("-", " ")).split()


def word_errors(reference: str, heard: str) -> int:
    """Substitutions, insertions and deletions (Levenshtein distance over words)."""
    want, got = normal(reference), normal(heard)
    row = list(range(len(got) + 1))
    for i, word in enumerate(want, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(got, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != other))
    return row[-1]


def percentile(values: list[float], share: float) -> float | None:
    """The value below which that share lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def spread(values: list[float | None]) -> str:
    """p50 / p95 for the table."""
    known = [value for value in values if value is not None]
    return f"{median(known):6.0f} / {percentile(known, 0.95):6.0f} ms" if known else "     -"


def busy_loop_spread() -> float:
    """The machine's own noise: the slowest of 20 equal pieces of work over the fastest."""
    times = []
    for _ in range(20):
        begun = time.perf_counter()
        sum(range(1_000_000))
        times.append(time.perf_counter() - begun)
    return max(times) / min(times)


def main() -> None:
    """Run, print a table, write the raw figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path, help="folder with a manifest.json")
    parser.add_argument("--only", default="", help="only cases whose id begins so")
    parser.add_argument("--profile", default="embedded")
    parser.add_argument("--output", type=Path, help="write the raw figures here (JSON)")
    options = parser.parse_args()
    manifest = json.loads((options.cases / "manifest.json").read_text())
    noise_before = busy_loop_spread()
    with tempfile.TemporaryDirectory() as scratch:
        rows = []
        for case in (c for c in manifest["cases"] if c["id"].startswith(options.only)):
            rows.append(measure(case, options.cases, options.profile, Path(scratch)))
            show(rows[-1])
        silence = run_voxspark(options.cases / manifest["silence"], Path(scratch) / "s.wav", options.profile)
        noise = run_voxspark(options.cases / manifest["noise"]["wav"], Path(scratch) / "n.wav", options.profile)
    false_starts = sum(e["event"] == "turn_started" for run in (silence, noise) for e in run[0])
    summary = summarise(rows, false_starts, silence[2], max([silence[1], noise[1], *(r.resident_mb for r in rows)]))
    summary["machine"] = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    summary["noise of equal work"] = f"x{noise_before:.2f} before, x{busy_loop_spread():.2f} after"
    print("\n" + "\n".join(f"{name:<34}{value}" for name, value in summary.items()))
    if options.output:
        options.output.write_text(json.dumps({"summary": summary, "cases": [asdict(r) for r in rows]}, indent=1) + "\n")


def show(row: Case) -> None:
    """One line per case, as it is done."""
    marks = ("cut off, mended" if row.mended else "CUT OFF") if row.cut_off else ""
    heard = "-" if row.audible_ms is None else f"{row.audible_ms:.0f}"
    print(f"{row.id:<8}{row.kind:<8}{heard:>6} ms  {row.errors:>2}/{row.words:<3}{marks:<16}{row.text}", flush=True)


def summarise(rows: list[Case], false_starts: int, idle: float | None, resident: float) -> dict[str, str]:
    """The figures of the README."""
    intents = [row for row in rows if row.kind == "intent"]
    models = [row for row in rows if row.kind == "model"]
    words = sum(row.words for row in rows)
    return {
        "end of speech → transcript": spread([row.transcript_ms for row in rows]),
        "→ first token (model)": spread([row.first_token_ms for row in models]),
        "→ first audible, model": spread([row.audible_ms for row in models]),
        "→ first audible, local intent": spread([row.audible_ms for row in intents]),
        "→ first audible, all": spread([row.audible_ms for row in rows]),
        "→ first audible, all, in the WAV": spread([row.audible_in_wav_ms for row in rows]),
        "word error rate": f"{sum(row.errors for row in rows) / max(1, words):.3f}  ({len(rows)} cases)",
        "cut off before the end": f"{sum(row.cut_off for row in rows)}, of these mended {sum(r.mended for r in rows)}",
        "not answered": str(sum(row.kind == "none" for row in rows)),
        "turns started on silence and noise": str(false_starts),
        "idle CPU": "-" if idle is None else f"{idle * 100:.1f} % of a core",
        "resident memory, highest": f"{resident:.0f} MB",
    }


if __name__ == "__main__":
    main()
