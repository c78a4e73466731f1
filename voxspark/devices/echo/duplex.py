"""May it listen while it speaks? Cancels, measures, decides, and tells."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal

import anyio
from anyio.abc import TaskStatus

from voxspark.config_listening import EchoSettings
from voxspark.devices.echo.aec3 import Aec3
from voxspark.devices.echo.canceller import Canceller
from voxspark.devices.echo.far_end import FarEnd
from voxspark.devices.echo.selftest import Measured, chime, judge
from voxspark.devices.echo.system import system_canceller
from voxspark.errors import DeviceError
from voxspark.events import DeviceChanged, EchoMeasured, Event
from voxspark.protocols import Clock, Emit, Speaker
from voxspark.types import CHUNK_SECONDS, Chunk

log = logging.getLogger(__name__)

FLOOR_SECONDS = 0.3
"""The room by itself, before the chime."""
ECHO_SECONDS = 0.4
"""After it."""
LEAST_SHARE = 0.8
"""Of the chunks that are due meanwhile; with fewer nothing is measured."""
TRIES = 3
SOUND = ("microphone", "speaker")
PAUSE_SECONDS = 5.0
"""Between them: where somebody spoke or there was other noise, and once where the canceller knew the delay too late."""

Yielding = Callable[[Callable[[], Awaitable[Measured | None]]], Awaitable[Measured | None]]
"""Runs work unless a turn is live or begins; then None (`agent.swarm.LiveTurns.yielding`)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it may listen while it speaks."""

    duplex: Literal["full", "half"]
    reason: str
    measured: Measured | None = None


ALWAYS = {
    "full": Verdict("full", "The settings say that the canceller is good enough."),
    "half": Verdict("half", "The settings say that it is deaf while it speaks."),
}
UNTESTED = Verdict("full", "Echo is cancelled; how well has not been measured.")
MISSING = Verdict(
    "half", "There is no echo canceller, so it is deaf while it speaks. Run: pip install pywebrtc-audio, or use"
    ' headphones and echo.mode = "off".'
)  # fmt: skip


class Duplex:
    """Implements `protocols.Echo` for a microphone and a speaker of sound cards."""

    def __init__(
        self,
        settings: EchoSettings,
        far_end: FarEnd,
        speaker: Speaker,
        emit: Emit,
        clock: Clock,
        *,
        subscribe: Callable[[], AbstractAsyncContextManager[AsyncIterator[Event]]],
        yielding: Yielding,
        find_system: Callable[[str], Awaitable[str | None]] = system_canceller,
    ) -> None:
        self._settings = settings
        self._speaker = speaker
        self._emit = emit
        self._clock = clock
        self._subscribe = subscribe
        self._yielding = yielding
        self._find_system = find_system
        self._ours = _load()
        self._canceller = Canceller(far_end, self._ours)
        self._system: str | None = None
        self._devices: dict[str, str] = {}
        self._measured: dict[tuple[str, ...], Verdict] = {}
        self._verdict = ALWAYS.get(settings.mode) or self._unmeasured()

    # ── protocols.Echo ──────────────────────────────────────────────────────────────────────────

    def clean(self, chunk: Chunk) -> Chunk:
        """See `protocols.Echo`."""
        return self._canceller.clean(chunk)

    @property
    def deaf(self) -> bool:
        """See `protocols.Echo`."""
        half = self._verdict.duplex == "half"
        return self._canceller.audible if half else self._canceller.unsettled

    def state(self) -> dict[str, Any]:
        """See `protocols.Echo`."""
        delay, loss = self._canceller.delay, self._canceller.loss_db
        return {
            "duplex": self._verdict.duplex,
            "reason": self._verdict.reason,
            "canceller": self._system or ("webrtc" if self._canceller.filter else "none"),
            "delay_ms": None if delay is None else round(delay.seconds * 1000),
            "loss_db": None if loss is None else round(loss, 1),
            "drift_ppm": round(self._canceller.drift_ppm),
        }

    # ── in the background ───────────────────────────────────────────────────────────────────────

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Decide again whenever a microphone or a speaker opens, until cancelled."""
        async with self._subscribe() as events:
            task_status.started()
            async for event in events:
                if isinstance(event, DeviceChanged) and event.device in SOUND:
                    await self._changed(event)

    async def _changed(self, event: DeviceChanged) -> None:
        if event.state != "open":
            self._devices.pop(event.device, None)
            return
        self._devices[event.device] = event.detail
        if len(self._devices) == 2:
            await self._decide(self._devices["microphone"])

    async def _decide(self, microphone: str) -> None:
        self._system = await self._find_system(microphone)
        self._canceller.filter = None if self._system else self._ours
        self._canceller.forget()
        if self._settings.mode == "auto":
            pair = (microphone, self._devices["speaker"], self._system or "")
            verdict = self._measured.get(pair) or await self._test()
            if verdict is not None:
                self._measured[pair] = verdict
            self._tell(verdict or self._unmeasured())
        else:
            self._tell(ALWAYS[self._settings.mode])

    def _unmeasured(self) -> Verdict:
        if self._system:
            return Verdict("full", f"The sound server cancels the echo: {self._system}.")
        return UNTESTED if self._canceller.filter else MISSING

    def _tell(self, verdict: Verdict) -> None:
        self._verdict, measured = verdict, verdict.measured
        self._canceller.idle = measured is not None and measured.verdict == "no echo"
        log.info("%s duplex: %s", verdict.duplex, verdict.reason)
        heard = measured is not None and measured.delay_seconds is not None
        delay = self._canceller.delay.seconds if heard and self._canceller.delay else None
        loss = measured.echo_db - measured.residue_db if measured and heard else None
        self._emit(EchoMeasured(self._clock(), verdict.duplex, verdict.reason, delay, loss))

    async def _test(self) -> Verdict | None:
        """Chime until something is known; None when nothing can be."""
        if not self._settings.selftest:
            return None
        verdict: Verdict | None = None
        for attempt in range(TRIES):
            if attempt:
                await anyio.sleep(PAUSE_SECONDS)
            try:
                measured = await self._yielding(self._chime)
            except DeviceError:
                return None
            if measured is None:
                continue
            verdict = self._judged(measured)
            if verdict.duplex == "full" or attempt or self._canceller.filter is None:
                break
        return verdict

    async def _chime(self) -> Measured | None:
        began, before = anyio.current_time(), self._canceller.chunks
        await anyio.sleep(FLOOR_SECONDS)
        if not self._hears(began, before):
            return None  # muted, or gone
        self._speaker.begin()
        await self._speaker.play(chime())
        await self._speaker.drain()
        await anyio.sleep(ECHO_SECONDS)
        if not self._hears(began, before):
            return None
        self._canceller.measure()
        return judge(self._canceller.recent)

    def _hears(self, since: float, chunks: int) -> bool:
        due = (anyio.current_time() - since) / CHUNK_SECONDS
        return self._canceller.chunks - chunks >= LEAST_SHARE * due

    def _judged(self, measured: Measured) -> Verdict:
        if measured.verdict == "no echo":
            return Verdict("full", "The microphone does not hear the speaker.", measured)
        if measured.verdict == "cancelled":
            by = f"The sound server ({self._system})" if self._system else "The echo canceller"
            return Verdict("full", f"{by} takes out what the microphone hears of the speaker.", measured)
        if self._system:
            return Verdict("half", f"The sound server's echo canceller ({self._system}) is not enough.", measured)
        if self._canceller.filter is None:
            return Verdict("half", MISSING.reason, measured)
        return Verdict("half", "The echo canceller leaves too much of what the microphone hears.", measured)


def _load() -> Aec3 | None:
    try:
        return Aec3()
    except DeviceError as error:
        log.warning("%s: %s %s", error.code, error.message, error.remedy)
        return None


def outlook(settings: EchoSettings) -> tuple[bool, str, str]:
    """For a checkup: whether it can listen while it speaks, a sentence, and what to do."""
    if settings.mode != "auto":
        return True, ALWAYS[settings.mode].reason if settings.mode in ALWAYS else "The canceller is switched off.", ""
    try:
        Aec3()
    except DeviceError as error:
        return False, f"{error.message} It is deaf while it speaks.", error.remedy
    return True, "What it plays is taken out of what it hears.", ""
