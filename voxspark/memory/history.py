"""The conversation: what was said and what was heard. Append-only, one writer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voxspark.types import Action, Message, TurnResult

CHARACTERS_PER_TOKEN = 4
"""Rule of thumb for English; only decides when to trim."""

MOST_EXCHANGES = 1_000
"""Kept in memory; older ones are forgotten."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One committed turn."""

    at: float
    said: str
    heard: str
    actions: tuple[Action, ...] = ()
    interrupted: bool = False


class History:
    """The newest exchanges of this run of the daemon.

    The prompt sees a window of it that is cut rarely and in big blocks: each cut changes the beginning of the prompt,
    which costs the model's whole prefix cache (measured by others: 0.1 s becomes 0.9 to 1.5 s).
    """

    def __init__(self, budget_tokens: int) -> None:
        self._exchanges: list[Exchange] = []
        self._first = 0
        self._budget_characters = budget_tokens * CHARACTERS_PER_TOKEN

    def commit(self, result: TurnResult, at: float) -> None:
        """Write down one turn: what the user said, what they heard, what really happened.

        A turn that nobody heard and that changed nothing leaves no trace.
        """
        if not (result.heard or result.actions):
            return
        interrupted = result.outcome == "interrupted"
        self._exchanges.append(Exchange(at, result.transcript, result.heard, result.actions, interrupted))
        while sum(len(e.said) + len(e.heard) for e in self._exchanges[self._first :]) > self._budget_characters:
            self._first += (len(self._exchanges) - self._first + 1) // 2
        if (excess := len(self._exchanges) - MOST_EXCHANGES) > 0:
            del self._exchanges[:excess]
            self._first = max(0, self._first - excess)

    def messages(self) -> list[Message]:
        """The window as chat messages; an interrupted reply ends where it was cut."""
        messages: list[Message] = []
        for exchange in self._exchanges[self._first :]:
            if exchange.said:
                messages.append(Message("user", exchange.said))
            heard = f"{exchange.heard} …" if exchange.interrupted else exchange.heard
            messages.append(Message("assistant", heard or "…"))
        return messages

    @property
    def last_heard(self) -> str:
        """The last reply, as far as it was heard."""
        return next((e.heard for e in reversed(self._exchanges) if e.heard), "")

    def to_json(self, limit: int) -> list[dict[str, Any]]:
        """The newest exchanges, oldest first."""
        return [
            {
                "at": round(e.at, 3),
                "said": e.said,
                "heard": e.heard,
                "interrupted": e.interrupted,
                "actions": [{"tool": a.tool, "arguments": a.arguments, "result": a.result} for a in e.actions],
            }
            for e in self._exchanges[-limit:]
        ]
