"""What a model without tools cannot do or know, and would make up: told from the words, before it is asked."""

from __future__ import annotations

import re

from voxspark.language import current
from voxspark.tools.phrases import translated

CANNOT_DO = "I can't do that, or I did not understand how you put it. Ask me what I can do."
CANNOT_KNOW = "I can't know that: the language model that is here only knows what it once learned."
HOW_LONG = "For how long? Say: set a timer for ten minutes."
WHEN_TO_REMIND = "When? Say: remind me at five to call mum."
WHEN_TO_WAKE = "When? Say: wake me at seven."
CANNOT_SPEAK = "I did not understand that, and the language model that is here speaks only English."
WHO_I_AM = "I am VoxSpark, a voice assistant on this machine. Ask me what I can do."

_POLITE = (
    r"(?:(?:please|hey|ok|okay|now|so|well|and|just|can you|could you|would you|will you|i want you to|i'd like you to"
    r"|i need you to|go ahead and)[, ]+)*"
)
_THING = r"(?:the|my|our|your|all|some|a|an|that|this|it|every|both|another|me|him|her|them|up|down|on|off|in)\b"
_DO = re.compile(
    rf"^{_POLITE}(?:"
    rf"(?:turn|switch|set|put|start|stop|open|close|shut|lock|unlock|raise|lower|increase|decrease|reduce|dim|call|dial"
    rf"|send|forward|buy|order|book|add|remove|delete|cancel|launch|install|uninstall|print|record|charge|connect"
    rf"|disconnect|pair|restart|reboot|run|check|show|remind|wake|save|copy|move|download|upload|email|text|message"
    rf"|schedule|snooze|skip|pause|resume|mute|unmute|take|find|bring|feed|water|vacuum|heat|cool|warm) {_THING}"
    r"|(?:play|pause|resume|skip|mute|unmute|shuffle|dictate|navigate|remember that|forget that)(?! on words| a role)\b"
    r"|(?:shut down|log out|lock up|remind me|wake me|call|text|email|add|google|search for|look up) \w+"
    r"|(?:forget|delete|erase) (?:everything|all|what)\b|(?:remember|forget) (?:i|i'm|my|our|we|me|this|it)\b"
    r"|(?:open|launch|close|quit) \w+\W*$"
    r"|(?:lights?|music|volume|radio|tv|television|heating|louder|quieter)\b"
    r")",
    re.IGNORECASE,
)
_HALF = (
    (re.compile(rf"^{_POLITE}(?:set|start|create) (?:a |an |another )?(?:\w+ )?timer\W*$", re.IGNORECASE), HOW_LONG),
    (re.compile(rf"^{_POLITE}(?:remind me|set (?:a |another )?reminder)\b", re.IGNORECASE), WHEN_TO_REMIND),
    (re.compile(rf"^{_POLITE}(?:wake me|set (?:an |another )?alarm)\b", re.IGNORECASE), WHEN_TO_WAKE),
)
"""What tools do, asked for without something they need."""

_NO_DOING = re.compile(
    r"^\W*(?:show|find|bring|take|put|text|call|check)\b.*\b(?:example|mean|word|poem|story)", re.IGNORECASE
)
_KNOW = re.compile(
    r"\b(?:weather|forecast|temperature (?:outside|in|today)|going to (?:rain|snow)|will it (?:rain|snow|be)"
    r"|(?:latest|today's|recent|current|breaking) (?:news|headlines|score|price|results)|in the news"
    r"|the (?:news|headlines)|(?:happening|going on) in the world"
    r"|(?:day|date) (?:is it )?(?:tomorrow|today)|tomorrow's (?:date|day)"
    r"|(?:days|weeks|long) (?:until|till) |(?:what|which) week is it|what time (?:is it|does|will)|stock price"
    r"|exchange rate|traffic|who won (?:the|today|yesterday|last)|(?:on|in) my (?:calendar|screen|inbox|mail)"
    r"|on my (?:[\w-]+ )?list|ip address|(?:my|new) (?:next )?(?:appointments?|meetings?|e-?mails?|messages|schedule)"
    r"|my (?:battery|disk|computer|processor|memory)"
    r"|(?:disk|free) space|battery (?:level|left|is)|what is playing|what song|right now|nearby|near me|near here)\b",
    re.IGNORECASE,
)
_WHO = re.compile(
    rf"^\W*{_POLITE}(?:who are you|what are you|what(?:'s| is) your name|(?:what|which) (?:language )?model are you"
    r"(?: using)?|tell me (?:who you are|about yourself))\W*$",
    re.IGNORECASE,
)

_LATIN = re.compile(r"[a-z0-9]", re.IGNORECASE)


def beyond(text: str) -> str:
    """The sentence that answers instead; empty when a model without tools may try."""
    text = text.strip().replace("’", "'")
    if half := next((sentence for pattern, sentence in _HALF if pattern.search(text)), ""):
        return half
    if _DO.search(text) and not _NO_DOING.search(text):
        return CANNOT_DO
    return CANNOT_KNOW if _KNOW.search(text) else ""


def beyond_small(text: str) -> str:
    """The same for the bundled model, which speaks English only and takes itself for somebody else each time."""
    if current() != "en" or not _LATIN.search(text):
        return translated(CANNOT_SPEAK)
    return WHO_I_AM if _WHO.match(text.strip().replace("’", "'")) else beyond(text)
