"""French."""

from __future__ import annotations

import re
from collections.abc import Iterable

from voxspark.speech.languages.locale import (
    MILLIONS,
    Clauses,
    Gender,
    Locale,
    Noun,
    Romans,
    Rule,
    Short,
    Words,
    halves,
    nouns,
    with_s,
)
from voxspark.speech.numbers import Numbers
from voxspark.speech.roman import NUMERAL, value

_MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
_TIME = re.compile(
    r"(?<![\w.,:])(?P<hour>[01]?\d|2[0-4])(?: ?[hH] ?(?P<minute>[0-5]\d)(?: ?min)?(?!\w)|:(?P<minute2>[0-5]\d)"
    r"(?::(?P<second>[0-5]\d))?(?: ?h\b)?|(?P<whole> ?[hH]\b))(?![\d:/])"
)
_COUNTED = re.compile(
    r" (?:(?P<f>(?:heure|minute|seconde|fois|personne|page|semaine|année|journée|soirée|question|chose|étape|ligne|"
    r"pièce|voiture|tasse|cuillère|photo|alarme|réponse|tâche|liste|vidéo|chanson|idée|liste|place|nuit|partie|pomme|"
    r"femme|fille|sœur|mère|maison|ville|rue|porte|fenêtre|table|chaise|lampe|bouteille|boîte|tranche|demi-heure|main|"
    r"image|note|lettre|carte|clé|erreur|couleur|tonne|livre sterling|poire|banane|tomate|carotte|recette|fleur|"
    r"poule|vache|équipe|histoire|règle|phrase|série|saison|chambre|école|entreprise|"
    r"\w+(?:tion|sion|ité|ette|ence|ance|ude))s?)\b|"
    r"(?P<m>(?!(?:et|ou|de|du|des|à|au|aux|en|par|pour|que|qui|est|sont|sur|dans|avec|plus|moins|virgule|point|le|la|"
    r"les|million|millions|milliard|milliards|mille|cent)\b)[a-zà-ÿœ]{2,}))"
)
_BEGINS = (
    r"(?:Le|La|Les|Un|Une|Des|Je|Tu|Il|Elle|On|Nous|Vous|Ils|Elles|Ce|Cet|Cette|Ces|Cela|Ça|Mon|Ma|Mes|Ton|Ta|Son|Sa|"
    r"Notre|Votre|Leur|Et|Mais|Ou|Donc|Or|Si|Alors|Puis|Ensuite|Après|Avant|Maintenant|Hier|Demain|Ici|Là|Voici|"
    r"Voilà|Que|Qui|Quoi|Comment|Quand|Où|Pourquoi|Quel|Quelle|Pour|Avec|Dans|En|Sur|Par|De|Est|Sont|Oui|Non|Aussi|"
    r"Cependant|Enfin|Parce|Comme|Tout|Tous|Rien|Merci|Bien|Bon|Ne|Pas|Au|Aux|Du)(?![\w.-])|"
    r"(?:L|D|J|C|S|N|Qu|M|T)['’]|Aujourd['’]"
)


