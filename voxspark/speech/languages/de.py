"""German."""

from __future__ import annotations

import re
from collections.abc import Iterable

from voxspark.speech.abbreviations import full_stop
from voxspark.speech.languages.locale import OVER, Clauses, Locale, Noun, Romans, Rule, Short, Words, nouns
from voxspark.speech.numbers import Numbers
from voxspark.speech.roman import NUMERAL, value

_MONTHS = (
    *("Januar", "Februar", "März", "April", "Mai", "Juni"),
    *("Juli", "August", "September", "Oktober", "November", "Dezember"),
)
_MONTH = rf"(?:{'|'.join(_MONTHS)}|(?:Jan|Feb|Apr|Jun|Jul|Aug|Sept?|Okt|Nov|Dez)\b)"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"

_WEAK = re.compile(
    r"(?i:\b(?:am|vom|zum|beim|im|dem|den|des|der|zur|einem|einen|einer|eines|meinem|meinen|meiner|deinem|deinen|"
    r"seinem|seinen|ihrem|ihren|unserem|unseren|diesem|diesen|jedem|jeden|ab|bis|seit|und) )\Z"
)
"""After these an ordinal ends in -n; "der" is told apart by what follows."""
_NOMINATIVE = re.compile(r"(?i:\b(?:die|das|diese|dieses|jede|eine|meine|deine|seine|ihre|unsere) )\Z|\b[dD]er \Z")
_CASES = re.compile(r"(?i:\b(?:in|mit|nach|bei|von|aus|seit|zu|auf|an|während|wegen|anfang|ende|mitte) der )\Z")

_FEMININE = (
    r"(?:\w+(?:ung|heit|keit|schaft|tion|sion|tät|ei|ik|ur)|"
    r"Stunde|Minute|Sekunde|Woche|Nacht|Person|Frau|Seite|Aufgabe|Liste|Frage|Antwort|Nachricht|Million|Milliarde|"
    r"Tasse|Flasche|Dose|Packung|Scheibe|Portion|Zeile|Datei|Mail|E-Mail|Karte|Straße|Stadt|Hand|Meile|Tonne|Unze|"
    r"Etage|Runde|Stelle|Stufe|Reihe|Gruppe|Klasse|Hälfte|Sache|Idee|Firma|Birne|Banane|Tomate|Zwiebel|Zitrone|Katze|"
    r"Lampe|Rose|Nummer|Mutter|Schwester|Tochter|Oma|Uhrzeit|Kugel|Gabel)\b"
)
_NEUTER = (
    r"(?:Jahrhundert|Mal|Kapitel|Buch|Kind|Haus|Spiel|Jahr|Quartal|Halbjahr|Semester|Stockwerk|Obergeschoss|Tor|Bild|"
    r"Lied|Album|Zimmer|Treffen|Gebot|Bein|Zeichen|Wort|Viertel|Pfund|Kilo|Glas|Dutzend)\b"
)
_NEVER_COUNTED = r"(?!(?:Uhr|Prozent|Grad|und|bis)\b)"
_COUNTED = re.compile(rf" (?:(?P<f>{_FEMININE})|(?P<m>{_NEVER_COUNTED}[A-ZÄÖÜ][a-zäöüß]+\b))")

_BEGINS = (
    r"(?:Der|Die|Das|Dies|Diese|Dieser|Dieses|Den|Dem|Ein|Eine|Ich|Du|Er|Sie|Es|Wir|Ihr|Man|Mein|Meine|Dein|Deine|"
    r"Sein|Seine|Ihre|Unser|Unsere|Und|Aber|Oder|Denn|Doch|Also|Wenn|Weil|Dass|Dann|Da|Dort|Hier|Jetzt|Nun|Heute|"
    r"Morgen|Gestern|Was|Wer|Wie|Wo|Wann|Warum|Welche|Welcher|Welches|Wohin|In|Im|Am|An|Auf|Für|Mit|Nach|Von|Vor|Zu|"
    r"Zum|Zur|Bei|Beim|Bis|Ist|Sind|Hat|Haben|Kann|Soll|Möchtest|Willst|Bitte|Ja|Nein|Nicht|Kein|Keine|So|Auch|Noch|"
    r"Nur|Schon|Sonst|Außerdem|Danach|Zuerst|Leider|Natürlich|Danke|Alle|Alles|Viele|Etwas|Nichts|Gut|Okay)(?![\w.-])"
)


