"""What the digits in a text mean: money, measures, phone numbers, versions. Leaves no digit behind."""

from __future__ import annotations

import re
from collections.abc import Callable

from voxspark.speech import dates
from voxspark.speech.numbers import NUMBER, cardinal, digits, is_one, number, ordinal, plural, year
from voxspark.speech.units import MEASURE, UNIT, measure, unit_words

_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
}
_SIGN = "[$€£¥₹]"
_SCALES = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "B": "billion", "bn": "billion"}
_PERIODS = {"s": "second", "min": "minute", "h": "hour"}
_OPERATORS = {
    "+": "plus",
    "-": "minus",
    "*": "times",
    "×": "times",
    "/": "divided by",
    "÷": "divided by",
    "=": "equals",
}


def _money(found: re.Match[str]) -> str:
    """`$3.50`, `$5 to 10`, `£2 million`, `$5/month`, `a $20 bill`."""
    one, many, small_one, small_many = _CURRENCIES[found["sign"]]
    if found["article"]:
        many, small_many = one, small_one
    scale = found["scale"]
    low, amount = (f"{number(found['amount'])} to ", found["last"]) if found["last"] else ("", found["amount"])
    whole, _, fraction = amount.partition(".")
    cents = int(fraction[:2].ljust(2, "0"))
    if scale:
        words = f"{number(amount)} {_SCALES.get(scale, scale)} {many}"
    elif len(fraction) > 2:
        words = f"{number(amount)} {many}"
    else:
        parts = [f"{cardinal(whole)} {one if is_one(whole) else many}"] if whole.strip("0") or not cents else []
        parts += [f"{cardinal(str(cents))} {small_one if cents == 1 else small_many}"] if cents else []
        words = " and ".join(parts)
    return (found["article"] or "") + low + words + (f" per {found['per']}" if found["per"] else "")


def _fraction(found: re.Match[str]) -> str:
    """`3/4`, `1 1/2 tsp`, `7/10`, `24/7`."""
    top, bottom = int(found["top"]), int(found["bottom"])
    over, under = cardinal(str(top)), cardinal(str(bottom))
    unit = f" {unit_words(found, one=not found['whole'])}" if found["unit"] else ""
    whole = f"{cardinal(found['whole'])} and " if found["whole"] else ""
    if (top, bottom) in ((24, 7), (9, 11), (20, 20), (50, 50)):
        return f"{whole}{over} {under}{unit}"
    if bottom in (5, 10, 100) and top >= bottom:
        return f"{whole}{over} out of {under}{unit}"
    if not 0 < top < bottom or (bottom > 10 and bottom not in (12, 16, 20, 32, 64, 100)):
        return f"{whole}{over} over {under}{unit}"
    part = {2: "half", 4: "quarter"}.get(bottom) or ordinal(str(bottom))
    return f"{whole}{'a' if whole and top == 1 else over} {part if top == 1 else plural(part)}{unit}"


def _phone(found: re.Match[str]) -> str:
    """Digit by digit, group by group; two round numbers ("500-1000") are a range and stay."""
    groups = re.findall(r"\d+", found[0])
    if len(groups) == 2 and all(group.endswith("0") for group in groups):
        return found[0]
    return ("plus " if found[0].startswith("+") else "") + ", ".join(map(digits, groups))


def _version(found: re.Match[str]) -> str:
    """`3.11.7`; with four parts it is an address, whose dots are said."""
    parts = found[0].split(".")
    return (" dot " if len(parts) == 4 else " point ").join(map(cardinal, parts))


