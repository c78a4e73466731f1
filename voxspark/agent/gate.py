"""The speech gate: of what a model writes, only speech reaches the voice.

Small models leak: a tool call as bare JSON (ollama#11662), `<tool_call>` in the text, a `<think>` block, a code fence
around a call. Whatever may be the beginning of a leak is held until it is none; from a leak on the rest of the reply is
held to its end and, where it is a call, salvaged. What is said depends on the text alone, not on how it was cut.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from voxspark.types import ToolCall

MOST_HELD = 20_000
"""Characters of a leak that are looked at."""

WINDOW = 200
"""Characters in which a mark shows, blank inside included."""

_KEYS = ("name", "function", "type", "tool", "tool_calls", "arguments", "parameters")
_OBJECTS = tuple(f'{bracket}"{key}":' for bracket in ("{", "[{") for key in _KEYS)
_FENCES = tuple(f"```{language}{start}" for language in ("", "json", "tool_call") for start in _OBJECTS)
_TAGS = ("<tool_", "</tool_", "<function=", "<function>", "<function name", "</function", "<|", "[TOOL_CALL")

ANYWHERE = (*_TAGS, *_OBJECTS, *_FENCES)
"""How leaks begin, wherever they are; blank inside JSON and after a fence does not count."""

AT_START = (*ANYWHERE, "{", "[{", "[TOOL", "```json", "```tool", "```{", "```[{")
"""No sentence begins like this either."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""No speech, and whoever reads along at a terminal is not steered."""

_SUSPECT = re.compile(r"[<\[{`]")
_OPENS_THOUGHT = ("<think>", "<thinking>")
_THOUGHT = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>|</think(?:ing)?>", re.DOTALL)
_THOUGHT_TAGS = (*_OPENS_THOUGHT, "</think>", "</thinking>")

_MADE_UP = re.compile(r"</?tool_re|<\|(?:im_end|endoftext|eot)")
"""From here on it plays the other parts of the conversation itself."""

_NO_PROSE = re.compile(
    r'"(?:arguments|parameters|tool_calls)"\s*:|' + "|".join(map(re.escape, (*_TAGS, *_THOUGHT_TAGS)))
)
"""What shows that an object in the middle of a sentence was meant for a machine."""

_XML_CALL = re.compile(r"<function=([\w.-]+)>(.*?)</function>", re.DOTALL)
_XML_ARGUMENT = re.compile(r"<parameter=([\w.-]+)>\s*(.*?)\s*</parameter>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Leaked:
    """What was held back of a reply."""

    calls: tuple[ToolCall, ...] = ()
    """Calls that could be read out of it."""
    unreadable: bool = False
    """Something that was neither speech nor a call that can be read."""


class SpeechGate:
    """One reply. `feed` and `end` return what can be said; `leaked` is complete after `end`."""

    def __init__(self, tools: Iterable[str]) -> None:
        """`tools` are the names that a salvaged call may have."""
        self._tools = frozenset(tools)
        self._held = ""
        self._begun = False
        self._shut = False
        self._may_be_speech = False
        self._trim = False
        self._glued = False
        self.leaked = Leaked()

    def feed(self, delta: str) -> str:
        """The part that is certainly speech."""
        delta = _CONTROL.sub("", delta)
        if self._shut:
            self._held = (self._held + delta)[:MOST_HELD]
            return ""
        self._held += delta
        said = ""
        while self._held:
            if self._trim:
                self._held = self._held.lstrip()
                self._trim = not self._held
            before, self._held = self._split()
            said += before
            self._begun = self._begun or bool(before.strip())
            self._glued = not before[-1:].isspace() if before else self._glued
            if not self._pass_thought():
                break
            if self._begun and self._glued:
                said, self._glued = f"{said} ", False  # what a thought kept apart stays apart
        return said

    def end(self) -> str:
        """The rest that is speech."""
        held, self._held = self._held, ""
        if not self._shut:
            if held.startswith(_OPENS_THOUGHT):
                self.leaked = Leaked(unreadable=True)
            return "" if len(held.strip("`").strip()) > 2 else held  # a mark that the end of the reply has cut
        calls = tuple(self._salvaged(_MADE_UP.split(held, 1)[0]))
        if not calls and self._may_be_speech and not _NO_PROSE.search(held):
            return held
        self.leaked = Leaked(calls, unreadable=not calls and not _MADE_UP.match(held))
        return ""

    def _split(self) -> tuple[str, str]:
        """(certainly speech, the rest, which begins with a leak, a thought, or what may become one)."""
        held = self._held
        for found in _SUSPECT.finditer(held):
            at, rest = found.start(), held[found.start() :]
            at_start = not (self._begun or held[:at].strip())
            head = "".join(rest[:WINDOW].split()) if rest[0] in "{[`" else rest[:WINDOW]
            if head.startswith(AT_START if at_start else ANYWHERE):
                self._shut, self._may_be_speech = True, not at_start and not head.startswith(_TAGS)
                return held[:at], rest[:MOST_HELD]
            marks = (*AT_START, *_THOUGHT_TAGS) if at_start else (*ANYWHERE, *_THOUGHT_TAGS)
            may_become = len(rest) < WINDOW and any(mark.startswith(head) for mark in marks)
            if may_become or rest.startswith(_THOUGHT_TAGS):
                return held[:at], rest
        return held, ""

    def _pass_thought(self) -> bool:
        """Drop a whole thought at the beginning of what is held; False when there is none."""
        if self._shut or (thought := _THOUGHT.match(self._held)) is None:
            return False
        self._held = self._held[thought.end() :]
        self._trim = True
        return True

    def _salvaged(self, text: str) -> Iterator[ToolCall]:
        """Only calls of tools that exist: prose that happens to be JSON is none."""
        for name, body in _XML_CALL.findall(text):
            if name in self._tools:
                yield ToolCall(name, dict(_XML_ARGUMENT.findall(body)))
        for value in _json_values(text):
            for each in value if isinstance(value, list) else [value]:
                if (call := _read(each)) is not None and call.name in self._tools:
                    yield call


def _read(value: Any) -> ToolCall | None:
    """A JSON value as a call, in any of the usual shapes."""
    if not isinstance(value, dict):
        return None
    body: dict[str, Any] = value["function"] if isinstance(value.get("function"), dict) else value
    arguments = body.get("arguments", body.get("parameters", {}))
    if isinstance(arguments, str):
        arguments = next(_json_values(arguments), None)
    if not isinstance(body.get("name"), str) or not isinstance(arguments, dict):
        return None
    return ToolCall(body["name"], arguments)


def _json_values(text: str) -> Iterator[Any]:
    """JSON values one after the other. One that is broken ends it: what is inside was not meant to be called."""
    decoder, at = json.JSONDecoder(), 0
    while (start := re.compile(r'\{\s*["}]|\[\s*\{').search(text, at)) is not None:
        try:
            value, at = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            return
        yield value
