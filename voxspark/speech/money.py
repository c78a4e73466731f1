"""Amounts of money: "$3.50" -> "three dollars and fifty cents"."""

from __future__ import annotations

import re

from voxspark.speech.languages.locale import Noun, Rule
from voxspark.speech.numbers import Numbers
from voxspark.speech.units import Measures


class Money:
    """Says the money of one language; `sign` and `scale` are regexes for what stands around an amount."""

    def __init__(self, numbers: Numbers, measures: Measures) -> None:
        self._numbers, self._measures, self._locale = numbers, measures, numbers.locale
        names = "|".join(re.escape(sign) for sign in sorted(self._locale.currencies, key=len, reverse=True))
        self.sign = f"(?:{names})"
        scales = "|".join(re.escape(scale) for scale in sorted(self._locale.scales, key=len, reverse=True))
        self.scale = rf"(?: ?(?:{scales}))(?!\w)"

    def rules(self) -> tuple[Rule, ...]:
        """An amount before its sign is turned around; then sign and amount are said."""
        number, sign = self._numbers.pattern, self.sign
        turned = rf"(?<![\w.,$€£¥₹])({number})({self.scale})? ?({sign})(?![\w]| ?\d)"
        amount = (
            rf"(?P<article>{self._locale.article})?(?<![^\W\d_])(?P<sign>{sign})(?:(?<![a-z]) )?(?P<amount>{number})"
            rf"(?:{re.escape(f' {self._locale.words.to} ')}{sign}?(?P<last>{number}))?(?P<scale>{self.scale})?"
            r"(?: ?/ ?(?P<per>[A-Z]?[a-zà-ÿ]+))?"
        )
        return (
            (re.compile(turned), lambda found: f"{found[3]}{found[1]}{found[2] or ''}"),
            (re.compile(amount), self._say),
        )

    def _say(self, found: re.Match[str]) -> str:
        """`$3.50`, `$5 to 10`, `£2 million`, `$5/month`, `a $20 bill`."""
        money, coin = self._locale.currencies[found["sign"]]
        if found["article"]:
            money, coin = (Noun(noun.one, noun.one, noun.gender) for noun in (money, coin))
        low = ""
        amount = found["amount"]
        if found["last"]:
            low = f"{self._numbers.number(amount, money.gender)} {self._locale.words.to} "
            amount = found["last"]
        words = (
            self._scaled(amount, found["scale"].strip(), money) if found["scale"] else self._amount(amount, money, coin)
        )
        return (found["article"] or "") + low + words + self._measures.per(found["per"])

    def _scaled(self, amount: str, scale: str, money: Noun) -> str:
        noun = self._locale.scales[scale]
        scaled = f"{self._numbers.number(amount, noun.gender)} {self._of(noun, amount)}"
        return self._locale.of_scale(scaled, money.many)

    def _amount(self, amount: str, money: Noun, coin: Noun) -> str:
        numbers = self._numbers
        whole, _, fraction = numbers.parts(amount)
        if len(fraction) > 2:
            return f"{numbers.number(amount)} {money.many}"
        cents = str(int(fraction.ljust(2, "0")))
        spoken = f"{numbers.cardinal(whole, money.gender)} {self._of(money, whole)}"
        if cents == "0":
            return spoken
        coins = self._of(coin, cents)
        if not whole.strip("0"):
            return f"{numbers.cardinal(cents, coin.gender)} {coins}"
        gender = coin.gender if "{coins}" in self._locale.and_cents else ""
        return self._locale.and_cents.format(whole=spoken, cents=numbers.cardinal(cents, gender), coins=coins)

    def _of(self, noun: Noun, amount: str) -> str:
        return noun.one if self._numbers.is_one(amount) else noun.many
