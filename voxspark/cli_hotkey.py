"""`voxspark hotkey`: whether the push-to-talk key is seen, and by what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from voxspark.cli_plan.session import load, run_async

if TYPE_CHECKING:
    from voxspark.config_listening import HotkeySettings

ENGINES = click.Choice(["auto", "x11", "evdev", "portal"])


def _known(_ctx: click.Context, _param: click.Parameter, text: str | None) -> str | None:
    from voxspark.shortcuts import parse_shortcut

    try:
        return None if text is None else str(parse_shortcut(text))
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from error


@click.group()
def hotkey() -> None:
    """The push-to-talk key."""


@hotkey.command()
@click.option("--key", metavar="KEYS", callback=_known, help="Another key than hotkey.key, such as ctrl+alt+space.")
@click.option("--engine", type=ENGINES, help="Another way than hotkey.engine.")
@click.option("--seconds", type=click.FloatRange(min=0), help="End by itself after so long.")
@click.pass_obj
def test(config_file: Path | None, key: str | None, engine: str | None, seconds: float | None) -> None:
    """Show which way is taken, and every press of the key.

    The daemon may have the key already; end it first. Ends with 4 when no key can be seen.
    """
    settings = _settings(config_file, key, engine)
    run_async(lambda: _show(settings, seconds))


def _settings(config_file: Path | None, key: str | None, engine: str | None) -> HotkeySettings:
    """Those of the configuration, with what is given in their place."""
    from voxspark.errors import ConfigError

    configured = load(config_file).hotkey
    engine = engine or ("auto" if configured.engine == "none" else configured.engine)
    settings = configured.model_copy(update={"key": key or configured.key, "engine": engine})
    if not settings.key:
        remedy = "Set key in [hotkey], or try one: voxspark hotkey test --key ctrl+alt+space"
        raise ConfigError("hotkey-not-set", "No hotkey is set.", remedy)
    return settings


async def _show(settings: HotkeySettings, seconds: float | None) -> None:
    import anyio

    from voxspark.devices.hotkey.ways import choose
    from voxspark.types import KeyPressed

    choice = await choose(settings)
    click.echo(f"{choice.hotkey.way}: {choice.why}")
    for reason in choice.not_taken:
        click.echo(f"  not {reason}")
    pressed_at: dict[str, float] = {}
    async with choice.hotkey.watch() as strokes:
        click.echo(f"Press {settings.key}. Ctrl-C ends.")
        with anyio.move_on_after(seconds if seconds is not None else float("inf")):
            async for stroke in strokes:
                now = anyio.current_time()
                if isinstance(stroke, KeyPressed):
                    pressed_at[stroke.action] = now
                    click.echo(f"{stroke.action}: pressed")
                else:
                    click.echo(f"{stroke.action}: released after {now - pressed_at.pop(stroke.action):.2f} s")
