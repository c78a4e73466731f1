"""What a person would say for a piece of written text."""

from __future__ import annotations

import re
from functools import cache

from voxspark import language
from voxspark.language import Language
from voxspark.speech.abbreviations import abbreviations
from voxspark.speech.languages import locale
from voxspark.speech.markup import Markup, plain_characters
from voxspark.speech.quantities import quantities

_DIGIT = re.compile(r"[0-9]")
_NUMERAL = re.compile(r" [IVXLCDM]|[IVX][a-z.]|\b[IVX]")
_SHARP = re.compile(r"\b([A-G])#(?!\w)")
_PATH = re.compile(r"(?<![\w./])[~.]{0,2}(?:/[\w.-]+)+/?|(?<![\w./])\w[\w.-]*(?:/[\w.-]+){2,}/?")
_GLUED_SENTENCE = re.compile(r"(?<=[a-z])\.(?=[A-Z][a-z])")

_MARKS = {
    "(s)": "s", "|": ", ", "—": ", ", "–": ", ", "--": ", ", " (": ", ", ") ": ", ",
}  # fmt: skip
"""Signs that are pauses, or nothing."""
_SYMBOL = re.compile(
    r"[<>=!]=|[-=]>|\(s\)| \(|\) (?=\w)|-{2,}| -(?= )|[^\w\s.,;:!?'-]|_|(?<![^\W_])['-]|['-](?![^\W_])"
)
"""Whatever is neither a word nor a pause; also hyphens and apostrophes that join nothing."""
_PAUSE = re.compile(r" ?([.,;:!?](?: ?[.,;:!?])*) ?")


def spoken(text: str, code: Language | None = None) -> str:
    """One piece of a reply as a person would say it: no markdown, symbols, digits or emoji, only words and pauses.

    In the language of the turn unless `code` says another. Empty only when there is no letter and no digit in the
    text; saying it again changes nothing.
    """
    say = _sayer(code or language.current()).say
    said = say(text)
    if not said and any(char.isalnum() for char in text):
        said = say("".join(char if char.isalnum() else " " for char in text))
    # Taking out signs can bring an abbreviation to light. This ends: after the first time there are only words and
    # pauses, and whatever still changes loses a mark or a short form.
    while (again := say(said)) != said:
        said = again
    return said


class _Sayer:
    """Says one language."""

    def __init__(self, code: Language) -> None:
        spoken_as = locale(code)
        self._abbreviations = abbreviations(code)
        self._quantities = quantities(code)
        self._markup = Markup(spoken_as)
        self._signs = {sign: f" {word} " for sign, word in spoken_as.symbols.items()} | _MARKS
        self._slash, self._dot = f" {spoken_as.words.slash} ", f" {spoken_as.words.dot} "
        kept = rf"(?<!{spoken_as.words.link_to} )" if spoken_as.keeps_hosts else ""
        self._dotted_name = re.compile(rf"(?<![\w.-]){kept}\w[\w-]*(?:\.\w[\w-]*)+")

    def say(self, text: str) -> str:
        """Once over the whole."""
        text = self._abbreviations.expand(self._markup.strip(plain_characters(text)))
        if _NUMERAL.search(text):
            text = self._quantities.spell_romans(text)
        if _DIGIT.search(text):
            text = self._quantities.spell(text)
        text = _SHARP.sub(r"\1 sharp", text)
        if "/" in text:
            text = _PATH.sub(lambda path: path[0].replace("/", self._slash), text)
        if "." in text:
            text = _GLUED_SENTENCE.sub(". ", self._abbreviations.join(text))
            text = self._dotted_name.sub(lambda name: name[0].replace(".", self._dot), text)
        text = self._abbreviations.letters(" ".join(_SYMBOL.sub(self._sign, text).split()))
        text = _PAUSE.sub(_pause, text).strip()
        return text if any(map(str.isalnum, text)) else ""

    def _sign(self, found: re.Match[str]) -> str:
        sign = found[0]
        return self._signs.get("--" if sign.startswith("--") or sign == " -" else sign, " ")


@cache
def _sayer(code: Language) -> _Sayer:
    return _Sayer(code)


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
