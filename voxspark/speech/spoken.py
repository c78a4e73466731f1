"""What a person would say for a piece of written text."""

from __future__ import annotations

import re

from voxspark.speech.abbreviations import expand_abbreviations, join_initialisms
from voxspark.speech.markup import plain_characters, strip_markup
from voxspark.speech.quantities import spell_quantities

_DIGIT = re.compile(r"[0-9]")
_SHARP = re.compile(r"\b([A-G])#(?!\w)")
_PATH = re.compile(r"(?<![\w./])[~.]{0,2}(?:/[\w.-]+)+/?|(?<![\w./])\w[\w.-]*(?:/[\w.-]+){2,}/?")
_DOTTED_NAME = re.compile(r"(?<![\w.-])(?<!a link to )\w[\w-]*(?:\.\w[\w-]*)+")
_GLUED_SENTENCE = re.compile(r"(?<=[a-z])\.(?=[A-Z][a-z])")

_SYMBOLS = {
    "&": " and ", "%": " percent ", "+": " plus ", "=": " equals ", "==": " equals ", "@": " at ",
    "<": " less than ", ">": " greater than ", "<=": " less than or equal to ",
    ">=": " greater than or equal to ", "!=": " is not equal to ", "->": " to ", "=>": " to ",
    "°": " degrees ", "$": " dollar ", "€": " euro ", "£": " pound ", "¥": " yen ", "₹": " rupee ",
    "×": " times ", "÷": " divided by ", "^": " to the power of ", "(s)": "s", "|": ", ", "—": ", ",
    "–": ", ", "--": ", ", " (": ", ", ") ": ", ",
}  # fmt: skip
_SYMBOL = re.compile(
    r"[<>=!]=|[-=]>|\(s\)| \(|\) (?=\w)|-{2,}| -(?= )|[^\w\s.,;:!?'-]|_|(?<![^\W_])['-]|['-](?![^\W_])"
)
"""Whatever is neither a word nor a pause; also hyphens and apostrophes that join nothing."""
_PAUSE = re.compile(r" ?([.,;:!?](?: ?[.,;:!?])*) ?")


def _symbol(found: re.Match[str]) -> str:
    sign = found[0]
    return _SYMBOLS.get("--" if sign.startswith("--") or sign == " -" else sign, " ")


def _dots(found: re.Match[str]) -> str:
    return found[0].replace(".", " dot ")


def _pause(found: re.Match[str]) -> str:
    """One mark for a run of them; the dot of a host name stays inside its word."""
    text, (start, end) = found.string, found.span()
    if found[0] == "." and text[start - 1 : start].isalnum() and text[end : end + 1].isalnum():
        return "."
    if start == 0:
        return ""
    marks = found[1].replace(" ", "")
    mark = "," if marks == ".," else "..." if "..." in marks else min(marks, key="?!.:;,".index)
    return f"{mark} "


def spoken(text: str) -> str:
    """One piece of a reply as a person would say it: no markdown, symbols, digits or emoji, only words and pauses.

    Empty only when there is no letter and no digit in the text; saying it again changes nothing.
    """
    said = _say(text)
    if not said and any(char.isalnum() for char in text):
        said = _say("".join(char if char.isalnum() else " " for char in text))
    # Taking out signs can bring an abbreviation to light. This ends: after the first time there are only words and
    # pauses, and whatever still changes loses a mark or a short form.
    while (again := _say(said)) != said:
        said = again
    return said


def _say(text: str) -> str:
    text = expand_abbreviations(strip_markup(plain_characters(text)))
    if _DIGIT.search(text):
        text = spell_quantities(text)
    text = _SHARP.sub(r"\1 sharp", text)
    if "/" in text:
        text = _PATH.sub(lambda path: path[0].replace("/", " slash "), text)
    if "." in text:
        text = _GLUED_SENTENCE.sub(". ", join_initialisms(text))
        text = _DOTTED_NAME.sub(_dots, text)
    text = " ".join(_SYMBOL.sub(_symbol, text).split())
    text = _PAUSE.sub(_pause, text).strip()
    return text if any(map(str.isalnum, text)) else ""
