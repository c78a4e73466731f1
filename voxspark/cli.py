"""The command line. Heavy imports happen inside the commands, so that `--help` is quick.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 the daemon is not running, 4 a device cannot be used,
5 an engine is missing or broke.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxspark import (
    __version__,
    cli_agent,
    cli_hotkey,
    cli_machine,
    cli_mcp,
    cli_memory,
    cli_mic,
    cli_mute,
    cli_plan,
    cli_service,
    cli_voices,
    cli_watching,
)
from voxspark.cli_plan.session import complete_profiles, json_option, run_async, text_argument, with_daemon
from voxspark.errors import ConfigError, ControlError, DeviceError, EngineError, VoxSparkError
from voxspark.plain import plain

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from voxspark.config import Config
    from voxspark.control.client import Client
    from voxspark.events import Event

EXIT_CODES: tuple[tuple[type[VoxSparkError], int], ...] = ((ConfigError, 2), (DeviceError, 4), (EngineError, 5))

DEVICE_HELP = "default, part of a device name, file:PATH or null."

EPILOG = (
    "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 the daemon is not running, 4 a device cannot be "
    "used, 5 an engine is missing or broke. "
    'Completion, in ~/.bashrc: eval "$(_VOXSPARK_COMPLETE=bash_source voxspark)" (zsh_source and fish_source are '
    "known, too)."
)


class Commands(click.Group):
    """Turns our errors into one line with a remedy and the right exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except VoxSparkError as error:
            click.echo(plain(f"voxspark: {error}"), err=True)
            if isinstance(error, ControlError) and error.code == "daemon-not-running":
                sys.exit(3)
            sys.exit(next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1))
        except KeyboardInterrupt:
            sys.exit(130)


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="voxspark")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="Configuration file to use.")
@click.pass_context
def cli(ctx: click.Context, config_file: Path | None) -> None:
    """A voice assistant that lives on your own Linux machine."""
    ctx.obj = config_file


