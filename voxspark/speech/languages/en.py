"""American English."""

from __future__ import annotations

import re
from collections.abc import Iterable

from voxspark.speech.abbreviations import full_stop
from voxspark.speech.languages.locale import (
    OVER,
    YEAR,
    Clauses,
    Locale,
    Noun,
    Romans,
    Rule,
    Short,
    Words,
    nouns,
    with_s,
)
from voxspark.speech.numbers import Numbers

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_MONTH = (
    r"(?P<month>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|"
    r"Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_MONTH_DAY = re.compile(
    rf"\b{_MONTH} (?P<day>\d\d?)(?:st|nd|rd|th)?(?: to (?P<last>\d\d?)(?:st|nd|rd|th)?)?(?:,? (?P<year>{YEAR}))?{OVER}"
    r"(?! ?(?:[aApP]\.?[mM]\b|%))"
)
_DAY_MONTH = re.compile(rf"(?<![\w.,:/])(?P<day>\d\d?) {_MONTH}(?:,? (?P<year>{YEAR}){OVER})?")
_MONTH_YEAR = re.compile(rf"\b{_MONTH},? (?P<year>{YEAR}){OVER}")
_TIME = re.compile(
    r"(?<![\w.:])(?P<hour>\d\d?)(?=:[0-5]\d| ?[aApP]\.?[mM])(?::(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?)?(?![\d:])"
    r"(?: ?(?:(?P<dotted>[aApP])\.[mM]\.|(?P<plain>[aApP])[mM]\b))?"
)
_DECADE = re.compile(r"\b((?:1[1-9]|20)\d0)'?s\b|(?<=[Tt]he )'?([2-9]0)'?s\b|(?<!\w)'([2-9]0)s\b")
_YEARS = re.compile(
    r"(?i:(?<=\()|\b(?:in|since|year|by|of|from|until|till|before|after|around|circa|during|between|late|early|mid|"
    r"spring|summer|autumn|fall|winter)\b[ -])"
    rf"(?P<first>{YEAR}){OVER}(?:(?P<link> (?:to|and|or) )(?P<last>{YEAR}){OVER})?"
)
_YEAR_RANGE = re.compile(rf"(?<![\w.,])(?P<first>{YEAR})(?P<link> to )(?P<last>{YEAR}){OVER}")

_BEGINS = (
    r"(?:The|This|That|These|Those|It|I|You|We|They|He|She|There|Here|My|Your|Our|So|But|And|If|Then|What|Why|How|When|"
    r"Where|Who|Which|In|For|Is|Are|Do|Does|Let|Please|Yes|No|Now|Also|However|After|Before|While|Although|Because|"
    r"Once|Finally|Next|Can|Could|Would|Should|Will|Did|Have|Just|Not|Remember)(?![\w.])"
)
_BEGINNING = re.compile(_BEGINS)


