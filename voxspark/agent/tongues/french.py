"""French."""

from __future__ import annotations

import re

from voxspark.agent.tongues.arithmetic import expression_reader
from voxspark.agent.tongues.measures import Clock, Durations, Moments, Numbers
from voxspark.agent.tongues.tongue import Normaliser, SmallWords, Tongue, rewrites, words
from voxspark.listening.backchannel import WAKE_NAMES

_REWRITES = rewrites(
    (r"[’‘`]", "'"),
    (r"[\"“”«»_]", " "),
    (r"(?<=\d)\s?%", " pourcent"),
    (r"\b(\d{1,2}) ?h ?([0-5]\d)\b", r"\1 heures \2"),
    (r"\b(\d{1,2}):([0-5]\d)\b", r"\1 heures \2"),
    (r"\b(\d{1,2}) ?h\b", r"\1 heures"),
    (r"(?<=\d)[\u202f\u00a0 ](?=\d{3}\b)", ""),
    (r"(?<=\d),(?=\d)", "."),
    (r"½", " 1/2"),
    (r"\bpour cent\b", "pourcent"),
    (r"(?<=[a-z])-(?=[a-z])", " "),
    (r"(?<=[a-z]) ?- ?(?=\d)", " moins "),
    (r"\b(min|sec)\.", r"\1"),
    (r"(?<=\d)(?=(?:min|sec|heures?|minutes?|secondes?)\b)", " "),
    (r",? (?:s'il te plait|s'il vous plait|stp|svp)\b,?", ""),
    (r"\b(note|noter|liste|que)(?: ?: |, )(?=\w)", r"\1 "),
    (r"\b(?:les )?(?:3|trois) quarts d'heure\b", "45 minutes"),
    (r"\b(?:une )?heure et quart\b", "1 heure 15"),
    (r"\b(?:un )?quart d'heure\b", "15 minutes"),
    (r"\b(?:une )?demi heure\b", "30 minutes"),
    (r"\b(?:une )?demi minute\b", "30 secondes"),
    (r"\s+", " "),
)
_ASKING = (
    r"(?:peux tu|pourrais tu|tu peux|tu pourrais|est ce que tu peux|pouvez vous|pourriez vous|veux tu)(?: me)?"
    r"|je (?:voudrais|veux|veux bien|souhaite) que tu|j'aimerais que tu"
)
_LEAD = re.compile(
    rf"(?:(?:he|hey|ok|okay|salut|bonjour|dis)[,.! ]+)?(?:{WAKE_NAMES})[,.!? ]+"
    rf"|(?:he|hey|ok|okay|salut|bonjour|dis|alors|bon|euh+|hum+|ah|oh|et|maintenant|oui|{_ASKING})[,.!]* +"
)
_TAIL = re.compile(
    rf"[,.!?]* +(?:s'il (?:te|vous) plait|merci|merci beaucoup|maintenant|tout de suite|{WAKE_NAMES})[.!?]*$"
)

_NUMBERS = Numbers("fr", "mille", "virgule", words("un une"))
_DURATIONS = Durations(
    one=r"une?",
    hours=r"heures?",
    minutes=r"minutes?|min",
    seconds=r"secondes?|sec",
    joint=r",? et |, | ",
    half=r" et demie?",
    quarter=r" et quart",
    before_rest=r"$|,| ",
)
_WEEKDAYS = {
    "lundi": "monday",
    "mardi": "tuesday",
    "mercredi": "wednesday",
    "jeudi": "thursday",
    "vendredi": "friday",
    "samedi": "saturday",
    "dimanche": "sunday",
}
_CLOCK = re.compile(
    r"(?:(?P<seconds>\d+)s"
    r"|(?P<name>midi|minuit|zero heure)(?: (?:(?P<half>et demie?)|(?P<quarter>et quart)|(?P<past>[1-5]?\d)))?)"
    r"(?: moins (?:(?P<less>le quart)|(?P<to>\d{1,2})))?(?: pile| precises?)?"
)


def _clock(text: str) -> Clock | None:
    """`7 heures`, which by now is 25200s, `6 heures moins le quart`, `midi et demi`."""
    if (found := _CLOCK.fullmatch(text)) is None:
        return None
    back = 15 if found["less"] else int(found["to"] or 0)
    if name := found["name"]:
        total = 720 if name == "midi" else 0
        total += 30 if found["half"] else 15 if found["quarter"] else int(found["past"] or 0)
    else:
        total, rest = divmod(int(found["seconds"]), 60)
        if rest or not 60 <= total < 1440:
            return None
    if not 0 <= back < 60 or (back and total % 60):
        return None
    total = (total - back) % 1440
    return total // 60 if total // 60 or back == 0 else 12, total % 60


