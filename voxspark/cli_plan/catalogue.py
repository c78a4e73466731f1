"""`voxspark models`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxspark.cli_plan import session
from voxspark.errors import ControlError

if TYPE_CHECKING:
    from voxspark.config import Config
    from voxspark.control.client import Client
    from voxspark.plan_view.models import ProgressLine
    from voxspark.vram.catalogue import Catalogue

name_argument = click.argument("name", shell_complete=session.complete_models)


@click.group()
def models() -> None:
    """The models this program knows: list, pull, load, explain."""


@models.command(name="list")
@click.option(
    "--profile", metavar="PROFILE", shell_complete=session.complete_profiles, help="Only its models, as it sizes them."
)
@session.json_option
@click.pass_obj
def list_(config_file: Path | None, profile: str | None, as_json: bool) -> None:
    """What each is for, its size, and whether it is pulled."""
    from voxspark.plan_view import models as view
    from voxspark.vram.catalogue import load_catalogue
    from voxspark.vram.listing import rows

    catalogue, config = load_catalogue(), session.load(config_file)
    if answers := session.ask_daemon(config, "models.list", "status"):
        found, memory = answers[0], answers[1].get("memory")
    else:
        found, memory = rows(catalogue, session.pulled_tags(config)), None
    in_force = memory["profile"] if memory else None
    sizes = _sizes(profile or in_force, catalogue)
    if profile:
        found = [row for row in found if row["model"] in sizes]
    if as_json:
        for row in found:
            click.echo(json.dumps(row))
    else:
        click.echo(view.text(found, sizes, profile or in_force))


def _sizes(profile: str | None, catalogue: Catalogue) -> dict[str, int]:
    """Bytes of a profile's models at its contexts and slots, by key."""
    from voxspark.vram.profiles import find_profile
    from voxspark.vram.state import Request
    from voxspark.vram.team import Team

    if profile is None:
        return {}
    team = Team(find_profile(profile, catalogue), catalogue)
    rungs = (team.ladder(Request(id="", role=role, at=0))[0] for role in team.profile.roles)
    return {rung.model: rung.bytes for rung in rungs}


@models.command()
@name_argument
@click.option("--context", "context_tokens", default=8192, show_default=True, help="Tokens of context.")
@click.pass_obj
def why(config_file: Path | None, name: str, context_tokens: int) -> None:
    """What a model takes, and why it is (not) in memory."""
    from voxspark.plan_view import live
    from voxspark.vram.catalogue import load_catalogue, need

    resolved = load_catalogue().resolve(name)
    if resolved.note:
        click.echo(resolved.note)
    model, needed = resolved.model, need(resolved.model, context_tokens)
    click.echo(f"{model.name} ({model.id}): {needed.total_bytes / 1e9:.2f} GB\n{needed.source}")
    if model.note:
        click.echo(model.note)
    answers = session.ask_daemon(session.load(config_file), "status")
    if answers and (memory := answers[0].get("memory")):
        click.echo(live.whereabouts(memory, model.key, model.name))


# ── by the daemon ───────────────────────────────────────────────────────────────────────────────


@models.command()
@name_argument
@session.json_option
@click.pass_obj
def load(config_file: Path | None, name: str, as_json: bool) -> None:
    """Bring a model (or a role's) into memory."""
    result = _order(config_file, "models.load", name)
    said = f"{result['name']} is in memory: {result['bytes'] / 1e9:.1f} GB, after {result['seconds']:.1f} s."
    click.echo(json.dumps(result) if as_json else said)


@models.command()
@name_argument
@session.json_option
@click.pass_obj
def unload(config_file: Path | None, name: str, as_json: bool) -> None:
    """Take a model out of memory."""
    result = _order(config_file, "models.unload", name)
    said = f"{result['model']} is out of memory: {result['freed_bytes'] / 1e9:.1f} GB are free again."
    click.echo(json.dumps(result) if as_json else said)


def _order(config_file: Path | None, method: str, name: str) -> dict[str, Any]:
    async def work(client: Client) -> dict[str, Any]:
        result: dict[str, Any] = await client.call(method, name=name)
        return result

    return session.with_daemon(session.load(config_file), work)


# ── pull ────────────────────────────────────────────────────────────────────────────────────────


@models.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=session.complete_models)
@click.option(
    "--profile", metavar="PROFILE", shell_complete=session.complete_profiles, help="All its models that are missing."
)
@click.pass_obj
def pull(config_file: Path | None, names: tuple[str, ...], profile: str | None) -> None:
    """Download models into Ollama."""
    if bool(names) == bool(profile):
        raise click.UsageError("Name models, or a profile with --profile.")
    config = session.load(config_file)
    tags = _missing(profile, config) if profile else _tags(names)
    if not tags:
        click.echo(f"Everything of {profile} is pulled.")
    try:
        for tag in tags:
            session.run_async(partial(_pull, config, tag))
    except KeyboardInterrupt:
        click.echo("\nStopped. A second pull goes on where this one ended.", err=True)
        raise


def _tags(names: Iterable[str]) -> list[str]:
    """Ollama's names for them, each once, with a word where one is not what was asked for."""
    from voxspark.vram.catalogue import load_catalogue
    from voxspark.vram.listing import require_tag

    catalogue = load_catalogue()
    found = [catalogue.resolve(name) for name in names]
    tags = dict.fromkeys(require_tag(each.model) for each in found)
    for note in dict.fromkeys(each.note for each in found if each.note):
        click.echo(note)
    return list(tags)


def _missing(profile: str, config: Config) -> list[str]:
    from voxspark.vram.catalogue import load_catalogue
    from voxspark.vram.profiles import find_profile, missing_tags

    catalogue = load_catalogue()
    chosen = find_profile(profile, catalogue)
    answers = session.ask_daemon(config, "models.list")
    pulled = session.tags_of(answers[0]) if answers else session.pulled_tags(config)
    for note in chosen.notes:
        click.echo(note)
    return missing_tags(chosen, catalogue, pulled or [], on_demand=True)


async def _pull(config: Config, tag: str) -> None:
    """Through the daemon, which then knows of it; straight from Ollama where none runs."""
    from voxspark.plan_view.models import ProgressLine

    with ProgressLine(tag, sys.stdout, live=sys.stdout.isatty()) as line:
        try:
            await _pull_by_daemon(config, tag, line)
        except ControlError as error:
            if error.code != "daemon-not-running":
                raise
            await _pull_by_ollama(config, tag, line)


async def _pull_by_daemon(config: Config, tag: str, line: ProgressLine) -> None:
    from voxspark.config import daemon_socket
    from voxspark.control.client import connect

    async with connect(daemon_socket(config)) as daemon, aclosing(daemon.pull(tag)) as steps:
        async for step in steps:
            line.show(step["status"], step["completed_bytes"], step["total_bytes"])


async def _pull_by_ollama(config: Config, tag: str, line: ProgressLine) -> None:
    from voxspark.engines.ollama.client import OllamaClient

    ollama = OllamaClient(config.ollama_host)
    try:
        async with aclosing(ollama.pull(tag)) as steps:
            async for step in steps:
                line.show(step.status, step.completed_bytes, step.total_bytes)
    finally:
        await ollama.aclose()
