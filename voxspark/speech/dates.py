"""Dates, times of day, years and decades in digits, as they are said in American English."""

from __future__ import annotations

import re

from voxspark.speech.abbreviations import full_stop
from voxspark.speech.numbers import cardinal, ordinal, plural, year

YEAR = r"(?:1[1-9]|20)\d\d"
"""Regex: the numbers read as years where the context says so."""

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_MONTH = (
    r"(?P<month>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|"
    r"Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_OVER = r"\b(?![.,:/]?\d)"
"""Regex: the number ends here."""

NUMERIC_DATE = re.compile(
    r"(?<![\w-])(?:(?P<iso>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)(?![\d/-])(?P<time>T(?=\d\d:))?"
    r"|(?P<a>\d{1,2})/(?P<b>\d{1,2})/(?P<y>\d{4})(?![\d/-]))"
)
MONTH_DAY = re.compile(
    rf"\b{_MONTH} (?P<day>\d\d?)(?:st|nd|rd|th)?(?: to (?P<last>\d\d?)(?:st|nd|rd|th)?)?(?:,? (?P<year>{YEAR}))?{_OVER}"
    r"(?! ?(?:[aApP]\.?[mM]\b|%))"
)
DAY_MONTH = re.compile(rf"(?<![\w.,:/])(?P<day>\d\d?) {_MONTH}(?:,? (?P<year>{YEAR}){_OVER})?")
MONTH_YEAR = re.compile(rf"\b{_MONTH},? (?P<year>{YEAR}){_OVER}")
TIME = re.compile(
    r"(?<![\w.:])(?P<hour>\d\d?)(?=:[0-5]\d| ?[aApP]\.?[mM])(?::(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?)?(?![\d:])"
    r"(?: ?(?:(?P<dotted>[aApP])\.[mM]\.|(?P<plain>[aApP])[mM]\b))?"
)
DECADE = re.compile(r"\b((?:1[1-9]|20)\d0)'?s\b|(?<=[Tt]he )'?([2-9]0)'?s\b|(?<!\w)'([2-9]0)s\b")
YEARS = re.compile(
    r"(?i:(?<=\()|\b(?:in|since|year|by|of|from|until|till|before|after|around|circa|during|between|late|early|mid|"
    r"spring|summer|autumn|fall|winter)\b[ -])"
    rf"(?P<first>{YEAR}){_OVER}(?:(?P<link> (?:to|and|or) )(?P<last>{YEAR}){_OVER})?"
)
YEAR_RANGE = re.compile(rf"(?<![\w.,])(?P<first>{YEAR})(?P<link> to )(?P<last>{YEAR}){_OVER}")


def _date(month: int, day: str, of_year: str | None) -> str:
    return f"{_MONTHS[month - 1]} {ordinal(day)}" + (f", {year(of_year)}" if of_year else "")


def _month(found: re.Match[str]) -> int:
    return next(index for index, name in enumerate(_MONTHS, 1) if name.startswith(found["month"][:3]))


def numeric_date(found: re.Match[str]) -> str:
    """`2026-11-24`, `11/24/2026`, `24/11/2026`; the month first when both readings are possible."""
    month, day = int(found["m"] or found["a"]), int(found["d"] or found["b"])
    if month > 12 and not found["iso"]:
        month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return found[0]
    return _date(month, str(day), found["iso"] or found["y"]) + (", " if found["time"] else "")


def month_day(found: re.Match[str]) -> str:
    """`Nov 24`, `November 24th, 2026`, `Nov. 24 to 26`."""
    if not all(1 <= int(day) <= 31 for day in (found["day"], found["last"]) if day):
        return found[0]
    days = ordinal(found["day"]) + (f" to {ordinal(found['last'])}" if found["last"] else "")
    return f"{_MONTHS[_month(found) - 1]} {days}" + (f", {year(found['year'])}" if found["year"] else "")


def day_month(found: re.Match[str]) -> str:
    """`24 November 2026`."""
    return _date(_month(found), found["day"], found["year"]) if 1 <= int(found["day"]) <= 31 else found[0]


def month_year(found: re.Match[str]) -> str:
    """`Nov 2026`."""
    return f"{_MONTHS[_month(found) - 1]} {year(found['year'])}"


def _two_digits(text: str) -> str:
    return f"oh {cardinal(text[1])}" if text[0] == "0" else cardinal(text)


def time(found: re.Match[str]) -> str:
    """`10:05`, `7:00`, `18:30`, `7:30 p.m.`, `7am`, `1:02:03`."""
    hour, minute, second = int(found["hour"]), found["minute"], found["second"]
    half = found["dotted"] or found["plain"]
    if minute is None and not half:
        return found[0]
    words = cardinal(str(hour))
    if second:
        words += f" {_two_digits(minute)} {_two_digits(second)}"
    elif minute not in (None, "00"):
        words += f" {_two_digits(minute)}"
    elif not half:
        words = "midnight" if hour in (0, 24) else f"{words} o'clock" if hour <= 12 else f"{words} hundred"
    return f"{words} {half.upper()}M{full_stop(found) if found['dotted'] else ''}" if half else words


def decade(found: re.Match[str]) -> str:
    """`1980s`, `the 90s`, `'70s`."""
    return plural(year(found[1]) if found[1] else cardinal(found[2] or found[3]))


def years(found: re.Match[str]) -> str:
    """A year after the word that makes it one, or a range of years."""
    before = found[0][: found.start("first") - found.start()]
    return before + year(found["first"]) + (f"{found['link']}{year(found['last'])}" if found["last"] else "")
