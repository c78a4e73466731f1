"""`voxspark plan` and `voxspark models`: what would be in memory, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from voxspark.vram.probes import Machine

GIB = 1 << 30


@click.command()
@click.argument("profile", required=False)
@click.option("--context", "context_tokens", type=click.IntRange(512), help="Tokens of context for every role.")
@click.option("--memory", "memory_gib", type=click.FloatRange(1), help="Pretend to have this many GiB for models.")
@click.option("--discrete", is_flag=True, help="With --memory: it is a graphics card's, not shared with the CPU.")
@click.option("--svg", "svg_file", type=click.Path(path_type=Path, dir_okay=False), help="Draw it into this file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per profile.")
def plan(
    profile: str | None,
    context_tokens: int | None,
    memory_gib: float | None,
    discrete: bool,
    svg_file: Path | None,
    as_json: bool,
) -> None:
    """Which teams of models fit this machine.

    With PROFILE the arithmetic of one. The figure of a profile is the largest combination of models that it can have
    in memory at once.
    """
    from voxspark import plan_view
    from voxspark.vram.catalogue import load_catalogue
    from voxspark.vram.profiles import check, find_profile, load_profiles

    catalogue = load_catalogue()
    machine = _machine(memory_gib, discrete)
    chosen = [find_profile(profile, catalogue)] if profile else list(load_profiles(catalogue).values())
    if context_tokens:
        chosen = [each.at_context(context_tokens) for each in chosen]
    verdicts = [check(each, machine.budget, catalogue) for each in chosen]
    if svg_file is not None:
        if not profile:
            raise click.UsageError("--svg draws one profile: name it.")
        svg_file.write_text(plan_view.svg(verdicts[0], machine.why))
    if as_json:
        for verdict in verdicts:
            click.echo(json.dumps(plan_view.to_json(verdict)))
        return
    click.echo(f"{machine.why}\n")
    if not profile:
        click.echo(plan_view.summary(verdicts))
        return
    click.echo(f"{verdicts[0].table()}\n\n{plan_view.bar(verdicts[0])}\n\n{verdicts[0].reason}")
    for note in chosen[0].notes:
        click.echo(note)


def _machine(memory_gib: float | None, discrete: bool) -> Machine:
    """This machine, or a pretended one."""
    from voxspark.vram.probes import Machine, machine
    from voxspark.vram.state import Budget, default_floor_bytes

    if memory_gib is None:
        return machine()
    total = int(memory_gib * GIB)
    floor = default_floor_bytes(total, unified=not discrete)
    kind = "a graphics card" if discrete else "one memory for CPU and GPU"
    why = f"As if there were {memory_gib:g} GiB ({kind}), {floor / GIB:.1f} GiB of it never for models."
    budget = Budget(total_bytes=total, floor_bytes=floor, unified=not discrete)
    return Machine("discrete" if discrete else "unified", budget, why)


@click.group()
def models() -> None:
    """The models this program knows."""


@models.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per model.")
def list_(as_json: bool) -> None:
    """What each is for, how large at 8k, under which licence."""
    from voxspark.vram.catalogue import load_catalogue, need

    for model in sorted(load_catalogue().models.values(), key=lambda model: (model.roles, model.key)):
        total_bytes = need(model, 8192).total_bytes
        if as_json:
            facts = {"model": model.key, "id": model.id, "roles": list(model.roles), "bytes_at_8k": total_bytes}
            click.echo(json.dumps({**facts, "licence": model.licence, "runner": model.runner}))
        else:
            row = f"{model.key:<24} {', '.join(model.roles):<20} {total_bytes / 1e9:>6.1f} GB  {model.licence}"
            click.echo(row)


@models.command()
@click.argument("name")
@click.option("--context", "context_tokens", default=8192, show_default=True, help="Tokens of context.")
def why(name: str, context_tokens: int) -> None:
    """What a model takes, and where that figure comes from."""
    from voxspark.vram.catalogue import load_catalogue, need

    resolved = load_catalogue().resolve(name)
    if resolved.note:
        click.echo(resolved.note)
    needed = need(resolved.model, context_tokens)
    click.echo(f"{resolved.model.name} ({resolved.model.id}): {needed.total_bytes / 1e9:.2f} GB\n{needed.source}")
    if resolved.model.note:
        click.echo(resolved.model.note)
