"""What the agent costs apart from its models, beside its budgets: intents, prompt, tools, memory, first sound.

    python -m bench.agent [--rounds 5] [--output bench/results/NAME.json]

Ends with 1 when a 95th percentile is over its budget. How to read it: bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from statistics import median

import anyio
import numpy as np

from bench.latency import busy_loop_spread, percentile
from tests.agent_parts import FakeTurn
from tests.daemon_process import DaemonProcess, private_env, running_daemon
from tests.intent_phrases import LEFT_TO_THE_MODEL, MATCHES
from voxspark.agent.audit import AuditLog
from voxspark.agent.intents import Intents
from voxspark.agent.mediator import Mediator, TurnGuard
from voxspark.agent.prompt import FOR_SPEECH, Prompt
from voxspark.config import Config
from voxspark.kit import make_toolbox
from voxspark.memory.database import open_database
from voxspark.memory.embedding import Embedding
from voxspark.memory.extension import compares_vectors, load_extension
from voxspark.memory.facts import STOP_WORDS, Facts
from voxspark.memory.history import History
from voxspark.memory.recall import Recall
from voxspark.memory.schema import MIGRATIONS
from voxspark.tools.registry import Toolbox
from voxspark.tools.wall_time import local_now
from voxspark.types import ToolCall, TurnResult

FACTS = 10_000
VOCABULARY = 20_000
FACT_WORDS, SHORT_WORDS, LONG_WORDS = 12, 4, 40
QUESTIONS = 40
REPEATS = 100
HISTORY_TOKENS = 4_096
IN_SQL = f"recall by sqlite-vec, {FACTS:,}, 768 values"

SPOKEN = (
    *("What time is it?", "Set a tea timer for ten minutes.", "How long is left?", "What is 12 times 12?"),
    *("Add milk to the shopping list.", "What's on my shopping list?", "Cancel all timers.", "What day is it?"),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """Milliseconds of one thing, and what it may take."""

    name: str
    median_ms: float
    p95_ms: float
    budget_ms: float
    samples: int

    @classmethod
    def of(cls, name: str, budget_ms: float, seconds: Sequence[float]) -> Figure:
        """From seconds."""
        p95 = percentile(list(seconds), 0.95) or 0.0
        return cls(name, round(median(seconds) * 1e3, 3), round(p95 * 1e3, 3), budget_ms, len(seconds))

    @property
    def is_over(self) -> bool:
        return self.p95_ms > self.budget_ms

    def line(self) -> str:
        """For the table."""
        share = self.p95_ms / self.budget_ms
        figures = f"{self.median_ms:9.3f} {self.p95_ms:9.3f} {self.budget_ms:8.0f}  x{share:.2f}"
        return f"{self.name:<42}{figures}  {'OVER' if self.is_over else ''}"


async def best(rounds: int, works: Sequence[Callable[[], Awaitable[object]]]) -> list[float]:
    """Seconds of each, the best of so many rounds: what other programs do to one call is left out."""
    taken = [math.inf] * len(works)
    for _ in range(rounds):
        for number, work in enumerate(works):
            begun = time.perf_counter()
            await work()
            taken[number] = min(taken[number], time.perf_counter() - begun)
    return taken


# ── what a turn does before and after a model ───────────────────────────────────────────────────


async def intent_match(toolbox: Toolbox, rounds: int) -> list[Figure]:
    """Over the phrases of the tests."""
    intents = Intents(toolbox)
    intents.match("what time is it")

    async def match(text: str) -> None:
        intents.match(text)

    kinds = {"a command": [text for text, _, _ in MATCHES], "anything else": LEFT_TO_THE_MODEL}
    return [
        Figure.of(f"intent match, {name}", 2.0, await best(rounds, [partial(match, text) for text in texts]))
        for name, texts in kinds.items()
    ]


async def prompt_building(rounds: int) -> Figure:
    """With a history as long as it gets, and three notes."""
    history, prompt = History(HISTORY_TOKENS), Prompt(FOR_SPEECH, local_now)
    for number in range(400):
        said = f"Question {number}: {'why ' * 10}"
        history.commit(TurnResult("answered", said, "Because it is so. " * 4, (), {}))
    notes = [f'On 2026-11-{day} the user said: "{"words " * 30}"' for day in (1, 2, 3)]

    async def build() -> None:
        prompt.build(history.messages(), "And now?", (), notes)

    return Figure.of("prompt building", 2.0, await best(rounds, [build] * REPEATS))


async def tool_dispatch(toolbox: Toolbox, folder: Path, rounds: int) -> Figure:
    """A tool that only reads, with the audit log on disk."""
    mediator = Mediator(toolbox, AuditLog(folder / "audit.jsonl", local_now))

    async def dispatch() -> None:
        outcome = await mediator.run(ToolCall("get_time", {}), TurnGuard("What time is it?"), FakeTurn())
        assert outcome.verdict == "read", outcome

    return Figure.of("tool dispatch", 1.0, await best(rounds, [dispatch] * REPEATS))


# ── memory ──────────────────────────────────────────────────────────────────────────────────────


class RandomEmbedder:
    """At once, and about nothing."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._random = np.random.default_rng(dimension)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Directions without meaning."""
        return [vector.tolist() for vector in self._random.standard_normal((len(texts), self._dimension))]


