"""Who of the team answers: plain rules, looked at before any model is asked. Pure.

A cascade pays twice for latency (agent.md 3), so nothing is decided by a failed attempt: gates that are certain, then
heuristics, else the worker, who has a tool to hand a question on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

LONG_WORDS = 60
"""A question longer than this is a task (agent.md 3)."""

MOST_CHARACTERS = 300
"""That rules look at."""

ROLES = ("eyes", "coder", "reasoner", "manager", "worker")

NAMES = {**{role: role for role in ROLES}, "bob": "manager"}
"""What people call the members of the team."""

_WHO = rf"(?P<name>{'|'.join(NAMES)})"
_POLITE = r"(?:(?:please|hey|ok|okay|now|so|well|can you|could you|would you|will you|i want you to)[, ]+)*"
_NAMED = re.compile(
    rf"\s*{_POLITE}(?:(?:ask|use|switch to|talk to)(?: the| your)? {_WHO}\b(?:[,:]| to\b| about\b| if\b| whether\b)?"
    rf"|(?:hey )?(?P<called>{'|'.join(NAMES)}),)\s+(?P<rest>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
"""Not `let`, `have` or `my`: most people's manager is somebody else."""

_HERE = r"(?:[.?!,]|$| (?:for me|please|here|in my hand|text|letter|label|page|picture|photo|image|sign|screen)\b)"
_EYES = re.compile(
    r"\b(?:what|who|which|where|is|are|do|does|can|read|describe|look|see|explain|summari[sz]e|translate|tell)\b.{0,60}"
    r"\b(?:on|at|in|from) (?:my|the|this) (?:screen|display|monitor|camera|webcam|screenshot)\b"
    r"|^(?:read|describe|explain|summari[sz]e|look at) (?:my|the|this) (?:screen|display|monitor|webcam|screenshot)\b"
    rf"|(?:^|[,.] |\band )(?:look at|read|describe|what(?:'s| is| are)|what do you see in) (?:this|these){_HERE}"
    r"|\b(?:am i|i'm|i am) (?:holding|wearing|showing you)\b|^take a (?:picture|photo|screenshot)\b"
    r"|^can you see (?:me|this|that|it|my|what)\b|^what (?:do|can) you see\b|^how do i look\b",
    re.IGNORECASE,
)

_MAKE = (
    r"\b(?:write|fix|debug|refactor|review|implement|port|generate|create|make|give|show|explain|improve|optimi[sz]e)\b"
)
_LANGUAGE = r"\b(?:python|rust|javascript|typescript|c\+\+|java|golang|bash|haskell|sql|html|css|kotlin|perl)\b"
_PROGRAM = (
    r"\b(?:(?:python|rust|java(?:script)?|bash|shell|sql|unit|source|my|this|the|some|javascript|html) "
    r"(?:code|script|function|program|class|query|tests?|bug)|regex|regular expression|unit tests?|source code"
    r"|dockerfile|makefile|stack trace|pull request|(?:function|class|script|program) (?:that|to|which|for)"
    r"|(?:for|while) loop|sql query|code (?:that|to|for|which))\b"
)
_CODE = re.compile(
    rf"{_MAKE}.{{0,60}}{_PROGRAM}"
    rf"|(?:{_MAKE}|\b(?:how (?:do|can|would|to)|code|program|function|script|loop|sort|parse|list|dictionary|array)\b)"
    rf".{{0,60}}\b(?:in|with|using) {_LANGUAGE}"
    r"|^(?:debug|refactor) ",
    re.IGNORECASE,
)
_NO_CODE = re.compile(
    r"\b(?:movie|film|play|theat(?:re|er)|wedding|school|television|dress code|code of|gym"
    r"|class reunion|zip code)\b",
    re.IGNORECASE,
)

_THINK = re.compile(
    rf"^{_POLITE}(?:take your time|(?:think|reason)(?: really| very)? (?:hard|harder|carefully|deeply|step by step"
    r"|it through|this through|about (?:it|this) carefully))\b"
    r"|(?:[,.;?!] |\band )(?:please )?(?:think (?:hard|harder|carefully|deeply|step by step|it through"
    r"|about it carefully)|take your time)[.!?]?$"
    r"|\b(?:ask|use) (?:the |your )?(?:big|bigger|large|strong|smart)(?:er|est)? (?:one|model|brain)\b",
    re.IGNORECASE,
)
_HARD = re.compile(
    rf"^{_POLITE}(?:prove (?:step by step )?(?:that|the|why|it)\b"
    r"|(?:give me |show me |find )?(?:a |the )?proof (?:that|of|for)\b)"
    r"|\bhow many (?:different )?ways\b|\boptimi[sz]e (?:my|the|this|a|our)\b|\bpros and cons\b"
    r"|\bcompare\b.{3,80}\b(?:and|with|versus|vs|to)\b.{0,80}\b(?:decide|recommend|better|best)\b"
    rf"|^{_POLITE}(?:plan|make|create|draw up|work out)\b.{{0,60}}\b(?:plan|trip|schedule|itinerary)\b.{{0,80}}"
    r"\b(?:days?|weeks?|budget|constraints?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Route:
    """Whom a question goes to, and why in a sentence."""

    role: str
    why: str
    question: str
    """Without the words that only named somebody."""


def route(text: str, roles: Collection[str], *, has_image: bool = False) -> Route:
    """The first rule that holds and whose role the team fills.

    `roles` are those of the profile. Without eyes a question about the screen goes to the worker, who says so.
    """
    for found in _rules(text, has_image):
        if found.role in roles:
            return found
    return Route("worker", "No rule speaks for anybody else.", text)


def _rules(text: str, has_image: bool) -> Iterator[Route]:
    head = text[:MOST_CHARACTERS].strip().replace("’", "'")
    if named := _NAMED.match(head):
        role = NAMES[(named["name"] or named["called"]).lower()]
        yield Route(role, f"The {role} was named.", text.strip()[named.start("rest") :])
    if has_image:
        yield Route("eyes", "There is a picture with it.", text)
    if _EYES.search(head):
        yield Route("eyes", "It is about something to see.", text)
    if _CODE.search(head) and not _NO_CODE.search(head):
        yield Route("coder", "It is about code.", text)
    if _THINK.search(head):
        yield from (Route(role, "Hard thinking was asked for.", text) for role in ("reasoner", "manager"))
    if _HARD.search(head) or len(text.split()) > LONG_WORDS:
        yield from (Route(role, "It looks like a task of many steps.", text) for role in ("manager", "reasoner"))
