"""From a command to the daemon, or to Ollama where no daemon runs; and names for the shell to complete."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from voxspark.errors import ControlError, EngineError, VoxSparkError, root_cause

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from voxspark.config import Config
    from voxspark.control.client import Client

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object per line, for scripts.")


def _words(_ctx: click.Context, _param: click.Parameter, words: tuple[str, ...]) -> str:
    if not (text := " ".join(words).strip()):
        raise click.BadParameter("there is nothing to say.")
    return text


text_argument = click.argument("text", nargs=-1, required=True, callback=_words)

TAGS_SECONDS = 2.0
"""How long Ollama may take to say what is pulled."""


def run_async(work: Callable[[], Awaitable[T]]) -> T:
    """Run it; what a command line expects comes out of whatever task groups it was raised in."""
    import anyio

    try:
        return anyio.run(work)
    except* (VoxSparkError, BrokenPipeError) as group:
        raise root_cause(group) from None


def with_daemon(config: Config, work: Callable[[Client], Awaitable[T]]) -> T:
    """What `work` makes of a connection. Raises ControlError `daemon-not-running`."""
    from voxspark.config import daemon_socket
    from voxspark.control.client import connect

    async def session() -> T:
        async with connect(daemon_socket(config)) as client:
            return await work(client)

    return run_async(session)


def ask_daemon(config: Config, *methods: str) -> list[Any] | None:
    """The results of methods without parameters, or None when no daemon runs."""

    async def work(client: Client) -> list[Any]:
        return [await client.call(method) for method in methods]

    try:
        return with_daemon(config, work)
    except ControlError as error:
        if error.code == "daemon-not-running":
            return None
        raise


def pulled_tags(config: Config) -> list[str] | None:
    """What Ollama has, or None when it does not answer soon."""
    import anyio

    from voxspark.engines.ollama.client import OllamaClient

    async def work() -> list[str] | None:
        with anyio.move_on_after(TAGS_SECONDS):
            client = OllamaClient(config.ollama_host)
            try:
                return [model.name for model in await client.pulled()]
            finally:
                await client.aclose()
        return None

    try:
        return run_async(work)
    except EngineError:
        return None


def pulled_for_auto(config: Config) -> list[str]:
    """What Ollama has, where that decides anything."""
    return (pulled_tags(config) or []) if config.profile == "auto" else []


def tags_of(rows: list[dict[str, Any]]) -> list[str] | None:
    """Of the daemon's `models.list`: the tags that are pulled, or None when it does not know."""
    known = [row for row in rows if row["pulled"] is not None]
    return [row["id"] for row in known if row["pulled"]] if known else None


def load(path: Path | None) -> Config:
    """The configuration in force."""
    from voxspark.config import load_config

    return load_config(path)


def complete_profiles(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Profiles by key."""
    from voxspark.vram.catalogue import load_catalogue
    from voxspark.vram.profiles import load_profiles

    return _starting(load_profiles(load_catalogue()), incomplete)


def complete_models(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Models by key."""
    from voxspark.vram.catalogue import load_catalogue

    return _starting(load_catalogue().models, incomplete)


def _starting(names: Any, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