def sentences(count: int, words: int, seed: int) -> list[str]:
    """Words as often as in English, by Zipf's law; those that say nothing are the most frequent."""
    chance = random.Random(seed)
    names = [*sorted(STOP_WORDS), *(f"w{number:x}ord" for number in range(VOCABULARY))]
    sums = list(accumulate(1 / rank for rank in range(1, len(names) + 1)))
    return [" ".join(chance.choices(names, cum_weights=sums, k=words)) for _ in range(count)]


async def recall(folder: Path, dimension: int, rounds: int) -> list[Figure]:
    """By words and by meaning, as a turn does it."""
    with closing(open_database(folder / f"{dimension}.db", MIGRATIONS)) as database:
        facts, embedding = Facts(database), Embedding(RandomEmbedder(dimension), lambda: "random")
        await facts.put_document("/notes", [("here", text) for text in sentences(FACTS, FACT_WORDS, 1)], time.time())
        model, vectors = await embedding.documents([""] * FACTS)
        await facts.put_vectors(model, list(enumerate(vectors, 1)))
        await facts.warm(model)
        memory, figures = Recall(facts, embedding), []
        for name, words in (("short", SHORT_WORDS), ("long", LONG_WORDS)):
            asked = [partial(memory.passages, text, 5) for text in sentences(QUESTIONS, words, 2)]
            figure = Figure.of(f"recall, {FACTS:,} facts, {dimension} values, {name}", 20.0, await best(rounds, asked))
            figures.append(figure)
    return figures


async def recall_in_sql(folder: Path, rounds: int) -> list[Figure]:
    """The same by sqlite-vec, as after a start; nothing where it does not load."""
    with closing(open_database(folder / "768.db", MIGRATIONS, load_extension)) as database:
        if not await database.read(compares_vectors):
            return []
        memory = Recall(Facts(database), Embedding(RandomEmbedder(768), lambda: "random"))
        asked = [partial(memory.passages, text, 5) for text in sentences(QUESTIONS, SHORT_WORDS, 2)]
        return [Figure.of(IN_SQL, 80.0, await best(rounds, asked))]


# ── the first sound ─────────────────────────────────────────────────────────────────────────────


def first_sound(folder: Path) -> Figure:
    """In the embedded profile, by the daemon's clock: questions over the socket begin with their words."""
    env = {**private_env(folder), "VOXSPARK_DEVICES__MICROPHONE": "null"}
    with running_daemon(env, "--profile", "embedded", "--speaker", f"file:{folder / 'answers.wav'}") as daemon:
        seconds = [said(daemon, text) for _ in range(2) for text in SPOKEN]
    return Figure.of("local intent, transcript to first sample", 350.0, seconds)


def said(daemon: DaemonProcess, text: str) -> float:
    """Seconds from the words to the sound."""
    before = len(daemon.of("turn_ended"))
    daemon.call("ask", "--aloud", text)
    turn = daemon.of("turn_ended")[before]["turn"]
    begun, audible = (
        next(event["at"] for event in daemon.of(name) if event["turn"] == turn)
        for name in ("turn_started", "speaking_started")
    )
    return float(audible - begun)


def main() -> None:
    """Run, print a table, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="more for steadier figures")
    parser.add_argument("--output", type=Path, help="write the figures here (JSON)")
    options = parser.parse_args()
    rounds: int = options.rounds
    noise, toolbox = busy_loop_spread(), make_toolbox(Config())
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        figures = [*anyio.run(intent_match, toolbox, rounds), anyio.run(prompt_building, rounds)]
        figures.append(anyio.run(tool_dispatch, toolbox, folder, rounds))
        figures += [each for dimension in (384, 768) for each in anyio.run(recall, folder, dimension, rounds)]
        in_sql = anyio.run(recall_in_sql, folder, rounds)
        figures += [*in_sql, first_sound(folder)]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"{'milliseconds':<42}{'median':>9} {'p95':>9} {'budget':>8}")
    print("\n".join(figure.line() for figure in figures))
    if not in_sql:
        print(f"{IN_SQL:<42}   not loadable here")
    print(f"\n{machine}; noise of equal work x{noise:.2f} before, x{busy_loop_spread():.2f} after")
    if options.output:
        rows = [asdict(figure) for figure in figures]
        options.output.write_text(
            json.dumps({"machine": machine, "noise": round(noise, 2), "figures": rows}, indent=1) + "\n"
        )
    sys.exit(any(figure.is_over for figure in figures))


if __name__ == "__main__":
    main()
