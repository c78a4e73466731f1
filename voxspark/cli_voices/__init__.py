"""`voxspark voices`: which there are, what they sound like, and one of your own."""

from __future__ import annotations

import click

from voxspark.cli_voices.adding import add
from voxspark.cli_voices.library import check, list_
from voxspark.cli_voices.trying import try_

__all__ = ["voices"]


@click.group()
def voices() -> None:
    """The voices to speak with: list, try, add, check."""


for _command in (list_, try_, add, check):
    voices.add_command(_command)
