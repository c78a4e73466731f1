"""Cut streamed model text into speakable pieces, as early as is natural.

Every decision depends only on the text so far and waits when the text that follows could change it, so the pieces are
the same however the text is cut into deltas.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from voxspark import language
from voxspark.language import Language
from voxspark.speech.abbreviations import Abbreviations, abbreviations
from voxspark.speech.languages import locale

_NO = -1
"""Not a place to cut."""
_WAIT = -2
"""The text that follows decides."""

_CLOSERS = r"[\"'”’»)\]}」』）》*_]*"
_POINT = re.compile(
    rf"""
      (?P<ticks>`+)
    | (?P<newline>\n)
    | (?P<end>[.!?…]+{_CLOSERS})
    | (?P<wide_end>[。！？．]+{_CLOSERS})
    | (?P<clause>[,;:]{_CLOSERS})
    | (?P<dash>—|[，、；：]|(?<=\S)[ ](?:--?|–)(?=[ ]))
    | (?P<space>[ \t]+)
    """,
    re.VERBOSE,
)
_FENCE_OPENING = re.compile(r"[^`\n]*(\n|\Z)")
_ENUMERATION = re.compile(r"(?:\A|[\n.:;!?—)])[\s#>*_(-]*\d{1,3}\Z")
_WORD_BEFORE = re.compile(r"[^\s(\[\"'“‘„«¿¡*_]*\Z")

_WHOLE_WORD = re.compile(r"\w+\W")


class _Clauses:
    """Where the first sentence of a language may be cut before a conjunction."""

    def __init__(self, code: Language) -> None:
        clauses = locale(code).clauses
        self.new = re.compile(clauses.opening)
        self.unread = re.compile(rf"(?:\w*|{clauses.joining}\s+\w*|--?|–)\Z")
        self.leaning = re.compile(rf"\b(?:{clauses.leaning})\Z")


@cache
def _clauses(code: Language) -> _Clauses:
    return _Clauses(code)


_HOPELESS = 5
"""Times the longest piece, after which text without a space is cut anywhere: all of it is read again for each delta."""

_LINK_TEXT_CHARS = 80
"""A bracket left open longer than this is no link."""


