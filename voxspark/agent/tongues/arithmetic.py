"""Arithmetic as people say it in other languages: rewritten into the words of English, and read by what reads those."""

from __future__ import annotations

import re
from collections.abc import Callable

from voxspark.agent.tongues.english_arithmetic import expression
from voxspark.agent.tongues.tongue import Rewrites, rewritten


def expression_reader(question: str, pairs: Rewrites) -> Callable[[str], str | None]:
    """The `expression` of a language; `question` is what may stand in front, as a regular expression."""
    lead = re.compile(rf"(?:{question}) +")

    def read(command: str) -> str | None:
        command, asked = lead.subn("", command, count=1)
        return expression(f"what is {rewritten(command, pairs)}") if asked or command[:1].isdigit() else None

    return read
