"""What a language has to say about itself: the words and formats that the rules of speech are filled with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from voxspark.language import Language

if TYPE_CHECKING:
    from voxspark.speech.numbers import Numbers

Gender = Literal["", "m", "f"]
"""Of what is counted; "" where nothing is, and in a language that does not care."""

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]
"""What digits may look like, and what is said for them."""

_Key = TypeVar("_Key")

YEAR = r"(?:1[1-9]|20)\d\d"
"""Regex: the numbers read as years where the context says so."""

OVER = r"\b(?![.,:/]?\d)"
"""Regex: the number ends here."""

MILLIONS = r"(?<![\w.,])\d{1,3}(?:[. ]000){2,3}"
"""Regex: the round numbers whose last word is a noun of its own in the Romance languages: un millón de."""


@dataclass(frozen=True, slots=True)
class Noun:
    """Something that is counted."""

    one: str
    many: str
    gender: Gender = "m"


def nouns(table: Mapping[_Key, str], plural: Callable[[str], str]) -> dict[_Key, Noun]:
    """From `"f hora"` and `"pie|pies"`: gender unless it is m, singular, and plural unless `plural` makes it."""
    return {key: _noun(entry, plural) for key, entry in table.items()}


def _noun(entry: str, plural: Callable[[str], str]) -> Noun:
    gender: Gender = "f" if entry.startswith("f ") else "m"
    one, _, many = entry.removeprefix("f ").partition("|")
    return Noun(one, many or plural(one), gender)


def with_s(one: str) -> str:
    """The plural of `kilometer`, `kilómetro` and `kilomètre`."""
    return f"{one}s"


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """Small words between the numbers and signs."""

    per: str
    to: str
    """Between the ends of a range."""
    by: str
    """Between the sides of an area: 5x7."""
    times: str
    """After a factor: 5x faster."""
    over: str
    """Between the halves of a fraction that has no name."""
    out_of: str
    """Of a mark: 10/10."""
    minus: str
    plus: str
    about: str
    number: str
    """Before the number of a thing: #1."""
    version: str
    squared: str
    cubed: str
    dot: str
    at: str
    dash: str
    underscore: str
    slash: str
    backslash: str
    star: str
    pipe: str
    dollar: str
    tilde: str
    or_: str
    and_: str
    link: str
    """A URL without a host."""
    link_to: str
    """Before the host of a URL."""
    code_left_out: str
    """Instead of a block of code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Short:
    """The abbreviations of a language, in lower case and without their last dot."""

    never_last: frozenset[str]
    """Written with a dot and always followed by more of the sentence."""
    sometimes_last: frozenset[str]
    """They end a sentence only when the next word is sure to open one."""
    before_number: Mapping[str, str]
    """Abbreviations only when a number follows, and what they stand for: "No. 5" against "No. I will not."."""
    months: frozenset[str]
    numbered: str = r"(?!)"
    """Regex: the words whose dot makes an ordinal of them: am 3. Mai."""
    begins: str
    """Regex: the words that, capitalised, open a sentence rather than being a name."""
    spoken: Mapping[str, str]
    """What the short forms, with all their dots, stand for."""
    rewrites: tuple[Rule, ...] = ()
    """What depends on its neighbours, after `spoken`."""
    initialisms: frozenset[str] = frozenset()
    """Said letter by letter, besides `INITIALISMS` and whatever has no vowel."""
    said_as_one: frozenset[str] = frozenset()
    """Without a vowel, and a word all the same, or a sign that engines know."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clauses:
    """Where the first sentence may be cut before it ends."""

    opening: str
    """Regex: conjunctions that open a clause, each with what must follow it."""
    leaning: str
    """Regex: words that no clause ends with: "the house in | which"."""
    joining: str = r"(?!)"
    """Regex: the first words of an `opening` of two words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Romans:
    """Roman numerals: after what, and how they are said."""

    labels: str
    """Regex: the nouns a numeral of one letter follows: chapter, part."""
    rulers: str
    """Regex: names of kings, queens and popes."""
    word: str = r"(?!)"
    """Regex: what is a word where a numeral could be: Henry I think."""
    ruler: Callable[[Numbers, str, int], str]
    """What is said for the number behind the name."""
    rules: Callable[[Numbers], tuple[Rule, ...]] = lambda _: ()
    """Other places, before the common ones; a numeral is `[IVXLCDM]+`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Locale:
    """One language, as the rules of speech want it."""

    code: Language
    words: Words
    short: Short
    clauses: Clauses
    romans: Romans

    group: str
    """Regex: what stands between groups of three digits."""
    points: Mapping[str, str]
    """Decimal signs, the usual one first, and what they are called."""
    fraction_as_number: bool = False
    """Whether "3.14" is "three point fourteen"; digit by digit otherwise."""
    cardinals: Mapping[Gender, str]
    """Rules of CLDR for a number that counts things of a gender."""
    ordinals: Mapping[str, str]
    """Rules of CLDR for a form of the ordinals; the first is the usual one."""
    years: str = "spellout-numbering-year"
    respelled: tuple[tuple[str, str], ...] = ()
    """What is mended in CLDR's words."""
    counted: re.Pattern[str] | None = None
    """The word behind a number as what is counted, with the groups `f` and `m` for its gender."""
    one: str = r"1"
    """Regex: the amounts that take the singular."""

    months: tuple[str, ...]
    day_first: bool = True
    """Of 4/5/2026."""
    date: Callable[[Numbers, int, int, str, str], str]
    """Day, month, year or "", and the text before it."""
    ordinal_nouns: str = r"(?!)"
    """Regex: after "1. " at the head of a line, what makes it an ordinal rather than an item of a list."""
    digit_groups: bool = True
    """Whether the groups of a phone number are read digit by digit, rather than as numbers."""
    phone: str
    """Regex: a national phone number; those with a + are known."""

    units: Mapping[str, Noun]
    unit_only: Mapping[str, str]
    """Regex: where a unit that is also a word is one."""
    currencies: Mapping[str, tuple[Noun, Noun]]
    """By sign and by code: the money and its hundredth part."""
    and_cents: str
    """Of `{whole}`, `{cents}` and what the cents are called, `{coins}`."""
    scales: Mapping[str, Noun]
    of_scale: Callable[[str, str], str] = lambda scaled, money: f"{scaled} {money}"
    """"five million" and "dollars" put together."""
    article: str = r"(?!)"
    """Regex: the word before an amount of money that puts it in the singular: a $20 bill."""
    fractions: Mapping[int, Noun]
    halves: str
    """`{whole}` and a half."""
    mixed: str
    """`{whole}` and `{part}`."""
    periods: Mapping[str, str]
    """What may follow a slash: tok/s."""
    keeps_hosts: bool = False
    """Whether engines say the dots of "a link to example.com" by themselves."""
    symbols: Mapping[str, str]
    """What the signs are called that no number took."""

    early: Callable[[Numbers], Iterable[Rule]] = lambda _: ()
    """Rules before ranges are read: dates that contain their signs."""
    middle: Callable[[Numbers], Iterable[Rule]] = lambda _: ()
    """Rules before money and units: dates, times."""
    late: Callable[[Numbers], Iterable[Rule]] = lambda _: ()
    """Rules after them: ordinals, years."""


def halves(numbers: Numbers, alone: str, behind: str, feminine: Callable[[str], str]) -> Iterable[Rule]:
    """`1/2 hora` and `2 1/2 horas`, where the half agrees with what is counted, or stands behind it.

    `alone` and `behind` hold the `{noun}`, its `{count}` (in `alone` that is one) and are masculine; `feminine` makes
    them feminine.
    """

    def say(found: re.Match[str]) -> str:
        count, noun = found[1] or "1", found[2]
        noun = noun.removesuffix("s") if count == "1" else noun
        gender = numbers.locale.counted.match(f" {noun}") if numbers.locale.counted else None
        if gender is None:
            return found[0]
        words = behind if found[1] else alone
        counted = numbers.counting(count, f" {noun}", 0)
        return (feminine(words) if gender["f"] else words).format(count=counted, noun=noun)

    yield re.compile(r"(?<![\w.,/])(?<!\d )(?:(\d{1,3}) )?1/2 +([a-zà-ÿ]{3,})"), say
