"""Turns as OpenTelemetry traces: a span per turn, one per stage and tool in it. No text of a conversation.

Names follow the semantic conventions where those have any (GenAI: `gen_ai.…`, errors: `error.type`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from voxspark import __version__
from voxspark.errors import ConfigError
from voxspark.watching.turns import TurnRecord, stages

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

OPERATIONS = {"think": "chat", "compose": "chat", "transcribe": "transcribe", "synthesize": "synthesize"}


def otlp_exporter() -> SpanExporter:
    """By HTTP, to where the OTEL_… variables say. Raises ConfigError."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise ConfigError(
            "traces-missing", "Traces need OpenTelemetry, which is not installed.", "Install voxspark[otel]."
        ) from error
    return OTLPSpanExporter()


class Traces:
    """Hands every turn that is over to an exporter, from a thread of the SDK's; one that fails costs only its spans."""

    def __init__(self, exporter: SpanExporter, wall_clock: Callable[[], float]) -> None:
        """`wall_clock`: seconds since the epoch."""
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._wall_clock = wall_clock
        name = os.environ.get("OTEL_SERVICE_NAME", "voxspark")
        resource = Resource.create({"service.name": name, "service.version": __version__})
        self._provider: TracerProvider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("voxspark", __version__)

    def keep(self, record: TurnRecord) -> None:
        """One more turn, which is over now."""
        from opentelemetry.trace import Status, StatusCode, set_span_in_context

        length = max(record.timings.values(), default=0.0)
        end_of_speech = self._wall_clock() - length
        begun = min((stage.start for stage in stages(record.timings)), default=0.0)

        def nanoseconds(seconds: float) -> int:
            return round((end_of_speech + seconds) * 1e9)

        turn = self._tracer.start_span("turn", start_time=nanoseconds(begun), attributes=_attributes(record))
        inside = set_span_in_context(turn)
        for stage in stages(record.timings):
            span = self._tracer.start_span(stage.name, inside, start_time=nanoseconds(stage.start))
            if stage.name in OPERATIONS:
                span.set_attribute("gen_ai.operation.name", OPERATIONS[stage.name])
            span.end(nanoseconds(stage.end))
        for tool in record.tools:
            span = self._tracer.start_span(f"execute_tool {tool.tool}", inside, start_time=nanoseconds(tool.done))
            span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool.tool})
            if not tool.ok:
                span.set_status(Status(StatusCode.ERROR))
            span.end(nanoseconds(tool.done))
        if record.outcome == "failed":
            turn.set_status(Status(StatusCode.ERROR))
        turn.end(nanoseconds(length))

    def close(self) -> None:
        """Send what waits. Blocks, as long as the exporter's timeout says."""
        self._provider.shutdown()


def _attributes(record: TurnRecord) -> dict[str, str | int]:
    known: dict[str, str | int] = {
        "voxspark.turn": record.turn,
        "voxspark.source": record.source,
        "voxspark.outcome": record.outcome,
        "voxspark.fillers": record.fillers,
    }
    if record.reason:
        known["voxspark.reason"] = record.reason
    if record.model:
        known["gen_ai.request.model"] = record.model
    if record.failures:
        known["error.type"] = record.failures[-1]
    return known