_MOMENTS = Moments(
    repeats={
        r"(?:du lundi au vendredi|en semaine|tous les jours (?:de la semaine|ouvres))": "weekday",
        r"(?:tous les matins|chaque matin)": "day am",
        r"(?:tous les soirs|chaque soir)": "day pm",
        r"(?:tous les jours|chaque jour)": "day",
        r"(?:tous les week ?ends|chaque week ?end)": "weekend",
        **{rf"(?:chaque {day}|tous les {day}s?)": name for day, name in _WEEKDAYS.items()},
    },
    days={
        r"aujourd'hui": "today",
        r"ce matin": "today am",
        r"(?:ce soir|cet apres midi)": "today pm",
        r"demain matin": "tomorrow am",
        r"demain (?:soir|apres midi)": "tomorrow pm",
        r"demain": "tomorrow",
        **{rf"(?:ce )?{day}(?: prochain)?": name for day, name in _WEEKDAYS.items()},
        **{rf"(?:ce )?{day} matin": f"{name} am" for day, name in _WEEKDAYS.items()},
        **{rf"(?:ce )?{day} (?:soir|apres midi)": f"{name} pm" for day, name in _WEEKDAYS.items()},
    },
    periods={r"du matin": "am", r"(?:de l'apres midi|du soir)": "pm"},
    clock=_clock,
    glue="a|pour|vers|des",
)

TONGUE = Tongue(
    normalise=Normaliser(_REWRITES, _LEAD, _TAIL, lambda text: _DURATIONS.to_seconds(_NUMBERS.to_digits(text))),
    expression=expression_reader(
        r"(?:combien (?:font|fait|ca fait)|(?:ca )?fait combien|quel est le resultat de|calcule)",
        rewrites(
            (r"\b(?:multiplie par|fois)\b", "times"),
            (r"\bdivise par\b", "divided by"),
            (r"\bpourcent de\b", "percent of"),
            (r"\b(?:la )?racine carree de\b", "square root of"),
            (r"\bpuissance\b", "to the power of"),
            (r"\bau carre\b", "squared"),
            (r"\b(?:plus|et)\b", "plus"),
            (r"\bmoins\b", "minus"),
            (r"\bune?\b", "1"),
        ),
    ),
    when=_MOMENTS.read,
    moment=re.compile(
        r"(?:a|vers|pour|aujourd'hui|demain|ce|cet|tous|chaque|du lundi|en semaine"
        rf"|{'|'.join(_WEEKDAYS)})\b"
    ),
    later=re.compile(r"dans (\d+)s"),
    task=re.compile(r"(?:de |d'|que |qu')"),
    joint="et",
    kept=("text", "items", "label", "about", "name"),
    small=SmallWords(
        no_label=words(
            "un une des le la les l mon ma mes ton ta tes son sa ses ce cet cette ces je tu il elle on nous vous me te "
            "se et ou mais non pas tout tous toute toutes chaque qui que quoi quel quelle comment quand pourquoi est "
            "sont etait a ai as peux veux si en au aux de du avec pour par sans depuis jusqu avant apres pendant sur "
            "encore aussi mets cree lance demarre commence annule arrete stoppe supprime efface enleve joue appelle "
            "rappelle reveille ouvre ferme dis montre nouveau nouvelle deuxieme premier premiere dernier derniere "
            "prochain minuteur minuteurs alarme alarmes reveil rappel rappels dormir aujourd'hui demain matin soir "
            "midi minuit plus moins minute minutes heure heures secondes jour jours semaine long court liste listes "
            "note notes lumiere lumieres musique"
        ),
        joining=re.compile(r"[,;:.!?()\"]|\b(?:et|puis|ensuite|aussi|mais|ou|sinon|apres|pendant que)\b"),
        dangling=words("un une le la les mon ma a au de du avec par pour et ou que est"),
        pronouns=words("ca cela ceci le la les tout rien quelque elle eux lui"),
        commands=words("mets allume eteins joue arrete commence annule ouvre ferme dis montre quoi quand"),
        containers=words("liste listes minuteur alarme puis"),
    ),
)
