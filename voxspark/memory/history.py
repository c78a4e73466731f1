"""The conversation: what was said and what was heard. Append-only, one writer."""

from __future__ import annotations

import logging
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import anyio
from anyio.abc import TaskStatus

from voxspark.errors import ToolError
from voxspark.types import Action, Message, TurnResult

log = logging.getLogger(__name__)

CHARACTERS_PER_TOKEN = 4
"""Rule of thumb for English; only decides when to trim."""

MOST_EXCHANGES = 1_000
"""Kept in memory; older ones are forgotten."""

MOST_RESTORED = 200
"""Of an earlier run; more do not fit any model's window."""

SAVE_SECONDS = 1.0
"""How long the end of the daemon waits for the disk."""

DAY_SECONDS = 86_400.0

QUOTE_WORDS = 6
"""In a row: who says so many of a stranger's words again is quoting."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One committed turn."""

    at_utc: float
    """POSIX seconds."""
    said: str
    heard: str
    actions: tuple[Action, ...] = ()
    interrupted: bool = False
    by_strangers: bool = False
    """What was heard may repeat what a stranger wrote."""


class ConversationStore(Protocol):
    """Where the conversation outlives the daemon."""

    async def newest(self, limit: int, since_utc: float) -> list[Exchange]:
        """Oldest first. Raises ToolError."""
        ...

    async def put(self, exchanges: Sequence[Exchange], keep_since_utc: float) -> None:
        """Add these, and drop what is older than that. Raises ToolError."""
        ...

    async def clear(self) -> None:
        """Forget all of it. Raises ToolError."""
        ...


class History:
    """The newest exchanges.

    The prompt sees a window of it that is cut rarely and in big blocks: each cut changes the beginning of the prompt,
    which costs the model's whole prefix cache (measured by others: 0.1 s becomes 0.9 to 1.5 s).
    """

    def __init__(
        self,
        budget_tokens: int,
        store: ConversationStore | None = None,
        keep_days: float = 30.0,
        now_utc: Callable[[], float] = time.time,
    ) -> None:
        """`store` keeps it for `keep_days`, as long as `run` runs; without one it ends with the daemon."""
        self._exchanges: list[Exchange] = []
        self._first = 0
        self._budget_characters = budget_tokens * CHARACTERS_PER_TOKEN
        self._store = store
        self._keep_seconds = keep_days * DAY_SECONDS
        self._now_utc = now_utc
        self._unsaved: deque[Exchange] = deque(maxlen=MOST_EXCHANGES)
        self._committed = anyio.Event()

    def commit(self, result: TurnResult) -> None:
        """Write down one turn: what the user said, what they heard, what really happened.

        A turn that nobody heard and that changed nothing leaves no trace.
        """
        if not (result.heard or result.actions):
            return
        exchange = Exchange(
            self._now_utc(),
            result.transcript,
            result.heard,
            result.actions,
            result.outcome == "interrupted",
            result.by_strangers or self._quotes_strangers(result.heard),
        )
        self._append(exchange)
        self._unsaved.append(exchange)
        self._committed.set()

    def _quotes_strangers(self, heard: str) -> bool:
        """Whether it says again what the window has of strangers, which may leave the window earlier."""
        runs = _runs(heard)
        return any(runs & _runs(e.heard) for e in self._exchanges[self._first :] if e.by_strangers)

    def _append(self, exchange: Exchange) -> None:
        self._exchanges.append(exchange)
        while sum(len(e.said) + len(e.heard) for e in self._exchanges[self._first :]) > self._budget_characters:
            self._first += (len(self._exchanges) - self._first + 1) // 2
        if (excess := len(self._exchanges) - MOST_EXCHANGES) > 0:
            del self._exchanges[:excess]
            self._first = max(0, self._first - excess)

    # ── what it is read for ─────────────────────────────────────────────────────────────────────

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
    def by_strangers(self) -> bool:
        """Whether the window may repeat what a stranger wrote."""
        return any(exchange.by_strangers for exchange in self._exchanges[self._first :])

    @property
    def last_heard(self) -> str:
        """The last reply, as far as it was heard."""
        return next((e.heard for e in reversed(self._exchanges) if e.heard), "")

    def to_json(self, limit: int) -> list[dict[str, Any]]:
        """The newest exchanges, oldest first."""
        return [
            {
                "time": datetime.fromtimestamp(e.at_utc).astimezone().isoformat(timespec="seconds"),
                "said": e.said,
                "heard": e.heard,
                "interrupted": e.interrupted,
                "actions": [{"tool": a.tool, "arguments": a.arguments, "result": a.result} for a in e.actions],
            }
            for e in self._exchanges[-limit:]
        ]

    # ── on disk ─────────────────────────────────────────────────────────────────────────────────

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Go on where the daemon ended, then write down what is committed, until cancelled."""
        await self._restore()
        task_status.started()
        try:
            while True:
                await self._committed.wait()
                self._committed = anyio.Event()
                await self._save()
        finally:
            with anyio.move_on_after(SAVE_SECONDS, shield=True):
                await self._save()

    async def forget(self) -> None:
        """All of it, on disk too. Raises ToolError."""
        self._unsaved.clear()
        if self._store is not None:
            await self._store.clear()
        self._exchanges, self._first = [], 0

    async def _restore(self) -> None:
        if self._store is None:
            return
        try:
            for exchange in await self._store.newest(MOST_RESTORED, self._keep_since_utc):
                self._append(exchange)
        except ToolError as error:
            log.warning("the conversation cannot be read: %s", error.code)

    async def _save(self) -> None:
        """What the disk does not take waits for the next turn."""
        if self._store is None or not self._unsaved:
            return
        exchanges = list(self._unsaved)
        try:
            await self._store.put(exchanges, self._keep_since_utc)
        except ToolError as error:
            log.warning("the conversation cannot be kept: %s", error.code)
            return
        for exchange in exchanges:
            if self._unsaved and self._unsaved[0] is exchange:
                self._unsaved.popleft()

    @property
    def _keep_since_utc(self) -> float:
        return self._now_utc() - self._keep_seconds


def _runs(text: str) -> set[tuple[str, ...]]:
    """All words in a row that make a quotation; of a shorter text, all of it."""
    words = re.findall(r"\w+", text.casefold())
    last = max(len(words) - QUOTE_WORDS, 0)
    return {tuple(words[at : at + QUOTE_WORDS]) for at in range(last + 1)} - {()}
