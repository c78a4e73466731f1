"""`voxspark voices list` and `check`."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxspark.cli_plan.session import json_option, run_async
from voxspark.cli_voices.session import Setup, complete_voices, find_voice, hear, is_usable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxspark.errors import ConfigError
    from voxspark.voices import Voice
    from voxspark.voices.recording import Problem

NON_COMMERCIAL = "-NC"
"""In the licence of weights that may not be used commercially."""


@click.command(name="list")
@json_option
@click.pass_obj
def list_(config_file: Path | None, as_json: bool) -> None:
    """Every voice, which engines speak with it, and its licence."""
    from voxspark.voices import shelf

    library, chosen = shelf(), Setup(config_file).voice.voice
    rows = [_row(voice, chosen) for voice in library.voices.values()]
    if as_json:
        for row in (*rows, *map(_failure, library.failures)):
            click.echo(json.dumps(row, ensure_ascii=False))
    else:
        click.echo(_table(rows))
        for failure in library.failures:
            click.echo(f"\nLeft out: {failure}")


def _row(voice: Voice, chosen: str) -> dict[str, Any]:
    from voxspark.voices.shelf import own_folder

    return {
        "name": voice.name,
        "title": voice.title,
        "language": voice.language,
        "engines": {engine: is_usable(engine) for engine in voice.engines},
        "licence": voice.licence,
        "source": voice.source,
        "own": voice.folder.parent == own_folder(),
        "in_force": voice.name == chosen,
    }


def _failure(error: ConfigError) -> dict[str, Any]:
    return {"error": {"code": error.code, "message": error.message, "remedy": error.remedy}}


def _table(rows: list[dict[str, Any]]) -> str:
    cells = [
        (
            f"{'*' if row['in_force'] else ' '} {row['name']}",
            row["title"],
            row["language"],
            "own" if row["own"] else "shipped",
            ", ".join(engine if usable else f"({engine})" for engine, usable in row["engines"].items()),
            row["licence"],
        )
        for row in rows
    ]
    cells = [("  name", "title", "lang", "from", "engines", "licence"), *cells]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    engines = dict.fromkeys(engine for row in rows for engine in row["engines"])
    notes = ["* is in force; an engine in brackets is not installed here.", *filter(None, map(_note, engines))]
    return "\n".join([*lines, "", *notes])


def _note(engine: str) -> str:
    """What may not be done with it."""
    from voxspark.engines.registry import registry

    spec = registry().get(("tts", engine))
    return f"{engine} is not for commercial use: {spec.licence}." if spec and NON_COMMERCIAL in spec.licence else ""


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_voices)
@click.pass_obj
def check(config_file: Path | None, names: tuple[str, ...]) -> None:
    """Say whether voices (all, or these) can be spoken with.

    Looks at each recording and compares it with its transcript. Ends with 1 when one has a fault.
    """
    from voxspark.voices import shelf

    library = shelf()
    voices = [find_voice(library, name) for name in dict.fromkeys(names)] or list(library.voices.values())
    failures = [] if names else library.failures
    found = _problems(voices, Setup(config_file))
    for voice in voices:
        told = "; ".join(f"{each.sentence} {each.remedy}" for each in found[voice.name])
        click.echo(f"{voice.name}: {told or 'good'}")
    for failure in failures:
        click.echo(str(failure))
    if failures or any(found.values()):
        sys.exit(1)


def _problems(voices: Sequence[Voice], setup: Setup) -> dict[str, list[Problem]]:
    """By name; what is said is compared only where the rest is good."""
    from voxspark.audio import read_wav
    from voxspark.voices.keeping import problems_of

    found = {voice.name: problems_of(voice) for voice in voices}
    clips = [(voice, read_wav(voice.recording)) for voice in voices if voice.recording and not found[voice.name]]
    for language in dict.fromkeys(voice.language for voice, _ in clips):
        spoken, takes = zip(*(each for each in clips if each[0].language == language), strict=True)
        heard = run_async(partial(hear, takes, setup.ears(language)))
        found |= {voice.name: problems_of(voice, words) for voice, words in zip(spoken, heard, strict=True)}
    return found
