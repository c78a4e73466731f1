"""Measures: "5 km/h" -> "five kilometers per hour"."""

from __future__ import annotations

import re

from voxspark.speech.numbers import NUMBER, is_one, number

_UNITS = {
    "km": "kilometer", "m": "meter", "dm": "decimeter", "cm": "centimeter", "mm": "millimeter", "µm": "micrometer",
    "nm": "nanometer", "mi": "mile", "yd": "yard", "yds": "yard", "ft": "foot|feet", "in": "inch|inches",
    "km^2": "square kilometer", "m^2": "square meter", "cm^2": "square centimeter", "sq ft": "square foot|square feet",
    "m^3": "cubic meter", "cm^3": "cubic centimeter", "ha": "hectare",
    "kg": "kilogram", "g": "gram", "mg": "milligram", "µg": "microgram", "lb": "pound", "lbs": "pound", "oz": "ounce",
    "l": "liter", "L": "liter", "dl": "deciliter", "cl": "centiliter", "ml": "milliliter", "mL": "milliliter",
    "gal": "gallon", "fl oz": "fluid ounce", "tsp": "teaspoon", "tbsp": "tablespoon",
    "h": "hour", "hr": "hour", "hrs": "hour", "min": "minute", "mins": "minute", "s": "second", "sec": "second",
    "secs": "second", "ms": "millisecond", "µs": "microsecond", "ns": "nanosecond",
    "°C": "degree Celsius|degrees Celsius", "°F": "degree Fahrenheit|degrees Fahrenheit", "°": "degree",
    "KB": "kilobyte", "kB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte", "PB": "petabyte",
    "KiB": "kibibyte", "MiB": "mebibyte", "GiB": "gibibyte", "TiB": "tebibyte",
    "kbps": "kilobit per second|kilobits per second", "Mbps": "megabit per second|megabits per second",
    "Gbps": "gigabit per second|gigabits per second",
    "Hz": "hertz|hertz", "kHz": "kilohertz|kilohertz", "MHz": "megahertz|megahertz", "GHz": "gigahertz|gigahertz",
    "V": "volt", "mV": "millivolt", "W": "watt", "kW": "kilowatt", "MW": "megawatt", "Wh": "watt hour",
    "kWh": "kilowatt hour", "mA": "milliamp", "mAh": "milliamp hour", "dB": "decibel", "kcal": "kilocalorie",
    "kJ": "kilojoule", "hPa": "hectopascal", "psi": "pound per square inch|pounds per square inch",
    "mph": "mile per hour|miles per hour", "kph": "kilometer per hour|kilometers per hour",
    "mpg": "mile per gallon|miles per gallon", "rpm": "revolution per minute|revolutions per minute",
    "bpm": "beat per minute|beats per minute", "fps": "frame per second|frames per second", "px": "pixel",
    "%": "percent|percent",
}  # fmt: skip
"""Symbol to singular, or to singular|plural where the plural is not made with s."""

_SYMBOL = "|".join(
    re.escape(unit).replace(r"\ ", " ") for unit in sorted(_UNITS, key=len, reverse=True) if unit != "in"
)
_INCH = r"(?<=\d)in|in(?= (?:wide|long|tall|high|deep|thick|by|x)\b| ?[.,;:)]|\s*\Z)"
"""`in` is a unit only right behind the digit, before a dimension, or at the end of the phrase."""

UNIT = rf"(?P<unit>{_SYMBOL}|{_INCH})(?: ?/ ?(?P<per>{_SYMBOL}|[a-z]{{3,}}))?(?![\w/^])(?:\.(?= [a-z]))?"
"""Regex with the groups `unit` and `per`: a unit, perhaps a rate; not its dot inside a sentence."""

MEASURE = re.compile(rf"(?<![\w.,/])(?P<amount>{NUMBER})(?P<gap> ?|-){UNIT}")


def unit_words(found: re.Match[str], *, one: bool) -> str:
    """What the `UNIT` in the match is called: "kilometers per hour"."""
    singular, _, many = _UNITS[found["unit"]].partition("|")
    per = f" per {_UNITS.get(found['per'], found['per']).partition('|')[0]}" if found["per"] else ""
    return (singular if one else many or f"{singular}s") + per


def measure(found: re.Match[str]) -> str:
    """A match of `MEASURE` in words; "5-km run" takes the singular."""
    one = found["gap"] == "-" or is_one(found["amount"])
    return f"{number(found['amount'])} {unit_words(found, one=one)}"
