"""What the digits in a text mean: money, measures, phone numbers, versions. Leaves no digit behind."""

from __future__ import annotations

import re
from functools import cache

from voxspark.language import Language
from voxspark.speech.languages import locale
from voxspark.speech.languages.locale import Rule
from voxspark.speech.money import Money
from voxspark.speech.numbers import Numbers
from voxspark.speech.roman import Romans
from voxspark.speech.units import Measures

_MOST_IN_CODE = 4
"""Digits that touch letters and are read like a year: 1080p."""

_LISTED = re.compile(r"(?<![\w.,])\d{1,3}(?:,\d{1,2}(?!\d)){2,}(?![.,]?\d)")
"""Numbers in a row, 1,2,3, which are no decimals."""


class Quantities:
    """Says the numbers of one language, rule after rule."""

    def __init__(self, code: Language) -> None:
        self._locale = locale(code)
        self._numbers = Numbers(self._locale)
        self._measures = Measures(self._numbers)
        self._romans = Romans(self._numbers, self._locale)
        self._rules = tuple(self._all_rules())

    def spell(self, text: str) -> str:
        """The text with every number in words; superscripts are written `^2`, all digits are ASCII."""
        for pattern, said in self._rules:
            text = pattern.sub(said, text)
        return text

    def spell_romans(self, text: str) -> str:
        """The text with its roman numerals in words."""
        return self._romans.spell(text)

    def _all_rules(self) -> list[Rule]:
        return [
            (re.compile(r"(?<![\w.,])([.,])(?=\d)"), lambda found: f"0{found[1]}"),
            *self._dates_and_phones(),
            (_LISTED, lambda found: found[0].replace(",", ", ")),
            *self._locale.early(self._numbers),
            *self._signs_before(Money(self._numbers, self._measures)),
            *self._codes(),
            (re.compile(r"(?<=[a-zA-Z])/(?=100 ?km\b)"), lambda _: f" {self._locale.words.per} "),
            (self._fraction_pattern(), self._fraction),
            (self._measures.pattern, self._measures.say),
            *self._locale.late(self._numbers),
            *self._signs_after(),
            (re.compile(self._numbers.pattern), self._any_number),
        ]

    def _dates_and_phones(self) -> list[Rule]:
        numeric = re.compile(
            r"(?<![\w-])(?:(?P<iso>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)(?![\d/-])(?P<time>T(?=\d\d:))?"
            r"|(?P<a>\d{1,2})(?P<sep>[/.-])(?P<b>\d{1,2})(?P=sep)(?P<y>\d{4})(?![\d/-]))"
        )
        phone = re.compile(rf"(?<!\w)\+\d{{1,3}}(?:[ -]\(?\d+\)?){{2,}}(?!\w)|{self._locale.phone}")
        return [(numeric, self._numeric_date), (phone, self._phone)]

    def _signs_before(self, money: Money) -> list[Rule]:
        number, sign, words = self._numbers.pattern, money.sign, self._locale.words
        ends = r"[kKM%°]?(?: ?(?:[ap]m|h|Uhr))?"
        return [
            (
                re.compile(rf"(?<![\w.,-])({sign}?{number}{ends})(?:-| ?– ?)(?={sign}?\d)(?![\d.,]*-)"),
                lambda found: f"{found[1]} {words.to} ",
            ),
            (re.compile(rf"(?<![\w)\]])-(?={sign}?\d)"), lambda _: f"{words.minus} "),
            *self._locale.middle(self._numbers),
            *money.rules(),
        ]

    def _codes(self) -> list[Rule]:
        words, cardinal = self._locale.words, self._numbers.cardinal
        point = f" {self._locale.points.get('.', words.dot)} "
        return [
            (re.compile(r"(?<![\w.])v\.? ?(?=\d)"), lambda _: f"{words.version} "),
            (re.compile(r"(?<![\w.,])\d+(?:\.\d+){2,}(?!\w)"), self._version),
            (
                re.compile(rf"(?i:\b({words.version}|Python|Ubuntu|CUDA|iOS|macOS|Android|Node) )(\d+\.\d+)\b"),
                lambda found: f"{found[1]} {point.join(map(cardinal, found[2].split('.')))}",
            ),
        ]

    def _signs_after(self) -> list[Rule]:
        words, symbols, scales = self._locale.words, self._locale.symbols, self._locale.scales
        short = "|".join(scale for scale in ("k", "M", "bn") if scale in scales)
        operators = {**symbols, "-": words.minus, "*": symbols["×"], "/": symbols["÷"]}
        return [
            (re.compile(r"\^([23])(?![\d.])"), lambda found: f" {words.squared if found[1] == '2' else words.cubed}"),
            (re.compile(r"#(?=\d)"), lambda _: f"{words.number} "),
            (re.compile(rf"(?<=\d)({short})\b"), lambda found: f" {scales[found[1]].many}"),
            (re.compile(r"(?<=\d)(?:[x×]| x )(?=\d)(?<!\b0x)"), lambda _: f" {words.by} "),
            (re.compile(r"(?<=\d) ?[x×](?![\w])(?! ?\d)"), lambda _: f" {words.times}"),
            (re.compile(r"(?<=\d) ([-+*×/÷=]) (?=\d)"), lambda found: f" {operators[found[1]].strip()} "),
            (re.compile(r"(?<=\d):(?=\d)"), lambda _: f" {words.to} "),
            (re.compile(r"(?<=\d)-(?=\d)"), lambda _: " "),
            (
                re.compile(rf"(?<=[a-z])/({'|'.join(self._locale.periods)})\b"),
                lambda found: f" {words.per} {self._locale.periods[found[1]]}",
            ),
        ]

    def _numeric_date(self, found: re.Match[str]) -> str:
        """`2026-11-24`, `11/24/2026`, `24.11.2026`; the language's own order when both readings are possible."""
        first, second = int(found["m"] or found["a"]), int(found["d"] or found["b"])
        month, day = (second, first) if self._locale.day_first and not found["iso"] else (first, second)
        if month > 12 and not found["iso"]:
            month, day = day, month
        if not (1 <= month <= 12 and 1 <= day <= 31):
            return found[0]
        before = found.string[max(0, found.start() - 20) : found.start()]
        said = self._locale.date(self._numbers, day, month, found["iso"] or found["y"], before)
        return said + (", " if found["time"] else "")

    def _phone(self, found: re.Match[str]) -> str:
        """Group by group; two round numbers ("500-1000") are a range and stay."""
        groups = re.findall(r"\d+", found[0])
        if len(groups) == 2 and "-" in found[0] and all(group.endswith("0") for group in groups):
            return found[0]
        said = ", ".join(map(self._numbers.group, groups))
        return f"{self._locale.words.plus} {said}" if found[0].startswith("+") else said

    def _version(self, found: re.Match[str]) -> str:
        """`3.11.7`; with four parts it is an address, whose dots are said."""
        parts = found[0].split(".")
        if self._numbers.is_grouped(found[0]) and not (len(parts) == 4 and max(map(int, parts)) < 256):
            return self._numbers.counting(found[0], found.string, found.end())
        point = self._locale.words.dot if len(parts) == 4 else self._locale.points.get(".", self._locale.words.dot)
        return f" {point} ".join(map(self._numbers.cardinal, parts))

    def _fraction_pattern(self) -> re.Pattern[str]:
        unit = self._measures.unit
        return re.compile(
            rf"(?<![\w/.,])(?:(?P<whole>\d+) )?(?P<top>\d{{1,3}})/(?P<bottom>\d{{1,3}})(?![\w/]|[.,]\d)(?: {unit})?"
        )

    def _fraction(self, found: re.Match[str]) -> str:
        """`3/4`, `1 1/2 tsp`, `7/10`, `24/7`."""
        locale, cardinal = self._locale, self._numbers.cardinal
        top, bottom, whole = int(found["top"]), int(found["bottom"]), found["whole"]
        over, under = cardinal(str(top)), cardinal(str(bottom))
        unit = f" {self._measures.words(found, one=not whole)}" if found["unit"] else ""
        before = f"{cardinal(whole)} {locale.words.and_} " if whole else ""
        if (top, bottom) in ((24, 7), (9, 11), (20, 20), (50, 50)):
            return f"{before}{over} {under}{unit}"
        if bottom in (5, 10, 100) and top >= bottom:
            return f"{before}{over} {locale.words.out_of} {under}{unit}"
        named = locale.fractions.get(bottom)
        if not 0 < top < bottom or named is None:
            return f"{before}{over} {locale.words.over} {under}{unit}"
        if whole and (top, bottom) == (1, 2):
            return locale.halves.format(whole=cardinal(whole, "m")) + unit
        part = f"{cardinal(str(top), 'm')} {named.one if top == 1 else named.many}"
        return (locale.mixed.format(whole=cardinal(whole), part=part) if whole else part) + unit

    def _any_number(self, found: re.Match[str]) -> str:
        """A number that no other rule knows; one that touches letters is set apart ("MP3", "1080p")."""
        text, (start, end) = found.string, found.span()
        before, after = text[start - 1 : start].isalpha(), text[end : end + 1].isalpha()
        code = (before or after) and len(found[0]) == _MOST_IN_CODE and found[0].isdigit() and found[0][0] != "0"
        said = self._numbers.year(found[0]) if code else self._numbers.counting(found[0], text, end)
        return f"{' ' * before}{said}{' ' * after}"


@cache
def quantities(code: Language) -> Quantities:
    """The rules of this language, made when it is first spoken."""
    return Quantities(code)
