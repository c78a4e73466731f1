"""What hot words do: names found with and without them, errors over spoken cases that have nothing to do with them, and
what they cost.

python bench/hot_words.py ../shared/cases [--model bundled:tiny.en]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import anyio
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from latency import normal, word_errors

from voxspark.audio import read_speech, resample, to_pcm16
from voxspark.config_speech import TranscriberSettings
from voxspark.engines.stt.faster_whisper import WhisperTranscriber
from voxspark.types import SAMPLE_RATE_HZ, Pcm16

NAMED = (
    ("Add {} to the shopping list.", "quinoa"),
    ("Remove the {} from my list.", "halloumi"),
    ("Put {} on the grocery list.", "tahini"),
    ("Add two packs of {}.", "gochujang"),
    ("Buy some {} and milk.", "kimchi"),
    ("Set a timer for the {}.", "focaccia"),
    ("Remind me to call {} tomorrow.", "Siobhan"),
    ("Send a message to {}.", "Kwame"),
    ("What did {} say yesterday?", "Anneliese"),
    ("Turn off the lights in the {}.", "conservatory"),
    ("Play something by {}.", "Sigur Ros"),
    ("Is {} coming to dinner?", "Xavier"),
    ("Stop the {} timer.", "rooibos"),
    ("Write down that {} has the keys.", "Priyanka"),
    ("Add {} to the packing list.", "galoshes"),
    ("Call {} at six.", "Mr. Nakamura"),
)
"""Sentences with something that is on a list, or is somebody's name."""

USUAL = ("shopping", "to-do", "milk", "eggs", "sourdough", "oat milk", "tea", "batteries", "call the dentist", "pasta")
"""A day's lists, none of which is in the cases."""

NOISES = (0, 10, 1_000, 8_000)


def by_hibari(text: str) -> Pcm16:
    """The bundled voice."""
    from hibari import Hibari

    return to_pcm16(resample(np.asarray(Hibari(threads=1)(text, seed=0), np.float32), 24_000, SAMPLE_RATE_HZ))


def by_espeak(text: str) -> Pcm16:
    """A harder one."""
    return read_speech(subprocess.run(["espeak-ng", "--stdout", text], capture_output=True, check=True).stdout)


async def names_found(ears: WhisperTranscriber, words: Sequence[str]) -> dict[str, tuple[int, float]]:
    """By voice: how many names came out right, and the word error rate."""
    found = {}
    for voice in (by_hibari, by_espeak):
        right, errors, count = 0, 0, 0
        for frame, name in NAMED:
            text = frame.format(name)
            heard = (await ears.transcribe(voice(text), hot_words=words)).text
            right += name.casefold() in heard.casefold()
            errors += word_errors(text, heard)
            count += len(normal(text))
        found[voice.__name__] = (right, errors / count)
    return found


async def over_cases(ears: WhisperTranscriber, folder: Path, words: Sequence[str]) -> tuple[float, float]:
    """Median seconds, and the word error rate."""
    seconds, errors, count = [], 0, 0
    for case in json.loads((folder / "manifest.json").read_text())["cases"]:
        samples = read_speech(folder / case["wav"])[: case["end_of_speech"] + 3_200]
        begun = time.perf_counter()
        heard = (await ears.transcribe(samples, hot_words=words)).text
        seconds.append(time.perf_counter() - begun)
        errors += word_errors(case["text"], heard)
        count += len(normal(case["text"]))
    return median(seconds), errors / count


async def invented(ears: WhisperTranscriber, words: Sequence[str]) -> int:
    """How many of 12 noises were taken for speech."""
    random = np.random.default_rng(0)
    noises = [random.normal(0, level, seconds * SAMPLE_RATE_HZ) for level in NOISES for seconds in (1, 3, 20)]
    heard = [await ears.transcribe(noise.clip(-32_768, 32_767).astype(np.int16), hot_words=words) for noise in noises]
    return sum(bool(each.text) for each in heard)


async def measure(folder: Path, model: str) -> None:
    """Print a table."""
    ears = WhisperTranscriber(TranscriberSettings(model=model))
    await ears.warm()
    named = tuple(name for _, name in NAMED)
    told = {"none": (), "a day's lists": USUAL, "the names": named, "both, 26": (*named, *USUAL)}
    print(f"| {model} | names, hibari | names, espeak | cases, seconds | cases, errors | noise |")
    print("|---|---|---|---|---|---|")
    for what, words in told.items():
        voices = [f"{n} ({rate:.3f})" for n, rate in (await names_found(ears, words)).values()]
        seconds, rate = await over_cases(ears, folder, words)
        row = [what, *voices, f"{seconds:.3f}", f"{rate:.3f}", str(await invented(ears, words))]
        print(f"| {' | '.join(row)} |", flush=True)


def main() -> None:
    """One table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--model", default="bundled:tiny.en")
    options = parser.parse_args()
    anyio.run(measure, options.cases, options.model)


if __name__ == "__main__":
    main()
