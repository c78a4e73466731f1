"""Voices of the library for engines that cannot speak without a recording."""

from __future__ import annotations

from voxspark.errors import SynthesizerError
from voxspark.voices import Voice, shelf


def recorded_voice(engine: str, name: str) -> Voice:
    """Who an engine is to speak like: it has a `reference` and its `recording`. Raises SynthesizerError."""
    library = shelf()
    chosen = library.choose(engine, name)
    if chosen.voice is not None and chosen.voice.reference is not None:
        return chosen.voice
    able = sorted(each.name for each in library.voices.values() if engine in each.engines and each.reference)
    if chosen.name and able:
        raise SynthesizerError("voice-unknown", f"There is no voice {name}.", f"Known: {', '.join(able)}.")
    raise SynthesizerError(
        "voice-no-recording",
        "There is no recording of a voice that I could speak with.",
        "Run: voxspark voices add",
    )
