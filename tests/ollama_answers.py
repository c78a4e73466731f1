"""From a scripted reply to frames on the wire: /api/chat and /api/generate, in one piece or as a stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from tests.ollama_bodies import chat_frame, ended, generate_frame, logprob, measured, tool_call
from tests.ollama_http import Wire
from tests.ollama_values import ApiError, Exchange, Reply

Part = dict[str, Any]
"""What one frame adds to the message: `content`, `thinking`, `tool_calls`; and beside it: `logprobs`."""

Frame = Callable[[str, Part], dict[str, Any]]

CUT = b'{"model":"qwen3:8b","created_at":"2026-11-2'


async def parts_of(reply: Reply) -> AsyncGenerator[Part, None]:
    """The frames of a reply but for the last."""
    if reply.silent and reply.hold:
        await reply.hold.wait()
    for thought in reply.thinking:
        yield {"content": "", "thinking": thought}
    for index, delta in enumerate(reply.deltas):
        yield {"content": delta}
        if index == 0 and reply.hold:
            await reply.hold.wait()
    for calls in _call_frames(reply):
        yield {"content": "", "tool_calls": calls}


def _call_frames(reply: Reply) -> Iterator[list[dict[str, Any]]]:
    calls = [tool_call(call, 0 if reply.index_stuck else index) for index, call in enumerate(reply.calls)]
    if reply.calls_in == "one" and calls:
        yield calls
    elif reply.calls_in == "each":
        yield from ([call] for call in calls)


@dataclass
class Answering:
    """One generation under way."""

    exchange: Exchange
    wire: Wire
    reply: Reply
    parts: AsyncGenerator[Part, None]
    out_of_memory: Callable[[], None] = lambda: None
    """Called when the generation dies of it."""
    _tokens: int = 0
    _whole: Part = field(default_factory=lambda: {"content": ""})

    async def run(self) -> None:
        """Send it all. Raises ApiError while that can still be an HTTP status."""
        request = self.exchange.request
        limit = request.get("options", {}).get("num_predict", -1)
        reason = self.reply.done_reason
        logprobs = cycle(self.reply.logprobs)
        async with aclosing(self.parts) as parts:
            async for part in parts:
                if 0 <= limit <= self._tokens and "tool_calls" not in part:
                    reason = "length"
                    break
                self._tokens += 1
                if request.get("logprobs"):
                    token = part["content"] or part.get("thinking", "")
                    part = {**part, "logprobs": [logprob(token, next(logprobs))]}
                self._add(part)
                if self._streaming:
                    await self.wire.line(self.exchange, self._frame(part))
        await self._end(reason)

    @property
    def _streaming(self) -> bool:
        return bool(self.exchange.request.get("stream", True))

    def _frame(self, part: Part) -> dict[str, Any]:
        make: Frame = chat_frame if self.exchange.path == "/api/chat" else generate_frame
        message = {name: value for name, value in part.items() if name != "logprobs"}
        frame = make(self.exchange.request["model"], message)
        return {**frame, "logprobs": part["logprobs"]} if "logprobs" in part else frame

    def _add(self, part: Part) -> None:
        for name, value in part.items():
            self._whole[name] = self._whole[name] + value if name in self._whole else value

    async def _end(self, reason: str) -> None:
        match self.reply.ending:
            case "done":
                await self._done(reason)
            case "error":
                self.out_of_memory()
                if not self.exchange.frames:
                    raise ApiError(500, self.reply.error)
                await self.wire.line(self.exchange, {"error": self.reply.error})
                await self.wire.end(self.exchange)
            case "cut_line":
                await self.wire.torn_line(self.exchange, CUT)
                await self.wire.end(self.exchange)
            case "clean_death":
                await self.wire.end(self.exchange)
            case "reset":
                await self.wire.begin(self.exchange)
                await self.wire.reset()

    async def _done(self, reason: str) -> None:
        calls = [tool_call(call, index) for index, call in enumerate(self.reply.calls)]
        late: Part = {"tool_calls": calls} if self.reply.calls_in == "done" and calls else {}
        figures = measured(self.exchange.prompt_tokens, self._tokens)
        if self._streaming:
            await self.wire.line(self.exchange, {**ended(self._frame({"content": "", **late}), reason), **figures})
            await self.wire.end(self.exchange)
        else:
            self._add(late)
            await self.wire.send(self.exchange, {**ended(self._frame(self._whole), reason), **figures})
