"""What is said while the assistant speaks: a stop, or only a sign that somebody listens."""

from __future__ import annotations

import re

WAKE_NAMES = "jarvis|nabu|alexa|mycroft|vox ?spark"
"""Regular expression of the names people call it by."""

_SENTENCE_END = re.compile(r"[.?!…;\n]+")
_SOUND = re.compile(r"[(\[*♪<][^)\]*♪>]*[)\]*♪>]|♪")
"""Sounds as Whisper writes them: `(coughs)`, `[BLANK_AUDIO]`, `*laughs*`."""

_ADDRESS = (
    rf"hey|hi|oh|um+|uh|okay|ok|alright|all right|no|well|now|just|please|thanks|thank you|for me|{WAKE_NAMES}"
    r"|(?:can|could|would|will) you|bitte|danke|jetzt|por favor|gracias|ahora|merci|maintenant"
    r"|s'il (?:te|vous) plaît"
)
_MUTE = (
    r"stop listening(?: to (?:me|us|this|everything))?|don't listen(?: to (?:me|us))?(?: any ?more)?"
    r"|(?:mute|turn off|switch off|shut off|close) (?:the|your|my) mic(?:rophone)?|mic(?:rophone)? off"
    r"|hör (?:(?:mir|uns|bitte|jetzt) )*nicht (?:mehr )?zu|hör auf zuzuhören|hör weg|mikro(?:fon)? (?:aus|zu|stumm)"
    r"|(?:schalte?|mach|stelle?) (?:das|dein) mikro(?:fon)? (?:aus|zu|ab|stumm)"
    r"|deja de (?:escuchar(?:me|nos)?|o[ií]r(?:me|nos)?)|no (?:(?:me|nos) )?escuches(?: más)?"
    r"|(?:apaga|cierra|silencia|desactiva) (?:el|tu) micr(?:o|ófono|ofono)"
    r"|arr[eê]te(?:s|z)? (?:d'|de m'|de nous )[eé]couter|(?:ne (?:nous )?|n'|ne m')[eé]coute(?:s|z)? plus"
    r"|(?:coupe|éteins|ferme|désactive) (?:le|ton) micro(?:phone)?"
)
"""In any of the languages, whatever is spoken: privacy is no matter of settings."""

_STOP = (
    r"stop(?: (?:it|that|this|there|talking|speaking))?|enough(?: of that)?|(?:that's|that is) enough"
    r"|cancel(?: (?:that|it))?|never ?mind(?: (?:that|it))?|(?:be |keep )?quiet|shut up|shush|hush|silence"
    r"|be silent|forget (?:it|that|about it|about that)"
    # German, Spanish and French, whatever is spoken: being quiet is never the wrong answer to one of these
    r"|stopp|halt|aufhören|hör auf|schluss(?: damit)?|genug|das reicht|ruhe|sei (?:still|ruhig)|sei leise"
    r"|halt den mund|abbrechen|vergiss (?:es|das)|schon gut"
    r"|para(?: ya)?|detente|basta(?: ya)?|silencio|c[aá]llate|ya basta|cancelar?|d[eé]jalo|olv[ií]dalo|no importa"
    r"|arr[eê]te(?:s|z)?(?: (?:ça|cela))?|stoppe|tais toi|ça suffit|annuler?|laisse tomber|oublie(?: ça)?"
    rf"|{_MUTE}"
)
_STOP_SENTENCE = re.compile(rf"(?:(?:{_ADDRESS}) )*(?:{_STOP})(?: (?:{_ADDRESS}|{_STOP}))*")
_MUTE_SENTENCE = re.compile(rf"(?:(?:{_ADDRESS}) )*(?:{_MUTE})(?: (?:{_ADDRESS}|{_STOP}))*")

_A_MOMENT = r"(?:(?:just )?(?:a|one) )?(?:moment|minute|second|sec)"
_WAIT = (
    rf"(?:wait|hold on|hang on)(?: up)?(?: (?:for )?{_A_MOMENT})?|(?:just )?(?:a|one) (?:moment|minute|second|sec)"
    r"|wart(?:e|en sie)?(?: (?:mal|kurz))*(?: (?:einen|eine|ein) (?:moment|augenblick|sekunde))?"
    r"|(?:einen |eine |ein )?(?:kleinen )?(?:moment|augenblick|sekunde)(?: mal)?"
    r"|esper[ae](?: (?:un|una))?(?: (?:momento|minuto|segundo))?|un (?:momento|minuto|segundo)|momento"
    r"|attend(?:s|ez)(?: (?:un|une) (?:moment|instant|minute|seconde))?|(?:un|une) (?:moment|instant|minute|seconde)"
)
_WAIT_SENTENCE = re.compile(rf"(?:(?:{_ADDRESS}) )*(?:{_WAIT})(?: (?:{_ADDRESS}|{_WAIT}))*")

_BACKCHANNEL = re.compile(
    r"(?:(?:m+|h+m+|m+h+m+|u+h+u+h+|a+h*|o+h+|e+r+m*|u+m+|u+h+|hu+h+|aha|(?:ha)+h?|(?:he)+h?|ye+ah?|yep|yup|yes"
    r"|ok|okay|okey dokey|right|all right|alright|sure|true|exactly|indeed|of course|i see|i know|got it|gotcha|fine"
    r"|ja+|genau|danke|klar|vale|claro|gracias|oui|ouais|merci|d'accord"
    r"|good|great|nice|cool|wow|really|interesting|fair enough|makes sense|go on|thank you|thanks)(?: |$))++"
)
"""Whisper also writes breath and noise as `Thank you.`"""


def is_stop(text: str) -> bool:
    """Whether the utterance, or the last sentence of a longer one, asks for silence: `What is the time? Stop.`"""
    return _STOP_SENTENCE.fullmatch(_last_sentence(text)) is not None


def is_mute(text: str) -> bool:
    """Whether it, or the last sentence of it, asks that nothing is heard any more; that is a stop, too."""
    return _MUTE_SENTENCE.fullmatch(_last_sentence(text)) is not None


def _last_sentence(text: str) -> str:
    sentences = [words for part in _SENTENCE_END.split(text[-200:]) if (words := _words(part))]
    return sentences[-1] if sentences else ""


def is_wait(text: str) -> bool:
    """Whether the utterance only asks for a pause: `Wait, wait!`, `Hold on a second.`, `Moment mal.`"""
    return len(text) <= 200 and _WAIT_SENTENCE.fullmatch(_words(text)) is not None


def is_backchannel(text: str) -> bool:
    """Whether it needs no answer: `mm-hm`, `yeah, okay`, `(coughs)`, or nothing in words at all."""
    words = _words(_SOUND.sub(" ", text[:200]))
    return len(text) <= 200 and (not words or _BACKCHANNEL.fullmatch(words) is not None)


def _words(text: str) -> str:
    """Lower case words with single spaces between."""
    return " ".join(re.findall(r"[\w']+", text.lower().replace("’", "'")))
