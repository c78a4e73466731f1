"""The user's own commands: fixed command lines from the configuration, each run only after a spoken yes.

Nothing that a model says becomes part of a command line: it can only choose one of those that are written down.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from voxspark.config_tools import PLACEHOLDER, CommandSettings
from voxspark.errors import ConfigError, ToolError
from voxspark.tools.clean import clean
from voxspark.tools.registry import Declaration, Parameter, Tool
from voxspark.tools.sandbox import Sandbox, environment_of, run_program

MOST_SAID = 300
"""Characters of what a command wrote."""

SLACK_SECONDS = 10.0
"""For the sandbox, beyond the time of the command."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command line."""

    argv: tuple[str, ...]
    settings: CommandSettings

    async def run(self, name: str, environ: Mapping[str, str] = os.environ) -> str:
        """What became of it. Raises ToolError."""
        settings, environment, argv = self.settings, environment_of(environ), list(self.argv)
        if not os.access(argv[0], os.X_OK):
            raise ToolError("command-missing", f"The program of {name} is missing.", f"Install {argv[0]}.")
        if settings.sandbox:
            folders = [Path(folder).expanduser() for folder in settings.writable]
            sandbox = Sandbox(settings.network, folders)
            await sandbox.probe(environment)
            argv = sandbox.wrapped(argv, environment)
        try:
            status, output = await run_program(argv, environment, settings.timeout_seconds)
        except TimeoutError as error:
            raise ToolError("command-slow", f"The {name} took too long, so I ended it.") from error
        except OSError as error:
            raise ToolError("command-failed", f"The {name} could not be started.", str(error)) from error
        text = clean(output.decode("utf-8", "replace"), MOST_SAID).rstrip(".")
        if status:
            said = text or "nothing"
            raise ToolError("command-failed", f"The {name} failed with status {status}. It says: {said}.")
        return f"The {name} is done. It says: {text}." if text else f"The {name} is done."


def command_tools(settings: Mapping[str, CommandSettings]) -> tuple[Tool, ...]:
    """`run_command`, or nothing where no command is written down. Raises ConfigError."""
    commands = variants(settings)
    if not commands:
        return ()

    async def run_command(name: str) -> str:
        return await commands[name].run(name)

    listed = " ".join(f"{name.replace('_', ' ')}: {each.description}" for name, each in settings.items())
    declared = Declaration(
        permission="dangerous",
        fate="owner",
        untrusted=True,  # its output may quote anybody
        timeout_seconds=max(each.timeout_seconds for each in settings.values()) + SLACK_SECONDS,
    )
    parameter = Parameter("name", str, "Which one.", tuple(commands))
    return (Tool("run_command", f"Run one of the user's commands. {listed}", declared, run_command, (parameter,)),)


def variants(settings: Mapping[str, CommandSettings]) -> dict[str, Command]:
    """Every command line by what it is called: `restart alpha`. Raises ConfigError when two are called the same."""
    commands: dict[str, Command] = {}
    for key, each in settings.items():
        for values in product(*each.arguments.values()):
            name = " ".join([key.replace("_", " ").replace("-", " "), *values]).casefold()
            if name in commands:
                raise ConfigError("config-value", f"Two commands are called {name}.", f"Rename commands.{key}.")
            filled = dict(zip(each.arguments, values, strict=True))
            commands[name] = Command(tuple(_fill(part, filled) for part in each.run), each)
    return commands


def _fill(part: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda match: values[match[1]], part)
