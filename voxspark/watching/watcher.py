"""Everything that watches one daemon, behind one `note`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import anyio
import anyio.to_thread
from anyio.abc import TaskStatus

from voxspark.config_watching import MetricsSettings, RecordingSettings
from voxspark.errors import ConfigError
from voxspark.events import Event
from voxspark.usage import resident_bytes
from voxspark.watching import prometheus
from voxspark.watching.counters import Counters, Family
from voxspark.watching.recording import Recorder, recordings_folder
from voxspark.watching.store import TurnStore, turns_path
from voxspark.watching.traces import Traces, otlp_exporter
from voxspark.watching.turns import TurnRecord, TurnRecords

log = logging.getLogger(__name__)

Keep = Callable[[TurnRecord], None]


class Watcher:
    """Counters, the turns on disk, and, where the configuration says so, traces and a port for Prometheus."""

    def __init__(self, settings: MetricsSettings, recording: RecordingSettings, now: Callable[[], datetime]) -> None:
        """Raises ConfigError when traces are wanted and OpenTelemetry is not installed."""
        self._settings = settings
        self.recorder = Recorder(recordings_folder(), recording, now)
        self._records = TurnRecords()
        self._counters = Counters()
        self._traces = Traces(otlp_exporter(), time.time) if settings.traces else None
        self._keepers: list[Keep] = [self._counters.note_turn, TurnStore(turns_path(), settings.history_days, now).keep]
        if self._traces is not None:
            self._keepers.append(self._traces.keep)

    def note(self, event: Event) -> None:
        """Something happened."""
        self.recorder.note(event)
        self._counters.note(event)
        if (record := self._records.note(event)) is not None:
            for keep in self._keepers:
                keep(record)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Serve, until cancelled. Raises ConfigError when the port is taken."""
        try:
            async with anyio.create_task_group() as group:
                await group.start(self.recorder.run)
                if self._settings.port:
                    await group.start(self._serve)
                task_status.started()
        finally:
            if self._traces is not None:
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(self._traces.close)

    async def _serve(self, *, task_status: TaskStatus[None]) -> None:
        try:
            async with anyio.create_task_group() as group:
                port = await group.start(prometheus.serve, self._settings.port, self._families)
                log.info("metrics on http://%s:%d/metrics", prometheus.HOST, port)
                task_status.started()
        except* OSError as group_of_one:
            raise ConfigError(
                "metrics-port",
                f"Port {self._settings.port} cannot be used for metrics.",
                "Set metrics.port to another.",
            ) from group_of_one

    def _families(self) -> Iterator[Family]:
        yield from self._counters.families()
        open_files = len(list(Path("/proc/self/fd").iterdir()))
        yield Family("process_resident_memory_bytes", "gauge", "Resident memory of the daemon.", {(): resident_bytes()})
        yield Family("process_open_fds", "gauge", "Open file descriptors of the daemon.", {(): open_files})
