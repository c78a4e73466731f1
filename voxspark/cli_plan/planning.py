"""`voxspark plan`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxspark.cli_plan import session

if TYPE_CHECKING:
    from voxspark.config import Config
    from voxspark.plan_view.chart import Chart
    from voxspark.vram.probes import Machine
    from voxspark.vram.profiles import Measured, Profile
    from voxspark.vram.state import Budget

GIB = 1 << 30
NO_DAEMON = "No daemon runs, so this is what could be: voxspark run starts one."


@dataclass(frozen=True, slots=True)
class View:
    """What a command shows, in each of its forms; made only when asked for."""

    text: Callable[[], str]
    to_json: Callable[[], list[Any]]
    chart: Callable[[], Chart] | None = None
    """None where there is no single picture."""


@dataclass(frozen=True, slots=True)
class About:
    """Which machine and which sizes are meant."""

    config: Config
    context_tokens: int | None
    """None is the configuration's, or else each profile's own."""
    pretended: Machine | None
    """None is this machine."""

    def machine(self) -> Machine:
        """With the floor that the daemon keeps."""
        from voxspark.engine_room import machine_of

        return self.pretended or machine_of(self.config)

    def sized(self, profile: Profile) -> Profile:
        """At the context that is meant."""
        tokens = self.context_tokens or self.config.plan.context_tokens
        return profile.at_context(tokens) if tokens else profile

    def measured(self) -> Measured:
        """What loads on this machine really took; it says nothing about another."""
        from voxspark.vram.measured import MeasuredSizes

        return {} if self.pretended else MeasuredSizes()


@click.command()
@click.argument("profile", required=False, shell_complete=session.complete_profiles)
@click.option(
    "--what-if", metavar="PROFILE", shell_complete=session.complete_profiles, help="What a switch to it would do."
)
@click.option("--context", "context_tokens", type=click.IntRange(512), help="Tokens of context for every role.")
@click.option("--memory", "memory_gib", type=click.FloatRange(1), help="Pretend to have this many GiB for models.")
@click.option("--discrete", is_flag=True, help="With --memory: it is a graphics card's, not shared with the CPU.")
@click.option("--svg", "svg_file", type=click.Path(path_type=Path, dir_okay=False), help="Draw it into this file.")
@session.json_option
@click.pass_obj
def plan(
    config_file: Path | None,
    profile: str | None,
    what_if: str | None,
    context_tokens: int | None,
    memory_gib: float | None,
    discrete: bool,
    svg_file: Path | None,
    as_json: bool,
) -> None:
    """What is in memory, and which teams of models fit.

    Alone: what the running daemon holds, or all profiles where none runs (or with --memory or --context). With PROFILE:
    its arithmetic; the figure is the largest combination of models that it can have in memory at once.
    """
    if profile and what_if:
        raise click.UsageError("Name one profile: as PROFILE, or with --what-if.")
    if discrete and memory_gib is None:
        raise click.UsageError("--discrete goes with --memory.")
    config = session.load(config_file)
    about = About(config, context_tokens, _pretended(memory_gib, discrete) if memory_gib else None)
    if what_if:
        view = _what_if(about, what_if)
    elif profile:
        view = _one(about, profile)
    else:
        view = _now(about)
    if svg_file is not None:
        _draw(view, svg_file)
    if as_json:
        for each in view.to_json():
            click.echo(json.dumps(each))
    else:
        click.echo(view.text())


def _draw(view: View, file: Path) -> None:
    from voxspark.errors import ConfigError
    from voxspark.plan_view.picture import svg

    if view.chart is None:
        raise click.UsageError("--svg draws one profile: name it.")
    try:
        file.write_text(svg(view.chart()), "utf-8")
    except OSError as error:
        raise ConfigError(
            "svg-unwritable", f"{file} cannot be written: {error.strerror}.", "Choose another file."
        ) from error


def _now(about: About) -> View:
    """The ledger of the daemon that runs, or all profiles."""
    from voxspark.plan_view import live

    if about.context_tokens or about.pretended:
        return _all(about, "")
    answers = session.ask_daemon(about.config, "status")
    if answers is None:
        return _all(about, f"{NO_DAEMON}\n")
    status: Mapping[str, Any] = answers[0]
    if (memory := status.get("memory")) is None:
        return _all(about, "The daemon that runs has no memory plan.\n")
    return View(
        text=lambda: live.text(memory, status.get("uptime_seconds")),
        to_json=lambda: [memory],
        chart=lambda: live.chart(memory),
    )


def _all(about: About, preface: str) -> View:
    from voxspark.plan_view import profile as view
    from voxspark.vram.catalogue import load_catalogue
    from voxspark.vram.profiles import check, load_profiles

    catalogue, here, measured = load_catalogue(), about.machine(), about.measured()
    chosen = (about.sized(each) for each in load_profiles(catalogue).values())
    verdicts = [check(each, here.budget, catalogue, measured) for each in chosen]
    return View(
        text=lambda: f"{preface}{here.why}\n\n{view.summary(verdicts)}",
        to_json=lambda: [view.to_json(verdict) for verdict in verdicts],
    )


def _one(about: About, key: str) -> View:
    from voxspark.plan_view import profile as view
    from voxspark.vram.catalogue import load_catalogue
    from voxspark.vram.profiles import check, find_profile
    from voxspark.vram.team import Team

    catalogue, measured = load_catalogue(), about.measured()
    chosen, here = about.sized(find_profile(key, catalogue)), about.machine()
    verdict = check(chosen, here.budget, catalogue, measured)
    return View(
        text=lambda: f"{here.why}\n\n{view.text(verdict, chosen.notes)}",
        to_json=lambda: [view.to_json(verdict)],
        chart=lambda: view.chart(Team(chosen, catalogue, measured), here.budget, verdict, here.why),
    )


def _what_if(about: About, key: str) -> View:
    """From what the daemon holds (or, without one or with a pretended machine, from nothing)."""
    from voxspark.plan_view import change as view
    from voxspark.vram.catalogue import load_catalogue
    from voxspark.vram.profiles import find_profile
    from voxspark.vram.team import Team

    catalogue, measured = load_catalogue(), about.measured()
    chosen = about.sized(find_profile(key, catalogue))
    memory, pulled = _state(about)
    if memory is None:
        here = about.machine()
        budget, why = here.budget, here.why
    else:
        budget, why = _budget_of(about, memory), memory["machine"]
    change = view.switch(Team(chosen, catalogue, measured), catalogue, budget, memory, pulled, measured)
    return View(
        text=lambda: f"{why}\n\n{view.text(change, catalogue)}",
        to_json=lambda: [view.to_json(change)],
        chart=lambda: view.chart(change, why),
    )


def _state(about: About) -> tuple[Mapping[str, Any] | None, list[str] | None]:
    """What the daemon holds (None without one, or where another machine is meant), and the tags that are pulled."""
    answers = session.ask_daemon(about.config, "status", "models.list")
    if answers is None:
        return None, session.pulled_tags(about.config)
    status, rows = answers
    return None if about.pretended else status.get("memory"), session.tags_of(rows)


def _budget_of(about: About, memory: Mapping[str, Any]) -> Budget:
    """The daemon's own, so that it decides the same."""
    from voxspark.vram.state import Budget

    unified = memory.get("unified", True)
    beside = sum(model["bytes"] for model in memory["models"] if model["device"] == "cpu")
    return Budget(
        total_bytes=memory["total_bytes"],
        floor_bytes=memory["floor_bytes"],
        unified=unified,
        usable_bytes=memory["capacity_bytes"] + memory["floor_bytes"],
        host_bytes=0 if unified else about.machine().budget.host_bytes + beside,
    )


def _pretended(memory_gib: float, discrete: bool) -> Machine:
    """Another machine; beside a graphics card it has as much memory for the CPU."""
    from voxspark.vram.probes import Machine
    from voxspark.vram.state import Budget, default_floor_bytes

    total = int(memory_gib * GIB)
    floor = default_floor_bytes(total, unified=not discrete)
    host = total - default_floor_bytes(total, unified=True) if discrete else 0
    kind = "a graphics card, and as much beside it for the CPU" if discrete else "one memory for CPU and GPU"
    why = f"As if there were {memory_gib:g} GiB ({kind}), {floor / GIB:.1f} GiB of it never for models."
    budget = Budget(total_bytes=total, floor_bytes=floor, unified=not discrete, host_bytes=max(host, 0))
    return Machine("discrete" if discrete else "unified", budget, why)
