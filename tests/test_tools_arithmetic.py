"""Sums and conversions: exact, speakable, and bounded whatever is thrown at them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.errors import ToolError
from voxspark.tools import phrases
from voxspark.tools.arithmetic import MAX_BITS, calculate, evaluate
from voxspark.tools.units import UNITS, convert_units, same_dimension


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("2 + 2", "4"),
        ("2+3*4", "14"),
        ("(2 + 3) * 4", "20"),
        ("10 - 12", "-2"),
        ("-2 ** 2", "-4"),
        ("2 ** 3 ** 2", "512"),
        ("2 ^ 10", "1,024"),
        ("2 ** -2", "0.25"),
        ("7 // 2", "3"),
        ("17 % 5", "2"),
        ("15% of 80", "12"),
        ("15 percent of 80", "12"),
        ("200 + 10% of 50", "205"),
        ("12.5% of (30 + 10)", "5"),
        ("10 / 4", "2.5"),
        ("10 / 3", "about 3.333"),
        ("100 / 3", "about 33.33"),
        ("2 / 3", "about 0.6667"),
        ("-1 / 3", "about -0.3333"),
        ("1 / 700", "about 0.001429"),
        ("0.1 + 0.2", "0.3"),
        ("1,000 * 1,000", "1,000,000"),
        ("999,999.9999 / 1", "999,999.9999"),
        ("sqrt(81)", "9"),
        ("√(16)", "4"),
        ("sqrt(2)", "about 1.414"),
        ("sqrt(0.25)", "0.5"),
        ("64 ** (1/3)", "4"),
        ("6 × 7 ÷ 2", "21"),
        (".5 * 4", "2"),
        ("20 * 10 ** 20", "about 2 times 10 to the power of 21"),
        ("1 / 10 ** 9", "about 1 times 10 to the power of -9"),
        ("2 ** 500", "about 3.27 times 10 to the power of 150"),
        ("0 * -1", "0"),
    ],
)
def test_results_are_exact_and_speakable(expression: str, says: str) -> None:
    assert calculate(expression) == f"That's {says}."


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("1 / 0", "calculate-division"),
        ("1 // 0", "calculate-division"),
        ("1 % 0", "calculate-division"),
        ("0 ** -1", "calculate-division"),
        ("sqrt(-1)", "calculate-root"),
        ("(-8) ** 0.5", "calculate-root"),
        ("", "calculate-syntax"),
        ("2 +", "calculate-syntax"),
        ("2 2", "calculate-syntax"),
        ("(2", "calculate-syntax"),
        ("2)", "calculate-syntax"),
        ("sqrt 4", "calculate-syntax"),
        ("50 + 10%", "calculate-syntax"),
        ("1,00", "calculate-syntax"),
        ("__import__('os')", "calculate-syntax"),
        ("two", "calculate-syntax"),
        ("1e9", "calculate-syntax"),
        ("9**9**9", "calculate-size"),
        ("9**9**9**9**9", "calculate-size"),
        ("(9**999)**999", "calculate-size"),
        ("2**(-10**9)", "calculate-size"),
        ("10**1200.5", "calculate-size"),
        ("*".join(["9**1200"] * 20), "calculate-size"),
        ("9" * 31, "calculate-size"),
        ("(" * 90 + "1" + ")" * 90, "calculate-deep"),
        ("-" * 190 + "1", "calculate-deep"),
        ("2**" * 60 + "1", "calculate-deep"),
        ("(" * 100_000, "calculate-long"),
    ],
)
def test_what_cannot_be_worked_out_says_why(expression: str, code: str) -> None:
    with pytest.raises(ToolError) as raised:
        calculate(expression)
    assert raised.value.code == code
    assert raised.value.message.startswith(("I ", "That "))


@given(st.one_of(st.text(), st.text("0123456789.,+-*/%^() ofsqrtpcn", max_size=200)))
def test_any_text_gives_a_bounded_number_or_a_tool_error(text: str) -> None:
    try:
        value = evaluate(text)
    except ToolError:
        return
    assert value.numerator.bit_length() <= MAX_BITS
    phrases.number(value)


@given(st.fractions(max_denominator=10**6))
def test_a_said_number_is_the_number(value: Fraction) -> None:
    said = phrases.number(value)
    if "times" in said:
        return
    told = Fraction(said.removeprefix("about ").replace(",", ""))
    assert abs(told - value) <= abs(value) / 1_000
    assert told == value or said.startswith("about")


@pytest.mark.parametrize(
    ("amount", "source", "target", "says"),
    [
        (1, "pounds", "grams", "There are about 453.6 grams in a pound."),
        (1, "kg", "lb", "There are about 2.205 pounds in a kilogram."),
        (1, "foot", "inches", "There are 12 inches in a foot."),
        (1, "ounce", "grams", "There are about 28.35 grams in an ounce."),
        (1, "hours", "minutes", "There are 60 minutes in an hour."),
        (60, "minutes", "hours", "60 minutes is 1 hour."),
        (1, "miles", "kilometres", "There are about 1.609 kilometers in a mile."),
        (10, "miles", "kilometers", "10 miles is about 16.09 kilometers."),
        (2.54, "cm", "inches", "2.54 centimeters is 1 inch."),
        (1, "gallon", "cups", "There are 16 cups in a gallon."),
        (1, "cup", "ounces", "There are 8 fluid ounces in a cup."),
        (16, "ounces", "cups", "16 fluid ounces is 2 cups."),
        (1, "tablespoon", "teaspoons", "There are 3 teaspoons in a tablespoon."),
        (1, "meter", "meters", "There is 1 meter in a meter."),
        (68, "degrees Fahrenheit", "Celsius", "68 degrees Fahrenheit is 20 degrees Celsius."),
        (-40, "Celsius", "Fahrenheit", "-40 degrees Celsius is -40 degrees Fahrenheit."),
        (1, "celsius", "kelvin", "1 degree Celsius is 274.15 kelvin."),
        (60, "mph", "km/h", "60 miles per hour is about 96.56 kilometers per hour."),
        (1, "knot", "kilometers per hour", "There are 1.852 kilometers per hour in a knot."),
    ],
)
def test_conversions(amount: float, source: str, target: str, says: str) -> None:
    assert convert_units(amount, source, target) == says
    assert same_dimension(source, target)


@pytest.mark.parametrize(
    ("source", "target", "code"),
    [("pounds", "miles", "units-differ"), ("cubits", "feet", "unit-unknown"), ("feet", "kilometrs", "unit-unknown")],
)
def test_conversions_that_cannot_be(source: str, target: str, code: str) -> None:
    with pytest.raises(ToolError) as raised:
        convert_units(1, source, target)
    assert raised.value.code == code
    assert not same_dimension(source, target)


def test_a_unit_has_one_meaning() -> None:
    names = [name.lower() for unit in UNITS for name in unit.names]
    assert {name for name in names if names.count(name) > 1} <= {unit.singular for unit in UNITS}
