"""Conversions between everyday units, exact by definition. Volumes are United States customary measures.

Factors: NIST Special Publication 811 (2008), appendix B, and NIST Handbook 44, appendix C.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from voxspark.errors import ToolError
from voxspark.tools import phrases
from voxspark.tools.registry import Tool, tool


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of one dimension: base = (value + offset) * factor."""

    dimension: str
    singular: str
    plural: str
    factor: Fraction
    aliases: tuple[str, ...] = ()
    offset: Fraction = Fraction(0)

    @property
    def names(self) -> tuple[str, ...]:
        """Everything it is called, plural first."""
        return (self.plural, self.singular, *self.aliases)

    @property
    def one(self) -> str:
        """`a pound`, `an ounce`."""
        return f"{'an' if self.singular.startswith(('i', 'o', 'hour')) else 'a'} {self.singular}"


def _unit(
    dimension: str, singular: str, factor: str, aliases: str = "", *, plural: str = "", offset: str = "0"
) -> Unit:
    names = tuple(aliases.split(", ")) if aliases else ()
    return Unit(dimension, singular, plural or f"{singular}s", Fraction(factor), names, Fraction(offset))


GALLON = Fraction("3.785411784")
"""Litres: 231 cubic inches."""

UNITS = (
    _unit("length", "millimeter", "0.001", "mm, millimetre, millimetres"),
    _unit("length", "centimeter", "0.01", "cm, centimetre, centimetres"),
    _unit("length", "meter", "1", "m, metre, metres"),
    _unit("length", "kilometer", "1000", "km, kilometre, kilometres"),
    _unit("length", "inch", "0.0254", "in", plural="inches"),
    _unit("length", "foot", "0.3048", "ft", plural="feet"),
    _unit("length", "yard", "0.9144", "yd"),
    _unit("length", "mile", "1609.344", "mi"),
    _unit("length", "nautical mile", "1852"),
    _unit("mass", "milligram", "0.000001", "mg"),
    _unit("mass", "gram", "0.001", "g, grammes, gramme"),
    _unit("mass", "kilogram", "1", "kg, kilo, kilos"),
    _unit("mass", "metric ton", "1000", "tonne, tonnes"),
    _unit("mass", "ounce", "0.028349523125", "oz"),
    _unit("mass", "pound", "0.45359237", "lb, lbs"),
    _unit("mass", "stone", "6.35029318", plural="stone"),
    _unit("mass", "ton", "907.18474"),
    _unit("volume", "milliliter", "0.001", "ml, millilitre, millilitres"),
    _unit("volume", "centiliter", "0.01", "cl, centilitre, centilitres"),
    _unit("volume", "liter", "1", "l, litre, litres"),
    _unit("volume", "teaspoon", str(GALLON / 768), "tsp"),
    _unit("volume", "tablespoon", str(GALLON / 256), "tbsp"),
    _unit("volume", "fluid ounce", str(GALLON / 128), "fl oz"),
    _unit("volume", "cup", str(GALLON / 16)),
    _unit("volume", "pint", str(GALLON / 8), "pt"),
    _unit("volume", "quart", str(GALLON / 4), "qt"),
    _unit("volume", "gallon", str(GALLON), "gal"),
    _unit("time", "second", "1"),
    _unit("time", "minute", "60"),
    _unit("time", "hour", "3600"),
    _unit("time", "day", "86400"),
    _unit("time", "week", "604800"),
    _unit("temperature", "degree Celsius", "1", "celsius, centigrade, degrees centigrade, c", plural="degrees Celsius"),
    _unit("temperature", "degree Fahrenheit", "5/9", "fahrenheit, f", plural="degrees Fahrenheit", offset="-32"),
    _unit("temperature", "kelvin", "1", "k, degrees kelvin", plural="kelvin", offset="-273.15"),
    _unit("speed", "meter per second", "1", "metres per second", plural="meters per second"),
    _unit("speed", "kilometer per hour", "5/18", "kilometres per hour, kph, km/h", plural="kilometers per hour"),
    _unit("speed", "mile per hour", "0.44704", "mph", plural="miles per hour"),
    _unit("speed", "knot", "463/900"),
)

BY_NAME = {name.lower(): unit for unit in UNITS for name in unit.names}
FLUID_OUNCE = BY_NAME["fluid ounce"]


@tool(permission="read", fate="turn")
def convert_units(
    amount: Annotated[float, "How many of the first unit."],
    from_unit: Annotated[str, "Unit of the amount, such as pounds."],
    to_unit: Annotated[str, "Unit wanted, such as grams."],
) -> str:
    """Convert an amount between units of length, mass, volume, time, temperature or speed."""
    source, target = _find(from_unit), _find(to_unit)
    source, target = _fluid(source, target), _fluid(target, source)
    if source.dimension != target.dimension:
        raise ToolError(
            "units-differ",
            f"I can't convert {source.plural} to {target.plural}: {source.dimension} is not {target.dimension}.",
        )
    given = Fraction(str(amount))
    result = _count(phrases.number((given + source.offset) * source.factor / target.factor - target.offset), target)
    if given == 1 and source.dimension != "temperature":
        return f"There {'is' if result.startswith('1 ') else 'are'} {result} in {source.one}."
    return f"{_count(phrases.number(given), source)} is {result}."


def unit_tools() -> tuple[Tool, ...]:
    """convert_units."""
    return (Tool.of(convert_units),)


def same_dimension(one: str, other: str) -> bool:
    """Whether both units are known and can be converted; an ounce is also a fluid ounce."""
    first, second = BY_NAME.get(one.lower()), BY_NAME.get(other.lower())
    if first is None or second is None:
        return False
    return _fluid(first, second).dimension == _fluid(second, first).dimension


def _count(number: str, unit: Unit) -> str:
    return f"{number} {unit.singular if number == '1' else unit.plural}"


def _find(name: str) -> Unit:
    if (unit := BY_NAME.get(name.strip().lower())) is not None:
        return unit
    near = difflib.get_close_matches(name.lower(), BY_NAME, n=1, cutoff=0.7)
    raise ToolError("unit-unknown", f"I don't know the unit {name[:40]}.", f"Did you mean {near[0]}?" if near else "")


def _fluid(unit: Unit, other: Unit) -> Unit:
    """Beside a volume, ounces are fluid ounces."""
    return FLUID_OUNCE if unit.singular == "ounce" and other.dimension == "volume" else unit
