"""What the doors need from the assistant."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from voxspark.events import Event, ModelPulled
from voxspark.types import Pcm16, Transcript


class Daemon(Protocol):
    """The assistant, as a door sees it. Every call raises VoxSparkError when it cannot be done now."""

    def ask(
        self, text: str, *, aloud: bool, role: str = "", images: tuple[bytes, ...] = (), guest: bool = False
    ) -> AsyncGenerator[Event, None]:
        """Answer a question: the events of that turn only, ending with TurnEnded. `role`: who of the team answers;
        `images`: encoded pictures it is about, ready for a model; `guest`: not the owner asks.

        Closing the generator stops the reading, not the turn.
        """
        ...

    def say(self, text: str) -> AsyncGenerator[Event, None]:
        """Speak a text as it is; events and closing as in `ask`."""
        ...

    def press(self) -> None:
        """Push-to-talk goes down."""
        ...

    def release(self) -> None:
        """Push-to-talk comes up."""
        ...

    def toggle(self) -> None:
        """Push-to-talk goes down, or up where it is down."""
        ...

    async def mute(self, on: bool | None) -> bool:
        """Close the microphone (true), open it, or whatever it is not (None); whether it is closed now."""
        ...

    def stop(self) -> None:
        """Be quiet: end the live turn and whatever rings."""
        ...

    def shutdown(self, reason: str) -> None:
        """End the daemon soon; returns at once."""
        ...

    def status(self) -> dict[str, Any]:
        """JSON-ready state of the daemon; `memory` is the ledger, or None without a memory plan."""
        ...

    def microphone(self) -> dict[str, Any]:
        """The microphone now: what `status` says of it, `speech`, the probability that somebody speaks, and
        `echo`, whether it listens while it speaks (`full` or `half`)."""
        ...

    def history(self, limit: int) -> list[dict[str, Any]]:
        """The last turns, oldest first, JSON-ready."""
        ...

    async def transcribe(self, samples: Pcm16) -> Transcript:
        """Text of an utterance, mono 16 kHz, any length."""
        ...

    def record(self, turns: int) -> dict[str, Any]:
        """Keep so many of the next turns with their sound, none to end it: `folder`, `turns`, `days`."""
        ...

    def subscribe(self) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        """Every event from now on.

        The iterator raises ControlError `subscriber-too-slow` when its reader falls 256 events behind.
        """
        ...

    async def swarm(self, questions: Sequence[str]) -> list[dict[str, Any]]:
        """Answers, in order, made in the background: `question`, `text`, `error` (or None), `seconds`."""
        ...

    async def models_load(self, name: str) -> dict[str, Any]:
        """Bring a model (a key, a tag, an alias or a role) into memory: `model`, `name`, `bytes`, `seconds`."""
        ...

    async def models_unload(self, name: str) -> dict[str, Any]:
        """Take it out of memory when nobody uses it: `model`, `freed_bytes`."""
        ...

    def models_pull(self, name: str) -> AsyncGenerator[ModelPulled, None]:
        """Download it, ending with the status `success`; closing the generator stops the download, and the next one
        goes on where it stopped."""
        ...

    async def models_list(self) -> list[dict[str, Any]]:
        """Every model of the catalogue, as `vram.listing.rows` makes them."""
        ...


class Recorder(Protocol):
    """Who keeps single turns, as the door's side of the daemon sees it."""

    @property
    def turns_left(self) -> int:
        """How many of the next turns are kept."""
        ...

    def begin(self, turns: int) -> dict[str, Any]:
        """See `Daemon.record`."""
        ...


class Models(Protocol):
    """The memory plan, as the door's side of the daemon sees it. Every call raises VoxSparkError."""

    def snapshot(self) -> dict[str, Any]:
        """The ledger, JSON-ready."""
        ...

    async def load(self, name: str) -> dict[str, Any]:
        """See `Daemon.models_load`."""
        ...

    async def unload(self, name: str) -> dict[str, Any]:
        """See `Daemon.models_unload`."""
        ...

    def pull(self, name: str) -> AsyncGenerator[ModelPulled, None]:
        """See `Daemon.models_pull`."""
        ...

    async def list(self) -> list[dict[str, Any]]:
        """See `Daemon.models_list`."""
        ...
