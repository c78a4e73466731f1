"""Spanish."""

from __future__ import annotations

import re
from collections.abc import Iterable

from voxspark.speech.languages.locale import (
    MILLIONS,
    OVER,
    YEAR,
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
    *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
    *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
)
_TIME = re.compile(
    r"(?<![\w.,:])(?P<las>(?:[Ll]as? ))?(?P<hour>[01]?\d|2[0-4])(?:(?::|(?P<dot>\.))(?P<minute>[0-5]\d)"
    r"(?::(?P<second>[0-5]\d))?)?(?![\d:])(?: ?(?:(?P<hours>h(?:oras?|s)?\b\.?(?! [A-ZÁÉÍÓÚ]))|(?P<half>[ap])\. ?m\.|"
    r"(?P<plain>[ap])m\b))?"
)
_COUNTED = re.compile(
    r" (?:(?:días?|problemas?|programas?|sistemas?|mapas?|idiomas?|temas?|planetas?|poemas?|sofás?|taxistas?)\b(?P<m>)|"
    r"(?P<f>(?!(?:para|hasta|hacia|contra|una|la|las|esta|esa|era|mañana|nada|cada|ya|a)\b)"
    r"\w*(?:[^\W\d_]as?|ción|ciones|sión|siones|dad|dades|tud|tudes)\b|veces\b|vez\b|noches?\b|"
    r"personas\b|imágenes\b|imagen\b|calles?\b|llaves?\b|partes?\b|clases?\b|mujer(?:es)?\b|tardes?\b)|"
    r"(?!(?:de|del|y|e|o|u|en|por|para|que|con|a|al|es|son|era|más|menos|hasta|como|si|no|se|el|los|lo|ha|han|"
    r"fue|está|están|pero|porque|cuando|sobre|entre|coma|punto|millón|millones|mil|cien|ya|le|me|te|nos|su|sus)\b)"
    r"[a-záéíóúñü]{2,})"
)
_BETWEEN = re.compile(r"\b(?:de|a|y|hasta|desde) \Z", re.IGNORECASE)
"""De 9:00 a 17:00 needs no word for the hours."""
_BEGINS = (
    r"(?:El|La|Los|Las|Lo|Un|Una|Unos|Unas|Yo|Tú|Usted|Él|Ella|Nosotros|Ellos|Ellas|Este|Esta|Esto|Estos|Estas|Ese|"
    r"Esa|Eso|Aquel|Aquí|Allí|Ahí|Mi|Tu|Su|Sus|Nuestro|Y|Pero|O|Si|Entonces|Luego|Después|Antes|Ahora|Hoy|Mañana|"
    r"Ayer|Qué|Quién|Cómo|Cuándo|Dónde|Por|Para|Con|En|De|Es|Son|Está|Están|Hay|Puedo|Puedes|Quieres|Sí|No|También|"
    r"Además|Aunque|Como|Cuando|Porque|Mientras|Todo|Todos|Nada|Gracias|Bueno|Bien|Claro|Me|Te|Se|Le|Nos|Al|Ya)"
    r"(?![\w.-])|[¿¡]"
)
_ENDINGS = {"º": "masculine", "o": "masculine", "ª": "feminine", "a": "feminine", "er": "adjective"}


