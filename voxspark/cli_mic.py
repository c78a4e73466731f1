"""`voxspark mic`: what the microphone gives, live; the daemon's where one runs, else the device itself."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxspark.cli_plan.session import json_option, run_async
from voxspark.errors import ControlError
from voxspark.plain import plain

if TYPE_CHECKING:
    from voxspark.config import Config

Frame = Mapping[str, Any]

LOWEST_DBFS = -60.0
"""The left end of the bar: a quiet room."""

CHUNKS_PER_FRAME = 3
"""Ten frames a second."""


@click.command()
@click.option("--seconds", type=click.FloatRange(min=0.1), help="End after so long.")
@json_option
@click.pass_obj
def mic(config_file: Path | None, seconds: float | None, as_json: bool) -> None:
    """What the microphone gives, live: level, speech, echo.

    Shows the running daemon's microphone, or opens the one of the configuration. Which there are: voxspark devices
    """
    from voxspark.config import load_config

    run_async(lambda: _watch(load_config(config_file), seconds, as_json))


async def _watch(config: Config, seconds: float | None, as_json: bool) -> None:
    import anyio

    live = sys.stdout.isatty() and not as_json
    try:
        with anyio.move_on_after(seconds):
            async with aclosing(_frames(config)) as frames:
                async for frame in frames:
                    _show(frame, as_json, live)
    finally:
        if live:
            click.echo()


def _show(frame: Frame, as_json: bool, live: bool) -> None:
    if as_json:
        click.echo(json.dumps(frame))
    elif live:
        columns = shutil.get_terminal_size().columns - 1
        click.echo(f"\r{line(frame, columns):<{columns}}", nl=False)
    else:
        click.echo(line(frame, 100))


async def _frames(config: Config) -> AsyncGenerator[Frame, None]:
    """From the daemon, or from the device where none runs."""
    from voxspark.config import socket_path
    from voxspark.control.client import connect

    try:
        async with connect(socket_path(config)) as client, aclosing(client.microphone()) as frames:
            async for told in frames:
                yield told
    except ControlError as error:
        if error.code != "daemon-not-running":
            raise
    else:
        return
    async with aclosing(_own_frames(config)) as frames:
        async for frame in frames:
            yield frame


async def _own_frames(config: Config) -> AsyncGenerator[Frame, None]:
    import anyio

    from voxspark.devices.level import LevelMeter
    from voxspark.devices.open import open_microphone
    from voxspark.engines.registry import find

    spec = find("vad", "silero")
    judge = None if spec.missing() else spec.create(config.listening)
    microphone, meter = await open_microphone(config.devices, anyio.current_time), LevelMeter()
    speech, count = None, 0
    async with aclosing(microphone.chunks()) as chunks:
        async for chunk in chunks:
            meter.feed(chunk.samples)
            speech = judge and judge.probability(chunk.samples)
            count += 1
            if count % CHUNKS_PER_FRAME == 0:
                level = meter.level
                silent = level.peak_dbfs <= level.floor_dbfs <= -120
                states: dict[str, Any] = {
                    "device": microphone.description,
                    "state": "open",
                    "muted": False,
                    "silent": silent,
                }
                yield {**states, **level.to_json(), "speech": None if speech is None else round(speech, 2)}


def line(frame: Frame, columns: int) -> str:
    """One frame in a line of at most so many columns."""
    if frame["level_dbfs"] is None:
        return plain(str(frame["state"]))[:columns]
    words = [f"{frame['level_dbfs']:4.0f} dBFS", f"peak {frame['peak_dbfs']:4.0f}"]
    if frame.get("speech") is not None:
        words.append(f"speech {frame['speech']:.2f}")
    if (awake := frame.get("awake")) is not None:
        words.append("awake" if awake else "waits for the wake word")
    if frame.get("echo"):
        words.append(f"{frame['echo']} duplex")
    words += ["IN PLACE OF ANOTHER"] * bool(frame.get("in_place"))
    words += ["ONLY SILENCE"] * bool(frame["silent"]) + [f"CUT OFF {frame['clipped']:.1%}"] * (frame["clipped"] > 0)
    text = "  ".join([*words, plain(str(frame["device"]))])
    width = min(40, columns - len("  ".join(words)) - 1)
    return (f"{_bar(frame, width)} {text}" if width >= 8 else text)[:columns]


def _bar(frame: Frame, width: int) -> str:
    """`####    |`: the level, and the peak that is held."""
    level, peak = (
        round((width - 1) * min(1.0, max(0.0, 1 - frame[key] / LOWEST_DBFS))) for key in ("level_dbfs", "peak_dbfs")
    )
    cells = ["#"] * level + [" "] * (width - level)
    cells[peak] = "|"
    return "".join(cells)
