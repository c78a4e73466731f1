"""What a wildcard of a template may have caught. Each check is strict: in doubt it is None, and a model answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from voxspark.agent.tongues import Tongue
from voxspark.agent.tongues.tongue import words

Arguments = dict[str, object]

_LABEL = re.compile(r"[^\W\d_]+(?:'s?)?(?: [^\W\d_]+(?:'s?)?){0,2}")
"""At most three words of letters."""

_DURATION = re.compile(r"\b\d+s\b")

_TEXT_WORDS = 14
_ITEM_WORDS = 4
_MOST_ITEMS = 12
_FEWEST_FACT_WORDS = 3
_NO_FACT = words("time when what how who where why it this that there he she they we to no every all day night")
_ADDRESS = words("you you're your yours")
_OWN = words("i i'm i've i'd i'll me my mine we we're we've us our ours")
_OWN_SENTENCE = re.compile(r"(?:i|we) \w+ \w|(?:i'm|we're|i've|we've) \w|(?:my|our) (?:[\w']+ ){1,4}(?:is|are) \w")
_PREDICATES = words("is was are were has had have will would can could does did says said it's isn't doesn't and or")
"""What is looked up does not begin with one: `Google is a company`."""

WITH_COMMA = ("when",)
"""Wildcards that may be used in a command with a comma in it; hassil drops commas, so the others cannot be checked."""


class Checks:
    """The checks in one language, by the slot that a wildcard fills."""

    def __init__(self, tongue: Tongue) -> None:
        self._tongue = tongue
        self._small = tongue.small
        self._by_name: Mapping[str, Callable[[str], Arguments | None]] = {
            "label": self._label,
            "when": self._when,
            "items": self._items,
            "name": self._name,
            "text": self._text,
            "about": self._about,
            "reminder": self._reminder,
            "fact": self._fact,
            "about_fact": self._about_fact,
            "own_fact": self._own_fact,
            "topic": self._topic,
            "query": self._query,
            "dictation": self._dictation,
            "place": self._place,
        }

    def read(self, name: str, caught: str, *, free: bool, has_comma: bool) -> Arguments | None:
        """The arguments that the text of a wildcard stands for, or None; a `free` one is any short text."""
        if has_comma and name not in WITH_COMMA:
            return None
        if not free and (check := self._by_name.get(name)) is not None:
            return check(caught)
        return {name: caught} if self._is_text(caught) else None

    def _label(self, text: str) -> Arguments | None:
        """A name of at most three words."""
        words = {word.removesuffix("'s") for word in text.split()}
        return {"label": text} if _LABEL.fullmatch(text) and words.isdisjoint(self._small.no_label) else None

    def _when(self, text: str) -> Arguments | None:
        """A moment on the clock on the wall."""
        return None if (moment := self._tongue.when(text)) is None else {"when": moment}

    def _items(self, text: str) -> Arguments | None:
        """`milk, eggs and bread`: entries of a list."""
        found = [item.strip() for item in text.split(f" {self._tongue.joint} ")]
        return {"items": found} if len(found) <= _MOST_ITEMS and all(map(self._is_item, found)) else None

    def _is_item(self, text: str) -> bool:
        words = text.split()
        return (
            0 < len(words) <= _ITEM_WORDS
            and words[0] not in self._small.commands | self._small.pronouns
            and words[-1] not in self._small.dangling
            and self._small.containers.isdisjoint(words)
            and self._is_plain(text)
        )

    def _name(self, text: str) -> Arguments | None:
        """What a list is called."""
        words = text.split()
        fits = len(words) <= 2 and _LABEL.fullmatch(text) and (self._small.no_label - {"to", "do"}).isdisjoint(words)
        return {"name": text} if fits else None

    def _place(self, text: str) -> Arguments | None:
        """A town, as far as its words tell."""
        words = set(text.split()) - {"new"}
        return {"place": text} if _LABEL.fullmatch(text) and words.isdisjoint(self._small.no_label) else None

    def _text(self, text: str) -> Arguments | None:
        """What to write down."""
        return {"text": text} if " " in text and self._is_text(text) else None

    def _fact(self, text: str) -> Arguments | None:
        """A sentence about the user, and not advice to anybody."""
        words = text.split()
        fits = len(words) >= _FEWEST_FACT_WORDS and words[0] not in _NO_FACT and not _OWN.isdisjoint(words)
        fits = fits and _ADDRESS.isdisjoint(words)
        return {"fact": text} if fits and self._is_text(text) else None

    def _own_fact(self, text: str) -> Arguments | None:
        """A whole sentence where nothing introduces one: `remember our trip` is none."""
        return self._fact(text) if _OWN_SENTENCE.match(text) else None

    def _about_fact(self, text: str) -> Arguments | None:
        return {"about": text} if text.startswith(("my ", "our ")) and self._fact(text) else None

    def _topic(self, text: str) -> Arguments | None:
        return {"topic": text} if self._is_subject(text) else None

    def _query(self, text: str) -> Arguments | None:
        return {"query": text} if self._is_subject(text) else None

    def _is_subject(self, text: str) -> bool:
        """Something to look up, which nobody has to look back for."""
        words = text.split()
        return words[0] not in _PREDICATES and self._small.pronouns.isdisjoint(words) and self._is_text(text)

    def _dictation(self, text: str) -> Arguments | None:
        """At least two words to type; `type two diabetes` is none."""
        words = text.split()
        fits = len(words) > 1 and (len(words[0]) > 1 or words[0] == "i") and not words[0].isdecimal()
        return {"text": text} if fits and self._is_text(text) else None

    def _about(self, text: str) -> Arguments | None:
        """What to look for in notes: at most four words."""
        return {"about": text} if len(text.split()) <= _ITEM_WORDS and self._is_text(text) else None

    def _reminder(self, text: str) -> Arguments | None:
        """`at 5 to call mum`, `to call mum at 5` or `to at 5 call mum`, as some languages have it."""
        tongue = self._tongue
        for place in reversed(list(re.finditer(rf"\b(?:{tongue.task.pattern})", text))):
            first = text[: place.start()].strip()
            if (moment := self._moment(first) or self._when(first)) and (said := self._task(text[place.end() :])):
                return {"text": said, **moment}
        if (begin := tongue.task.match(text)) is None:
            return None
        words = text[begin.end() :].split()
        for at in range(1, len(words)):
            moment = self._moment(" ".join(words[at:]))
            if moment and (said := self._task(" ".join(words[:at]))):
                return {"text": said, **moment}
        for at in reversed(range(1, len(words))):
            moment = self._moment(" ".join(words[:at]))
            if moment and (said := self._task(" ".join(words[at:]))):
                return {"text": said, **moment}
        return None

    def _task(self, text: str) -> str:
        """The thing to be reminded of, or empty."""
        return self._tongue.bare(text) if self._is_text(text) else ""

    def _moment(self, text: str) -> Arguments | None:
        """`at 5` and `in 600s`; a bare number is none."""
        if later := self._tongue.later.fullmatch(text):
            return {"seconds": int(later[1])}
        return self._when(text) if self._tongue.moment.match(text) else None

    def _is_text(self, text: str) -> bool:
        words = text.split()
        return 0 < len(words) <= _TEXT_WORDS and words[-1] not in self._small.dangling and self._is_plain(text)

    def _is_plain(self, text: str) -> bool:
        return not self._small.joining.search(text) and not _DURATION.search(text)