class _Dates:
    """Times of day, the first of a month, ordinals."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def early(self) -> Iterable[Rule]:
        yield re.compile(r"\b[nN]°s? ?(?=\d)"), lambda _: "numéro "

    def middle(self) -> Iterable[Rule]:
        yield re.compile(rf"(?<![\w.,])1(?:er)? (?=(?:{'|'.join(_MONTHS)})\b)"), lambda _: "premier "
        yield (
            re.compile(rf"{MILLIONS} (?=[aeiouéèêh][a-zà-ÿ]{{2,}})(?!est|ont|avec|et|ou)"),
            lambda found: f"{found[0]}d'",
        )
        yield (
            re.compile(rf"{MILLIONS} (?=[a-zà-ÿ]{{3,}})(?!pour|par|plus|moins|sont|sur|dans|est|ont|avec)"),
            lambda found: f"{found[0]}de ",
        )
        yield from halves(
            self._numbers,
            "{count} demi-{noun}",
            "{count} {noun} et demi",
            lambda words: f"{words}e" if words.endswith("demi") else words,
        )
        yield _TIME, self._time

    def late(self) -> Iterable[Rule]:
        yield (
            re.compile(r"(?<![\w.,])(\d{1,4})(er|re|ère|nde?|e|è|ème|eme|ième|ièmes|es|ers|res)(?![\w'’])"),
            lambda found: _ordinal(self._numbers, found[1], found[2]),
        )

    def _time(self, found: re.Match[str]) -> str:
        """`14 h 05`, `14h05`, `14:05`, `14 h`, `12:00`."""
        hour, minute = int(found["hour"]), found["minute"] or found["minute2"]
        if hour in (0, 12, 24) and minute == "00" and not found["second"]:
            return "midi" if hour == 12 else "minuit"
        noun = "heure" if hour < 2 else "heures"
        words = f"{self._numbers.cardinal(str(hour), 'f')} {noun}"
        if minute and int(minute):
            words += f" {self._numbers.cardinal(str(int(minute)))}"
        if found["second"]:
            second = int(found["second"])
            words += f" et {self._numbers.cardinal(str(second), 'f')} {'seconde' if second < 2 else 'secondes'}"
        return words


def _ordinal(numbers: Numbers, digits: str, ending: str) -> str:
    if ending in ("nd", "nde"):
        return f"second{ending[2:]}" if digits == "2" else numbers.ordinal(digits)
    return numbers.ordinal(digits, "feminine" if ending in ("re", "ère", "res") else "masculine")


def _date(numbers: Numbers, day: int, month: int, year: str, before: str) -> str:
    of_day = numbers.ordinal("1") if day == 1 else numbers.cardinal(str(day))
    return f"{of_day} {_MONTHS[month - 1]}" + (f" {numbers.cardinal(year)}" if year else "")


def _ruler(numbers: Numbers, name: str, numeral: int) -> str:
    return numbers.ordinal("1") if numeral == 1 else numbers.cardinal(str(numeral))


def _romans(numbers: Numbers) -> tuple[Rule, ...]:
    """`XIXe`, `Ier`, `Ire`: ordinals wherever they are."""
    ordinal = re.compile(
        r"(?<![\w.])(?P<numeral>I(?=er|re|ère|ᵉ)|(?=[IVX])(?:X[LC]|X{0,3})(?:IX|IV|V?I{0,3})(?=[eèᵉ](?!r)))"
        r"(?P<ending>er|re|ère|ᵉʳ|e|è|ème|ᵉ)(?![\w'’])"
    )
    bare = re.compile(rf"\b(?P<numeral>{NUMERAL})(?= siècle)")
    return (
        (ordinal, lambda found: _ordinal(numbers, str(value(found["numeral"])), found["ending"])),
        (bare, lambda found: numbers.ordinal(str(value(found["numeral"])))),
    )


_UNITS = {
    "km": "kilomètre", "m": "mètre", "dm": "décimètre", "cm": "centimètre", "mm": "millimètre", "µm": "micromètre",
    "nm": "nanomètre", "mi": "mille|milles", "ft": "pied", "km^2": "kilomètre carré|kilomètres carrés",
    "m^2": "mètre carré|mètres carrés", "cm^2": "centimètre carré|centimètres carrés",
    "m^3": "mètre cube|mètres cubes", "cm^3": "centimètre cube|centimètres cubes", "ha": "hectare",
    "kg": "kilo", "g": "gramme", "mg": "milligramme", "µg": "microgramme", "t": "f tonne", "lb": "f livre",
    "lbs": "f livre", "oz": "f once", "l": "litre", "L": "litre", "dl": "décilitre", "cl": "centilitre",
    "ml": "millilitre", "mL": "millilitre",
    "h": "f heure", "min": "f minute", "mn": "f minute", "s": "f seconde", "sec": "f seconde", "ms": "f milliseconde",
    "µs": "f microseconde", "ns": "f nanoseconde",
    "°C": "degré Celsius|degrés Celsius", "°F": "degré Fahrenheit|degrés Fahrenheit", "°": "degré",
    "Ko": "kilo-octet", "ko": "kilo-octet", "Mo": "méga-octet", "Go": "giga-octet", "To": "téra-octet",
    "KB": "kilo-octet", "kB": "kilo-octet", "MB": "méga-octet", "GB": "giga-octet", "TB": "téra-octet",
    "KiB": "kibioctet", "MiB": "mébioctet", "GiB": "gibioctet", "TiB": "tébioctet",
    "kbps": "kilobit par seconde|kilobits par seconde", "Mbps": "mégabit par seconde|mégabits par seconde",
    "Gbps": "gigabit par seconde|gigabits par seconde",
    "Hz": "hertz|hertz", "kHz": "kilohertz|kilohertz", "MHz": "mégahertz|mégahertz", "GHz": "gigahertz|gigahertz",
    "V": "volt", "mV": "millivolt", "W": "watt", "kW": "kilowatt", "MW": "mégawatt", "GW": "gigawatt",
    "Wh": "wattheure", "kWh": "kilowattheure", "ch": "cheval|chevaux", "mA": "milliampère", "dB": "décibel",
    "mAh": "milliampère-heure|milliampères-heures", "kcal": "f kilocalorie", "kJ": "kilojoule",
    "hPa": "hectopascal", "mph": "mille par heure|milles par heure", "px": "pixel",
    "rpm": "tour par minute|tours par minute", "fps": "image par seconde|images par seconde",
    "%": "pour cent|pour cent",
}  # fmt: skip

_EURO, _CENTIME = Noun("euro", "euros"), Noun("centime", "centimes")
_DOLLAR = Noun("dollar", "dollars"), Noun("cent", "cents")
_POUND = Noun("livre", "livres", "f"), Noun("penny", "pence")
_YEN = Noun("yen", "yens"), Noun("sen", "sen")
_RUPEE = Noun("roupie", "roupies", "f"), Noun("paisa", "paisas")
_FRANC = Noun("franc suisse", "francs suisses"), _CENTIME
_MILLION, _BILLION = Noun("million", "millions"), Noun("milliard", "milliards")
_THOUSAND = Noun("mille", "mille")


def _of_scale(scaled: str, money: str) -> str:
    if scaled.endswith(" mille"):
        return f"{scaled} {money}"
    return f"{scaled} d'{money}" if money[0] in "aeiou" else f"{scaled} de {money}"


_CARDINALS: dict[Gender, str] = {
    "": "spellout-numbering", "m": "spellout-cardinal-masculine", "f": "spellout-cardinal-feminine",
}  # fmt: skip

LOCALE = Locale(
    code="fr",
    words=Words(
        per="par", to="à", by="par", times="fois", over="sur", out_of="sur", minus="moins", plus="plus",
        about="environ", number="numéro", version="version", squared="au carré", cubed="au cube", dot="point",
        at="arobase", dash="tiret", underscore="tiret bas", slash="slash", backslash="antislash", star="étoile",
        pipe="barre verticale", dollar="dollar", tilde="tilde", or_="ou", and_="et", link="un lien",
        link_to="un lien vers", code_left_out="J'ai omis le code.",
    ),
    short=Short(
        never_last=frozenset(
            [*("m", "mm", "mme", "mlle", "mgr", "dr", "pr", "me", "p.ex", "ex", "env", "cf", "av", "bd", "st", "ste")]
        ),
        sometimes_last=frozenset(
            ["etc", "min", "max", "tél", "boul", "jr", "s.a", "j.-c", "c", "ét", "hab", "ap", "qqn", "qqch"]
        ),
        before_number={
            "p": "page", "pp": "pages", "fig": "figure", "vol": "volume", "chap": "chapitre", "art": "article",
            "no": "numéro", "tél": "téléphone", "éq": "équation",
        },
        months=frozenset(["janv", "févr", "avr", "juil", "sept", "oct", "nov", "déc"]),
        begins=_BEGINS,
        spoken={
            "mme": "Madame", "mme.": "Madame", "mlle": "Mademoiselle", "mm.": "Messieurs", "mgr": "Monseigneur",
            "dr": "Docteur", "dr.": "Docteur", "pr.": "Professeur", "p.ex.": "par exemple", "ex.": "exemple",
            "env.": "environ", "cf.": "confer", "etc.": "et cetera", "c.-à-d.": "c'est-à-dire", "av.": "avenue",
            "bd.": "boulevard", "boul.": "boulevard", "tél.": "téléphone", "max.": "maximum", "min.": "minimum",
            "hab.": "habitants", "av.j.-c.": "avant Jésus-Christ", "apr.j.-c.": "après Jésus-Christ",
            "janv.": "janvier", "févr.": "février", "avr.": "avril", "juil.": "juillet", "sept.": "septembre",
            "oct.": "octobre", "nov.": "novembre", "déc.": "décembre", "s'il vs plaît": "s'il vous plaît",
            "rdv": "rendez-vous", "svp": "s'il vous plaît", "stp": "s'il te plaît",
        },
        rewrites=(
            (re.compile(r"\bM\.(?= [A-ZÀ-Þ])"), lambda _: "Monsieur"),
            (re.compile(r"\bMe\.?(?= [A-ZÀ-Þ][a-zà-ÿ])(?<=Me\.)"), lambda _: "Maître"),
        ),
        initialisms=frozenset(["UE", "IA", "SNCF", "ADN", "EDF", "ONG", "IGN", "OGM"]),
    ),
    clauses=Clauses(
        opening=(
            r"(?:(?:parce|puisque|mais|tandis|quoique|lorsque|car|donc)(?=[^\w'’-])"
            r"|(?:et|ou)\s+(?:je|tu|il|elle|on|nous|vous|ils|elles|ensuite|puis|alors|si|quand|aussi)(?=[^\w-]))"
        ),
        joining=r"(?:et|ou)",
        leaning=r"en|de|du|des|à|au|aux|pour|par|avec|sans|sur|dans|seulement|même|tout|rien|pas|ne|le|la|les|un|une|et|ou|que",
    ),
    romans=Romans(
        labels=r"(?i:chapitre|tome|volume|partie|livre|acte|scène|phase|type|classe|niveau|titre|annexe|article|mondiale)",
        rulers=(
            r"Louis|Charles|Henri|François|Napoléon|Philippe|Elizabeth|Élisabeth|Elisabeth|Jean-Paul|Jean|Paul|Benoît|"
            r"Pie|Léon|Georges?|Édouard|Jacques|Guillaume|Richard|Nicolas|Catherine|Pierre|Frédéric|Alexandre|Grégoire|"
            r"Albert|Léopold|Baudouin|Ramsès|Clément|Innocent|Urbain|Victoria|Marie|Gustave|Felipe|Alphonse|Juan Carlos"
        ),
        ruler=_ruler,
        rules=_romans,
    ),
    group=r"[. ]",
    points={",": "virgule", ".": "point"},
    fraction_as_number=True,
    cardinals=_CARDINALS,
    ordinals={
        "": "spellout-ordinal-masculine", "masculine": "spellout-ordinal-masculine",
        "feminine": "spellout-ordinal-feminine",
    },
    respelled=(("-et-", " et "),),
    counted=_COUNTED,
    one=r"[01](?:,\d+)?",
    months=_MONTHS,
    date=_date,
    digit_groups=False,
    phone=r"(?<![\w.,])0\d(?:[ .-]?\d{2}){4}(?![\w,.]?\d)",
    units=nouns(_UNITS, with_s),
    unit_only={"m": r"m(?![\w'’])", "s": r"s(?![\w'’])", "l": r"l(?![\w'’])", "t": r"t(?![\w'’])"},
    currencies={
        "€": (_EURO, _CENTIME), "EUR": (_EURO, _CENTIME), "euros": (_EURO, _CENTIME), "$": _DOLLAR, "USD": _DOLLAR,
        "dollars": _DOLLAR, "£": _POUND, "GBP": _POUND, "¥": _YEN, "JPY": _YEN, "₹": _RUPEE, "CHF": _FRANC,
    },
    and_cents="{whole} {cents}",
    scales={
        "k": _THOUSAND, "M": _MILLION, "Md": _BILLION, "Mds": _BILLION, "million": _MILLION, "millions": _MILLION,
        "milliard": _BILLION, "milliards": _BILLION, "mille": _THOUSAND,
    },
    of_scale=_of_scale,
    fractions=nouns(
        {
            2: "demi", 3: "tiers|tiers", 4: "quart", 5: "cinquième", 6: "sixième", 7: "septième", 8: "huitième",
            9: "neuvième", 10: "dixième", 12: "douzième", 16: "seizième", 20: "vingtième", 100: "centième",
        },
        with_s,
    ),
    halves="{whole} et demi",
    mixed="{whole} et {part}",
    periods={"s": "seconde", "min": "minute", "h": "heure"}
    | {name: name for name in ("jour", "semaine", "mois", "an", "heure", "minute", "seconde", "personne")},
    symbols={
        "&": "et", "%": "pour cent", "+": "plus", "=": "égale", "==": "égale", "@": "arobase", "<": "inférieur à",
        ">": "supérieur à", "<=": "inférieur ou égal à", ">=": "supérieur ou égal à", "!=": "différent de",
        "->": "vers", "=>": "vers", "→": "vers", "⇒": "vers", "°": "degrés", "$": "dollar", "€": "euro",
        "£": "livre", "¥": "yen", "₹": "roupie", "×": "fois", "÷": "divisé par", "^": "puissance", "≈": "environ",
        "±": "plus ou moins", "√": "racine carrée de", "∞": "infini", "§": "paragraphe",
    },
    early=lambda numbers: _Dates(numbers).early(),
    middle=lambda numbers: _Dates(numbers).middle(),
    late=lambda numbers: _Dates(numbers).late(),
)  # fmt: skip
