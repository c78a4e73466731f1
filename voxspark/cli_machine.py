"""`voxspark devices` and `voxspark config`: what this machine has, and how it is set up."""

from __future__ import annotations

import json
from pathlib import Path

import click

from voxspark.cli_plan.session import json_option, pulled_for_auto


@click.command()
@json_option
def devices(as_json: bool) -> None:
    """Microphones and speakers of this machine."""
    from dataclasses import asdict

    from voxspark.console import device_table
    from voxspark.devices.sound_host import list_devices

    found = list_devices()
    if not as_json:
        click.echo(device_table(found))
        return
    for device in found:
        click.echo(json.dumps(asdict(device)))


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command()
def path() -> None:
    """Where the configuration file is (or would be)."""
    from voxspark.config import config_path

    click.echo(config_path())


@config.command()
@json_option
@click.pass_obj
def show(config_file: Path | None, as_json: bool) -> None:
    """The configuration in force, with what every key means."""
    from voxspark.checks import values_in_force
    from voxspark.config import load_config
    from voxspark.config_text import as_toml

    loaded = load_config(config_file)
    if as_json:
        click.echo(loaded.model_dump_json())
    else:
        click.echo(as_toml(loaded, values_in_force(loaded, pulled_for_auto(loaded))), nl=False)


@config.command()
@click.pass_obj
def check(config_file: Path | None) -> None:
    """Say whether the configuration and its engines can be used."""
    from voxspark.checks import check_engines
    from voxspark.config import load_config

    loaded = load_config(config_file)
    check_engines(loaded, pulled_for_auto(loaded))
    click.echo("The configuration is good.")
