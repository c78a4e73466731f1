"""Settings of what the daemon tells of itself: metrics, traces, and recordings of single turns."""

from __future__ import annotations

from pydantic import Field

from voxspark.config_tools import Settings


class MetricsSettings(Settings):
    """How long things take and how often they go wrong; never what was said."""

    history_days: int = Field(90, ge=0, le=3650)
    """How long the times of a turn are kept for `voxspark report`; 0 keeps none."""
    port: int = Field(0, ge=0, le=65_535)
    """Prometheus finds them at http://127.0.0.1:PORT/metrics, this machine only; 0 is off."""
    traces: bool = False
    """Send a span per turn and stage by OpenTelemetry to where `OTEL_EXPORTER_OTLP_ENDPOINT` says, or to
    http://localhost:4318. Takes `voxspark[otel]`."""


class RecordingSettings(Settings):
    """What becomes of turns that `voxspark record` has kept."""

    days: int = Field(7, ge=1, le=365)
    """Then they are deleted."""
    most_megabytes: int = Field(200, ge=1, le=100_000)
    """All recordings together; the oldest make room."""