class SentenceSplitter:
    """Streamed text in, pieces out: first an early clause, then sentences.

    A fenced code block is one piece. Pieces have no outer whitespace and nothing but whitespace is lost between them.
    """

    def __init__(
        self,
        code: Language | None = None,
        *,
        min_chars: int = 10,
        long_clause_chars: int = 45,
        max_chars: int = 200,
    ) -> None:
        """For the language of the turn, unless `code` says another.

        Lengths in characters: the shortest piece while more follows; the length from which the first clause may be
        cut before a conjunction; the length from which a sentence is cut at a clause or a space."""
        code = code or language.current()
        self._clauses = _clauses(code)
        self._abbreviations: Abbreviations = abbreviations(code)
        self._min = min_chars
        self._long_clause = long_clause_chars
        self._max = max_chars
        self._text = ""
        self._first = True
        self._judges: dict[str, Callable[[re.Match[str]], int]] = {
            "newline": re.Match.end,
            "end": self._after_end,
            "wide_end": self._after_wide,
            "clause": self._after_clause,
            "dash": self._after_dash,
            "space": self._before_conjunction,
        }

    def feed(self, delta: str) -> list[str]:
        """Take more text; return the pieces that are now certain."""
        self._text = (self._text + delta).lstrip()
        pieces = []
        while (cut := self._cut()) > 0:
            pieces.append(self._text[:cut].rstrip())
            self._text = self._text[cut:].lstrip()
            self._first = False
        return pieces

    def flush(self) -> list[str]:
        """The text is over: return what is left, and be as new."""
        pieces = self.feed("\n")
        if rest := self._text.rstrip():
            pieces.append(rest)
        self._text = ""
        self._first = True
        return pieces

    def _cut(self) -> int:
        """Where the next piece ends, or not positive when the text so far does not say."""
        for point in _POINT.finditer(self._text):
            kind = point.lastgroup or ""
            overlong = point.start() >= self._max
            if overlong and kind in ("clause", "dash", "space"):
                cut = _NO
            else:
                cut = self._at_ticks(point) if kind == "ticks" else self._at_point(point, kind)
            if cut == _NO and overlong:
                cut = self._cut_overlong(point.start())
            if cut != _NO:
                return cut
        return _WAIT

    def _at_point(self, point: re.Match[str], kind: str) -> int:
        """The cut at a point outside of code; too short a piece is no piece."""
        cut = self._judges[kind](point)
        if cut == _NO or (kind != "newline" and self._inside_span(point.start())):
            return _NO
        if cut != _WAIT and len(self._text[:cut].rstrip()) < self._min:
            return _NO
        return cut

    def _at_ticks(self, point: re.Match[str]) -> int:
        """A fence is a piece of its own; other backticks are no place to cut."""
        start, end = point.span()
        if end == len(self._text):
            return _WAIT
        opening = _FENCE_OPENING.match(self._text, end)
        if end - start < 3 or opening is None or self._inside_code(start):
            return _NO
        if not opening[1]:
            return _WAIT
        if start > 0:
            return start
        closing = re.compile(rf"\n[ \t]*`{{{end},}}(?=[^`\w])").search(self._text, opening.end() - 1)
        return closing.end() if closing else _WAIT

    def _after_end(self, point: re.Match[str]) -> int:
        """After . ! ? … and what closes behind them, unless the dot belongs to a word or a number."""
        text, at = self._text, point.end()
        if at == len(text):
            return _WAIT
        if not text[at].isspace():
            return _NO
        mark = point[0]
        word = self._word_before(point.start())
        if mark[0] == "." and self._is_enumeration(point.start()):
            return _NO
        abbreviated = mark[0] == "." and mark[1:2] != "." and self._abbreviations.known(word)
        if not abbreviated and mark in (".", "!", "?"):
            return at
        following = self._following(at)
        if following == _WAIT:
            return _WAIT
        if abbreviated:
            if text[following].isalpha() and not _WHOLE_WORD.match(text, following):
                return _WAIT
            return at if self._abbreviations.dot_ends_sentence(word, text, following) else _NO
        return _NO if text[following].islower() else at

    def _after_wide(self, point: re.Match[str]) -> int:
        return _WAIT if point.end() == len(self._text) else point.end()

    def _after_clause(self, point: re.Match[str]) -> int:
        """After , ; : in the first piece, once the next word has begun; not inside "May 5, 2026" or after "e.g."."""
        at = point.end()
        if not self._first:
            return _NO
        if at == len(self._text):
            return _WAIT
        if not self._text[at].isspace() or self._text[point.start() - 1 : point.start()] == ".":
            return _NO
        return self._unless_in_number(point)

    def _after_dash(self, point: re.Match[str]) -> int:
        return self._unless_in_number(point) if self._first else _NO

    def _unless_in_number(self, point: re.Match[str]) -> int:
        following = self._following(point.end())
        if following == _WAIT:
            return _WAIT
        before = self._text[: point.start()].rstrip()
        return _NO if before[-1:].isdigit() and self._text[following].isdigit() else point.end()

    def _before_conjunction(self, point: re.Match[str]) -> int:
        """Before "because", "and you" and the like, when the first clause has grown long."""
        if (
            not self._first
            or point.start() < self._long_clause
            or self._clauses.leaning.search(self._text, 0, point.start())
        ):
            return _NO
        if self._clauses.new.match(self._text, point.end()):
            return point.start()
        return _WAIT if self._clauses.unread.match(self._text, point.end()) else _NO

    def _cut_overlong(self, at: int) -> int:
        """No sentence end for too long: after the last clause mark, else at the last space, else at the point."""
        text = self._text[: self._max]
        clause = max(text.rfind(mark) for mark in (", ", "; ", ": ", "— ", "，", "、", "；"))
        if clause >= self._max // 2:
            return clause + 1
        space = max(text.rfind(" "), text.rfind("\t"))
        if space > 0:
            return space
        return at if self._text[at].isspace() or at >= _HOPELESS * self._max else _NO

    def _inside_span(self, at: int) -> bool:
        """Whether inline code or a link's text is open on this line."""
        recent = max(self._text.rfind("\n", 0, at) + 1, at - _LINK_TEXT_CHARS)
        return self._inside_code(at) or self._text.rfind("[", recent, at) > self._text.rfind("]", recent, at)

    def _inside_code(self, at: int) -> bool:
        return self._text.count("`", self._text.rfind("\n", 0, at) + 1, at) % 2 == 1

    def _is_enumeration(self, at: int) -> bool:
        """Whether the dot at `at` numbers an item ("1. Wash"), rather than ending "on Nov. 24."."""
        found = _ENUMERATION.search(self._text, 0, at)
        if found is None:
            return False
        return found[0][:1] != "." or not self._abbreviations.known(self._word_before(found.start()))

    def _following(self, at: int) -> int:
        """Where the next word begins, or WAIT."""
        while at < len(self._text):
            if not self._text[at].isspace():
                return at
            at += 1
        return _WAIT

    def _word_before(self, at: int) -> str:
        found = _WORD_BEFORE.search(self._text, max(0, at - 20), at)
        return found[0] if found else ""
