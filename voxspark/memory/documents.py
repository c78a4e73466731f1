"""Documents as passages: text, Markdown, HTML and PDF, each passage with its place in the document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path

from voxspark.errors import ToolError

PASSAGE_CHARACTERS = 800
"""About 200 tokens: within the 256 that MiniLM reads."""

LARGEST_BYTES = 50 << 20
MOST_PASSAGES = 20_000
"""Of one document."""

MARKDOWN = (".md", ".markdown")
HTML = (".html", ".htm", ".xhtml")
PDF = (".pdf",)

_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$")
_FENCE = re.compile(r"^\s*(```|~~~)")

Passage = tuple[str, str]
"""(position, text)."""

Progress = Callable[[int, int], None]
"""Told (pages read, pages there are)."""


def read_document(path: Path, progress: Progress = lambda _done, _total: None) -> list[Passage]:
    """The passages of a file; may take seconds. Raises ToolError when it cannot be read or has no text."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ToolError("document-large", f"{path.name} is too large.", f"At most {LARGEST_BYTES >> 20} MiB.")
        raw = path.read_bytes()
    except OSError as error:
        raise ToolError("document-unreadable", f"I cannot read {path.name}.", f"{error.strerror or error}.") from error
    passages = [(where, text) for where, text in _passages(path, raw, progress) if text]
    if not passages:
        raise ToolError("document-empty", f"I find no text in {path.name}.", "A scanned PDF has only pictures.")
    if len(passages) > MOST_PASSAGES:
        raise ToolError("document-long", f"{path.name} has too much text.", "Split it.")
    return passages


def _passages(path: Path, raw: bytes, progress: Progress) -> Iterator[Passage]:
    suffix = path.suffix.lower()
    if suffix in PDF or raw.startswith(b"%PDF-"):
        yield from _pdf(path, raw, progress)
        return
    if suffix in HTML:
        sections: Iterable[Passage] = [("", _html_text(_decoded(path, raw)))]
    elif suffix in MARKDOWN:
        sections = _sections(_decoded(path, raw))
    else:
        sections = [("", _decoded(path, raw))]
    number = 0
    for heading, text in sections:
        for piece in pieces(text):
            number += 1
            yield heading or f"part {number}", piece
    progress(1, 1)


def pieces(text: str, most_characters: int = PASSAGE_CHARACTERS) -> Iterator[str]:
    """The text in pieces of whole paragraphs, else whole sentences, else whole words; nothing is lost but blanks."""
    held = ""
    for part in _parts(text, most_characters):
        if held and len(held) + 1 + len(part) > most_characters:
            yield held
            held = ""
        held = f"{held} {part}" if held else part
    if held:
        yield held


def _parts(text: str, most_characters: int) -> Iterator[str]:
    """Paragraphs on one line each; those that are too long by sentence, those by word, those cut."""
    for paragraph in re.split(r"\n\s*\n", text):
        line = " ".join(paragraph.split())
        for sentence in [line] if len(line) <= most_characters else _SENTENCE_END.split(line):
            for word in [sentence] if len(sentence) <= most_characters else sentence.split():
                yield from (word[at : at + most_characters] for at in range(0, len(word), most_characters))


# ── formats ─────────────────────────────────────────────────────────────────────────────────────


def _decoded(path: Path, raw: bytes) -> str:
    """UTF-8, UTF-16 with its mark, else Windows Latin. Raises ToolError for what is no text."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    if b"\0" in raw:
        raise ToolError("document-binary", f"{path.name} is not a text.", "I read text, Markdown, HTML and PDF.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _sections(markdown: str) -> Iterator[Passage]:
    """(heading, text) of each section; a `#` inside a code block is no heading."""
    heading, lines, fenced = "", list[str](), False
    for line in markdown.splitlines():
        fenced ^= _FENCE.match(line) is not None
        if not fenced and (found := _HEADING.match(line)) is not None:
            yield heading, "\n".join(lines)
            heading, lines = found[1], []
        else:
            lines.append(line)
    yield heading, "\n".join(lines)


def _html_text(html: str) -> str:
    """The main text where `trafilatura` is installed and finds it, else all text."""
    try:
        from trafilatura import extract
    except ImportError:
        return _stripped(html)
    return extract(html, include_comments=False) or _stripped(html)


class _Text(HTMLParser):
    """Text outside of scripts and styles."""

    BLOCKS = frozenset("address article blockquote br dd div dt h1 h2 h3 h4 h5 h6 li p pre section td th tr".split())  # noqa: SIM905
    HIDDEN = frozenset(["head", "noscript", "script", "style", "template"])

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in self.HIDDEN
        self.found.append("\n\n" if tag in self.BLOCKS else "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in self.HIDDEN))
        self.found.append("\n\n" if tag in self.BLOCKS else "")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.found.append(data)


def _stripped(html: str) -> str:
    parser = _Text()
    parser.feed(html)
    parser.close()
    return "".join(parser.found)


def _pdf(path: Path, raw: bytes, progress: Progress) -> Iterator[Passage]:
    """By page. Raises ToolError."""
    import io
    import logging

    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ImportError as error:
        raise ToolError("pdf-reader-missing", "The PDF reader is not installed.", "Run: pip install pypdf") from error
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it tells every flaw of a file
    try:
        reader = PdfReader(io.BytesIO(raw))
        total = len(reader.pages)
        for number, page in enumerate(reader.pages, 1):
            for piece in pieces(page.extract_text()):
                yield f"page {number}", piece
            progress(number, total)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:  # damaged files
        raise ToolError("pdf-damaged", f"I cannot read the PDF {path.name}.", "It is damaged or encrypted.") from error
