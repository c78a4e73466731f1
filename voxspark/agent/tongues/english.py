"""English."""

from __future__ import annotations

import re

from voxspark.agent.tongues.english_arithmetic import expression
from voxspark.agent.tongues.english_numerals import to_digits, to_seconds
from voxspark.agent.tongues.tongue import Normaliser, SmallWords, Tongue, rewrites, words
from voxspark.listening.backchannel import WAKE_NAMES
from voxspark.tools.phrases.english_words import DAYS
from voxspark.tools.wall_time import is_moment

_DAYS = "|".join(day.lower() for day in DAYS)

_REWRITES = rewrites(
    (r"[’‘`]", "'"),
    (r"[\"“”«»_]", " "),
    (r"½", " 1/2"),
    (r"°\s?c\b", " degrees celsius"),
    (r"°\s?f\b", " degrees fahrenheit"),
    (r"\b([a-z])\.([a-z])\b\.?|\b([ap])\.? (m)\b\.?", r"\1\2\3\4"),
    (r"\b(mins?|secs?|hrs?|st)\.", r"\1"),
    (r"(?<=\d)\s?%", " percent"),
    (r"(?<=\d),(?=\d{3}\b)", ""),
    (r"(?<=\w)-(?=\w)", " "),
    (r"(?<![\w)])-(?=\d)", "minus "),
    (r"(?<=\d)(?=(?:hours?|hrs?|minutes?|mins?|seconds?|secs?)\b)", " "),
    (r"\b(what|how|when|that)'?s\b", r"\1 is"),
    (r"\ba couple(?: of)?\b", "2"),
    (r"\b(at|by) (1[0-2]|[1-9])([0-5]\d)(?=[ap]m\b| [ap]m\b|[.?!]?$)", r"\1 \2:\3"),  # Whisper writes 630
    (r"\b(notes?|reminder|list|down|that|self|saying|type|dictate): ", r"\1 "),
    (r"\s+", " "),
)
_LEAD = re.compile(
    rf"(?:(?:hey|hi|hello|ok|okay)[,.! ]+)?(?:{WAKE_NAMES})[,.!? ]+"
    r"|(?:hey|hi|hello|ok|okay|alright|all right|um+|uh+|er+m?|hm+|oh|ah|well|so|and|now|please|just|yes|yeah"
    r"|(?:can|could|would|will) you|i(?:'d like| would like| want| need) you to|go ahead and)[,.!]* +"
)
_TAIL = re.compile(
    r"[,.!?]* +(?:please|thanks|thank you|for me|from now|starting now|right now|now|currently|okay|ok"
    rf"|{WAKE_NAMES})[.!?]*$"
)

normalise = Normaliser(_REWRITES, _LEAD, _TAIL, lambda text: to_seconds(to_digits(text)))


def when(text: str) -> str | None:
    """The text itself, when it is a moment."""
    text = text.removeprefix("at ")
    return text if is_moment(text) else None


_NO_LABEL = words(
    "a an the my your his her our their this that these those it i you me we they and or then but not no all "
    "every both each any some what which who whom whose when where why how is are was were be do does did have "
    "has will would can could should if in on at to from by with for before after until till over under off out "
    "up down again too also set start create make begin run add cancel stop pause resume delete remove clear "
    "change extend snooze reset restart turn play tell call remind wake open close put give get send say ask show "
    "check new another second first last next other timer timers alarm alarms reminder reminders sleep today "
    "tonight tomorrow morning noon evening midnight later now minute minutes hour hours seconds day days week "
    "long short quick more less only just during about around into through let shorten note notes list lists read"
)
"""They show that a wildcard has swallowed more than a name. A sleep timer is something else: it ends music."""

TONGUE = Tongue(
    normalise=normalise,
    expression=expression,
    when=when,
    moment=re.compile(rf"(?:at|on|by|in|every|each|this|next|daily|today|tonight|tomorrow|noon|midnight)\b|{_DAYS}"),
    later=re.compile(r"(?:in|after) (\d+)s"),
    task=re.compile(r"(?:to|that|about) "),
    joint="and",
    kept=("text", "items", "fact", "query", "topic", "place", "description"),
    small=SmallWords(
        no_label=_NO_LABEL,
        joining=re.compile(r"[,;:.!?()\"]|\b(?:and|then|also|but|or else|otherwise|as well|while you)\b"),
        dangling=words("a an the my at on in to by for of from with and or is that about"),
        pronouns=words("it that this these those them they him her everything all nothing something anything one ones"),
        commands=words("turn switch play set start stop cancel dim open close tell ask show what when where"),
        containers=words("list lists timer alarm then"),
    ),
)
