"""What holds of every text in every language: only words and pauses are left, nothing is silent, and it ends."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.language import LANGUAGES, Language
from voxspark.speech.sentences import SentenceSplitter
from voxspark.speech.spoken import spoken

PARTS = st.sampled_from([
    "a", "I", "It", "The", "Dr.", "Mr", "e.g.", "etc.", "U.S", ".S.", "No.", "St.", "Ph.D.", "vs", "w/",
    "w/o", "in", "by", "of", "the ", "a ", "May", "Nov.", "Sept", "am", "p.m.", "T", "v", "s", "st", "nd",
    "th", "k", "M", "x", "×", "°C", "°", "km", "in", "/h", "ft.", "GB", "%", "$", "€", "£", "0", "1", "5",
    "12", "24", "31", "007", "1984", "2026", "1,000", ",000", "3.14", ".5", "10:05", ":", "-", "–", "—",
    "−", "+", "=", "<", ">", "<=", "->", "/", "\\", "^", "²", "½", "#", "##", "@", "&", "&amp;", "&lt;",
    "&#42;", "&frac12;", "&#128077;", "~", "*", "**", "_", "__", "`", "``", "```", "```\n", "\n", "\n- ",
    "\n1. ", "\n> ", "\n# ", "|", "||", " ", "[", "]", "(", ")", "](", "![", "https://", "www.", "a.b",
    ".com", "example.com", "x@y.z", "<b>", "</b>", "<!--", "-->", "'", '"', "’", "“", ".", ",", ";", "!",
    "?", "…", "。", "👍", "👍🏽", "🇩🇪", "\u200d", "\ufe0f", "\u20e3", "é", "e\u0301", "ß", "好", "٣", "①", "Ⅷ",
    "(s)", "a link to ", "\t", "/etc", "~/",
    "z. B.", "z.B", "Nr.", "3.", "24.11.", "24.11.2026", "14:05 Uhr", "Uhr", "Mio.", "€", "Ludwig XIV.", "XIV", "I",
    "II.", "er", "80er", "Mai", "1,5", "1.000", "1 000", "p. ej.", "EE. UU.", "1.º", "ª", "º", "siglo", "las ", "h",
    "p. m.", "¿", "¡", "Felipe VI", "XIXe", "Ier", "14h05", "n°", "1er", "M.", "«", "»", "l'", "mai", "FBI", "NASA",
    "chapter ", "Kapitel ", "→", "≈", "±", "√", "∞", "§", "de ", "del ", "CHF", "EUR", " y ", " et ",
    " und ", "Link zu ",
]) | st.text(max_size=3)  # fmt: skip
TEXTS = st.lists(PARTS, max_size=14).map("".join) | st.lists(PARTS, max_size=14).map(" ".join) | st.text()
CODES = st.sampled_from(LANGUAGES)

UNSAYABLE = re.compile(
    r"[*`|#_~\d<>\[\](){}\\/@$%&^=+¿¡«»§→≈±√∞°€£¥₹×÷]|https?:/|\bwww\.\w"
    "|[\U0001f000-\U0001faff\u2600-\u2775\u2794-\u27bf\u2b00-\u2bff\u200b-\u200f\ufe00-\ufe0f\u20e3]"
)


@given(TEXTS, CODES)
def test_only_words_and_pauses_are_left(text: str, code: Language) -> None:
    assert not UNSAYABLE.search(spoken(text, code))


@given(TEXTS, CODES)
def test_saying_it_again_changes_nothing(text: str, code: Language) -> None:
    once = spoken(text, code)
    assert spoken(once, code) == once


@given(TEXTS, CODES)
def test_silent_only_without_letters_and_digits(text: str, code: Language) -> None:
    if any(char.isalnum() for char in text):
        assert any(char.isalnum() for char in spoken(text, code))


MARKUP = ["a", "*", "`", "[", "(", "<a", "_", "/a", "@a.", "\n", "&", "<!--", "`a ``b ", "[](", "![a]("]
"""In the hands of the same rules whatever the language."""
NASTY = [
    *("1", "1,", "1.", "1/", "1-", ". ", "a.", "1 000", "XIV ", "M", "z. B. ", "3. bis ", "1:0", "siglo X y "),
    *("Ludwig ", "1 €", "06 12 "),
]
LENGTH = 20_000


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("part", "code"), [*product(MARKUP, ["en"]), *product(NASTY, LANGUAGES)])
def test_huge_text_ends(part: str, code: Language) -> None:
    spoken((part * LENGTH)[:LENGTH], code)


LATIN = st.from_regex(r"[A-Z]?[a-zäöüßéñ]{3,9}", fullmatch=True)
PROSE = st.lists(LATIN | st.sampled_from([",", ".", "?", "!", ";", ":"]), max_size=40).map(
    lambda parts: re.sub(r" ([,.?!;:])", r"\1", " ".join(parts))
)


@given(PROSE, CODES)
def test_pieces_say_every_word_of_the_text(text: str, code: Language) -> None:
    splitter = SentenceSplitter(code)
    pieces = [*splitter.feed(text), *splitter.flush()]
    said = " ".join(spoken(piece, code) for piece in pieces)
    assert len(re.findall(r"\w+", said)) >= len(re.findall(r"\w+", text))
