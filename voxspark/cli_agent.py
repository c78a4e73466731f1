"""`voxspark route` and `voxspark audit`: who would answer, and what has been done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxspark.cli_plan.session import ask_daemon, json_option, pulled_for_auto, text_argument

if TYPE_CHECKING:
    from voxspark.config import Config
    from voxspark.protocols import Chat


@click.command()
@text_argument
@json_option
@click.pass_obj
def route(config_file: Path | None, text: str, as_json: bool) -> None:
    """Who would answer this, and why; nothing is asked or done."""
    from voxspark.config import load_config

    config = load_config(config_file)
    resident_bytes = 0
    if running := ask_daemon(config, "status"):
        config = config.model_copy(update={"profile": running[0]["profile"]})
        resident_bytes = (running[0]["memory"] or {}).get("used_bytes", 0)
    told = explained(config, text, resident_bytes)
    if as_json:
        click.echo(json.dumps(told))
    else:
        click.echo(f"{told['who']}: {told['why']}")


def explained(config: Config, text: str, resident_bytes: int) -> dict[str, Any]:
    """`who` answers, and `why`; with the tool and its arguments, or the role and its question.

    `resident_bytes`: of models that are in memory already.
    """
    from voxspark.agent.intents import Intents, user_folder
    from voxspark.agent.router import route as routed
    from voxspark.engine_room import machine_of, team_of
    from voxspark.language import speaking
    from voxspark.outfit import make_whole_toolbox
    from voxspark.roster import make_roster

    roster = make_roster(config, machine_of(config, resident_bytes=resident_bytes), pulled_for_auto(config))
    team = team_of(roster, _nobody)
    intents = Intents(make_whole_toolbox(config, team), user_folder(), model_reads=team.calls_tools("worker"))
    if (intent := intents.match(text, config.language)) is not None:
        why = "A local intent matches the whole sentence."
        return {"who": "a local intent", "why": why, "tool": intent.tool, "arguments": intent.arguments}
    chosen = routed(text, {*team.roles, "eyes"})
    told = {"why": chosen.why, "role": chosen.role, "question": chosen.question}
    if chosen.role not in team.roles:
        why = f"{chosen.why} The profile {roster.profile.key} has nobody for {chosen.role}."
        return {**told, "who": "nobody", "why": why}
    model = roster.model_of(chosen.role).name
    with speaking(config.language):
        if chosen.role == "worker" and (sentence := team.beyond_worker(chosen.question)):
            return {**told, "who": "nobody", "why": f"It is beyond {model}, so this is said instead: {sentence}"}
    return {**told, "who": f"{chosen.role} ({model})"}


def _nobody(role: str) -> Chat:
    raise AssertionError(role)


@click.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many calls.")
@json_option
def audit(limit: int, as_json: bool) -> None:
    """What tools have done, and the words that caused it."""
    from voxspark.agent.audit import audit_path, entries

    entry = None
    for entry in entries(audit_path(), limit):
        click.echo(json.dumps(entry) if as_json else _told(entry))
    if entry is None and not as_json:
        click.echo("Nothing has been done yet.")


def _told(entry: Mapping[str, Any]) -> str:
    """Two lines; what strangers wrote cannot steer the terminal."""
    arguments = entry.get("arguments")
    named = arguments.items() if isinstance(arguments, dict) else ()
    called = f"{entry.get('tool')}({', '.join(f'{key}={value!r}' for key, value in named)})"
    utterance, result = (" ".join(str(entry.get(key, "")).split()) for key in ("utterance", "result"))
    lines = f"{entry.get('time')}  {entry.get('verdict', ''):<9} {called}", f"    “{utterance}”  {result}"
    return "\n".join("".join(filter(str.isprintable, line)) for line in lines)
