"""A microphone or speaker of the socket's `status` in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voxspark.devices.level import CLIP_SHARE


def device_line(report: Mapping[str, Any]) -> str:
    """Which it is, or why there is none, and of a microphone how loud it is (dBFS)."""
    parts = [report["device"] or report["state"]]
    if report.get("silent"):
        parts.append("only silence comes: is it muted?")
    elif report.get("level_dbfs") is not None:
        parts.append(
            f"{report['level_dbfs']:.0f} dBFS, peak {report['peak_dbfs']:.0f}, floor {report['floor_dbfs']:.0f}"
        )
        parts += [f"{report['clipped']:.0%} cut off: too loud"] * (report["clipped"] > CLIP_SHARE)
    return ", ".join(parts)
