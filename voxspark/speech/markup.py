"""What is written but not said: markdown, HTML, code, links, emoji and typographic characters."""

from __future__ import annotations

import html
import re
import unicodedata
from fractions import Fraction
from functools import lru_cache

from voxspark.speech.languages.locale import Locale

_NAMED = {
    "\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u2032": "'", "\u2033": '"', "\u201c": '"', "\u201d": '"',
    "…": "...", "\u2010": "-", "\u2011": "-", "\u2012": "-", "−": "-", "―": "—", "•": "-", "‼": "!",
    "⁉": "?!", "。": ". ", "．": ". ", "！": "! ", "？": "? ", "，": ", ", "、": ", ", "；": "; ", "：": ": ",
    "\u2028": "\n", "\u2029": "\n", "≤": " <= ", "≥": " >= ", "≠": " != ", "μ": "µ", "π": "pi",
    "¹": "^1", "²": "^2", "³": "^3",
}  # fmt: skip
_KEPT = frozenset("–—×÷°€£¥₹µ≈±→⇒√∞§")


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
_DECORATION = re.compile(r"[-=*_|:+\s]*")
_TIMES = re.compile(r"(?<=\d) ?\* ?(?=\d)")
_CODE_SYMBOL = re.compile(r"[*/\\|$~_<>#`]")


class Markup:
    """Takes it out of a text in one language."""

    def __init__(self, locale: Locale) -> None:
        self._words = words = locale.words
        self._line_prefix = re.compile(
            r"(?:>\s*|#{1,6}\s+|[-*+]\s+(?:\[[ xX]\]\s+)?"
            rf"|(?P<item>\d{{1,3}})(?:\)\s+|\.\s+(?!{locale.ordinal_nouns})))"
        )
        self._symbols = {
            **{"*": words.star, "/": words.slash, "\\": words.backslash, "|": words.pipe, "$": words.dollar},
            **{"~": words.tilde, "_": "", "<": "<", ">": ">", "#": "", "`": ""},
        }
        self._in_names = {".": words.dot, "+": words.plus, "-": words.dash, "_": words.underscore}

    def strip(self, text: str) -> str:
        """The words of a piece of markdown on one line; fenced code becomes a remark."""
        if not _HINT.search(text):
            return text
        words = self._words
        text = _FENCE.sub(f"\n{words.code_left_out}\n", text)
        text = _CODE.sub(self._code, text)
        text = _AUTOLINK.sub(r" \1 ", text)
        text = _REFERENCE.sub(r"\1", _LINK.sub(_link, text))
        text = html.unescape(_TAG.sub(" ", text))
        text = _EMAIL.sub(self._mailbox, _URL.sub(self._site, text))
        text = self._lines(text)
        text = _TIMES.sub(f" {words.times} ", text)
        text = re.sub(r"(?<=\w)_+(?=\w)|\\", " ", text)
        text = re.sub(r"~ ?(?=\d)", f"{words.about} ", text)
        return re.sub(r"[*`_~]", "", text)

    def _code(self, found: re.Match[str]) -> str:
        """`getUserName(x)` -> get User Name x; `pip install -r a.txt` -> pip install dash r a dot txt."""
        code, words = found[2], self._words
        if "://" in code:
            return code
        code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[()\[\]{}\"']+", " ", code)
        code = code.replace("||", f" {words.or_} ").replace("&&", f" {words.and_} ")
        code = re.sub(r"(?<=\S) \* (?=\S)", f" {words.times} ", code)
        code = _CODE_SYMBOL.sub(lambda symbol: f" {self._symbols[symbol[0]]} ", code)
        code = re.sub(r"(?<![\w-])(--?)(?=[a-zA-Z])", lambda dashes: f"{words.dash} " * len(dashes[1]), code)
        return re.sub(r"(?<!\d)\.(?=\w)|\.(?=[a-zA-Z])", f" {words.dot} ", code)

    def _site(self, found: re.Match[str]) -> str:
        """A URL by its host: "a link to example.com"."""
        url = found[1]
        address = url.rstrip(".,;:!?")
        host = re.split(r"[/?#\\]", address, maxsplit=1)[0].rpartition("@")[2].partition(":")[0].lower()
        host = re.sub(r"\A(?:www\.)+|[^\w.-]", "", host).strip(".-")
        said = f"{self._words.link_to} {host}" if host else self._words.link
        return f" {said}{url[len(address) :]}"

    def _mailbox(self, found: re.Match[str]) -> str:
        name = re.sub(r"[.+_-]", lambda sign: f" {self._in_names[sign[0]]} ", found[1])
        return f"{name} {self._words.at} {found[2].replace('.', f' {self._words.dot} ')}"

    def _line(self, line: str) -> str:
        """One line without its block markup; complete in itself where it was a heading, a row or a long item."""
        rest, ended = line.strip(), False
        if _DECORATION.fullmatch(rest):
            return ""
        numbered = ""
        while prefix := self._line_prefix.match(rest):
            ended = ended or rest[0] == "#"
            numbered = f"{prefix['item']}, " if prefix["item"] else numbered
            rest = rest[prefix.end() :]
        if rest.startswith("|"):
            rest, ended = rest.strip("| "), True
        rest = (numbered + rest).rstrip()
        if not rest or rest.rstrip("*_\"')]")[-1:] in ".!?:;,":
            return rest
        return rest + ("." if ended or rest.count(" ") > 3 else ",")

    def _lines(self, text: str) -> str:
        lines = [line for raw in text.split("\n") if (line := self._line(raw))]
        if not lines:
            return ""
        last = text.rstrip()[-1:]
        joined = " ".join(lines)
        return joined if last in ".!?:;," else joined.rstrip(".,")


def _link(found: re.Match[str]) -> str:
    return found[1] if found[1].strip() else f" {found[2]} "