def _any_number(found: re.Match[str]) -> str:
    """A number that no other rule knows; one that touches letters is set apart ("MP3", "1080p")."""
    text, (start, end) = found.string, found.span()
    before, after = text[start - 1 : start].isalpha(), text[end : end + 1].isalpha()
    code = (before or after) and len(found[0]) == 4 and found[0].isdigit() and found[0][0] != "0"
    return f"{' ' * before}{year(found[0]) if code else number(found[0])}{' ' * after}"


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"(?<![\w.])\.(?=\d)"), lambda _: "0."),
    (dates.NUMERIC_DATE, dates.numeric_date),
    (
        re.compile(
            r"(?<![\w.])(?:\+?1[-. ])?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}(?![\w-])"
            r"|(?<!\w)\+\d{1,3}(?:[ -]\(?\d{2,}\)?){2,}|(?<![\w-])\d{3}-\d{4}(?![\w-]|[.,]\d)"
            r"|(?:(?<=\b[Cc]all )|(?<=\b[Dd]ial ))\d{3}\b(?![.,]?\d)"
        ),
        _phone,
    ),
    (
        re.compile(rf"(?<![\w.,-])({_SIGN}?{NUMBER}[kKM%]?(?: ?[ap]m)?)(?:-| ?– ?)(?={_SIGN}?\d)(?![\d.,]*-)"),
        lambda found: f"{found[1]} to ",
    ),
    (re.compile(rf"(?<![\w)\]])-(?={_SIGN}?\d)"), lambda _: "minus "),
    (dates.MONTH_DAY, dates.month_day),
    (dates.DAY_MONTH, dates.day_month),
    (dates.MONTH_YEAR, dates.month_year),
    (dates.TIME, dates.time),
    (re.compile(rf"(?<![\w.,$€£¥₹])({NUMBER}) ?({_SIGN})(?! ?\d)"), lambda found: found[2] + found[1]),
    (
        re.compile(
            rf"(?P<article>\b[Aa]n? )?(?P<sign>{_SIGN}) ?(?P<amount>{NUMBER})(?: to {_SIGN}?(?P<last>{NUMBER}))?"
            r"(?:(?P<scale> ?(?:hundred|thousand|million|billion|trillion)|[kKmMB]|bn)\b)?(?: ?/ ?(?P<per>[a-z]+))?"
        ),
        _money,
    ),
    (re.compile(r"(?<![\w.])v\.? ?(?=\d)"), lambda _: "version "),
    (re.compile(r"(?<![\w.,])\d+(?:\.\d+){2,}(?!\w)"), _version),
    (
        re.compile(r"(?i:\b(version|Python|Ubuntu|CUDA|iOS|macOS|Android|Node) )(\d+\.\d+)\b"),
        lambda found: f"{found[1]} {' point '.join(map(cardinal, found[2].split('.')))}",
    ),
    (dates.DECADE, dates.decade),
    (re.compile(r"(?<![\w.,])(\d)'(\d\d?)(?:\"|'')"), lambda found: f"{cardinal(found[1])} foot {cardinal(found[2])}"),
    (
        re.compile(
            rf"(?<![\w/.,])(?:(?P<whole>\d+) )?(?P<top>\d{{1,3}})/(?P<bottom>\d{{1,3}})(?![\w/]|[.,]\d)(?: {UNIT})?"
        ),
        _fraction,
    ),
    (MEASURE, measure),
    (re.compile(r"\b(\d{1,3}(?:,\d{3})+|\d+)(?:st|nd|rd|th)\b"), lambda found: ordinal(found[1])),
    (dates.YEARS, dates.years),
    (dates.YEAR_RANGE, dates.years),
    (re.compile(r"\^([23])(?![\d.])"), lambda found: " squared" if found[1] == "2" else " cubed"),
    (re.compile(r"#(?=\d)"), lambda _: "number "),
    (re.compile(r"(?<=\d)(k|M|bn)\b"), lambda found: f" {_SCALES[found[1]]}"),
    (re.compile(r"(?<=\d)(?:[x×]| x )(?=\d)(?<!\b0x)"), lambda _: " by "),
    (re.compile(r"(?<=\d) ?[x×](?![\w])(?! ?\d)"), lambda _: " times"),
    (re.compile(r"(?<=\d) ([-+*×/÷=]) (?=\d)"), lambda found: f" {_OPERATORS[found[1]]} "),
    (re.compile(r"(?<=\d):(?=\d)"), lambda _: " to "),
    (re.compile(r"(?<=\d)-(?=\d)"), lambda _: " "),
    (
        re.compile(r"(?<=[a-z])/(s|min|h|day|week|month|year)\b"),
        lambda found: f" per {_PERIODS.get(found[1], found[1])}",
    ),
    (re.compile(NUMBER), _any_number),
)


def spell_quantities(text: str) -> str:
    """The text with every number in words; superscripts are written `^2`, all digits are ASCII."""
    for pattern, said in _RULES:
        text = pattern.sub(said, text)
    return text
