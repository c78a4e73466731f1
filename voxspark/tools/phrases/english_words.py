"""Numbers, durations, times and lists in English. Digits stay digits: `speech/spoken.py` reads them out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import time
from fractions import Fraction

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

EXACT_DECIMALS = 4
"""Numbers with no more decimals than this are said exactly."""

LARGEST_SAID = 10**15
"""From here, numbers are said as a power of ten."""


def cap(text: str) -> str:
    """The first letter a capital."""
    return f"{text[:1].upper()}{text[1:]}"


def number(value: Fraction) -> str:
    """`1,234`, `0.125`, `about 3.333`, `about 9.33 times 10 to the power of 157`."""
    size = abs(value)
    if size >= LARGEST_SAID or 0 < size < Fraction(1, 10**6):
        return _power_of_ten(value)
    if (value * 10**EXACT_DECIMALS).denominator == 1:
        return _decimal(value, EXACT_DECIMALS)
    decimals = min(3, max(1, 4 - len(str(int(size))))) if size >= 1 else 3 - math.floor(math.log10(size))
    return f"about {_decimal(value, decimals)}"


def _decimal(value: Fraction, decimals: int) -> str:
    scaled = round(abs(value) * 10**decimals)
    whole, rest = divmod(scaled, 10**decimals)
    fraction = f"{rest:0{decimals}}".rstrip("0")
    return f"{'-' if value < 0 < scaled else ''}{whole:,}{'.' if fraction else ''}{fraction}"


def _power_of_ten(value: Fraction) -> str:
    numerator, denominator = abs(value.numerator), value.denominator
    power = len(str(numerator)) - len(str(denominator))
    power -= Fraction(numerator, denominator) < Fraction(10) ** power
    factor = _decimal(value / Fraction(10) ** power, 2)
    return f"about {factor} times 10 to the power of {power}"


def duration(seconds: int) -> str:
    """`10 minutes`, `2 minutes and 30 seconds`, `an hour and a half`."""
    if seconds == 5400:
        return "an hour and a half"
    return join([f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts(seconds)])


def duration_adjective(seconds: int) -> str:
    """`10 minute`, as in `your 10 minute timer`."""
    return join([f"{count} {unit}" for count, unit in parts(seconds)])


def parts(seconds: int) -> list[tuple[int, str]]:
    """`[(2, "hour"), (5, "minute")]`: what is not zero."""
    minutes, rest = divmod(seconds, 60)
    every = [(minutes // 60, "hour"), (minutes % 60, "minute"), (rest, "second")]
    return [part for part in every if part[0]] or every[-1:]


def time_left(seconds: float) -> str:
    """A duration as a person would say it."""
    return duration(rounded(seconds))


def rounded(seconds: float) -> int:
    """Seconds rounded up, and left out of hours."""
    whole = max(1, math.ceil(seconds))
    return whole if whole < 3600 else round(whole / 60) * 60


def join(parts: Sequence[str], word: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}" if len(parts) > 1 else "".join(parts)


def time_of_day(moment: time) -> str:
    """`7:05 AM`."""
    return f"{moment.hour % 12 or 12}:{moment.minute:02} {'AM' if moment.hour < 12 else 'PM'}"