def _device_names(_ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names that a shell takes without quotes; a part of any other name can be typed."""
    import shlex
    from contextlib import suppress

    from click.shell_completion import CompletionItem

    from voxspark.devices.sound_host import list_devices

    names = ["default", "null", "file:"]
    with suppress(VoxSparkError):
        names += [device.name for device in list_devices() if device.kind == param.name]
    safe = dict.fromkeys(name for name in names if name == shlex.quote(name))
    return [CompletionItem(name) for name in safe if name.startswith(incomplete)]


# ── the daemon ──────────────────────────────────────────────────────────────────────────────────


@cli.command()
@click.option("--microphone", metavar="NAME", shell_complete=_device_names, help=DEVICE_HELP)
@click.option("--speaker", metavar="NAME", shell_complete=_device_names, help=DEVICE_HELP)
@click.option("--fast", is_flag=True, help="Feed a file: microphone as fast as it goes.")
@click.option("--once", is_flag=True, help="End after the file (or, with a real microphone, after one reply).")
@click.option(
    "--profile", metavar="NAME", shell_complete=complete_profiles, help="Which team of models to use, or auto."
)
@json_option
@click.pass_obj
def run(
    config_file: Path | None,
    microphone: str | None,
    speaker: str | None,
    fast: bool,
    once: bool,
    profile: str | None,
    as_json: bool,
) -> None:
    """Run the daemon: listen, answer, until Ctrl-C."""
    from voxspark.config import config_path, load_config
    from voxspark.console import set_log_level, start_log
    from voxspark.daemon import run_daemon
    from voxspark.privacy import warn_of_readable_secrets

    devices = {"microphone": microphone, "speaker": speaker, "fast": fast or None}
    overrides: dict[str, Any] = {"devices": {key: value for key, value in devices.items() if value is not None}}
    if profile:
        overrides["profile"] = profile
    config = load_config(config_file, overrides=overrides)
    start_log(config.log.level, as_json=as_json)
    warn_of_readable_secrets(config_file or config_path())

    def read() -> Config:
        again = load_config(config_file, overrides=overrides)
        set_log_level(again.log.level, as_json=as_json)
        return again

    tell, watch = _progress(as_json), _printer(as_json)
    at_terminal = sys.stdin is not None and sys.stdin.isatty()  # there SIGHUP says that it was closed
    reads = None if once or at_terminal else read
    run_async(lambda: run_daemon(config, once=once, serve=not once, tell=tell, watch=watch, read=reads))


@cli.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    default=Path("demo.wav"),
    show_default=True,
    help="Where the sound goes.",
)
@click.pass_obj
def demo(config_file: Path | None, output: Path) -> None:
    """Hear it work: recorded questions in, spoken answers out. Needs no microphone."""
    from voxspark.config import load_config
    from voxspark.console import start_log
    from voxspark.demo import run_demo

    config = load_config(config_file)
    start_log(config.log.level, as_json=False)
    run_async(lambda: run_demo(config, output, _progress()))


# ── talking to the daemon ───────────────────────────────────────────────────────────────────────


@cli.command()
@text_argument
@click.option("--aloud", is_flag=True, help="Speak the answer as well as printing it.")
@click.option("--role", default="", help="Who of the team answers: coder, manager, reasoner …")
@click.option(
    "--image",
    "images",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A picture the question is about (PNG, JPEG or WebP). Up to four.",
)
@json_option
@click.pass_obj
def ask(config_file: Path | None, text: str, aloud: bool, role: str, images: tuple[Path, ...], as_json: bool) -> None:
    """Ask the running daemon a question."""

    async def work(client: Client) -> None:
        answer = client.ask(text, aloud=aloud, role=role, images=images)
        between = ""
        try:
            async for piece in answer:
                if not as_json:
                    click.echo(plain(f"{between}{piece.strip()}"), nl=False)
                    between = " "
        finally:
            if between:
                click.echo()
        _finish(answer.result, as_json)

    _call(config_file, work)


@cli.command()
@click.argument("questions", nargs=-1, required=True)
@json_option
@click.pass_obj
def swarm(config_file: Path | None, questions: tuple[str, ...], as_json: bool) -> None:
    """Ask many questions at once, in the background.

    Each QUESTION is answered by itself, without the conversation. Talking to the assistant goes first.
    """
    import anyio

    async def work(client: Client) -> None:
        async def one(question: str) -> None:
            (answer,) = await client.call("swarm", questions=[question])
            said = answer["text"] or (answer["error"] or {}).get("message", "")
            click.echo(json.dumps(answer) if as_json else f"{question}\n  {said}")

        async with anyio.create_task_group() as group:
            for question in questions:
                group.start_soon(one, question)

    _call(config_file, work)


@cli.command()
@text_argument
@json_option
@click.pass_obj
def say(config_file: Path | None, text: str, as_json: bool) -> None:
    """Have the running daemon say something."""

    async def work(client: Client) -> None:
        _finish(await client.call("say", text=text), as_json)

    _call(config_file, work)


@cli.command()
@click.option("--press", "action", flag_value="start", help="Push-to-talk down, and return.")
@click.option("--release", "action", flag_value="stop", help="Push-to-talk up, and return.")
@click.option("--toggle", "action", flag_value="toggle", help="Down, or up where it is down, and return.")
@click.pass_obj
def listen(config_file: Path | None, action: str | None) -> None:
    """Push-to-talk, until Enter is pressed.

    Bind --press and --release (or --toggle) to a key in your desktop's settings to use it without a terminal.
    """
    import anyio

    async def work(client: Client) -> None:
        if action:
            await client.call(f"listen.{action}")
            return
        await client.call("listen.start")
        try:
            click.echo("Speak, then press Enter.")
            await anyio.wait_readable(sys.stdin)
            sys.stdin.readline()
        finally:
            with anyio.CancelScope(shield=True):
                await client.call("listen.stop")

    if not action and not sys.stdin.isatty():
        raise click.UsageError("Without a terminal there is no Enter: use --press, and later --release, or --toggle.")

    _call(config_file, work)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
@click.pass_obj
def transcribe(config_file: Path | None, file: Path, as_json: bool) -> None:
    """Text of a WAV file, by the running daemon."""

    async def work(client: Client) -> None:
        result = await client.call("transcribe", path=str(file.resolve()))
        click.echo(json.dumps(result) if as_json else result["text"])

    _call(config_file, work)


@cli.command()
@json_option
@click.pass_obj
def status(config_file: Path | None, as_json: bool) -> None:
    """What the daemon is doing, with what, and what is wrong."""
    from voxspark.console import status_table

    async def work(client: Client) -> None:
        result = await client.call("status")
        click.echo(json.dumps(result) if as_json else plain(status_table(result)))

    _call(config_file, work)


@cli.command()
@click.pass_obj
def stop(config_file: Path | None) -> None:
    """Be quiet: end the reply, and whatever rings."""
    _call(config_file, lambda client: client.call("stop"))


@cli.command()
@click.pass_obj
def shutdown(config_file: Path | None) -> None:
    """End the daemon."""
    _call(config_file, lambda client: client.call("shutdown"))


@cli.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many exchanges.")
@json_option
@click.pass_obj
def history(config_file: Path | None, limit: int, as_json: bool) -> None:
    """The conversation: what was said, and what was heard."""

    async def work(client: Client) -> None:
        for exchange in await client.call("history", limit=limit):
            if as_json:
                click.echo(json.dumps(exchange))
            else:
                cut = " …" * exchange["interrupted"]
                click.echo(plain(f"you  {exchange['said']}\nvox  {exchange['heard']}{cut}"))

    _call(config_file, work)


@cli.command()
@click.pass_obj
def events(config_file: Path | None) -> None:
    """Everything that happens, one JSON object per line."""

    async def work(client: Client) -> None:
        async for event in client.events():
            click.echo(json.dumps(event))

    _call(config_file, work)


cli.add_command(cli_agent.audit)
cli.add_command(cli_mcp.mcp)
cli.add_command(cli_memory.memory)
cli.add_command(cli_mic.mic)
cli.add_command(cli_mute.mute)
cli.add_command(cli_mute.unmute)
cli.add_command(cli_agent.route)
cli.add_command(cli_hotkey.hotkey)
cli.add_command(cli_machine.devices)
cli.add_command(cli_machine.config)
cli.add_command(cli_machine.doctor)
cli.add_command(cli_plan.models)
cli.add_command(cli_plan.plan)
cli.add_command(cli_service.service)
cli.add_command(cli_voices.voices)
cli.add_command(cli_watching.top)
cli.add_command(cli_watching.report)
cli.add_command(cli_watching.record)


# ── helpers ─────────────────────────────────────────────────────────────────────────────────────


def _call(config_file: Path | None, work: Callable[[Client], Awaitable[Any]]) -> None:
    from voxspark.config import load_config

    with_daemon(load_config(config_file), work)


def _finish(result: dict[str, Any], as_json: bool) -> None:
    """Print the result of a turn where a script wants it, and fail where the turn did."""
    if as_json:
        click.echo(json.dumps(result))
    if error := result.get("error"):
        raise VoxSparkError(error["code"], error["message"], error.get("remedy", ""))


def _progress(as_json: bool = False) -> Callable[[str], None]:
    """Tells a person what is being loaded, and otherwise the log."""
    import logging

    if sys.stderr.isatty() and not as_json:
        return lambda message: click.echo(plain(f"{message} …"), err=True)
    return logging.getLogger(__name__).info


def _printer(as_json: bool) -> Callable[[Event], None]:
    from voxspark.console import describe

    def show_event(event: Event) -> None:
        line = json.dumps(event.to_json()) if as_json else plain(describe(event))
        if line:
            click.echo(line)

    return show_event
