"""`voxspark service`: have systemd start it at boot, keep it up, and hand it its socket."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxspark.cli_plan.session import json_option, run_async
from voxspark.errors import ControlError
from voxspark.plain import plain

if TYPE_CHECKING:
    from voxspark.service.setup import Machine, Step

ANSWER_SECONDS = 3.0
"""A daemon that still loads does not answer sooner than it is ready."""

system_option = click.option("--system", is_flag=True, help="Of the machine, for boxes without a desktop.")
dry_option = click.option("--dry-run", is_flag=True, help="Only say what would be done.")


@click.group()
def service() -> None:
    """Start with the machine and stay up, by systemd."""


@service.command()
@system_option
@dry_option
def install(system: bool, dry_run: bool) -> None:
    """Write the units, enable them, start them.

    May be repeated: what is as it should be is left alone.
    """
    from voxspark.service import setup

    machine = _machine(system)
    if not dry_run:
        setup.check_install(machine)
    _take(setup.install(machine), dry_run)


@service.command()
@system_option
@dry_option
def uninstall(system: bool, dry_run: bool) -> None:
    """Stop it and remove the units. Your data stays."""
    from voxspark.service import setup

    machine = _machine(system)
    if not dry_run:
        machine.check()
        machine.check_rights("uninstall")
    _take(setup.uninstall(machine), dry_run)


@service.command()
@system_option
@json_option
@click.pass_obj
def status(config_file: Path | None, system: bool, as_json: bool) -> None:
    """How the units are, what the daemon says, its last error."""
    from voxspark.service import setup

    machine = _machine(system)
    machine.check()
    found = setup.look(machine)
    found["answers"] = answer = _answer(config_file, system)
    if as_json:
        click.echo(json.dumps(found))
    else:
        rows = (f"{key.replace('_', ' '):<12}{value}" for key, value in found.items() if value)
        click.echo(plain("\n".join(rows)))
    if not answer.startswith("yes"):
        sys.exit(3)


def _machine(system: bool) -> Machine:
    from voxspark.service.setup import Machine
    from voxspark.service.units import Scope

    return Machine(Scope(system))


def _take(steps: Iterable[Step], dry_run: bool) -> None:
    for step in steps:
        click.echo(f"(not done) {step.says}" if dry_run and step.do else step.says)
        if step.do and not dry_run:
            step.do()


def _answer(config_file: Path | None, system: bool) -> str:
    """Whether the socket is answered, in words."""
    import anyio

    from voxspark.config import SYSTEM_SOCKET, load_config, socket_path
    from voxspark.control.client import connect

    path = SYSTEM_SOCKET if system else socket_path(load_config(config_file))

    async def work() -> str:
        with anyio.move_on_after(ANSWER_SECONDS):
            async with connect(path) as client:
                found: dict[str, Any] = await client.call("status")
                return f"yes, up for {found['uptime_seconds']:.0f} s"
        return "not yet: it is loading, or hangs"

    try:
        return run_async(work)
    except ControlError as error:
        return f"no: {error}"
