"""Spanish."""

from __future__ import annotations

import re

from voxspark.agent.tongues.arithmetic import expression_reader
from voxspark.agent.tongues.measures import Clock, Durations, Moments, Numbers
from voxspark.agent.tongues.tongue import Normaliser, SmallWords, Tongue, rewrites, words
from voxspark.listening.backchannel import WAKE_NAMES

_REWRITES = rewrites(
    (r"[’‘`]", "'"),
    (r"[\"“”«»_¿¡]", " "),
    (r"(?<=\d)\s?%", " por ciento"),
    (r"(?<=\d)\.(?=\d{3}\b)", ""),
    (r"(?<=\d),(?=\d)", "."),
    (r"½", " 1/2"),
    (r"(?<=\w)-(?=[a-z])", " "),
    (r"(?<=[a-z]) ?- ?(?=\d)", " menos "),
    (r"\b(min|seg|h)\.", r"\1"),
    (r"(?<=\d)(?=(?:min|seg|horas?|minutos?|segundos?)\b)", " "),
    (r",? (?:por favor|porfa)\b,?", ""),
    (r"\b(nota|apunta|anota|lista|que)(?:: |, )(?=\w)", r"\1 "),
    (r"\b3 cuartos de hora\b|\btres cuartos de hora\b", "45 minutos"),
    (r"\b(?:un )?cuarto de hora\b", "15 minutos"),
    (r"(?<!\d )(?<!una )\bhora y (media|cuarto)\b", r"1 hora y \1"),
    (r"\bmedia hora\b", "30 minutos"),
    (r"\bmedio minuto\b", "30 segundos"),
    (r"\s+", " "),
)
_ASKING = r"(?:puedes|podrias|me puedes|me podrias|quieres)|quiero que|quisiera que|me gustaria que|necesito que"
_LEAD = re.compile(
    rf"(?:(?:oye|hey|eh|hola|ok|okay|vale)[,.! ]+)?(?:{WAKE_NAMES})[,.!? ]+"
    rf"|(?:oye|hey|eh|hola|ok|okay|vale|bueno|pues|a ver|em+|eh+|ah|oh|y|ahora|si|por favor|{_ASKING})[,.!]* +"
)
_TAIL = re.compile(
    rf"[,.!?]* +(?:por favor|porfa|gracias|muchas gracias|ahora|ahora mismo|ya mismo|vale|{WAKE_NAMES})[.!?]*$"
)

_NUMBERS = Numbers("es", "mil", "coma", words("un una"))
_DURATIONS = Durations(
    one=r"una?",
    hours=r"horas?|h",
    minutes=r"minutos?|min",
    seconds=r"segundos?|seg",
    joint=r",? y |, | ",
    half=r" y medi[ao]",
    quarter=r" y cuarto",
)
_WEEKDAYS = {
    "lunes": "monday",
    "martes": "tuesday",
    "miercoles": "wednesday",
    "jueves": "thursday",
    "viernes": "friday",
    "sabado": "saturday",
    "domingo": "sunday",
}
_CLOCK = re.compile(
    r"""(?:(?P<name>mediodia|medianoche)
      | (?:las?\ )?(?P<hour>\d{1,2}|una)(?:[:.](?P<exact>\d\d))?(?:\ horas)?
        (?:\ y\ (?:(?P<half>media)|(?P<quarter>cuarto)|(?P<past>\d{1,2}))
         | \ menos\ (?:(?P<less>cuarto)|(?P<to>\d{1,2}))
         | \ (?P<bare>[0-5]\d))?
        (?:\ minutos)?(?:\ en\ punto)?)""",
    re.VERBOSE,
)


def _clock(text: str) -> Clock | None:
    """`las 6 y cuarto`, `las 7 y media`, `la una menos 10`, `las 18 30`."""
    if (found := _CLOCK.fullmatch(text)) is None:
        return None
    if name := found["name"]:
        return (12, 0) if name == "mediodia" else (0, 0)
    hour = 1 if found["hour"] == "una" else int(found["hour"])
    back = 15 if found["less"] else int(found["to"] or 0)
    minute = 30 if found["half"] else 15 if found["quarter"] else int(found["past"] or found["bare"] or 0)
    if (back or minute) and found["exact"]:
        return None
    minute = int(found["exact"] or minute)
    if hour > 24 or minute > 59 or not 0 <= back < 60 or (hour == 24 and (minute or back)):
        return None
    if back:
        return ((hour - 1) if hour > 1 else 12), 60 - back
    return hour % 24, minute


