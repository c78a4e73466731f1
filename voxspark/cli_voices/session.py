"""What the commands about voices share: the settings in force, a voice by its name, and what Whisper hears."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, cast

from voxspark.cli_plan.session import load, pulled_for_auto
from voxspark.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click
    from click.shell_completion import CompletionItem

    from voxspark.config import Config
    from voxspark.config_speech import TranscriberSettings, VoiceSettings
    from voxspark.types import Pcm
    from voxspark.voices import Shelf, Voice


class Setup:
    """The configuration, and the tables of it that follow from the profile."""

    def __init__(self, config_file: Path | None) -> None:
        from voxspark.checks import values_in_force

        self.config: Config = load(config_file)
        self._in_force = values_in_force(self.config, pulled_for_auto(self.config))

    @property
    def voice(self) -> VoiceSettings:
        """Of what speaks."""
        return cast("VoiceSettings", self._in_force.get("voice", self.config.voice))

    def ears(self, language: str) -> TranscriberSettings:
        """Of what hears, with a model that knows the language."""
        settings = cast("TranscriberSettings", self._in_force.get("transcriber", self.config.transcriber))
        other = {"model": "bundled:base"} if settings.model.endswith(".en") and language != "en" else {}
        return settings.model_copy(update={"language": language, **other})


def find_voice(library: Shelf, name: str) -> Voice:
    """The voice of that name. Raises ConfigError that lists the others."""
    if (voice := library.voices.get(name)) is not None:
        return voice
    near = difflib.get_close_matches(name, library.voices, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    known = f"Known: {', '.join(library.voices)}."
    raise ConfigError("voice-unknown", f"There is no voice {name} that can be used.", f"{hint}{known}")


def is_usable(engine: str) -> bool:
    """Whether a synthesizer is installed."""
    from voxspark.engines.registry import registry

    return (spec := registry().get(("tts", engine))) is not None and not spec.missing()


async def hear(clips: Sequence[tuple[Pcm, int]], settings: TranscriberSettings) -> list[str]:
    """What is said in each of these clips, given with their rates. Raises EngineError."""
    from voxspark.audio import resample, to_pcm16
    from voxspark.runners.alone import alone
    from voxspark.types import SAMPLE_RATE_HZ

    async with alone(settings) as ears:
        heard = [await ears.transcribe(to_pcm16(resample(clip, rate, SAMPLE_RATE_HZ))) for clip, rate in clips]
    return [transcript.text.strip() for transcript in heard]


def complete_voices(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Voices by name."""
    from click.shell_completion import CompletionItem

    from voxspark.voices import shelf

    return [CompletionItem(name) for name in shelf().voices if name.startswith(incomplete)]