class _Dates:
    """Dates, times of day, years and decades in digits."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def middle(self) -> Iterable[Rule]:
        yield _MONTH_DAY, self._month_day
        yield _DAY_MONTH, self._day_month
        yield _MONTH_YEAR, lambda found: f"{_MONTHS[_month(found) - 1]} {self._numbers.year(found['year'])}"
        yield _TIME, self._time
        yield _DECADE, self._decade
        yield re.compile(r"(?<![\w.,])(\d)'(\d\d?)(?:\"|'')"), self._feet

    def late(self) -> Iterable[Rule]:
        ordinal = re.compile(r"\b(\d{1,3}(?:,\d{3})+|\d+)(?:st|nd|rd|th)\b")
        yield ordinal, lambda found: self._numbers.ordinal(found[1])
        yield _YEARS, self._years
        yield _YEAR_RANGE, self._years

    def _month_day(self, found: re.Match[str]) -> str:
        """`Nov 24`, `November 24th, 2026`, `Nov. 24 to 26`."""
        if not all(1 <= int(day) <= 31 for day in (found["day"], found["last"]) if day):
            return found[0]
        ordinal = self._numbers.ordinal
        days = ordinal(found["day"]) + (f" to {ordinal(found['last'])}" if found["last"] else "")
        year = f", {self._numbers.year(found['year'])}" if found["year"] else ""
        return f"{_MONTHS[_month(found) - 1]} {days}{year}"

    def _day_month(self, found: re.Match[str]) -> str:
        """`24 November 2026`."""
        day = int(found["day"])
        return _date(self._numbers, day, _month(found), found["year"] or "", "") if 1 <= day <= 31 else found[0]

    def _two_digits(self, text: str) -> str:
        return f"oh {self._numbers.cardinal(text[1])}" if text[0] == "0" else self._numbers.cardinal(text)

    def _time(self, found: re.Match[str]) -> str:
        """`10:05`, `7:00`, `18:30`, `7:30 p.m.`, `7am`, `1:02:03`."""
        hour, minute, second = int(found["hour"]), found["minute"], found["second"]
        half = found["dotted"] or found["plain"]
        if minute is None and not half:
            return found[0]
        words = self._numbers.cardinal(str(hour))
        if second:
            words += f" {self._two_digits(minute)} {self._two_digits(second)}"
        elif minute not in (None, "00"):
            words += f" {self._two_digits(minute)}"
        elif not half:
            words = "midnight" if hour in (0, 24) else f"{words} o'clock" if hour <= 12 else f"{words} hundred"
        dot = full_stop(found, _BEGINNING) if found["dotted"] else ""
        return f"{words} {half.upper()}M{dot}" if half else words

    def _decade(self, found: re.Match[str]) -> str:
        """`1980s`, `the 90s`, `'70s`."""
        words = self._numbers.year(found[1]) if found[1] else self._numbers.cardinal(found[2] or found[3])
        return f"{words.removesuffix('y')}ies" if words.endswith("y") else f"{words}s"

    def _feet(self, found: re.Match[str]) -> str:
        return f"{self._numbers.cardinal(found[1])} foot {self._numbers.cardinal(found[2])}"

    def _years(self, found: re.Match[str]) -> str:
        """A year after the word that makes it one, or a range of years."""
        before = found[0][: found.start("first") - found.start()]
        last = f"{found['link']}{self._numbers.year(found['last'])}" if found["last"] else ""
        return before + self._numbers.year(found["first"]) + last


def _month(found: re.Match[str]) -> int:
    return next(index for index, name in enumerate(_MONTHS, 1) if name.startswith(found["month"][:3]))


def _date(numbers: Numbers, day: int, month: int, year: str, before: str) -> str:
    of_year = f", {numbers.year(year) if re.fullmatch(YEAR, year) else numbers.cardinal(year)}" if year else ""
    return f"{_MONTHS[month - 1]} {numbers.ordinal(str(day))}{of_year}"


def _ruler(numbers: Numbers, name: str, numeral: int) -> str:
    return f"the {numbers.ordinal(str(numeral))}"


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
    "V": "volt", "mV": "millivolt", "W": "watt", "kW": "kilowatt", "MW": "megawatt", "GW": "gigawatt",
    "Wh": "watt hour", "kWh": "kilowatt hour", "mA": "milliamp", "mAh": "milliamp hour", "dB": "decibel",
    "kcal": "kilocalorie", "kJ": "kilojoule", "hPa": "hectopascal",
    "psi": "pound per square inch|pounds per square inch",
    "mph": "mile per hour|miles per hour", "kph": "kilometer per hour|kilometers per hour",
    "mpg": "mile per gallon|miles per gallon", "rpm": "revolution per minute|revolutions per minute",
    "bpm": "beat per minute|beats per minute", "fps": "frame per second|frames per second", "px": "pixel",
    "%": "percent|percent",
}  # fmt: skip

_DOLLAR, _CENT = Noun("dollar", "dollars"), Noun("cent", "cents")
_POUND = Noun("pound", "pounds"), Noun("penny", "pence")
_EURO = Noun("euro", "euros"), _CENT
_YEN = Noun("yen", "yen"), Noun("sen", "sen")
_RUPEE = Noun("rupee", "rupees"), Noun("paisa", "paise")
_FRANC = Noun("Swiss franc", "Swiss francs"), Noun("centime", "centimes")

_WORDS = Words(
    per="per", to="to", by="by", times="times", over="over", out_of="out of", minus="minus", plus="plus",
    about="about", number="number", version="version", squared="squared", cubed="cubed",
    dot="dot", at="at", dash="dash", underscore="underscore", slash="slash", backslash="backslash", star="star",
    pipe="pipe", dollar="dollar", tilde="tilde", or_="or", and_="and", link="a link", link_to="a link to",
    code_left_out="I have left out the code.",
)  # fmt: skip

_BEFORE_NUMBER = {
    "no": "number", "nos": "numbers", "p": "page", "pp": "pages", "fig": "figure", "figs": "figures",
    "vol": "volume", "ch": "chapter", "eq": "equation", "ext": "extension",
}  # fmt: skip

_RANKS = {
    "Gen": "General", "Col": "Colonel", "Capt": "Captain", "Lt": "Lieutenant", "Sgt": "Sergeant",
    "Gov": "Governor", "Sen": "Senator", "Rep": "Representative", "Rev": "Reverend",
}  # fmt: skip

_SHORT = Short(
    never_last=frozenset(
        ["mr", "mrs", "ms", "mx", "dr", "prof", "messrs", "e.g", "i.e", "approx", "vs", "cf", "viz"],
    ),
    sometimes_last=frozenset(
        [
            *("etc", "inc", "ltd", "co", "corp", "jr", "sr", "esq", "bros", "al", "dept", "est", "govt", "incl"),
            *("gen", "col", "capt", "lt", "sgt", "gov", "sen", "rep", "rev", "hon"),
            *("st", "ave", "blvd", "rd", "mt", "ft", "lb", "lbs", "oz", "min", "max", "hr", "hrs", "sec"),
        ]
    ),
    before_number=_BEFORE_NUMBER,
    months=frozenset(["jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"]),
    begins=_BEGINS,
    spoken={
        "dr.": "Doctor", "mr.": "Mister", "mrs.": "Missus", "ms.": "Ms", "prof.": "Professor", "jr.": "Junior",
        "sr.": "Senior", "inc.": "Incorporated", "ltd.": "Limited", "corp.": "Corporation", "ave.": "Avenue",
        "blvd.": "Boulevard", "jan.": "January", "feb.": "February", "apr.": "April", "aug.": "August",
        "sept.": "September", "oct.": "October", "nov.": "November", "dec.": "December", "e.g.": "for example",
        "i.e.": "that is", "etc.": "and so on", "vs.": "versus", "vs": "versus", "cf.": "compare", "viz.": "namely",
        "approx.": "approximately", "ca.": "about", "a.k.a.": "also known as", "ph.d.": "PhD", "incl.": "including",
        "dept.": "department", "govt.": "government", "w/o": "without", "w/": "with",
    },
    rewrites=(
        (
            re.compile(r"\bSt\.(?= [A-Z][a-z])"),
            lambda found: f"Street{dot}" if (dot := full_stop(found, _BEGINNING)) else "Saint",
        ),
        (re.compile(r"\bSt\."), lambda found: f"Street{full_stop(found, _BEGINNING)}"),
        (re.compile(r"\b(Gen|Col|Capt|Lt|Sgt|Gov|Sen|Rep|Rev)\.(?= [A-Z][a-z])"), lambda found: _RANKS[found[1]]),
    ),
    initialisms=frozenset(["UN", "IRS", "CEO", "CTO", "EST", "DIY", "NYC"]),
    said_as_one=frozenset(["PM", "MP", "MR", "MRS", "MS", "DR", "ST", "HMM", "SHH", "PSST"]),
)  # fmt: skip

LOCALE = Locale(
    code="en",
    words=_WORDS,
    short=_SHORT,
    clauses=Clauses(
        opening=(
            r"(?:(?:because|which|but|although|though|while|whereas|unless)(?=[^\w'’-])"
            r"|(?:and|so|or)\s+(?:I|you|he|she|it|we|they|there|then|this|that|if|when)(?=[^\w-]))"
        ),
        joining=r"(?:and|so|or)",
        leaning=(
            r"in|of|to|for|with|by|on|at|from|about|just|only|even|all|nothing|anything|not|mainly|mostly|after|a|the"
        ),
    ),
    romans=Romans(
        labels=(
            r"(?i:chapter|part|volume|book|act|scene|section|article|phase|type|class|level|stage|title|appendix|"
            r"world war|super bowl|mark|grade)"
        ),
        rulers=(
            r"Henry|Louis|Charles|Elizabeth|George|Edward|James|William|Richard|Mary|John|Paul|Benedict|Pius|Leo|"
            r"Francis|Philip|Alexander|Napoleon|Nicholas|Catherine|Peter|Ivan|Frederick|Wilhelm|Otto|Victoria|Gregory|"
            r"Innocent|Urban|Clement|Juan|Carlos|Felipe|Ludwig|Gustav|Harald|Christian|Ramses|Ramesses|Cleopatra|"
            r"Ptolemy|Darius|Xerxes|Cyrus|Edgar|Margaret|Joseph|Leopold|Albert|Haakon|Olaf|Robert|David"
        ),
        word=r"I (?!(?:of|was|died|ruled|reigned|became)\b)[a-z]",
        ruler=_ruler,
    ),
    group=",",
    points={".": "point"},
    cardinals=dict.fromkeys(("", "m", "f"), "spellout-cardinal"),
    ordinals={"": "spellout-ordinal"},
    respelled=(("oh-", "oh "),),
    one=r"1(?:\.0+)?",
    months=_MONTHS,
    day_first=False,
    date=_date,
    phone=(
        r"(?<![\w.])(?:\+?1[-. ])?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}(?![\w-])"
        r"|(?<![\w-])\d{3}-\d{4}(?![\w-]|[.,]\d)"
        r"|(?<![\w.,-])0\d{2,4} \d{3,4} \d{3,4}(?!\w)"
        r"|(?<![\w.,-])0\d{1,4}[ /-]\d{6,8}(?!\w)"
        r"|(?:(?<=\b[Cc]all )|(?<=\b[Dd]ial ))\d{3}\b(?![.,]?\d)"
    ),
    units=nouns(_UNITS, with_s),
    unit_only={
        "in": r"(?<=\d)in|in(?= (?:wide|long|tall|high|deep|thick|by|x)\b| ?[.,;:)]|\s*\Z)",
    },
    currencies={
        "$": (_DOLLAR, _CENT), "USD": (_DOLLAR, _CENT), "€": _EURO, "EUR": _EURO, "£": _POUND, "GBP": _POUND,
        "¥": _YEN, "JPY": _YEN, "₹": _RUPEE, "INR": _RUPEE, "CHF": _FRANC,
    },
    and_cents="{whole} and {cents} {coins}",
    scales={
        name: Noun(said, said)
        for name, said in {
            "k": "thousand", "K": "thousand", "m": "million", "M": "million", "B": "billion", "bn": "billion",
            "hundred": "hundred", "thousand": "thousand", "million": "million", "billion": "billion",
            "trillion": "trillion",
        }.items()
    },
    article=r"\b[Aa]n? ",
    fractions=nouns(
        {
            2: "half|halves", 3: "third", 4: "quarter", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth", 9: "ninth",
            10: "tenth", 12: "twelfth", 16: "sixteenth", 20: "twentieth", 32: "thirty-second", 64: "sixty-fourth",
            100: "one hundredth",
        },
        with_s,
    ),
    halves="{whole} and a half",
    mixed="{whole} and {part}",
    periods={"s": "second", "min": "minute", "h": "hour"}
    | {name: name for name in ("day", "week", "month", "year")},
    keeps_hosts=True,
    symbols={
        "&": "and", "%": "percent", "+": "plus", "=": "equals", "==": "equals", "@": "at", "<": "less than",
        ">": "greater than", "<=": "less than or equal to", ">=": "greater than or equal to",
        "!=": "is not equal to", "->": "to", "=>": "to", "→": "to", "⇒": "to", "°": "degrees", "$": "dollar",
        "€": "euro", "£": "pound", "¥": "yen", "₹": "rupee", "×": "times", "÷": "divided by",
        "^": "to the power of", "≈": "about", "±": "plus or minus", "√": "square root of", "∞": "infinity",
        "§": "section",
    },
    middle=lambda numbers: _Dates(numbers).middle(),
    late=lambda numbers: _Dates(numbers).late(),
)  # fmt: skip