_MOMENTS = Moments(
    repeats={
        r"(?:de lunes a viernes|entre semana|(?:todos )?los dias laborables|cada dia laborable)": "weekday",
        r"(?:todas las mananas|cada manana)": "day am",
        r"(?:todas las (?:tardes|noches)|cada (?:tarde|noche))": "day pm",
        r"(?:todos los dias|cada dia|diariamente)": "day",
        r"(?:todos )?los fines de semana": "weekend",
        **{rf"(?:cada {day}|(?:todos )?los {day}s?)": name for day, name in _WEEKDAYS.items()},
    },
    days={
        r"hoy": "today",
        r"esta manana": "today am",
        r"esta tarde": "today pm",
        r"esta noche": "today night",
        r"manana por la manana": "tomorrow am",
        r"manana por la (?:tarde|noche)": "tomorrow pm",
        r"(?<!de la )(?<!por la )manana": "tomorrow",
        **{rf"(?:(?:el|este|el proximo) )?{day}(?: que viene)?": name for day, name in _WEEKDAYS.items()},
        **{rf"(?:(?:el|este) )?{day} por la manana": f"{name} am" for day, name in _WEEKDAYS.items()},
        **{rf"(?:(?:el|este) )?{day} por la (?:tarde|noche)": f"{name} pm" for day, name in _WEEKDAYS.items()},
    },
    periods={
        r"de la (?:manana|madrugada)|por la manana": "am",
        r"(?:de|por) la tarde|del mediodia": "pm",
        r"(?:de|por) la noche": "night",
    },
    clock=_clock,
    glue="a|al|para|sobre|hacia|desde",
)

TONGUE = Tongue(
    normalise=Normaliser(_REWRITES, _LEAD, _TAIL, lambda text: _DURATIONS.to_seconds(_NUMBERS.to_digits(text))),
    expression=expression_reader(
        r"(?:cuanto|que) (?:es|son|da|hace|suma)|(?:calcula|calculame|cuanto me da)|y",
        rewrites(
            (r"\b(?:multiplicado )?por(?! ciento)\b", "times"),
            (r"\b(?:dividido (?:entre|por|para)|entre)\b", "divided by"),
            (r"\bel (?=\d+(?:\.\d+)? por ciento)", ""),
            (r"\bpor ciento de\b", "percent of"),
            (r"\b(?:la )?raiz cuadrada de\b", "square root of"),
            (r"\b(?:elevado a|a la)\b", "to the power of"),
            (r"\bal cuadrado\b", "squared"),
            (r"\bmas\b", "plus"),
            (r"\bmenos\b", "minus"),
        ),
    ),
    when=_MOMENTS.read,
    moment=re.compile(
        r"(?:a las?|al|hoy|manana|esta|este|el|los|todos|todas|cada|de lunes|entre semana"
        rf"|{'|'.join(_WEEKDAYS)})\b"
    ),
    later=re.compile(r"(?:en|dentro de) (\d+)s"),
    task=re.compile(r"(?:de que |de |que |lo de )|(?=\w+[aei]r(?:me|te|se|lo|la|los|las|le)*\b)"),
    joint="y",
    kept=("text", "items", "label", "about", "name"),
    small=SmallWords(
        no_label=words(
            "un una unos unas el la los las lo mi mis tu tus su sus este esta esto ese esa yo tu me te se nos y o pero "
            "no si todo todos toda todas cada ambos que quien cual como donde cuando por porque es son era hay ha he "
            "tengo tiene puede si en a al de del con para por sin desde hasta antes despues durante sobre otra otro "
            "vez tambien pon ponme crea inicia empieza cancela para pausa borra quita toca llama recuerdame despierta "
            "abre cierra di dime muestra nuevo nueva segundo segunda primero primera ultimo ultima siguiente "
            "temporizador temporizadores alarma alarmas recordatorio recordatorios dormir hoy manana tarde noche luego "
            "ahora minuto minutos hora horas segundos dia dias semana largo corto mas menos solo lista listas nota "
            "notas luz luces musica"
        ),
        joining=re.compile(r"[,;:.!?()\"]|\b(?:y|e|luego|tambien|pero|o|si no|despues|ademas|mientras)\b"),
        dangling=words("un una el la los las mi en a al de del con por para y o que es"),
        pronouns=words("eso esto lo la los las todo nada algo ella ellos ese esa aquello"),
        commands=words(
            "pon enciende apaga reproduce para empieza cancela abre cierra di dime muestra que cuando donde"
        ),
        containers=words("lista listas temporizador alarma luego"),
    ),
)
