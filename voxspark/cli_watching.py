"""`voxspark top`, `voxspark report`, `voxspark record`: the daemon at work, how it has done, and single turns kept."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from voxspark.cli_plan.session import load, with_daemon

if TYPE_CHECKING:
    from voxspark.control.client import Client
    from voxspark.watching.top import Lately

LOOK_SECONDS = 1.0


@click.command()
@click.option("--once", is_flag=True, help="Print it once and end.")
@click.pass_obj
def top(config_file: Path | None, once: bool) -> None:
    """Watch the daemon: state, last turns, memory, failures.

    Press q to end it. Without a terminal it prints one picture and ends, too.
    """
    with_daemon(load(config_file), _print_once if once or not sys.stdout.isatty() else _watch)


async def _print_once(client: Client) -> None:
    from shutil import get_terminal_size

    from voxspark.tools.wall_time import local_now
    from voxspark.watching.top import frame

    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    width = get_terminal_size((120, 0)).columns
    click.echo(frame(await client.call("status"), _lately(), local_now(), width=width, colour=colour))


async def _watch(client: Client) -> None:
    import anyio

    from voxspark.tools.wall_time import local_now
    from voxspark.watching import terminal
    from voxspark.watching.top import frame

    lately = _lately()
    colour = not os.environ.get("NO_COLOR")

    async def show() -> None:
        status = await client.call("status")
        width, height = terminal.size()
        terminal.draw(frame(status, lately, local_now(), width=width, height=height, colour=colour))

    async def show_again() -> None:
        while True:
            await show()
            await anyio.sleep(LOOK_SECONDS)

    async def follow() -> None:
        async for event in client.events():
            lately.note(event, local_now())

    with terminal.screen():
        async with anyio.create_task_group() as group:
            group.start_soon(follow)
            group.start_soon(show_again)
            group.start_soon(terminal.on_resize, show)
            await terminal.until_key("qQ")
            group.cancel_scope.cancel()


def _lately() -> Lately:
    from contextlib import suppress
    from datetime import timedelta

    from voxspark.errors import VoxSparkError
    from voxspark.tools.wall_time import local_now
    from voxspark.watching.store import turns_path, turns_since
    from voxspark.watching.top import Lately

    lately = Lately()
    with suppress(VoxSparkError):
        lately.turns.extend(turns_since(turns_path(), local_now() - timedelta(days=1)))
    return lately


@click.command()
@click.option("--turns", type=click.IntRange(1, 100), default=1, show_default=True, help="How many of the next turns.")
@click.option("--off", is_flag=True, help="Keep no more.")
@click.pass_obj
def record(config_file: Path | None, turns: int, off: bool) -> None:
    """Have the daemon keep the next turns, sound and all.

    For finding out why something was misheard: what was heard, what was said, and every event, for your eyes only.
    """

    async def work(client: Client) -> None:
        kept = await client.call("record", turns=0 if off else turns)
        if off:
            click.echo(f"No turn is kept from now on. Those that were: {kept['folder']}")
            return
        number = "turn is" if turns == 1 else f"{turns} turns are"
        click.echo(f"The next {number} kept, with its sound, in {kept['folder']}")
        click.echo(f"They are deleted after {kept['days']} days, or by you: rm -r {kept['folder']}")

    with_daemon(load(config_file), work)


@click.command()
@click.option("--days", type=click.IntRange(1, 3650), default=30, show_default=True, help="How many days back.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Where it goes: an .html or .svg file. In the state folder when left out.",
)
def report(days: int, output: Path | None) -> None:
    """Draw how quick it was, day by day, and what failed.

    From the times of turns that the daemon keeps (metrics.history_days); it holds nothing that was said.
    """
    from datetime import timedelta

    from voxspark.files import state_folder
    from voxspark.tools.wall_time import local_now
    from voxspark.watching.report import as_html, as_svg, digest
    from voxspark.watching.store import turns_path, turns_since

    output = output or state_folder() / "report.html"
    if output.suffix not in (".html", ".svg"):
        raise click.BadParameter("It must end in .html or .svg.", param_hint="--output")
    now = local_now()
    first = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    summary = digest(turns_since(turns_path(), first), now.date(), days)
    text = as_svg(summary) if output.suffix == ".svg" else as_html(summary)
    try:
        output.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        output.write_text(text, "utf-8")
    except OSError as error:
        raise click.FileError(str(output), error.strerror) from error
    click.echo(output)
