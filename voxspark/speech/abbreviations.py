"""English abbreviations: which dots end a sentence, and what the short forms stand for."""

from __future__ import annotations

import re

NEVER_LAST = frozenset(["mr", "mrs", "ms", "mx", "dr", "prof", "messrs", "e.g", "i.e", "approx", "vs", "cf", "viz"])
"""Written with a dot and always followed by more of the sentence."""

BEFORE_NUMBER = {
    "no": "number",
    "nos": "numbers",
    "p": "page",
    "pp": "pages",
    "fig": "figure",
    "figs": "figures",
    "vol": "volume",
    "ch": "chapter",
    "eq": "equation",
}
"""Abbreviations only when a number follows: "No. 5" against "No. I will not."."""

_MONTHS = frozenset(["jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"])

_SOMETIMES_LAST = frozenset(
    [
        *("etc", "inc", "ltd", "co", "corp", "jr", "sr", "esq", "bros", "al", "dept", "est", "govt", "incl"),
        *("gen", "col", "capt", "lt", "sgt", "gov", "sen", "rep", "rev", "hon"),
        *("st", "ave", "blvd", "rd", "mt", "ft", "lb", "lbs", "oz", "min", "max", "hr", "hrs", "sec"),
    ]
)
"""They end a sentence only when the next word is sure to open one."""

_BEGINNING = re.compile(
    r"(?:The|This|That|These|Those|It|I|You|We|They|He|She|There|Here|My|Your|Our|So|But|And|If|Then|What|Why|How|When|"
    r"Where|Who|Which|In|For|Is|Are|Do|Does|Let|Please|Yes|No|Now|Also|However|After|Before|While|Although|Because|"
    r"Once|Finally|Next|Can|Could|Would|Should|Will|Did|Have|Just|Not|Remember)(?![\w.])"
)
_DOTTED = re.compile(r"[^\W\d_](?:\.[^\W\d_])*")


def begins_sentence(text: str, at: int) -> bool:
    """Whether the word at `at` is one that, capitalised, opens a sentence rather than being a name."""
    return _BEGINNING.match(text, at) is not None


def dot_ends_sentence(word: str, text: str, following: int) -> bool:
    """Whether the dot after `word` ends the sentence, given where the next word begins in `text`."""
    short = word.lower()
    if short in NEVER_LAST:
        return False
    if short in BEFORE_NUMBER or short in _MONTHS:
        return not (text[following].isdigit() or text[following].islower())
    return begins_sentence(text, following)


def is_abbreviation(word: str) -> bool:
    """Whether a dot after `word` may belong to it: "Dr", "e.g", "U.S", an initial."""
    short = word.lower()
    return (
        short in NEVER_LAST
        or short in BEFORE_NUMBER
        or short in _MONTHS
        or short in _SOMETIMES_LAST
        or _DOTTED.fullmatch(word) is not None
    )


_SPOKEN = {
    "dr.": "Doctor",
    "mr.": "Mister",
    "mrs.": "Missus",
    "ms.": "Ms",
    "prof.": "Professor",
    "jr.": "Junior",
    "sr.": "Senior",
    "inc.": "Incorporated",
    "ltd.": "Limited",
    "corp.": "Corporation",
    "ave.": "Avenue",
    "blvd.": "Boulevard",
    "jan.": "January",
    "feb.": "February",
    "apr.": "April",
    "aug.": "August",
    "sept.": "September",
    "oct.": "October",
    "nov.": "November",
    "dec.": "December",
    "e.g.": "for example",
    "i.e.": "that is",
    "etc.": "and so on",
    "vs.": "versus",
    "vs": "versus",
    "cf.": "compare",
    "viz.": "namely",
    "approx.": "approximately",
    "ca.": "about",
    "a.k.a.": "also known as",
    "ph.d.": "PhD",
    "incl.": "including",
    "dept.": "department",
    "govt.": "government",
    "w/o": "without",
    "w/": "with",
}
_SHORT = re.compile(
    rf"(?<![\w./])(?:{'|'.join(map(re.escape, sorted(_SPOKEN, key=len, reverse=True)))})(?!\w)", re.IGNORECASE
)
_SHORT_BEFORE_NUMBER = re.compile(
    rf"\b({'|'.join(sorted(BEFORE_NUMBER, key=len, reverse=True))})\. ?(?=\d)", re.IGNORECASE
)
_SAINT = re.compile(r"\bSt\.(?= [A-Z][a-z])")
_STREET = re.compile(r"\bSt\.")
_INITIALISM = re.compile(r"(?<![\w.])(?:[^\W\d_]\.)+[^\W\d_](?:\.|\b)(?![\w])")
_INITIAL = re.compile(r"\b([A-Z])\.(?= [A-Z])")


def full_stop(found: re.Match[str]) -> str:
    """The dot that ended both an abbreviation and its sentence, or nothing."""
    rest = found.string[found.end() :].lstrip("\"')]*_ ")
    return "." if not rest or begins_sentence(rest, 0) else ""


def _expand(found: re.Match[str]) -> str:
    short = found[0].lower()
    words = _SPOKEN[short]
    if found[0][0].isupper():
        words = words[0].upper() + words[1:]
    return words + (full_stop(found) if short[-1] == "." and short[:-1] not in NEVER_LAST else "")


def expand_abbreviations(text: str) -> str:
    """`Dr. Smith, e.g. No. 5` -> `Doctor Smith, for example number 5`. Runs before numbers become words."""
    if "." in text or "/" in text or "vs" in text:
        text = _SHORT_BEFORE_NUMBER.sub(lambda found: BEFORE_NUMBER[found[1].lower()] + " ", text)
        text = _SHORT.sub(_expand, text)
        text = _SAINT.sub(lambda found: f"Street{full_stop(found)}" if full_stop(found) else "Saint", text)
        text = _STREET.sub(lambda found: f"Street{full_stop(found)}", text)
    return text


def _join_letters(found: re.Match[str]) -> str:
    letters = found[0].replace(".", "")
    return letters + (full_stop(found) if found[0][-1] == "." else "")


def join_initialisms(text: str) -> str:
    """`U.S.`, `Ph.D.` and `J. K. Rowling` without their dots. Runs after numbers, which know `7 a.m.`."""
    text = _INITIALISM.sub(_join_letters, text)
    return _INITIAL.sub(lambda found: found[1] + full_stop(found), text)
