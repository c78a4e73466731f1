"""`voxspark voices add`."""

from __future__ import annotations

import re
import sys
import time
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from voxspark.cli_plan.session import run_async
from voxspark.cli_voices.session import Setup, hear, is_usable
from voxspark.errors import VoxSparkError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxspark.config_listening import DeviceSettings
    from voxspark.types import Pcm
    from voxspark.voices.recording import Problem

RATE_HZ = 24_000
"""What the engines that clone work at."""

RECORD_SECONDS = 10.0

COUNTDOWN_SECONDS = 3

PASSAGES = {
    "en": "The north wind and the sun were disputing which was the stronger, when a traveller came along, "
    "wrapped in a warm cloak.",
    "de": "Einst stritten sich Nordwind und Sonne, wer von ihnen beiden wohl der Stärkere wäre, als ein Wanderer, "
    "der in einen warmen Mantel gehüllt war, des Weges daherkam.",
    "es": "El viento norte y el sol discutían sobre cuál de ellos era el más fuerte, cuando pasó un viajero "
    "envuelto en una gruesa capa.",
    "fr": "La bise et le soleil se disputaient, chacun assurant qu'il était le plus fort, quand ils ont vu un "
    "voyageur qui s'avançait, enveloppé dans son manteau.",
}
"""What phoneticians have everybody read: the fable of Aesop, as the International Phonetic Association has it."""

CONSENT = "Is this your own voice, or has its speaker agreed to be imitated by a machine?"


def _language(_ctx: click.Context, _param: click.Parameter, code: str) -> str:
    if code and not re.fullmatch("[a-z]{2,3}", code):
        raise click.BadParameter("take a code like en or de.")
    return code


@click.command()
@click.argument("name")
@click.option(
    "--from", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A WAV with one speaker."
)
@click.option(
    "--record",
    "seconds",
    type=click.FloatRange(3, 30),
    is_flag=False,
    flag_value=RECORD_SECONDS,
    metavar="[SECONDS]",
    help=f"Record from the microphone instead; {RECORD_SECONDS:.0f} s if nothing else is said.",
)
@click.option("--title", default="", help="Its name for people; the NAME if it is left out.")
@click.option(
    "--language",
    default="",
    metavar="CODE",
    callback=_language,
    help="ISO 639-1; that of the configuration if it is left out.",
)
@click.option("--licence", default="private", show_default=True, help="Under what others may use it.")
@click.option("--source", default="", help="Whose voice it is, and where it is from.")
@click.option("--text", default="", help="What is said in it, word by word, in place of what Whisper hears.")
@click.option("--engine", "engines", multiple=True, help="An engine that is to speak with it; all that can by default.")
@click.option("--speaker-consents", is_flag=True, help="It is my own voice, or its speaker has agreed. For scripts.")
@click.option("--force", is_flag=True, help="In the place of a voice of that name.")
@click.pass_obj
def add(
    config_file: Path | None,
    name: str,
    file: Path | None,
    seconds: float | None,
    title: str,
    language: str,
    licence: str,
    source: str,
    text: str,
    engines: tuple[str, ...],
    speaker_consents: bool,
    force: bool,
) -> None:
    """Clone a voice from 3 to 12 s of one person speaking."""
    from voxspark.voices import Reference, Voice
    from voxspark.voices.keeping import CLONERS, RECORDING, keep, place_for

    if (file is None) == (seconds is None):
        raise click.UsageError("Name a recording with --from, or make one with --record.")
    folder, setup = place_for(name, replace=force), Setup(config_file)
    language = language or setup.config.language
    _require_consent(speaker_consents)
    take = _read(file) if file else run_async(lambda: _record(setup.config.devices, seconds or 0.0, language))
    clip = _fit(*take)
    words = text.strip() or _words(clip, setup, language)
    whose = source.strip() or (f"The recording {file.name}" if file else "The microphone of this machine")
    voice = Voice(
        name=name,
        folder=folder,
        title=title.strip() or name.replace("_", " ").replace("-", " ").title(),
        language=language,
        engines=dict.fromkeys(engines or CLONERS, ""),
        licence=licence,
        source=f"{whose}, {time.strftime('%Y-%m-%d')}, with the consent of its speaker",
        reference=Reference(file=RECORDING, text=words),
    )
    keep(voice, clip, RATE_HZ)
    click.echo(f'{name} is in {folder}, and says: "{words}"\nTo speak with it, in {_config_path(config_file)}:\n')
    speaker = next(filter(is_usable, voice.engines), next(iter(voice.engines)))
    click.echo(f'[voice]\nengine = "{speaker}"\nvoice = "{name}"')


