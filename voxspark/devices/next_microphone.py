"""Which microphone is opened: the one of the settings or, while that gives nothing, the next real one."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from voxspark.errors import DeviceError
from voxspark.protocols import Clock

if TYPE_CHECKING:
    from voxspark.devices.retry import OpenMicrophone

log = logging.getLogger(__name__)

Open = Callable[[], Awaitable["OpenMicrophone"]]

NOTHING_SECONDS = 5.0
"""An open device that gave no sample for so long, in spite of reopening, is as good as none."""

SOUND_SECONDS = 5.0
"""Zeros alone for so long from a device just chosen: see `level.ZERO_SECONDS`."""

TRIAL_SECONDS = 2.0
"""The same, while the first choice is tried again and somebody may be speaking to another."""

FIRST_RETURN_SECONDS = 60.0
LONGEST_RETURN_SECONDS = 600.0
"""Between two tries of the first choice, and between two rounds through all others: twice as long each time."""

CONNECT_SECONDS = 1.0

_VIRTUAL = re.compile(
    r"monitor|loopback|stereo mix|what u hear|"
    r"^(?:default|sysdefault|pulse|pipewire|jack|dsnoop|null|oss|speex|(?:lav|sample|speex)rate|upmix|vdownmix|front)$",
    re.IGNORECASE,
)
"""What is played, and ALSA's and the sound servers' other names of devices that are listed by themselves."""


def real_microphones(names: Iterable[str]) -> list[str]:
    """Those of PortAudio's names of microphones that are devices."""
    return [name for name in names if not _VIRTUAL.search(name)]


def default_is_muted() -> bool:
    """Whether the sound server's default source is muted; false also where nobody can be asked."""
    try:
        import pulsectl
    except ImportError:
        return False
    try:
        with pulsectl.Pulse("voxspark", connect=False) as pulse:
            pulse.connect(timeout=CONNECT_SECONDS)
            source = pulse.get_source_by_name(pulse.server_info().default_source_name)
            return bool(source.mute) or source.volume.value_flat == 0
    except pulsectl.PulseError:
        return False


class Choice:
    """Opens the first choice, or another in its place. Nothing is left for having become silent: that is what mute
    switches do. Only a device that never gave a sound, or gives no samples at all, is."""

    def __init__(self, first: Open, others: Callable[[], Awaitable[Sequence[Open]]], clock: Clock) -> None:
        """`others` lists the others anew; it is empty where none may be heard in place of the first."""
        self._first = first
        self._others = others
        self._clock = clock
        self._left: list[Open] = []
        self._good: Open | None = None
        """The other one that works."""
        self._now = self._asked = first
        self._sounded: set[str] = set()
        self._wait_seconds = FIRST_RETURN_SECONDS
        self._return_at = float("-inf")

    @property
    def in_place(self) -> bool:
        """Another one is heard in place of the first."""
        return self._now is not self._first

    @property
    def on_trial(self) -> bool:
        """The first is tried again, while another one works."""
        return self._good is not None and not self.in_place

    @property
    def patience_seconds(self) -> float:
        """So long the device may give zeros alone after it was chosen."""
        return TRIAL_SECONDS if self.on_trial else SOUND_SECONDS

    def changed(self) -> bool:
        """Another one was opened than when this was last asked."""
        before, self._asked = self._asked, self._now
        return before is not self._now

    @property
    def returns(self) -> bool:
        """It is time to try the first again."""
        return self.in_place and self._clock() >= self._return_at

    async def open(self) -> OpenMicrophone:
        """Open the one whose turn it is; one that cannot be opened is left for the next. Raises DeviceError."""
        while self.in_place:
            try:
                return await self._now()
            except DeviceError as error:
                log.info("not in place of the microphone: %s", error.message)
                self._take_next()
        return await self._first()

    def sounds(self, description: str) -> None:
        """What was opened gives sound."""
        self._sounded.add(description)
        if self.in_place:
            self._good = self._now
        else:
            self._good, self._wait_seconds = None, FIRST_RETURN_SECONDS

    def go_back(self) -> None:
        """Try the first again."""
        self._now = self._first
        self._put_off()

    async def give_up(self, description: str, *, silent: bool) -> None:
        """What was opened gives nothing (or, `silent`, zeros): choose another, if one may be heard in its place."""
        if self.on_trial:
            self._left = await self._list()
            if self._left and self._good is not None:
                self._now = self._good
            self._good = None
        elif silent and description in self._sounded:
            return
        elif self.in_place:
            self._take_next()
        elif self._clock() >= self._return_at:
            self._left = await self._list()
            self._put_off()
            self._take_next()

    async def _list(self) -> list[Open]:
        try:
            return list(await self._others())
        except DeviceError as error:
            log.info("no other microphone: %s", error.message)
            return []

    def _take_next(self) -> None:
        self._good = None
        self._now = self._left.pop(0) if self._left else self._first

    def _put_off(self) -> None:
        self._return_at = self._clock() + self._wait_seconds
        self._wait_seconds = min(2 * self._wait_seconds, LONGEST_RETURN_SECONDS)