_NUMBER = r"(?<![\w.,])"
_DAYS = re.compile(rf"{_NUMBER}({_DAY}\.)(?:-| ?– ?)(?={_DAY}\. ?(?:{_MONTH}|\d))")
"""3.-5. Mai"""
_DAY_AND_MONTH = re.compile(
    rf"{_NUMBER}(?:(?=\d\d\.\d|\d\.\d\d)|(?i:(?<=\bam |\bab )|(?<=\bvom |\bzum |\bden |\bder |\bdem )|(?<=\bseit )))"
    rf"(?P<day>{_DAY})\.(?P<month>0?[1-9]|1[0-2])\.(?![\w.])"
)
"""24.11. and, behind a word that makes it a date, 3.5."""
_BEFORE_A_DAY = re.compile(
    rf"{_NUMBER}({_DAY})\.(?= bis {_DAY}\.| (?:bis|und|oder) \w+te[nrs]? {_MONTH}| Jh\.| Jhd\.|"
    r" (?:und|oder|bis) \d{1,3}\. [A-ZÄÖÜ])"
)
"""3. bis 5. Mai"""
_BEFORE_A_NOUN = re.compile(
    rf"{_NUMBER}(\d{{1,3}})\.(?= (?!{_BEGINS})"
    r"(?:[A-ZÄÖÜ][a-zäöüß]|FC|[a-zäöüß]+(?:er?|en|es|ste|sten) [A-ZÄÖÜ]))"
)
"""2. Platz, 2. offizieller Termin"""
_HOUR = r"(?<![\w.,:])(?P<hour>[01]?\d|2[0-4])"
_MINUTE = r"(?P<minute>[0-5]\d)"
_SECOND = r"(?P<second>[0-5]\d)"


