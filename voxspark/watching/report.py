"""How the daemon has done over days: percentiles by stage, turns, outcomes, failures; as HTML and as SVG."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from html import escape
from typing import Any

from voxspark.watching.figures import COLOURS, Figure, Line, figure_lines, figure_stacks
from voxspark.watching.turns import STAGES, stages

OUTCOMES = ("answered", "interrupted", "failed")
SHARES = (0.5, 0.95, 0.99)
DRAWN_STAGES, DRAWN_SHARES = ("transcribe", "think", "compose", "synthesize"), (0.5, 0.95)
MOST_FAILURES = 12

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem;
  background: #fff; color: #1b1f24; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; } svg { width: 100%; height: auto; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .75rem .25rem 0; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; }
tr + tr { border-top: 1px solid #8884; }
@media (prefers-color-scheme: dark) { body { background: #14171b; color: #e6e9ec; } }
"""


@dataclass(slots=True)
class Day:
    """The turns of one day."""

    day: date
    outcomes: Counter[str] = field(default_factory=Counter)
    heard: list[float] = field(default_factory=list)
    """Seconds from the end of a question to the first sound of its answer."""
    stages: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """How long each took, in seconds, of answered turns."""


@dataclass(slots=True)
class Summary:
    """All of them."""

    days: list[Day]
    """Every day of the span, oldest first, also those without a turn."""
    failures: Counter[str] = field(default_factory=Counter)
    tools: Counter[str] = field(default_factory=Counter)

    @property
    def outcomes(self) -> Counter[str]:
        """Of all days."""
        return sum((day.outcomes for day in self.days), Counter())

    @property
    def heard(self) -> list[float]:
        """Of all days."""
        return [seconds for day in self.days for seconds in day.heard]

    def stage(self, name: str) -> list[float]:
        """One, of all days."""
        return [seconds for day in self.days for seconds in day.stages[name]]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of them lies (nearest rank). There must be some."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def digest(turns: Iterable[Mapping[str, Any]], today: date, days: int) -> Summary:
    """Lines of `turns.jsonl`, summed up."""
    summary = Summary([Day(today - timedelta(days=days - 1 - number)) for number in range(days)])
    by_date = {day.day: day for day in summary.days}
    for turn in turns:
        if (day := by_date.get(datetime.fromisoformat(turn["time"]).date())) is None:
            continue
        day.outcomes[turn["outcome"]] += 1
        summary.failures.update(turn["failures"])
        summary.tools.update(each["tool"] for each in turn["tools"])
        if turn["outcome"] != "answered":
            continue
        for stage in stages(turn["timings"]):
            day.stages[stage.name].append(stage.end - stage.start)
        if (heard := turn["timings"].get("first_audible")) is not None:
            day.heard.append(heard)
    return summary


def as_svg(summary: Summary) -> str:
    """The charts, one below the other."""
    height, body = 0.0, []
    for figure in _figures(summary):
        body.append(f'<g transform="translate(0 {height:g})">{figure.body}</g>')
        height += figure.height
    return Figure("\n".join(body), height).svg(style=True) + "\n"


def as_html(summary: Summary) -> str:
    """A page that needs nothing else: no script, no font, no network."""
    first, last = summary.days[0].day, summary.days[-1].day
    parts = [
        f"<h1>VoxSpark, {first.isoformat()} to {last.isoformat()}</h1>",
        f"<p>{escape(_verdict(summary))}</p>",
        *(figure.svg() for figure in _figures(summary)),
        "<h2>Seconds by stage, of answered turns</h2>",
        _table(("stage", "turns", *(f"p{share * 100:g}" for share in SHARES)), list(_stage_rows(summary))),
    ]
    for title, counted in (("Failures", summary.failures), ("Tools", summary.tools)):
        if counted:
            rows = [(name, str(count)) for name, count in counted.most_common(MOST_FAILURES)]
            parts += [f"<h2>{title}</h2>", _table((title.lower(), "times"), rows)]
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>VoxSpark report</title><style>{STYLE}{COLOURS}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _verdict(summary: Summary) -> str:
    outcomes = summary.outcomes
    if not outcomes:
        return "There is no turn in these days yet. Talk to it, and come back."
    told = ", ".join(f"{outcomes[name]} {name}" for name in OUTCOMES if outcomes[name])
    heard = summary.heard
    if not heard:
        return f"{outcomes.total()} turns: {told}."
    middle, late = (percentile(heard, share) for share in (0.5, 0.95))
    quick = f"Half the answers began within {middle:.2f} s, 95 of 100 within {late:.2f} s."
    return f"{outcomes.total()} turns: {told}. {quick}"


def _figures(summary: Summary) -> Iterator[Figure]:
    dates = [day.day for day in summary.days]
    lines = [Line(f"p{share * 100:g}", [_share(day.heard, share) for day in summary.days]) for share in DRAWN_SHARES]
    yield figure_lines("Seconds until an answer is heard", dates, lines)
    for share in DRAWN_SHARES:
        lines = [Line(name, [_share(day.stages[name], share) for day in summary.days]) for name in DRAWN_STAGES]
        yield figure_lines(f"Seconds by stage, p{share * 100:g}", dates, lines)
    stacks = [Line(name, [float(day.outcomes[name]) for day in summary.days]) for name in OUTCOMES]
    yield figure_stacks("Turns per day", dates, stacks)


def _share(values: Sequence[float], share: float) -> float | None:
    return percentile(values, share) if values else None


def _stage_rows(summary: Summary) -> Iterator[Sequence[str]]:
    rows = [*((name, summary.stage(name)) for name, *_ in STAGES), ("until heard", summary.heard)]
    for name, values in rows:
        if values:
            yield name, str(len(values)), *(f"{percentile(values, share):.2f}" for share in SHARES)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"

    return f'<div class="wide"><table>{row(head, "th")}{"".join(row(each, "td") for each in rows)}</table></div>'
