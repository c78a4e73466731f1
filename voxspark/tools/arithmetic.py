"""Arithmetic with exact fractions. An expression is read and worked out in one pass, bounded at every step.

sum     = product (("+" | "-") product)*
product = signed (("*" | "/" | "//" | "%" | "% of") signed)*
signed  = ("+" | "-") signed | atom ("**" signed)?
atom    = number | "(" sum ")" | "sqrt" "(" sum ")"
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Annotated

from voxspark.errors import ToolError
from voxspark.tools.phrases import Number, say
from voxspark.tools.registry import Tool, tool

MAX_LENGTH = 200
"""Characters in an expression."""

MAX_DEPTH = 24
"""Parentheses, signs and powers inside each other."""

MAX_DIGITS = 30
"""Digits in one written number."""

MAX_BITS = 4096
"""Size of a numerator or denominator: about 1,200 digits."""

SQUARE_ROOT_DIGITS = 20
"""Decimals of a root that is not exact."""

TOKEN = re.compile(r"\s*(?:(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+)|(% ?of\b|\*\*|//|sqrt\b|[-+*/%()]))")
SIGNS = str.maketrans({"^": "**", "×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "√": "sqrt"})

SYNTAX = "calculate-syntax"
"""Code of the error for text that is no expression."""


@tool(permission="read", fate="turn", core=True)
def calculate(
    expression: Annotated[str, "Numbers with + - * / // % ** and parentheses, sqrt(81), or 15% of 80."],
) -> str:
    """Work out an arithmetic expression exactly."""
    return say("That's {number}.", number=Number(evaluate(expression)))


def arithmetic_tools() -> tuple[Tool, ...]:
    """calculate."""
    return (Tool.of(calculate),)


def evaluate(expression: str) -> Fraction:
    """The exact value, or to 12 digits where there is none. Raises ToolError."""
    return _Reader(expression).value()


class _Reader:
    def __init__(self, expression: str) -> None:
        if len(expression) > MAX_LENGTH:
            raise ToolError("calculate-long", "That expression is too long for me.", "Split it into parts.")
        self._tokens = _tokens(expression.lower().replace("percent", "%").translate(SIGNS))
        self._next = 0
        self._depth = 0

    def value(self) -> Fraction:
        value = self._sum()
        if self._next < len(self._tokens):
            raise _not_an_expression()
        return value

    def _take(self, *wanted: str) -> str | None:
        """The next token when it is one of these."""
        if self._next < len(self._tokens) and self._tokens[self._next] in wanted:
            self._next += 1
            return self._tokens[self._next - 1]
        return None

    def _sum(self) -> Fraction:
        value = self._product()
        while sign := self._take("+", "-"):
            right = self._product()
            value = _bounded(value + right if sign == "+" else value - right)
        return value

    def _product(self) -> Fraction:
        value = self._signed()
        while operator := self._take("*", "/", "//", "%", "%of"):
            value = _bounded(_multiply(value, operator, self._signed()))
        return value

    def _signed(self) -> Fraction:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ToolError("calculate-deep", "That expression is nested too deeply for me.", "Split it into parts.")
        if sign := self._take("+", "-"):
            value = self._signed() if sign == "+" else -self._signed()
        else:
            value = self._atom()
            if self._take("**"):
                value = _bounded(_power(value, self._signed()))
        self._depth -= 1
        return value

    def _atom(self) -> Fraction:
        root = self._take("sqrt")
        if self._take("("):
            value = self._sum()
            if not self._take(")"):
                raise _not_an_expression()
            return _square_root(value) if root else value
        if root or self._next == len(self._tokens) or not (token := self._tokens[self._next])[0].isdecimal():
            raise _not_an_expression()
        self._next += 1
        return Fraction(token)


def _tokens(text: str) -> list[str]:
    """Numbers as `Fraction` reads them, and operators."""
    tokens: list[str] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = TOKEN.match(text, at)
        if match is None:
            raise _not_an_expression()
        number, operator = match.groups()
        if number and len(number) > MAX_DIGITS:
            raise _too_large()
        tokens.append(f"0{number.replace(',', '').rstrip('.')}" if number else operator.replace(" ", ""))
        at = match.end()
    return tokens


def _multiply(left: Fraction, operator: str, right: Fraction) -> Fraction:
    if operator == "*":
        return left * right
    if operator == "%of":
        return left / 100 * right
    if not right:
        raise ToolError("calculate-division", say("I can't divide by zero."))
    return left / right if operator == "/" else Fraction(left // right) if operator == "//" else left % right


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if not base and exponent < 0:
        raise ToolError("calculate-division", say("I can't divide by zero."))
    if exponent.denominator == 1:
        if abs(exponent) * (_bits(base) - 1) > MAX_BITS:
            raise _too_large()
        return Fraction(base**exponent.numerator)
    if base < 0:
        raise ToolError("calculate-root", say("I can't take that root of a negative number."))
    try:
        return Fraction(f"{float(base) ** float(exponent):.12g}")
    except (OverflowError, ValueError) as error:
        raise _too_large() from error


def _square_root(value: Fraction) -> Fraction:
    if value < 0:
        raise ToolError("calculate-root", say("I can't take the square root of a negative number."))
    exact = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
    if exact * exact == value:
        return exact
    scale = 10**SQUARE_ROOT_DIGITS
    return Fraction(math.isqrt(value.numerator * scale * scale // value.denominator), scale)


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _bounded(value: Fraction) -> Fraction:
    if _bits(value) > MAX_BITS:
        raise _too_large()
    return value


def _too_large() -> ToolError:
    return ToolError("calculate-size", say("That number is too large for me."), "Ask for something smaller.")


def _not_an_expression() -> ToolError:
    return ToolError(
        SYNTAX,
        say("I can't work out that expression."),
        "Use numbers, + - * / // % **, parentheses, sqrt() or N% of M.",
    )
