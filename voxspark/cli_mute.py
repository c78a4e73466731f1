"""`voxspark mute` and `voxspark unmute`: the microphone closed, and open again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from voxspark.cli_plan.session import with_daemon

if TYPE_CHECKING:
    from voxspark.control.client import Client

SWITCH = {"on": True, "off": False, "toggle": None}


@click.command()
@click.argument("switch", type=click.Choice(list(SWITCH)), default="on")
@click.pass_obj
def mute(config_file: Path | None, switch: str) -> None:
    """Close the microphone, also over a restart.

    SWITCH is on, off or toggle (for a key).
    """
    _mute(config_file, SWITCH[switch])


@click.command()
@click.pass_obj
def unmute(config_file: Path | None) -> None:
    """Open the microphone again."""
    _mute(config_file, False)


def _mute(config_file: Path | None, on: bool | None) -> None:
    from voxspark.config import load_config

    async def work(client: Client) -> None:
        muted = (await client.call("mute", on=on))["muted"]
        click.echo("The microphone is closed." if muted else "The microphone is open.")

    with_daemon(load_config(config_file), work)
