"""OpenAI's chat completions on the wire: what vLLM, SGLang, llama-server and llama.cpp in this process speak."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from voxspark.engines.sendable import encodable
from voxspark.engines.thought import LeadingThought, only_thought
from voxspark.errors import ChatError
from voxspark.protocols import Schema
from voxspark.types import Delta, Message, ReplyStats, ToolCall

PICTURES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"RIFF": "webp"}
"""First bytes of an encoded picture to its type."""


def body(
    model: str, messages: Sequence[Message], tools: Sequence[Schema], sampling: Mapping[str, Any]
) -> dict[str, Any]:
    """A streaming request; no tool is ever forced. `chat_template_kwargs` keeps Qwen3 from thinking."""
    request: dict[str, Any] = {
        "model": model,
        "messages": wire_messages(messages),
        "stream": True,
        "stream_options": {"include_usage": True},
        "chat_template_kwargs": {"enable_thinking": False},
        **sampling,
    }
    return {**request, "tools": [dict(tool) for tool in tools]} if tools else request


def wire_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """As servers want them. Every call has an id here: one without gets one, and so does its result, by their order."""
    wire: list[dict[str, Any]] = []
    unanswered: list[str] = []
    for place, message in enumerate(messages):
        row: dict[str, Any] = {"role": message.role, "content": encodable(message.content)}
        if message.images:
            pictures = [{"type": "image_url", "image_url": {"url": _data_url(image)}} for image in message.images]
            row["content"] = [{"type": "text", "text": row["content"]}, *pictures]
        if message.tool_calls:
            unanswered = [call.id or f"call_{place}_{number}" for number, call in enumerate(message.tool_calls)]
            row["tool_calls"] = [_call(*pair) for pair in zip(message.tool_calls, unanswered, strict=True)]
        if message.role == "tool":
            id = message.call_id or next(iter(unanswered), f"call_{place}")
            unanswered = [other for other in unanswered if other != id]
            row |= {"tool_call_id": id, "name": message.tool}
        wire.append(row)
    return wire


def _call(call: ToolCall, id: str) -> dict[str, Any]:
    arguments = json.dumps(dict(call.arguments))
    return {"id": id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _data_url(image: bytes) -> str:
    kind = next((kind for start, kind in PICTURES.items() if image.startswith(start)), "png")
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


class Reading:
    """Puts a streamed answer together: text at once, calls when they are whole, the figures at the end."""

    def __init__(self) -> None:
        self._thought = LeadingThought()
        self._calls: list[dict[str, str]] = []
        self._open: dict[int, dict[str, str]] = {}
        """The calls that may go on, by their index."""
        self._usage: Mapping[str, Any] = {}
        self._logprobs: list[float] = []
        self._spoke = False
        self._cut = False

    def feed(self, chunk: Mapping[str, Any]) -> Iterator[Delta]:
        """What one `chat.completion.chunk` brings."""
        self._usage = chunk.get("usage") or self._usage
        for choice in chunk.get("choices") or ():
            self._cut = self._cut or choice.get("finish_reason") == "length"
            for each in (choice.get("logprobs") or {}).get("content") or ():
                self._logprobs.append(float(each["logprob"]))
            delta = choice.get("delta") or {}
            if text := self._thought.feed(str(delta.get("content") or "")):
                self._spoke = True
                yield text
            for part in delta.get("tool_calls") or ():
                self._add(part)

    def _add(self, part: Mapping[str, Any]) -> None:
        """Name and arguments come in pieces, told apart by their index; where all have index 0, by their ids."""
        index, id = int(part.get("index") or 0), str(part.get("id") or "")
        call = self._open.get(index)
        if call is None or (id and call["id"] and id != call["id"]):
            call = self._open[index] = {"id": "", "name": "", "arguments": ""}
            self._calls.append(call)
        function = part.get("function") or {}
        call["id"] = id or call["id"]
        call["name"] += function.get("name") or ""
        call["arguments"] += function.get("arguments") or ""

    def end(self) -> Iterator[Delta]:
        """The calls, in order, and the figures.

        Raises ChatError: `chat-call-garbled` for arguments that are no JSON, `chat-only-thought` for a cut thought.
        """
        if text := self._thought.end():
            self._spoke = True
            yield text
        for call in self._calls:
            yield ToolCall(call["name"], _arguments(call["arguments"]), call["id"])
        if self._cut and not self._spoke and not self._calls:
            raise only_thought()
        mean = sum(self._logprobs) / len(self._logprobs) if self._logprobs else None
        prompt, reply = (int(self._usage.get(key) or 0) for key in ("prompt_tokens", "completion_tokens"))
        yield ReplyStats(prompt, reply, mean, self._cut)


def _arguments(text: str) -> dict[str, Any]:
    try:
        arguments = json.loads(text or "{}")
    except ValueError as error:
        raise _garbled() from error
    if not isinstance(arguments, dict):
        raise _garbled()
    return arguments


def _garbled() -> ChatError:
    return ChatError("chat-call-garbled", "The language model asked for a tool in broken words.", "Ask again.")
