"""What a wildcard of a template may have caught. Each check is strict: in doubt it is None, and a model answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from voxspark.tools import wall_time
from voxspark.tools.phrases import fold

Arguments = dict[str, object]

_LABEL = re.compile(r"[^\W\d_]+(?:'s?)?(?: [^\W\d_]+(?:'s?)?){0,2}")
"""At most three words of letters."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NO_LABEL = _words(
    "a an the my your his her our their this that these those it i you me we they and or then but not no all every "
    "both each any some what which who whom whose when where why how is are was were be do does did have has will "
    "would can could should if in on at to from by with for before after until till over under off out up down "
    "again too also set start create make begin run add cancel stop pause resume delete remove clear change extend "
    "snooze reset restart turn play tell call remind wake open close put give get send say ask show check new "
    "another second first last next other timer timers alarm alarms reminder reminders sleep today tonight "
    "tomorrow morning noon evening midnight later now minute minutes hour hours seconds day days week long short "
    "quick more less only just during about around into through let shorten note notes list lists read"
)
"""Words that show that a wildcard has swallowed more than a name. A sleep timer is something else: it ends music."""

_JOINING = re.compile(r"[,;:.!?()\"]|\b(?:and|then|also|but|or else|otherwise|as well|while you)\b")
"""Free text with one of these may hold a second command."""

_TEXT_WORDS = 14
_ITEM_WORDS = 4
_MOST_ITEMS = 12
_DURATION = re.compile(r"\b\d+s\b")
_DANGLING = _words("a an the my at on in to by for of from with and or is that about")
_PRONOUNS = _words("it that this these those them they him her everything all nothing something anything one ones")
_COMMANDS = _words("turn switch play set start stop cancel dim open close tell ask show what when where")
"""No entry of a list begins so."""

_ANY_MOMENT = datetime(2026, 1, 1, 3, 0, tzinfo=UTC)
_LEADS = re.compile(r"(?:at|on|by|in|every|each|this|next|daily|today|tonight|tomorrow|noon|midnight)\b")
_DAYS = tuple(day.lower() for day in wall_time.DAYS)
_LATER = re.compile(r"(?:in|after) (\d+)s")
_TO = re.compile(r"(?:to|that|about) ")


def label(text: str) -> Arguments | None:
    """A name of at most three words."""
    words = {word.removesuffix("'s") for word in text.split()}
    return {"label": text} if _LABEL.fullmatch(text) and words.isdisjoint(_NO_LABEL) else None


def when(text: str) -> Arguments | None:
    """A moment on the clock on the wall."""
    return None if wall_time.parse(text, _ANY_MOMENT) is None else {"when": text}


def items(text: str) -> Arguments | None:
    """`milk, eggs and bread`: entries of a list."""
    found = [item.strip() for item in re.split(r" and ", text)]
    return {"items": found} if len(found) <= _MOST_ITEMS and all(map(_is_item, found)) else None


def _is_item(text: str) -> bool:
    words = text.split()
    return (
        0 < len(words) <= _ITEM_WORDS
        and words[0] not in _COMMANDS | _PRONOUNS
        and words[-1] not in _DANGLING
        and not {"list", "lists", "timer", "alarm", "then"} & set(words)
        and _is_plain(text)
    )


def name(text: str) -> Arguments | None:
    """What a list is called."""
    words = text.split()
    fits = len(words) <= 2 and _LABEL.fullmatch(text) and (_NO_LABEL - {"to", "do"}).isdisjoint(words)
    return {"name": text} if fits else None


def text(text: str) -> Arguments | None:
    """What to write down."""
    return {"text": text} if " " in text and _is_text(text) else None


def about(text: str) -> Arguments | None:
    """What to look for in notes: at most four words."""
    return {"about": text} if len(text.split()) <= _ITEM_WORDS and _is_text(text) else None


def reminder(text: str) -> Arguments | None:
    """`at 5 to call mum` or `to call mum at 5`."""
    for place in re.finditer(r"\b(?:to|that|about) ", text):
        first = text[: place.start()].strip()
        if (moment := _moment(first) or when(first)) and _is_text(said := text[place.end() :]):
            return {"text": said, **moment}
    if (begin := _TO.match(text)) is None:
        return None
    words = text[begin.end() :].split()
    for at in range(1, len(words)):
        said, moment = " ".join(words[:at]), _moment(" ".join(words[at:]))
        if moment and _is_text(said):
            return {"text": said, **moment}
    return None


def _moment(text: str) -> Arguments | None:
    """`at 5` and `in 600s`; a bare number is none."""
    if later := _LATER.fullmatch(text):
        return {"seconds": int(later[1])}
    if not _LEADS.match(text) and not text.startswith(_DAYS):
        return None
    return when(text.removeprefix("at "))


def _is_text(text: str) -> bool:
    words = text.split()
    return 0 < len(words) <= _TEXT_WORDS and words[-1] not in _DANGLING and _is_plain(text)


def _is_plain(text: str) -> bool:
    return not _JOINING.search(text) and not _DURATION.search(text)


CHECKS: Mapping[str, Callable[[str], Arguments | None]] = {
    "label": label,
    "when": when,
    "items": items,
    "name": name,
    "text": text,
    "about": about,
    "reminder": reminder,
}
"""Wildcard to its check, which also gives the arguments it stands for."""

WITH_COMMA = ("when",)
"""Wildcards that may be used in a command with a comma in it; hassil drops commas, so the others cannot be checked."""

_KEPT = ("text", "items")
"""Arguments that are repeated or kept, and so should be written as they were said."""


def as_said(arguments: Arguments, transcript: str) -> Arguments:
    """With the capitals of the transcript, where it has the same words."""
    folded = fold(transcript)
    if len(folded) != len(transcript):
        return arguments

    def restore(value: Any) -> Any:
        if isinstance(value, list):
            return [restore(item) for item in value]
        at = folded.find(value)
        return transcript[at : at + len(value)] if at >= 0 else value

    return {key: restore(value) if key in _KEPT else value for key, value in arguments.items()}
