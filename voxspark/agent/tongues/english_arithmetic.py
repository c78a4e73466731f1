"""Arithmetic as people say it, as an expression for `tools/arithmetic.py`."""

from __future__ import annotations

import re

from voxspark.errors import ToolError
from voxspark.tools import arithmetic

_QUESTION = re.compile(
    r"^(?:what is|what does|what do|how much is|calculate|compute|work out|tell me|do you know what)\s+"
)
_RESULT = re.compile(r"\s*(?:(?:is )?equals?(?: to)?|make|makes|is|=)$")
_N = r"(-?[\d.]+)"
_WORDS = [
    (re.compile(pattern), replacement)
    for pattern, replacement in [
        (rf"^add {_N} (?:and|to) {_N}$", r"\1 + \2"),
        (rf"^subtract {_N} from {_N}$", r"\2 - \1"),
        (rf"^multiply {_N} (?:by|and|with) {_N}$", r"\1 * \2"),
        (rf"^divide {_N} by {_N}$", r"\1 / \2"),
        (rf"^(?:the )?sum of {_N} and {_N}$", r"\1 + \2"),
        (rf"^(?:the )?product of {_N} and {_N}$", r"\1 * \2"),
        (rf"^(?:the )?difference (?:between|of) {_N} and {_N}$", r"\1 - \2"),
        (rf"\b(?:the )?square root (?:of )?{_N}", r"sqrt(\1)"),
        (r"\bhalf of\b", "0.5 *"),
        (r"\ba quarter of\b", "0.25 *"),
        (r"\b3 quarters of\b", "0.75 *"),
        (r"\ba third of\b", "1 / 3 *"),
        (r"\b2 thirds of\b", "2 / 3 *"),
        (r"\bpercent of\b", "% of"),
        (r"\b(?:to the power of|to the power|raised to)\b", "**"),
        (r"\bsquared\b", "** 2"),
        (r"\bcubed\b", "** 3"),
        (r"\bplus\b", "+"),
        (r"\b(?:minus|negative)\b", "-"),
        (r"\b(?:times|multiplied by|x)\b|(?<=\d)x(?=\d)|×", "*"),
        (r"\b(?:divided by|over)\b|÷", "/"),
        (r"\b(?:modulo|mod)\b", "%"),
    ]
]
_SYMBOLS = re.compile(r"(?:[\d\s.+*/%()-]|% of|sqrt\(|√)+")
_OPERATION = re.compile(r"[\d)]\s*[-+*/%]|sqrt|√")
_FALSE_FRIEND = re.compile(r"\d/\d")
"""`24/7` and `9/11` are no divisions."""


def expression(text: str) -> str | None:
    """From a normalised transcript: `what is 15 percent of 80` -> `15 % of 80`; None when it is anything else."""
    text = _QUESTION.sub("", text)
    text = _QUESTION.sub("", text).removeprefix("the result of ")
    text = _RESULT.sub("", text)
    if _FALSE_FRIEND.search(text):
        return None
    for pattern, replacement in _WORDS:
        text = pattern.sub(replacement, text)
    if not _SYMBOLS.fullmatch(text) or not _OPERATION.search(text):
        return None
    try:
        arithmetic.evaluate(text)
    except ToolError as error:
        return None if error.code == arithmetic.SYNTAX else text
    return text
