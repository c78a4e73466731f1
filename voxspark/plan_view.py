"""The memory plan as something to look at: a bar in the terminal, an SVG, JSON."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from voxspark.vram.profiles import Row, Verdict

GB = 1_000_000_000
BAR_CHARACTERS = 60
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#edc948", "#b07aa1", "#9c755f", "#bab0ac", "#ff9da7")
"""Ten colours that stay apart (Tableau 10)."""

SVG_WIDTH, BAR_HEIGHT, LINE_HEIGHT, MARGIN = 860, 44, 20, 20


def summary(verdicts: Sequence[Verdict]) -> str:
    """One line per profile: whether it fits, and how full memory would be."""
    width = max(len(verdict.profile) for verdict in verdicts)
    return "\n".join(
        f"{verdict.profile:<{width}}  {'fits' if verdict.fits else 'DOES NOT FIT':<12}"
        f"  {verdict.total_bytes / GB:>6.1f} of {verdict.capacity_bytes / GB:.1f} GB"
        for verdict in verdicts
    )


def bar(verdict: Verdict) -> str:
    """Memory as one line of letters, and whose they are; `·` is free, `!` is past the budget."""
    scale = max(verdict.capacity_bytes, verdict.total_bytes, 1) / BAR_CHARACTERS
    drawn, ends, reached = "", [], 0
    for letter, row in zip(LETTERS, _placed(verdict), strict=False):
        reached += row.total_bytes
        drawn += letter * max(1, round(reached / scale) - len(drawn))
        ends.append(f"  {letter} {row.total_bytes / GB:>7.2f} GB  {row.name} ({', '.join(row.roles)})")
    limit = round(verdict.capacity_bytes / scale)
    drawn = (drawn + "·" * BAR_CHARACTERS)[:BAR_CHARACTERS]
    over = "!" * (BAR_CHARACTERS - limit)
    return "\n".join([f"[{drawn[:limit]}{over}]", *ends])


def to_json(verdict: Verdict) -> dict[str, Any]:
    """Everything, in bytes, with where each figure comes from."""
    return {
        "profile": verdict.profile,
        "fits": verdict.fits,
        "reason": verdict.reason,
        "total_bytes": verdict.total_bytes,
        "capacity_bytes": verdict.capacity_bytes,
        "models": [
            {
                "model": row.model,
                "roles": list(row.roles),
                "device": row.pool,
                "weights_bytes": row.need.weights_bytes,
                "kv_bytes": row.need.kv_bytes,
                "overhead_bytes": row.need.overhead_bytes,
                "total_bytes": row.total_bytes,
                "source": row.need.source,
            }
            for row in verdict.rows
        ],
    }


def svg(verdict: Verdict, why: str) -> str:
    """A stacked bar with its legend."""
    rows = _placed(verdict)
    inner = SVG_WIDTH - 2 * MARGIN
    scale = inner / max(verdict.capacity_bytes, verdict.total_bytes, 1)
    height = MARGIN * 2 + 58 + BAR_HEIGHT + LINE_HEIGHT * (len(rows) + 2)
    top, end = MARGIN + 54, verdict.capacity_bytes * scale
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SVG_WIDTH} {height}" font-family="sans-serif" '
        'font-size="13" fill="#222">',
        f'<rect width="{SVG_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{MARGIN}" y="{MARGIN + 10}" font-size="18" font-weight="bold">{escape(verdict.profile)}: '
        f"{verdict.total_bytes / GB:.1f} of {verdict.capacity_bytes / GB:.1f} GB"
        f"{'' if verdict.fits else ' — does not fit'}</text>",
        f'<text x="{MARGIN}" y="{MARGIN + 34}" fill="#666">{escape(why)}</text>',
        f'<rect x="{MARGIN}" y="{top}" width="{end:.1f}" height="{BAR_HEIGHT}" fill="#eee"/>',
    ]
    left = float(MARGIN)
    for number, row in enumerate(rows):
        colour, width = COLOURS[number % len(COLOURS)], row.total_bytes * scale
        parts.append(f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{BAR_HEIGHT}" fill="{colour}"/>')
        left += width
        y = top + BAR_HEIGHT + LINE_HEIGHT * (number + 1) + 10
        parts.append(f'<rect x="{MARGIN}" y="{y - 11}" width="12" height="12" fill="{colour}"/>')
        text = f"{row.total_bytes / GB:.2f} GB  {row.name} ({', '.join(row.roles)})"
        parts.append(f'<text x="{MARGIN + 20}" y="{y}">{escape(text)}</text>')
    x = f"{MARGIN + end:.1f}"
    parts.append(f'<line x1="{x}" y1="{top - 5}" x2="{x}" y2="{top + BAR_HEIGHT + 5}" stroke="#c00"/>')
    return "\n".join([*parts, "</svg>", ""])


def _placed(verdict: Verdict) -> list[Row]:
    """The models that take memory, largest first."""
    return sorted((row for row in verdict.rows if row.total_bytes), key=lambda row: -row.total_bytes)
