"""Does somebody interrupt? Policy only; the mechanism is the end of the turn's scope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from voxspark.config_listening import BargeInSettings
from voxspark.listening.backchannel import is_backchannel

Decision = Literal["ignore", "duck", "interrupt"]


@dataclass(frozen=True, slots=True)
class Overlap:
    """What is known of speech during a reply."""

    voiced_seconds: float = 0.0
    """Voiced audio so far."""
    text: str | None = None
    """Its transcript, once it paused; None before."""
    deliberate: bool = False
    """A hotkey, a stop word or the wake word: no doubt what is meant."""


def decide(overlap: Overlap, settings: BargeInSettings) -> Decision:
    """`duck` at once for a voice, `interrupt` when it goes on or says something, `ignore` a backchannel."""
    if overlap.deliberate:
        return "interrupt"
    if not settings.enabled:
        return "ignore"
    if overlap.text is not None:
        return "ignore" if not overlap.text.strip() or is_backchannel(overlap.text) else "interrupt"
    return "interrupt" if overlap.voiced_seconds >= settings.interrupt_seconds else "duck"
