"""German."""

from __future__ import annotations

import re

from voxspark.agent.tongues.arithmetic import expression_reader
from voxspark.agent.tongues.measures import Clock, Durations, Moments, Numbers
from voxspark.agent.tongues.tongue import Normaliser, SmallWords, Tongue, rewrites, words
from voxspark.listening.backchannel import WAKE_NAMES

_REWRITES = rewrites(
    (r"[’‘`]", "'"),
    (r"[\"“”„«»_]", " "),
    (r"(?<=\d)\s?%", " prozent"),
    (r"\b(\d{1,2})[.:](\d\d) ?uhr\b", r"\1:\2 uhr"),
    (r"(?<=\d)\.(?=\d{3}\b)", ""),
    (r"(?<=\d),(?=\d)", "."),
    (r"½", " 1/2"),
    (r"(?<=\w)-(?=[a-z])", " "),
    (r"(?<=[a-z]) ?- ?(?=\d)", " minus "),
    (r"\b(min|std|sek|h)\.", r"\1"),
    (r"(?<=\d)(?=(?:min|std|sek|stunden?|minuten?|sekunden?|uhr)\b)", " "),
    (r"\b(wie|was|wer|wo)'s\b", r"\1 ist"),
    (r"\b(gib|mach|stell|lies|nenn|sag|zeig|nimm|setz|schreib|starte?)('s| es)\b", r"\1 es"),
    (r"^\W*wie bitte\W*$", "wie war das"),
    (r",? bitte\b,?", ""),
    (r"\b(stelle?|setze?|mache?|sage?|gib|starte?|lies|zeige?|nenne?|erinnere?)( mir| mich)? (?:doch )?mal\b", r"\1\2"),
    (r"\bnoch (?:ein)?mal\b", "nochmal"),
    (r"\b(daran|notiz|notiere?|liste|auf)(?:, (?:dass )?|: | dass )(?=\w)", r"\1 "),
    (r"\b([a-z]{3,})(timer|wecker|liste)\b", r"\1 \2"),
    (r"\bstill (?=(?:einen?|den|meinen) (?:\w+ )?(?:timer|wecker)\b)", "stell "),
    (r"\bcountdown\b", "timer"),
    (r"\b(?:anderthalb|ein(?:e[rn]?)?einhalb|ein(?:e[rn]?)? (?:und |)einhalb)\b", "1.5"),
    (r"\bzweieinhalb\b", "2.5"),
    (r"\bdreieinhalb\b", "3.5"),
    (r"\bviereinhalb\b", "4.5"),
    (r"\bfunfeinhalb\b", "5.5"),
    (r"\b(?:(?:eine[rn]?|ne|der|die) )?(?:3 viertel ?|dreiviertel ?)stunden?\b", "45 minuten"),
    (r"\b(?:(?:eine[rn]?|ne|der|die) )?viertel ?stunde\b", "15 minuten"),
    (r"\b(?:(?:eine[rn]?|ne) )?halben? stunde\b", "30 minuten"),
    (r"\b(?:(?:eine[rn]?|ne) )?halben? minute\b", "30 sekunden"),
    (r"\s+", " "),
)
_ASKING = (
    r"(?:kannst|konntest|wurdest|willst) du(?: mir)?|ich (?:mochte|will|hatte gern(?:e)?),?(?: dass du)?"
    r"|du sollst|sei so nett und|und|also|nun|jetzt|mal|doch"
)
_LEAD = re.compile(
    rf"(?:(?:hey|hallo|hi|ok|okay|he)[,.! ]+)?(?:{WAKE_NAMES})[,.!? ]+"
    rf"|(?:hey|hallo|hi|ok|okay|ahm?|hm+|oh|ach|na|so|tja|ja|bitte|{_ASKING})[,.!]* +"
)
_TAIL = re.compile(rf"[,.!?]* +(?:bitte|danke|dankeschon|vielen dank|jetzt|gerade|okay|ok|mal|{WAKE_NAMES})[.!?]*$")