class _Dates:
    """Times of day and ordinals; dates with the name of their month need no rule."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def middle(self) -> Iterable[Rule]:
        yield re.compile(r"\b[nN](?:\.º|º|\.o) ?(?=\d)"), lambda _: f"{self._numbers.locale.words.number} "
        yield re.compile(rf"{MILLIONS} (?=[a-záéíóúñ]{{3,}})(?!para|por|con|más|menos)"), lambda found: f"{found[0]}de "
        yield re.compile(rf"(?<=\d) (?=(?:{'|'.join(_MONTHS)})\b)"), lambda _: " de "
        yield re.compile(rf"\b({'|'.join(_MONTHS)}) (?={YEAR}{OVER})"), lambda found: f"{found[1]} de "
        yield from halves(
            self._numbers, "medio {noun}", "{count} {noun} y medio", lambda words: words.replace("medio", "media")
        )
        yield _TIME, self._time

    def late(self) -> Iterable[Rule]:
        yield (
            re.compile(r"\b(\d{1,4})(?:\.(?=[ºªoa](?!\w)|er\b))?(º|ª|er|(?<=\.)[oa])(?![^\W_])"),
            lambda found: self._numbers.ordinal(found[1], _ENDINGS[found[2]]),
        )

    def _time(self, found: re.Match[str]) -> str:
        """`las 14:05`, `14:05 h`, `7 p. m.`, `10:00`."""
        hour, minute, half = int(found["hour"]), found["minute"], found["half"] or found["plain"]
        known = half or (found["hours"] and found["las"])
        if not known and (minute is None or (found["dot"] and not found["las"] and not found["hours"])):
            return found[0]
        words = (found["las"] or "") + self._numbers.cardinal(str(hour), "f")
        if minute and int(minute):
            words += " " + (f"{self._numbers.digits('0')} " if minute[0] == "0" else "")
            words += self._numbers.cardinal(str(int(minute)))
        elif not half and not found["las"] and not _BETWEEN.search(found.string, 0, found.start()):
            words += " hora" if hour == 1 else " horas"
        if found["second"]:
            words += f" y {self._numbers.cardinal(str(int(found['second'])), 'm')} segundos"
        return words + (f" {_time_of_day(hour, half)}" if half else "") + self._stop(found)

    def _stop(self, found: re.Match[str]) -> str:
        """The dot of `7 p. m.` or `15 h.` where the text ends with it."""
        ended = found[0].endswith(".") and not found.string[found.end() :].strip("\"')]*_ »")
        return "." if ended else ""


def _time_of_day(hour: int, half: str) -> str:
    if half == "a":
        return "de la madrugada" if 1 <= hour < 6 else "de la mañana"
    return "de la noche" if 8 <= hour < 12 else "del mediodía" if hour == 12 else "de la tarde"


def _date(numbers: Numbers, day: int, month: int, year: str, before: str) -> str:
    return f"{numbers.cardinal(str(day))} de {_MONTHS[month - 1]}" + (f" de {numbers.cardinal(year)}" if year else "")


_QUEENS = ("Isabel", "María", "Catalina", "Victoria", "Juana", "Cristina", "Margarita", "Ana", "Cleopatra")
_KINGS = (
    *("Felipe", "Carlos", "Alfonso", "Fernando", "Juan Carlos", "Enrique", "Luis", "Jorge", "Eduardo", "Ricardo"),
    *("Juan Pablo", "Juan", "Pablo", "Benedicto", "Pío", "León", "Napoleón", "Alejandro", "Nicolás", "Pedro", "Jaime"),
    *("Guillermo", "Federico", "Gustavo", "Sancho", "Ramiro", "Gregorio", "Inocencio", "Clemente", "Ramsés", "Darío"),
)
_LAST_ORDINAL = 10
"""Kings and centuries are counted with cardinals from eleven on."""


def _ruler(numbers: Numbers, name: str, numeral: int) -> str:
    if numeral > _LAST_ORDINAL:
        return numbers.cardinal(str(numeral))
    return numbers.ordinal(str(numeral), "feminine" if name in _QUEENS else "masculine")


def _romans(numbers: Numbers) -> tuple[Rule, ...]:
    """`siglo XXI`, `siglo V`, and the `II` of `la II Guerra Mundial`."""
    century = re.compile(rf"\b(?P<before>(?i:siglos?) (?:[IVXL]+ (?:y|al?|o) )?)(?P<numeral>{NUMERAL})")
    noun = r"(?P<f>Guerra|República|Edición|Jornada|Bienal|Feria|Semana|Cumbre|Internacional|Dinastía)?"
    before_noun = re.compile(
        rf"\b(?P<before>(?:[Ll]a|[Ee]l|[Dd]el|[Aa]l) )(?P<numeral>(?=[IVX]{{1,6}} ){NUMERAL})"
        rf"(?= {noun}[A-ZÁÉÍÓÚ]?[a-z]{{3,}})"
    )

    def say_century(found: re.Match[str]) -> str:
        before = re.sub(r"[IVXL]+(?= )", lambda numeral: numbers.cardinal(str(value(numeral[0]))), found["before"])
        return before + numbers.cardinal(str(value(found["numeral"])))

    def say_ordinal(found: re.Match[str]) -> str:
        form = "feminine" if found["before"] in ("La ", "la ") else "adjective"
        return found["before"] + numbers.ordinal(str(value(found["numeral"])), form)

    return (century, say_century), (before_noun, say_ordinal)


_UNITS = {
    "km": "kilómetro", "m": "metro", "dm": "decímetro", "cm": "centímetro", "mm": "milímetro", "µm": "micrómetro",
    "nm": "nanómetro", "mi": "f milla", "ft": "pie", "km^2": "kilómetro cuadrado|kilómetros cuadrados",
    "m^2": "metro cuadrado|metros cuadrados", "cm^2": "centímetro cuadrado|centímetros cuadrados",
    "m^3": "metro cúbico|metros cúbicos", "cm^3": "centímetro cúbico|centímetros cúbicos", "ha": "f hectárea",
    "kg": "kilo", "g": "gramo", "mg": "miligramo", "µg": "microgramo", "t": "f tonelada", "lb": "f libra",
    "lbs": "f libra", "oz": "f onza", "l": "litro", "L": "litro", "dl": "decilitro", "cl": "centilitro",
    "ml": "mililitro", "mL": "mililitro", "gal": "galón|galones",
    "h": "f hora", "hs": "f hora", "min": "minuto", "s": "segundo", "seg": "segundo", "ms": "milisegundo",
    "µs": "microsegundo", "ns": "nanosegundo",
    "°C": "grado centígrado|grados centígrados", "ºC": "grado centígrado|grados centígrados",
    "°F": "grado Fahrenheit|grados Fahrenheit", "°": "grado",
    "KB": "kilobyte", "kB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte", "PB": "petabyte",
    "KiB": "kibibyte", "MiB": "mebibyte", "GiB": "gibibyte", "TiB": "tebibyte",
    "kbps": "kilobit por segundo|kilobits por segundo", "Mbps": "megabit por segundo|megabits por segundo",
    "Gbps": "gigabit por segundo|gigabits por segundo",
    "Hz": "hercio", "kHz": "kilohercio", "MHz": "megahercio", "GHz": "gigahercio",
    "V": "voltio", "mV": "milivoltio", "W": "vatio", "kW": "kilovatio", "MW": "megavatio", "GW": "gigavatio",
    "Wh": "vatio hora|vatios hora", "kWh": "kilovatio hora|kilovatios hora", "CV": "caballo|caballos",
    "mA": "miliamperio", "mAh": "miliamperio hora|miliamperios hora", "dB": "decibelio", "kcal": "f kilocaloría",
    "kJ": "kilojulio", "hPa": "hectopascal|hectopascales", "mph": "f milla por hora|millas por hora",
    "rpm": "f revolución por minuto|revoluciones por minuto", "fps": "fotograma por segundo|fotogramas por segundo",
    "px": "píxel|píxeles", "%": "por ciento|por ciento",
}  # fmt: skip

_EURO = Noun("euro", "euros"), Noun("céntimo", "céntimos")
_DOLLAR = Noun("dólar", "dólares"), Noun("centavo", "centavos")
_POUND = Noun("libra", "libras", "f"), Noun("penique", "peniques")
_YEN = Noun("yen", "yenes"), Noun("sen", "sen")
_RUPEE = Noun("rupia", "rupias", "f"), Noun("paisa", "paisas", "f")
_FRANC = Noun("franco suizo", "francos suizos"), Noun("céntimo", "céntimos")
_PESO = Noun("peso", "pesos"), Noun("centavo", "centavos")
_MILLION, _BILLION = Noun("millón", "millones"), Noun("billón", "billones")
_THOUSAND = Noun("mil", "mil")


def _of_scale(scaled: str, money: str) -> str:
    return f"{scaled} {money}" if scaled.endswith(" mil") else f"{scaled} de {money}"


_CARDINALS: dict[Gender, str] = {
    "": "spellout-numbering", "m": "spellout-cardinal-masculine", "f": "spellout-cardinal-feminine",
}  # fmt: skip

LOCALE = Locale(
    code="es",
    words=Words(
        per="por", to="a", by="por", times="veces", over="sobre", out_of="sobre", minus="menos", plus="más",
        about="unos", number="número", version="versión", squared="al cuadrado", cubed="al cubo", dot="punto",
        at="arroba", dash="guion", underscore="guion bajo", slash="barra", backslash="barra invertida",
        star="asterisco", pipe="barra vertical", dollar="dólar", tilde="virgulilla", or_="o", and_="y",
        link="un enlace", link_to="un enlace a", code_left_out="He omitido el código.",
    ),
    short=Short(
        never_last=frozenset(
            [
                *("sr", "sra", "srta", "sres", "dr", "dra", "prof", "profa", "d", "dña", "p.ej", "ej", "aprox", "vs"),
                *("ing", "lic", "arq", "gral", "sto", "sta", "av", "avda", "fr", "mons", "p", "cf", "excmo", "ilmo"),
            ]
        ),
        sometimes_last=frozenset(
            ["etc", "ud", "uds", "vd", "vds", "dpto", "depto", "tel", "tfno", "s.a", "ee.uu", "jr", "máx", "mín", "cía"]
        ),
        before_number={
            "núm": "número", "nº": "número", "pág": "página", "págs": "páginas", "p": "página", "pp": "páginas",
            "fig": "figura", "vol": "volumen", "cap": "capítulo", "art": "artículo", "tel": "teléfono",
            "tfno": "teléfono",
        },
        months=frozenset(["ene", "feb", "mar", "abr", "jun", "jul", "ago", "sept", "sep", "oct", "nov", "dic"]),
        begins=_BEGINS,
        spoken={
            "sr.": "señor", "sra.": "señora", "srta.": "señorita", "sres.": "señores", "dr.": "doctor",
            "dra.": "doctora", "prof.": "profesor", "profa.": "profesora", "dña.": "doña", "p.ej.": "por ejemplo",
            "ej.": "ejemplo", "aprox.": "aproximadamente", "etc.": "etcétera", "ud.": "usted", "uds.": "ustedes",
            "vd.": "usted", "vds.": "ustedes", "ee.uu.": "Estados Unidos", "ee.uu": "Estados Unidos",
            "eeuu": "Estados Unidos", "av.": "avenida", "avda.": "avenida", "dpto.": "departamento",
            "depto.": "departamento", "ing.": "ingeniero", "lic.": "licenciado", "gral.": "general", "sto.": "santo",
            "sta.": "santa", "tel.": "teléfono", "cía.": "compañía", "a.c.": "antes de Cristo",
            "d.c.": "después de Cristo",
            "vs.": "contra", "máx.": "máximo", "mín.": "mínimo", "ene.": "enero", "feb.": "febrero", "abr.": "abril",
            "jun.": "junio", "jul.": "julio", "ago.": "agosto", "sept.": "septiembre", "oct.": "octubre",
            "nov.": "noviembre", "dic.": "diciembre",
        },
        rewrites=(
            (re.compile(r"\bC/ ?(?=[A-ZÁÉÍÓÚÑ])"), lambda _: "calle "),
            (re.compile(r"\b[dD]\.(?= [A-ZÁÉÍÓÚÑ][a-záéíóúñ])"), lambda _: "don"),
        ),
        initialisms=frozenset(["UE", "IA", "DNI", "ADN", "ITV"]),
    ),
    clauses=Clauses(
        opening=(
            r"(?:(?:porque|aunque|pero|sino|mientras|cuando|salvo)(?=[^\w'’-])"
            r"|(?:y|o|así)\s+(?:yo|tú|él|ella|usted|luego|después|entonces|que|si|cuando|también|se|te|me|le|lo)(?=[^\w-]))"
        ),
        joining=r"(?:y|o|así)",
        leaning=r"en|de|del|a|al|para|por|con|sin|sobre|solo|no|todo|nada|el|la|los|las|un|una|hasta|desde|y|o|que|incluso",
    ),
    romans=Romans(
        labels=r"(?i:capítulo|tomo|volumen|parte|libro|acto|escena|fase|tipo|clase|nivel|título|anexo|artículo|apéndice)",
        rulers="|".join([*_KINGS, *_QUEENS]),
        ruler=_ruler,
        rules=_romans,
    ),
    group=r"[. ]",
    points={",": "coma", ".": "punto"},
    fraction_as_number=True,
    cardinals=_CARDINALS,
    ordinals={
        "": "spellout-ordinal-masculine", "masculine": "spellout-ordinal-masculine",
        "feminine": "spellout-ordinal-feminine", "adjective": "spellout-ordinal-masculine-adjective",
    },
    counted=_COUNTED,
    months=_MONTHS,
    date=_date,
    phone=(
        r"(?<![\w.,])[6-9]\d{2}[ -]?\d{3}[ -]?\d{3}(?![\w,.]?\d)|(?<![\w.,])[6-9]\d{2}(?:[ -]\d{2}){3}(?![\w,.]?\d)"
        r"|(?:(?<=\b[Ll]lama al )|(?<=\b[Ll]lame al )|(?<=\b[Mm]arca el ))\d{3}\b(?![.,]?\d)"
    ),
    units=nouns(_UNITS, with_s),
    unit_only={"m": r"m(?![\w'’.])", "CV": r"CV(?!\w)"},
    currencies={
        "€": _EURO, "EUR": _EURO, "euros": _EURO, "$": _DOLLAR, "USD": _DOLLAR, "dólares": _DOLLAR, "£": _POUND,
        "GBP": _POUND, "¥": _YEN, "JPY": _YEN, "₹": _RUPEE, "CHF": _FRANC, "MXN": _PESO,
    },
    and_cents="{whole} con {cents}",
    scales={
        "k": _THOUSAND, "mil": _THOUSAND, "M": _MILLION, "mill.": _MILLION, "millón": _MILLION, "millones": _MILLION,
        "billón": _BILLION, "billones": _BILLION,
    },
    of_scale=_of_scale,
    fractions=nouns(
        {
            2: "medio", 3: "tercio", 4: "cuarto", 5: "quinto", 6: "sexto", 7: "séptimo", 8: "octavo", 9: "noveno",
            10: "décimo", 12: "doceavo", 16: "dieciseisavo", 20: "veinteavo", 100: "centésimo",
        },
        with_s,
    ),
    halves="{whole} y medio",
    mixed="{whole} y {part}",
    periods={"s": "segundo", "min": "minuto", "h": "hora"}
    | {name: name for name in ("día", "semana", "mes", "año", "hora", "minuto", "segundo", "persona")},
    symbols={
        "&": "y", "%": "por ciento", "+": "más", "=": "es igual a", "==": "es igual a", "@": "arroba",
        "<": "menor que", ">": "mayor que", "<=": "menor o igual que", ">=": "mayor o igual que",
        "!=": "distinto de", "->": "a", "=>": "a", "→": "a", "⇒": "a", "°": "grados", "$": "dólar", "€": "euro",
        "£": "libra", "¥": "yen", "₹": "rupia", "×": "por", "÷": "entre", "^": "elevado a", "≈": "aproximadamente",
        "±": "más menos", "√": "raíz cuadrada de", "∞": "infinito", "§": "sección",
    },
    middle=lambda numbers: _Dates(numbers).middle(),
    late=lambda numbers: _Dates(numbers).late(),
)  # fmt: skip
