"""Does the transcript read as finished, and how long must the silence last before it is answered?

The transcript is made at a pause of 160 ms and may be half a sentence; Whisper puts a full stop behind that too. So
the words decide: `open` when they ask for more ("set a timer for"), `closed` when they fill the valency of a command or
question people give to assistants (`command_grammar`), `doubtful` otherwise. Wrong `doubtful` costs a third of a
second, wrong `closed` cuts somebody off: what no pattern knows is doubtful. English only.
"""

from __future__ import annotations

from typing import Literal

from voxspark.config_listening import PatienceSettings
from voxspark.listening import command_grammar as grammar

Reads = Literal["closed", "doubtful", "open"]

LONGEST_COMMAND_WORDS = 25
"""Longer sentences are told, not asked; also bounds the pattern matching."""

LONGEST_TAIL_CHARACTERS = 600
"""What is looked at of a long transcript: its end."""

PIN_DIGITS = 4
PHONE_DIGITS = 7
"""A dictated number with fewer digits goes on (the shortest usual local number has seven)."""

DISBELIEVED = 0.3
"""End-of-turn probability below which even finished words wait longer: the voice says that there is more."""


def patience_seconds(reads: Reads, completeness: float | None, settings: PatienceSettings) -> float:
    """Silence after which the turn is confirmed; between `sure_seconds` and `open_seconds`.

    | model hears         | closed                   | doubtful               | open |
    |---------------------|--------------------------|------------------------|------|
    | >= sure_probability | sure                     | doubtful               | open |
    | between             | doubtful                 | doubtful               | open |
    | < 0.3               | between doubtful, open   | between doubtful, open | open |
    | (no model)          | between sure, doubtful   | doubtful               | open |

    "Between" is halfway. Without a model nobody hears a voice that stays up: finished words alone earn half the haste.
    """
    sure, doubtful, patient = settings.sure_seconds, settings.doubtful_seconds, settings.open_seconds
    if reads == "open":
        return patient
    if completeness is None:
        return (sure + doubtful) / 2 if reads == "closed" else doubtful
    if reads == "closed" and completeness >= settings.sure_probability:
        return sure
    return (doubtful + patient) / 2 if completeness < DISBELIEVED else doubtful


def reads(text: str) -> Reads:
    """What the words said so far say about the end.

    Trailing off ("...", a dash, a comma) lowers the verdict by a step; a full stop or question mark proves nothing.
    """
    verdict = _judge(_sentences(text[-LONGEST_TAIL_CHARACTERS:]))
    if grammar.TRAILING_OFF.search(text[-LONGEST_TAIL_CHARACTERS:]):
        return "doubtful" if verdict == "closed" else "open"
    return verdict


def _sentences(text: str) -> list[str]:
    """Normalised: lower case, contractions written out, words separated by one space."""
    text = text.lower()
    for pattern, replacement in grammar.SPELLINGS:
        text = pattern.sub(replacement, text)
    return [" ".join(words) for part in grammar.SENTENCE_END.split(text) if (words := grammar.WORD.findall(part))]


def _judge(sentences: list[str]) -> Reads:
    if not sentences:
        return "doubtful"
    if all(sentence in grammar.REPLIES or _without_lead_in(sentence) in grammar.REPLIES for sentence in sentences):
        return "closed"
    while len(sentences) > 1 and sentences[-1] in grammar.THANKS:
        sentences = sentences[:-1]
    sentence = sentences[-1]
    if sentence.split()[-1] in grammar.FILLERS and not grammar.ENDS_IN_LIKE.search(sentence):
        return "open"
    core = _core(sentence)
    if not core:
        return "doubtful" if sentence in grammar.ACKNOWLEDGEMENTS else "open"
    if len(core.split()) <= LONGEST_COMMAND_WORDS and _is_complete(grammar.CLAUSE_START.split(core)[-1]):
        return "closed"
    return "open" if _asks_for_more(core) else "doubtful"


def _without_lead_in(sentence: str) -> str:
    words = sentence.split()
    while words and words[0] in grammar.LEAD_INS:
        words.pop(0)
    return " ".join(words)


def _core(sentence: str) -> str:
    """The sentence without address, courtesy and hesitation: "hey, um, turn it off please" is "turn it off"."""
    kept = " ".join(word for word in sentence.split() if word not in grammar.DROPPED)
    return grammar.COURTESY_BEHIND.sub("", _without_lead_in(kept))


def _is_complete(phrase: str) -> bool:
    if phrase in grammar.REPLIES or grammar.COMPLETE_AS_IT_IS.fullmatch(phrase):
        return True
    if grammar.COMPLETE.fullmatch(phrase) and _ends_well(phrase):
        return True
    courtesy = grammar.COURTESY_BEFORE.match(phrase)
    return courtesy is not None and _is_complete(phrase[courtesy.end() :])


def _ends_well(phrase: str) -> bool:
    """The last word can end a noun phrase. A number can go on ("at six", "at six thirty"), a time of day cannot."""
    before, last = phrase.split()[-2:]
    if last in grammar.MODIFIERS or _asks_for_more(phrase):
        return False
    if last in grammar.RELATIONAL:
        return before in grammar.POSSESSIVES
    if grammar.NUMBERS.fullmatch(last):
        return grammar.ENDS_IN_TIME.search(phrase) is not None
    return "between" not in phrase or " and " in phrase


def _asks_for_more(core: str) -> bool:
    last = core.split()[-1]
    return (
        last in grammar.OPEN_ENDS
        or last.endswith("'s")
        or grammar.LACKS_COMPLEMENT.search(core) is not None
        or _is_dictating(core)
    )


def _is_dictating(core: str) -> bool:
    """Digits of a number are being said, and there are fewer of them than such numbers have."""
    if (match := grammar.DICTATION.fullmatch(core)) is None:
        return False
    digits = sum(len(word) if word.isdigit() else 1 for word in (match["digits"] or match["bare"]).split())
    return digits < (PIN_DIGITS if match["short"] else PHONE_DIGITS)
