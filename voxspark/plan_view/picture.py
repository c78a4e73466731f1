"""A chart as an SVG: bars with the budget line, the floor and the free room, and a legend."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from html import escape

from voxspark.plan_view.chart import GB, Chart, Group, Segment, Strip

WIDTH, MARGIN = 960, 28
INNER = WIDTH - 2 * MARGIN
BAR, THIN, LINE = 52, 26, 22
NAME = 184
"""Where names begin in the legend."""

CHARACTER = 0.6
"""Width of a character by font size: a wide sans-serif, so that no viewer's font overflows."""

INK, MUTED, RULE, GOOD, BAD = "#1b1f24", "#57606a", "#d0d7de", "#1a6b38", "#b3261e"

FILLS: Mapping[Group, tuple[str, ...]] = {
    "pinned": ("#17406d", "#2f6ea8", "#0f2f52", "#245c93"),
    "resident": ("#1f6b45", "#3b7f2d", "#0f4f43", "#2b7a5f"),
    "staying": ("#1f6b45", "#3b7f2d", "#0f4f43", "#2b7a5f"),
    "on demand": ("#a4520a", "#8a3d12", "#b0471f", "#7a5200"),
    "loading": ("#6a3fa0", "#84489f", "#513a8c"),
    "leaving": ("#9b2743", "#b0344b", "#7d2348"),
    "on the processor": ("#3f4f8f", "#5a6bb0", "#2d3a70"),
    "other programs": ("#4d5560", "#69727d", "#3b424b"),
    "kept free for pinned": ("url(#kept)",),
}
"""One hue for each group and shades for its models; white text reads on every plain one (contrast of 4.5 or more)."""

PATTERNS = (
    "<defs>"
    '<pattern id="floor" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="8" height="8" fill="#f3e3e1"/><rect width="3" height="8" fill="#e3c3bf"/></pattern>'
    '<pattern id="kept" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="8" height="8" fill="#e3edf7"/><rect width="3" height="8" fill="#b4cfe8"/></pattern>'
    "</defs>"
)


def svg(chart: Chart) -> str:
    """The picture as a file's text."""
    return _Picture(chart).draw()


def _width(text: str, size: float, weight: str = "normal") -> float:
    return len(text) * CHARACTER * size * (1.12 if weight == "bold" else 1.0)


