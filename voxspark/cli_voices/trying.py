"""`voxspark voices try`."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxspark.cli_plan.session import run_async
from voxspark.cli_voices.session import Setup, complete_voices, find_voice
from voxspark.errors import DeviceError, EngineError

if TYPE_CHECKING:
    from voxspark.config_listening import DeviceSettings
    from voxspark.config_speech import VoiceSettings
    from voxspark.types import Pcm
    from voxspark.voices import Voice

SENTENCES = {
    "en": "Hello. This is how I sound, at ten past nine.",
    "de": "Hallo. So klinge ich, um zehn nach neun.",
    "es": "Hola. Así sueno yo, a las nueve y diez.",
    "fr": "Bonjour. Voici ma voix, à neuf heures dix.",
}


@click.command(name="try")
@click.argument("name", shell_complete=complete_voices)
@click.option("--engine", default="", help="Which of its engines speaks; else the one in force, or the first there is.")
@click.option("--text", default="", help="What is said.")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False, writable=True), help="Into this WAV, not aloud."
)
@click.pass_obj
def try_(config_file: Path | None, name: str, engine: str, text: str, output: Path | None) -> None:
    """Hear a voice say a sentence. Needs no daemon."""
    from voxspark.language import LANGUAGES, speaking
    from voxspark.speech.spoken import spoken
    from voxspark.voices import shelf

    setup = Setup(config_file)
    voice = find_voice(shelf(), name)
    settings = _settings(voice, engine, setup.voice)
    with speaking(next((known for known in LANGUAGES if known == voice.language), None)):
        words = spoken(text.strip() or SENTENCES.get(voice.language, SENTENCES["en"]))
    if not words:
        raise click.BadParameter("there is nothing to say.", param_hint="--text")

    async def work() -> None:
        clip, sample_rate_hz = await _speech(settings, words)
        await (
            _play(setup.config.devices, clip, sample_rate_hz)
            if output is None
            else _write(output, clip, sample_rate_hz)
        )

    run_async(work)
    click.echo(f"{voice.title} ({settings.engine}): {words}")


def _settings(voice: Voice, engine: str, in_force: VoiceSettings) -> VoiceSettings:
    """Of the engine that is to speak. Raises EngineError when none of the voice's can."""
    from voxspark.engines.registry import registry

    if engine and engine not in voice.engines:
        remedy = f"It is a voice for {', '.join(voice.engines)}."
        raise EngineError("voice-not-for-engine", f"{engine} cannot speak as {voice.title}.", remedy)
    specs = [spec for name in ([engine] if engine else voice.engines) if (spec := registry().get(("tts", name)))]
    able = [spec.name for spec in specs if not spec.missing()]
    if not able:
        remedy = f"Run: {specs[0].install}" if specs else f"It is a voice for {', '.join(voice.engines)}."
        raise EngineError("voice-no-engine", f"Nothing that is installed can speak as {voice.title}.", remedy)
    if in_force.engine in able:
        return in_force.model_copy(update={"voice": voice.name})
    own: dict[str, Any] = in_force.model_dump(exclude={"model", "host"}, exclude_unset=True)
    return type(in_force)(**{**own, "engine": able[0], "voice": voice.name})


async def _speech(settings: VoiceSettings, words: str) -> tuple[Pcm, int]:
    """All of it, and its rate. Raises EngineError."""
    from voxspark.audio import join, resample
    from voxspark.runners.alone import alone

    async with alone(settings) as synthesizer, aclosing(synthesizer.synthesize(words)) as speech:
        pieces: list[tuple[Pcm, int]] = [piece async for piece in speech]
    rate = pieces[0][1]
    return join(*(resample(samples, each, rate) for samples, each in pieces)), rate


async def _play(devices: DeviceSettings, clip: Pcm, sample_rate_hz: int) -> None:
    """Aloud. Raises DeviceError."""
    import time

    from voxspark.devices.open import open_speaker
    from voxspark.types import Clip

    speaker = await open_speaker(devices, time.monotonic)
    try:
        speaker.begin()
        await speaker.play(Clip(clip, sample_rate_hz, ""))
        await speaker.drain()
    finally:
        speaker.close()


async def _write(output: Path, clip: Pcm, sample_rate_hz: int) -> None:
    from voxspark.audio import wav_bytes

    try:
        output.write_bytes(wav_bytes(clip, sample_rate_hz))
    except OSError as error:
        raise DeviceError("wav-unwritable", f"{output} cannot be written.", f"Check the folder ({error}).") from error
