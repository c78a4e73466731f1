"""How long Whisper should look: time and word errors by window, over spoken cases.

python bench/whisper_window.py ../shared/cases [--model bundled:tiny.en]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import median

import anyio

sys.path.insert(0, str(Path(__file__).parent))

from latency import normal, word_errors

from voxspark.audio import read_speech
from voxspark.config_speech import TranscriberSettings
from voxspark.engines.stt.faster_whisper import WhisperTranscriber


async def measure(folder: Path, model: str, window_seconds: float) -> tuple[float, float]:
    """Median seconds per case, and the word error rate."""
    settings = TranscriberSettings(model=model).model_copy(update={"window_seconds": window_seconds})
    ears = WhisperTranscriber(settings)
    await ears.warm()
    seconds, errors, words = [], 0, 0
    for case in json.loads((folder / "manifest.json").read_text())["cases"]:
        samples = read_speech(folder / case["wav"])[: case["end_of_speech"] + 3_200]
        begun = time.perf_counter()
        heard = (await ears.transcribe(samples)).text
        seconds.append(time.perf_counter() - begun)
        errors += word_errors(case["text"], heard)
        words += len(normal(case["text"]))
    return median(seconds), errors / words


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--model", default="bundled:tiny.en")
    options = parser.parse_args()
    print("| window | seconds | word errors |\n|---|---|---|")
    for window_seconds in (30.0, 15.0, 12.0, 10.0, 8.0, 6.0):
        seconds, rate = anyio.run(measure, options.cases, options.model, window_seconds)
        print(f"| {window_seconds:.0f} s | {seconds:.3f} | {rate:.3f} |")


if __name__ == "__main__":
    main()
