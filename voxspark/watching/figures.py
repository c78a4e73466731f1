"""Charts over days as SVG: lines and stacked bars. Colours follow the viewer's light or dark scheme."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

WIDTH, HEIGHT = 720.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 28.0, 48.0, 34.0
INNER, TALL = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
MOST_LABELS = 7

LIGHT = {
    **{"p50": "#17699e", "p95": "#b3510a"},
    **{"answered": "#2b7a5f", "interrupted": "#b98900", "failed": "#b3261e"},
    **{"transcribe": "#17699e", "think": "#b3510a", "compose": "#2b7a5f", "synthesize": "#8a4fa8"},
}
DARK = {
    **{"p50": "#5ab0e8", "p95": "#f0954a"},
    **{"answered": "#4cb793", "interrupted": "#e0b84a", "failed": "#f2766c"},
    **{"transcribe": "#5ab0e8", "think": "#f0954a", "compose": "#4cb793", "synthesize": "#c792e0"},
}
"""By the name of what is drawn."""


def _rules(colours: Mapping[str, str]) -> str:
    """Without variables, which not every viewer of SVG knows."""
    return " ".join(f".mark.{name} {{ fill: {c}; }} .line.{name} {{ stroke: {c}; }}" for name, c in colours.items())


COLOURS = f"""
svg text {{ font: 15px system-ui, sans-serif; fill: #57606a; }} svg .title {{ font-weight: 600; fill: #1b1f24; }}
.grid {{ stroke: #d0d7de; }} .line {{ fill: none; stroke-width: 2.5; stroke-linejoin: round; }}
{_rules(LIGHT)}
@media (prefers-color-scheme: dark) {{
  svg text {{ fill: #a8b1bb; }} svg .title {{ fill: #e6e9ec; }} .grid {{ stroke: #343b43; }}
  {_rules(DARK)}
}}
"""
BACKGROUND = ".page { fill: #fff; } @media (prefers-color-scheme: dark) { .page { fill: #14171b; } }"


@dataclass(frozen=True, slots=True)
class Line:
    """One value per day, or None; `name` is one of LIGHT."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Figure:
    """Parts of an SVG, WIDTH wide."""

    body: str
    height: float = HEIGHT

    def svg(self, *, style: bool = False) -> str:
        """A picture, with colours and a background of its own where it stands alone."""
        own = f'<style>{COLOURS}{BACKGROUND}</style><rect class="page" width="100%" height="100%"/>' if style else ""
        box = f'viewBox="0 0 {WIDTH:g} {self.height:g}"'
        return f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img">{own}\n{self.body}\n</svg>'


def figure_lines(title: str, days: Sequence[date], lines: Sequence[Line]) -> Figure:
    """Each a polyline that is broken where there is no value; a lone value is a dot."""
    top = _ceiling(max((value for line in lines for value in line.values if value is not None), default=0.0))
    parts = list(_frame(title, days, lines, top))
    for line in lines:
        for run in _runs(line.values):
            points = [(_x(number, len(days)), _y(value, top)) for number, value in run]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            parts.append(f'<polyline class="line {line.name}" points="{path}"/>')
            parts += [
                f'<circle class="mark {line.name}" cx="{x:.1f}" cy="{y:.1f}" r="3.5">'
                f"<title>{days[number]} {line.name}: {value:.2f}</title></circle>"
                for (x, y), (number, value) in zip(points, run, strict=True)
            ]
    return Figure("\n".join(parts))


def figure_stacks(title: str, days: Sequence[date], lines: Sequence[Line]) -> Figure:
    """A bar per day, its parts from the bottom in the order of the lines."""
    sums = [sum(line.values[number] or 0.0 for line in lines) for number in range(len(days))]
    top = _ceiling(max(sums, default=0.0), whole=True)
    parts = list(_frame(title, days, lines, top))
    wide = max(1.0, INNER / len(days) * 0.7)
    for number, day in enumerate(days):
        reached = 0.0
        for line in lines:
            if not (value := line.values[number]):
                continue
            high, low = _y(reached + value, top), _y(reached, top)
            reached += value
            parts.append(
                f'<rect class="mark {line.name}" x="{_x(number, len(days)) - wide / 2:.1f}" y="{high:.1f}" '
                f'width="{wide:.1f}" height="{low - high:.1f}">'
                f"<title>{day} {line.name}: {value:g}</title></rect>"
            )
    return Figure("\n".join(parts))


def _frame(title: str, days: Sequence[date], lines: Sequence[Line], top: float) -> Iterator[str]:
    """Title, legend, grid, days."""
    yield f'<text class="title" x="{LEFT:g}" y="22">{escape(title)}</text>'
    reached = WIDTH - RIGHT
    for line in reversed(lines):
        reached -= 9 * len(line.name) + 28
        yield f'<rect class="mark {line.name}" x="{reached:.0f}" y="11" width="12" height="12" rx="2"/>'
        yield f'<text x="{reached + 17:.0f}" y="22">{line.name}</text>'
    for step in range(5):
        value = top * step / 4
        y = _y(value, top)
        yield f'<line class="grid" x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{LEFT - 8:g}" y="{y + 5:.1f}" text-anchor="end">{value:g}</text>'
    every = math.ceil(len(days) / MOST_LABELS)
    for number in range(len(days) - 1, -1, -every):
        label = f"{days[number].day} {days[number]:%b}"
        yield f'<text x="{_x(number, len(days)):.1f}" y="{HEIGHT - 10:g}" text-anchor="middle">{label}</text>'
    if not any(value for line in lines for value in line.values):
        yield f'<text x="{WIDTH / 2:g}" y="{TOP + TALL / 2:g}" text-anchor="middle">nothing yet</text>'


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """Neighbours that have values."""
    run: list[tuple[int, float]] = []
    for number, value in enumerate([*values, None]):
        if value is not None:
            run.append((number, value))
        elif run:
            yield run
            run = []


def _ceiling(value: float, *, whole: bool = False) -> float:
    """A round number not below it, whose quarters are round, too."""
    if value <= 0:
        return 4.0 if whole else 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    rounded = next(step * unit for step in (1, 2, 4, 6, 8, 10) if step * unit >= value * (1 - 1e-9))
    return max(4.0, math.ceil(rounded / 4) * 4.0) if whole else rounded


def _x(number: int, count: int) -> float:
    return LEFT + INNER * (number + 0.5) / count


def _y(value: float, top: float) -> float:
    return TOP + TALL * (1 - value / top)