def _config_path(config_file: Path | None) -> Path:
    from voxspark.config import config_path

    return config_file or config_path()


def somebody_is_there() -> bool:
    """To be asked."""
    return sys.stdin.isatty()


def _require_consent(given: bool) -> None:
    """Ask, where there is somebody to ask. Raises VoxSparkError without it."""
    if given or (somebody_is_there() and click.confirm(CONSENT)):
        return
    raise VoxSparkError(
        "consent-needed",
        "A voice is cloned only with the consent of its speaker.",
        "Say that there is one with --speaker-consents.",
    )


def _read(file: Path) -> tuple[Pcm, int]:
    """A WAV, unless it is so long that nobody can tell what of it is meant. Raises VoxSparkError."""
    from voxspark.audio import read_wav, wav_seconds
    from voxspark.voices.recording import CUT_SECONDS, too_long

    if (long := wav_seconds(file)) > CUT_SECONDS:
        raise _refusal([too_long(long)])
    return read_wav(file)


def _fit(take: Pcm, sample_rate_hz: int) -> Pcm:
    """What of a recording is cloned from, at 24 kHz. Raises VoxSparkError that says why it cannot be."""
    from voxspark.audio import resample
    from voxspark.voices.recording import examine, excerpt, level

    clip = excerpt(take, sample_rate_hz)
    report = examine(clip, sample_rate_hz)
    if report.problems:
        raise _refusal(report.problems)
    click.echo(f"{report.seconds:.1f} s of speech, {report.speech_dbfs - report.noise_dbfs:.0f} dB above the noise.")
    return level(resample(clip, sample_rate_hz, RATE_HZ), RATE_HZ)


def _refusal(problems: Sequence[Problem]) -> VoxSparkError:
    """All of them at once, so that the next recording is better in all."""
    sentences, remedies = (each.sentence for each in problems), dict.fromkeys(each.remedy for each in problems)
    return VoxSparkError(problems[0].code, " ".join(sentences), " ".join(remedies))


def _words(clip: Pcm, setup: Setup, language: str) -> str:
    """What Whisper hears, or the user says instead. Raises VoxSparkError when there is nothing."""
    (heard,) = run_async(lambda: hear([(clip, RATE_HZ)], setup.ears(language)))
    if (
        heard
        and somebody_is_there()
        and not click.confirm(f'"{heard}"\nIs that what is said, word by word?', default=True)
    ):
        heard = click.prompt("What is said").strip()
    if not heard:
        raise VoxSparkError(
            "recording-no-words", "No words can be made out in it.", "Record it again, or give them with --text."
        )
    return heard


async def _record(devices: DeviceSettings, seconds: float, language: str) -> tuple[Pcm, int]:
    """So much of the microphone, after a countdown. Raises DeviceError."""
    import anyio
    import numpy as np

    from voxspark.audio import dbfs, to_float
    from voxspark.devices.open import open_microphone
    from voxspark.types import CHUNK_SECONDS, SAMPLE_RATE_HZ

    click.echo(f"Read this aloud:\n\n  {PASSAGES.get(language, PASSAGES['en'])}\n")
    at_terminal = sys.stdout.isatty()
    for left in range(COUNTDOWN_SECONDS if at_terminal else 0, 0, -1):
        click.echo(f"\r{left} …", nl=False)
        await anyio.sleep(1.0)
    microphone = await open_microphone(devices, time.monotonic)
    taken: list[Pcm] = []
    async with aclosing(microphone.chunks()) as chunks:
        async for chunk in chunks:
            taken.append(to_float(chunk.samples))
            if at_terminal:
                click.echo(
                    f"\r{max(0.0, seconds - len(taken) * CHUNK_SECONDS):4.1f} s {_bar(dbfs(taken[-1]))}", nl=False
                )
            if len(taken) * CHUNK_SECONDS >= seconds:
                break
    if at_terminal:
        click.echo()
    return np.concatenate(taken or [np.zeros(0, np.float32)]), SAMPLE_RATE_HZ


def _bar(level_dbfs: float) -> str:
    """A level meter from -60 dBFS to full scale."""
    return "█" * max(0, round((level_dbfs + 60) / 2)) + " " * 30