class _Dates:
    """Dates, times of day, ordinals, years."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def early(self) -> Iterable[Rule]:
        yield _DAYS, lambda found: f"{found[1]} bis "
        yield _DAY_AND_MONTH, self._day_month
        yield re.compile(rf"{_NUMBER}({_DAY})\. ?(?={_MONTH})"), lambda found: f"{self._day(found)} "
        yield _BEFORE_A_DAY, self._day
        yield _BEFORE_A_NOUN, self._day

    def halves(self) -> Iterable[Rule]:
        """`1/2 Stunde`."""
        half = r"(?<![\w.,/])(?<!\d )1/2 +(?="
        yield re.compile(rf"{half}{_FEMININE})"), lambda _: "eine halbe "
        yield re.compile(rf"{half}{_NEUTER})"), lambda _: "ein halbes "
        yield re.compile(rf"{half}[A-ZÄÖÜ])"), lambda _: "ein halber "

    def middle(self) -> Iterable[Rule]:
        yield from self.halves()
        yield re.compile(rf"{_HOUR}[:.]{_MINUTE}(?:[:.]{_SECOND})?(?: ?(?:Uhr|h)\b)"), self._time
        yield re.compile(rf"{_HOUR}:{_MINUTE}(?::{_SECOND})?(?![\d:])"), self._time
        yield re.compile(rf"{_HOUR}(?= bis \d{{1,2}}(?:[:.]\d\d)? Uhr| Uhr\b)"), self._hour
        yield re.compile(r"\b(\d{2,4})er(?!\w)"), self._decade

    def late(self) -> Iterable[Rule]:
        yield re.compile(rf"(?<![\w.,])(1[1-9]\d\d){OVER}(?! ?(?:[A-ZÄÖÜ][a-zäöüß]|[€$£%]))"), self._year
        yield re.compile(rf"(?i:(?<=\bjahr )|(?<=\bjahre ))(1[1-9]\d\d){OVER}"), self._year

    def _day_month(self, found: re.Match[str]) -> str:
        """`24.11.`"""
        before = found.string[max(0, found.start() - 30) : found.start()]
        day, month = int(found["day"]), int(found["month"])
        stop = "." if not found.string[found.end() :].strip("\"')* ") else ""
        return _date(self._numbers, day, month, "", before) + stop

    def _day(self, found: re.Match[str]) -> str:
        before = found.string[max(0, found.start() - 30) : found.start()]
        return self._numbers.ordinal(found[1], _form(before, found.string[found.end() :].lstrip()))

    def _time(self, found: re.Match[str]) -> str:
        """`14:05 Uhr`, `14.05 Uhr`, `14:05`, `1:02:03`."""
        cardinal = self._numbers.cardinal
        words = f"{cardinal(str(int(found['hour'])), 'm')} Uhr"
        if int(found["minute"]):
            words += f" {cardinal(str(int(found['minute'])))}"
        if found["second"]:
            second = str(int(found["second"]))
            noun = "Sekunde" if second == "1" else "Sekunden"
            words += f" und {cardinal(second, 'f')} {noun}"
        return words

    def _hour(self, found: re.Match[str]) -> str:
        return self._numbers.cardinal(str(int(found["hour"])), "m")

    def _decade(self, found: re.Match[str]) -> str:
        """`80er`, `1980er`."""
        said = self._numbers.year(found[1]) if len(found[1]) == 4 else self._numbers.cardinal(found[1])
        return f"{said}er"

    def _year(self, found: re.Match[str]) -> str:
        return self._numbers.year(found[1])


def _form(before: str, following: str) -> str:
    """The ending of an ordinal, by the words around it."""
    if start := re.search(r"\d\.? ?(?:bis|und|-|–) ?\Z", before):
        return _form(before[: start.start()].rstrip("0123456789"), following)
    if _CASES.search(before):
        return "n"
    if _NOMINATIVE.search(before):
        return ""
    if _WEAK.search(before):
        return "n"
    if re.match(_FEMININE, following):
        return ""
    return "s" if re.match(_NEUTER, following) else "r"


def _date(numbers: Numbers, day: int, month: int, year: str, before: str) -> str:
    of_year = f" {numbers.year(year)}" if year else ""
    return f"{numbers.ordinal(str(day), _form(before, ''))} {_MONTHS[month - 1]}{of_year}"


_QUEENS = frozenset(["Elisabeth", "Maria", "Katharina", "Viktoria", "Margarethe", "Margrethe", "Isabella", "Christina"])


def _ruler(numbers: Numbers, name: str, numeral: int) -> str:
    """`Ludwig XIV.` is the nominative, `Ludwigs XIV.` the genitive."""
    if name in _QUEENS:
        return f"die {numbers.ordinal(str(numeral)).capitalize()}"
    if name.endswith("s") and name[:-1] in _KINGS:
        return f"des {numbers.ordinal(str(numeral), 'n').capitalize()}"
    return f"der {numbers.ordinal(str(numeral)).capitalize()}"


_KINGS = (
    *("Ludwig", "Heinrich", "Friedrich", "Wilhelm", "Otto", "Karl", "Franz", "Joseph", "Georg", "Eduard", "Philipp"),
    *("Johannes", "Paul", "Benedikt", "Pius", "Leo", "Napoleon", "Alexander", "Nikolaus", "Peter", "Gustav", "Konrad"),
    *("Leopold", "Maximilian", "Richard", "Jakob", "Gregor", "Innozenz", "Klemens", "Felipe", "Charles", "Rudolf"),
    *("Ferdinand", "Sigismund", "Albrecht", "Ernst", "August", "Harald", "Christian", "Ramses", "Henry", "Louis"),
)


def _romans(numbers: Numbers) -> tuple[Rule, ...]:
    """`XIV.` with its dot is an ordinal, after a name that of a ruler."""
    names = "|".join([*(f"{name}s?" for name in _KINGS), *_QUEENS])
    beginning = re.compile(_BEGINS)
    dotted = re.compile(rf"\b(?P<name>{names}) (?P<numeral>{NUMERAL})\.")
    before_noun = re.compile(rf"(?<![\w.])(?P<numeral>(?=[IVX]{{1,6}}\.){NUMERAL})\.(?= [A-ZÄÖÜ][a-zäöüß]{{4,}})")
    return (
        (
            dotted,
            lambda found: (
                f"{found['name']} {_ruler(numbers, found['name'], value(found['numeral']))}"
                + full_stop(found, beginning)
            ),
        ),
        (
            before_noun,
            lambda found: numbers.ordinal(
                str(value(found["numeral"])),
                _form(found.string[max(0, found.start() - 30) : found.start()], found.string[found.end() + 1 :]),
            ),
        ),
    )


_SAME = {
    "km": "Kilometer", "m": "Meter", "dm": "Dezimeter", "cm": "Zentimeter", "mm": "Millimeter", "µm": "Mikrometer",
    "nm": "Nanometer", "km^2": "Quadratkilometer", "m^2": "Quadratmeter", "qm": "Quadratmeter",
    "cm^2": "Quadratzentimeter", "m^3": "Kubikmeter", "cm^3": "Kubikzentimeter", "ha": "Hektar", "ft": "Fuß",
    "kg": "Kilogramm", "g": "Gramm", "mg": "Milligramm", "µg": "Mikrogramm", "lb": "Pfund", "lbs": "Pfund",
    "l": "Liter", "L": "Liter", "dl": "Deziliter", "cl": "Zentiliter", "ml": "Milliliter", "mL": "Milliliter",
    "EL": "Esslöffel", "TL": "Teelöffel", "Stk": "Stück", "Pkg": "f Packung|Packungen",
    "mi": "f Meile|Meilen", "t": "f Tonne|Tonnen", "oz": "f Unze|Unzen",
    "h": "f Stunde|Stunden", "Std": "f Stunde|Stunden", "Std.": "f Stunde|Stunden",
    "min": "f Minute|Minuten", "Min": "f Minute|Minuten", "Min.": "f Minute|Minuten",
    "s": "f Sekunde|Sekunden", "sec": "f Sekunde|Sekunden", "Sek": "f Sekunde|Sekunden",
    "Sek.": "f Sekunde|Sekunden", "ms": "f Millisekunde|Millisekunden", "µs": "f Mikrosekunde|Mikrosekunden",
    "ns": "f Nanosekunde|Nanosekunden",
    "°C": "Grad Celsius", "°F": "Grad Fahrenheit", "°": "Grad",
    "KB": "Kilobyte", "kB": "Kilobyte", "MB": "Megabyte", "GB": "Gigabyte", "TB": "Terabyte", "PB": "Petabyte",
    "KiB": "Kibibyte", "MiB": "Mebibyte", "GiB": "Gibibyte", "TiB": "Tebibyte",
    "kbit/s": "Kilobit pro Sekunde", "Mbit/s": "Megabit pro Sekunde", "Gbit/s": "Gigabit pro Sekunde",
    "kbps": "Kilobit pro Sekunde", "Mbps": "Megabit pro Sekunde", "Gbps": "Gigabit pro Sekunde",
    "Hz": "Hertz", "kHz": "Kilohertz", "MHz": "Megahertz", "GHz": "Gigahertz",
    "V": "Volt", "mV": "Millivolt", "W": "Watt", "kW": "Kilowatt", "MW": "Megawatt", "GW": "Gigawatt",
    "Wh": "f Wattstunde|Wattstunden", "kWh": "f Kilowattstunde|Kilowattstunden", "PS": "PS",
    "mA": "Milliampere", "mAh": "f Milliamperestunde|Milliamperestunden", "dB": "Dezibel",
    "kcal": "f Kilokalorie|Kilokalorien", "kJ": "Kilojoule", "hPa": "Hektopascal",
    "mph": "f Meile pro Stunde|Meilen pro Stunde", "fps": "Bilder pro Sekunde", "px": "Pixel", "%": "Prozent",
}  # fmt: skip

_CENT = Noun("Cent", "Cent")
_EURO, _DOLLAR = (Noun("Euro", "Euro"), _CENT), (Noun("Dollar", "Dollar"), _CENT)
_POUND = Noun("Pfund", "Pfund"), Noun("Penny", "Pence")
_YEN = Noun("Yen", "Yen"), Noun("Sen", "Sen")
_RUPEE = Noun("Rupie", "Rupien", "f"), Noun("Paisa", "Paise")
_FRANC = Noun("Schweizer Franken", "Schweizer Franken"), Noun("Rappen", "Rappen")
_MILLION, _BILLION = Noun("Million", "Millionen", "f"), Noun("Milliarde", "Milliarden", "f")
_THOUSAND = Noun("Tausend", "Tausend")

LOCALE = Locale(
    code="de",
    words=Words(
        per="pro", to="bis", by="mal", times="mal", over="durch", out_of="von", minus="minus", plus="plus",
        about="ungefähr", number="Nummer", version="Version", squared="hoch zwei", cubed="hoch drei", dot="Punkt",
        at="at", dash="Minus", underscore="Unterstrich", slash="Schrägstrich", backslash="Backslash", star="Stern",
        pipe="Pipe", dollar="Dollar", tilde="Tilde", or_="oder", and_="und", link="ein Link",
        link_to="Link zu", code_left_out="Den Code habe ich weggelassen.",
    ),
    short=Short(
        never_last=frozenset(
            [
                *("z.b", "d.h", "u.a", "z.t", "i.d.r", "o.ä", "v.a", "d.i", "sog", "dr", "prof", "hr", "fr", "bzw"),
                *("ca", "vgl", "inkl", "exkl", "evtl", "ggf", "allg", "dipl", "ing", "st", "hl", "mag", "gegr", "geb"),
            ]
        ),
        sometimes_last=frozenset(
            [
                *("usw", "etc", "usf", "str", "tel", "max", "min", "std", "sek", "mio", "mrd", "tsd", "jh", "jhd"),
                *("chr", "ff", "bd", "abs", "jr", "sen", "jun", "co", "g", "stk", "gest", "zzgl", "bspw", "u", "o"),
            ]
        ),
        before_number={
            "nr": "Nummer", "nrn": "Nummern", "s": "Seite", "abb": "Abbildung", "kap": "Kapitel", "bd": "Band",
            "art": "Artikel", "abs": "Absatz", "tab": "Tabelle", "tel": "Telefon", "max": "maximal",
            "min": "mindestens",
        },
        months=frozenset(["jan", "feb", "mär", "apr", "jun", "jul", "aug", "sep", "sept", "okt", "nov", "dez"]),
        numbered=r"\d{1,3}|\d{1,2}\.\d{1,2}|[IVXLC]+",
        begins=_BEGINS,
        spoken={
            "z.b.": "zum Beispiel", "d.h.": "das heißt", "u.a.": "unter anderem", "z.t.": "zum Teil",
            "i.d.r.": "in der Regel", "o.ä.": "oder Ähnliches", "v.a.": "vor allem", "usw.": "und so weiter",
            "usf.": "und so fort", "etc.": "et cetera", "bzw.": "beziehungsweise", "ca.": "circa",
            "vgl.": "vergleiche", "inkl.": "inklusive", "exkl.": "exklusive", "evtl.": "eventuell",
            "ggf.": "gegebenenfalls", "allg.": "allgemein", "sog.": "sogenannte", "zzgl.": "zuzüglich",
            "bspw.": "beispielsweise", "dr.": "Doktor", "prof.": "Professor", "hr.": "Herr", "fr.": "Frau",
            "dipl.": "Diplom", "ing.": "Ingenieur", "hl.": "heilige", "geb.": "geboren", "gest.": "gestorben",
            "v.chr.": "vor Christus", "n.chr.": "nach Christus", "jh.": "Jahrhundert", "jhd.": "Jahrhundert",
            "tel.": "Telefon", "jan.": "Januar", "feb.": "Februar", "apr.": "April", "aug.": "August",
            "sept.": "September", "okt.": "Oktober", "nov.": "November", "dez.": "Dezember", "vs.": "gegen",
            "m.e.": "meines Erachtens", "s.o.": "siehe oben", "s.u.": "siehe unten", "u.u.": "unter Umständen",
            "mwst.": "Mehrwertsteuer", "mwst": "Mehrwertsteuer", "mfg": "mit freundlichen Grüßen",
        },
        rewrites=(
            (re.compile(r"(?<=[a-zäöüß])str\.(?!\w)"), lambda _: "straße"),
            (re.compile(r"\bStr\.(?!\w)"), lambda _: "Straße"),
            (re.compile(r"\bSt\.(?= [A-ZÄÖÜ])"), lambda _: "Sankt"),
            (re.compile(r"\bWLAN\b"), lambda _: "W-Lan"),
            (re.compile(r"(?<=[a-zäöüß])/-?innen\b|(?<=[a-zäöüß])[*:_]innen\b"), lambda _: "innen"),
        ),
        initialisms=frozenset(
            ["KI", "ARD", "EZB", "AG", "AGB", "BGB", "ADAC", "EDV", "EC", "ICE", "WC", "CDU"]
        ),
    ),
    clauses=Clauses(
        opening=(
            r"(?:(?:weil|obwohl|sodass|falls|sobald|aber|sondern|während)(?=[^\w'’-])"
            r"|(?:und|oder|denn)\s+(?:ich|du|er|sie|es|wir|ihr|man|dann|das|dort|wenn)(?=[^\w-]))"
        ),
        joining=r"(?:und|oder|denn)",
        leaning=r"nur|auch|sogar|nicht|alles|nichts|in|von|für|der|die|das|den|dem",
    ),
    romans=Romans(
        labels=r"(?:Kapitel|Teil|Band|Buch|Akt|Szene|Artikel|Phase|Typ|Klasse|Stufe|Weltkrieg|Anhang|Paragraph|Block)",
        rulers="|".join([*(f"{name}s?" for name in _KINGS), *sorted(_QUEENS)]),
        ruler=_ruler,
        rules=_romans,
    ),
    group=r"[. ]",
    points={",": "Komma", ".": "Punkt"},
    cardinals={"": "spellout-numbering", "m": "spellout-cardinal-masculine", "f": "spellout-cardinal-feminine"},
    ordinals={"": "spellout-ordinal"} | {ending: f"spellout-ordinal-{ending}" for ending in ("n", "r", "s")},
    respelled=(("\xad", ""),),
    counted=_COUNTED,
    months=_MONTHS,
    date=_date,
    ordinal_nouns=rf"(?:{_MONTH}|Platz|Preis|Versuch|Stock|Tag|Kapitel|Schritt|Liga|Klasse|Etage|Runde|Jahrhundert)(?!\w)",
    phone=(
        r"(?<![\w.,])(?<!\d )\(?0\d{1,5}\)?(?: ?[/-] ?| )\d{2,}(?:[ -]?\d{2,})*(?![\w,.]?\d)"
        r"|(?:(?<=\bNotruf )|(?<=\bwähle )|(?<=\b[Ww]ählen Sie )|(?<=\bdie ))1(?:10|12|16117)\b(?![.,]?\d)"
    ),
    units=nouns(_SAME, str),
    unit_only={
        "PS": r"PS(?!\w)", "t": r"t(?![\w'’])", "fps": r"fps",
    },
    currencies={
        "€": _EURO, "EUR": _EURO, "Euro": _EURO, "$": _DOLLAR, "USD": _DOLLAR, "Dollar": _DOLLAR, "£": _POUND,
        "GBP": _POUND, "¥": _YEN, "JPY": _YEN, "₹": _RUPEE, "CHF": _FRANC,
        "Franken": (Noun("Franken", "Franken"), _FRANC[1]),
    },
    and_cents="{whole} {cents}",
    scales={
        "k": _THOUSAND, "Tsd.": _THOUSAND, "Mio.": _MILLION, "Mio": _MILLION, "Mrd.": _BILLION, "Mrd": _BILLION,
        "Million": _MILLION, "Millionen": _MILLION, "Milliarde": _BILLION, "Milliarden": _BILLION, "M": _MILLION,
    },
    fractions=nouns(
        {
            2: "halb|Halbe", 3: "Drittel", 4: "Viertel", 5: "Fünftel", 6: "Sechstel", 7: "Siebtel", 8: "Achtel",
            9: "Neuntel", 10: "Zehntel", 12: "Zwölftel", 16: "Sechzehntel", 20: "Zwanzigstel",
            100: "Hundertstel",
        },
        str,
    ),
    halves="{whole}einhalb",
    mixed="{whole} {part}",
    periods={"s": "Sekunde", "min": "Minute", "h": "Stunde"}
    | {name: name for name in ("Tag", "Woche", "Monat", "Jahr", "Stunde", "Minute", "Sekunde")},
    symbols={
        "&": "und", "%": "Prozent", "+": "plus", "=": "gleich", "==": "gleich", "@": "at", "<": "kleiner als",
        ">": "größer als", "<=": "kleiner oder gleich", ">=": "größer oder gleich", "!=": "ungleich", "->": "zu",
        "=>": "zu", "→": "zu", "⇒": "zu", "°": "Grad", "$": "Dollar", "€": "Euro", "£": "Pfund", "¥": "Yen",
        "₹": "Rupie", "×": "mal", "÷": "geteilt durch", "^": "hoch", "≈": "ungefähr", "±": "plus minus",
        "√": "Wurzel aus", "∞": "unendlich", "§": "Paragraph",
    },
    early=lambda numbers: _Dates(numbers).early(),
    middle=lambda numbers: _Dates(numbers).middle(),
    late=lambda numbers: _Dates(numbers).late(),
)  # fmt: skip
