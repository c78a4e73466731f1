"""The hotkey at work: its strokes become signals in the assistant's inbox, and a lost one comes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
from anyio.abc import TaskStatus

from voxspark.config_listening import HotkeySettings
from voxspark.devices.hotkey.ways import Choice, choose, shortcuts_of
from voxspark.errors import ControlError, DeviceError
from voxspark.events import DeviceChanged, Failed
from voxspark.protocols import Clock, Emit
from voxspark.types import KeyPressed, KeyReleased, KeyStroke, MuteRequested, Pressed, Released, Toggled

FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 2.0
"""Short: a keyboard that is plugged in, or a desktop that comes back, is to work at once."""

FINAL = "hotkey-refused"
"""After it nobody is asked again: the user does not want it."""

BUSY_SECONDS = 0.05

STAGE = "hotkey"
"""Of its failures: no run over files ends for them, as it would for a missing microphone."""

Stroke = Pressed | Released | Toggled | MuteRequested

Post = Callable[[Stroke], None]


class PushToTalk:
    """Watches the keys of the settings as long as the daemon runs.

    `post` takes signals, and may raise ControlError.
    """

    def __init__(
        self,
        settings: HotkeySettings,
        post: Post,
        emit: Emit,
        clock: Clock,
        *,
        choose: Callable[[HotkeySettings], Awaitable[Choice]] = choose,
    ) -> None:
        self._settings = settings
        self._post = post
        self._emit = emit
        self._clock = clock
        self._choose = choose
        self._engine: str = settings.engine
        self._state = "opening" if shortcuts_of(settings) else "off"
        self._held = False

    def state(self) -> dict[str, str]:
        """`engine`, `key`, and `state`: `off`, `opening`, `open` or `lost: MESSAGE`."""
        return {"engine": self._engine, "key": self._settings.key, "state": self._state}

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled, or the user refuses; started at once."""
        task_status.started()
        wait_seconds = FIRST_WAIT_SECONDS
        while self._state != "off":
            try:
                await self._watch()
            except DeviceError as error:
                wait_seconds = FIRST_WAIT_SECONDS if self._state == "open" else wait_seconds
                self._lost(error)
                await self._let_go()
                if error.code == FINAL:
                    return
            await anyio.sleep(wait_seconds)
            wait_seconds = min(2 * wait_seconds, LONGEST_WAIT_SECONDS)

    async def _watch(self) -> None:
        choice = await self._choose(self._settings)
        self._engine = choice.hotkey.way
        async with choice.hotkey.watch() as strokes:
            self._state = "open"
            keys = " and ".join(filter(None, (self._settings.key, self._settings.mute_key)))
            self._emit(DeviceChanged(self._clock(), "hotkey", "open", f"{keys}, by {self._engine}"))
            async for stroke in strokes:
                await self._take(stroke)

    async def _take(self, stroke: KeyStroke) -> None:
        match stroke, self._settings.mode:
            case KeyPressed("mute"), _:
                await self._send(MuteRequested(None, "hotkey"))
            case KeyPressed("talk"), "toggle":
                await self._send(Toggled(self._clock()))
            case KeyPressed("talk"), _:
                self._held = True
                await self._send(Pressed(self._clock()))
            case KeyReleased("talk"), _:
                await self._let_go()

    async def _let_go(self) -> None:
        """The key is up, or nobody can see it any more."""
        if self._held:
            self._held = False
            await self._send(Released(self._clock()))

    async def _send(self, signal: Stroke) -> None:
        """A release must not get lost, so a busy inbox is waited for."""
        while True:
            try:
                return self._post(signal)
            except ControlError as error:
                if error.code != "busy":
                    return
            await anyio.sleep(BUSY_SECONDS)

    def _lost(self, error: DeviceError) -> None:
        known = self._state.startswith("lost")
        self._state = f"lost: {error.message}"
        if not known:
            now = self._clock()
            self._emit(Failed(now, STAGE, error.code, error.message, error.remedy))
            self._emit(DeviceChanged(now, "hotkey", "lost", error.message))
