"""What a person at a terminal reads: events, the daemon's state, devices; and where the log goes."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from voxspark.devices.level import in_words
from voxspark.devices.sound_host import DeviceInfo
from voxspark.events import (
    AudioDropped,
    ConfigReloaded,
    DeviceChanged,
    Event,
    Failed,
    JobChanged,
    MicrophoneMuted,
    Ready,
    RecordingChanged,
    Stopping,
    TimerRang,
    TurnEnded,
    WakeWord,
)
from voxspark.plan_view.chart import span
from voxspark.plan_view.live import headline
from voxspark.waterfall import waterfall


def describe(event: Event, *, with_waterfall: bool = False) -> str:
    """One line (or a few) for an event; empty for what only programs care about."""
    match event:
        case Ready():
            return f"Ready ({event.profile}). Press Ctrl-C to end."
        case WakeWord():
            return f"  (heard {event.word.replace('_', ' ')})"
        case TimerRang():
            return f"  (the {event.label or 'timer'} rings)"
        case JobChanged(state="done" | "failed" | "cancelled"):
            return f"  (your {event.title}: {event.state})"
        case TurnEnded(outcome="withdrawn" | "empty"):
            return ""
        case TurnEnded():
            return _turn(event, with_waterfall)
        case Failed():
            return f"  ! {event.message} {event.remedy}".rstrip()
        case MicrophoneMuted(on=True):
            return "  (the microphone is closed; open it with: voxspark unmute)"
        case MicrophoneMuted():
            return "  (the microphone is open again)"
        case DeviceChanged(state="lost"):
            typing = ' Typing works: voxspark ask "What time is it?"' * (event.device == "microphone")
            return f"  (I go on without a {event.device} until there is one.{typing})"
        case DeviceChanged(state="muted"):
            return ""  # MicrophoneMuted has said it
        case DeviceChanged():
            return f"  ({event.device} {event.state}: {event.detail})"
        case AudioDropped():
            return f"  ! {event.seconds:.1f} s of sound were lost: the machine is too busy."
        case ConfigReloaded():
            waiting = f" Needs a restart: {', '.join(event.needs_restart)}." * bool(event.needs_restart)
            return f"  (configuration read again; changed: {', '.join(event.changed) or 'nothing'}.{waiting})"
        case RecordingChanged():
            return f"  (the next {event.turns_left} turns are recorded)" if event.turns_left else "  (no recording)"
        case Stopping():
            return f"Going down ({event.reason})."
        case _:
            return ""


def _turn(event: TurnEnded, with_waterfall: bool) -> str:
    cut = " …" if event.outcome == "interrupted" else ""
    recited = event.transcript.startswith(event.heard)  # `say` and timers: nobody asked
    lines = (
        [f"vox  {event.heard}{cut}"]
        if recited and event.heard
        else [f"you  {event.transcript}", f"vox  {event.heard}{cut}"]
    )
    if with_waterfall and (picture := waterfall(event.timings)):
        lines.append(picture)
    return "\n".join(lines)


def status_table(status: Mapping[str, Any]) -> str:
    """The answer of the socket's `status`, one row per value."""
    rows: dict[str, Any] = {}
    for key, value in status.items():
        match value:
            case {"profile": _, "models": _}:
                rows["memory_plan"] = headline(value)
            case {"device": _, "state": _}:
                rows[key] = in_words(value)
            case {"code": code, "message": message, "remedy": remedy, "at": at}:
                ago = span(status["uptime_seconds"] - at)
                rows[key] = f"{ago} ago: {message} {remedy} ({code})"
            case {"engine": engine, "key": name, "state": state}:
                rows[key] = f"{name} by {engine} ({state})" if name else state
            case {"duplex": duplex, "reason": reason}:
                rows[key] = f"{duplex} duplex: {reason}"
            case dict():
                rows |= value
            case list():
                rows[key] = ", ".join(map(_item, value)) or "none"
            case _:
                rows[key] = "none" if value is None else value
    return "\n".join(f"{key.replace('_', ' '):<24}{value}" for key, value in rows.items())


def _item(item: Any) -> str:
    match item:
        case {"title": title, "state": "running", "fraction": float(fraction)}:
            return f"{title} ({fraction:.0%})"
        case {"what": what, "host": host, "asked": asked}:
            return f"{what} ({host}{', when asked' * asked})"
        case {"title": name, "state": state} | {"name": name, "state": state}:
            return f"{name} ({state})"
        case {"name": name, "trouble": trouble}:
            return f"{name} ({trouble})" if trouble else name
        case _:
            return str(item)


def device_table(devices: Sequence[DeviceInfo]) -> str:
    """Microphones, then speakers; the default ones are marked."""
    if not devices:
        return (
            "There is no sound device, or the sound server does not run for this user.\n"
            "A file works too: voxspark run --microphone file:question.wav --speaker file:answer.wav"
        )
    rows = [
        f"{'*' * device.default:<2}{device.kind:<12}{device.rate_hz:>6} Hz {device.channels:>3} ch  {device.name}"
        for device in sorted(devices, key=lambda device: device.kind)
    ]
    return "\n".join([*rows, "", "* is the default. For --microphone and --speaker a part of the name is enough."])


def start_log(level: str, *, as_json: bool) -> None:
    """Log to standard error.

    Python's standard error becomes a descriptor of its own: what C libraries write to descriptor 2 can then be hidden
    while nothing of ours is.
    """
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JournalFormatter() if writes_to_journal(2) else logging.Formatter("%(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(handlers=[handler])
    set_log_level(level, as_json=as_json)
    for library in ("httpx", "httpcore"):  # a line per request, and Ollama is asked every two seconds
        logging.getLogger(library).setLevel(logging.WARNING)


class JournalFormatter(logging.Formatter):
    """Every line begins with its priority, which the journal takes off (sd-daemon(3)); it knows the rest itself."""

    PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))

    def __init__(self) -> None:
        super().__init__("%(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        priority = next(priority for level, priority in self.PRIORITIES if record.levelno >= level)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())


def writes_to_journal(descriptor: int) -> bool:
    """Whether the descriptor is the one the manager connected to the journal: `$JOURNAL_STREAM` is its device:inode."""
    try:
        opened = os.fstat(descriptor)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{opened.st_dev}:{opened.st_ino}"


def set_log_level(level: str, *, as_json: bool) -> None:
    """From the setting, for what is logged from now on."""
    logging.getLogger().setLevel(log_level(level, as_json=as_json, at_terminal=sys.stdout.isatty()))


def log_level(level: str, *, as_json: bool, at_terminal: bool) -> int:
    """From the setting: who is shown the events, as JSON or at a terminal, is not told them again by the log."""
    chosen = logging.getLevelNamesMapping()[level.upper()]
    lowest = logging.WARNING if as_json else logging.ERROR if at_terminal else logging.INFO
    return chosen if chosen == logging.DEBUG else max(chosen, lowest)