_NUMBERS = Numbers("de", "tausend", "komma", words("ein eine einen einem einer eines"))
_DURATIONS = Durations(
    one=r"eine[rnms]?|ein|ne",
    hours=r"stunden?|std|h",
    minutes=r"minuten?|min",
    seconds=r"sekunden?|sek",
    joint=r",? und |, | ",
    before_rest=r"$|,| timer\b",
)
_WEEKDAYS = {
    "montag": "monday",
    "dienstag": "tuesday",
    "mittwoch": "wednesday",
    "donnerstag": "thursday",
    "freitag": "friday",
    "(?:samstag|sonnabend)": "saturday",
    "sonntag": "sunday",
}
_CLOCK = re.compile(
    r"""(?:(?P<name>mittag|mitternacht)
      | (?:(?:(?P<quarter>viertel)|(?P<minutes>\d{1,2}|\d{2,4}s)(?:\ minuten)?)\ (?P<side>nach|vor)\ )?
        (?P<half>halb\ )?(?P<hour>\d{1,2})(?::(?P<exact>\d\d))?(?:\ uhr(?:\ (?P<after>\d{1,2}))?)?)""",
    re.VERBOSE,
)


def _clock(text: str) -> Clock | None:
    """`halb 7`, `5 vor halb 7`, `viertel nach 6`, `18 uhr 30`; `viertel 7` is another time in the next valley."""
    if (found := _CLOCK.fullmatch(text)) is None:
        return None
    if name := found["name"]:
        return (12, 0) if name == "mittag" else (0, 0)
    hour, minute = int(found["hour"]), int(found["exact"] or found["after"] or 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        return None
    moved = found["half"] or found["side"]
    if moved and (found["exact"] or found["after"] or ("uhr" in text and found["half"]) or not 1 <= hour <= 12):
        return None
    total = 60 * (hour % 24) + minute - (30 if found["half"] else 0)
    if found["side"]:
        said = found["minutes"] or "15"
        by = int(said.removesuffix("s")) // (60 if said.endswith("s") else 1)
        if not 0 < by < 30:
            return None
        total += by if found["side"] == "nach" else -by
    if moved:  # half past twelve is half one
        total = total % 720 or 720
        return (total // 60 or 12), total % 60
    return total // 60, total % 60


_MOMENTS = Moments(
    repeats={
        r"(?:jeden (?:werk|arbeits)tag|(?:werk|wochen)tags|(?:unter|in) der woche)": "weekday",
        r"jeden morgen": "day am",
        r"jeden abend": "day pm",
        r"(?:jeden tag|taglich)": "day",
        r"(?:jedes wochenende|am wochenende immer)": "weekend",
        **{rf"(?:jeden {day}|{day}s)": name for day, name in _WEEKDAYS.items()},
    },
    days={
        r"heute (?:fruh|morgen|vormittag)": "today am",
        r"heute (?:nachmittag|abend)": "today pm",
        r"heute nacht": "today night",
        r"heute": "today",
        r"morgen (?:fruh|vormittag)": "tomorrow am",
        r"morgen (?:nachmittag|abend)": "tomorrow pm",
        r"morgen": "tomorrow",
        **{rf"(?:am |diesen |nachsten |kommenden )?{day}": name for day, name in _WEEKDAYS.items()},
        **{rf"(?:am )?{day} ?(?:morgen|fruh|vormittag)": f"{name} am" for day, name in _WEEKDAYS.items()},
        **{rf"(?:am )?{day} ?(?:nachmittag|abend)": f"{name} pm" for day, name in _WEEKDAYS.items()},
    },
    periods={
        r"(?:morgens|fruh|vormittags|am (?:fruhen )?morgen|am vormittag|in der fruh)": "am",
        r"(?:nachmittags|abends|am (?:fruhen |spaten )?(?:nachmittag|abend))": "pm",
        r"(?:nachts|in der nacht)": "night",
    },
    clock=_clock,
    glue="um|gegen|auf|fur|ab|so|genau|punkt|zum|zu",
)

_INFINITIVE = re.compile(
    r"\b(ab|an|auf|aus|bei|ein|her|hin|los|mit|nach|um|vor|weg|zu|zuruck|zurück|raus|rein|runter|herunter|fest|weiter"
    r"|vorbei|durch|wieder|bereit|frei|fertig)zu(\w+e?n)\b"
)
_ZU = re.compile(r"\bzu (?=\w+n\b[ .,!?]*$)")


def _bare(text: str) -> str:
    """`Mama anzurufen` -> `Mama anrufen`, `den Müll zu leeren` -> `den Müll leeren`."""
    return _ZU.sub("", _INFINITIVE.sub(r"\1\2", text))


TONGUE = Tongue(
    normalise=Normaliser(_REWRITES, _LEAD, _TAIL, lambda text: _DURATIONS.to_seconds(_NUMBERS.to_digits(text))),
    expression=expression_reader(
        r"(?:was|wie ?viel|wieviel) (?:ist|sind|macht|ergibt|gibt)(?: denn)?|(?:be)?rechne(?: aus)?|und",
        rewrites(
            (r"\bmal\b", "times"),
            (r"\b(?:geteilt )?durch\b", "divided by"),
            (r"\bprozent von\b", "percent of"),
            (r"\b(?:die )?(?:quadrat)?wurzel (?:aus|von)\b", "square root of"),
            (r"\bhoch\b", "to the power of"),
            (r"\b(?:zum|im) quadrat\b", "squared"),
            (r"\b(?:und|plus)\b", "plus"),
            (r"\bweniger\b", "minus"),
        ),
    ),
    when=_MOMENTS.read,
    moment=re.compile(
        r"(?:um|gegen|am|heute|morgen|jeden|taglich|werktags|nachsten|diesen|mittags?|mitternacht"
        rf"|{'|'.join(_WEEKDAYS)})\b"
    ),
    later=re.compile(r"in (\d+)s"),
    task=re.compile(r"(?:daran (?:dass )?|an )"),
    joint="und",
    kept=("text", "items", "label", "about", "name"),
    bare=_bare,
    small=SmallWords(
        no_label=words(
            "ein eine einen einem einer eines der die das den dem des mein meine meinen dein deine kein keine keinen "
            "ich du er sie es wir ihr mich mir dich dir uns und oder dann aber nicht alle alles jede jeder jeden beide "
            "was wer wie wo wann warum welche welcher ist sind war hat haben kann soll wenn ob in im an am auf um zu "
            "zum zur von vom mit fur bei nach vor bis uber unter aus noch auch wieder stelle stell setze setz starte "
            "mache mach losche stoppe stopp halt spiele rufe erinnere wecke offne schliesse gib sag frag zeig neu "
            "neuen neue anderen andere zweite zweiten erste ersten letzte letzten nachste nachsten timer wecker alarm "
            "erinnerung erinnerungen schlaf heute morgen abend nacht mittag spater jetzt minute minuten stunde "
            "stunden sekunde sekunden tag tage woche lang kurz mehr weniger nur wahrend durch liste listen notiz "
            "notizen licht musik"
        ),
        joining=re.compile(r"[,;:.!?()\"]|\b(?:und|dann|auch|aber|oder|sonst|ausserdem|danach|anschliessend)\b"),
        dangling=words("ein eine einen der die das den dem mein meine um am an auf zu von mit und oder ist dass"),
        pronouns=words("es das dies dieses diese dieser sie ihn ihm ihr alles nichts etwas eins"),
        commands=words("mach mache schalte spiel spiele stell stelle stopp starte losche sag frag zeig was wann wo"),
        containers=words("liste listen timer wecker alarm dann"),
    ),
)