class _Picture:
    """Collects the parts from top to bottom; `_y` is where the next one goes."""

    def __init__(self, chart: Chart) -> None:
        self._chart = chart
        self._parts: list[str] = []
        self._y = float(MARGIN)
        pools = [strip for strip in chart.strips if strip.kind != "beside"]
        widest = max((strip.start_bytes + strip.total_bytes for strip in pools), default=0)
        self._scale = INNER / max(chart.total_bytes, widest, 1)
        self._fills: dict[tuple[str, Group], str] = {}
        for segment in (segment for strip in chart.strips for segment in strip.segments):
            used = sum(group == segment.group for _, group in self._fills)
            shades = FILLS[segment.group]
            self._fills.setdefault((segment.name, segment.group), shades[used % len(shades)])

    def draw(self) -> str:
        """Head, strips, legend."""
        self._head()
        for strip in self._chart.strips:
            match strip.kind:
                case "pool":
                    self._pool(strip)
                case "instead":
                    self._instead(strip)
                case "beside":
                    self._beside(strip)
        self._legend()
        height = round(self._y + MARGIN - LINE / 2)
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            f"font-family=\"Inter, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif\" "
            f'font-size="13" fill="{INK}">'
        )
        return "\n".join([head, PATTERNS, _rect(0, 0, WIDTH, height, "#ffffff"), *self._parts, "</svg>", ""])

    # ── parts ───────────────────────────────────────────────────────────────────────────────────

    def _head(self) -> None:
        chart = self._chart
        self._text(MARGIN, self._y + 18, chart.title, size=22, weight="bold")
        word, colour = ("fits", GOOD) if chart.fits else ("does not fit", BAD)
        wide = _width(word, 13, "bold") + 20
        self._parts.append(_rect(WIDTH - MARGIN - wide, self._y, wide, 24, colour, radius=12))
        self._text(
            WIDTH - MARGIN - wide / 2, self._y + 16.5, word, size=13, fill="#ffffff", anchor="middle", weight="bold"
        )
        self._y += 44
        for sentence, fill in ((chart.verdict, INK), (chart.why, MUTED)):
            for line in textwrap.wrap(sentence, int(INNER / (CHARACTER * 13))):
                self._text(MARGIN, self._y, line, fill=fill)
                self._y += 19
        self._y += 8

    def _pool(self, strip: Strip) -> None:
        """The planned memory: models, free room up to the budget line, what the system uses, and the floor."""
        self._label(strip)
        chart, top = self._chart, self._y
        limit = self._x(chart.capacity_bytes)
        floor = self._x(max(chart.total_bytes - chart.floor_bytes, chart.capacity_bytes))
        end = self._x(chart.total_bytes)
        taken = self._x(strip.total_bytes)
        self._parts += [
            _rect(MARGIN, top, end - MARGIN, BAR, "#e9edf1"),
            _rect(limit, top, floor - limit, BAR, "#cfd6dd"),
            _rect(floor, top, end - floor, BAR, "url(#floor)"),
        ]
        self._segments(strip, BAR)
        if limit > taken:
            self._inside((taken, limit), f"free {self._free_bytes(strip) / GB:.1f} GB", BAR, MUTED)
        self._inside((max(taken, floor), end), "floor", BAR, "#7a3b34")
        self._parts += [
            _rect(limit - 3, top, 6, BAR, "#ffffff"),
            _rect(limit - 1, top - 7, 2, BAR + 14, BAD),
        ]
        anchor = "end" if limit > WIDTH / 2 else "start"
        said = f"budget {chart.capacity_bytes / GB:.1f} GB"
        self._text(limit, top + BAR + 21, said, size=12, fill=BAD, anchor=anchor, weight="bold")
        self._y += BAR + 36

    def _instead(self, strip: Strip) -> None:
        """A thin bar below the part whose place it takes; a bracket shows how much that is."""
        left, right = self._x(strip.start_bytes), self._x(strip.start_bytes + strip.total_bytes)
        end = self._x(strip.start_bytes + strip.replaced_bytes)
        bracket = f"M{left:.1f} {self._y - 3:.1f}v-4H{end:.1f}v4"
        self._parts.append(f'<path d="{bracket}" fill="none" stroke="{MUTED}"/>')
        self._segments(strip, THIN)
        names = ", ".join(f"{segment.name} ({segment.note})" for segment in strip.segments)
        said = f"{names} {strip.label}"
        baseline = self._y + THIN / 2 + 4
        if right + 10 + _width(said, 12) <= WIDTH - MARGIN:
            self._text(right + 10, baseline, said, size=12, fill=INK)
        elif left - 10 - _width(said, 12) >= MARGIN:
            self._text(left - 10, baseline, said, size=12, fill=INK, anchor="end")
        else:
            self._y += THIN
            said = textwrap.shorten(said, int(INNER / (CHARACTER * 12)), placeholder=" …")
            self._text(max(MARGIN, min(left, WIDTH - MARGIN - _width(said, 12))), self._y + 15, said, size=12)
            self._y -= 6
        self._y += THIN + 12

    def _beside(self, strip: Strip) -> None:
        self._y += 8
        self._label(strip)
        scale, self._scale = self._scale, min(self._scale, INNER / max(strip.total_bytes, 1))
        self._segments(strip, THIN)
        self._scale = scale
        self._y += THIN + 14

    def _label(self, strip: Strip) -> None:
        said = f"{strip.label}: {strip.used_bytes / GB:.1f} GB"
        self._text(MARGIN, self._y + 6, said, fill=MUTED, weight="bold")
        self._y += 20

    def _segments(self, strip: Strip, height: float) -> None:
        reached, limit = strip.start_bytes, self._x(self._chart.capacity_bytes)
        for segment in strip.segments:
            left = self._x(reached)
            reached += segment.bytes
            right = self._x(reached)
            gap = 1.5 if right - left > 4 else 0.0
            fill = self._fills[segment.name, segment.group]
            self._parts.append(_rect(left, self._y, max(right - left - gap, 0.8), height, fill, title=_title(segment)))
            ink = "#ffffff" if fill.startswith("#") else INK
            size = f"{segment.bytes / GB:.1f} GB"
            if strip.kind == "pool" and left < limit < right:  # no text below the budget line
                left, right = (left, limit) if limit - left > right - limit else (limit, right)
            if height >= BAR and _width(segment.name, 12, "bold") + 8 <= right - left:
                self._inside((left, right), segment.name, height - 18, ink, weight="bold")
                self._inside((left, right), size, height + 18, ink)
            else:
                self._inside((left, right), size, height, ink)

    def _legend(self) -> None:
        """Groups with their sum, and in each its models: GB, share of the budget, whose."""
        self._y += 10
        self._parts.append(_rect(MARGIN, self._y - 4, INNER, 1, RULE))
        self._y += 16
        self._text(MARGIN + 92, self._y, "GB", size=12, fill=MUTED, anchor="end")
        self._text(MARGIN + 164, self._y, "of budget", size=12, fill=MUTED, anchor="end")
        self._y += LINE
        rows = {(segment.name, segment.group): segment for strip in self._chart.strips for segment in strip.segments}
        present = {group for _, group in rows}
        for group in (group for group in FILLS if group in present):
            members = [segment for segment in rows.values() if segment.group == group]
            if [segment.name for segment in members] != [group]:
                self._heading(group, sum(segment.bytes for segment in members))
            for segment in members:
                self._row(self._fills[segment.name, segment.group], segment)
        self._rest()

    def _rest(self) -> None:
        """What no model has."""
        self._y += 8
        chart = self._chart
        elsewhere = chart.total_bytes - chart.floor_bytes - chart.capacity_bytes
        free = [self._free_bytes(strip) for strip in chart.strips if strip.kind == "pool"]
        for fill, name, size, note in (
            ("#e9edf1", "free", free[0] if len(free) == 1 else 0, ""),
            ("#cfd6dd", "in use without models", elsewhere, "not planned with"),
            ("url(#floor)", "floor", chart.floor_bytes, "never for models"),
        ):
            if size > 0:
                self._row(fill, Segment(name, size, "rest", note))

    def _heading(self, group: Group, size_bytes: int) -> None:
        """A group's name, with its sum where its models are in memory together."""
        if group != "on demand":
            self._figures(group, size_bytes, "bold")
        self._text(MARGIN + NAME, self._y, group.capitalize(), weight="bold")
        self._y += LINE

    def _row(self, fill: str, segment: Segment) -> None:
        self._parts.append(_rect(MARGIN, self._y - 12, 14, 14, fill, radius=2))
        self._figures(segment.group, segment.bytes)
        room = int((INNER - NAME) / (CHARACTER * 13)) - len(segment.name) - 2
        note = textwrap.shorten(segment.note, max(room, 1), placeholder=" …")
        tail = f'<tspan dx="10" fill="{MUTED}">{escape(note)}</tspan>' if note else ""
        self._parts.append(f'<text x="{MARGIN + NAME}" y="{self._y:.1f}">{escape(segment.name)}{tail}</text>')
        self._y += LINE

    def _figures(self, group: Group, size_bytes: int, weight: str = "normal") -> None:
        self._text(MARGIN + 92, self._y, f"{size_bytes / GB:.2f}", anchor="end", weight=weight)
        if self._chart.capacity_bytes and group != "on the processor":
            percent = 100 * size_bytes / self._chart.capacity_bytes
            share = f"{percent:.1f} %" if percent < 100 else f"{percent:.0f} %"
            self._text(MARGIN + 164, self._y, share, anchor="end", weight=weight, fill=MUTED)

    # ── primitives ──────────────────────────────────────────────────────────────────────────────

    def _free_bytes(self, strip: Strip) -> int:
        return self._chart.capacity_bytes - strip.total_bytes

    def _x(self, size_bytes: float) -> float:
        return MARGIN + size_bytes * self._scale

    def _inside(
        self, edges: tuple[float, float], text: str, height: float, fill: str, *, weight: str = "normal"
    ) -> None:
        """Centred between two edges, where there is room."""
        left, right = edges
        if _width(text, 12, weight) + 8 <= right - left:
            middle = self._y + height / 2 + 4
            self._text((left + right) / 2, middle, text, size=12, fill=fill, anchor="middle", weight=weight)

    def _text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 13,
        fill: str = INK,
        anchor: str = "start",
        weight: str = "normal",
    ) -> None:
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{fill}" text-anchor="{anchor}" '
            f'font-weight="{weight}">{escape(text)}</text>'
        )


def _title(segment: Segment) -> str:
    note = f" ({segment.note})" if segment.note else ""
    return f"{segment.name}{note}: {segment.bytes / GB:.2f} GB, {segment.group}"


def _rect(x: float, y: float, width: float, height: float, fill: str, *, radius: float = 0, title: str = "") -> str:
    body = f"<title>{escape(title)}</title>" if title else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{height:.1f}" rx="{radius:g}" '
        f'fill="{fill}">{body}</rect>'
    )
