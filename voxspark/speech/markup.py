"""What is written but not said: markdown, HTML, code, links, emoji and typographic characters."""

from __future__ import annotations

import html
import re
import unicodedata
from fractions import Fraction
from functools import lru_cache

CODE_LEFT_OUT = "I have left out the code."

_NAMED = {
    "\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u2032": "'", "\u2033": '"', "\u201c": '"', "\u201d": '"',
    "…": "...", "\u2010": "-", "\u2011": "-", "\u2012": "-", "−": "-", "―": "—", "•": "-", "‼": "!",
    "⁉": "?!", "。": ". ", "．": ". ", "！": "! ", "？": "? ", "，": ", ", "、": ", ", "；": "; ", "：": ": ",
    "\u2028": "\n", "\u2029": "\n", "≈": " about ", "±": " plus or minus ", "≤": " <= ", "≥": " >= ",
    "≠": " != ", "→": " to ", "⇒": " to ", "√": " square root of ", "∞": " infinity ", "μ": "µ", "π": "pi",
    "¹": "^1", "²": "^2", "³": "^3",
}  # fmt: skip
_KEPT = frozenset("–—×÷°€£¥₹µ")


@lru_cache(maxsize=4096)
def _plain(char: str) -> str:
    """A character as later rules want it: letters kept, digits in ASCII, pictures and invisible characters gone."""
    if char in _NAMED:
        return _NAMED[char]
    if (char.isascii() and char.isprintable()) or char.isalpha() or char == "\n" or char in _KEPT:
        return char
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category[0] == "N":
        return f" {Fraction(unicodedata.numeric(char)).limit_denominator(1000)} "
    return "" if category[0] in "MC" and not char.isspace() else " "


def plain_characters(text: str) -> str:
    """No emoji, no invisible characters, one kind of quote, digits in ASCII."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_plain, unicodedata.normalize("NFC", text)))


_HINT = re.compile(r"[`*_~\[\]<>|#\\\n@]|&\w|://|www\.|\A\s*(?:[-+]|\d{1,3}[.)])\s")
_FENCE = re.compile(r"(?<!`)(`{3,})[^`\n]*\n.*?(?:\n[ \t]*\1`*(?!\w)|\Z)", re.DOTALL)
_CODE = re.compile(r"(?<!`)(`+)(?!`)(.{1,400}?)(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"!?\[([^\[\]]*)\]\(\s*([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s[^()]*)?\)")
_REFERENCE = re.compile(r"\[([^\[\]]+)\]\[[^\[\]]*\]")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--.{0,400}?-->", re.DOTALL)
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)?[^\s<>]+[@.:][^\s<>]+)>")
_URL = re.compile(
    r"(?:\b(?:https?|ftp|file)://|\bwww\.)(?=\w)([^\s<>\"'()\[\]`*|]+(?:\([^\s()]*\)[^\s<>\"'()\[\]`*|]*)*)",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"(?:\bmailto:)?(?<![\w.+-])([\w.+-]+)@([\w-]+(?:\.[\w-]+)+)")
_LINE_PREFIX = re.compile(r"(?:>\s*|#{1,6}\s+|[-*+]\s+(?:\[[ xX]\]\s+)?|(?P<item>\d{1,3})[.)]\s+)")
_DECORATION = re.compile(r"[-=*_|:+\s]*")
_TIMES = re.compile(r"(?<=\d) ?\* ?(?=\d)")
_CODE_SYMBOLS = {
    "*": " star ", "/": " slash ", "\\": " backslash ", "|": " pipe ", "$": " dollar ", "~": " tilde ", "_": " ",
    "<": " < ", ">": " > ", "#": " ", "`": " ",
}  # fmt: skip
_CODE_SYMBOL = re.compile(r"[*/\\|$~_<>#`]")


def _code_words(found: re.Match[str]) -> str:
    """`getUserName(x)` -> get User Name x; `pip install -r a.txt` -> pip install dash r a dot txt."""
    code = found[2]
    if "://" in code:
        return code
    code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[()\[\]{}\"']+", " ", code)
    code = re.sub(r"(?<=\S) \* (?=\S)", " times ", code.replace("||", " or ").replace("&&", " and "))
    code = _CODE_SYMBOL.sub(lambda symbol: _CODE_SYMBOLS[symbol[0]], code)
    code = re.sub(r"(?<![\w-])(--?)(?=[a-zA-Z])", lambda dashes: "dash " * len(dashes[1]), code)
    return re.sub(r"(?<!\d)\.(?=\w)|\.(?=[a-zA-Z])", " dot ", code)


def _link(found: re.Match[str]) -> str:
    return found[1] if found[1].strip() else f" {found[2]} "


def _site(found: re.Match[str]) -> str:
    """A URL by its host: "a link to example.com"."""
    url = found[1]
    address = url.rstrip(".,;:!?")
    host = re.split(r"[/?#\\]", address, maxsplit=1)[0].rpartition("@")[2].partition(":")[0].lower()
    host = re.sub(r"\A(?:www\.)+|[^\w.-]", "", host).strip(".-")
    return f" a link to {host}{url[len(address) :]}" if host else f" a link{url[len(address) :]}"


def _mailbox(found: re.Match[str]) -> str:
    name = re.sub(r"[.+-]", lambda sign: {".": " dot ", "+": " plus ", "-": " dash "}[sign[0]], found[1])
    return f"{name.replace('_', ' underscore ')} at {found[2].replace('.', ' dot ')}"


def _line(line: str) -> str:
    """One line without its block markup; complete in itself where it was a heading, a row or a long item."""
    rest, ended = line.strip(), False
    if _DECORATION.fullmatch(rest):
        return ""
    numbered = ""
    while prefix := _LINE_PREFIX.match(rest):
        ended = ended or rest[0] == "#"
        numbered = f"{prefix['item']}, " if prefix["item"] else numbered
        rest = rest[prefix.end() :]
    if rest.startswith("|"):
        rest, ended = rest.strip("| "), True
    rest = (numbered + rest).rstrip()
    if not rest or rest.rstrip("*_\"')]")[-1:] in ".!?:;,":
        return rest
    return rest + ("." if ended or rest.count(" ") > 3 else ",")


def _lines(text: str) -> str:
    lines = [line for raw in text.split("\n") if (line := _line(raw))]
    if not lines:
        return ""
    last = text.rstrip()[-1:]
    joined = " ".join(lines)
    return joined if last in ".!?:;," else joined.rstrip(".,")


def strip_markup(text: str) -> str:
    """The words of a piece of markdown on one line; fenced code becomes a remark."""
    if not _HINT.search(text):
        return text
    text = _FENCE.sub(f"\n{CODE_LEFT_OUT}\n", text)
    text = _CODE.sub(_code_words, text)
    text = _AUTOLINK.sub(r" \1 ", text)
    text = _REFERENCE.sub(r"\1", _LINK.sub(_link, text))
    text = html.unescape(_TAG.sub(" ", text))
    text = _EMAIL.sub(_mailbox, _URL.sub(_site, text))
    text = _lines(text)
    text = _TIMES.sub(" times ", text)
    text = re.sub(r"(?<=\w)_+(?=\w)|\\", " ", text)
    text = re.sub(r"~(?=\d)", "about ", text)
    return re.sub(r"[*`_~]", "", text)
