"""`voxspark devices`, `voxspark config` and `voxspark doctor`: what this machine has, and how it is set up."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import click

from voxspark.cli_plan.session import json_option, pulled_for_auto, run_async
from voxspark.plain import plain


@click.command()
@json_option
def devices(as_json: bool) -> None:
    """Microphones and speakers of this machine."""
    from dataclasses import asdict

    from voxspark.console import device_table
    from voxspark.devices.sound_host import list_devices

    found = list_devices()
    if not as_json:
        click.echo(plain(device_table(found)))
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
    from voxspark.config_text import as_json as to_json
    from voxspark.config_text import as_toml

    loaded = load_config(config_file)
    if as_json:
        click.echo(to_json(loaded))
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


@click.command()
@click.option("--fix", is_flag=True, help="Put right what can be without losing anything.")
@json_option
@click.pass_obj
def doctor(config_file: Path | None, fix: bool, as_json: bool) -> None:
    """Say what is wrong here, and what to do about it.

    Ends with 1 when the assistant would not work. With the daemon running, a damaged memory is left for when it ends.
    """
    from voxspark.doctor import report
    from voxspark.doctor.check import Result, work_through
    from voxspark.doctor.checkup import all_checks

    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    async def work() -> list[Result]:
        results = []
        with report.Progress(sys.stderr) as progress:
            async for result in work_through(all_checks(config_file), fix=fix, begin=progress.begin):
                progress.clear()
                results.append(result)
                click.echo(json.dumps(result.to_json()) if as_json else plain(report.line(result, columns)))
        return results

    if any(result.finding.state == "broken" for result in run_async(work)):
        sys.exit(1)
