"""`voxspark route` and `voxspark audit`: who would answer, and what has been done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxspark.cli_plan.session import json_option, pulled_tags

if TYPE_CHECKING:
    from voxspark.config import Config


@click.command()
@click.argument("text", nargs=-1, required=True)
@json_option
@click.pass_obj
def route(config_file: Path | None, text: tuple[str, ...], as_json: bool) -> None:
    """Who would answer this, and why; nothing is asked or done."""
    from voxspark.config import load_config

    told = explained(load_config(config_file), " ".join(text))
    if as_json:
        click.echo(json.dumps(told))
    else:
        click.echo(f"{told['who']}: {told['why']}")


def explained(config: Config, text: str) -> dict[str, Any]:
    """`who` answers, and `why`; with the tool and its arguments, or the role and its question."""
    from voxspark.agent.intents import Intents, user_folder
    from voxspark.agent.router import route as routed
    from voxspark.compose import machine_of
    from voxspark.kit import make_toolbox
    from voxspark.roster import helpers, make_roster

    if (intent := Intents(make_toolbox(config), user_folder()).match(text, config.language)) is not None:
        why = "A local intent matches the whole sentence."
        return {"who": "a local intent", "why": why, "tool": intent.tool, "arguments": intent.arguments}
    pulled = (pulled_tags(config) or []) if config.profile == "auto" else []
    roster = make_roster(config, machine_of(config), pulled)
    chosen = routed(text, ("worker", *helpers(roster)))
    who = f"{chosen.role} ({roster.model_of(chosen.role).name})"
    return {"who": who, "why": chosen.why, "role": chosen.role, "question": chosen.question}


@click.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many calls.")
@json_option
def audit(limit: int, as_json: bool) -> None:
    """What tools have done, and the words that caused it."""
    from voxspark.agent.audit import audit_path, entries

    for entry in entries(audit_path(), limit):
        if as_json:
            click.echo(json.dumps(entry))
            continue
        arguments = ", ".join(f"{key}={value!r}" for key, value in dict(entry.get("arguments", {})).items())
        click.echo(f"{entry.get('time')}  {entry.get('verdict', ''):<8} {entry.get('tool')}({arguments})")
        click.echo(f"    “{entry.get('utterance', '')}”  {entry.get('result', '')}")
